package parquetconv

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/s3compact/s3compact/internal/s3store"
)

// objectID names an object by its place.
type objectID struct{ bucket, key string }

// sourceExtensions are the names of objects that are read as JSON lines.
var sourceExtensions = []string{".gz", ".json", ".ndjson", ".jsonl", ".log"}

// isGzip says how an object is read, by its name.
func isGzip(key string) bool { return strings.HasSuffix(key, ".gz") }

// eligible says whether a listed object below a prefix is a source: not a
// folder marker, not empty, with a known extension, and no part of its path
// below the prefix begins with _ or a dot.
func eligible(o s3store.Object, prefix string) bool {
	if o.SizeBytes == 0 || strings.HasSuffix(o.Key, "/") {
		return false
	}
	below := o.Key[strings.LastIndexByte(prefix, '/')+1:]
	for segment := range strings.SplitSeq(below, "/") {
		if strings.HasPrefix(segment, "_") || strings.HasPrefix(segment, ".") {
			return false
		}
	}
	return slices.ContainsFunc(sourceExtensions, func(e string) bool { return strings.HasSuffix(o.Key, e) })
}

// listing is what the sources hold at the moment, each object once. It takes
// about 300 bytes of memory an object.
type listing struct {
	objects map[objectID]s3store.Object
	ignored int64
}

func (r *run) listSources(ctx context.Context) (*listing, error) {
	l := &listing{objects: map[objectID]s3store.Object{}}
	for _, s := range r.Sources {
		store := r.Stores.of(s.Bucket)
		if s.Single {
			info, err := store.Head(ctx, s.Bucket, s.Key)
			if err != nil {
				return nil, fmt.Errorf("source: %w", err)
			}
			if info.SizeBytes == 0 {
				l.ignored++
			} else {
				l.objects[objectID{s.Bucket, s.Key}] = info.Object
			}
			continue
		}
		err := store.List(ctx, s.Bucket, s3store.ListOptions{Prefix: s.Key}, func(p s3store.Page) error {
			for _, o := range p.Objects {
				if eligible(o, s.Key) && !r.inState(objectID{s.Bucket, o.Key}) {
					l.objects[objectID{s.Bucket, o.Key}] = o
				} else {
					l.ignored++
				}
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("source: %w", err)
		}
	}
	return l, nil
}

// inState says whether an object is part of this conversion's own state.
func (r *run) inState(id objectID) bool {
	return id.bucket == r.State.Bucket && strings.HasPrefix(id.key, r.State.Key)
}

// inSources says whether an object lies where the sources are.
func (r *run) inSources(id objectID) bool {
	return slices.ContainsFunc(r.Sources, func(s Source) bool {
		return s.Bucket == id.bucket && (s.Key == id.key || !s.Single && strings.HasPrefix(id.key, s.Key))
	})
}
