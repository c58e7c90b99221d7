package main

import (
	"context"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/validate"
)

// planPartBytes is the memory for a plan that is written to S3, and the size of
// the parts of one that is larger.
const planPartBytes = 16 << 20

// objectWriter writes an object of unknown size: one PUT where it fits in one
// part, else a multipart upload. Nothing of it is visible before publish.
type objectWriter struct {
	ctx         context.Context
	store       *s3store.Client
	at          s3store.Location
	contentType string
	partBytes   int

	buf    []byte
	upload string // id of the upload, once there is one
	parts  []s3store.Part
	sum    validate.Joined
}

func (o *objectWriter) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		if len(o.buf) == o.partBytes {
			if err := o.send(); err != nil {
				return n, err
			}
		}
		k := min(len(p), o.partBytes-len(o.buf))
		o.buf = append(o.buf, p[:k]...)
		p = p[k:]
		n += k
	}
	return n, nil
}

// send uploads the buffer as a part.
func (o *objectWriter) send() (err error) {
	if o.upload == "" {
		if o.upload, err = o.store.CreateUpload(o.ctx, o.at.Bucket, o.at.Key, s3store.Attributes{ContentType: o.contentType}); err != nil {
			return err
		}
	}
	crc := validate.CRC64(o.buf)
	part, err := o.store.UploadPart(o.ctx, o.at.Bucket, o.at.Key, o.upload, int32(len(o.parts)+1), o.buf, crc)
	if err != nil {
		return err
	}
	o.parts = append(o.parts, part)
	o.sum.Add(validate.Gzip{SizeBytes: int64(len(o.buf)), CRC64: crc})
	o.buf = o.buf[:0]
	return nil
}

// maxConditionalPutBytes is the largest object that is put with its condition. A
// server may refuse it before it has read the body and close the connection, so
// that a larger body that is still being sent meets a reset instead of the
// refusal. The completion of an upload has next to no body.
const maxConditionalPutBytes = 64 << 10

// publish makes the object visible: where nothing is when replaced is "", else
// over the object with that ETag. s3store.ErrPrecondition says that there is
// something, or something else; publish may be called again then.
func (o *objectWriter) publish(replaced string) error {
	if o.upload == "" && len(o.buf) <= maxConditionalPutBytes {
		_, err := o.store.Put(o.ctx, o.at.Bucket, o.at.Key, o.buf, s3store.PutOptions{
			CreateOnly: replaced == "", IfMatch: replaced, Attributes: s3store.Attributes{ContentType: o.contentType},
		})
		return err
	}
	if len(o.buf) > 0 {
		if err := o.send(); err != nil {
			return err
		}
	}
	crc := validate.EncodeCRC64(o.sum.CRC64)
	if replaced == "" {
		_, err := o.store.CompleteUpload(o.ctx, o.at.Bucket, o.at.Key, o.upload, o.parts, crc)
		return err
	}
	_, err := o.store.CompleteUploadOver(o.ctx, o.at.Bucket, o.at.Key, o.upload, o.parts, crc, replaced)
	return err
}

// abort drops what was uploaded and is not published.
func (o *objectWriter) abort() {
	if o.upload != "" {
		_ = o.store.AbortUpload(context.WithoutCancel(o.ctx), o.at.Bucket, o.at.Key, o.upload) // else it costs storage until a lifecycle rule takes it
	}
}
