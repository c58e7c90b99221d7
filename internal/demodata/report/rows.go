package report

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/s3compact/s3compact/internal/demodata"
)

// What a report says of an object in a bucket without encryption of its own
// and without bucket keys.
const (
	notEncrypted = "NOT-SSE"
	noBucketKey  = "DISABLED"
)

// Rows are given rows.
func Rows(rows ...Row) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// RowsOf are the rows of objects that were made, as if they were plain PUTs
// into the bucket, all at the same time.
func RowsOf(m *demodata.Manifest, bucket string, lastModified time.Time) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for _, o := range m.Objects {
			row := Row{
				Bucket: bucket, Key: o.Key, IsLatest: true, SizeBytes: o.SizeBytes, LastModified: lastModified, ETag: o.MD5,
				StorageClass: "STANDARD", EncryptionStatus: notEncrypted, BucketKeyStatus: noBucketKey, ChecksumAlgorithm: "CRC64NVME",
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// List are the rows of a bucket as a listing shows it now: of its objects, or
// of all versions and delete markers.
func List(ctx context.Context, client *s3.Client, bucket string, versions bool) iter.Seq2[Row, error] {
	if versions {
		return listVersions(ctx, client, bucket)
	}
	return func(yield func(Row, error) bool) {
		pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &bucket})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(Row{}, fmt.Errorf("list bucket %s: %w", bucket, err))
				return
			}
			for _, o := range page.Contents {
				row := liveRow(bucket, aws.ToString(o.Key), aws.ToString(o.ETag), aws.ToInt64(o.Size), aws.ToTime(o.LastModified), string(o.StorageClass), o.ChecksumAlgorithm)
				row.IsLatest = true
				if !yield(row, nil) {
					return
				}
			}
		}
	}
}

func listVersions(ctx context.Context, client *s3.Client, bucket string) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		pages := s3.NewListObjectVersionsPaginator(client, &s3.ListObjectVersionsInput{Bucket: &bucket})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(Row{}, fmt.Errorf("list the versions in bucket %s: %w", bucket, err))
				return
			}
			for _, v := range page.Versions {
				row := liveRow(bucket, aws.ToString(v.Key), aws.ToString(v.ETag), aws.ToInt64(v.Size), aws.ToTime(v.LastModified), string(v.StorageClass), v.ChecksumAlgorithm)
				row.VersionID, row.IsLatest = aws.ToString(v.VersionId), aws.ToBool(v.IsLatest)
				if !yield(row, nil) {
					return
				}
			}
			for _, d := range page.DeleteMarkers {
				row := Row{
					Bucket: bucket, Key: aws.ToString(d.Key), VersionID: aws.ToString(d.VersionId),
					IsLatest: aws.ToBool(d.IsLatest), IsDeleteMarker: true, LastModified: aws.ToTime(d.LastModified),
				}
				if !yield(row, nil) {
					return
				}
			}
		}
	}
}

func liveRow(bucket, key, etag string, sizeBytes int64, modified time.Time, class string, checksums []types.ChecksumAlgorithm) Row {
	names := make([]string, len(checksums))
	for i, c := range checksums {
		names[i] = string(c)
	}
	etag = strings.Trim(etag, `"`)
	return Row{
		Bucket: bucket, Key: key, SizeBytes: sizeBytes, LastModified: modified, ETag: etag, StorageClass: class,
		IsMultipart: strings.Contains(etag, "-"), EncryptionStatus: notEncrypted, BucketKeyStatus: noBucketKey,
		ChecksumAlgorithm: strings.Join(names, ","),
	}
}
