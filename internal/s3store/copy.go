package s3store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// CopySource is a whole object whose bytes the server copies into a part.
type CopySource struct {
	Bucket, Key string
	ETag        string // ErrPrecondition when the object is another by now
	SizeBytes   int64
}

// CopyPart makes a part of the bytes of an object, at most 5 GiB of them, which
// the server copies itself. The part's CRC64NVME is what the server answers; ""
// where it answers none. ErrNotFound is a source or an upload that is not there.
// API: UploadPartCopy with x-amz-copy-source-if-match; an error inside an answer 200 is an error.
func (c *Client) CopyPart(ctx context.Context, bucket, key, uploadID string, number int32, from CopySource) (Part, error) {
	in := &s3.UploadPartCopyInput{
		Bucket: &bucket, Key: &key, UploadId: &uploadID, PartNumber: &number,
		CopySource: aws.String(copySource(from.Bucket, from.Key)), CopySourceIfMatch: quoted(from.ETag),
	}
	op := fmt.Sprintf("copy s3://%s/%s to part %d of", from.Bucket, from.Key, number)
	out, err := retrySkewed(ctx, c.clock, func() (*s3.UploadPartCopyOutput, error) { return c.api.UploadPartCopy(ctx, in) })
	if err != nil {
		return Part{}, wrap(op, bucket, key, err)
	}
	if out.CopyPartResult == nil || aws.ToString(out.CopyPartResult.ETag) == "" {
		return Part{}, wrap(op, bucket, key, errors.New("the server gave no ETag"))
	}
	return Part{
		Number: number, ETag: unquote(out.CopyPartResult.ETag), SizeBytes: from.SizeBytes,
		CRC64NVME: aws.ToString(out.CopyPartResult.ChecksumCRC64NVME),
	}, nil
}

// copySource is bucket and key, URL-encoded: a plus sign would be read as a space.
func copySource(bucket, key string) string {
	return bucket + "/" + strings.NewReplacer("%2F", "/", "+", "%20").Replace(url.QueryEscape(key))
}

// Tagging is an object's tag set, URL-encoded as [Attributes] has it, with the
// keys in order; "" for none. API: GetObjectTagging.
func (c *Client) Tagging(ctx context.Context, bucket, key string) (string, error) {
	out, err := retrySkewed(ctx, c.clock, func() (*s3.GetObjectTaggingOutput, error) {
		return c.api.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: &bucket, Key: &key})
	})
	if err != nil {
		return "", wrap("read the tags of", bucket, key, err)
	}
	tags := make([]string, len(out.TagSet))
	for i, t := range out.TagSet {
		tags[i] = url.QueryEscape(aws.ToString(t.Key)) + "=" + url.QueryEscape(aws.ToString(t.Value))
	}
	slices.Sort(tags)
	return strings.Join(tags, "&"), nil
}
