package parquetconv

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/parquetconv/schema"
)

func at(key string) Source { return Source{Location: s3store.Location{Bucket: "data", Key: key}} }

func flat(key string) Source {
	s := at(key)
	s.Flat = true
	return s
}

func single(key string) Source {
	s := at(key)
	s.Single = true
	return s
}

// TestPlaces holds the quick search against one by one.
func TestPlaces(t *testing.T) {
	keys := []string{"a", "a/", "a/x", "a/b/x", "a/b/c/x", "ab", "ab/x", "b/x", "x"}
	kinds := []Source{at("a/"), flat("a/"), at("a"), flat(""), at(""), single("a/b/x"), flat("a/b/"), at("a/b/c/"), single("ab")}
	for mask := range 1 << len(kinds) {
		var sources []Source
		for i, s := range kinds {
			if mask>>i&1 > 0 {
				sources = append(sources, s)
			}
		}
		p := newPlaces(sources)
		for _, bucket := range []string{"data", "other"} {
			for _, key := range keys {
				id := objectID{bucket, key}
				want := slices.ContainsFunc(sources, func(s Source) bool { return s.holds(id) })
				got := p.of(id)
				if (got != nil) != want || got != nil && (!got.holds(id) || !slices.Contains(sources, *got)) {
					t.Fatalf("%v: %s in %s is in %v", sources, key, bucket, got)
				}
			}
		}
	}
}

func found(t *testing.T, f Finder) (keys []string, ignored int64) {
	t.Helper()
	ignored, err := f.Each(context.Background(), func(o SourceObject) error {
		keys = append(keys, o.Key)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys, ignored
}

func TestFinder(t *testing.T) {
	store := newFakeStore()
	keys := []string{
		"src/a.json", "src/b.gz", "src/c.zst", "src/d.csv", "src/e.tsv", "src/f.txt", "src/folder/", "src/_g/h.json", "src/.i.json", "src/j/k.log",
		"state/l.json", "src2/m.json",
	}
	for _, k := range keys {
		store.objects["data/"+k] = []byte("x")
	}
	store.objects["data/src/empty.json"] = nil
	state := s3store.Location{Bucket: "data", Key: "state/"}
	find := Finder{Stores: Stores{S3: store}, Sources: []Source{at("src/"), single("src/f.txt"), at("state/"), at("src2")}, State: state}
	for concurrency := range 4 {
		find.Concurrency = concurrency
		if got, ignored := found(t, find); !slices.Equal(got, []string{"src/a.json", "src/b.gz", "src/c.zst", "src/j/k.log", "src/f.txt", "src2/m.json"}) || ignored != 8 {
			t.Errorf("%d at once: %q, %d ignored", concurrency, got, ignored)
		}
	}
	find.Format = schema.FormatCSV
	if got, _ := found(t, find); !slices.Equal(got, []string{"src/b.gz", "src/c.zst", "src/d.csv", "src/e.tsv", "src/f.txt"}) {
		t.Errorf("csv: %q", got)
	}
	find.Match = func(key string) bool { return strings.HasSuffix(key, "/k.log") || strings.HasSuffix(key, "/h.json") }
	if got, _ := found(t, find); !slices.Equal(got, []string{"src/j/k.log", "src/f.txt"}) {
		t.Errorf("a pattern: %q", got)
	}
	// What is listed elsewhere, with what is no longer there.
	find.Match = nil
	find.List = func(_ context.Context, page func(string, []s3store.Object) error) error {
		for _, key := range []string{"src2/m.csv", "src/gone.csv", "src/f.json", "elsewhere/x.csv", "src/_x.csv"} {
			if err := page("data", []s3store.Object{{Key: key, SizeBytes: 1}}); err != nil {
				return err
			}
		}
		return page("other", []s3store.Object{{Key: "src/n.csv", SizeBytes: 1}})
	}
	if got, ignored := found(t, find); !slices.Equal(got, []string{"src2/m.csv", "src/gone.csv", "src/f.txt"}) || ignored != 2 {
		t.Errorf("listed elsewhere: %q, %d ignored", got, ignored)
	}
}

// TestFinderStops: by an error of the caller, of a source among many, and from outside.
func TestFinderStops(t *testing.T) {
	store := newFakeStore()
	var sources []Source
	for i := range 50 {
		store.objects[fmt.Sprintf("data/%02d/x.json", i)] = []byte("x")
		sources = append(sources, at(fmt.Sprintf("%02d/", i)))
	}
	mine := errors.New("mine")
	find := Finder{Stores: Stores{S3: store}, Sources: sources, Concurrency: 5}
	n := 0
	if _, err := find.Each(context.Background(), func(SourceObject) error {
		if n++; n == 20 {
			return mine
		}
		return nil
	}); !errors.Is(err, mine) || n != 20 {
		t.Errorf("%d objects, %v", n, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if _, err := find.Each(ctx, func(SourceObject) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
	find.Sources = append(find.Sources, single("nothing"))
	if _, err := find.Each(context.Background(), func(SourceObject) error { return nil }); !errors.Is(err, s3store.ErrNotFound) {
		t.Errorf("a source that is not there: %v", err)
	}
}
