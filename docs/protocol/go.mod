module github.com/s3compact/s3compact/docs/protocol

go 1.26
