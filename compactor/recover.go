package compactor

import (
	"context"
	"errors"
	"fmt"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

// Why a commit became void.
const (
	reasonNeverCompleted = "an upload was aborted before it was completed, or a member changed"
	reasonOutputGone     = "an output is gone or wrong while every member is still there"
)

// ErrLoss stands for an output that is gone together with members that it held.
// Nothing is deleted or changed until an operator says so.
var ErrLoss = errors.New("an output is missing and so are originals that it held")

// void declares a commit impossible: its outputs, should they exist, are dead,
// its members are free again.
func (g *group) void(ctx context.Context, e *receipt.Entry, reason string, abort bool) error {
	if abort {
		for _, o := range e.Outputs {
			if err := g.r.store.AbortUpload(ctx, o.Bucket, o.Key, o.UploadID); err != nil && !errors.Is(err, s3store.ErrNotFound) {
				return err
			}
		}
	}
	there, err := g.relist(ctx)
	if err != nil {
		return err
	}
	v := g.sumUp(there)
	v.Kind, v.Wait, v.Reason = receipt.Void, true, reason
	v.Outputs, v.Members = e.Outputs, e.Members
	if _, err := g.log.append(ctx, v); err != nil {
		return err
	}
	g.r.o.Log.Warn("an earlier commit can't be carried out; nothing was deleted for it", "group", g.prefix, "entry", e.Number, "why", reason)
	return nil
}

// outputMissing decides about a commit of which an output is neither there nor can be completed.
func (g *group) outputMissing(ctx context.Context, e *receipt.Entry, o receipt.Output) error {
	there, err := g.relist(ctx)
	if err != nil {
		return err
	}
	if allThere(e, there) {
		return g.void(ctx, e, reasonOutputGone, true)
	}
	return g.loss(ctx, e, o, there)
}

// loss stops the group, or goes on where the operator accepted the loss.
func (g *group) loss(ctx context.Context, e *receipt.Entry, o receipt.Output, there map[string]s3store.Object) error {
	gone := 0
	first := ""
	for _, m := range e.Members {
		if obj, ok := there[m.Key]; !ok || obj.ETag != m.ETag {
			if gone++; first == "" {
				first = m.Key
			}
		}
	}
	if g.r.o.AcceptLoss {
		g.r.o.Log.Error("going on past a loss, as told", "group", g.prefix, "output", o.Key, "members_gone", gone)
		if g.log.free() {
			return nil
		}
		return g.void(ctx, e, reasonNeverCompleted, true)
	}
	return fmt.Errorf("group %q: output s3://%s/%s of entry %d is gone or not what was written, and %d of its %d originals are gone too (first: %s); nothing is deleted here. If the bucket has versions, bring the output back and run again; --accept-loss goes on without it: %w",
		g.prefix, o.Bucket, o.Key, e.Number, gone, len(e.Members), first, ErrLoss)
}

// checkVoid looks once more, after a void entry has settled, whether its
// members are all there: a paused worker may have completed the outputs and
// deleted members before the entry was written.
func (g *group) checkVoid(ctx context.Context) error {
	v := g.log.entry
	if v == nil || v.Kind != receipt.Void || v.Reason != reasonOutputGone {
		return nil
	}
	there, err := g.relist(ctx)
	if err != nil {
		return err
	}
	if allThere(v, there) {
		return nil
	}
	c := &completion{g: g, auth: &authority{log: g.log}, e: v, takenOver: true}
	for _, o := range v.Outputs {
		what, _, err := c.look(ctx, o)
		if err != nil {
			return err
		}
		if what != complete {
			return g.loss(ctx, v, o, there)
		}
	}
	again := g.sumUp(there)
	again.Kind, again.Wait = receipt.Commit, true
	again.Outputs, again.Members = v.Outputs, v.Members
	again.Live, again.Dead, again.Refused, again.Kept = nil, nil, nil, nil
	if _, err := g.log.append(ctx, again); err != nil {
		return err
	}
	return errAgain
}

// deleteDead removes an output that the log has declared dead.
func (g *group) deleteDead(ctx context.Context, o s3store.Object) error {
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
