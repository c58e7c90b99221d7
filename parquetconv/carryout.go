package parquetconv

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/s3compact/s3compact/internal/s3store"
)

// carryOut does this shard's share of a list. done says whether all batches of
// the list are done, those of other shards included.
func (r *run) carryOut(ctx context.Context, plan int) (done bool, err error) {
	heads, err := r.heads(ctx, plan)
	if err != nil {
		return false, err
	}
	var h planHeader
	var owners []int
	var mismatch error
	mine := map[int][]planSource{}
	err = r.readPlan(ctx, plan, func(ph *planHeader) error {
		h, owners = *ph, owner(ph.Batches, r.Shards)
		done = allDone(plan, len(h.Batches), heads)
		if mismatch = r.checkTable(ph, done); mismatch != nil || done {
			return errEnough
		}
		return nil
	}, func(s planSource) error {
		if s.Batch < 1 || s.Batch > len(owners) {
			return fmt.Errorf("%s is in batch %d of %d", s.Key, s.Batch, len(owners))
		}
		if owners[s.Batch-1] == r.Shard && !heads[batchID{plan, s.Batch}].done {
			mine[s.Batch] = append(mine[s.Batch], s)
		}
		return nil
	})
	if err = cmp.Or(err, mismatch); err != nil {
		return false, err
	}
	if r.DryRun {
		var all []planSource
		for _, n := range sortedKeys(mine) {
			all = append(all, mine[n]...)
		}
		r.showBatches(plan, all, owners, heads)
		return allDone(plan, len(h.Batches), heads), nil
	}
	if err := r.dropOrphans(ctx); err != nil {
		return false, err
	}
	r.announce(mine)
	for n := range h.Batches {
		b := batchID{plan, n + 1}
		if owners[n] != r.Shard {
			continue
		}
		if err := context.Cause(ctx); err != nil {
			return false, err
		}
		if err := r.batch(ctx, b, heads[b], mine[b.batch]); err != nil {
			return false, err
		}
		delete(mine, b.batch)
	}
	if heads, err = r.heads(ctx, plan); err != nil {
		return false, err
	}
	return allDone(plan, len(h.Batches), heads), nil
}

func allDone(plan, batches int, heads map[batchID]head) bool {
	for n := range batches {
		if !heads[batchID{plan, n + 1}].done {
			return false
		}
	}
	return true
}

func (r *run) announce(mine map[int][]planSource) {
	if r.Progress == nil {
		return
	}
	var objects, bytes int64
	for _, sources := range mine {
		for _, s := range sources {
			objects++
			bytes += s.Size
		}
	}
	r.Progress.Total(objects, bytes)
}

// batch brings one batch to its end: completes what is committed, else does it.
func (r *run) batch(ctx context.Context, b batchID, h head, sources []planSource) error {
	for {
		done, next, err := r.finish(ctx, b, h)
		if err != nil {
			return fmt.Errorf("batch %s: %w", b, err)
		}
		if done != nil {
			r.repeat(*done)
			return nil
		}
		c, err := r.attempt(ctx, b, next, sources)
		switch {
		case err == nil:
			r.count(c)
			return nil
		case errors.Is(err, errLost):
			h = head{attempt: next}
		case errors.Is(err, errVanished):
			h = head{attempt: next}
		default:
			return fmt.Errorf("batch %s: %w", b, err)
		}
	}
}

// attempt does a batch: files, commit, completion. Uploads that can't be
// committed any more are dropped.
func (r *run) attempt(ctx context.Context, b batchID, number int, sources []planSource) (*Commit, error) {
	w := newBatchWriter(r, b, number, false)
	c, err := w.write(ctx, sources)
	if err != nil && w.mayBeBroken(err) && ctx.Err() == nil {
		r.Log.Warn("rows of a broken source were read: the batch is begun anew, and proves its big sources first", "batch", b.String(), "error", err)
		w.giveUp(ctx)
		w = newBatchWriter(r, b, number, true)
		c, err = w.write(ctx, sources)
	}
	defer func() { w.close() }()
	if err != nil {
		w.abort(ctx)
		switch cause := context.Cause(ctx); {
		case cause != nil:
			err = cause
		case errors.Is(err, s3store.ErrNotFound) && r.isTaken(ctx, b, number):
			err = errLost // whoever came after the other worker has dropped these uploads
		}
		return nil, err
	}
	// From here on a stop would leave half a batch to readers until the next run.
	ctx, cancel := withGrace(ctx, completeGrace)
	defer cancel()
	if err := r.commit(ctx, c); err != nil {
		if errors.Is(err, errLost) {
			w.abort(ctx)
		}
		return nil, err
	}
	return c, r.complete(ctx, c)
}

// isTaken says whether another worker has written an attempt.
func (r *run) isTaken(ctx context.Context, b batchID, number int) bool {
	_, err := r.readCommit(ctx, b, number)
	return err == nil
}

// completeGrace is how long a committed batch may still be completed after the
// run was told to stop, which is promised to be over 20 seconds later.
const completeGrace = 15 * time.Second

// withGrace is a context that ends a while after ctx does.
func withGrace(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-longer.Done():
		}
	})
	return longer, func() { stop(); cancel() }
}

// count adds a batch that this run did.
func (r *run) count(c *Commit) {
	s := &r.summary
	s.Batches++
	s.RowsIn += c.Counts.RowsIn
	s.RowsOut += c.Counts.RowsOut
	s.RowsRejected += c.Counts.RowsRejected
	s.BytesIn += c.Counts.BytesIn
	s.BytesOut += c.Counts.BytesOut
	s.Sources += int64(len(c.Inputs))
	for _, o := range c.Outputs {
		if !o.Rejects {
			s.Files++
		}
	}
	for _, f := range c.Refused {
		r.refuse(f)
	}
	r.Log.Info("batch done", "batch", batchID{c.Plan, c.Batch}.String(), "rows", c.Counts.RowsOut, "rejected", c.Counts.RowsRejected, "refused", len(c.Refused))
	s.Rejects, s.BadValues = addCounts(s.Rejects, c.Counts.Rejects), addCounts(s.BadValues, c.Counts.BadValues)
	for column, n := range c.Counts.BadValues {
		r.Log.Warn("values became null because their column cannot hold them", "batch", batchID{c.Plan, c.Batch}.String(), "column", column, "values", n)
	}
}

// addCounts adds up by name.
func addCounts(sum, more map[string]int64) map[string]int64 {
	if sum == nil && len(more) > 0 {
		sum = map[string]int64{}
	}
	for name, n := range more {
		sum[name] += n
	}
	return sum
}

// repeat tells again what an earlier run did not load.
func (r *run) repeat(o outcome) {
	r.summary.RejectedBefore += o.RowsRejected
	for _, f := range o.Refused {
		r.refuse(f)
	}
}

var partName = regexp.MustCompile(`-(\d{8})-(\d{6})-([0-9a-f]{32})(?:-\d+)?\.(?:parquet|jsonl\.gz)$`)

// orphanAge is how old an upload without a commit must be to be dropped while
// its worker may still live.
const orphanAge = 24 * time.Hour

// dropOrphans aborts uploads that no commit will complete: those of a batch
// that another attempt has committed, and those of batches without a commit
// that are older than a day.
func (r *run) dropOrphans(ctx context.Context) error {
	store := r.Stores.of(r.Table.Bucket)
	var open []s3store.Upload
	err := store.ListUploads(ctx, r.Table.Bucket, r.Table.Key, func(u s3store.Upload) error {
		if partName.MatchString(u.Key) {
			open = append(open, u)
		}
		return nil
	})
	if err != nil || len(open) == 0 {
		return err
	}
	// After the uploads: an attempt that began before this commit has lost.
	heads, err := r.heads(ctx, 0)
	if err != nil {
		return err
	}
	commits := map[batchID]*Commit{}
	for _, u := range open {
		m := partName.FindStringSubmatch(u.Key)
		plan, _ := strconv.Atoi(m[1])
		n, _ := strconv.Atoi(m[2])
		b := batchID{plan, n}
		if h := heads[b]; h.attempt > 0 && commits[b] == nil {
			if commits[b], err = r.readCommit(ctx, b, h.attempt); err != nil {
				return err
			}
		}
		c := commits[b]
		committed := c != nil && c.Type == "commit"
		switch {
		case committed && c.Nonce == m[3]:
			continue // to be completed
		case !committed && r.now.Sub(u.Initiated) < orphanAge:
			continue // its worker may live
		}
		if err := store.AbortUpload(ctx, r.Table.Bucket, u.Key, u.ID); err != nil && !errors.Is(err, s3store.ErrNotFound) {
			return err
		}
		r.Log.Info("dropped an upload that a dead worker left", "key", u.Key)
	}
	return nil
}

func isAny(err error, targets ...error) bool {
	for _, t := range targets {
		if errors.Is(err, t) {
			return true
		}
	}
	return false
}
