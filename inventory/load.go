package inventory

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/s3compact/s3compact/internal/s3store"
)

// Getter opens an object; *s3store.Client is one.
type Getter interface {
	Get(ctx context.Context, bucket, key string, o s3store.GetOptions) (io.ReadCloser, s3store.Info, error)
}

// IsS3 says whether a location is one of S3, and not a local path.
func IsS3(location string) bool { return strings.HasPrefix(location, "s3://") }

// LoadPlan reads the plan at s3://bucket/key or at a local path, calls each for
// its hotspots, and checks that it is whole (see ScanPlan). A local plan needs no
// store: it may be nil.
func LoadPlan(ctx context.Context, store Getter, location string, each func(*Hotspot) error) (*PlanHeader, error) {
	body, err := openPlan(ctx, store, location)
	if err != nil {
		return nil, fmt.Errorf("read the plan: %w", err)
	}
	defer body.Close()
	header, err := ScanPlan(body, each)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", location, err)
	}
	return header, nil
}

func openPlan(ctx context.Context, store Getter, location string) (io.ReadCloser, error) {
	if !IsS3(location) {
		return os.Open(location)
	}
	l, err := s3store.ParseLocation(location)
	if err != nil {
		return nil, err
	}
	if l.Key == "" || strings.HasSuffix(l.Key, "/") {
		return nil, fmt.Errorf("%s is a folder, not a plan: name the file that hotspots --plan wrote", location)
	}
	body, _, err := store.Get(ctx, l.Bucket, l.Key, s3store.GetOptions{})
	return body, err
}
