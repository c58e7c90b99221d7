package s3store

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// CompleteUploadOver makes the upload visible in place of the object that is on
// the ETag: ErrPrecondition when another is there by now, or none. Else it is as
// CompleteUpload. API: CompleteMultipartUpload with If-Match.
func (c *Client) CompleteUploadOver(ctx context.Context, bucket, key, uploadID string, parts []Part, crc64nvme, replaced string) (etag string, err error) {
	done := make([]types.CompletedPart, len(parts))
	for i, p := range parts {
		done[i] = types.CompletedPart{PartNumber: aws.Int32(p.Number), ETag: quoted(p.ETag), ChecksumCRC64NVME: str(p.CRC64NVME)}
	}
	in := &s3.CompleteMultipartUploadInput{
		Bucket: &bucket, Key: &key, UploadId: &uploadID, IfMatch: quoted(replaced),
		ChecksumCRC64NVME: str(crc64nvme), ChecksumType: types.ChecksumTypeFullObject,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: done},
	}
	out, err := retrySkewed(ctx, c.clock, func() (*s3.CompleteMultipartUploadOutput, error) { return c.api.CompleteMultipartUpload(ctx, in) })
	if err != nil {
		return "", wrap("complete upload", bucket, key, err)
	}
	return unquote(out.ETag), nil
}
