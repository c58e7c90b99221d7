package s3store

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Versioning is what a bucket does with what is deleted or overwritten.
type Versioning struct {
	Status    string // "", "Enabled" or "Suspended"
	MFADelete bool   // versions are removed only with a second factor
}

// Versioning reads the bucket's versioning. API: GetBucketVersioning.
func (c *Client) Versioning(ctx context.Context, bucket string) (Versioning, error) {
	out, err := retrySkewed(ctx, c.clock, func() (*s3.GetBucketVersioningOutput, error) {
		return c.api.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &bucket})
	})
	if err != nil {
		return Versioning{}, wrap("read the versioning of", bucket, "", err)
	}
	return Versioning{Status: string(out.Status), MFADelete: out.MFADelete == types.MFADeleteStatusEnabled}, nil
}

// Encryption is how a bucket encrypts what is written without a word about it.
type Encryption struct {
	Algorithm string // "" where the bucket names none
	KMSKeyID  string
	BucketKey bool
}

// DefaultEncryption reads the bucket's default encryption. API: GetBucketEncryption.
func (c *Client) DefaultEncryption(ctx context.Context, bucket string) (Encryption, error) {
	out, err := retrySkewed(ctx, c.clock, func() (*s3.GetBucketEncryptionOutput, error) {
		return c.api.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: &bucket})
	})
	if codeOf(err) == "ServerSideEncryptionConfigurationNotFoundError" {
		return Encryption{}, nil
	}
	if err != nil {
		return Encryption{}, wrap("read the default encryption of", bucket, "", err)
	}
	if out.ServerSideEncryptionConfiguration == nil {
		return Encryption{}, nil
	}
	for _, r := range out.ServerSideEncryptionConfiguration.Rules {
		if d := r.ApplyServerSideEncryptionByDefault; d != nil {
			return Encryption{Algorithm: string(d.SSEAlgorithm), KMSKeyID: aws.ToString(d.KMSMasterKeyID), BucketKey: aws.ToBool(r.BucketKeyEnabled)}, nil
		}
	}
	return Encryption{}, nil
}

// Policy reads the bucket's policy, "" where it has none. API: GetBucketPolicy.
func (c *Client) Policy(ctx context.Context, bucket string) (string, error) {
	out, err := retrySkewed(ctx, c.clock, func() (*s3.GetBucketPolicyOutput, error) {
		return c.api.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &bucket})
	})
	if codeOf(err) == "NoSuchBucketPolicy" {
		return "", nil
	}
	if err != nil {
		return "", wrap("read the policy of", bucket, "", err)
	}
	return aws.ToString(out.Policy), nil
}

// Public says whether the bucket's policy lets anybody in.
// API: GetBucketPolicyStatus.
func (c *Client) Public(ctx context.Context, bucket string) (bool, error) {
	out, err := retrySkewed(ctx, c.clock, func() (*s3.GetBucketPolicyStatusOutput, error) {
		return c.api.GetBucketPolicyStatus(ctx, &s3.GetBucketPolicyStatusInput{Bucket: &bucket})
	})
	if codeOf(err) == "NoSuchBucketPolicy" {
		return false, nil
	}
	if err != nil {
		return false, wrap("read the policy status of", bucket, "", err)
	}
	return out.PolicyStatus != nil && aws.ToBool(out.PolicyStatus.IsPublic), nil
}

// RequesterPays says whether whoever asks pays for it. API: GetBucketRequestPayment.
func (c *Client) RequesterPays(ctx context.Context, bucket string) (bool, error) {
	out, err := retrySkewed(ctx, c.clock, func() (*s3.GetBucketRequestPaymentOutput, error) {
		return c.api.GetBucketRequestPayment(ctx, &s3.GetBucketRequestPaymentInput{Bucket: &bucket})
	})
	if err != nil {
		return false, wrap("read who pays for requests to", bucket, "", err)
	}
	return out.Payer == types.PayerRequester, nil
}
