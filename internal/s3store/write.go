package s3store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// PutOptions condition a PUT and say what the object carries.
type PutOptions struct {
	Attributes
	CreateOnly bool    // If-None-Match: *; ErrPrecondition when the key exists
	IfMatch    string  // ETag of the object to be replaced; ErrPrecondition when it is another by now
	CRC64NVME  *uint64 // checked by the server and stored
}

// Put writes one object whole. A retry after a lost answer can turn an own
// success into ErrPrecondition: the caller compares what is there.
// API: PutObject.
func (c *Client) Put(ctx context.Context, bucket, key string, body []byte, o PutOptions) (Info, error) {
	in := &s3.PutObjectInput{
		Bucket: &bucket, Key: &key, Body: bytes.NewReader(body), ContentLength: aws.Int64(int64(len(body))),
		ContentType: str(o.ContentType), ContentEncoding: str(o.ContentEncoding), ContentLanguage: str(o.ContentLanguage),
		ContentDisposition: str(o.ContentDisposition), CacheControl: str(o.CacheControl),
		WebsiteRedirectLocation: str(o.WebsiteRedirect), Metadata: o.Metadata,
		StorageClass: classOf(o.StorageClass), ServerSideEncryption: types.ServerSideEncryption(o.Encryption),
		SSEKMSKeyId: str(o.KMSKeyID), Expires: expires(o.Expires), Tagging: str(o.Tagging),
	}
	if o.BucketKey {
		in.BucketKeyEnabled = aws.Bool(true)
	}
	if o.CreateOnly {
		in.IfNoneMatch = aws.String("*")
	}
	in.IfMatch = quoted(o.IfMatch)
	if o.CRC64NVME != nil {
		in.ChecksumCRC64NVME = encodeCRC64(*o.CRC64NVME)
	}
	dctx, date := captureDate(ctx)
	out, err := retrySkewed(ctx, c.clock, func() (*s3.PutObjectOutput, error) {
		in.Body = bytes.NewReader(body)
		return c.api.PutObject(dctx, in)
	})
	if err != nil {
		return Info{Date: *date}, wrap("put", bucket, key, err)
	}
	return Info{
		Object:    Object{Key: key, SizeBytes: int64(len(body)), ETag: unquote(out.ETag), StorageClass: storageClass(o.StorageClass)},
		CRC64NVME: fullObject(out.ChecksumCRC64NVME, out.ChecksumType), VersionID: aws.ToString(out.VersionId), Date: *date,
	}, nil
}

// Part is one part of a multipart upload, as the completion names it.
type Part struct {
	Number    int32  `json:"number"`
	ETag      string `json:"etag"`
	SizeBytes int64  `json:"size"`
	CRC64NVME string `json:"crc64nvme,omitempty"` // base64
}

// CreateUpload starts a multipart upload whose checksum is the CRC-64/NVME of
// the full object. Nothing of it is visible before CompleteUpload.
// API: CreateMultipartUpload.
func (c *Client) CreateUpload(ctx context.Context, bucket, key string, a Attributes) (uploadID string, err error) {
	in := &s3.CreateMultipartUploadInput{
		Bucket: &bucket, Key: &key,
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme, ChecksumType: types.ChecksumTypeFullObject,
		ContentType: str(a.ContentType), ContentEncoding: str(a.ContentEncoding), ContentLanguage: str(a.ContentLanguage),
		ContentDisposition: str(a.ContentDisposition), CacheControl: str(a.CacheControl),
		WebsiteRedirectLocation: str(a.WebsiteRedirect), Metadata: a.Metadata,
		StorageClass: classOf(a.StorageClass), ServerSideEncryption: types.ServerSideEncryption(a.Encryption),
		SSEKMSKeyId: str(a.KMSKeyID), Expires: expires(a.Expires), Tagging: str(a.Tagging),
	}
	if a.BucketKey {
		in.BucketKeyEnabled = aws.Bool(true)
	}
	out, err := retrySkewed(ctx, c.clock, func() (*s3.CreateMultipartUploadOutput, error) { return c.api.CreateMultipartUpload(ctx, in) })
	if err != nil {
		return "", wrap("start upload", bucket, key, err)
	}
	if id := aws.ToString(out.UploadId); id != "" {
		return id, nil
	}
	return "", fmt.Errorf("start upload s3://%s/%s: the server gave no upload id", bucket, key)
}

// UploadPart sends one part with its checksum; the server refuses it when the bytes arrive otherwise.
// API: UploadPart. Parts are numbered from 1 and hold at least 5 MiB each but the last.
func (c *Client) UploadPart(ctx context.Context, bucket, key, uploadID string, number int32, body []byte, crc64 uint64) (Part, error) {
	in := &s3.UploadPartInput{
		Bucket: &bucket, Key: &key, UploadId: &uploadID, PartNumber: &number,
		ContentLength: aws.Int64(int64(len(body))), ChecksumCRC64NVME: encodeCRC64(crc64),
	}
	out, err := retrySkewed(ctx, c.clock, func() (*s3.UploadPartOutput, error) {
		in.Body = bytes.NewReader(body)
		return c.api.UploadPart(ctx, in)
	})
	if err != nil {
		return Part{}, wrap(fmt.Sprintf("upload part %d", number), bucket, key, err)
	}
	return Part{Number: number, ETag: unquote(out.ETag), SizeBytes: int64(len(body)), CRC64NVME: *encodeCRC64(crc64)}, nil
}

// CompleteUpload makes the upload visible under its key, only if the key is
// free (ErrPrecondition) and the full object has the checksum (ErrBadRequest).
// ErrNotFound: no such upload, so it was completed or aborted before.
// API: CompleteMultipartUpload; an error inside an answer 200 is an error.
func (c *Client) CompleteUpload(ctx context.Context, bucket, key, uploadID string, parts []Part, crc64nvme string) (etag string, err error) {
	in := &s3.CompleteMultipartUploadInput{Bucket: &bucket, Key: &key, UploadId: &uploadID, IfNoneMatch: aws.String("*")}
	return c.complete(ctx, in, parts, crc64nvme)
}

// CompleteUploadOver makes the upload visible in place of the object that is on
// the ETag: ErrPrecondition when another is there by now, or none. Else it is as
// CompleteUpload.
func (c *Client) CompleteUploadOver(ctx context.Context, bucket, key, uploadID string, parts []Part, crc64nvme, replaced string) (etag string, err error) {
	in := &s3.CompleteMultipartUploadInput{Bucket: &bucket, Key: &key, UploadId: &uploadID, IfMatch: quoted(replaced)}
	return c.complete(ctx, in, parts, crc64nvme)
}

func (c *Client) complete(ctx context.Context, in *s3.CompleteMultipartUploadInput, parts []Part, crc64nvme string) (etag string, err error) {
	done := make([]types.CompletedPart, len(parts))
	for i, p := range parts {
		done[i] = types.CompletedPart{PartNumber: aws.Int32(p.Number), ETag: quoted(p.ETag), ChecksumCRC64NVME: str(p.CRC64NVME)}
	}
	in.MultipartUpload = &types.CompletedMultipartUpload{Parts: done}
	in.ChecksumCRC64NVME, in.ChecksumType = str(crc64nvme), types.ChecksumTypeFullObject
	out, err := retrySkewed(ctx, c.clock, func() (*s3.CompleteMultipartUploadOutput, error) { return c.api.CompleteMultipartUpload(ctx, in) })
	if err != nil {
		return "", wrap("complete upload", *in.Bucket, *in.Key, err)
	}
	return unquote(out.ETag), nil
}

// AbortUpload drops an upload. A missing one is ErrNotFound.
// API: AbortMultipartUpload.
func (c *Client) AbortUpload(ctx context.Context, bucket, key, uploadID string) error {
	_, err := retrySkewed(ctx, c.clock, func() (*s3.AbortMultipartUploadOutput, error) {
		return c.api.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &bucket, Key: &key, UploadId: &uploadID})
	})
	return wrap("abort upload", bucket, key, err)
}

// Upload is an upload that was neither completed nor aborted.
type Upload struct {
	Key, ID   string
	Initiated time.Time
}

// ListUploads calls fn for each open upload under a prefix. API: ListMultipartUploads.
func (c *Client) ListUploads(ctx context.Context, bucket, prefix string, fn func(Upload) error) error {
	in := &s3.ListMultipartUploadsInput{Bucket: &bucket, Prefix: str(prefix), EncodingType: types.EncodingTypeUrl}
	for {
		out, err := retrySkewed(ctx, c.clock, func() (*s3.ListMultipartUploadsOutput, error) { return c.api.ListMultipartUploads(ctx, in) })
		if err != nil {
			return wrap("list uploads", bucket, prefix, err)
		}
		for _, u := range out.Uploads {
			key, err := decodeKey(out.EncodingType == types.EncodingTypeUrl, aws.ToString(u.Key))
			if err != nil {
				return wrap("list uploads", bucket, prefix, err)
			}
			if err := fn(Upload{Key: key, ID: aws.ToString(u.UploadId), Initiated: aws.ToTime(u.Initiated).UTC()}); err != nil {
				return err
			}
		}
		if !aws.ToBool(out.IsTruncated) {
			return nil
		}
		next, err := decodeKey(out.EncodingType == types.EncodingTypeUrl, aws.ToString(out.NextKeyMarker))
		if err != nil {
			return wrap("list uploads", bucket, prefix, err)
		}
		in.KeyMarker, in.UploadIdMarker = &next, out.NextUploadIdMarker
	}
}

// Delete removes a key only while it is on the ETag: ErrPrecondition when it
// changed, ErrNotFound when it is gone. An empty ETag deletes without condition.
// API: DeleteObject with If-Match.
func (c *Client) Delete(ctx context.Context, bucket, key, etag string) error {
	_, err := retrySkewed(ctx, c.clock, func() (*s3.DeleteObjectOutput, error) {
		return c.api.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: &key, IfMatch: quoted(etag)})
	})
	return wrap("delete", bucket, key, err)
}

// KeyETag names one version of an object by its content.
type KeyETag struct{ Key, ETag string }

// ErrUnanswered stands for a key of a batch that the answer does not mention.
var ErrUnanswered = errors.New("no answer for this key")

// DeleteBatch removes up to 1,000 keys, each only while it is on its ETag, in
// one request, and those whose names XML can't hold in one each. errs has an entry for each key: nil when S3 said that it was
// deleted, else what it said. err is set when the request as a whole failed;
// then nothing is known of any key.
// API: DeleteObjects with a per-key ETag.
func (c *Client) DeleteBatch(ctx context.Context, bucket string, keys []KeyETag) (errs []error, err error) {
	errs = make([]error, len(keys))
	ids := make([]types.ObjectIdentifier, 0, len(keys))
	index := make(map[string]int, len(keys))
	for i := range keys {
		if !xmlHolds(keys[i].Key) {
			errs[i] = c.Delete(ctx, bucket, keys[i].Key, keys[i].ETag)
			continue
		}
		ids = append(ids, types.ObjectIdentifier{Key: &keys[i].Key, ETag: quoted(keys[i].ETag)})
		index[keys[i].Key] = i
		errs[i] = &opError{op: "delete", bucket: bucket, key: keys[i].Key, err: ErrUnanswered}
	}
	if len(ids) == 0 {
		return errs, nil
	}
	out, err := retrySkewed(ctx, c.clock, func() (*s3.DeleteObjectsOutput, error) {
		return c.api.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &bucket, Delete: &types.Delete{Objects: ids, Quiet: aws.Bool(false)}})
	})
	if err != nil {
		return nil, wrap(fmt.Sprintf("delete %d objects", len(keys)), bucket, "", err)
	}
	for _, d := range out.Deleted {
		if i, ok := index[aws.ToString(d.Key)]; ok {
			errs[i] = nil
		}
	}
	for _, e := range out.Errors {
		if i, ok := index[aws.ToString(e.Key)]; ok {
			code := aws.ToString(e.Code)
			if isThrottleCode(code) {
				c.throttled(ctx)
			}
			errs[i] = &opError{op: "delete", bucket: bucket, key: keys[i].Key, kind: kindOfCode(code), err: errors.New(code + ": " + aws.ToString(e.Message))}
		}
	}
	return errs, nil
}

func str(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func classOf(s string) types.StorageClass {
	if s == "STANDARD" {
		return ""
	}
	return types.StorageClass(s)
}
