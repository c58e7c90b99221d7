package model

import (
	"context"

	"github.com/s3compact/s3compact/internal/s3store"
)

// Lifecycle implements the store: a bucket of the model has no lifecycle.
func (c *Client) Lifecycle(ctx context.Context, bucket string) ([]s3store.LifecycleRule, error) {
	_, err := c.setting(ctx, bucket, "lifecycle", false)
	return nil, err
}
