package compactor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

// TestRevivedCommitForgetsNoKept: a void commit that holds again ends none of
// the entries with keep before it. Else their members would be joined once more,
// into a second output beside the first.
func TestRevivedCommitForgetsNoKept(t *testing.T) {
	b := newBucket(t)
	kept := b.fill("app/", 3)
	o := b.options()
	o.Keep = true
	b.mustCompact(o, "app/")
	for i := range 4 {
		b.put(fmt.Sprintf("app/new-%d.json.gz", i), gz(record("app/", 100+i, 1)))
	}
	before := b.records("")
	dead := false
	f := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		if dead {
			return false, errLost
		}
		dead = c.op == "put" && strings.Contains(c.key, "/groups/")
		return true, nil
	}}
	if _, _, err := b.compact(f, b.options(), "app/"); err == nil {
		t.Fatal("a dead worker reports success")
	}
	entries := b.entries("app/")
	commit := entries[len(entries)-1]
	output := commit.Outputs[0]
	// The first worker's completion and a delete of it arrive while another one gives the commit up.
	f = &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		switch {
		case strings.Contains(c.key, "canary"):
		case c.op == "complete":
			return false, fmt.Errorf("late: %w", s3store.ErrNotFound)
		case c.op == "put" && strings.HasSuffix(c.key, "00000004.jsonl.gz"):
			if _, err := b.store.CompleteUpload(context.Background(), output.Bucket, output.Key, output.UploadID, output.Parts, output.CRC64); err != nil {
				t.Error(err)
			}
			if err := b.store.Delete(context.Background(), b.name, commit.Members[0].Key, commit.Members[0].ETag); err != nil {
				t.Error(err)
			}
		}
		return true, nil
	}}
	_, _, _ = b.compact(f, b.options(), "app/")
	compactSettled(t, "after the void entry", b)
	var kinds []string
	entries = b.entries("app/")
	for _, e := range entries {
		kinds = append(kinds, string(e.Kind))
	}
	if got := strings.Join(kinds, " "); got != "commit done commit void commit done" {
		t.Errorf("the log holds %s", got)
	}
	if last := entries[5]; !slices.Equal(last.Kept, []int{1}) {
		t.Errorf("the members of the entries %v are kept, want those of 1", last.Kept)
	}
	sum, _ := b.mustCompact(b.options(), "app/")
	for _, key := range kept {
		if _, there := b.list(key)[key]; !there {
			t.Errorf("%s was kept, and is gone now: %+v", key, sum)
		}
	}
	sameRecords(t, "after another run", before, b.records(""))
}

// twoClasses compacts objects of two partitions into an output each.
func twoClasses(t *testing.T, keep bool) (b *bucket, o Options, outputs []string) {
	t.Helper()
	b = newBucket(t)
	o = b.options()
	o.Selection.GroupBy.Depth = 1
	for p := range 2 {
		for i := range 3 {
			b.put(fmt.Sprintf("app/p=%d/%d.json.gz", p, i), gz(record("app/", p, i)))
		}
	}
	first := o
	first.Keep = keep
	b.mustCompact(first, "app/")
	if outputs = b.outputs("app/"); len(outputs) != 2 {
		t.Fatalf("outputs %q", outputs)
	}
	return b, o, outputs
}

// settled runs until no entry has to settle, or a while.
func settled(b *bucket, o Options) (err error) {
	for range 40 {
		if _, _, err = b.compact(b.store, o, "app/"); !errors.Is(err, ErrWaiting) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	return err
}

// TestGivingBackWithoutAnOutput: a restore met something newer, and gives back
// what it put; meanwhile somebody removes one of its outputs. The other one may
// hold an original that is nowhere else, and stays.
func TestGivingBackWithoutAnOutput(t *testing.T) {
	b, o, outputs := twoClasses(t, false)
	before := b.records("")
	fresh := record("app/", 777, 1)
	dead := false
	f := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		if dead {
			return false, errLost
		}
		if c.op == "put" && c.key == "app/p=1/1.json.gz" {
			b.put(c.key, gz(fresh))
		}
		dead = c.op == "put" && strings.HasSuffix(c.key, "00000004.jsonl.gz")
		return true, nil
	}}
	if _, _, err := b.restore(f, b.restoreOptions()); err == nil {
		t.Fatal("a dead worker reports success")
	}
	if e := b.entries("app/"); len(e) != 4 || e[3].Kind != receipt.Commit || len(e[3].Outputs) != 2 {
		t.Fatalf("%d entries", len(e))
	}
	if err := b.store.Delete(context.Background(), b.name, outputs[0], ""); err != nil {
		t.Fatal(err)
	}
	if err := settled(b, o); !errors.Is(err, ErrLoss) {
		t.Errorf("the run says %v", err)
	}
	o.AcceptLoss = true
	if err := settled(b, o); err != nil {
		t.Errorf("as told, the run says %v", err)
	}
	before[fresh]++
	sameRecords(t, "in the end", before, b.records(""))
}

// TestKeptOutputIsNotDead: of two outputs whose members were kept one is gone.
// The other one is not given up with it.
func TestKeptOutputIsNotDead(t *testing.T) {
	b, o, outputs := twoClasses(t, true)
	if err := b.store.Delete(context.Background(), b.name, outputs[0], ""); err != nil {
		t.Fatal(err)
	}
	before := b.records("")
	o.DeleteKept = true
	_ = settled(b, o) // it goes round: what is gone does not come back
	for _, e := range b.entries("app/") {
		for _, d := range e.Dead {
			t.Errorf("entry %d (%s) says that %s is dead; live are %+v", e.Number, e.Kind, d.Key, e.Live)
		}
	}
	sameRecords(t, "after the runs", before, b.records(""))
}

// TestRestoreOfAKeyThatAnOutputHoldsTwice: of two originals of one key only one
// could come back: their output stays, and copies are of the newer one.
func TestRestoreOfAKeyThatAnOutputHoldsTwice(t *testing.T) {
	b := newBucket(t)
	for day := range 2 {
		b.put("app/current.json.gz", gz(record("app/", day, 1)))
		for i := range 2 {
			b.put(fmt.Sprintf("app/day%d-%d.json.gz", day, i), gz(record("app/", 100*(day+1)+i, 1)))
		}
		b.mustCompact(b.options(), "app/")
	}
	if n := len(b.outputs("app/")); n != 1 {
		t.Fatalf("%d outputs", n)
	}
	before := b.objects("")
	restores := 0
	stop, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	f := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		if c.op == "put" && strings.Contains(c.key, "/groups/") {
			if restores++; restores > 8 {
				cancel(errors.New("it never ends"))
			}
		}
		return true, nil
	}}
	o := b.restoreOptions()
	refused := map[string]string{}
	o.OnRefused = func(r Refused) { refused[r.Key] = r.Reason }
	would, err := PreviewRestore(context.Background(), b.store, o)
	if err != nil || would.Outputs != 0 || would.ObjectsRefused == 0 {
		t.Errorf("a preview says %+v, %v", would, err)
	}
	sum, err := Restore(stop, f, o)
	if err != nil || sum.Outputs != 0 || len(refused) != 1 || refused["app/current.json.gz"] != reasonTaken {
		t.Errorf("restored %+v, refused %v, %v", sum, refused, err)
	}
	sameObjects(t, "after the restore", before, b.objects(""))

	copies, err := Extract(context.Background(), b.store, o, &S3Copies{Store: b.store, To: s3store.Location{Bucket: b.name, Key: "_copies/"}})
	if err != nil || copies.ObjectsRestored != 5 {
		t.Errorf("copies %+v, %v", copies, err)
	}
	if got, err := gunzip(b.get("_copies/app/current.json.gz")); err != nil || got != record("app/", 1, 1)+"\n" {
		t.Errorf("the copy holds %q, %v", got, err)
	}
}

// TestPutBackBehindTheGivingBack: a restore gives back what it put, because
// something newer had the key of an original. That goes away again, and the PUT
// of another worker, which carries out the same restore, comes behind the entry.
func TestPutBackBehindTheGivingBack(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	before := b.records("")
	b.mustCompact(b.options(), "app/")
	const key = "app/log-002.json.gz"
	dead := false
	f := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		switch {
		case dead:
			return false, errLost
		case c.op == "put" && c.key == key:
			b.put(key, gz(record("app/", 777, 1)))
		case c.op == "put" && strings.HasSuffix(c.key, "00000004.jsonl.gz"):
			if err := b.store.Delete(context.Background(), b.name, key, ""); err != nil {
				t.Error(err)
			}
			original := gz(record("app/", 2, 1), record("app/", 2, 2))
			if _, err := b.store.Put(context.Background(), b.name, key, original, s3store.PutOptions{CreateOnly: true}); err != nil {
				t.Error(err)
			}
			dead = true
			return true, nil
		}
		return true, nil
	}}
	if _, _, err := b.restore(f, b.restoreOptions()); err == nil {
		t.Fatal("a dead worker reports success")
	}
	if e := b.entries("app/"); len(e) != 4 || e[3].Kind != receipt.Commit {
		t.Fatalf("%d entries", len(e))
	}
	if err := settled(b, b.options()); err != nil {
		t.Fatal(err)
	}
	sameRecords(t, "after the restore", before, b.records(""))
}

// TestCopiesAmongOutputs: copies are not written where readers find the outputs.
func TestCopiesAmongOutputs(t *testing.T) {
	layout := receipt.Layout{Bucket: "data", Dest: "s3://other/joined/", Groupings: map[string]string{"app/": "dir"}}
	for to, refused := range map[string]bool{
		"s3://other/joined/": true, "s3://other/joined/copies/": true, "s3://other/": true, "s3://data/app/": true, "s3://data/": true,
		"s3://other/copies/": false, "s3://other/joined/_copies/": false, "s3://data/copies/": false, "s3://third/joined/": false,
	} {
		l, err := s3store.ParseLocation(to)
		if err != nil {
			t.Fatal(err)
		}
		if err := CheckCopies(layout, l); errors.Is(err, ErrUsage) != refused {
			t.Errorf("%s: %v", to, err)
		}
	}
}
