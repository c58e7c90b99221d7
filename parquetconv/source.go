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
	var err error
	l.ignored, err = EachSource(ctx, r.Stores, r.Sources, r.State, func(o SourceObject) error {
		l.objects[objectID{o.Bucket, o.Key}] = o.Object
		return nil
	})
	return l, err
}

// SourceObject is an object that is read as a source.
type SourceObject struct {
	Bucket string
	s3store.Object
}

// Gzip says whether it is read as gzip; else its bytes are the text.
func (o SourceObject) Gzip() bool { return isGzip(o.Key) }

// String is how a person writes its place.
func (o SourceObject) String() string { return name(o.Bucket, o.Key) }

// EachSource calls fn for each object that the sources hold at the moment:
// source by source, each in key order, so that an object which two sources hold
// comes twice. Nothing below state, unless that is empty, is a source. ignored
// counts the other objects.
func EachSource(ctx context.Context, stores Stores, sources []Source, state s3store.Location, fn func(SourceObject) error) (ignored int64, err error) {
	for _, s := range sources {
		store := stores.of(s.Bucket)
		if s.Single {
			info, err := store.Head(ctx, s.Bucket, s.Key)
			if err != nil {
				return ignored, fmt.Errorf("source: %w", err)
			}
			if info.SizeBytes == 0 {
				ignored++
			} else if err := fn(SourceObject{s.Bucket, info.Object}); err != nil {
				return ignored, err
			}
			continue
		}
		err := store.List(ctx, s.Bucket, s3store.ListOptions{Prefix: s.Key}, func(p s3store.Page) error {
			for _, o := range p.Objects {
				if !eligible(o, s.Key) || state.Key != "" && s.Bucket == state.Bucket && strings.HasPrefix(o.Key, state.Key) {
					ignored++
				} else if err := fn(SourceObject{s.Bucket, o}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return ignored, fmt.Errorf("source: %w", err)
		}
	}
	return ignored, nil
}

// inSources says whether an object lies where the sources are.
func (r *run) inSources(id objectID) bool {
	return slices.ContainsFunc(r.Sources, func(s Source) bool {
		return s.Bucket == id.bucket && (s.Key == id.key || !s.Single && strings.HasPrefix(id.key, s.Key))
	})
}
