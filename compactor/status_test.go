package compactor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

func (b *bucket) status(s Store, o Options) (map[string]*GroupStatus, StatusSummary) {
	b.t.Helper()
	all := map[string]*GroupStatus{}
	sum, err := Status(context.Background(), s, o, func(g *GroupStatus) { all[g.Prefix] = g })
	if err != nil {
		b.t.Fatal(err)
	}
	return all, sum
}

// crashAt is a store that breaks for good at the first request of the kind.
func crashAt(b *bucket, op, part string) *faultyStore {
	broken := false
	return &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		broken = broken || c.op == op && strings.HasPrefix(c.key, part)
		if broken {
			return false, errLost
		}
		return true, nil
	}}
}

func TestStatusOfGroups(t *testing.T) {
	b := newBucket(t)
	o := b.options()
	b.fill("done/", 4)
	b.put("done/bad.json.gz", []byte("no gzip at all"))
	b.fill("kept/", 3)
	b.fill("open/", 5)
	b.fill("gap/", 3)
	keep := o
	keep.Keep = true
	b.mustCompact(o, "done/", "gap/")
	b.mustCompact(keep, "kept/")
	if _, _, err := b.compact(crashAt(b, "complete", "open/"), o, "open/"); err == nil {
		t.Fatal("the run was not stopped")
	}
	layout, _, err := readLayout(context.Background(), b.store, o.State)
	if err != nil {
		t.Fatal(err)
	}
	first := receipt.EntryKey(o.State.Key, receipt.GID(layout.StateID, "gap/"), 1)
	third := receipt.EntryKey(o.State.Key, receipt.GID(layout.StateID, "gap/"), 4)
	b.put(third, b.get(first))

	got, sum := b.status(b.store, o)
	if d := got["done/"]; d.State != GroupDone || d.Head != receipt.Done || d.Entry != 2 || d.Outputs != 1 || d.OutputBytes == 0 ||
		d.Refused != 1 || d.Reasons["not_gzip"] != 1 || len(d.Refusals) != 1 || d.Refusals[0].Key != "done/bad.json.gz" || d.Since.IsZero() {
		t.Errorf("done: %+v", d)
	}
	if k := got["kept/"]; k.State != GroupDone || k.Kept != 3 || k.Outputs != 1 {
		t.Errorf("kept: %+v", k)
	}
	if k := got["open/"]; k.State != GroupOpen || k.Head != receipt.Commit || k.Outputs != 0 || !k.SettlesAt.IsZero() || !strings.Contains(k.Detail, "committed") {
		t.Errorf("open: %+v", k)
	}
	if k := got["gap/"]; k.State != GroupUnreadable || !strings.Contains(k.Detail, "entry 3 is missing") || k.Entry != 2 {
		t.Errorf("gap: %+v", k)
	}
	want := StatusSummary{
		Groups: 4, GroupsDone: 2, GroupsOpen: 1, GroupsUnreadable: 1, Outputs: 2, OutputBytes: got["done/"].OutputBytes + got["kept/"].OutputBytes,
		ObjectsKept: 3, ObjectsRefused: 1, Reasons: map[string]int64{"not_gzip": 1},
	}
	if diff := cmp.Diff(want, sum); diff != "" {
		t.Error(diff)
	}

	// A damaged entry is told as such, and the others as before.
	b.put(receipt.EntryKey(o.State.Key, receipt.GID(layout.StateID, "kept/"), 2), []byte("damaged"))
	got, _ = b.status(b.store, o)
	if k := got["kept/"]; k == nil || k.State != GroupUnreadable {
		t.Errorf("a damaged entry: %+v", k)
	}
}

// TestStatusOfAVoid: what was given up is open, with the time at which it settles.
func TestStatusOfAVoid(t *testing.T) {
	b := newBucket(t)
	o := b.options()
	b.fill("app/", 4)
	if _, _, err := b.compact(crashAt(b, "complete", "app/"), o, "app/"); err == nil {
		t.Fatal("the run was not stopped")
	}
	b.put("app/log-001.json.gz", gz(record("app/", 99, 9)))
	o.SettleAfter, o.AssumeAlone = time.Hour, false
	if _, _, err := b.compact(b.store, o, "app/"); err == nil {
		t.Fatal("a void entry needs time to settle")
	}
	got, sum := b.status(b.store, o)
	g := got["app/"]
	if g.State != GroupOpen || g.Head != receipt.Void || sum.GroupsOpen != 1 || g.SettlesAt.Sub(g.Since) != time.Hour {
		t.Errorf("before it has settled: %+v", g)
	}
	o.AssumeAlone = true
	if got, _ := b.status(b.store, o); got["app/"].State != GroupOpen || !strings.Contains(got["app/"].Detail, "given up") {
		t.Errorf("once it has settled: %+v", got["app/"])
	}
}

// TestStatusOfDeadOutputs: an output that was declared dead and is still there is told.
func TestStatusOfDeadOutputs(t *testing.T) {
	b := newBucket(t)
	o := b.options()
	b.fill("app/", 4)
	b.mustCompact(o, "app/")
	layout, number, err := readLayout(context.Background(), b.store, o.State)
	if err != nil {
		t.Fatal(err)
	}
	st := newState(b.store, &o, layout, number)
	log, err := st.readLog(context.Background(), "app/")
	if err != nil {
		t.Fatal(err)
	}
	e := &receipt.Entry{Header: receipt.Header{Kind: receipt.Done, Nonce: randomID()}, Dead: log.entry.Live}
	if _, err := log.append(context.Background(), e); err != nil {
		t.Fatal(err)
	}
	got, _ := b.status(b.store, o)
	if g := got["app/"]; g.State != GroupOpen || g.Dead != 1 || g.Outputs != 0 {
		t.Errorf("there: %+v", g)
	}
	if err := b.store.Delete(context.Background(), b.name, log.entry.Dead[0].Key, ""); err != nil {
		t.Fatal(err)
	}
	got, _ = b.status(b.store, o)
	if g := got["app/"]; g.State != GroupDone || g.Dead != 0 {
		t.Errorf("gone: %+v", g)
	}
}

// TestStatusOfARestore: what was announced is open; once all is put back and the
// outputs are gone it is done, though compact still leaves the group for a while.
func TestStatusOfARestore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUndo(t, false)
		undoWorlds["compacted"](u)
		status := func() (g *GroupStatus) {
			_, err := Status(t.Context(), u.server.Client("status", nil), Options{State: DefaultState(undoBucket)}, func(s *GroupStatus) { g = s })
			u.must(err)
			return g
		}
		ctx, stop := context.WithCancel(t.Context())
		_, err := Restore(ctx, u.server.Client("restore", nil), RestoreOptions{
			Options: Options{State: DefaultState(undoBucket), Tool: "test"}, OnWaiting: func(Waiting) { stop() },
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("a restore that was told to stop says %v", err)
		}
		if g := status(); g.State != GroupOpen || g.Head != receipt.Restore || g.SettlesAt.IsZero() {
			t.Errorf("announced: %+v", g)
		}
		u.finish("restore", nil)
		if g := status(); g.State != GroupDone || g.SettlesAt.IsZero() || g.Detail == "" {
			t.Errorf("all is back: %+v", g)
		}
		if err := u.compact(u.server.Client("compact", nil), u.options()); !errors.Is(err, ErrWaiting) {
			t.Errorf("a compaction at once says %v", err)
		}
		time.Sleep(20 * time.Minute)
		if g := status(); g.State != GroupDone || !g.SettlesAt.IsZero() || g.Detail != "" {
			t.Errorf("later: %+v", g)
		}
	})
}

// TestStatusListsOnce: the requests do not grow with a LIST for each group.
func TestStatusListsOnce(t *testing.T) {
	b := newBucket(t)
	o := b.options()
	var groups []string
	for i := range 12 {
		g := fmt.Sprintf("g%02d/", i)
		b.fill(g, 2)
		groups = append(groups, g)
	}
	b.mustCompact(o, groups...)
	f := &faultyStore{Client: b.store}
	got, sum := b.status(f, o)
	ops := map[string]int{}
	for _, c := range f.calls {
		ops[c.op]++
	}
	if len(got) != 12 || sum.GroupsDone != 12 || ops["list"] != 2 || ops["get"] != 13 || len(ops) != 2 {
		t.Errorf("%d groups with %v", len(got), ops)
	}
}

func TestStatusStops(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 3)
	b.mustCompact(b.options(), "app/")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errLost)
	if _, err := Status(ctx, b.store, b.options(), func(*GroupStatus) {}); err == nil {
		t.Error("a status that was told to stop reports success")
	}
	broken := crashAt(b, "get", "_s3compact/groups/")
	if _, err := Status(context.Background(), broken, b.options(), func(*GroupStatus) {}); err == nil || !strings.Contains(err.Error(), errLost.Error()) {
		t.Errorf("a failed request: %v", err)
	}
	o := b.options()
	o.State.Key = "_none/"
	if _, err := Status(context.Background(), b.store, o, func(*GroupStatus) {}); err == nil || !strings.Contains(err.Error(), "_none/") {
		t.Errorf("no state: %v", err)
	}
}

func TestPlans(t *testing.T) {
	b := newBucket(t)
	ctx := context.Background()
	at := DefaultState(b.name)
	note := func(plan string, shard, shards int, e receipt.ShardEvent) {
		t.Helper()
		if err := RecordShard(ctx, b.store, at, e, receipt.ShardRun{PlanID: plan, Shard: shard, Shards: shards, Tool: "test"}); err != nil {
			t.Fatal(err)
		}
	}
	b.put(receipt.PlanKey(at.Key, "one"), []byte("{}\n"))
	note("one", 0, 4, receipt.Started)
	note("one", 3, 4, receipt.Started)
	note("one", 3, 4, receipt.Finished)
	note("the \"second\" plan/../", 0, 1, receipt.Started)
	b.put("_s3compact/plans/notes.txt", []byte("somebody's own"))
	plans, err := Plans(ctx, b.store, at)
	if err != nil || len(plans) != 2 {
		t.Fatalf("%+v, %v", plans, err)
	}
	// The second has shards, but the plan itself did not come to be there.
	second, one := plans[0], plans[1]
	if one.Plan != (s3store.Location{Bucket: b.name, Key: "_s3compact/plans/one.jsonl"}) || !one.Kept || len(one.Shards) != 4 {
		t.Errorf("%+v", one)
	}
	if second.Kept || len(second.Shards) != 1 || strings.Count(second.Plan.Key, "/") != 2 {
		t.Errorf("%+v", second)
	}
	for i, s := range one.Shards {
		if s.Started.IsZero() == (i == 0 || i == 3) || s.Finished.IsZero() == (i == 3) {
			t.Errorf("shard %d: %+v", i, s)
		}
	}
	// The newest division counts.
	time.Sleep(1100 * time.Millisecond) // the server keeps whole seconds
	note("one", 1, 2, receipt.Started)
	if plans, err = Plans(ctx, b.store, at); err != nil || len(plans[1].Shards) != 2 {
		t.Errorf("%+v, %v", plans, err)
	}
}
