package parquetconv

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/s3compact/s3compact/internal/s3store"
)

// seeded is a store with six sources: one of them broken, one with a bad row.
func seeded(t testing.TB) (store *fakeStore, want []string) {
	t.Helper()
	store = newFakeStore()
	for i := range 5 {
		text, shown := rowsOf(i*100, i*100+19)
		if i == 2 {
			text += "{\"id\":\"no number\"}\n"
		}
		store.objects[fmt.Sprintf("data/src/%d.json.gz", i)] = gz(t, text)
		want = append(want, shown...)
	}
	broken := gz(t, "{\"id\":1}\n")
	store.objects["data/src/9.json.gz"] = broken[:len(broken)-3]
	store.objects["data/src/_SUCCESS"] = []byte("x")
	store.objects["data/src/"] = nil
	store.objects["data/src/.hidden/1.json.gz"] = gz(t, "{\"id\":1}\n")
	return store, want
}

func TestConvertLoadsEachRowOnceAndCountsTheRest(t *testing.T) {
	store, want := seeded(t)
	o := testOptions(t, store)
	var refused []string
	o.Refused = func(r Refusal) { refused = append(refused, r.Key+" "+r.Reason) }
	sum := mustRun(t, o)
	sameRows(t, store, want)
	if sum.RowsIn != 101 || sum.RowsOut != 100 || sum.RowsRejected != 1 || sum.Refused != 1 || sum.Ignored != 3 || sum.Batches < 2 {
		t.Errorf("summary %+v", sum)
	}
	if !slices.Equal(refused, []string{"src/9.json.gz truncated"}) {
		t.Errorf("refused %q", refused)
	}
	before := len(store.objects)
	refused = nil
	again := mustRun(t, o)
	if again.Batches != 0 || again.RowsIn != 0 || again.Refused != 1 || again.RejectedBefore != 1 || !again.Incomplete() {
		t.Errorf("second run: %+v", again)
	}
	if len(store.objects) != before || len(refused) != 1 {
		t.Errorf("the second run wrote: %d objects instead of %d; refused %q", len(store.objects), before, refused)
	}
}

func TestConvertAgainAddsOnlyWhatIsNew(t *testing.T) {
	store, want := seeded(t)
	o := testOptions(t, store)
	mustRun(t, o)
	text, shown := rowsOf(1000, 1009)
	store.objects["data/src/5.ndjson"] = []byte(text)
	sum := mustRun(t, o)
	if sum.RowsIn != 10 || sum.Batches != 1 {
		t.Errorf("summary %+v", sum)
	}
	sameRows(t, store, append(want, shown...))

	// An object that changed after it was converted is not loaded again; one that was refused is, once it is mended.
	store.objects["data/src/5.ndjson"] = []byte(text + text)
	mended, shown2 := rowsOf(2000, 2001)
	store.objects["data/src/9.json.gz"] = gz(t, mended)
	var refused []string
	o.Refused = func(r Refusal) { refused = append(refused, r.Key+" "+r.Reason) }
	mustRun(t, o)
	sameRows(t, store, append(append(want, shown...), shown2...))
	if !slices.Contains(refused, "src/5.ndjson changed") {
		t.Errorf("refused %q", refused)
	}
}

func TestDryRunWritesNothing(t *testing.T) {
	store, _ := seeded(t)
	o := testOptions(t, store)
	o.DryRun = true
	var batches []PlannedBatch
	o.Planned = func(b PlannedBatch) { batches = append(batches, b) }
	before := len(store.objects)
	sum := mustRun(t, o)
	if len(batches) < 2 || sum.Sources != 6 || len(store.objects) != before || len(store.uploads) != 0 {
		t.Errorf("batches %+v, summary %+v, %d objects instead of %d", batches, sum, len(store.objects), before)
	}
}

func TestAnotherSchemaIsRefused(t *testing.T) {
	store, _ := seeded(t)
	o := testOptions(t, store)
	mustRun(t, o)
	other := testOptions(t, store)
	other.Schema.Hash = "another"
	if _, err := Run(context.Background(), other); err == nil || !strings.Contains(err.Error(), "another schema") {
		t.Errorf("error %v", err)
	}
	other = testOptions(t, store)
	other.Table.Key = "elsewhere/"
	if _, err := Run(context.Background(), other); err == nil || !strings.Contains(err.Error(), "belongs to the table") {
		t.Errorf("error %v", err)
	}
}

// overwriting is a store that ignores If-None-Match.
type overwriting struct{ *fakeStore }

func (o overwriting) Put(ctx context.Context, bucket, key string, body []byte, p s3store.PutOptions) (s3store.Info, error) {
	p.CreateOnly = false
	return o.fakeStore.Put(ctx, bucket, key, body, p)
}

func TestAStoreWithoutCreateOnlyIsRefused(t *testing.T) {
	store, _ := seeded(t)
	before := len(store.objects)
	_, err := Run(context.Background(), testOptions(t, overwriting{store}))
	if err == nil || !strings.Contains(err.Error(), "If-None-Match") {
		t.Errorf("error %v", err)
	}
	if len(store.objects) != before {
		t.Errorf("%d objects instead of %d", len(store.objects), before)
	}
}

// consistent checks that what is visible is what the commits say, and that no
// upload is left. It returns the most attempts that a batch took.
func consistent(t *testing.T, store *fakeStore, o Options) (attempts int) {
	t.Helper()
	r := &run{Options: o, place: place{store: store, bucket: o.State.Bucket, prefix: o.State.Key}}
	heads, err := r.heads(context.Background(), 0)
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for b, h := range heads {
		attempts = max(attempts, h.attempt)
		c, err := r.readCommit(context.Background(), b, h.attempt)
		if err != nil {
			t.Fatal(err)
		}
		if c.Type != "commit" || !h.done {
			t.Errorf("batch %s ends in %q, done %v", b, c.Type, h.done)
		}
		for _, out := range c.Outputs {
			named["tables/"+out.Key] = true
		}
	}
	for key := range store.objects {
		if (strings.HasSuffix(key, ".parquet") || strings.Contains(key, "/rejects/")) && !named[key] {
			t.Errorf("%s is visible but no commit names it", key)
		}
	}
	if len(store.uploads) != 0 {
		t.Errorf("%d uploads are left", len(store.uploads))
	}
	return attempts
}

func TestFaultAtEveryCallThenRerun(t *testing.T) {
	for _, kind := range []fault{killBefore, killAfter, loseAnswer, refuseOnce} {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			t.Parallel()
			faultAtEveryCall(t, kind)
		})
	}
}

func faultAtEveryCall(t *testing.T, kind fault) {
	origin, want := seeded(t)
	for at := 1; ; at++ {
		store := origin.clone()
		faulty := &faultyStore{Store: store, at: at, kind: kind}
		_, err := Run(context.Background(), testOptions(t, faulty))
		if faulty.calls < at {
			if err != nil || at < 30 {
				t.Fatalf("fault %d: the run ended with %v after %d calls", kind, err, faulty.calls)
			}
			break
		}
		o := testOptions(t, store)
		mustRun(t, o)
		sameRows(t, store, want)
		mustRun(t, o) // drops what the dead one left
		sameRows(t, store, want)
		if attempts := consistent(t, store, o); attempts != 1 {
			t.Errorf("%d attempts: what was committed was not completed", attempts)
		}
		if t.Failed() {
			t.Fatalf("fault %d at call %d", kind, at)
		}
	}
}

func TestTwoWorkersOnOneShard(t *testing.T) {
	for range 20 {
		store, want := seeded(t)
		o := testOptions(t, store)
		var wg sync.WaitGroup
		errs := make([]error, 3)
		for i := range errs {
			wg.Go(func() { _, errs[i] = Run(context.Background(), testOptions(t, store)) })
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		sameRows(t, store, want)
		consistent(t, store, o)
	}
}

func TestShardsShareOneList(t *testing.T) {
	store, want := seeded(t)
	for i := range 3 {
		o := testOptions(t, store)
		o.Shard, o.Shards = i, 3
		mustRun(t, o)
	}
	sameRows(t, store, want)
	r := &run{Options: testOptions(t, store), place: place{store: store, bucket: "tables", prefix: "out/_s3compact/"}}
	if plans, err := r.planNumbers(context.Background()); err != nil || len(plans) != 1 {
		t.Errorf("lists %v, %v", plans, err)
	}
}

func TestVanishedUploadIsDoneAgain(t *testing.T) {
	origin, want := seeded(t)
	for at := 1; ; at++ {
		store := origin.clone()
		faulty := &faultyStore{Store: store, at: at, kind: killBefore}
		if _, err := Run(context.Background(), testOptions(t, faulty)); err == nil {
			break
		}
		clear(store.uploads) // as a lifecycle rule for incomplete uploads does
		o := testOptions(t, store)
		mustRun(t, o)
		sameRows(t, store, want)
		consistent(t, store, o)
		if t.Failed() {
			t.Fatalf("killed at call %d", at)
		}
	}
}

func TestUploadsOfTheDeadAreDroppedAfterADay(t *testing.T) {
	store, _ := seeded(t)
	o := testOptions(t, store)
	mustRun(t, o)
	key := "out/dt=2026-01-01/part-00000002-000001-" + strings.Repeat("a", 32) + "-1.parquet"
	id, _ := store.CreateUpload(context.Background(), "tables", key, s3store.Attributes{})
	foreign, _ := store.CreateUpload(context.Background(), "tables", "out/somebody.parquet", s3store.Attributes{})
	mustRun(t, o)
	if store.uploads[id] == nil {
		t.Error("a young upload was dropped")
	}
	store.now = store.now.Add(25 * time.Hour)
	mustRun(t, o)
	if store.uploads[id] != nil {
		t.Error("an old upload was left")
	}
	if store.uploads[foreign] == nil {
		t.Error("a foreign upload was dropped")
	}
}

func TestStoppedRunLeavesNothingAndGoesOn(t *testing.T) {
	origin, want := seeded(t)
	stop := errors.New("stop")
	for n := int64(1); n <= 6; n++ {
		store := origin.clone()
		ctx, cancel := context.WithCancelCause(context.Background())
		o := testOptions(t, store)
		o.Progress = &stopAt{n: n, stop: func() { cancel(stop) }}
		if _, err := Run(ctx, o); !errors.Is(err, stop) {
			t.Fatalf("error %v", err)
		}
		if len(store.uploads) != 0 {
			t.Errorf("%d uploads are left", len(store.uploads))
		}
		o = testOptions(t, store)
		mustRun(t, o)
		sameRows(t, store, want)
		consistent(t, store, o)
	}
}

// stopping is a store that stops the run at a part of an upload.
type stopping struct {
	*fakeStore
	parts *atomic.Int64
	stop  func()
}

func (s stopping) UploadPart(ctx context.Context, bucket, key, id string, n int32, body []byte, crc uint64) (s3store.Part, error) {
	if s.parts.Add(-1) == 0 {
		s.stop()
		return s3store.Part{}, ctx.Err()
	}
	return s.fakeStore.UploadPart(ctx, bucket, key, id, n, body, crc)
}

func TestStoppedAmongUploadsLeavesNone(t *testing.T) {
	origin, want := seeded(t)
	stop := errors.New("stop")
	for n := int64(1); n <= 4; n++ {
		store := origin.clone()
		ctx, cancel := context.WithCancelCause(context.Background())
		parts := &atomic.Int64{}
		parts.Store(n)
		if _, err := Run(ctx, testOptions(t, stopping{store, parts, func() { cancel(stop) }})); !errors.Is(err, stop) {
			t.Fatalf("error %v", err)
		}
		if len(store.uploads) != 0 {
			t.Errorf("stopped at part %d: %d uploads are left", n, len(store.uploads))
		}
		o := testOptions(t, store)
		mustRun(t, o)
		sameRows(t, store, want)
		consistent(t, store, o)
	}
}

// stopOnCommit is a store that stops the run when a batch is being committed.
type stopOnCommit struct {
	*fakeStore
	stop func()
}

func (s stopOnCommit) Put(ctx context.Context, bucket, key string, body []byte, o s3store.PutOptions) (s3store.Info, error) {
	if strings.Contains(key, "/commits/") {
		s.stop()
	}
	if err := ctx.Err(); err != nil {
		return s3store.Info{}, err
	}
	return s.fakeStore.Put(ctx, bucket, key, body, o)
}

func (s stopOnCommit) CompleteUpload(ctx context.Context, bucket, key, id string, parts []s3store.Part, crc string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	return s.fakeStore.CompleteUpload(ctx, bucket, key, id, parts, crc)
}

func TestABatchThatIsCommittedIsCompletedWhenStopped(t *testing.T) {
	store, _ := seeded(t)
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(context.Background())
	o := testOptions(t, stopOnCommit{store, func() { cancel(stop) }})
	sum, err := Run(ctx, o)
	if !errors.Is(err, stop) || sum.Batches != 1 {
		t.Errorf("summary %+v, error %v", sum, err)
	}
	if rows := visibleRows(t, store); int64(len(rows)) != sum.RowsOut || len(rows) == 0 {
		t.Errorf("%d rows are visible, %d committed", len(rows), sum.RowsOut)
	}
	consistent(t, store, o)
}

func TestLittleMemory(t *testing.T) {
	store, want := seeded(t)
	o := testOptions(t, store)
	o.MemoryBytes = 1000 // every source is read twice, every block becomes row groups
	o.BatchBytes = 1 << 20
	sum := mustRun(t, o)
	sameRows(t, store, want)
	if sum.Batches != 1 || sum.Files != 2 {
		t.Errorf("summary %+v", sum)
	}
}

func TestConcurrencyIsBounded(t *testing.T) {
	for _, n := range []int{math.MinInt, 0, math.MaxInt} {
		store, want := seeded(t)
		o := testOptions(t, store)
		o.Concurrency = n
		mustRun(t, o)
		sameRows(t, store, want)
	}
}

// conflicting is a store that answers the first creation of each key with a conflict.
type conflicting struct {
	*fakeStore
	met *sync.Map
}

func (c conflicting) Put(ctx context.Context, bucket, key string, body []byte, o s3store.PutOptions) (s3store.Info, error) {
	if _, before := c.met.LoadOrStore(key, true); !before && o.CreateOnly {
		return s3store.Info{}, fmt.Errorf("put %s: %w", key, s3store.ErrConflict)
	}
	return c.fakeStore.Put(ctx, bucket, key, body, o)
}

func TestConflictsAreTriedAgain(t *testing.T) {
	store, want := seeded(t)
	mustRun(t, testOptions(t, conflicting{store, &sync.Map{}}))
	sameRows(t, store, want)
}

// stopAt stops a run when n objects are done.
type stopAt struct {
	n    int64
	stop func()
}

func (s *stopAt) Total(int64, int64) {}
func (s *stopAt) Add(objects, _ int64) {
	if s.n -= objects; s.n == 0 {
		s.stop()
	}
}
