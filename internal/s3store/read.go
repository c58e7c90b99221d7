package s3store

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Attributes are what an object carries beside its bytes, as a PUT sets them.
type Attributes struct {
	ContentType        string            `json:"content_type,omitempty"`
	ContentEncoding    string            `json:"content_encoding,omitempty"`
	ContentLanguage    string            `json:"content_language,omitempty"`
	ContentDisposition string            `json:"content_disposition,omitempty"`
	CacheControl       string            `json:"cache_control,omitempty"`
	Expires            string            `json:"expires,omitempty"`
	WebsiteRedirect    string            `json:"website_redirect,omitempty"`
	Metadata           map[string]string `json:"metadata,omitempty"`
	StorageClass       string            `json:"storage_class,omitempty"`
	Encryption         string            `json:"encryption,omitempty"` // x-amz-server-side-encryption
	KMSKeyID           string            `json:"kms_key_id,omitempty"`
	BucketKey          bool              `json:"bucket_key,omitempty"`
	Tagging            string            `json:"tagging,omitempty"` // tag set, URL-encoded, keys in order; GET and HEAD do not tell it
}

// Info is what GET and HEAD say of an object.
type Info struct {
	Object
	Attributes
	VersionID         string
	CRC64NVME         string // base64; only a checksum of the full object is kept
	TagCount          int    // shown only to a caller that may read tags
	CustomerKey       bool   // SSE-C
	LockMode          string // object lock, shown only to a caller that may read it
	LegalHold         string
	ReplicationStatus string
	Parts             int // x-amz-mp-parts-count; 0 unless asked for by part
	Restore           string
	MissingMetadata   int       // metadata entries that the server could not put into headers
	Date              time.Time // the server's clock at its answer
}

// GetOptions narrow and condition a GET. Zero: the whole current object.
type GetOptions struct {
	IfMatch     string // ETag without quotes
	OffsetBytes int64
	LengthBytes int64 // 0: to the end
}

// Get opens an object's bytes. ErrPrecondition when the object is no longer
// on the ETag, ErrNotFound when it is gone. The caller closes the body; a
// body shorter than it should be ends in io.ErrUnexpectedEOF.
// API: GetObject.
func (c *Client) Get(ctx context.Context, bucket, key string, o GetOptions) (io.ReadCloser, Info, error) {
	in := &s3.GetObjectInput{Bucket: &bucket, Key: &key, IfMatch: quoted(o.IfMatch)}
	switch {
	case o.LengthBytes > 0:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-%d", o.OffsetBytes, o.OffsetBytes+o.LengthBytes-1))
	case o.OffsetBytes > 0:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", o.OffsetBytes))
	}
	dctx, date := captureDate(ctx)
	out, err := retrySkewed(ctx, c.clock, func() (*s3.GetObjectOutput, error) { return c.api.GetObject(dctx, in) })
	if err != nil {
		return nil, Info{Date: *date}, wrap("get", bucket, key, err)
	}
	info := Info{
		Object: Object{
			Key: key, SizeBytes: aws.ToInt64(out.ContentLength), ETag: unquote(out.ETag),
			LastModified: aws.ToTime(out.LastModified).UTC(), StorageClass: storageClass(string(out.StorageClass)),
		},
		Attributes: Attributes{
			ContentType: aws.ToString(out.ContentType), ContentEncoding: aws.ToString(out.ContentEncoding),
			ContentLanguage: aws.ToString(out.ContentLanguage), ContentDisposition: aws.ToString(out.ContentDisposition),
			CacheControl: aws.ToString(out.CacheControl), Expires: aws.ToString(out.ExpiresString),
			WebsiteRedirect: aws.ToString(out.WebsiteRedirectLocation), Metadata: out.Metadata,
			StorageClass: storageClass(string(out.StorageClass)), Encryption: string(out.ServerSideEncryption),
			KMSKeyID: aws.ToString(out.SSEKMSKeyId), BucketKey: aws.ToBool(out.BucketKeyEnabled),
		},
		VersionID: aws.ToString(out.VersionId), CRC64NVME: fullObject(out.ChecksumCRC64NVME, out.ChecksumType),
		TagCount: int(aws.ToInt32(out.TagCount)), CustomerKey: aws.ToString(out.SSECustomerAlgorithm) != "",
		LockMode: string(out.ObjectLockMode), LegalHold: string(out.ObjectLockLegalHoldStatus),
		ReplicationStatus: string(out.ReplicationStatus), Parts: int(aws.ToInt32(out.PartsCount)),
		Restore: aws.ToString(out.Restore), MissingMetadata: int(aws.ToInt32(out.MissingMeta)), Date: *date,
	}
	return &wholeBody{body: out.Body, left: info.SizeBytes, name: "get s3://" + bucket + "/" + key}, info, nil
}

// wholeBody turns a body that ends early into an error.
type wholeBody struct {
	body io.ReadCloser
	left int64
	name string
}

func (b *wholeBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	b.left -= int64(n)
	switch {
	case b.left < 0:
		return n, fmt.Errorf("%s: the server sent more bytes than it announced", b.name)
	case errors.Is(err, io.EOF) && b.left > 0:
		return n, fmt.Errorf("%s: %d bytes are missing at the end of the answer: %w", b.name, b.left, io.ErrUnexpectedEOF)
	case err != nil && !errors.Is(err, io.EOF):
		return n, fmt.Errorf("%s: %w", b.name, err)
	}
	return n, err
}

func (b *wholeBody) Close() error { return b.body.Close() }

// Head reads what is said of an object. API: HeadObject.
func (c *Client) Head(ctx context.Context, bucket, key string) (Info, error) {
	in := &s3.HeadObjectInput{Bucket: &bucket, Key: &key}
	dctx, date := captureDate(ctx)
	out, err := retrySkewed(ctx, c.clock, func() (*s3.HeadObjectOutput, error) { return c.api.HeadObject(dctx, in) })
	if err != nil {
		return Info{Date: *date}, wrap("head", bucket, key, err)
	}
	return Info{
		Object: Object{
			Key: key, SizeBytes: aws.ToInt64(out.ContentLength), ETag: unquote(out.ETag),
			LastModified: aws.ToTime(out.LastModified).UTC(), StorageClass: storageClass(string(out.StorageClass)),
		},
		Attributes: Attributes{
			ContentType: aws.ToString(out.ContentType), ContentEncoding: aws.ToString(out.ContentEncoding),
			ContentLanguage: aws.ToString(out.ContentLanguage), ContentDisposition: aws.ToString(out.ContentDisposition),
			CacheControl: aws.ToString(out.CacheControl), Expires: aws.ToString(out.ExpiresString),
			WebsiteRedirect: aws.ToString(out.WebsiteRedirectLocation), Metadata: out.Metadata,
			StorageClass: storageClass(string(out.StorageClass)), Encryption: string(out.ServerSideEncryption),
			KMSKeyID: aws.ToString(out.SSEKMSKeyId), BucketKey: aws.ToBool(out.BucketKeyEnabled),
		},
		VersionID: aws.ToString(out.VersionId), CRC64NVME: fullObject(out.ChecksumCRC64NVME, out.ChecksumType),
		TagCount: int(aws.ToInt32(out.TagCount)), CustomerKey: aws.ToString(out.SSECustomerAlgorithm) != "",
		LockMode: string(out.ObjectLockMode), LegalHold: string(out.ObjectLockLegalHoldStatus),
		ReplicationStatus: string(out.ReplicationStatus), Parts: int(aws.ToInt32(out.PartsCount)),
		Restore: aws.ToString(out.Restore), MissingMetadata: int(aws.ToInt32(out.MissingMeta)), Date: *date,
	}, nil
}

// Probe says whether a key exists, and the server's clock when it answered.
// Only 200 and 404 are answers; anything else, a 403 included, is an error.
func (c *Client) Probe(ctx context.Context, bucket, key string) (exists bool, date time.Time, err error) {
	info, err := c.Head(ctx, bucket, key)
	switch {
	case err == nil:
		return true, info.Date, nil
	case errors.Is(err, ErrNotFound) && !errors.Is(err, ErrNoBucket) && !info.Date.IsZero():
		return false, info.Date, nil
	case errors.Is(err, ErrNotFound) && info.Date.IsZero():
		return false, info.Date, fmt.Errorf("%w: the answer carries no Date", err)
	}
	return false, info.Date, err
}

// ReadAll reads a small object whole. limitBytes bounds the memory: a larger object is an error.
func (c *Client) ReadAll(ctx context.Context, bucket, key string, limitBytes int64) ([]byte, Info, error) {
	body, info, err := c.Get(ctx, bucket, key, GetOptions{})
	if err != nil {
		return nil, info, err
	}
	defer body.Close()
	if info.SizeBytes > limitBytes {
		return nil, info, fmt.Errorf("get s3://%s/%s: %d bytes are more than the %d that such an object may have", bucket, key, info.SizeBytes, limitBytes)
	}
	b := make([]byte, info.SizeBytes)
	if _, err := io.ReadFull(body, b); err != nil {
		return nil, info, err
	}
	return b, info, nil
}

// ReaderAt reads byte ranges of one version of an object: each ReadAt is a GET
// with If-Match, so an object that changes meanwhile is an error, not a mixture.
func (c *Client) ReaderAt(ctx context.Context, bucket, key, etag string, sizeBytes int64) io.ReaderAt {
	return &rangeReader{ctx: ctx, c: c, bucket: bucket, key: key, etag: etag, size: sizeBytes}
}

type rangeReader struct {
	ctx               context.Context // io.ReaderAt has no place for it
	c                 *Client
	bucket, key, etag string
	size              int64
}

func (r *rangeReader) ReadAt(p []byte, off int64) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if off < 0 || off >= r.size {
		return 0, io.EOF
	}
	n := min(int64(len(p)), r.size-off)
	body, _, err := r.c.Get(r.ctx, r.bucket, r.key, GetOptions{IfMatch: r.etag, OffsetBytes: off, LengthBytes: n})
	if err != nil {
		return 0, err
	}
	defer body.Close()
	got, err := io.ReadFull(body, p[:n])
	if err == nil && n < int64(len(p)) {
		err = io.EOF
	}
	return got, err
}

func unquote(etag *string) string { return strings.Trim(aws.ToString(etag), `"`) }

func quoted(etag string) *string {
	if etag == "" {
		return nil
	}
	return aws.String(`"` + etag + `"`)
}

func storageClass(s string) string {
	if s == "" {
		return "STANDARD"
	}
	return s
}

// fullObject keeps a checksum only when it is one of the full object: a composite
// one is a checksum of checksums.
func fullObject(sum *string, t types.ChecksumType) string {
	s := aws.ToString(sum)
	if t == types.ChecksumTypeComposite || strings.Contains(s, "-") {
		return ""
	}
	return s
}

func encodeCRC64(crc uint64) *string {
	return aws.String(base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, crc)))
}
