package compactor

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/s3compact/s3compact/internal/s3store"
)

// GroupPreview is what a run would do with a group, by what a listing shows.
type GroupPreview struct {
	Prefix  string `json:"prefix"`
	Objects int64  `json:"objects"` // that would be read and joined
	Bytes   int64  `json:"bytes"`
	Outputs int64  `json:"outputs"`
	Ignored int64  `json:"ignored"`
	Refused int64  `json:"refused"`
}

// Preview lists the groups and says what Run would do. It sends nothing but
// LIST requests: it reads no member and no state, and writes nothing. What
// only the bytes or the log tell is not known to it. each is called for the
// groups in their order, once all are listed. Memory: that of a planner for each
// of eight groups.
func Preview(ctx context.Context, s Store, o Options, groups []string, each func(GroupPreview)) (Summary, error) {
	o.setDefaults()
	sum := Summary{Groups: int64(len(groups))}
	var mu sync.Mutex // guards sum, previews and calls of OnRefused
	eg, ectx := errgroup.WithContext(ctx)
	eg.SetLimit(8)
	previews := make([]GroupPreview, len(groups))
	for i, prefix := range groups {
		eg.Go(func() error {
			p := &preview{GroupPreview: GroupPreview{Prefix: prefix}, sieve: newSieve(prefix, &o)}
			p.plan = newPlanner(o.Selection.TargetSizeBytes, func(s3store.Object) bool { return true })
			p.plan.plainText = o.PlainText
			p.refuse = func(r Refused) {
				mu.Lock()
				defer mu.Unlock()
				o.OnRefused(r)
			}
			if err := p.list(ectx, s, o.Bucket); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			sum.ObjectsIn += p.Objects
			sum.BytesIn += p.Bytes
			sum.BytesOut += p.Bytes
			sum.Outputs += p.Outputs
			sum.ObjectsIgnored += p.Ignored
			sum.ObjectsTooYoung += p.young
			sum.ObjectsRefused += p.Refused
			previews[i] = p.GroupPreview
			return nil
		})
	}
	if err := eg.Wait(); err != nil {
		return sum, err
	}
	if ctx.Err() != nil {
		return sum, context.Cause(ctx)
	}
	for _, p := range previews {
		each(p)
	}
	return sum, nil
}

// preview is one group's.
type preview struct {
	GroupPreview
	sieve  *sieve
	plan   *planner
	refuse func(Refused)

	candidates, bytes, young int64
}

func (p *preview) list(ctx context.Context, s Store, bucket string) error {
	managed := false
	err := s.List(ctx, bucket, groupListing(p.Prefix, p.sieve.sel), func(page s3store.Page) error {
		p.sieve.at(s.ServerTime())
		for _, o := range page.Objects {
			switch what, why := p.sieve.judge(o); what {
			case elsewhere, asOutput:
			case isManaged:
				managed = true
				return errListed
			case passedOver:
				p.Ignored++
			case tooYoung:
				p.Ignored++
				p.young++
			case unfit:
				p.Refused++
				p.refuse(why)
			case candidate:
				p.candidates++
				p.bytes += o.SizeBytes
				p.plan.add(o)
			}
		}
		p.count()
		return nil
	})
	switch {
	case managed:
		p.refuse(Refused{Prefix: p.Prefix, Group: true, Reason: managedRefusal.reason, Detail: managedRefusal.detail})
		p.GroupPreview = GroupPreview{Prefix: p.Prefix, Refused: p.Refused + 1}
		return nil
	case err != nil:
		return err
	}
	p.plan.endAll()
	p.count()
	if !p.sieve.sel.Hot(p.candidates+p.Refused, p.bytes) {
		p.Outputs, p.Objects, p.Bytes = 0, 0, 0
	}
	p.Ignored += p.candidates - p.Objects
	return nil
}

// count counts what the planner has planned.
func (p *preview) count() {
	for _, c := range p.plan.ready {
		p.Outputs++
		p.Objects += int64(len(c.members))
		for _, m := range c.members {
			p.Bytes += m.SizeBytes
		}
	}
	p.plan.ready, p.plan.members = nil, 0
}
