package compactor

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

// deleteMembers is step 9, for the members of all outputs but the lost ones. It
// returns the members that were replaced meanwhile.
func (g *group) deleteMembers(ctx context.Context, auth *authority, e *receipt.Entry, lost map[int]bool) (changed []receipt.Refusal, err error) {
	var originals, absorbed []s3store.KeyETag
	for i := range e.Members {
		switch m := &e.Members[i]; {
		case lost[m.Output]:
		case m.Absorbed():
			absorbed = append(absorbed, s3store.KeyETag{Key: m.Key, ETag: m.ETag})
		default:
			originals = append(originals, s3store.KeyETag{Key: m.Key, ETag: m.ETag})
		}
	}
	if changed, err = g.deletePending(ctx, auth, g.r.o.Bucket, originals, &g.counts); err != nil {
		return nil, err
	}
	var uncounted receipt.Counts // absorbed outputs are no objects that were joined
	more, err := g.deletePending(ctx, auth, g.r.outBucket, absorbed, &uncounted)
	return append(changed, more...), err
}

// deletePending deletes keys on their ETags until each has an answer.
func (g *group) deletePending(ctx context.Context, auth *authority, bucket string, pending []s3store.KeyETag, counts *receipt.Counts) (changed []receipt.Refusal, err error) {
	if len(pending) == 0 {
		return nil, nil
	}
	for _, k := range pending {
		if k.ETag == "" { // it would be deleted whatever it is
			return nil, fmt.Errorf("delete s3://%s/%s: its ETag is not known; nothing is deleted: does this endpoint give none?", bucket, k.Key)
		}
	}
	var last error
	for range maxTries {
		answers, err := g.deleteAll(ctx, auth, bucket, pending)
		if err != nil {
			return nil, err
		}
		var again []s3store.KeyETag
		for i, err := range answers {
			switch {
			case err == nil:
				counts.ObjectsDeleted++
			case errors.Is(err, s3store.ErrNotFound):
				counts.ObjectsGone++
			case errors.Is(err, s3store.ErrPrecondition):
				changed = append(changed, receipt.Refusal{Key: pending[i].Key, ETag: pending[i].ETag, Reason: "changed", Detail: "replaced while it was compacted: both versions stay"})
			case errors.Is(err, s3store.ErrDenied):
				return nil, fmt.Errorf("%w; the outputs are complete, nothing is lost: allow s3:DeleteObject and run again", err)
			default:
				if errors.Is(err, s3store.ErrExpired) {
					auth.expired()
				}
				last = err
				again = append(again, pending[i])
			}
		}
		if pending = again; len(pending) == 0 {
			return changed, nil
		}
	}
	return nil, fmt.Errorf("%d members are still to be deleted; run again: %w", len(pending), last)
}

// deleteBatchKeys is how many keys one DeleteObjects names: S3 allows 1,000,
// and each counts as a write of the prefix's 3,500 a second.
const deleteBatchKeys = 250

// deletesAtOnce is how many single deletes are under way, where the endpoint
// does not enforce conditions in DeleteObjects.
const deletesAtOnce = 16

// deleteAll asks for each key's deletion once, on its ETag, under authority.
// There is an answer for each key, of its own; err is for what stops them all.
// Conditions in DeleteObjects are relied on in the bucket where they were tried.
func (g *group) deleteAll(ctx context.Context, auth *authority, bucket string, keys []s3store.KeyETag) ([]error, error) {
	answers := make([]error, len(keys))
	if g.r.enforces.batchETags && bucket == g.r.o.Bucket {
		for at := 0; at < len(keys); at += deleteBatchKeys {
			batch := keys[at:min(at+deleteBatchKeys, len(keys))]
			sctx, err := auth.sign(ctx)
			if err != nil {
				return nil, err
			}
			errs, err := g.r.store.DeleteBatch(sctx, bucket, batch)
			if err != nil {
				err = unansweredBatch(err)
			}
			for i := range batch {
				if answers[at+i] = err; err == nil {
					answers[at+i] = errs[i]
				}
			}
		}
		return answers, ctx.Err()
	}
	eg, ectx := errgroup.WithContext(ctx)
	eg.SetLimit(deletesAtOnce)
	for i, k := range keys {
		eg.Go(func() error {
			sctx, err := auth.sign(ectx)
			if err != nil {
				return err
			}
			answers[i] = g.r.store.Delete(sctx, bucket, k.Key, k.ETag)
			return nil
		})
	}
	if err := eg.Wait(); err != nil {
		return nil, err
	}
	return answers, ctx.Err()
}

// unansweredBatch is the error of a batch as it counts for each of its keys:
// nothing is known of them, whatever the whole request was answered.
func unansweredBatch(err error) error {
	if errors.Is(err, s3store.ErrDenied) || errors.Is(err, s3store.ErrExpired) {
		return err
	}
	return fmt.Errorf("%w: %s", s3store.ErrUnanswered, err.Error())
}
