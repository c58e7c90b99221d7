package compactor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

// group is one group's run.
type group struct {
	r       *run
	prefix  string
	log     *grouplog                  // nil: to be read
	before  *receipt.Entry             // the entry that sums up what was before the commit at hand; nil for none
	known   map[string]receipt.Refusal // refused for its bytes, or alone in its class, by key, as the log has it
	seen    map[string]string          // ETags of those known that the last whole listing showed, by key; nil before it
	kept    map[string]string          // ETags of members that commits with keep have joined, by key
	refused map[string]Refused         // of this run, by key
	skip    map[string]string          // ETags not to be read again in this run, by key
	fresh   []receipt.Refusal          // found by this run and not yet in the log
	stays   map[string]bool            // live outputs that are not what the log says, by key
	whole   bool                       // it was refused as a whole
	hot     bool                       // it passed the thresholds once in this run
	leftOut int                        // members that changed since they were listed, or are of too many classes
	counts  receipt.Counts
	ignored int64
	young   int64 // of those ignored
}

// maxIdleRounds bounds the attempts in a row that the application's changes thwart.
const maxIdleRounds = 5

// process compacts the group until a listing has nothing eligible and the log's head is free.
func (g *group) process(ctx context.Context) error {
	var again error
	for idle := 0; ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		progress, done, err := g.round(ctx)
		switch {
		case errors.Is(err, errAgain), errors.Is(err, errHeadMoved):
			progress, g.log, again = false, nil, err
			g.r.o.Log.Info("starting again", "group", g.prefix, "why", err)
		case err != nil:
			return err
		case done:
			return nil
		}
		if progress {
			idle = 0
			continue
		}
		if idle++; idle >= maxIdleRounds {
			return fmt.Errorf("group %q: it kept changing through %d attempts; run again when it is quiet, or use a larger --min-age: %w", g.prefix, idle, again)
		}
	}
}

// round is one pass over the protocol's table: finish what is open, then list, then attempt.
func (g *group) round(ctx context.Context) (progress, done bool, err error) {
	if g.log == nil {
		if g.log, err = g.r.st.readLog(ctx, g.prefix); err != nil {
			return false, false, err
		}
	}
	if ok, left := g.log.settled(g.r.o); !ok {
		return false, false, fmt.Errorf("group %q: an entry of its log settles in %s: %w", g.prefix, left.Round(time.Second), ErrWaiting)
	}
	if e := g.log.entry; e != nil && e.Kind == receipt.Void {
		return false, false, g.resolveVoid(ctx, e)
	}
	if e := g.log.entry; e != nil && e.Kind == receipt.Restore {
		_, err := g.finishRestore(ctx, e)
		return true, false, err
	}
	if !g.log.free() {
		return true, false, g.finishHead(ctx)
	}
	if g.r.forbidden != nil { // nothing new is begun
		g.refuseGroup(g.r.forbidden)
		return false, true, nil
	}
	if err := g.remember(ctx, g.log.entry); err != nil {
		return false, false, err
	}
	l, err := listGroup(ctx, g.r.store, g.r.o.Bucket, g.prefix, g.r.o.Selection, g.r.o.MinAge)
	if err != nil {
		return false, false, err
	}
	if l.managed > 0 {
		g.refuseGroup(managedRefusal)
		return false, true, nil
	}
	moved, err := g.judgeOutputs(ctx, l)
	if err != nil || moved {
		g.log = nil
		return false, false, err
	}
	chunks := g.eligible(l)
	if len(chunks) == 0 {
		g.ignored, g.young = l.ignored+g.leftAlone(l), l.young
		if moved, err := g.log.moved(ctx); err != nil || moved {
			g.log = nil
			return true, false, err
		}
		if absorbed, err := g.absorb(ctx); err != nil || absorbed {
			return absorbed, false, err
		}
		return false, true, g.recordRefusals(ctx)
	}
	g.leftOut = 0
	learnt := len(g.skip)
	a := &attempt{g: g, log: g.log}
	if err := a.run(ctx, chunks); err != nil {
		var refused *groupRefusal
		if errors.As(err, &refused) {
			g.refuseGroup(refused)
			return false, true, nil
		}
		return false, false, err
	}
	if a.entry == nil {
		// Everything was refused, alone, or left out. What was learnt is not read again.
		return g.leftOut == 0 || len(g.skip) > learnt, false, nil
	}
	return true, false, g.finishOwn(ctx, a.entry)
}

// remember takes over what a done or void entry says about refusals and about members that stay.
func (g *group) remember(ctx context.Context, e *receipt.Entry) error {
	g.before = e
	g.known, g.kept = map[string]receipt.Refusal{}, map[string]string{}
	if e == nil {
		return nil
	}
	for _, r := range e.Refused {
		g.known[r.Key] = r
	}
	for _, r := range e.Changed { // told again until the next compaction of the group
		g.report(Refused{Key: r.Key, Reason: r.Reason, Detail: r.Detail})
	}
	live := map[string]bool{}
	for _, o := range e.Live {
		live[o.Key] = true
	}
	for _, n := range e.Kept {
		e, err := g.r.st.readEntry(ctx, g.log.gid, n)
		if err != nil {
			return err
		}
		for _, m := range e.Members {
			if live[e.Outputs[m.Output].Key] { // what a restore took apart is free again
				g.kept[m.Key] = m.ETag
			}
		}
	}
	return nil
}

// reasonAlone marks an object that was left because nothing else of its class
// was there. It is no refusal; the log remembers it so that it is not read again alone.
const reasonAlone = "alone"

// reasonDenied marks an object that this run may not read. It is not
// remembered: the next run may be allowed to.
const reasonDenied = "denied"

// eligible plans the chunks of an attempt from a listing. Known refusals are
// reported, unread.
func (g *group) eligible(l *listing) []chunk {
	for _, r := range l.refused {
		g.report(r)
	}
	var fresh, alone []s3store.Object
	small, total := int64(len(l.refused)), int64(0)
	g.seen = map[string]string{}
	for _, o := range l.candidates {
		if g.kept[o.Key] == o.ETag {
			continue
		}
		g.seen[o.Key] = o.ETag
		r, ok := g.known[o.Key]
		known := ok && r.ETag == o.ETag && (r.Content == "" || r.Content == string(g.r.o.Content))
		if known && r.Reason != reasonAlone {
			g.report(Refused{Key: o.Key, Reason: r.Reason, Detail: r.Detail})
			continue
		}
		if !known {
			small++
			total += o.SizeBytes
		}
		switch {
		case g.skip[o.Key] == o.ETag:
		case known:
			alone = append(alone, o)
		default:
			fresh = append(fresh, o)
		}
	}
	g.hot = g.hot || g.r.o.Selection.Hot(small, total)
	if len(fresh) == 0 || !g.hot {
		return nil
	}
	return g.bounded(planChunks(mergeByKey(fresh, alone), g.r.o.Selection.TargetSizeBytes), fresh)
}

// bounded keeps the chunks that hold something fresh, as many as one attempt takes.
func (g *group) bounded(chunks []chunk, fresh []s3store.Object) (kept []chunk) {
	isFresh := make(map[string]bool, len(fresh))
	for _, o := range fresh {
		isFresh[o.Key] = true
	}
	members := 0
	for _, c := range chunks {
		if !slices.ContainsFunc(c.members, func(o s3store.Object) bool { return isFresh[o.Key] }) {
			continue
		}
		if len(kept) == maxChunks || len(kept) > 0 && members+len(c.members) > maxMembers {
			break
		}
		kept = append(kept, c)
		members += len(c.members)
	}
	return kept
}

// leftAlone is the number of candidates that were neither joined nor refused.
func (g *group) leftAlone(l *listing) (n int64) {
	for _, o := range l.candidates {
		if _, told := g.refused[o.Key]; !told {
			n++
		}
	}
	return n
}

// judgeOutputs looks at what is named like an output in a listing. moved says
// that the log has an entry more than was read.
func (g *group) judgeOutputs(ctx context.Context, l *listing) (moved bool, err error) {
	outputs := l.outputs
	if g.r.o.Dest != nil {
		outputs, err = g.listDest(ctx)
		if err != nil {
			return false, err
		}
	}
	live, dead := map[string]bool{}, map[string]receipt.OutputRef{}
	if e := g.log.entry; e != nil {
		for _, o := range e.Live {
			live[o.Key] = true
		}
		for _, o := range e.Dead {
			dead[o.Key] = o
		}
	}
	for _, o := range outputs {
		gid, _, _ := receipt.ParseOutputName(o.Key)
		d, isDead := dead[o.Key]
		switch {
		case gid == g.log.gid && live[o.Key]:
		case gid == g.log.gid && isDead && d.Size == o.SizeBytes:
			if err := g.deleteDead(ctx, o, d); err != nil {
				return false, err
			}
		default:
			if moved, err := g.log.moved(ctx); err != nil || moved {
				return moved, err
			}
			g.reportForeign(o)
		}
	}
	return false, nil
}

func (g *group) reportForeign(o s3store.Object) {
	g.report(Refused{Key: o.Key, Reason: "foreign", Detail: "named like an output, but no receipt of this group describes it: copied, moved, replaced or restored from elsewhere"})
}

func (g *group) listDest(ctx context.Context) (outputs []s3store.Object, err error) {
	err = g.r.store.List(ctx, g.r.outBucket, s3store.ListOptions{Prefix: g.r.outPrefix + g.prefix}, func(p s3store.Page) error {
		for _, o := range p.Objects {
			if gid, _, ok := receipt.ParseOutputName(o.Key); ok && gid == g.log.gid {
				outputs = append(outputs, o)
			}
		}
		return nil
	})
	return outputs, err
}

// refuse notes an object that was found unfit by reading it.
func (g *group) refuse(o s3store.Object, why *refusal) {
	if g.skip == nil {
		g.skip = map[string]string{}
	}
	g.skip[o.Key] = o.ETag
	if why.lasting {
		r := receipt.Refusal{Key: o.Key, ETag: o.ETag, Reason: why.reason, Detail: why.detail}
		if why.reason == "format" {
			r.Content = string(g.r.o.Content)
		}
		g.fresh = append(g.fresh, r)
	}
	g.report(Refused{Key: o.Key, Reason: why.reason, Detail: why.detail})
}

// allDenied is an error where not one member of the chunks may be read: then
// it is the permission that is wrong, not the objects.
func (g *group) allDenied(chunks []chunk) error {
	for _, c := range chunks {
		for _, o := range c.members {
			if why := g.refused[o.Key]; why.Reason != reasonDenied && why.Detail != undecipherable {
				return nil
			}
		}
	}
	return fmt.Errorf("group %q: no object may be read: check the credentials, and allow s3:GetObject (and kms:Decrypt where a key is used): %w", g.prefix, s3store.ErrDenied)
}

// alone notes an object that nothing else can be joined with.
func (g *group) alone(o s3store.Object) {
	if g.skip == nil {
		g.skip = map[string]string{}
	}
	g.skip[o.Key] = o.ETag
	g.fresh = append(g.fresh, receipt.Refusal{Key: o.Key, ETag: o.ETag, Reason: reasonAlone})
}

// refuseGroup tells that the group as a whole must not be compacted.
func (g *group) refuseGroup(why *groupRefusal) {
	g.whole = true
	g.r.refuse(Refused{Prefix: g.prefix, Group: true, Reason: why.reason, Detail: why.detail})
}

// report tells a refusal once in a run.
func (g *group) report(r Refused) {
	if g.refused == nil {
		g.refused = map[string]Refused{}
	}
	if _, told := g.refused[r.Key]; told {
		return
	}
	g.refused[r.Key] = r
	g.r.refuse(r)
}

// refusals is what the next entry says of objects that are not to be read
// again: what the log knew, as far as the last whole listing still showed it,
// and what was found.
func (g *group) refusals() []receipt.Refusal {
	byKey := map[string]receipt.Refusal{}
	for _, r := range g.known {
		if g.seen == nil || g.seen[r.Key] == r.ETag {
			byKey[r.Key] = r
		}
	}
	for _, r := range g.fresh {
		byKey[r.Key] = r
	}
	var all []receipt.Refusal
	for _, key := range sortedKeys(byKey) {
		all = append(all, byKey[key])
	}
	return all
}

// recordRefusals writes an entry for refusals that the log does not know,
// where no commit was made whose done entry would tell them.
func (g *group) recordRefusals(ctx context.Context) error {
	if len(g.fresh) == 0 {
		return nil
	}
	d, err := g.sumUp(ctx)
	if err != nil {
		return err
	}
	// Where another worker was first, the next run reads these objects again and says the same.
	_, err = g.log.append(ctx, d)
	return err
}
