package inventory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/s3compact/s3compact/internal/s3store"
)

// pages is a Lister that answers with these pages, then with err.
type pages struct {
	pages []s3store.Page
	err   error
}

func (p pages) List(_ context.Context, _ string, o s3store.ListOptions, fn func(s3store.Page) error) error {
	if o.Prefix != "logs/" {
		return errors.New("another prefix than was asked for: " + o.Prefix)
	}
	for _, page := range p.pages {
		if err := fn(page); err != nil {
			return err
		}
	}
	return p.err
}

func listed(key string, size int64) s3store.Object {
	return s3store.Object{Key: key, SizeBytes: size, LastModified: time.Unix(1790000000, 0).UTC(), StorageClass: "STANDARD"}
}

// meter is a Progress that remembers.
type meter struct {
	mu                                       sync.Mutex
	objects, bytes, totalObjects, totalBytes int64
}

func (m *meter) Total(objects, bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.totalObjects, m.totalBytes = objects, bytes
}

func (m *meter) Add(objects, bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.objects += objects
	m.bytes += bytes
}

func TestSurveyListing(t *testing.T) {
	lister := pages{pages: []s3store.Page{
		{Objects: []s3store.Object{listed("logs/a/1", 5), listed("logs/a/2", 6)}},
		{},
		{Objects: []s3store.Object{listed("logs/a/3", 7), listed("logs/b", 8)}},
	}}
	var m meter
	p, err := planOfListing(t.Context(), lister, "bucket", "logs/", selection(func(s *Selection) { s.MinObjects = 2 }), ListingOptions{Progress: &m})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.ID) != 32 || p.Created.IsZero() || p.Source.Created.IsZero() {
		t.Errorf("id %q, created %v, listed %v: all must be set", p.ID, p.Created, p.Source.Created)
	}
	if m.objects != 4 {
		t.Errorf("progress of %d objects, want 4", m.objects)
	}
	p.Source.Created = time.Time{}
	at := time.Unix(1790000000, 0).UTC()
	want := &Plan{
		PlanHeader: PlanHeader{
			Type: "plan", Version: 1, Bucket: "bucket", Scope: "logs/", Source: Source{Kind: "listing", Report: "s3://bucket/logs/", Unreported: []string{"EncryptionStatus", "IntelligentTieringAccessTier", "ObjectLockMode", "ReplicationStatus"}},
			Thresholds: p.Thresholds, Totals: Totals{Objects: 4, Bytes: 26, Groups: 2, Hotspots: 1, HotspotObjects: 3, HotspotBytes: 18, Outputs: 1},
		},
		Hotspots: []Hotspot{{
			Type: "hotspot", Prefix: "logs/a/", Objects: 3, Bytes: 18, Outputs: 1, Oldest: at, Newest: at, StorageClasses: map[string]int64{"STANDARD": 3},
			Kinds:      []Kind{{StorageClass: "STANDARD", Objects: 3, Bytes: 18, ShortBytes: 3*128<<10 - 18}},
			AllObjects: 3, AllBytes: 18, SizeHistogram: [SizeBuckets]int64{1: 3},
		}},
	}
	timeless(&p.PlanHeader)
	if d := cmp.Diff(want, p); d != "" {
		t.Errorf("plan (-want +got):\n%s", d)
	}
}

func TestSurveyListingFails(t *testing.T) {
	broken := errors.New("the server fell over")
	for _, tc := range []struct {
		name, prefix string
		change       func(*Selection)
		want         string
	}{
		{"after some pages", "logs/", nil, broken.Error()},
		{"no closing slash", "logs", nil, `write "logs/"`},
		{"prefix inside a group", "logs/2026/", func(s *Selection) { s.GroupBy.Depth = 1 }, `list "logs/"`},
		{"bad selection", "logs/", func(s *Selection) { s.MinObjects = 0 }, "min-objects"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			lister := pages{[]s3store.Page{{Objects: []s3store.Object{listed("logs/a", 1)}}}, broken}
			p, err := planOfListing(t.Context(), lister, "bucket", tc.prefix, selection(tc.change), ListingOptions{})
			if p != nil || err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("plan %v, error %v, want one that says %q", p, err, tc.want)
			}
		})
	}
}

// bucketListing lists objects, which are in the order of their keys, in small pages.
type bucketListing []s3store.Object

func (b bucketListing) List(_ context.Context, _ string, o s3store.ListOptions, fn func(s3store.Page) error) error {
	const pageKeys = 7
	seen := map[string]bool{}
	var p s3store.Page
	for _, object := range b {
		rest, below := strings.CutPrefix(object.Key, o.Prefix)
		if !below || object.Key <= o.StartAfter {
			continue
		}
		folder, _, isFolder := strings.Cut(rest, "/")
		isFolder = isFolder && o.Delimiter == "/"
		if isFolder && seen[folder] {
			continue
		}
		if len(p.Objects)+len(p.Prefixes) == pageKeys {
			p.More = true
			if err := fn(p); err != nil {
				return err
			}
			p = s3store.Page{}
		}
		if isFolder {
			seen[folder] = true
			p.Prefixes = append(p.Prefixes, o.Prefix+folder+"/")
		} else {
			p.Objects = append(p.Objects, object)
		}
	}
	return fn(p)
}

func TestParallelListingsMakeTheSamePlan(t *testing.T) {
	var keys []string
	for i := range 900 {
		keys = append(keys, fmt.Sprintf("app-%d/2026/10/%02d/%04d.gz", i%3, i%7, i), fmt.Sprintf("flat/räume +%%%04d", i))
	}
	keys = append(keys, "app-1", "app-1/", "root.gz", "root.gz/x", "~/")
	slices.Sort(keys)
	var b bucketListing
	for i, k := range keys {
		o := listed(k, int64(i*i))
		o.LastModified = o.LastModified.Add(time.Duration(i) * time.Hour)
		o.StorageClass = []string{"STANDARD", "GLACIER_IR", "STANDARD_IA"}[i%3]
		b = append(b, o)
	}
	for _, by := range []Grouping{{}, {Depth: 1}, {Depth: 3}} {
		sel := selection(func(s *Selection) { s.GroupBy, s.MinObjects = by, 1 })
		plan := func(concurrency int) *Plan {
			p, err := planOfListing(t.Context(), b, "bucket", "", sel, ListingOptions{Concurrency: concurrency})
			if err != nil {
				t.Fatal(err)
			}
			timeless(&p.PlanHeader)
			p.Source.Created = time.Time{}
			for i := range p.Hotspots { // what is left of minimum durations depends on the time of the listing
				for j := range p.Hotspots[i].Kinds {
					p.Hotspots[i].Kinds[j].MinimumKiBDays = 0
				}
			}
			return p
		}
		want := plan(1)
		if want.Totals.Objects != int64(len(keys)) {
			t.Fatalf("%d objects, of %d", want.Totals.Objects, len(keys))
		}
		for _, concurrency := range []int{0, 2, 9} {
			if d := cmp.Diff(want, plan(concurrency)); d != "" {
				t.Errorf("by %s, %d at once (-serial +parallel):\n%s", by, concurrency, d)
			}
		}
	}
}
