package compactor

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

// closing are the options of a close of the bucket's state.
func (b *bucket) closing() Options {
	return Options{State: DefaultState(b.name), Concurrency: 4, SettleAfter: time.Millisecond, Tool: "test"}
}

func TestCloseFinishesAndGivesTheBucketBack(t *testing.T) {
	ctx := context.Background()
	b := newBucket(t)
	o := b.options()
	b.fill("done/", 3)
	b.fill("open/", 5)
	b.fill("never/", 2)
	before := b.records("")
	b.mustCompact(o, "done/")
	if _, _, err := b.compact(crashAt(b, "complete", "open/"), o, "open/"); err == nil {
		t.Fatal("the run was not stopped")
	}
	layout, _, err := readLayout(ctx, b.store, o.State)
	if err != nil {
		t.Fatal(err)
	}
	// An upload that a dead worker left, and one that is not ours.
	if _, err := b.store.CreateUpload(ctx, b.name, "done/"+receipt.OutputName("x", receipt.GID(layout.StateID, "done/"), randomID(), 1, ".gz"), s3store.Attributes{}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.store.CreateUpload(ctx, b.name, "done/"+receipt.OutputName("x", receipt.GID("another state", "done/"), randomID(), 1, ".gz"), s3store.Attributes{}); err != nil {
		t.Fatal(err)
	}

	// Another state is refused as long as the claim is there, and leaves nothing behind.
	next := o
	next.State.Key = "_next/"
	if _, _, err := b.compact(b.store, next, "never/"); !errors.Is(err, ErrUsage) || len(b.list("_next/")) != 0 {
		t.Errorf("another state beside the first: %v; it left %v", err, b.list("_next/"))
	}

	waiting := b.closing()
	waiting.SettleAfter = time.Hour
	if _, err := Close(ctx, b.store, waiting); !errors.Is(err, ErrWaiting) {
		t.Fatalf("before it has settled: %v", err)
	}
	if got, _ := b.status(b.store, b.closing()); got["open/"].State != GroupOpen {
		t.Errorf("something was finished before it had settled: %+v", got["open/"])
	}
	if _, _, err := b.compact(b.store, o, "open/"); !errors.Is(err, ErrUsage) {
		t.Errorf("a run on a closed state: %v", err)
	}
	if _, err := b.store.Head(ctx, b.name, receipt.ClaimKey); err != nil {
		t.Errorf("the claim is gone before it had settled: %v", err)
	}

	// The server tells the time in whole seconds, and may be late by one.
	sum, err := Close(ctx, b.store, b.closing())
	for try := 0; errors.Is(err, ErrWaiting) && try < 100; try++ {
		time.Sleep(100 * time.Millisecond)
		sum, err = Close(ctx, b.store, b.closing())
	}
	if err != nil || sum != (CloseSummary{Groups: 2, GroupsFinished: 2, UploadsAborted: 1, ClaimDeleted: true}) {
		t.Fatalf("%+v, %v", sum, err)
	}
	sameRecords(t, "closed", before, b.records(""))
	if got, s := b.status(b.store, b.closing()); s.GroupsDone != 2 || got["open/"].Outputs != 1 || len(b.list("open/")) != 1 {
		t.Errorf("%+v", s)
	}
	if n := b.uploads(); n != 1 {
		t.Errorf("%d uploads are left, one is another's", n)
	}
	var record receipt.Claim
	if err := json.Unmarshal(b.get(receipt.ClosedKey(layout.StateID)), &record); err != nil || record.State != o.State.String() || record.StateID != layout.StateID || record.Version != receipt.FormatVersion || record.Time.IsZero() {
		t.Errorf("the bucket says of the closed state: %+v, %v", record, err)
	}
	if _, number, err := readLayout(ctx, b.store, o.State); err != nil || number != 2 {
		t.Errorf("the layout has %d entries: %v", number, err)
	}
	// Again: nothing is left to do. Another state takes the bucket, with another grouping.
	if sum, err := Close(ctx, b.store, b.closing()); err != nil || sum.ClaimDeleted || sum.GroupsFinished != 2 {
		t.Errorf("a second time: %+v, %v", sum, err)
	}
	if sum, _ := b.mustCompact(next, "never/"); sum.ObjectsIn != 2 {
		t.Errorf("the next state: %+v", sum)
	}
	// Closing the first state leaves the claim of the next one alone.
	if sum, err := Close(ctx, b.store, b.closing()); err != nil || sum.ClaimDeleted {
		t.Errorf("with another state's claim: %+v, %v", sum, err)
	}
	if _, err := b.store.Head(ctx, b.name, receipt.ClaimKey); err != nil {
		t.Errorf("the next state's claim: %v", err)
	}
	sameRecords(t, "in the end", before, b.records(""))
}

// TestCloseStopsWorkers: a worker that began before and goes on later commits nothing.
func TestCloseStopsWorkers(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	before := b.list("app/")
	f := onCall(b, "part", "app/", func() {
		o := b.closing()
		o.AssumeAlone = true
		if _, err := Close(context.Background(), b.store, o); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	if _, _, err := b.compact(f, b.options(), "app/"); err == nil { // its upload is gone, and it may not commit
		t.Error("the worker goes on")
	}
	if _, _, err := b.compact(b.store, b.options(), "app/"); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("the next worker: %v", err)
	}
	after := b.list("app/")
	if len(after) != len(before) {
		t.Errorf("%d objects became %d", len(before), len(after))
	}
}

// TestCloseKilledAtEveryRequest: whoever calls again finishes; nothing is lost, and the claim goes last.
func TestCloseKilledAtEveryRequest(t *testing.T) {
	ctx := context.Background()
	setUp := func() (*bucket, map[string]int) {
		b := newBucket(t)
		b.fill("app/", 3)
		before := b.records("")
		if _, _, err := b.compact(crashAt(b, "complete", "app/"), b.options(), "app/"); err == nil {
			t.Fatal("the run was not stopped")
		}
		return b, before
	}
	o := func(b *bucket) Options { o := b.closing(); o.AssumeAlone = true; return o }
	b, _ := setUp()
	f := &faultyStore{Client: b.store}
	if _, err := Close(ctx, f, o(b)); err != nil {
		t.Fatal(err)
	}
	for _, carriedOut := range []bool{false, true} {
		for n, c := range f.calls {
			if strings.Contains(c.key, "canary") || carriedOut && (c.op == "list" || c.op == "get" || c.op == "head" || c.op == "probe") {
				continue // these change nothing of it
			}
			b, before := setUp()
			var at call
			killed := &faultyStore{Client: b.store, before: func(i int, c call) (bool, error) {
				if i == n {
					at = c
				}
				if i < n {
					return true, nil
				}
				return i == n && carriedOut, errLost
			}}
			_, err := Close(ctx, killed, o(b))
			if _, herr := b.store.Head(ctx, b.name, receipt.ClaimKey); err == nil && herr == nil && at.op != "" {
				t.Errorf("killed at %v: success is reported with the claim in place", at)
			}
			nothingLost(t, "killed", before, b.records(""))
			if sum, err := Close(ctx, b.store, o(b)); err != nil || sum.GroupsFinished != 1 {
				t.Fatalf("killed at %d %v (carried out: %t), then again: %+v, %v", n, at, carriedOut, sum, err)
			}
			if _, err := b.store.Head(ctx, b.name, receipt.ClaimKey); !errors.Is(err, s3store.ErrNotFound) {
				t.Errorf("killed at %v: the claim is left: %v", at, err)
			}
			sameRecords(t, "in the end", before, b.records(""))
		}
	}
}

// TestCloseNeedsOldSignaturesRefused: else a paused worker could go on.
func TestCloseNeedsOldSignaturesRefused(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 3)
	b.mustCompact(b.options(), "app/")
	lax := &laxSignatures{Client: b.store}
	if _, err := Close(context.Background(), lax, b.closing()); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), "--assume-alone") {
		t.Errorf("%v", err)
	}
	if l, _, err := readLayout(context.Background(), b.store, DefaultState(b.name)); err != nil || l.Closed {
		t.Errorf("it was closed all the same: %v", err)
	}
	o := b.closing()
	o.AssumeAlone = true
	if sum, err := Close(context.Background(), lax, o); err != nil || !sum.ClaimDeleted {
		t.Errorf("%+v, %v", sum, err)
	}
}

// laxSignatures is an endpoint that does not look at the age of signatures.
type laxSignatures struct{ *s3store.Client }

func (l *laxSignatures) Delete(ctx context.Context, bucket, key, etag string) error {
	return l.Client.Delete(s3store.SignedAt(ctx, l.ServerTime()), bucket, key, etag)
}

// TestCloseDeletesDeadOutputs: readers must not see records twice for good.
func TestCloseDeletesDeadOutputs(t *testing.T) {
	ctx := context.Background()
	b := newBucket(t)
	o := b.options()
	o.Keep = true
	b.fill("app/", 3)
	before := b.records("")
	b.mustCompact(o, "app/")
	layout, number, err := readLayout(ctx, b.store, o.State)
	if err != nil {
		t.Fatal(err)
	}
	log, err := newState(b.store, &o, layout, number).readLog(ctx, "app/")
	if err != nil {
		t.Fatal(err)
	}
	dead := &receipt.Entry{Header: receipt.Header{Kind: receipt.Done, Nonce: randomID()}, Dead: log.entry.Live}
	if _, err := log.append(ctx, dead); err != nil {
		t.Fatal(err)
	}
	closing := b.closing()
	closing.AssumeAlone = true
	if sum, err := Close(ctx, b.store, closing); err != nil || sum.GroupsFinished != 1 {
		t.Fatalf("%+v, %v", sum, err)
	}
	if left := b.outputs("app/"); len(left) != 0 {
		t.Errorf("dead outputs are left: %q", left)
	}
	sameRecords(t, "closed", before, b.records(""))
}

// TestCloseLeavesNothingKept: the next state would join kept originals once more.
func TestCloseLeavesNothingKept(t *testing.T) {
	closeAlone := func(b *bucket) error {
		o := b.closing()
		o.AssumeAlone = true
		_, err := Close(context.Background(), b.store, o)
		return err
	}
	for name, end := range map[string]func(b *bucket){
		"deleted": func(b *bucket) {
			o := b.options()
			o.DeleteKept = true
			b.mustCompact(o, "app/")
		},
		"restored": func(b *bucket) { b.mustRestore(b.restoreOptions()) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBucket(t)
			b.fill("app/", 3)
			b.fill("other/", 3)
			before := b.records("")
			keep := b.options()
			keep.Keep = true
			b.mustCompact(keep, "app/")
			b.mustCompact(b.options(), "other/")
			if err := closeAlone(b); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), "--delete-kept") {
				t.Fatalf("with kept originals: %v", err)
			}
			end(b) // the state is still in use
			if err := closeAlone(b); err != nil {
				t.Fatal(err)
			}
			next := b.options()
			next.State.Key = "_next/"
			b.mustCompact(next, "app/")
			sameRecords(t, "by the next state", before, b.records(""))
		})
	}
	for _, before := range []bool{false, true} { // the commit that keeps is open, or another one behind it
		b := newBucket(t)
		b.fill("app/", 3)
		o := b.options()
		if o.Keep = true; before {
			b.mustCompact(o, "app/")
			o.Keep = false
			b.put("app/more-1.json.gz", gz("{}"))
			b.put("app/more-2.json.gz", gz("{}"))
		}
		if _, _, err := b.compact(crashAt(b, "complete", "app/"), o, "app/"); err == nil {
			t.Fatal("the run was not stopped")
		}
		if err := closeAlone(b); !errors.Is(err, ErrUsage) {
			t.Errorf("with an open commit, others before it %t: %v", before, err)
		}
	}
	b := newBucket(t) // a restore was stopped behind its entry: it may give the output up
	b.fill("app/", 3)
	keep := b.options()
	keep.Keep = true
	b.mustCompact(keep, "app/")
	announced := false
	f := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		if announced {
			return false, errLost
		}
		announced = c.op == "put" && strings.Contains(c.key, "/groups/")
		return true, nil
	}}
	if _, _, err := b.restore(f, b.restoreOptions()); err == nil {
		t.Fatal("the restore was not stopped")
	}
	if err := closeAlone(b); !errors.Is(err, ErrUsage) {
		t.Errorf("with a restore of what was kept: %v", err)
	}
	b = newBucket(t)
	b.fill("app/", 3)
	keep = b.options()
	keep.Keep, keep.Dest = true, &s3store.Location{Bucket: b.name, Key: "joined/"}
	b.mustCompact(keep, "app/")
	if err := closeAlone(b); err != nil {
		t.Errorf("outputs elsewhere: %v", err)
	}
}

// TestCloseWithoutAClaim: that the claim is gone says nothing of what is left to
// do, or may still come. Only a closed layout that has settled does.
func TestCloseWithoutAClaim(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 3)
	f := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		if (c.op == "delete" || c.op == "deletes") && strings.HasPrefix(c.key, "app/") {
			return false, errLost
		}
		return true, nil
	}}
	if _, _, err := b.compact(f, b.options(), "app/"); err == nil {
		t.Fatal("nothing is left to do")
	}
	if err := b.store.Delete(context.Background(), b.name, receipt.ClaimKey, ""); err != nil {
		t.Fatal(err)
	}
	o := b.closing()
	o.SettleAfter = time.Hour
	for range 2 {
		if sum, err := Close(context.Background(), b.store, o); !errors.Is(err, ErrWaiting) || sum != (CloseSummary{}) {
			t.Errorf("%+v, %v", sum, err)
		}
	}
	b.settled(func() error { _, err := Close(context.Background(), b.store, b.closing()); return err })
	if objects := b.list("app/"); len(objects) != 1 {
		t.Errorf("closed, and the group's commit is not finished: %d objects", len(objects))
	}
}

// TestCloseOfAClosedState: once it has settled, there is nothing to do, until a
// worker that was paused has claimed the bucket again.
func TestCloseOfAClosedState(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 3)
	b.mustCompact(b.options(), "app/")
	o := b.closing()
	o.AssumeAlone = true
	if sum, err := Close(context.Background(), b.store, o); err != nil || !sum.ClaimDeleted {
		t.Fatalf("%+v, %v", sum, err)
	}
	again := b.closing()
	again.SettleAfter = time.Hour
	if sum, err := Close(context.Background(), b.store, again); !errors.Is(err, ErrWaiting) {
		t.Errorf("before it has settled: %+v, %v", sum, err)
	}
	if sum, err := Close(context.Background(), b.store, o); err != nil || sum != (CloseSummary{Groups: 1, GroupsFinished: 1}) {
		t.Errorf("a second time: %+v, %v", sum, err)
	}
	// A worker that was paused before has claimed the bucket for the state again.
	claim := receipt.Claim{Version: receipt.FormatVersion, State: o.State.String()}
	layout, _, err := readLayout(context.Background(), b.store, o.State)
	if err != nil {
		t.Fatal(err)
	}
	claim.StateID = layout.StateID
	body, err := json.Marshal(claim)
	if err != nil {
		t.Fatal(err)
	}
	b.put(receipt.ClaimKey, body)
	if sum, err := Close(context.Background(), b.store, again); !errors.Is(err, ErrWaiting) {
		t.Errorf("with a claim that came later: %+v, %v", sum, err)
	}
}
