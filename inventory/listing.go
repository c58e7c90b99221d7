package inventory

import (
	"context"
	"fmt"
	"strings"
	"time"

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

// FromListing lists the objects under a prefix ("" is the whole bucket) and
// makes the plan of them; progress may be nil.
func FromListing(ctx context.Context, lister Lister, bucket, prefix string, sel Selection, progress Progress) (*Plan, error) {
	s, err := SurveyListing(ctx, lister, bucket, prefix, sel, progress)
	if err != nil {
		return nil, err
	}
	return s.Plan(), nil
}

// SurveyListing lists the objects under a prefix ("" is the whole bucket) and
// sums them up. It sends one LIST for each 1,000 objects and holds one page at a
// time; progress may be nil.
func SurveyListing(ctx context.Context, lister Lister, bucket, prefix string, sel Selection, progress Progress) (*Survey, error) {
	if err := sel.Validate(); err != nil {
		return nil, err
	}
	if err := sel.ValidateScope(prefix); err != nil {
		return nil, err
	}
	progress = orNone(progress)
	where := s3store.Location{Bucket: bucket, Key: prefix}.String()
	source := Source{Kind: "listing", Report: where, Created: time.Now().UTC().Truncate(time.Second)}
	g := newGroups(sel, bucket, source.Created, 0)
	w := g.worker()
	var b batch
	var codes, kinds []uint16
	err := lister.List(ctx, bucket, s3store.ListOptions{Prefix: prefix}, func(page s3store.Page) error {
		b.reset(0)
		codes = codes[:0]
		for i := range page.Objects {
			o := &page.Objects[i]
			b.keys = append(b.keys, o.Key...)
			b.ends = append(b.ends, uint32(len(b.keys)))
			b.sizes = append(b.sizes, o.SizeBytes)
			b.modified = append(b.modified, o.LastModified.UnixMilli())
			code, err := w.code(attrClass, []byte(o.StorageClass))
			if err != nil {
				return fmt.Errorf("list %s: %w", where, err)
			}
			codes = append(codes, code)
		}
		b.rows = len(page.Objects)
		err := w.set(&b, attrClass, codes, &kinds)
		if err == nil {
			err = w.add(&b)
		}
		if err != nil {
			return fmt.Errorf("list %s: %w", where, err)
		}
		progress.Add(int64(b.rows), 0)
		return ctx.Err()
	})
	if err == nil {
		err = w.flush()
	}
	if err != nil {
		return nil, err
	}
	return newSurvey(bucket, prefix, source, g), nil
}
