package s3store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	smithy "github.com/aws/smithy-go"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Location is a place in S3: a bucket and a key or key prefix.
type Location struct{ Bucket, Key string }

// ParseLocation reads s3://bucket/key; the key may be empty.
func ParseLocation(s string) (Location, error) {
	rest, ok := strings.CutPrefix(s, "s3://")
	if !ok {
		return Location{}, fmt.Errorf("%q is not an S3 location: write s3://bucket/prefix/", s)
	}
	bucket, key, _ := strings.Cut(rest, "/")
	if bucket == "" {
		return Location{}, fmt.Errorf("%q names no bucket: write s3://bucket/prefix/", s)
	}
	return Location{Bucket: bucket, Key: key}, nil
}

// String is the s3:// form.
func (l Location) String() string { return "s3://" + l.Bucket + "/" + l.Key }

// Versioned says whether the bucket keeps old versions, so that a delete frees
// no bytes. API: GetBucketVersioning.
func (c *Client) Versioned(ctx context.Context, bucket string) (bool, error) {
	v, err := c.Versioning(ctx, bucket)
	return v.Status != "", err
}

// OwnerEnforced says whether the bucket owns every object in it and ACLs are
// off. A server that has no such setting has no ACLs to lose: true.
// API: GetBucketOwnershipControls.
func (c *Client) OwnerEnforced(ctx context.Context, bucket string) (bool, error) {
	out, err := retrySkewed(ctx, c.clock, func() (*s3.GetBucketOwnershipControlsOutput, error) {
		return c.api.GetBucketOwnershipControls(ctx, &s3.GetBucketOwnershipControlsInput{Bucket: &bucket})
	})
	switch {
	case err == nil:
	case codeOf(err) == "OwnershipControlsNotFoundError":
		return false, nil
	case errors.Is(kindOf(err), ErrUnsupported):
		return true, nil
	default:
		return false, wrap("read the object ownership of", bucket, "", err)
	}
	if out.OwnershipControls != nil {
		for _, r := range out.OwnershipControls.Rules {
			if r.ObjectOwnership == types.ObjectOwnershipBucketOwnerEnforced {
				return true, nil
			}
		}
	}
	return false, nil
}

// LockConfigured says whether object lock is on in the bucket.
// API: GetObjectLockConfiguration.
func (c *Client) LockConfigured(ctx context.Context, bucket string) (bool, error) {
	out, err := retrySkewed(ctx, c.clock, func() (*s3.GetObjectLockConfigurationOutput, error) {
		return c.api.GetObjectLockConfiguration(ctx, &s3.GetObjectLockConfigurationInput{Bucket: &bucket})
	})
	switch {
	case err == nil:
		return out.ObjectLockConfiguration != nil && out.ObjectLockConfiguration.ObjectLockEnabled != "", nil
	case codeOf(err) == "ObjectLockConfigurationNotFoundError", errors.Is(kindOf(err), ErrUnsupported):
		return false, nil
	}
	return false, wrap("read the object lock of", bucket, "", err)
}

func codeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}
