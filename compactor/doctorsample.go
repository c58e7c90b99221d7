package compactor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/s3compact/s3compact/internal/price"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/inventory"
)

// SampleForecast is what compact would do with the objects that were listed.
type SampleForecast struct {
	Objects  int64 // listed
	Bytes    int64
	Whole    bool // these are all under the prefix
	Groups   int64
	Hotspots int64
	Estimate inventory.Estimate // of the hotspots among them
}

// lookedAt is how many of the objects that would be joined are looked at with a HEAD.
const lookedAt = 50

// objects lists a sample, forecasts what joining it takes, and looks at some of
// its objects for what a listing does not show.
func (d *doctor) objects(ctx context.Context, o *DoctorOptions) error {
	l := &sampleLister{s: d.s, limit: o.SampleObjects, match: matcher(o.Selection), small: o.Selection.Small}
	list := inventory.ListingOptions{MemoryBytes: o.MemoryBytes}
	if l.limit > 0 {
		list.Concurrency = 1 // from front to back
	}
	survey, err := inventory.SurveyListing(ctx, l, o.Bucket, o.Scope, o.Selection, list)
	if err != nil {
		return err
	}
	f := inventory.NewForecast(survey, price.Default())
	if o.OnForecast != nil {
		o.OnForecast(SampleForecast{
			Objects: survey.Totals.Objects, Bytes: survey.Totals.Bytes, Whole: !l.cut,
			Groups: survey.Totals.Groups, Hotspots: survey.Totals.Hotspots, Estimate: f.Total,
		})
	}
	for _, reason := range slices.Sorted(maps.Keys(f.Total.Refused)) {
		d.tell("objects", Refusal, "%d of the %d objects that were listed would be refused: %s", f.Total.Refused[reason], survey.Totals.Objects, reason)
	}
	return d.look(ctx, l.sample)
}

// sampleLister ends a listing after a number of objects, and keeps a random
// sample of those that would be joined.
type sampleLister struct {
	s     Store
	limit int64 // 0: none
	match func(key string) bool
	small func(bytes int64) bool

	mu     sync.Mutex // guards what follows
	seen   int64
	cut    bool
	joined int64    // of those seen
	sample []string // keys
}

// List implements inventory.Lister.
func (l *sampleLister) List(ctx context.Context, bucket string, o s3store.ListOptions, page func(s3store.Page) error) error {
	err := l.s.List(ctx, bucket, o, func(p s3store.Page) error {
		if err := page(p); err != nil {
			return err
		}
		if !l.note(p) && p.More {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.cut = true
		return nil
	}
	return err
}

// note takes a page's objects into the sample, each with the same chance. It
// says whether more are wanted.
func (l *sampleLister) note(p s3store.Page) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range p.Objects {
		l.seen++
		if hidden(o.Key) || strings.HasSuffix(o.Key, "/") || o.SizeBytes == 0 || !l.match(o.Key) || !l.small(o.SizeBytes) ||
			archived[o.StorageClass] || managed.MatchString(o.Key) {
			continue
		}
		l.joined++
		if len(l.sample) < lookedAt {
			l.sample = append(l.sample, o.Key)
		} else if at := rand.Int64N(l.joined); at < lookedAt {
			l.sample[at] = o.Key
		}
	}
	return l.limit == 0 || l.seen < l.limit
}

// head is a HEAD. Where that is answered 400, which has no body to say why, the
// error is that of a GET: credentials that have ended, or a key of a customer.
func (d *doctor) head(ctx context.Context, key string) (s3store.Info, error) {
	info, err := d.s.Head(ctx, d.r.o.Bucket, key)
	if !errors.Is(err, s3store.ErrBadRequest) {
		return info, err
	}
	body, info, err := d.s.Get(ctx, d.r.o.Bucket, key, s3store.GetOptions{LengthBytes: 1})
	if err != nil {
		return info, err
	}
	return info, body.Close()
}

// look asks for the headers of the sample, and reports by reason what compact
// would refuse.
func (d *doctor) look(ctx context.Context, keys []string) error {
	type found struct {
		n     int
		first string
		why   string
	}
	byReason := map[string]*found{}
	looked, gone := 0, 0
	var mu sync.Mutex
	eg, ectx := errgroup.WithContext(ctx)
	eg.SetLimit(min(d.r.o.Concurrency, headsAtOnce))
	slices.Sort(keys)
	for _, key := range keys {
		eg.Go(func() error {
			info, err := d.head(ectx, key)
			var why *refusal
			switch {
			case errors.Is(err, s3store.ErrNotFound):
				mu.Lock()
				defer mu.Unlock()
				gone++
				return nil
			case errors.Is(err, s3store.ErrCredentials):
				return err
			case errors.Is(err, s3store.ErrDenied):
				why = &refusal{reason: reasonDenied, detail: "may not be read: allow s3:GetObject, and kms:Decrypt where a key is used"}
			case errors.Is(err, s3store.ErrBadRequest):
				why = &refusal{reason: "encryption", detail: undecipherable}
			case err != nil:
				return err
			default:
				_, why = classify(info)
			}
			mu.Lock()
			defer mu.Unlock()
			looked++
			if err == nil && info.KMSKeyID != "" {
				d.keys[info.KMSKeyID] = true
			}
			if why == nil {
				return nil
			}
			f := byReason[why.reason]
			if f == nil {
				f = &found{first: key, why: why.detail}
				byReason[why.reason] = f
			}
			if f.n++; key < f.first {
				f.first, f.why = key, why.detail
			}
			return nil
		})
	}
	if err := eg.Wait(); err != nil {
		return fmt.Errorf("look at a sample of the objects: %w", err)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx) // a part of the sample says nothing
	}
	for _, reason := range sortedKeys(byReason) {
		f := byReason[reason]
		d.tell("sample", Refusal, "%d of %d objects that were looked at would be refused: %s: %s (such as %s)", f.n, looked, reason, f.why, f.first)
	}
	if len(byReason) == 0 && looked > 0 {
		d.tell("sample", Fine, "none of %d objects that were looked at would be refused for what a HEAD shows; their bytes were not read", looked)
	}
	return nil
}
