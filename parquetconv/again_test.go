package parquetconv

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/s3compact/s3compact/internal/s3store"
)

// refusals collects what a run refuses, sorted.
func refusals(t *testing.T, o Options) (Summary, []string) {
	t.Helper()
	var told []string
	o.Refused = func(r Refusal) { told = append(told, r.Key+" "+r.Reason) }
	sum := mustRun(t, o)
	slices.Sort(told)
	if sum.Refused != int64(len(told)) {
		t.Errorf("%d refused, but %d told", sum.Refused, len(told))
	}
	return sum, told
}

// TestRejectsAreToldAgain by each run of their list, not by one of a newer list.
func TestRejectsAreToldAgain(t *testing.T) {
	store := newFakeStore()
	o := testOptions(t, store)
	load := func(key, text string, rejected, before int64) {
		t.Helper()
		if text != "" {
			store.set("data/src/"+key, []byte(text))
		}
		if sum := mustRun(t, o); sum.RowsRejected != rejected || sum.RejectedBefore != before || sum.Incomplete() != (rejected+before > 0) {
			t.Errorf("%s: %+v", key, sum)
		}
	}
	load("a.json", "{}\n", 1, 0)
	load("a.json", "", 0, 1)
	load("b.json", `{"id":1}`, 0, 0)
	load("b.json", "", 0, 0)
	load("c.json", "{}\n{}\n", 2, 0)
	load("c.json", "", 0, 2)
}

// TestWhatIsBackIsLoaded: a source that was away when its batch was done is
// loaded once it is there again, though it is the same.
func TestWhatIsBackIsLoaded(t *testing.T) {
	store, keys, want := lake(t)
	o := testOptions(t, store)
	o.Shards = 2
	mustRun(t, o)
	away := maps.Clone(store.objects)
	for _, k := range keys {
		delete(store.objects, "data/"+k)
	}
	o.Shard = 1
	if _, told := refusals(t, o); len(told) == 0 {
		t.Fatal("nothing was refused")
	}
	for _, k := range keys {
		store.objects["data/"+k] = away["data/"+k]
	}
	o.Shard, o.Shards = 0, 1
	mustRun(t, o)
	sameRows(t, store, want)
	for range 2 { // and not once more, after yet another list either
		if _, told := refusals(t, o); len(told) != 0 {
			t.Errorf("refused %q", told)
		}
		text, shown := rowsOf(len(want)*10+1000, len(want)*10+1003)
		store.objects[fmt.Sprintf("data/src/b/%d.json.gz", len(want))] = gz(t, text)
		want = append(want, shown...)
		mustRun(t, o)
		sameRows(t, store, want)
	}
}

// TestCompactionBeginsWhileConverting: the bucket's first compaction moves
// originals after the run has asked whether there is one.
func TestCompactionBeginsWhileConverting(t *testing.T) {
	for _, again := range []bool{false, true} {
		store, keys, want := lake(t)
		o := testOptions(t, store)
		o.Concurrency = 1
		o.Stores.S3 = onGet{store, keys[1], &sync.Once{}, func() {
			if again {
				store.set("data/"+keys[0], nil) // loaded
				store.set("data/"+keys[1], nil) // now asked for
				return
			}
			c := compactGroup(t, store, "src/a/")
			c.join("src/a/", keys...)
			c.remove(keys...)
		}}
		first := store.objects["data/"+keys[1]]
		_, told := refusals(t, o)
		if !again {
			if len(told) != 0 {
				t.Errorf("refused %q", told)
			}
			sameRows(t, store, want)
			continue
		}
		// What was refused for being away turns up inside an output.
		if !slices.Equal(told, []string{keys[1] + " changed"}) {
			t.Errorf("refused %q", told)
		}
		store.objects["data/"+keys[1]] = first
		c := compactGroup(t, store, "src/a/")
		c.join("src/a/", keys[1:]...)
		c.remove(keys[1:]...)
		mustRun(t, o)
		sameRows(t, store, want)
		if sum := mustRun(t, o); sum.Batches != 0 {
			t.Errorf("one more run: %+v", sum)
		}
	}
}

// TestRefusalsOutliveTheirList: a broken source is told of as long as it is
// there, also when later lists hold others.
func TestRefusalsOutliveTheirList(t *testing.T) {
	store, _ := seeded(t)
	o := testOptions(t, store)
	for i := range 3 {
		sum, told := refusals(t, o)
		if !slices.Equal(told, []string{"src/9.json.gz truncated"}) || !sum.Incomplete() {
			t.Errorf("run %d: refused %q, %+v", i, told, sum)
		}
		text, _ := rowsOf(1000+10*i, 1003+10*i)
		store.objects[fmt.Sprintf("data/src/x%d.json.gz", i)] = gz(t, text)
	}
	delete(store.objects, "data/src/9.json.gz")
	mustRun(t, o)
	if _, told := refusals(t, o); len(told) != 0 {
		t.Errorf("refused %q, which is gone", told)
	}
}

// TestWiderSourcesLaterOn: an output holds originals of two folders; first only
// one of them is converted.
func TestWiderSourcesLaterOn(t *testing.T) {
	store := newFakeStore()
	var keys, want []string
	for i := range 6 {
		text, shown := rowsOf(i*10, i*10+2)
		keys = append(keys, fmt.Sprintf("src/%c/%d.json.gz", 'a'+i%2, i))
		store.objects["data/"+keys[i]] = gz(t, text)
		want = append(want, shown...)
	}
	c := compactGroup(t, store, "src/")
	c.join("src/", keys...)
	c.remove(keys...)
	o := testOptions(t, store)
	narrow := o
	narrow.Sources = []Source{{Location: s3store.Location{Bucket: "data", Key: "src/a/"}}}
	if sum := mustRun(t, narrow); sum.RowsOut != 9 {
		t.Errorf("summary %+v", sum)
	}
	for range 2 {
		mustRun(t, o)
		sameRows(t, store, want)
	}
	if sum := mustRun(t, narrow); sum.Batches != 0 {
		t.Errorf("one more run: %+v", sum)
	}
	consistent(t, store, o)
}

// TestTheOwnStateIsNoSource: a state that lies among the sources.
func TestTheOwnStateIsNoSource(t *testing.T) {
	store, want := seeded(t)
	o := testOptions(t, store)
	o.State = s3store.Location{Bucket: "data", Key: "src/state/"}
	for i := range 3 {
		if sum := mustRun(t, o); i > 0 && sum.RowsIn != 0 {
			t.Errorf("run %d read %d rows", i, sum.RowsIn)
		}
		sameRows(t, store, want)
	}
}

// firstPlan is a store that lets another worker publish the first list first.
type firstPlan struct {
	*fakeStore
	once *sync.Once
	do   func()
}

func (s firstPlan) Put(ctx context.Context, bucket, key string, body []byte, p s3store.PutOptions) (s3store.Info, error) {
	if strings.HasSuffix(key, planKey(1)) {
		s.once.Do(s.do)
	}
	return s.fakeStore.Put(ctx, bucket, key, body, p)
}

// TestAnotherWorkerPublishesFirst: its list may be one of another table, of
// another schema, or of other sources.
func TestAnotherWorkerPublishesFirst(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Options)
		says   string
	}{
		"table":   {func(o *Options) { o.Table.Key = "elsewhere/" }, "belongs to the table"},
		"schema":  {func(o *Options) { s := *o.Schema; s.Hash = "another"; o.Schema = &s }, "another schema"},
		"sources": {func(o *Options) { o.Sources = []Source{{Location: s3store.Location{Bucket: "data", Key: "src/b/"}}} }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			store, _, want := lake(t)
			text, shown := rowsOf(500, 505)
			store.objects["data/src/b/1.json.gz"] = gz(t, text)
			other := testOptions(t, store)
			o := testOptions(t, store)
			o.Sources = []Source{{Location: s3store.Location{Bucket: "data", Key: "src/a/"}}}
			c.change(&other)
			o.Stores.S3 = firstPlan{store, &sync.Once{}, func() { mustRun(t, other) }}
			_, err := Run(context.Background(), o)
			if c.says != "" {
				if err == nil || !strings.Contains(err.Error(), c.says) {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			sameRows(t, store, append(want, shown...))
		})
	}
}

// TestAFileMayHideForAMoment: the file of a completed upload is not seen at
// once, as on a server that replaces it while another worker completes it too.
func TestAFileMayHideForAMoment(t *testing.T) {
	store, want := seeded(t)
	o := testOptions(t, store)
	o.Stores.S3 = hiding{store, &sync.Map{}}
	mustRun(t, o)
	sameRows(t, store, want)
	if attempts := consistent(t, store, o); attempts != 1 {
		t.Errorf("a batch took %d attempts", attempts)
	}
}

type hiding struct {
	*fakeStore
	seen *sync.Map
}

func (s hiding) Head(ctx context.Context, bucket, key string) (s3store.Info, error) {
	if _, seen := s.seen.LoadOrStore(key, true); !seen && strings.HasSuffix(key, ".parquet") {
		return s3store.Info{}, s3store.ErrNotFound
	}
	return s.fakeStore.Head(ctx, bucket, key)
}

// overtaken lets others do the batch, and drop this worker's uploads, when its
// first part is sent.
type overtaken struct {
	*fakeStore
	once sync.Once
	do   func()
}

func (s *overtaken) UploadPart(ctx context.Context, bucket, key, id string, number int32, body []byte, crc64 uint64) (s3store.Part, error) {
	s.once.Do(s.do)
	return s.fakeStore.UploadPart(ctx, bucket, key, id, number, body, crc64)
}

// TestAnOvertakenWorkerGoesOn: its uploads are gone because its batch is another's.
func TestAnOvertakenWorkerGoesOn(t *testing.T) {
	store := newFakeStore()
	text, rows := rowsOf(1, 20)
	store.objects["data/src/a.json.gz"] = gz(t, text)
	text, more := rowsOf(21, 40)
	store.objects["data/src/b.json.gz"] = gz(t, text)
	slow := &overtaken{fakeStore: store}
	slow.do = func() {
		half := testOptions(t, store) // one of two batches
		half.BatchBytes, half.Shards = 1, 2
		mustRun(t, half)
		store.mu.Lock()
		for id, u := range store.uploads { // as whoever comes after does
			if strings.Contains(u.key, "-00000001-000001-") {
				delete(store.uploads, id)
			}
		}
		store.mu.Unlock()
	}
	o := testOptions(t, slow)
	o.BatchBytes = 1
	if sum := mustRun(t, o); sum.Batches != 1 || sum.RowsOut != 20 {
		t.Errorf("%+v, expected the second batch alone", sum)
	}
	sameRows(t, store, append(rows, more...))
}
