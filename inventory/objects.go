package inventory

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/s3compact/s3compact/internal/s3store"
)

// ReportBucket is the bucket whose objects the report at a location lists.
func ReportBucket(ctx context.Context, store Store, location string) (string, error) {
	r, _, err := findReport(ctx, store, location, &ReportOptions{})
	if err != nil {
		return "", err
	}
	return r.manifest.SourceBucket, nil
}

// EachObject reads the S3 Inventory report at a location (see ValidateLocation)
// and calls fn with its live objects, some at a time and in no order, one call
// after another: their keys, sizes, times and ETags, as they were when the report
// was true. A report without ETags is an error. Nothing that fn was told is to
// be relied on before EachObject has returned without an error: what is wrong
// with a report may be found at its end. A local report needs no store: it may
// be nil.
func EachObject(ctx context.Context, store Store, location string, o ReportOptions, fn func(bucket string, objects []s3store.Object) error) (Source, error) {
	r, created, err := findReport(ctx, store, location, &o)
	if err != nil {
		return Source{}, err
	}
	bucket := r.manifest.SourceBucket
	g := newGroups(Selection{}, bucket, created)
	var mu sync.Mutex
	g.each = func(b *batch) error {
		objects, err := b.objects()
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		return fn(bucket, objects)
	}
	return r.read(ctx, g, created, o)
}

// objects are the live rows of a batch.
func (b *batch) objects() ([]s3store.Object, error) {
	out := make([]s3store.Object, 0, b.rows)
	start, etagStart := b.start, uint32(0)
	for i := range b.rows {
		end, etagEnd := b.ends[i], uint32(len(b.etags))
		if i < len(b.etagEnds) {
			etagEnd = b.etagEnds[i]
		}
		key, etag := b.keys[start:end], bytes.Trim(b.etags[etagStart:etagEnd], `"`)
		start, etagStart = end, etagEnd
		if b.live != nil && !b.live[i] {
			continue
		}
		if len(etag) == 0 {
			return nil, fmt.Errorf("row %d has no ETag, by which an object is told from a later one", b.first+int64(i))
		}
		out = append(out, s3store.Object{Key: string(key), SizeBytes: b.sizes[i], ETag: string(etag), LastModified: time.UnixMilli(b.modified[i]).UTC()})
	}
	return out, nil
}
