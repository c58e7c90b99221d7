package compactor

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/inventory"
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
// groups in their order, once all are listed.
func Preview(ctx context.Context, s Store, o Options, groups []string, each func(GroupPreview)) (Summary, error) {
	o.setDefaults()
	sum := Summary{Groups: int64(len(groups))}
	var mu sync.Mutex
	eg, ectx := errgroup.WithContext(ctx)
	eg.SetLimit(8)
	previews := make([]GroupPreview, len(groups))
	for i, prefix := range groups {
		eg.Go(func() error {
			l, err := listGroup(ectx, s, o.Bucket, prefix, o.Selection, o.MinAge)
			if err != nil {
				return err
			}
			p := preview(prefix, l, o.Selection)
			if l.managed > 0 {
				l.refused = append(l.refused, Refused{Prefix: prefix, Group: true, Reason: managedRefusal.reason, Detail: managedRefusal.detail})
				p = GroupPreview{Prefix: prefix, Refused: int64(len(l.refused))}
			}
			mu.Lock()
			defer mu.Unlock()
			sum.ObjectsIn += p.Objects
			sum.BytesIn += p.Bytes
			sum.BytesOut += p.Bytes
			sum.Outputs += p.Outputs
			sum.ObjectsIgnored += p.Ignored
			sum.ObjectsTooYoung += l.young
			sum.ObjectsRefused += p.Refused
			for _, r := range l.refused {
				o.OnRefused(r)
			}
			previews[i] = p
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

func preview(prefix string, l *listing, sel inventory.Selection) GroupPreview {
	p := GroupPreview{Prefix: prefix, Ignored: l.ignored, Refused: int64(len(l.refused))}
	if sel.Hot(int64(len(l.candidates)+len(l.refused)), l.bytes) {
		for _, c := range planChunks(l.candidates, sel.TargetSizeBytes) {
			p.add(c.members)
		}
	}
	p.Ignored += int64(len(l.candidates)) - p.Objects
	return p
}

func (p *GroupPreview) add(members []s3store.Object) {
	p.Outputs++
	p.Objects += int64(len(members))
	for _, m := range members {
		p.Bytes += m.SizeBytes
	}
}
