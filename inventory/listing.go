package inventory

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/s3compact/s3compact/internal/listing"
	"github.com/s3compact/s3compact/internal/s3store"
)

// Lister lists a bucket; *s3store.Client is one.
type Lister interface {
	List(ctx context.Context, bucket string, o s3store.ListOptions, page func(s3store.Page) error) error
}

// ValidateScope says whether the keys under a prefix can be grouped by
// themselves: the prefix is "" or ends in a slash, and no group that holds one
// of its keys reaches beyond it.
func (s Selection) ValidateScope(prefix string) error {
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		return fmt.Errorf("prefix %q does not end in a slash: write %q", prefix, prefix+"/")
	}
	if g := s.GroupBy.Group(prefix); g != prefix {
		return fmt.Errorf("prefix %q lies inside the group %q of %s: list %q, or group by dir or deeper", prefix, g, s.GroupBy, g)
	}
	return nil
}

// ListingOptions say how a prefix is listed.
type ListingOptions struct {
	// Concurrency is the number of LIST requests that are sent at once, from 1 (in
	// order, from front to back) to MaxConcurrency; 0 is DefaultListConcurrency.
	Concurrency int
	// MemoryBytes bounds the memory of the process, of which this is the work; at
	// least MinMemoryBytes. Groups that do not fit are an error that names what
	// would. 0: no bound.
	MemoryBytes int64
	Progress    Progress // may be nil
}

// DefaultListConcurrency is enough to wait for S3 no longer than for the CPUs,
// and far below the 5,500 reads a second that S3 grants each prefix.
const DefaultListConcurrency = 32

// SurveyListing lists the objects under a prefix ("" is the whole bucket) and
// sums them up. What a listing does not show stays empty: of an object it has
// size, time and storage class, but not its encryption, replication or lock. It
// sends one LIST for each 1,000 objects and, with several at once, at most half
// as many again and some more (see listing.Walk). It holds one page for each.
func SurveyListing(ctx context.Context, lister Lister, bucket, prefix string, sel Selection, o ListingOptions) (*Survey, error) {
	if err := sel.Validate(); err != nil {
		return nil, err
	}
	if err := sel.ValidateScope(prefix); err != nil {
		return nil, err
	}
	if o.Concurrency == 0 {
		o.Concurrency = DefaultListConcurrency
	}
	progress := orNone(o.Progress)
	where := s3store.Location{Bucket: bucket, Key: prefix}.String()
	source := Source{Kind: "listing", Report: where, Created: time.Now().UTC().Truncate(time.Second)}
	g := newGroups(sel, bucket, source.Created)
	// Many requests wait at once, but only as many pages are summed up as there are
	// CPUs: each has tables of its own.
	sums := make(chan *pageSum, g.bound(o.MemoryBytes, min(o.Concurrency, runtime.GOMAXPROCS(0)), int64(o.Concurrency)*pageBytes))
	for range cap(sums) {
		sums <- &pageSum{worker: g.worker()}
	}
	err := listing.Walk(ctx, lister, bucket, prefix, o.Concurrency, func(_ int, objects []s3store.Object) error {
		sum := <-sums
		defer func() { sums <- sum }()
		if err := sum.add(objects); err != nil {
			return fmt.Errorf("list %s: %w", where, err)
		}
		progress.Add(int64(len(objects)), 0)
		return nil
	})
	for range cap(sums) {
		if sum := <-sums; err == nil {
			err = sum.worker.flush()
		}
	}
	if err != nil {
		return nil, err
	}
	source.Unreported = columns{colTier: -1, colEncryption: -1, colReplication: -1, colLockMode: -1, colLockUntil: -1, colLegalHold: -1}.unreported()
	return newSurvey(bucket, prefix, source, g), nil
}

// pageSum makes batches of pages.
type pageSum struct {
	worker       *worker
	batch        batch
	codes, kinds []uint16
}

func (s *pageSum) add(objects []s3store.Object) error {
	b, w := &s.batch, s.worker
	b.reset(0)
	s.codes = s.codes[:0]
	for i := range objects {
		o := &objects[i]
		b.keys = append(b.keys, o.Key...)
		b.ends = append(b.ends, uint32(len(b.keys)))
		b.sizes = append(b.sizes, o.SizeBytes)
		b.modified = append(b.modified, o.LastModified.UnixMilli())
		code, err := w.code(attrClass, []byte(o.StorageClass))
		if err != nil {
			return err
		}
		s.codes = append(s.codes, code)
	}
	b.rows = len(objects)
	if err := w.set(b, attrClass, s.codes, &s.kinds); err != nil {
		return err
	}
	return w.add(b)
}
