// Package compactor joins the gzip members of a group into few large outputs
// and deletes the originals once every byte is proven to be in a durable
// output that a durable record names. Its rules, and why no worker can hurt
// another one, are in docs/protocol.md.
package compactor

import (
	"context"
	"io"
	"time"

	"github.com/s3compact/s3compact/internal/s3store"
)

// Store is what the compactor asks of S3. *s3store.Client is one. Errors wrap
// the sentinels of s3store; an error that wraps none of them means that
// nothing is known of what became of the request.
type Store interface {
	List(ctx context.Context, bucket string, o s3store.ListOptions, fn func(s3store.Page) error) error
	Get(ctx context.Context, bucket, key string, o s3store.GetOptions) (io.ReadCloser, s3store.Info, error)
	Head(ctx context.Context, bucket, key string) (s3store.Info, error)
	// Probe answers only on 200 and 404, with the server's clock at the answer.
	Probe(ctx context.Context, bucket, key string) (exists bool, date time.Time, err error)
	Put(ctx context.Context, bucket, key string, body []byte, o s3store.PutOptions) (s3store.Info, error)
	CreateUpload(ctx context.Context, bucket, key string, a s3store.Attributes) (uploadID string, err error)
	UploadPart(ctx context.Context, bucket, key, uploadID string, number int32, body []byte, crc64 uint64) (s3store.Part, error)
	// CopyPart makes a part of a whole object, of which the server copies the bytes while it is on its ETag.
	CopyPart(ctx context.Context, bucket, key, uploadID string, number int32, from s3store.CopySource) (s3store.Part, error)
	// CompleteUpload publishes an upload under a free key only.
	CompleteUpload(ctx context.Context, bucket, key, uploadID string, parts []s3store.Part, crc64nvme string) (etag string, err error)
	AbortUpload(ctx context.Context, bucket, key, uploadID string) error
	ListUploads(ctx context.Context, bucket, prefix string, fn func(s3store.Upload) error) error
	Delete(ctx context.Context, bucket, key, etag string) error
	DeleteBatch(ctx context.Context, bucket string, keys []s3store.KeyETag) (errs []error, err error)

	// Tagging is an object's tag set, URL-encoded, keys in order.
	Tagging(ctx context.Context, bucket, key string) (string, error)

	Versioned(ctx context.Context, bucket string) (bool, error)
	OwnerEnforced(ctx context.Context, bucket string) (bool, error)
	LockConfigured(ctx context.Context, bucket string) (bool, error)
	Lifecycle(ctx context.Context, bucket string) ([]s3store.LifecycleRule, error)
	// ServerTime is the last Date that the server sent.
	ServerTime() time.Time
	Requests() s3store.Requests
}

// readAll reads a small object whole.
func readAll(ctx context.Context, s Store, bucket, key string) ([]byte, error) {
	body, _, err := s.Get(ctx, bucket, key, s3store.GetOptions{})
	if err != nil {
		return nil, err
	}
	defer body.Close()
	b, err := io.ReadAll(io.LimitReader(body, maxRecordBytes+1))
	if err == nil && len(b) > maxRecordBytes {
		err = errRecordTooLarge(bucket, key)
	}
	return b, err
}
