package compactor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

// TestAcceptLossKeepsGoodOutputs: --accept-loss gives up no more than what is lost.
func TestAcceptLossKeepsGoodOutputs(t *testing.T) {
	b := newBucket(t)
	o := b.options()
	o.Selection.GroupBy.Depth = 1
	for p := range 2 {
		for i := range 3 {
			b.put(fmt.Sprintf("app/p=%d/%d.json.gz", p, i), gz(record("a", p, i)))
		}
	}
	// A worker dies after two deletes; one of the two outputs is removed by somebody.
	deletes, dead := 0, false
	f := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		if dead {
			return false, errLost
		}
		if c.op == "delete" && strings.HasPrefix(c.key, "app/p=0/") {
			deletes++
		}
		if c.op == "delete" && strings.HasPrefix(c.key, "app/p=1/") {
			dead = deletes >= 1
			return false, errLost
		}
		return true, nil
	}}
	_, _, err := b.compact(f, o, "app/")
	t.Log("killed:", err, len(b.list("app/")))
	outs := b.outputs("app/")
	var good, lost string
	for _, k := range outs {
		if strings.HasPrefix(k, "app/p=0/") {
			good = k
		} else {
			lost = k
		}
	}
	// The lost output, and an original of it.
	if err := b.store.Delete(context.Background(), b.name, "app/p=1/0.json.gz", ""); err != nil {
		t.Fatal(err)
	}
	if err := b.store.Delete(context.Background(), b.name, lost, ""); err != nil {
		t.Fatal(err)
	}
	before := b.records("")
	if _, _, err := b.compact(b.store, o, "app/"); !errors.Is(err, ErrLoss) {
		t.Fatal(err)
	}
	o.AcceptLoss = true
	for range 60 {
		if _, _, err = b.compact(b.store, o, "app/"); !errors.Is(err, ErrWaiting) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Log(err)
	got := b.records("")
	for r := range before {
		if got[r] == 0 {
			t.Errorf("record %s was in %s, which was whole, and is lost now", r, good)
		}
	}
}

// TestLossSaysWhatIsLost: an output is gone of which every original is there,
// beside another one of the same entry of which originals are deleted.
func TestLossSaysWhatIsLost(t *testing.T) {
	b := newBucket(t)
	o := b.options()
	o.Selection.GroupBy.Depth = 1
	for p := range 2 {
		for i := range 3 {
			b.put(fmt.Sprintf("app/p=%d/%d.json.gz", p, i), gz(record("a", p, i)))
		}
	}
	before := b.records("")
	f := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		if c.op == "delete" && strings.HasPrefix(c.key, "app/p=1/") {
			return false, errLost
		}
		return true, nil
	}}
	if _, _, err := b.compact(f, o, "app/"); err == nil || len(b.list("app/p=0/")) == 4 || len(b.list("app/p=1/")) != 4 {
		t.Fatalf("%d and %d objects are left, the run says %v: nothing to test", len(b.list("app/p=0/")), len(b.list("app/p=1/")), err)
	}
	if err := b.store.Delete(context.Background(), b.name, b.outputs("app/p=1/")[0], ""); err != nil {
		t.Fatal(err)
	}
	_, _, err := b.compact(b.store, o, "app/")
	if !errors.Is(err, ErrLoss) || !strings.Contains(err.Error(), "all of its 3 originals are there") || strings.Contains(err.Error(), "restore") {
		t.Errorf("the run says %v", err)
	}
	o.AcceptLoss = true
	b.settled(func() error { _, _, err := b.compact(b.store, o, "app/"); return err })
	sameRecords(t, "in the end", before, b.records(""))
}

// TestWholeRequestAnswersAreNotAboutKeys: An answer to a whole DeleteObjects says nothing of its keys.
func TestWholeRequestAnswersAreNotAboutKeys(t *testing.T) {
	for _, fault := range []error{s3store.ErrNotFound, s3store.ErrPrecondition} {
		t.Run(fault.Error(), func(t *testing.T) {
			b := newBucket(t)
			b.fill("app/", 4)
			before := b.records("")
			var once sync.Once
			f := &faultyStore{Client: b.store}
			f.before = func(_ int, c call) (sent bool, err error) {
				sent = true
				if c.op == "delete" && c.key[0] == 'a' {
					once.Do(func() { sent, err = false, fmt.Errorf("404 for the whole request: %w", fault) })
				}
				return sent, err
			}
			sum, refused, err := b.compact(strict{f}, b.options(), "app/")
			t.Logf("%+v %v %v", sum, refused, err)
			_, _, _ = b.compact(b.store, b.options(), "app/")
			sameRecords(t, "after", before, b.records(""))
		})
	}
}

// TestRevivedOutputIsNotDead: A completion that was authorised by the commit arrives behind the void entry: the commit holds again.
func TestRevivedOutputIsNotDead(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	before := b.records("")
	commitOnly(t, b)
	commit := b.entries("app/")[0]
	output := commit.Outputs[0]
	// Another worker's completion, authorised by the commit, arrives while this one finds nothing.
	f := &faultyStore{Client: b.store}
	f.before = func(_ int, c call) (bool, error) {
		switch {
		case strings.Contains(c.key, "canary"):
		case c.op == "complete":
			return false, fmt.Errorf("late: %w", s3store.ErrNotFound)
		case c.op == "put" && strings.HasSuffix(c.key, "00000002.jsonl.gz"):
			if _, err := b.store.CompleteUpload(context.Background(), output.Bucket, output.Key, output.UploadID, output.Parts, output.CRC64); err != nil {
				t.Error(err)
			}
			m := commit.Members[0]
			if err := b.store.Delete(context.Background(), b.name, m.Key, m.ETag); err != nil {
				t.Error(err)
			}
		case c.op == "abort":
			return false, fmt.Errorf("late: %w", s3store.ErrNotFound)
		}
		return true, nil
	}
	_, _, err := b.compact(f, b.options(), "app/")
	t.Log(err)
	compactSettled(t, "after the void entry", b)
	sameRecords(t, "after", before, b.records(""))
	for _, e := range b.entries("app/") {
		t.Logf("entry %d: %s %q outputs %d members %d live %d dead %d", e.Number, e.Kind, e.Reason, len(e.Outputs), len(e.Members), len(e.Live), len(e.Dead))
		for _, d := range e.Dead {
			for _, l := range e.Live {
				if l.Key == d.Key {
					t.Errorf("entry %d names the only copy of %d members both live and dead", e.Number, len(commit.Members))
				}
			}
		}
	}
}

// TestOwnEntrySettlesFromWhenItWasStored: A PUT may take long.
func TestOwnEntrySettlesFromWhenItWasStored(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	commitOnly(t, b)
	b.put("app/log-001.json.gz", gz(record("app/", 555, 1)))
	o := b.options()
	o.SettleAfter = 3 * time.Second
	var stored time.Time
	early := time.Duration(-1)
	f := &faultyStore{Client: b.store}
	f.before = func(_ int, c call) (bool, error) {
		if c.op == "put" && strings.HasSuffix(c.key, "00000002.jsonl.gz") {
			time.Sleep(4500 * time.Millisecond) // paused, or a throttled PUT that is retried
			stored = time.Now()
		}
		if c.op == "get" && strings.HasPrefix(c.key, "app/") && early < 0 {
			early = time.Since(stored)
		}
		return true, nil
	}
	_, _, err := b.compact(f, o, "app/")
	if !errors.Is(err, ErrWaiting) {
		t.Errorf("a void entry settles after %s; the same run acted on its own after %s: %v", o.SettleAfter, early, err)
	}
}

func TestOvertakenWorkerStartsAgain(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	commitOnly(t, b)
	b.put("app/log-001.json.gz", gz(record("app/", 555, 1)))
	f := onCall(b, "abort", "app/", func() {
		_, _, err := b.compact(b.store, b.options(), "app/")
		if err != nil && !errors.Is(err, ErrWaiting) {
			t.Errorf("the other worker: %v", err)
		}
	})
	_, _, err := b.compact(f, b.options(), "app/")
	if errors.Is(err, ErrLoss) {
		t.Errorf("nothing is lost, another worker was faster; but: %v", err)
	}
}

// TestSettledVoidIsClosed: What the application deletes after a void entry has settled is its own affair.
func TestSettledVoidIsClosed(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	commitOnly(t, b)
	err := b.store.ListUploads(context.Background(), b.name, "", func(u s3store.Upload) error {
		return b.store.AbortUpload(context.Background(), b.name, u.Key, u.ID)
	})
	if err != nil {
		t.Fatal(err)
	}
	o := b.options()
	o.Selection.MinObjects = 10 // no hotspot any more
	for range 50 {
		if _, _, err = b.compact(b.store, o, "app/"); !errors.Is(err, ErrWaiting) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil {
		t.Fatal(err)
	}
	// Settled and compared: done. Days later the application's retention removes an object of its own.
	if err := b.store.Delete(context.Background(), b.name, "app/log-000.json.gz", ""); err != nil {
		t.Fatal(err)
	}
	if _, _, err = b.compact(b.store, o, "app/"); err != nil {
		t.Errorf("the application deleted its own object, and: %v", err)
	}
}

// TestKeepOriginalsDeletesNothing: Not even for the commit of an earlier run.
func TestKeepOriginalsDeletesNothing(t *testing.T) {
	b := newBucket(t)
	keys := b.fill("app/", 4)
	commitOnly(t, b)
	o := b.options()
	o.Keep = true
	sum, _, err := b.compact(b.store, o, "app/")
	left := b.list("app/")
	for _, k := range keys {
		if _, ok := left[k]; !ok {
			t.Errorf("--keep-originals deleted %s (summary %+v, %v)", k, sum, err)
		}
	}
}

func TestVoidNeedsSignaturesToExpire(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	commitOnly(t, b)
	b.put("app/log-001.json.gz", gz(record("app/", 555, 1)))
	_, _, err := b.compact(ageless{&faultyStore{Client: b.store}}, b.options(), "app/")
	for _, e := range b.entries("app/") {
		if e.Kind == receipt.Void {
			t.Errorf("the endpoint does not enforce the age of signatures, and void was written without --assume-alone: %v", err)
		}
	}
}

func TestOneBadLogDoesNotStopTheRest(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	b.fill("web/", 4)
	b.mustCompact(b.options(), "app/", "web/")
	layout, _, _ := readLayout(context.Background(), b.store, DefaultState(b.name))
	b.put(receipt.EntryKey("_s3compact/", receipt.GID(layout.StateID, "web/"), 1), []byte("junk"))
	o := b.options()
	if _, err := KnownGroups(context.Background(), b.store, o, "app/", nil); err != nil {
		t.Errorf("a run on app/ is stopped by the log of web/: %v", err)
	}
}

func TestVoidCommitIsNotCounted(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	f := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		if c.op == "complete" && strings.HasPrefix(c.key, "app/") {
			return false, fmt.Errorf("400: %w", s3store.ErrBadRequest)
		}
		return true, nil
	}}
	o := b.options()
	o.SettleAfter = time.Hour
	sum, _, err := b.compact(f, o, "app/")
	if sum.ObjectsIn != 0 || sum.Outputs != 0 {
		t.Errorf("no output exists (%v), but the summary says %+v; %v", b.outputs(""), sum, err)
	}
}

func TestLayoutGrowsMeanwhile(t *testing.T) {
	b := newBucket(t)
	o := b.options()
	o.Scope = "app/"
	st, err := openState(context.Background(), b.store, &o)
	if err != nil {
		t.Fatal(err)
	}
	o2 := b.options()
	o2.Scope = "web/"
	if _, err := openState(context.Background(), b.store, &o2); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { // a group takes its authority
		if _, err := (&authority{log: &grouplog{st: st, gid: "x"}}).sign(context.Background()); err != nil {
			t.Error(err)
		}
	})
	wg.Go(func() { // another one reads its log
		for range 20 {
			if _, err := st.readLog(context.Background(), "app/"); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
}

// TestDeadOutputUnderDestIsRemoved: Outputs under --dest are not in the listing of their group.
func TestDeadOutputUnderDestIsRemoved(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	before := b.records("")
	o := b.options()
	o.Dest = &s3store.Location{Bucket: b.name, Key: "joined/"}
	dead := false
	w1 := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		if dead {
			return false, errLost
		}
		dead = c.op == "put" && strings.Contains(c.key, "/groups/")
		return true, nil
	}}
	if _, _, err := b.compact(w1, o, "app/"); err == nil {
		t.Fatal("a dead worker reports success")
	}
	output := b.entries("app/")[0].Outputs[0]
	// A second worker finds nothing; the first one's completion arrives late.
	w2 := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		switch {
		case strings.Contains(c.key, "canary"):
		case c.op == "complete", c.op == "abort":
			return false, fmt.Errorf("late: %w", s3store.ErrNotFound)
		case c.op == "put" && strings.HasSuffix(c.key, "00000002.jsonl.gz"):
			if _, err := b.store.CompleteUpload(context.Background(), output.Bucket, output.Key, output.UploadID, output.Parts, output.CRC64); err != nil {
				t.Error(err)
			}
		}
		return true, nil
	}}
	_, _, err := b.compact(w2, o, "app/")
	t.Log(err)
	for range 60 {
		var refused map[string]string
		if _, refused, err = b.compact(b.store, o, "app/"); !errors.Is(err, ErrWaiting) {
			t.Log(refused)
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil {
		t.Fatal(err)
	}
	sameRecords(t, "after the void entry", before, b.records(""))
}

// TestDiesWhileGivingUp: A worker dies, or an answer is lost, anywhere behind the decision to give a commit up.
func TestDiesWhileGivingUp(t *testing.T) {
	for _, op := range []string{"uploads", "list", "put"} {
		t.Run(op, func(t *testing.T) {
			b := newBucket(t)
			b.fill("app/", 4)
			commitOnly(t, b)
			b.put("app/log-001.json.gz", gz(record("app/", 555, 1)))
			givenUp, dead := false, false
			f := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
				if dead {
					return false, errLost
				}
				if c.op == "uploads" {
					givenUp = true
				}
				if givenUp && c.op == op {
					dead = true
					return op == "abort" || op == "put", errLost
				}
				return true, nil
			}}
			_, _, err := b.compact(f, b.options(), "app/")
			if err == nil {
				t.Fatal("a dead worker reports success")
			}
			for range 60 {
				if _, _, err = b.compact(b.store, b.options(), "app/"); !errors.Is(err, ErrWaiting) {
					break
				}
				time.Sleep(50 * time.Millisecond)
			}
			if err != nil {
				t.Errorf("died at %s; each run from now on: %v", op, err)
			}
		})
	}
}

// TestOutputReplacedBeforeTakeover: somebody puts another object of the same
// size under the name of a committed output. No member is deleted for it, and
// it is not touched.
func TestOutputReplacedBeforeTakeover(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	before := b.records("")
	commitOnly(t, b)
	output := b.entries("app/")[0].Outputs[0]
	other := make([]byte, output.Size)
	b.put(output.Key, other)
	refused := compactSettled(t, "after the void entry", b)
	if refused[output.Key] != "foreign" {
		t.Errorf("refused %v", refused)
	}
	if !bytes.Equal(b.get(output.Key), other) {
		t.Error("what somebody put there was changed")
	}
	sameRecords(t, "in the end", before, b.records(""))
	if got := len(b.outputs("app/")); got != 2 {
		t.Errorf("%d objects named like outputs, want the other one and a new one", got)
	}
}

// TestVoidAttemptsEnd: where every completion is refused, a run that waits for
// nothing must not try for ever.
func TestVoidAttemptsEnd(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	before := b.records("")
	f := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		if c.op == "complete" && strings.HasPrefix(c.key, "app/") {
			return false, fmt.Errorf("400: %w", s3store.ErrBadRequest)
		}
		return true, nil
	}}
	o := b.options()
	o.AssumeAlone = true
	if sum, _, err := b.compact(f, o, "app/"); !errors.Is(err, errAgain) || sum.GroupsDone != 0 {
		t.Errorf("%+v, %v", sum, err)
	}
	sameRecords(t, "in the end", before, b.records(""))
}
