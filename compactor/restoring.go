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

// maxRestored bounds the originals of the outputs that one entry takes apart,
// beyond the first output.
const maxRestored = 200_000

// restoring is the restore of one group.
type restoring struct {
	*group
	x      *restorer
	wanted bool            // it holds something wanted
	stays  map[string]bool // outputs that can't be taken apart, which was told
	lost   error           // outputs that are gone
}

func (x *restorer) restoring(prefix string) *restoring {
	return &restoring{group: &group{r: x.runOf(prefix), prefix: prefix}, x: x, stays: map[string]bool{}}
}

// advance does what can be done without waiting: finishes what is open,
// announces what is to be taken apart, takes apart what was announced and has
// settled. An ErrWaiting comes with the time that is left.
func (g *restoring) advance(ctx context.Context) (left time.Duration, err error) {
	for idle := 0; ; {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		done, left, err := g.step(ctx)
		switch {
		case errors.Is(err, errAgain), errors.Is(err, errHeadMoved):
			if idle++; idle >= maxIdleRounds {
				return 0, fmt.Errorf("group %q: other workers kept changing its log; run again: %w", g.prefix, err)
			}
		case err != nil:
			return left, err
		case done:
			return 0, g.lost
		default:
			idle = 0
		}
	}
}

func (g *restoring) step(ctx context.Context) (done bool, left time.Duration, err error) {
	if g.log, err = g.r.st.readLog(ctx, g.prefix); err != nil {
		return false, 0, err
	}
	e := g.log.entry
	if e == nil {
		return true, 0, nil
	}
	ok, left := g.log.settled(g.r.o)
	if e.Kind == receipt.Done {
		if err := g.collect(ctx); err != nil {
			return false, 0, err
		}
		chosen, err := g.choose(ctx, e)
		if err != nil || len(chosen) == 0 {
			return true, 0, err
		}
		if ok {
			return false, 0, g.startRestore(ctx, chosen, nil)
		}
	}
	if !ok {
		return false, left, fmt.Errorf("group %q: an entry of its log settles in %s: %w", g.prefix, left.Round(time.Second), ErrWaiting)
	}
	switch e.Kind {
	case receipt.Void:
		return false, 0, g.resolveVoid(ctx, e)
	case receipt.Restore:
		g.x.begun(g)
		d, err := g.finishRestore(ctx, e)
		g.x.tell(d)
		return false, 0, err
	default:
		if began, err := g.saveOriginals(ctx); began || err != nil {
			return false, 0, err
		}
		err := g.finishHead(ctx)
		if errors.Is(err, s3store.ErrDenied) && !errors.Is(err, s3store.ErrCredentials) {
			return false, 0, g.interrupt(ctx, err)
		}
		return false, 0, err
	}
}

// choose picks the outputs for the next restore entry from the live ones: those
// that hold something wanted and that can be taken apart, the newest first,
// since of two originals of one key only one can come back.
func (g *restoring) choose(ctx context.Context, e *receipt.Entry) ([]receipt.OutputRef, error) {
	if err := g.remember(ctx, e); err != nil {
		return nil, err
	}
	commits := newReceipts(g.r.st, g.log.gid)
	keys := map[string]bool{}
	var chosen []receipt.OutputRef
	beside := false // what is beside the chosen ones would stay, should they be given up
	for _, ref := range slices.Backward(e.Live) {
		if g.stays[ref.Key] {
			continue
		}
		t, err := commits.take(ctx, ref)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(t.originals, func(m receipt.Member) bool { return g.x.wants(m.Key) }) {
			continue
		}
		stays := t.originalsStay(e.Kept)
		if len(chosen) > 0 && stays != beside {
			continue // an entry is for outputs of one kind
		}
		g.x.begun(g)
		ok, err := g.free(ctx, t, keys)
		if err != nil {
			return nil, err
		}
		if !ok {
			g.stays[ref.Key] = true
			continue
		}
		if len(chosen) > 0 && len(keys)+len(t.originals) > maxRestored {
			break
		}
		for _, m := range t.originals {
			keys[m.Key] = true
		}
		chosen, beside = append(chosen, t.ref), stays
	}
	return chosen, nil
}

// free says whether an output can be taken apart: it is there, and nothing
// newer is under the key of an original, nor one of those already chosen.
func (g *restoring) free(ctx context.Context, t *taken, chosen map[string]bool) (bool, error) {
	ref, err := g.findOutput(ctx, t)
	if errors.Is(err, ErrLoss) {
		g.lost = errors.Join(g.lost, err)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	t.ref = ref
	at, err := g.thereNow(ctx, t.originals)
	if err != nil {
		return false, err
	}
	free, twice := true, t.twice()
	for i := range t.originals {
		m := &t.originals[i]
		how, _, err := g.stands(ctx, m, at)
		if err != nil {
			return false, err
		}
		switch {
		case how == newer || chosen[m.Key] || twice[m.Key]:
			free = false
			g.report(takenKey(m.Key, t.ref.Key, twice[m.Key]))
		case how == vacant && t.contentOnly:
			free = false
			g.report(recompressedKey(m.Key, t.ref.Key))
		}
	}
	return free, nil
}

// interrupt turns a commit whose deletes are refused into a restore of all its
// outputs, where something wanted is in them. why is the refusal.
func (g *restoring) interrupt(ctx context.Context, why error) error {
	e := g.log.entry
	if e.Kind != receipt.Commit || e.Keep {
		return why
	}
	err := g.takeBack(ctx, why)
	if err == nil {
		g.r.o.Log.Warn("the deletes of a commit are refused; it is taken back", "group", g.prefix, "entry", e.Number, "why", why)
	}
	return err
}

// takeBack announces a restore of all outputs of the commit that is the log's
// head, where something wanted is in them. Where one of them can't be taken apart, the
// error is why.
func (g *restoring) takeBack(ctx context.Context, why error) error {
	e := g.log.entry
	c := &completion{g: g.group, auth: &authority{log: g.log}, e: e, takenOver: true}
	commits := newReceipts(g.r.st, g.log.gid)
	wanted, keys := false, map[string]bool{}
	var outputs, absorbed []receipt.OutputRef
	for _, o := range e.Outputs {
		what, ref, err := c.look(ctx, o)
		if err != nil || what != complete {
			return errors.Join(why, err)
		}
		t, err := commits.take(ctx, ref)
		if err != nil {
			return err
		}
		wanted = wanted || slices.ContainsFunc(t.originals, func(m receipt.Member) bool { return g.x.wants(m.Key) })
		if ok, err := g.free(ctx, t, keys); err != nil || !ok {
			return errors.Join(why, err, g.lost)
		}
		for _, m := range t.originals {
			keys[m.Key] = true
		}
		outputs = append(outputs, ref)
	}
	if !wanted {
		return why
	}
	for _, m := range e.Members {
		if m.Absorbed() {
			absorbed = append(absorbed, receipt.OutputRef{Bucket: m.Bucket, Key: m.Key, Size: m.Size, ETag: m.ETag, CRC64: m.CRC64, Commit: m.Commit})
		}
	}
	return g.startRestore(ctx, outputs, absorbed)
}
