package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/s3compact/s3compact/compactor"
	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/inventory"
	"github.com/s3compact/s3compact/jobs"
)

// planRecord keeps in the state which plan is carried out and how far its
// shards are, so that status knows the whole from S3 alone.
type planRecord struct {
	store    *s3store.Client
	location string // of the plan, as it was given
	id       string
	shard    jobs.Shard
	state    s3store.Location
	begun    bool
}

// begin puts the plan into the state, where it is not there, and notes that
// this shard began.
func (r *planRecord) begin(ctx context.Context) error {
	key := receipt.PlanKey(r.state.Key, r.id)
	there, _, err := r.store.Probe(ctx, r.state.Bucket, key)
	if err != nil {
		return fmt.Errorf("look for the plan in the state: %w", err)
	}
	if !there {
		if err := r.keep(ctx, s3store.Location{Bucket: r.state.Bucket, Key: key}); err != nil {
			return fmt.Errorf("put the plan into the state: %w", err)
		}
	}
	r.begun = true
	return r.note(ctx, receipt.Started, nil)
}

// keep copies the plan, create-only, and checks while it does that it still is
// the plan that was read. It holds one part of it in memory.
func (r *planRecord) keep(ctx context.Context, to s3store.Location) (err error) {
	from, err := openPlan(ctx, r.store, r.location)
	if err != nil {
		return err
	}
	defer from.Close()
	w := &objectWriter{ctx: ctx, store: r.store, at: to, contentType: "application/x-ndjson", partBytes: planPartBytes}
	defer func() {
		if err != nil {
			w.abort()
		}
	}()
	buffered := bufio.NewWriterSize(w, 64<<10)
	header, err := inventory.ScanPlan(io.TeeReader(from, buffered), func(*inventory.Hotspot) error { return nil })
	if err != nil {
		return err
	}
	if header.ID != r.id {
		return fmt.Errorf("%s was replaced while it was read: start again", r.location)
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	if err = w.publish(""); errors.Is(err, s3store.ErrPrecondition) {
		w.abort() // another shard was first
		return nil
	}
	return err
}

// finish notes that every group of the shard is finished or refused.
func (r *planRecord) finish(ctx context.Context, sum compactor.Summary) error {
	if r == nil || !r.begun {
		return nil // no plan, or a shard without groups
	}
	return r.note(ctx, receipt.Finished, sum)
}

func (r *planRecord) note(ctx context.Context, e receipt.ShardEvent, summary any) error {
	return compactor.RecordShard(ctx, r.store, r.state, e, receipt.ShardRun{
		PlanID: r.id, Shard: r.shard.Index, Shards: r.shard.Count, Tool: toolVersion(), Summary: summary,
	})
}

// openPlan opens a plan's bytes.
func openPlan(ctx context.Context, store *s3store.Client, location string) (io.ReadCloser, error) {
	if !inventory.IsS3(location) {
		return os.Open(location)
	}
	l, err := s3store.ParseLocation(location)
	if err != nil {
		return nil, err
	}
	body, _, err := store.Get(ctx, l.Bucket, l.Key, s3store.GetOptions{})
	return body, err
}
