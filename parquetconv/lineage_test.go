package parquetconv

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/validate"
)

const testStateID = "test-state"

// compacted is a group of the bucket data that tests compact by hand.
type compacted struct {
	t       *testing.T
	store   *fakeStore
	group   string
	gid     string
	state   string            // key of the state, in the same bucket
	etags   map[string]string // of members, by bucket/key, that are no MD5 sums
	entries int
	outputs int
}

func compactGroup(t *testing.T, store *fakeStore, group string) *compacted {
	t.Helper()
	return compactIn(t, store, group, "_s3compact/")
}

// compactIn is compactGroup with the state below a prefix of the bucket.
func compactIn(t *testing.T, store *fakeStore, group, state string) *compacted {
	t.Helper()
	claim, err := json.Marshal(receipt.Claim{Version: receipt.FormatVersion, State: "s3://data/" + state, StateID: testStateID})
	if err != nil {
		t.Fatal(err)
	}
	store.set("data/"+receipt.ClaimKey, claim)
	return &compacted{t: t, store: store, group: group, gid: receipt.GID(testStateID, group), state: state}
}

func (c *compacted) append(e *receipt.Entry) {
	c.t.Helper()
	c.entries++
	e.Number, e.Bucket, e.Group, e.GID, e.StateID = c.entries, "data", c.group, c.gid, testStateID
	body, err := e.Encode()
	if err != nil {
		c.t.Fatal(err)
	}
	c.store.set("data/"+receipt.EntryKey(c.state, c.gid, c.entries), body)
}

// join commits an output of the keys, with a newline between two of them, and
// makes it visible. The members stay.
func (c *compacted) join(directory string, keys ...string) (output string) {
	c.t.Helper()
	c.outputs++
	output = directory + receipt.OutputName("x", c.gid, strings.Repeat("0", 31)+fmt.Sprint(c.outputs%10), 1, ".json.gz")
	e := &receipt.Entry{Header: receipt.Header{Kind: receipt.Commit}}
	var body []byte
	for _, key := range keys {
		b := c.store.stored("data/" + key)
		if b == nil {
			c.t.Fatalf("no %s", key)
		}
		e.Members = append(e.Members, receipt.Member{Key: key, ETag: cmp.Or(c.etags["data/"+key], etagOf(b)), Size: int64(len(b)), Offset: int64(len(body)), CRC64: encodeCRC64(validate.CRC64(b)), Newline: true})
		body = append(append(body, b...), gz(c.t, "\n")...)
	}
	e.Outputs = []receipt.Output{{Bucket: "data", Key: output, Size: int64(len(body)), CRC64: encodeCRC64(validate.CRC64(body)), Members: len(keys)}}
	c.append(e)
	c.store.set("data/"+output, body)
	return output
}

func (c *compacted) remove(keys ...string) {
	for _, key := range keys {
		c.store.set("data/"+key, nil)
	}
}

func (c *compacted) done(dead ...string) {
	c.t.Helper()
	e := &receipt.Entry{Header: receipt.Header{Kind: receipt.Done}}
	for _, d := range dead {
		e.Dead = append(e.Dead, receipt.OutputRef{Bucket: "data", Key: d})
	}
	c.append(e)
}

// lake is a store with the sources src/a/0 to src/a/5 of three rows each.
func lake(t *testing.T) (store *fakeStore, keys []string, want []string) {
	t.Helper()
	store = newFakeStore()
	for i := range 6 {
		text, shown := rowsOf(i*10, i*10+2)
		key := fmt.Sprintf("src/a/%d.json.gz", i)
		store.objects["data/"+key] = gz(t, text)
		keys, want = append(keys, key), append(want, shown...)
	}
	return store, keys, want
}

// TestEachOriginalLoadsOnce goes through what compaction can have done before,
// between and after conversions.
func TestEachOriginalLoadsOnce(t *testing.T) {
	only := func(o Options, keys ...string) Options {
		o.Sources = nil
		for _, k := range keys {
			o.Sources = append(o.Sources, Source{Location: s3store.Location{Bucket: "data", Key: k}, Single: !strings.HasSuffix(k, "/")})
		}
		return o
	}
	for name, steps := range map[string]func(t *testing.T, c *compacted, o Options, keys []string){
		"compacted before": func(t *testing.T, c *compacted, o Options, keys []string) {
			c.join("src/a/", keys...)
			c.remove(keys...)
			c.done()
		},
		"compacted after": func(t *testing.T, c *compacted, o Options, keys []string) {
			mustRun(t, o)
			c.join("src/a/", keys...)
			c.remove(keys...)
		},
		"half-way, all there": func(t *testing.T, c *compacted, o Options, keys []string) {
			c.join("src/a/", keys...)
		},
		"half-way, some deleted": func(t *testing.T, c *compacted, o Options, keys []string) {
			c.join("src/a/", keys...)
			c.remove(keys[1], keys[4])
		},
		"committed but not visible": func(t *testing.T, c *compacted, o Options, keys []string) {
			out := c.join("src/a/", keys...)
			body := c.store.objects["data/"+out]
			c.remove(out)
			mustRun(t, o)
			c.store.objects["data/"+out] = body
			c.remove(keys...)
		},
		"some converted, then compacted": func(t *testing.T, c *compacted, o Options, keys []string) {
			mustRun(t, only(o, keys[0], keys[2], keys[3]))
			c.join("src/a/", keys...)
			c.remove(keys...)
		},
		"some compacted, the rest later": func(t *testing.T, c *compacted, o Options, keys []string) {
			c.join("src/a/", keys[:3]...)
			c.remove(keys[:3]...)
			mustRun(t, o)
			c.join("src/a/", keys[3:]...)
			c.remove(keys[3:]...)
		},
		"compacted twice, converted between": func(t *testing.T, c *compacted, o Options, keys []string) {
			first := c.join("src/a/", keys[:4]...)
			c.remove(keys[:4]...)
			mustRun(t, only(o, first))
			c.join("src/a/", keys[4], first, keys[5])
			c.remove(append(keys[4:], first)...)
		},
		"compacted twice, half-way": func(t *testing.T, c *compacted, o Options, keys []string) {
			mustRun(t, only(o, keys[1]))
			first := c.join("src/a/", keys[:4]...)
			c.remove(keys[:4]...)
			c.join("src/a/", keys[4], first, keys[5]) // both outputs are visible
		},
		"a dead output is left": func(t *testing.T, c *compacted, o Options, keys []string) {
			out := c.join("src/a/", keys...)
			c.append(&receipt.Entry{Header: receipt.Header{Kind: receipt.Void}, Outputs: []receipt.Output{{Bucket: "data", Key: out}}})
		},
		"given up, but completed by a paused worker": func(t *testing.T, c *compacted, o Options, keys []string) {
			out := c.join("src/a/", keys...)
			c.append(&receipt.Entry{Header: receipt.Header{Kind: receipt.Void}, Outputs: []receipt.Output{{Bucket: "data", Key: out}}})
			c.remove(keys[:2]...)
		},
		"restored after it was converted": func(t *testing.T, c *compacted, o Options, keys []string) {
			before := c.store.clone()
			out := c.join("src/a/", keys...)
			c.remove(keys...)
			mustRun(t, o)
			for _, k := range keys {
				c.store.objects["data/"+k] = before.objects["data/"+k]
			}
			c.done(out)
			c.remove(out)
		},
		"the output lies above the source": func(t *testing.T, c *compacted, o Options, keys []string) {
			c.join("src/", keys...)
			c.remove(keys...)
			mustRun(t, only(o, "src/a/"))
		},
		"listed, then compacted": func(t *testing.T, c *compacted, o Options, keys []string) {
			first := o
			first.Shards = 2
			mustRun(t, first) // publishes the list and does its share
			c.join("src/a/", keys...)
			c.remove(keys...)
			first.Shard = 1
			mustRun(t, first)
		},
		"listed, then compacted twice": func(t *testing.T, c *compacted, o Options, keys []string) {
			out := c.join("src/a/", keys[:2]...)
			c.remove(keys[:2]...)
			first := o
			first.Shards = 2
			mustRun(t, first)
			again := c.join("src/a/", keys[2], out)
			c.remove(out, keys[2])
			c.join("src/a/", keys[3], again, keys[4], keys[5])
			c.remove(append(keys[3:], again)...)
			first.Shard = 1
			mustRun(t, first)
		},
		"listed as an output, then restored": func(t *testing.T, c *compacted, o Options, keys []string) {
			before := c.store.clone()
			one, two := c.join("src/a/", keys[:3]...), c.join("src/a/", keys[3:]...)
			c.remove(keys...)
			o.BatchBytes, o.Shards = 1, 2
			mustRun(t, o)
			for _, k := range keys {
				c.store.objects["data/"+k] = before.objects["data/"+k]
			}
			c.done(one, two)
			c.remove(one, two)
			o.Shard = 1
			mustRun(t, o)
		},
	} {
		for _, memory := range []int64{64 << 20, 1000} { // in memory; streamed, each original on its own
			store, keys, want := lake(t)
			o := testOptions(t, store)
			o.MemoryBytes = memory
			o.Refused = func(r Refusal) { t.Errorf("refused %+v", r) }
			t.Run(fmt.Sprint(name, ", memory ", memory), func(t *testing.T) {
				steps(t, compactGroup(t, store, "src/a/"), o, keys)
				mustRun(t, o)
				sameRows(t, store, want)
				if again := mustRun(t, o); again.Batches != 0 {
					t.Errorf("one more run: %+v", again)
				}
				consistent(t, store, o)
			})
		}
	}
}

func TestANewObjectUnderACompactedKeyIsLoaded(t *testing.T) {
	store, keys, want := lake(t)
	o := testOptions(t, store)
	mustRun(t, o)
	c := compactGroup(t, store, "src/a/")
	c.join("src/a/", keys...)
	c.remove(keys...)
	text, shown := rowsOf(500, 503)
	store.objects["data/"+keys[0]] = gz(t, text)
	mustRun(t, o)
	sameRows(t, store, append(want, shown...))
}

func TestSourcesThatAreNowhereAreRefused(t *testing.T) {
	store, keys, _ := lake(t)
	o := testOptions(t, store)
	o.Shards = 2
	mustRun(t, o)
	left := len(visibleRows(t, store))
	compactGroup(t, store, "src/a/").remove(keys...)
	o.Shard = 1
	var refused []string
	o.Refused = func(r Refusal) { refused = append(refused, r.Reason) }
	sum := mustRun(t, o)
	if sum.RowsIn != 0 || len(refused) == 0 || slices.ContainsFunc(refused, func(r string) bool { return r != "changed" }) {
		t.Errorf("summary %+v, refused %q", sum, refused)
	}
	if got := len(visibleRows(t, store)); got != left {
		t.Errorf("%d rows, want %d", got, left)
	}
}

// onGet is a store that does something before an object is read for the first time.
type onGet struct {
	*fakeStore
	key  string
	once *sync.Once
	do   func()
}

func (s onGet) Get(ctx context.Context, bucket, key string, o s3store.GetOptions) (io.ReadCloser, s3store.Info, error) {
	if key == s.key {
		s.once.Do(s.do)
	}
	return s.fakeStore.Get(ctx, bucket, key, o)
}

func TestCompactedAgainWhileItIsRead(t *testing.T) {
	store, keys, want := lake(t)
	o := testOptions(t, store)
	o.Shards, o.Concurrency = 2, 1
	mustRun(t, o)
	c := compactGroup(t, store, "src/a/")
	first := c.join("src/a/", keys[1:]...)
	c.remove(keys[1:]...)
	o.Stores.S3 = onGet{store, first, &sync.Once{}, func() {
		c.join("src/a/", keys[0], first)
		c.remove(keys[0], first)
	}}
	o.Shard = 1
	o.Refused = func(r Refusal) { t.Errorf("refused %+v", r) }
	mustRun(t, o)
	sameRows(t, store, want)
}

func TestInputsRecordWhereTheyWereRead(t *testing.T) {
	store, keys, _ := lake(t)
	c := compactGroup(t, store, "src/a/")
	out := c.join("src/a/", keys...)
	c.remove(keys...)
	o := testOptions(t, store)
	mustRun(t, o)
	r := &run{Options: o, place: place{store: store, bucket: o.State.Bucket, prefix: o.State.Key}}
	commit, err := r.readCommit(context.Background(), batchID{1, 1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(commit.Inputs) != 6 || commit.Counts.RowsIn != 18 {
		t.Fatalf("%d inputs, %d rows", len(commit.Inputs), commit.Counts.RowsIn)
	}
	offset := int64(-1)
	for i, in := range commit.Inputs {
		if in.Key != keys[i] || in.Output != "s3://data/"+out || in.Offset <= offset || in.Rows != 3 || in.ETag == "" {
			t.Errorf("input %+v", in)
		}
		offset = in.Offset
	}
}

// stored is gzip whose length depends on the text's alone.
func stored(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.NoCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAnOutputThatIsNotAsItsReceiptSays(t *testing.T) {
	store, keys, _ := lake(t)
	store.objects["data/"+keys[0]] = stored(t, "{\"id\":1}\n")
	c := compactGroup(t, store, "src/a/")
	out := c.join("src/a/", keys...)
	c.remove(keys...)
	body := slices.Clone(store.objects["data/"+out])
	copy(body, stored(t, "{\"id\":7}\n")) // sound gzip, but not the original's
	store.objects["data/"+out] = body
	o := testOptions(t, store)
	var refused []string
	o.Refused = func(r Refusal) { refused = append(refused, r.Key) }
	sum := mustRun(t, o)
	if sum.RowsOut != 15 || !slices.Equal(refused, keys[:1]) {
		t.Errorf("summary %+v, refused %q", sum, refused)
	}
	store2, keys, _ := lake(t)
	c = compactGroup(t, store2, "src/a/")
	out = c.join("src/a/", keys...)
	c.remove(keys...)
	store2.objects["data/"+out] = append(store2.objects["data/"+out], 'x')
	o = testOptions(t, store2)
	refused = nil
	o.Refused = func(r Refusal) { refused = append(refused, r.Reason) }
	if sum := mustRun(t, o); sum.RowsIn != 0 || !slices.Equal(refused, []string{"changed"}) {
		t.Errorf("summary %+v, refused %q", sum, refused)
	}
}

func TestDamagedLogsStopTheRun(t *testing.T) {
	store, keys, _ := lake(t)
	c := compactGroup(t, store, "src/a/")
	c.join("src/a/", keys[:2]...)
	c.done()
	good := store.clone()
	for name, damage := range map[string]func(){
		"a gap": func() { delete(store.objects, "data/"+receipt.EntryKey("_s3compact/", c.gid, 1)) },
		"an entry cut off": func() {
			k := "data/" + receipt.EntryKey("_s3compact/", c.gid, 1)
			store.objects[k] = store.objects[k][:40]
		},
		"a broken claim": func() { store.objects["data/"+receipt.ClaimKey] = []byte("{") },
		"a newer claim":  func() { store.objects["data/"+receipt.ClaimKey] = []byte(`{"version":99}`) },
	} {
		store = good.clone()
		damage()
		if _, err := Run(context.Background(), testOptions(t, store)); err == nil || !strings.Contains(err.Error(), "s3://data/_s3compact/") {
			t.Errorf("%s: error %v", name, err)
		}
		if rows := visibleRows(t, store); len(rows) != 0 {
			t.Errorf("%s: %d rows", name, len(rows))
		}
	}
}
