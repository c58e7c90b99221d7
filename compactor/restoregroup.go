package compactor

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

const (
	// reasonTaken stands for an original that can't come back: something newer is
	// under its key.
	reasonTaken = "taken"
	// reasonName stands for a key that can't be a name where copies go.
	reasonName = "name"
)

// restored is what the carrying out of a restore entry did.
type restored struct {
	outputs []receipt.OutputRef // taken apart
	members []int               // originals of each
	written int64               // originals that were put
	there   int64               // originals that were there
	bytes   int64               // written
}

// startRestore appends the entry that announces that outputs are taken apart.
// Nothing is done before it has settled: until then workers with an earlier
// authority may still delete originals. absorbed are the outputs that a commit
// absorbed which the entry interrupts.
func (g *group) startRestore(ctx context.Context, outputs, absorbed []receipt.OutputRef) error {
	if err := g.mayWait("an original that was put back could be deleted by it"); err != nil {
		return err
	}
	e, err := g.sumUp(ctx)
	if err != nil {
		return err
	}
	e.Kind, e.Wait = receipt.Restore, true
	e.Live = without(without(e.Live, outputs), absorbed)
	e.TakenApart, e.Absorbed = outputs, absorbed
	e.Changed = g.changedBefore()
	sctx, err := (&authority{log: g.log}).sign(ctx)
	if err != nil {
		return err
	}
	ours, err := g.log.append(sctx, e)
	if err == nil && !ours {
		err = errAgain
	}
	return err
}

// mayWait refuses what is safe only where old signatures are refused, or where
// the operator vouches that no paused worker is left.
func (g *group) mayWait(danger string) error {
	if g.r.enforces.signature || g.r.o.AssumeAlone {
		return nil
	}
	return fmt.Errorf("group %q: this endpoint accepts requests that were signed long ago, so a paused worker may be left, and %s: make sure that none is left, then run again with --assume-alone: %w", g.prefix, danger, ErrUsage)
}

// changedBefore is what the log tells of originals that were replaced while
// they were compacted.
func (g *group) changedBefore() []receipt.Refusal {
	if g.before == nil {
		return nil
	}
	return g.before.Changed
}

// finishRestore carries out a restore entry that is the log's head and has
// settled, whoever wrote it: it puts the originals back and declares their
// outputs dead before it deletes them. Where something newer has the key of an
// original, the outputs stay, and a commit takes back what was put.
func (g *group) finishRestore(ctx context.Context, e *receipt.Entry) (restored, error) {
	if err := g.mayWait("it could put back or delete what this run has not seen"); err != nil {
		return restored{}, err
	}
	if err := g.remember(ctx, e); err != nil {
		return restored{}, err
	}
	g.r.o.Log.Info("putting originals back", "group", g.prefix, "entry", g.log.head, "outputs", len(e.TakenApart))
	p := &putBack{g: g, auth: &authority{log: g.log}, etags: map[string]string{}, textOnly: map[string]string{}}
	commits := newReceipts(g.r.st, g.log.gid)
	var outputs []receipt.OutputRef
	var members []int
	for _, ref := range e.TakenApart {
		t, err := commits.take(ctx, ref)
		if err != nil {
			return p.sum(), err
		}
		if t.ref, err = g.findOutput(ctx, t); err != nil {
			return p.sum(), err
		}
		if err := p.output(ctx, t); err != nil {
			return p.sum(), fmt.Errorf("group %q: output s3://%s/%s: %w", g.prefix, ref.Bucket, ref.Key, err)
		}
		outputs = append(outputs, ref)
		members = append(members, len(t.originals))
	}
	ctx, cancel := drained(ctx)
	defer cancel()
	if len(p.newer) > 0 {
		return restored{}, g.giveBack(ctx, e, p)
	}
	done := p.sum()
	if err := g.restored(ctx, e); err != nil {
		return done, err
	}
	done.outputs, done.members = outputs, members
	return done, nil
}

// findOutput sees that an output is there, as its receipt has it, and is its
// reference with its present ETag. An output that is gone is no matter where
// all its originals are there.
func (g *group) findOutput(ctx context.Context, t *taken) (receipt.OutputRef, error) {
	ref := t.ref
	info, err := g.r.store.Head(ctx, ref.Bucket, ref.Key)
	switch {
	case err == nil && info.SizeBytes == ref.Size && (info.ETag == ref.ETag || info.CRC64NVME == ref.CRC64):
		ref.ETag = info.ETag
		return ref, nil
	case err != nil && !errors.Is(err, s3store.ErrNotFound):
		return ref, err
	}
	at, err := g.thereNow(ctx, t.originals)
	if err != nil {
		return ref, err
	}
	gone, first := 0, ""
	for i := range t.originals {
		how, _, err := g.stands(ctx, &t.originals[i], at)
		if err != nil {
			return ref, err
		}
		if how != back {
			if gone++; first == "" {
				first = t.originals[i].Key
			}
		}
	}
	if gone == 0 {
		return ref, nil
	}
	return ref, fmt.Errorf("group %q: output s3://%s/%s of entry %d is gone or not what was written, and %d of its %d originals are not there (first: %s); nothing more is done with the group. If the bucket has versions, bring the output back and run again: %w",
		g.prefix, ref.Bucket, ref.Key, ref.Commit, gone, len(t.originals), first, ErrLoss)
}

// restored closes a restore: all originals are back. The outputs are declared
// dead by an entry before they are deleted, so that no receipt ever names an
// output that a worker removed.
func (g *group) restored(ctx context.Context, e *receipt.Entry) error {
	d, err := g.sumUp(ctx)
	if err != nil {
		return err
	}
	d.Wait, d.Changed = true, e.Changed
	dead := slices.Concat(e.TakenApart, e.Absorbed)
	d.Dead = append(without(d.Dead, dead), dead...)
	d.Kept = slices.DeleteFunc(d.Kept, func(n int) bool {
		of := func(o receipt.OutputRef) bool { return o.Commit == n }
		return slices.ContainsFunc(e.TakenApart, of) && !slices.ContainsFunc(d.Live, of)
	})
	if err := g.endRestore(ctx, d); err != nil {
		return err
	}
	return g.collect(ctx)
}

// endRestore appends the entry that ends a restore, and removes the uploads that
// killed workers left of it: no worker can use them any more. What stays is swept
// after a day.
func (g *group) endRestore(ctx context.Context, e *receipt.Entry) error {
	uploads := putBackUploads(g.log)
	ours, err := g.log.append(ctx, e)
	switch {
	case err != nil:
		return err
	case !ours:
		return errAgain
	}
	if _, err := g.r.st.dropUploads(ctx, uploads, 0); err != nil {
		g.r.o.Log.Warn("uploads of a restore that was stopped could not be removed; compact removes them after a day", "group", g.prefix, "error", err)
	}
	return nil
}

// collect deletes the outputs that the log's head declares dead. It need not
// settle: a dead output is never read again.
func (g *group) collect(ctx context.Context) error {
	for _, d := range g.log.entry.Dead {
		info, err := g.r.store.Head(ctx, d.Bucket, d.Key)
		switch {
		case errors.Is(err, s3store.ErrNotFound):
			continue
		case err != nil:
			return err
		}
		if info.SizeBytes != d.Size || d.ETag != "" && info.ETag != d.ETag && info.CRC64NVME != d.CRC64 {
			g.reportForeign(info.Object)
			continue
		}
		if err := g.deleteDead(ctx, info.Object, d); err != nil {
			return fmt.Errorf("group %q: every original is there, but so is an output that holds them, and readers see its records twice until it is deleted; run again: %w", g.prefix, err)
		}
	}
	return nil
}

// giveBack ends a restore that met something newer under the key of an
// original. The outputs stay, so what was put back goes again: by a commit for
// the same outputs whose members are the originals that are there. Those that it
// must not delete stay by it, as with keep.
func (g *group) giveBack(ctx context.Context, e *receipt.Entry, p *putBack) error {
	c := &receipt.Entry{Header: receipt.Header{
		Kind: receipt.Commit, Wait: true, Nonce: randomID(), Tool: g.r.o.Tool, Content: string(g.r.o.Content),
		Reason: fmt.Sprintf("a restore can't put back %d of the originals, such as for something newer under their keys (first: %s)", len(p.newer), slices.Min(p.newer)),
	}}
	commits := newReceipts(g.r.st, g.log.gid)
	for i, ref := range e.TakenApart {
		t, err := commits.take(ctx, ref)
		if err != nil {
			return err
		}
		o, absorbed, err := commits.again(ctx, ref)
		if err != nil {
			return err
		}
		c.Keep = c.Keep || t.originalsStay(e.Kept)
		c.Outputs = append(c.Outputs, o)
		for _, m := range t.originals {
			if etag, ok := p.etags[m.Key]; ok {
				c.Members = append(c.Members, receipt.Member{Output: i, Key: m.Key, ETag: etag, Size: m.Size, Offset: m.Offset, CRC64: m.CRC64})
			}
		}
		for _, m := range absorbed {
			if slices.ContainsFunc(e.Absorbed, func(a receipt.OutputRef) bool { return a.Key == m.Key }) {
				m.Output = i
				c.Members = append(c.Members, m)
			}
		}
	}
	for _, key := range p.newer {
		if output := p.textOnly[key]; output != "" {
			g.report(recompressedKey(key, output))
			continue
		}
		g.report(Refused{Key: key, Reason: reasonTaken, Detail: takenDetail})
	}
	sctx, err := p.auth.sign(ctx)
	if err != nil {
		return err
	}
	return g.endRestore(sctx, c)
}

const takenDetail = "something newer is under the key of this original, so the output that holds it stays: move the newer object away and restore again, or take a copy of the original with restore --to"

// deleteLate deletes originals that a commit, with which a restore takes back
// what it put, does not name: another worker's PUT of that restore may have come
// behind the entry, under a key that was free again by then. The entry has
// settled, so no more come.
func (g *group) deleteLate(ctx context.Context, auth *authority, e *receipt.Entry, lost map[int]bool) error {
	named := make(map[s3store.KeyETag]bool, len(e.Members))
	for i := range e.Members {
		named[s3store.KeyETag{Key: e.Members[i].Key, ETag: e.Members[i].ETag}] = true
	}
	commits := newReceipts(g.r.st, g.log.gid)
	var late []s3store.KeyETag
	for i, o := range e.Outputs {
		if lost[i] {
			continue
		}
		t, err := commits.take(ctx, receipt.OutputRef{Bucket: o.Bucket, Key: o.Key, Size: o.Size, CRC64: o.CRC64, Commit: o.Commit})
		if err != nil {
			return err
		}
		at, err := g.thereNow(ctx, t.originals)
		if err != nil {
			return err
		}
		for j := range t.originals {
			m := &t.originals[j]
			how, etag, err := g.stands(ctx, m, at)
			if err != nil {
				return err
			}
			if k := (s3store.KeyETag{Key: m.Key, ETag: etag}); how == back && !named[k] {
				late = append(late, k)
			}
		}
	}
	_, err := g.deletePending(ctx, auth, g.r.o.Bucket, late, &g.counts) // what is replaced by now is the application's
	return err
}

// takenKey is the refusal of an original that can't come back. twice: its output
// holds two of its key, of which only one could.
func takenKey(key, output string, twice bool) Refused {
	detail := takenDetail
	if twice {
		detail = "the output holds two different originals of this key, of which only one could come back, so it stays: take a copy of the newer one with restore --to"
	}
	return Refused{Key: key, Reason: reasonTaken, Detail: detail + " (output " + output + ")"}
}

// again is the record of an output that an entry names, as a later commit
// names it again, and the outputs that it absorbed.
func (r *receipts) again(ctx context.Context, ref receipt.OutputRef) (o receipt.Output, absorbed []receipt.Member, err error) {
	e, err := r.entry(ctx, ref.Commit)
	if err != nil {
		return o, nil, err
	}
	i := slices.IndexFunc(e.Outputs, func(o receipt.Output) bool { return o.Key == ref.Key })
	if i < 0 {
		return o, nil, fmt.Errorf("entry %d does not describe output %s: %w", ref.Commit, ref.Key, receipt.ErrFormat)
	}
	for _, m := range e.Members {
		if m.Output == i && m.Absorbed() {
			absorbed = append(absorbed, m)
		}
	}
	o = e.Outputs[i]
	o.Commit = ref.Commit
	return o, absorbed, nil
}
