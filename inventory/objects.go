package inventory

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/s3compact/s3compact/internal/s3store"
)

// Report is an inventory report that was found, its rows unread.
type Report struct {
	Location string    // of its manifest
	Bucket   string    // whose objects it lists
	Created  time.Time // when its rows were true
}

// FindReport finds the report at a location (see ValidateLocation), of a
// configuration its newest complete one. The log gets warnings and may be nil;
// a local report needs no store: it may be nil.
func FindReport(ctx context.Context, store Store, location string, log *slog.Logger) (Report, error) {
	r, created, err := findReport(ctx, store, location, &ReportOptions{Log: log})
	if err != nil {
		return Report{}, err
	}
	return Report{Location: r.at(), Bucket: r.manifest.SourceBucket, Created: created}, nil
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
