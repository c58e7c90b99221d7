package parquetconv

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/validate"
)

// upload is a file that is sent without being completed.
type upload struct {
	file   io.ReaderAt // of output.Size bytes
	output Output
}

// maxParts is the most parts of an upload, with room to spare (S3 allows 10,000).
const maxParts = 9000

// maxKeyBytes is the longest key of an object.
const maxKeyBytes = 1024

// send uploads the file's bytes and completes the output's record.
func (u *upload) send(ctx context.Context, store Store, bucket string) error {
	if bucket != "" && len(u.output.Key) > maxKeyBytes {
		return fmt.Errorf("the key %s has more than %d bytes: use fewer or shorter partitions", name(bucket, u.output.Key), maxKeyBytes)
	}
	id, err := store.CreateUpload(ctx, bucket, u.output.Key, s3store.Attributes{ContentType: u.contentType()})
	if err != nil {
		return err
	}
	u.output.UploadID = id
	size := u.output.Size
	part := make([]byte, min(size, max(uploadPartBytes, size/maxParts)))
	var crc uint64
	for offset, number := int64(0), int32(1); offset < size; number++ {
		n, err := u.file.ReadAt(part, offset)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read a temporary file: %w", err)
		}
		crc = validate.CRC64Update(crc, part[:n])
		p, err := store.UploadPart(ctx, bucket, u.output.Key, id, number, part[:n], validate.CRC64(part[:n]))
		if err != nil {
			return err
		}
		u.output.Parts = append(u.output.Parts, p)
		offset += int64(n)
	}
	u.output.CRC64 = encodeCRC64(crc)
	return nil
}

func (u *upload) contentType() string {
	if u.output.Rejects {
		return "application/x-ndjson+gzip"
	}
	return "application/vnd.apache.parquet"
}
