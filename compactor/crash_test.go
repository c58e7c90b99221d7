package compactor

import (
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

// setting is a group with good, bad and unterminated members, and a run on it.
func setting(t *testing.T) (b *bucket, before map[string]int) {
	b = newBucket(t)
	b.fill("app/", 4)
	b.put("app/no-newline.json.gz", gzRaw(record("app/", 100, 1)))
	bad, _ := badObjects("app/")
	b.put("app/crc.json.gz", bad["crc.json.gz"])
	return b, b.records("")
}

// nothingLost says that each record is in a readable object, and none is invented.
func nothingLost(t *testing.T, when string, want, got map[string]int) {
	t.Helper()
	for r := range want {
		if got[r] == 0 {
			t.Fatalf("%s: record %s is lost", when, r)
		}
	}
	for r := range got {
		if want[r] == 0 {
			t.Fatalf("%s: record %s was invented", when, r)
		}
	}
}

// rerun runs again without faults and checks that all is as after a run that nothing disturbed.
func rerun(t *testing.T, when string, b *bucket, before map[string]int) {
	t.Helper()
	refused := compactSettled(t, when, b)
	if refused["app/crc.json.gz"] != "bad_crc" || len(refused) != 1 {
		t.Fatalf("%s: the rerun refused %v", when, refused)
	}
	sameRecords(t, when, before, b.records(""))
	if n := len(b.list("app/")); n != 2 {
		t.Fatalf("%s: %d objects are left (%v), want the output and the bad one", when, n, b.list("app/"))
	}
}

// compactSettled runs until no entry has to settle any more: here a
// millisecond, but by the server's clock, which shows whole seconds.
func compactSettled(t *testing.T, when string, b *bucket) (refused map[string]string) {
	t.Helper()
	for range 100 {
		_, refused, err := b.compact(b.store, b.options(), "app/")
		if err == nil {
			return refused
		}
		if !errors.Is(err, ErrWaiting) {
			t.Fatalf("%s: the rerun failed: %v", when, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s: an entry never settles", when)
	return nil
}

// callsOfARun is how many requests an undisturbed run sends.
func callsOfARun(t *testing.T) int {
	t.Helper()
	b, _ := setting(t)
	f := &faultyStore{Client: b.store}
	if _, _, err := b.compact(f, b.options(), "app/"); err != nil {
		t.Fatal(err)
	}
	return len(f.calls)
}

func TestKilledAtEveryRequest(t *testing.T) {
	for _, carriedOut := range []bool{false, true} {
		for n := range callsOfARun(t) {
			b, before := setting(t)
			when := fmt.Sprintf("killed at request %d, carried out: %t", n, carriedOut)
			var at call
			f := &faultyStore{Client: b.store, before: func(i int, c call) (bool, error) {
				if i < n {
					return true, nil
				}
				if i == n {
					at = c
					return carriedOut, errLost
				}
				return false, errLost
			}}
			_, _, err := b.compact(f, b.options(), "app/")
			if err == nil && at.op != "delete" && at.op != "" && !strings.Contains(at.key, "canary") {
				t.Fatalf("%s (%v): the run reports success", when, at)
			}
			nothingLost(t, when+" "+fmt.Sprint(at), before, b.records(""))
			rerun(t, when+" "+fmt.Sprint(at), b, before)
			if t.Failed() {
				return
			}
		}
	}
}

func TestOneAnswerLost(t *testing.T) {
	for n := range callsOfARun(t) {
		b, before := setting(t)
		var at call
		f := &faultyStore{Client: b.store, before: func(i int, c call) (bool, error) {
			if i == n {
				at = c
				return true, errLost
			}
			return true, nil
		}}
		_, _, _ = b.compact(f, b.options(), "app/")
		when := fmt.Sprintf("the answer of request %d (%v) was lost", n, at)
		nothingLost(t, when, before, b.records(""))
		rerun(t, when, b, before)
	}
}

func TestTwoWorkersOnOneGroup(t *testing.T) {
	for range 5 {
		b, before := setting(t)
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if _, _, err := b.compact(b.store, b.options(), "app/"); err != nil && !errors.Is(err, ErrWaiting) {
					t.Errorf("a worker among three: %v", err)
				}
			})
		}
		wg.Wait()
		nothingLost(t, "after three workers", before, b.records(""))
		rerun(t, "after three workers", b, before)
	}
}

// onCall runs f once, before the first request that matches.
func onCall(b *bucket, op, part string, f func()) *faultyStore {
	var once sync.Once
	return &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		if c.op == op && strings.Contains(c.key, part) && !strings.Contains(c.key, "canary") {
			once.Do(f)
		}
		return true, nil
	}}
}

func TestMemberReplacedWhileItIsCompacted(t *testing.T) {
	fresh := record("app/", 777, 1)
	for _, moment := range []struct {
		op, part string
		both     bool // the race is lost: both versions stay, and it is said
	}{
		{"get", "app/log-002", false},
		{"part", "app/", false},
		{"complete", "app/", true},
		{"delete", "app/log-002", true},
	} {
		t.Run(moment.op, func(t *testing.T) {
			b := newBucket(t)
			b.fill("app/", 4)
			old := b.records("")
			f := onCall(b, moment.op, moment.part, func() { b.put("app/log-002.json.gz", gz(fresh)) })
			_, refused, err := b.compact(f, b.options(), "app/")
			if err != nil {
				t.Fatal(err)
			}
			got := b.records("")
			if got[fresh] != 1 {
				t.Errorf("the new version is there %d times", got[fresh])
			}
			for r, n := range got {
				if r != fresh && old[r] != n {
					t.Errorf("record %s is there %d times", r, n)
				}
			}
			stale := got[record("app/", 2, 1)]
			if moment.both != (stale == 1) || moment.both != (refused["app/log-002.json.gz"] == "changed") {
				t.Errorf("the old version is there %d times, refused %v", stale, refused)
			}
		})
	}
}

// commitOnly runs a worker that dies right after its commit.
func commitOnly(t *testing.T, b *bucket) {
	t.Helper()
	dead := false
	f := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		if dead {
			return false, errLost
		}
		if c.op == "put" && strings.Contains(c.key, "/groups/") {
			dead = true
		}
		return true, nil
	}}
	if _, _, err := b.compact(f, b.options(), "app/"); err == nil {
		t.Fatal("a dead worker reports success")
	}
	if len(b.outputs("app/")) != 0 || b.uploads() != 1 {
		t.Fatalf("after the commit: outputs %v, %d uploads", b.outputs("app/"), b.uploads())
	}
}

func TestCommitWhoseMemberChangedBecomesVoid(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	b.put("app/crc.json.gz", []byte("not gzip at all"))
	before := b.records("")
	commitOnly(t, b)
	b.put("app/log-001.json.gz", gz(record("app/", 555, 1)))
	delete(before, record("app/", 1, 1))
	delete(before, record("app/", 1, 2))
	before[record("app/", 555, 1)] = 1
	compactSettled(t, "after the change", b)
	sameRecords(t, "after the void commit", before, b.records(""))
	if b.uploads() != 0 {
		t.Error("the upload of the void commit is still there")
	}
	verify(t, b, 1, 0)
}

func TestCommitWhoseUploadVanishedBecomesVoid(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	before := b.records("")
	commitOnly(t, b)
	err := b.store.ListUploads(context.Background(), b.name, "", func(u s3store.Upload) error {
		return b.store.AbortUpload(context.Background(), b.name, u.Key, u.ID)
	})
	if err != nil {
		t.Fatal(err)
	}
	compactSettled(t, "after the abort", b)
	sameRecords(t, "after the void commit", before, b.records(""))
	verify(t, b, 1, 0)
}

func TestOutputAndMembersGoneStops(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	// A worker dies in the middle of its deletes; then the output is removed by somebody.
	deletes := 0
	f := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		if c.op == "delete" && strings.HasPrefix(c.key, "app/") {
			if deletes++; deletes > 2 {
				return false, errLost
			}
		}
		return deletes < 3, nil
	}}
	_, _, _ = b.compact(f, b.options(), "app/")
	left := b.list("app/")
	output := b.outputs("app/")[0]
	if err := b.store.Delete(context.Background(), b.name, output, ""); err != nil {
		t.Fatal(err)
	}
	_, _, err := b.compact(b.store, b.options(), "app/")
	if !errors.Is(err, ErrLoss) || !strings.Contains(err.Error(), output) {
		t.Fatalf("the run says %v", err)
	}
	delete(left, output)
	if got := b.list("app/"); len(got) != len(left) {
		t.Errorf("something was deleted: %v, before %v", got, left)
	}
}

func TestUnreadableLogStops(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	b.mustCompact(b.options(), "app/")
	b.fill("app/", 4)
	before := b.list("app/")
	layout, _, err := readLayout(context.Background(), b.store, DefaultState(b.name))
	if err != nil {
		t.Fatal(err)
	}
	gid := receipt.GID(layout.StateID, "app/")
	first := receipt.EntryKey("_s3compact/", gid, 1)
	body := b.get(first)
	t.Run("a gap", func(t *testing.T) {
		if err := b.store.Delete(context.Background(), b.name, first, ""); err != nil {
			t.Fatal(err)
		}
		if _, _, err := b.compact(b.store, b.options(), "app/"); err == nil || !strings.Contains(err.Error(), "entry 1 of the log is missing") {
			t.Errorf("the run says %v", err)
		}
		b.put(first, body)
	})
	t.Run("a newer format", func(t *testing.T) {
		b.put(receipt.EntryKey("_s3compact/", gid, 3), gz(`{"type":"entry","version":99,"kind":"done"}`))
		if _, _, err := b.compact(b.store, b.options(), "app/"); !errors.Is(err, receipt.ErrFormat) || !strings.Contains(err.Error(), "newer") {
			t.Errorf("the run says %v", err)
		}
	})
	if after := b.list("app/"); len(after) != len(before) {
		t.Errorf("something was done all the same: %v", after)
	}
}

func TestCancelledIsNotDone(t *testing.T) {
	b, before := setting(t)
	stop := errors.New("told to stop")
	ctx, cancel := context.WithCancelCause(context.Background())
	f := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		if c.op == "get" && strings.HasPrefix(c.key, "app/") {
			cancel(stop)
		}
		return true, nil
	}}
	sum, err := Run(ctx, f, b.options(), []string{"app/"})
	if !errors.Is(err, stop) || sum.GroupsDone != 0 {
		t.Errorf("a cancelled run says %+v, %v", sum, err)
	}
	sameRecords(t, "after the cancel", before, b.records(""))
	rerun(t, "after the cancel", b, before)
}
