package model

import (
	"context"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/validate"
)

// CopyPart implements the store.
func (c *Client) CopyPart(ctx context.Context, name, key, id string, number int32, from s3store.CopySource) (s3store.Part, error) {
	c.counted(&c.count.Put)
	s := c.server
	a := c.send(ctx, Call{Op: "copy", Bucket: name, Key: key, Upload: id, ETag: from.ETag}, func(b *bucket, call Call) Answer {
		u := b.uploads[id]
		if u == nil || u.key != key {
			return Answer{Err: call.err(404, "NoSuchUpload", s3store.ErrNotFound)}
		}
		source := s.buckets[from.Bucket]
		if source == nil {
			return Answer{Err: call.err(404, "NoSuchBucket", s3store.ErrNoBucket)}
		}
		v := source.current[from.Key]
		switch {
		case v == nil:
			return Answer{Err: call.err(404, "NoSuchKey", s3store.ErrNotFound)}
		case from.ETag != "" && v.ETag != from.ETag:
			return Answer{Err: call.err(412, "PreconditionFailed", s3store.ErrPrecondition)}
		}
		p := part{body: v.Body, etag: etagOf(v.Body)}
		if !s.lacks(name, key).Checksums {
			p.crc = validate.EncodeCRC64(validate.CRC64(v.Body))
		}
		u.parts[number] = p
		return Answer{Part: s3store.Part{Number: number, ETag: p.etag, SizeBytes: int64(len(v.Body)), CRC64NVME: p.crc}}
	})
	return a.Part, a.Err
}

// Tagging implements the store.
func (c *Client) Tagging(ctx context.Context, name, key string) (string, error) {
	c.counted(&c.count.Get)
	a := c.send(ctx, Call{Op: "tags", Bucket: name, Key: key}, func(b *bucket, call Call) Answer {
		if v := b.current[key]; v != nil {
			return Answer{Tags: v.Tags}
		}
		return Answer{Err: call.err(404, "NoSuchKey", s3store.ErrNotFound)}
	})
	return a.Tags, a.Err
}
