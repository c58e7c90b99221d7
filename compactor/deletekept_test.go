package compactor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test/model"
	"github.com/s3compact/s3compact/inventory"
	"github.com/s3compact/s3compact/validate"
)

// TestDeleteWhatWasKept: the originals that --keep-originals left are deleted
// later, on their ETags; what was replaced or came since stays or is joined.
func TestDeleteWhatWasKept(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 5)
	o := b.options()
	o.Keep = true
	b.mustCompact(o, "app/")
	before := b.records("")
	b.put("app/log-001.json.gz", gz(record("app/", 777, 1))) // replaced since
	if err := b.store.Delete(context.Background(), b.name, "app/log-004.json.gz", ""); err != nil {
		t.Fatal(err)
	}
	want := map[string]int{record("app/", 777, 1): 1}
	for r := range before {
		want[r] = 1
	}
	o = b.options()
	o.DeleteKept = true
	o.Selection.MinObjects = 100 // nothing new is joined
	sum, refused := b.mustCompact(o, "app/")
	sameRecords(t, "after the deletes", want, b.records(""))
	if sum.ObjectsDeleted != 3 || sum.ObjectsIn != 0 || sum.Outputs != 0 || len(refused) != 0 {
		t.Errorf("%+v, refused %v", sum, refused)
	}
	entries := b.entries("app/")
	last := entries[len(entries)-1]
	if len(entries) != 4 || len(last.Kept) != 0 || len(last.Live) != 1 || last.Live[0].Commit != 1 {
		t.Errorf("%d entries, the last one keeps %v, live %+v", len(entries), last.Kept, last.Live)
	}
	verify(t, b, 1, 0)
	if sum, _ := b.mustCompact(o, "app/"); sum.ObjectsDeleted != 0 || len(b.entries("app/")) != 4 {
		t.Errorf("again: %+v", sum)
	}

	// The output is one like any other: it is taken apart as a whole.
	if err := b.store.Delete(context.Background(), b.name, "app/log-001.json.gz", ""); err != nil {
		t.Fatal(err)
	}
	restored, _ := b.mustRestore(b.restoreOptions())
	if restored.ObjectsRestored != 5 {
		t.Errorf("restored %+v", restored)
	}
}

// TestKeptOfAnOutputThatIsGone: no original is deleted whose output is not there.
// That is said at once, and each time, until a restore has taken the output out of the log.
func TestKeptOfAnOutputThatIsGone(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	o := b.options()
	o.Keep = true
	b.mustCompact(o, "app/")
	if err := b.store.Delete(context.Background(), b.name, b.outputs("app/")[0], ""); err != nil {
		t.Fatal(err)
	}
	before := b.records("")
	o = b.options()
	o.DeleteKept = true
	o.Selection.MinObjects = 100
	for range 2 {
		_, _, err := b.compact(b.store, o, "app/")
		if err == nil || !strings.Contains(err.Error(), "is gone or not what was written") || !strings.Contains(err.Error(), "restore") {
			t.Fatalf("the run says %v", err)
		}
		if n := len(b.entries("app/")); n != 2 {
			t.Fatalf("the log has %d entries, nothing can be done", n)
		}
	}
	sameRecords(t, "after the runs", before, b.records(""))
	b.mustRestore(b.restoreOptions())
	sameRecords(t, "after the restore", before, b.records(""))
	b.settled(func() error { _, _, err := b.compact(b.store, o, "app/"); return err })
	sameRecords(t, "in the end", before, b.records(""))
}

// TestDeleteKeptAtEveryFault stops a run at each request: the next one finishes.
func TestDeleteKeptAtEveryFault(t *testing.T) {
	for n := 0; ; n++ {
		b := newBucket(t)
		b.fill("app/", 3)
		o := b.options()
		o.Keep = true
		b.mustCompact(o, "app/")
		want := b.records("")
		for r := range want {
			want[r] = 1
		}
		o = b.options()
		o.DeleteKept = true
		var at call
		f := &faultyStore{Client: b.store}
		f.before = func(i int, c call) (bool, error) {
			if i >= n {
				if i == n {
					at = c
				}
				return false, fmt.Errorf("%w: %w", errLost, s3store.ErrUnanswered)
			}
			return true, nil
		}
		_, _, _ = b.compact(f, o, "app/") // the run that dies
		if at.op == "" {
			return // it sent fewer requests
		}
		if _, _, err := b.compact(b.store, o, "app/"); err != nil {
			t.Fatalf("killed at request %d (%v), the rerun says %v", n, at, err)
		}
		sameRecords(t, fmt.Sprintf("killed at request %d (%v)", n, at), want, b.records(""))
	}
}

// TestDeleteKeptOfWhatWasTakenApart: of a commit with two outputs, one of which
// was restored, only what the other one holds is deleted.
func TestDeleteKeptOfWhatWasTakenApart(t *testing.T) {
	server := model.New(model.Options{}, dataBucket)
	c := server.Client("worker", nil)
	ctx := context.Background()
	for p := range 2 {
		for i := range 3 {
			if _, err := c.Put(ctx, dataBucket, fmt.Sprintf("app/p=%d/%d.json.gz", p, i), good("app/", 10*p+i), s3store.PutOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	o := Options{
		Bucket: dataBucket, State: DefaultState(dataBucket), Content: validate.ContentNDJSON, Tool: "test", Keep: true, AssumeAlone: true,
		Selection: inventory.Selection{GroupBy: inventory.Grouping{Depth: 1}, SmallSizeBytes: 1 << 20, MinObjects: 2, Match: "*.gz", TargetSizeBytes: 64 << 20},
	}
	if _, err := Run(ctx, c, o, []string{"app/"}); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(ctx, c, RestoreOptions{Options: Options{State: o.State, Tool: "test", AssumeAlone: true}, Keys: []string{"app/p=0/0.json.gz"}}); err != nil {
		t.Fatal(err)
	}
	o.Keep, o.DeleteKept, o.Selection.MinObjects = false, true, 100 // nothing new is joined
	sum, err := Run(ctx, c, o, []string{"app/"})
	if err != nil || sum.ObjectsDeleted != 3 {
		t.Errorf("%+v, %v", sum, err)
	}
	var got []string
	for _, key := range server.Keys(dataBucket) {
		if strings.HasPrefix(key, "app/p=0/") || strings.HasPrefix(key, "app/p=1/") && !isOutput(key) {
			got = append(got, key)
		}
	}
	if want := []string{"app/p=0/0.json.gz", "app/p=0/1.json.gz", "app/p=0/2.json.gz"}; !slices.Equal(got, want) {
		t.Errorf("left are %v, want %v", got, want)
	}
}
