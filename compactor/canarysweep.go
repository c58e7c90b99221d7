package compactor

import (
	"context"
	"errors"
	"regexp"

	"github.com/s3compact/s3compact/internal/s3store"
)

// canaryKey is the form of the keys that a canary writes.
var canaryKey = regexp.MustCompile(`^_s3compact/canary/[0-9a-f]{32}/\d+$`)

const canariesPrefix = "_s3compact/canary/"

// sweepCanaries removes what the canaries of runs that were killed left in a
// bucket: objects and uploads older than a day. A canary takes seconds, and its
// names are used once.
func sweepCanaries(ctx context.Context, s Store, bucket string) (aborted int, err error) {
	var objects []string
	err = s.List(ctx, bucket, s3store.ListOptions{Prefix: canariesPrefix}, func(p s3store.Page) error {
		for _, o := range p.Objects {
			if canaryKey.MatchString(o.Key) && s.ServerTime().Sub(o.LastModified) > staleUpload {
				objects = append(objects, o.Key)
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, key := range objects {
		if err := s.Delete(ctx, bucket, key, ""); err != nil && !errors.Is(err, s3store.ErrNotFound) {
			return 0, err
		}
	}
	var uploads []s3store.Upload
	err = s.ListUploads(ctx, bucket, canariesPrefix, func(u s3store.Upload) error {
		if canaryKey.MatchString(u.Key) && s.ServerTime().Sub(u.Initiated) > staleUpload {
			uploads = append(uploads, u)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, u := range uploads {
		if err := s.AbortUpload(ctx, bucket, u.Key, u.ID); err != nil && !errors.Is(err, s3store.ErrNotFound) {
			return aborted, err
		}
		aborted++
	}
	return aborted, nil
}
