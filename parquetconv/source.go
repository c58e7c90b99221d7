package parquetconv

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/parquetconv/schema"
)

// objectID names an object by its place.
type objectID struct{ bucket, key string }

// Source is where to read from.
type Source struct {
	s3store.Location
	Single bool // one object; else all objects whose keys begin with Key
	Flat   bool // of those, the ones without a further slash
}

// holds says whether an object lies where the source is.
func (s *Source) holds(id objectID) bool {
	below, ok := strings.CutPrefix(id.key, s.Key)
	switch {
	case s.Bucket != id.bucket || !ok:
		return false
	case s.Single:
		return below == ""
	}
	return !s.Flat || !strings.Contains(below, "/")
}

// Extensions of the names of objects that are read, where nothing else says
// which ones are.
var (
	jsonExtensions = []string{".gz", ".zst", ".json", ".ndjson", ".jsonl", ".log"}
	csvExtensions  = []string{".gz", ".zst", ".csv", ".tsv"}
)

// Finder finds the objects that are read as sources.
type Finder struct {
	Stores  Stores
	Sources []Source
	State   s3store.Location // nothing below it is a source; may be empty
	Format  schema.Format    // that the objects' extensions must fit, where Match is nil
	Match   func(key string) bool
	// List, where not nil, says in place of the store what is below the sources
	// that are no single objects.
	List ListFunc
	// Concurrency is how many sources are listed at once; 0 is one.
	Concurrency int
}

// ListFunc calls page, one call at a time, with objects of a bucket as they were
// at some time, in any order. Those that no source holds are passed over.
type ListFunc func(ctx context.Context, page func(bucket string, objects []s3store.Object) error) error

// eligible says whether an object below a source's prefix is read: not a folder
// marker, not empty, with a name that fits, and no part of its path below the
// prefix begins with _ or a dot.
func (f *Finder) eligible(s *Source, o *s3store.Object) bool {
	switch {
	case o.SizeBytes == 0 || strings.HasSuffix(o.Key, "/"):
		return false
	case f.State.Key != "" && s.Bucket == f.State.Bucket && strings.HasPrefix(o.Key, f.State.Key):
		return false
	}
	below := o.Key[strings.LastIndexByte(s.Key, '/')+1:]
	for segment := range strings.SplitSeq(below, "/") {
		if strings.HasPrefix(segment, "_") || strings.HasPrefix(segment, ".") {
			return false
		}
	}
	if f.Match != nil {
		return f.Match(o.Key)
	}
	extensions := jsonExtensions
	if f.Format == schema.FormatCSV {
		extensions = csvExtensions
	}
	return slices.ContainsFunc(extensions, func(e string) bool { return strings.HasSuffix(o.Key, e) })
}

// listing is what the sources hold at the moment, each object once. It takes
// about 300 bytes of memory an object.
type listing struct {
	objects map[objectID]s3store.Object
	ignored int64
}

func (r *run) listSources(ctx context.Context) (*listing, error) {
	l := &listing{objects: map[objectID]s3store.Object{}}
	find := Finder{
		Stores: r.Stores, Sources: r.Sources, State: r.State, Format: r.Schema.Format, Match: r.Match, List: r.List, Concurrency: r.Concurrency,
	}
	var err error
	l.ignored, err = find.Each(ctx, func(o SourceObject) error {
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

// Gzip says whether it is read as gzip.
func (o SourceObject) Gzip() bool { return isGzip(o.Key) }

// Zstd says whether it is read as zstd. What is neither is text.
func (o SourceObject) Zstd() bool { return isZstd(o.Key) }

// String is how a person writes its place.
func (o SourceObject) String() string { return name(o.Bucket, o.Key) }

// Each calls fn for each object that the sources hold at the moment: source by
// source, each in key order, so that an object which two sources hold comes
// twice. With List, objects come as they do there. ignored counts the others.
func (f *Finder) Each(ctx context.Context, fn func(SourceObject) error) (ignored int64, err error) {
	take := func(s *Source, objects []s3store.Object) error {
		for i := range objects {
			if o := &objects[i]; !s.Single && !f.eligible(s, o) || o.SizeBytes == 0 {
				ignored++
			} else if err := fn(SourceObject{s.Bucket, *o}); err != nil {
				return err
			}
		}
		return nil
	}
	if f.List == nil {
		err = f.listed(ctx, f.Sources, take)
		return ignored, err
	}
	var listed, single []Source
	for _, s := range f.Sources {
		if s.Single {
			single = append(single, s)
		} else {
			listed = append(listed, s)
		}
	}
	within := newPlaces(listed)
	err = f.List(ctx, func(bucket string, objects []s3store.Object) error {
		for i := range objects {
			if s := within.of(objectID{bucket, objects[i].Key}); s != nil {
				if err := take(s, objects[i:i+1]); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err == nil {
		err = f.listed(ctx, single, take)
	}
	return ignored, err
}

// listed hands on what the sources hold, in their order. While one is handed
// on, those behind it are asked for at most two pages each.
func (f *Finder) listed(ctx context.Context, sources []Source, take func(*Source, []s3store.Object) error) error {
	pages := make(chan chan []s3store.Object, max(0, f.Concurrency-1)) // of each source
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(pages)
		for i := range sources {
			of := make(chan []s3store.Object, 1)
			select {
			case pages <- of:
			case <-gctx.Done():
				return gctx.Err()
			}
			g.Go(func() error {
				defer close(of)
				return f.list(gctx, &sources[i], of)
			})
		}
		return nil
	})
	g.Go(func() error {
		for i := range sources {
			of, ok, err := receive(gctx, pages)
			for more := ok; more && err == nil; {
				var objects []s3store.Object
				if objects, more, err = receive(gctx, of); err == nil {
					err = take(&sources[i], objects)
				}
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err := g.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// list sends what a source holds, page by page.
func (f *Finder) list(ctx context.Context, s *Source, to chan<- []s3store.Object) error {
	send := func(objects []s3store.Object) error {
		select {
		case to <- objects:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	store := f.Stores.of(s.Bucket)
	var err error
	if s.Single {
		var info s3store.Info
		if info, err = store.Head(ctx, s.Bucket, s.Key); err == nil {
			err = send([]s3store.Object{info.Object})
		}
	} else {
		o := s3store.ListOptions{Prefix: s.Key}
		if s.Flat {
			o.Delimiter = "/"
		}
		err = store.List(ctx, s.Bucket, o, func(p s3store.Page) error { return send(p.Objects) })
	}
	if err != nil {
		return fmt.Errorf("source: %w", err)
	}
	return nil
}

// places finds the source that holds an object; a plan may name a million.
type places struct {
	folders map[objectID]Source // by prefixes that end in a slash
	others  []Source
}

func newPlaces(sources []Source) *places {
	p := &places{folders: map[objectID]Source{}}
	for _, s := range sources {
		id := objectID{s.Bucket, s.Key}
		switch before, twice := p.folders[id]; {
		case s.Single || !strings.HasSuffix(s.Key, "/"):
			p.others = append(p.others, s)
		case !twice || before.Flat:
			p.folders[id] = s
		}
	}
	return p
}

// of is a source that holds an object, nil where none does.
func (p *places) of(id objectID) *Source {
	for i := range id.key {
		if id.key[i] != '/' {
			continue
		}
		if s, ok := p.folders[objectID{id.bucket, id.key[:i+1]}]; ok && s.holds(id) {
			return &s
		}
	}
	if i := slices.IndexFunc(p.others, func(s Source) bool { return s.holds(id) }); i >= 0 {
		return &p.others[i]
	}
	return nil
}

// inSources says whether an object lies where the sources are.
func (r *run) inSources(id objectID) bool {
	if r.places == nil {
		r.places = newPlaces(r.Sources)
	}
	return r.places.of(id) != nil
}
