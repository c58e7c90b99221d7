package compactor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/validate"
)

// group is one group's run.
type group struct {
	r       *run
	prefix  string
	log     *grouplog                  // nil: to be read
	before  *receipt.Entry             // the entry that sums up what was before the commit at hand; nil for none
	known   map[string]receipt.Refusal // refused for its bytes, or alone in its class, by key, as the log has it
	seen    map[string]string          // ETags of those known that the last whole listing showed, by key; nil before it
	kept    keptSet                    // members that commits with keep have joined
	refused map[string]Refused         // of this run, by key
	skip    map[string]string          // ETags not to be read again in this run, by key
	fresh   []receipt.Refusal          // found by this run and not yet in the log
	stays   map[string]bool            // live outputs that are not what the log says, by key
	whole   bool                       // it was refused as a whole
	hot     bool                       // it passed the thresholds once in this run
	toldTo  string                     // up to this key, what a listing shows to be refused was reported
	leftOut int                        // members that changed since they were listed, or are of too many classes
	counts  receipt.Counts
	spent   spending
	ignored int64
	young   int64 // of those ignored
}

// maxIdleRounds bounds the attempts in a row that the application's changes thwart.
const maxIdleRounds = 5

// process compacts the group until a listing has nothing eligible and the log's head is free.
func (g *group) process(ctx context.Context) error {
	again := errAgain // or what thwarted the last attempt
	for idle := 0; ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		progress, done, err := g.round(ctx)
		switch {
		case errors.Is(err, errAgain), errors.Is(err, errHeadMoved):
			g.log, again = nil, err
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
		return false, true, nil //nolint:nilerr // it is told as a refusal
	}
	if err := g.remember(ctx, g.log.entry); err != nil {
		return false, false, err
	}
	if g.r.o.DeleteKept {
		if began, err := g.deleteKept(ctx); began || err != nil {
			return began, false, err
		}
	}
	p := g.newPass()
	if err := p.run(ctx); err != nil {
		if refused, ok := asRefusal(err); ok {
			g.refuseGroup(refused)
			return p.progress, true, nil
		}
		return p.progress, false, err
	}
	if p.attempts > 0 {
		return p.progress, false, nil
	}
	g.ignored, g.young = p.ignored+p.left, p.young
	if moved, err := g.log.moved(ctx); err != nil || moved {
		g.log = nil
		return true, false, err
	}
	if absorbed, err := g.absorb(ctx); err != nil || absorbed {
		return absorbed, false, err
	}
	return false, true, g.recordRefusals(ctx)
}

// remember takes over what a done or void entry says about refusals and about members that stay.
func (g *group) remember(ctx context.Context, e *receipt.Entry) error {
	g.before = e
	g.known = map[string]receipt.Refusal{}
	if e == nil {
		return nil
	}
	for _, r := range e.Refused {
		g.known[r.Key] = r
	}
	for _, r := range e.Changed { // told again until the next compaction of the group
		g.report(Refused{Key: r.Key, Reason: r.Reason, Detail: r.Detail})
	}
	return g.kept.read(ctx, g, e.Kept, e.Live)
}

// reasonAlone marks an object that was left because nothing else of its class
// was there. It is no refusal; the log remembers it so that it is not read again alone.
const reasonAlone = "alone"

// reasonDenied marks an object that this run may not read. It is not
// remembered: the next run may be allowed to.
const reasonDenied = "denied"

// standing is what the log knows of an object as it is, refused or alone.
func (g *group) standing(o s3store.Object) (receipt.Refusal, bool) {
	r, ok := g.known[o.Key]
	ok = ok && r.ETag == o.ETag && (r.Content == "" || r.Content == string(g.r.o.Content))
	if r.Reason == string(validate.ReasonNotGzip) && g.r.o.PlainText && mayBeText(o.Key) {
		ok = false // a run that joins gzip only has refused it
	}
	return r, ok
}

// isFresh says whether an object was never read, or not as it is now.
func (g *group) isFresh(o s3store.Object) bool {
	_, known := g.standing(o)
	return !known
}

func (g *group) reportForeign(o s3store.Object) {
	g.report(Refused{Key: o.Key, Reason: "foreign", Detail: "named like an output, but no receipt of this group describes it: copied, moved, replaced or restored from elsewhere"})
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

// maxRemembered bounds the objects of a group that are refused, or alone in
// their class: the log and this run remember each, some 500 bytes.
const maxRemembered = 100_000

// tooMany stops the group where more objects were found unfit than are remembered.
func (g *group) tooMany(ctx context.Context) error {
	if len(g.refused)+len(g.skip) <= 2*maxRemembered {
		return nil
	}
	if err := g.recordRefusals(ctx); err != nil {
		return err
	}
	return &groupRefusal{"too_many_refused", fmt.Sprintf("more than %d of its objects can't be joined; look at the reasons, and narrow --match or move them away", maxRemembered)}
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

// report tells a refusal once in a run. That something stands in the way of a
// restore is told also of a key of which the log tells something else.
func (g *group) report(r Refused) {
	if g.refused == nil {
		g.refused = map[string]Refused{}
	}
	if told, ok := g.refused[r.Key]; ok && (stopsRestore(told.Reason) || !stopsRestore(r.Reason)) {
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

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
