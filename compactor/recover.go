package compactor

import (
	"context"
	"errors"
	"fmt"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/validate"
)

// Why a commit became void.
const (
	reasonGivenUp    = "a member changed before the output was completed, or the upload can't be completed; the upload was open then"
	reasonOutputGone = "an output is gone or wrong while every member is still there"
)

// ErrLoss stands for an output that is gone together with members that it held.
// Nothing is deleted or changed until an operator says so.
var ErrLoss = errors.New("an output is missing and so are originals that it held")

// void declares a commit impossible: its outputs, should they exist, are dead,
// its members are free again. It returns errAgain, or why it could not.
func (g *group) void(ctx context.Context, e *receipt.Entry, reason string) error {
	if !g.r.enforces.signature && !g.r.o.AssumeAlone {
		return fmt.Errorf("group %q: a commit can't be carried out, and this endpoint accepts requests that were signed long ago, so a paused worker could still carry it out: make sure that none is left, then run again with --assume-alone: %w", g.prefix, ErrUsage)
	}
	v, err := g.sumUp(ctx)
	if err != nil {
		return err
	}
	v.Kind, v.Wait, v.Reason = receipt.Void, true, reason
	v.Outputs, v.Members, v.Keep = e.Outputs, e.Members, e.Keep
	if _, err = g.log.append(ctx, v); err != nil {
		return err
	}
	g.r.o.Log.Warn("a commit can't be carried out; nothing was deleted for it", "group", g.prefix, "entry", e.Number, "why", reason)
	return fmt.Errorf("%w: %s", errAgain, reason)
}

// outputMissing decides about a commit of which an output is neither there nor
// can be completed. It returns nil only where the operator has accepted the
// loss: then the commit is finished for its other outputs.
func (g *group) outputMissing(ctx context.Context, e *receipt.Entry, o receipt.Output) error {
	// Another worker may have given it up, or finished it and gone on: then the log has moved.
	if moved, err := g.log.moved(ctx); err != nil {
		return err
	} else if moved {
		return errHeadMoved
	}
	there, err := g.thereNow(ctx, e.Members)
	if err != nil {
		return err
	}
	// What a restore gives back is not all that its outputs hold: they are never given up.
	if allThere(e, there) && !givesBack(e) {
		return g.void(ctx, e, reasonOutputGone)
	}
	return g.loss(e, o, there)
}

// loss stops the group, unless the operator accepts the loss.
func (g *group) loss(e *receipt.Entry, o receipt.Output, there map[string]s3store.Object) error {
	gone, first := 0, ""
	for i := range e.Members {
		m := &e.Members[i]
		if obj, ok := there[m.Key]; (!ok || obj.ETag != m.ETag) && e.Outputs[m.Output].Key == o.Key {
			if gone++; first == "" {
				first = m.Key
			}
		}
	}
	if g.r.o.AcceptLoss {
		g.r.o.Log.Error("going on past a loss, as told", "group", g.prefix, "output", o.Key, "members_gone", gone)
		return nil
	}
	if gone == 0 && !givesBack(e) {
		return fmt.Errorf("group %q: output s3://%s/%s of entry %d is gone or not what was written; all of its %d originals are there, but not those of another output of the entry, so the entry can't be given up as a whole; nothing is deleted here. If the bucket has versions, bring the output back and run again. Else --accept-loss goes on without this output, and its originals are joined again: %w",
			g.prefix, o.Bucket, o.Key, e.Number, o.Members, ErrLoss)
	}
	if gone == 0 {
		return fmt.Errorf("group %q: output s3://%s/%s of entry %d is gone or not what was written while a restore takes back what it put; nothing is deleted here. If the bucket has versions, bring the output back and run again. Else --accept-loss goes on without this output, and its originals that are there stay: %w",
			g.prefix, o.Bucket, o.Key, e.Number, ErrLoss)
	}
	return fmt.Errorf("group %q: output s3://%s/%s of entry %d is gone or not what was written, and %d of its %d originals are gone or replaced too (first: %s); nothing is deleted here. If the bucket has versions, bring the output back and run again. If the application itself removed those originals before the output was ever completed, or what is missing may be given up, --accept-loss goes on without this output: %w",
		g.prefix, o.Bucket, o.Key, e.Number, gone, o.Members, first, ErrLoss)
}

// resolveVoid decides, once a void entry has settled, what became of its outputs.
// A paused worker may have completed them and deleted members before its
// authority ran out: only then are all of them there, and only then may members
// be missing. In that case the commit holds again; else nothing was ever
// deleted for it, an entry says so, and what is left of it is removed.
func (g *group) resolveVoid(ctx context.Context, v *receipt.Entry) error {
	if err := g.remember(ctx, v); err != nil {
		return err
	}
	there, err := g.thereNow(ctx, v.Members)
	if err != nil {
		return err
	}
	next, err := g.sumUp(ctx)
	if err != nil {
		return err
	}
	if !allThere(v, there) {
		holds, err := g.holdsAgain(ctx, v, there)
		if err != nil {
			return err
		}
		if holds {
			next = &receipt.Entry{Header: next.Header, Outputs: v.Outputs, Members: v.Members}
			next.Kind, next.Wait, next.Keep = receipt.Commit, true, v.Keep
			next.Kept = nil // of a commit they are those that it ends
		}
	}
	sctx, err := (&authority{log: g.log}).sign(ctx)
	if err != nil {
		return err
	}
	ours, err := g.log.append(sctx, next)
	if err != nil {
		return err
	}
	if ours && next.Kind == receipt.Done {
		for _, o := range v.Outputs {
			// Should it fail, a later run sweeps the upload.
			_ = g.r.store.AbortUpload(ctx, o.Bucket, o.Key, o.UploadID)
		}
	}
	return errAgain // read again, with the time at which it was stored
}

// holdsAgain says whether all outputs of a void entry are there and right.
// Where they are not, nothing was deleted for it if its uploads were open when
// it was written; else what is missing is a loss.
func (g *group) holdsAgain(ctx context.Context, v *receipt.Entry, there map[string]s3store.Object) (bool, error) {
	c := &completion{g: g, auth: &authority{log: g.log}, e: v, takenOver: true}
	for _, o := range v.Outputs {
		what, _, err := c.look(ctx, o)
		switch {
		case err != nil:
			return false, err
		case what == complete:
		case v.Reason == reasonGivenUp:
			return false, nil
		default:
			if err := g.loss(v, o, there); err != nil {
				return false, err
			}
		}
	}
	return true, nil
}

// deleteDead removes an output that the log has declared dead, if it is that:
// what somebody put in its place is not ours.
func (g *group) deleteDead(ctx context.Context, o s3store.Object, dead receipt.OutputRef) error {
	info, err := g.r.store.Head(ctx, g.r.outBucket, o.Key)
	switch {
	case errors.Is(err, s3store.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	sum := info.CRC64NVME
	if sum == "" { // the endpoint stores none
		crc, _, err := readBack(ctx, g.r.store, g.r.outBucket, o.Key, info.ETag)
		if err != nil {
			return err
		}
		sum = validate.EncodeCRC64(crc)
	}
	if info.ETag != o.ETag || sum != dead.CRC64 {
		g.reportForeign(o)
		return nil
	}
	sctx, err := (&authority{log: g.log}).sign(ctx)
	if err != nil {
		return err
	}
	err = g.r.store.Delete(sctx, g.r.outBucket, o.Key, o.ETag)
	if errors.Is(err, s3store.ErrNotFound) {
		return nil
	}
	return err
}
