package compactor

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

// GroupPreview is what a run would do with a group, by what a listing shows and its log says.
type GroupPreview struct {
	Prefix  string `json:"prefix"`
	Objects int64  `json:"objects"` // that would be read and joined
	Bytes   int64  `json:"bytes"`
	Outputs int64  `json:"outputs"`
	Ignored int64  `json:"ignored"`
	Refused int64  `json:"refused"`
}

// Preview lists the groups and says what Run would do. It reads no member, and
// writes nothing: where the bucket has no state yet it sends LIST requests alone,
// else it reads what the groups' logs say was kept and refused. What only the bytes
// tell is not known to it, nor what finishing an open entry frees. each is called for
// the groups in their order, once all are listed. Memory: that of a planner for each
// of eight groups, and what their logs say of single objects.
func Preview(ctx context.Context, s Store, o Options, groups []string, each func(GroupPreview)) (Summary, error) {
	o.setDefaults()
	r := &run{o: &o, store: s}
	r.summary.Groups = int64(len(groups))
	begun, err := r.openToRead(ctx)
	if err != nil {
		return r.summary, err
	}
	eg, ectx := errgroup.WithContext(ctx)
	eg.SetLimit(8)
	previews := make([]GroupPreview, len(groups))
	for i, prefix := range groups {
		eg.Go(func() error {
			p := newPreview(&group{r: r, prefix: prefix})
			if r.st != nil && begun[receipt.GID(r.st.id, prefix)] {
				if err := p.g.foresee(ectx); err != nil {
					return err
				}
			}
			if err := p.list(ectx); err != nil {
				return err
			}
			r.foreseen(p)
			previews[i] = p.GroupPreview
			return nil
		})
	}
	if err := eg.Wait(); err != nil {
		return r.summary, err
	}
	if ctx.Err() != nil {
		return r.summary, context.Cause(ctx)
	}
	for _, p := range previews {
		each(p)
	}
	return r.summary, nil
}

// openToRead opens the state for reading, where there is one, and says which groups,
// by their ids, have a log.
func (r *run) openToRead(ctx context.Context) (begun map[string]bool, err error) {
	layout, number, err := readLayout(ctx, r.store, r.o.State)
	if err != nil {
		return nil, ignoreNotFound(err)
	}
	r.st = newState(r.store, r.o, layout, number)
	return r.st.begun(ctx)
}

// foreseen adds a group to the summary.
func (r *run) foreseen(p *preview) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.summary.ObjectsIn += p.Objects
	r.summary.BytesIn += p.Bytes
	r.summary.BytesOut += p.Bytes
	r.summary.Outputs += p.Outputs
	r.summary.ObjectsIgnored += p.Ignored
	r.summary.ObjectsTooYoung += p.young
}

// foresee remembers what the group's log says of objects that a run would not join:
// those of the commit that is its head are joined already, and it is finished first.
func (g *group) foresee(ctx context.Context) error {
	log, err := g.r.st.readLog(ctx, g.prefix)
	if err != nil {
		return err
	}
	e := log.entry
	g.log = log
	if e == nil || e.Kind != receipt.Commit {
		return g.remember(ctx, e)
	}
	if err := g.takeOver(ctx); err != nil {
		return err
	}
	for _, r := range e.Refused {
		g.known[r.Key] = r
	}
	var outputs []receipt.OutputRef
	for _, o := range e.Outputs {
		outputs = append(outputs, receipt.OutputRef{Bucket: o.Bucket, Key: o.Key})
	}
	return g.kept.read(ctx, g, []int{e.Number}, outputs)
}

// preview is one group's.
type preview struct {
	GroupPreview
	g     *group
	sieve *sieve
	plan  *planner

	small, bytes      int64 // objects that count for the thresholds
	candidates, young int64
}

func newPreview(g *group) *preview {
	o := g.r.o
	p := &preview{GroupPreview: GroupPreview{Prefix: g.prefix}, g: g, sieve: newSieve(g.prefix, o)}
	p.plan = newPlanner(o.Selection.TargetSizeBytes, g.isFresh)
	p.plan.plainText = o.PlainText
	return p
}

func (p *preview) list(ctx context.Context) error {
	managed := false
	store, sel := p.g.r.store, p.sieve.sel
	err := store.List(ctx, p.g.r.o.Bucket, groupListing(p.Prefix, sel), func(page s3store.Page) error {
		p.sieve.at(store.ServerTime())
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
				p.small++
				p.refuse(why)
			case candidate:
				p.candidate(o)
			}
		}
		p.count()
		return nil
	})
	switch {
	case managed:
		p.refuse(Refused{Prefix: p.Prefix, Group: true, Reason: managedRefusal.reason, Detail: managedRefusal.detail})
		p.GroupPreview = GroupPreview{Prefix: p.Prefix, Refused: p.Refused + int64(len(p.g.refused))}
		return nil
	case err != nil:
		return err
	}
	p.plan.endAll()
	p.count()
	if !sel.Hot(p.small, p.bytes) {
		p.Outputs, p.Objects, p.Bytes = 0, 0, 0
	}
	p.Ignored += p.candidates - p.Objects
	p.Refused += int64(len(p.g.refused)) // what the log tells
	return nil
}

// candidate looks at an object that may be joined, as pass.candidate does.
func (p *preview) candidate(o s3store.Object) {
	if p.g.kept.has(o.Key, o.ETag) {
		p.Ignored++
		return
	}
	switch known, ok := p.g.standing(o); {
	case ok && known.Reason != reasonAlone:
		p.g.report(Refused{Key: o.Key, Reason: known.Reason, Detail: known.Detail})
		return
	case !ok:
		p.small++
		p.bytes += o.SizeBytes
	}
	p.candidates++
	p.plan.add(o)
}

func (p *preview) refuse(why Refused) {
	p.Refused++
	p.g.r.refuse(why)
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
