package compactor

import (
	"context"
	"errors"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

// pass is one listing of a group, in key order, with attempts on the way as
// soon as there is enough for one.
//
// Memory, whatever the group's size: the planner's candidates, the members of
// one attempt (about 2 KB each while their receipt is written), and what the
// log and this run remember of single objects, which maxRemembered bounds.
type pass struct {
	g     *group
	sieve *sieve
	plan  *planner
	seen  map[string]string // ETags of objects that the log knows, by key
	ended bool              // all was listed
	alien []s3store.Object  // of the page at hand: outputs that the log as read does not name
	cold  bool              // the group is no hotspot: nothing is planned

	small, bytes         int64 // objects that count for the thresholds
	ignored, young, left int64 // left: candidates that were not refused
	attempts             int
	progress             bool // something was committed, or learnt that need not be read again
}

func (g *group) newPass() *pass {
	o := g.r.o
	p := &pass{g: g, sieve: newSieve(g.prefix, o), plan: newPlanner(o.Selection.TargetSizeBytes, g.isFresh), seen: map[string]string{}}
	p.plan.plainText = o.PlainText
	return p
}

// run lists the group and makes the attempts.
func (p *pass) run(ctx context.Context) error {
	g := p.g
	if err := p.listDest(ctx); err != nil {
		return err
	}
	err := g.r.store.List(ctx, g.r.o.Bucket, groupListing(g.prefix, g.r.o.Selection), func(page s3store.Page) error {
		p.sieve.at(g.r.store.ServerTime())
		for _, o := range page.Objects {
			if err := p.see(ctx, o); err != nil {
				return err
			}
		}
		if err := p.foreign(ctx); err != nil {
			return err
		}
		for p.plan.full() {
			if err := p.attempt(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	p.ended = true
	g.seen = p.seen
	p.plan.endAll()
	for len(p.plan.ready) > 0 {
		if err := p.attempt(ctx); err != nil {
			return err
		}
	}
	return nil
}

// see looks at one listed object.
func (p *pass) see(ctx context.Context, o s3store.Object) error {
	g := p.g
	what, why := p.sieve.judge(o)
	switch what {
	case elsewhere:
	case isManaged:
		return managedRefusal
	case asOutput:
		return p.output(ctx, o)
	case passedOver:
		p.ignored++
	case tooYoung:
		p.ignored++
		p.young++
	case unfit:
		p.small++
		if o.Key > g.toldTo { // each once in a run, of which every pass is in key order
			g.toldTo = o.Key
			g.r.refuse(why)
		}
	case candidate:
		p.candidate(o)
	}
	return nil
}

// candidate looks at an object that may be joined. What the log knows to be
// refused is reported, unread.
func (p *pass) candidate(o s3store.Object) {
	g := p.g
	if g.kept.has(o.Key, o.ETag) {
		p.left++
		return
	}
	r, known := g.standing(o)
	if known {
		p.seen[o.Key] = o.ETag
		if r.Reason != reasonAlone {
			g.report(Refused{Key: o.Key, Reason: r.Reason, Detail: r.Detail})
			return
		}
	} else {
		p.small++
		p.bytes += o.SizeBytes
	}
	if _, told := g.refused[o.Key]; !told {
		p.left++
	}
	if g.skip[o.Key] != o.ETag && !p.cold {
		p.plan.add(o)
	}
}

// hot says whether the group is a hotspot; once it was, it is for the whole run.
// Where the listing has not ended it may take one more to count.
func (p *pass) hot(ctx context.Context) (bool, error) {
	g, sel := p.g, p.g.r.o.Selection
	if g.hot {
		return true, nil
	}
	small, bytes := p.small, p.bytes
	if !p.ended && (sel.MaxTotalBytes > 0 || small < sel.MinObjects) {
		counted := &pass{g: g, sieve: newSieve(g.prefix, g.r.o)}
		err := g.r.store.List(ctx, g.r.o.Bucket, groupListing(g.prefix, sel), func(page s3store.Page) error {
			counted.sieve.at(g.r.store.ServerTime())
			for _, o := range page.Objects {
				counted.count(o)
			}
			return nil
		})
		if err != nil {
			return false, err
		}
		small, bytes = counted.small, counted.bytes
	}
	g.hot = sel.Hot(small, bytes)
	return g.hot, nil
}

// count counts an object for the thresholds.
func (p *pass) count(o s3store.Object) {
	switch what, _ := p.sieve.judge(o); what {
	case unfit:
		p.small++
	case candidate:
		if _, known := p.g.standing(o); !known && !p.g.kept.has(o.Key, o.ETag) {
			p.small++
			p.bytes += o.SizeBytes
		}
	case elsewhere, isManaged, asOutput, passedOver, tooYoung:
	}
}

// attempt makes an attempt of the chunks that are ready.
func (p *pass) attempt(ctx context.Context) error {
	g := p.g
	if hot, err := p.hot(ctx); err != nil {
		return err
	} else if !hot {
		p.cold = true
		p.plan.drop()
		return nil
	}
	p.attempts++
	g.leftOut = 0
	learnt := len(g.skip)
	a := &attempt{g: g, log: g.log}
	if err := a.run(ctx, p.plan.take()); err != nil {
		return err
	}
	if a.entry == nil {
		// Everything was refused, alone, or left out. What was learnt is not read again.
		p.progress = p.progress || g.leftOut == 0 || len(g.skip) > learnt
		return g.tooMany(ctx)
	}
	if err := g.finishOwn(ctx, a.entry); err != nil {
		return err
	}
	p.progress = true
	if g.log == nil { // another worker wrote the entry that closes it
		return errHeadMoved
	}
	if err := g.remember(ctx, g.log.entry); err != nil {
		return err
	}
	return g.tooMany(ctx)
}

// output judges what is named like an output.
func (p *pass) output(ctx context.Context, o s3store.Object) error {
	g := p.g
	gid, _, _ := receipt.ParseOutputName(o.Key)
	if e := g.log.entry; e != nil && gid == g.log.gid {
		for _, live := range e.Live {
			if live.Key == o.Key {
				return nil
			}
		}
		for _, dead := range e.Dead {
			if dead.Key == o.Key && dead.Size == o.SizeBytes {
				return g.deleteDead(ctx, o, dead)
			}
		}
	}
	p.alien = append(p.alien, o)
	return nil
}

// foreign reports the page's outputs that the log as read does not name, unless
// the log has an entry more by now.
func (p *pass) foreign(ctx context.Context) error {
	if len(p.alien) == 0 {
		return nil
	}
	if moved, err := p.g.log.moved(ctx); err != nil {
		return err
	} else if moved {
		return errHeadMoved
	}
	for _, o := range p.alien {
		p.g.reportForeign(o)
	}
	p.alien = p.alien[:0]
	return nil
}

// listDest judges the group's outputs under --dest.
func (p *pass) listDest(ctx context.Context) error {
	g := p.g
	if g.r.o.Dest == nil {
		return nil
	}
	return g.r.store.List(ctx, g.r.outBucket, s3store.ListOptions{Prefix: g.r.outPrefix + g.prefix}, func(page s3store.Page) error {
		for _, o := range page.Objects {
			if gid, _, ok := receipt.ParseOutputName(o.Key); ok && gid == g.log.gid {
				if err := p.output(ctx, o); err != nil {
					return err
				}
			}
		}
		return p.foreign(ctx)
	})
}

// asRefusal is the refusal of a whole group in an error.
func asRefusal(err error) (refused *groupRefusal, ok bool) {
	ok = errors.As(err, &refused)
	return refused, ok
}
