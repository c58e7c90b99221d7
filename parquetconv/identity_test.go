package parquetconv

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

// otherETags is a store in which some objects have ETags that are no MD5 sums,
// as multipart uploads and encrypted objects have.
type otherETags struct {
	*fakeStore
	etags map[string]string // by bucket/key
}

func (s otherETags) info(bucket, key string, i *s3store.Info) {
	if etag, ok := s.etags[bucket+"/"+key]; ok && i.ETag != "" {
		i.ETag = etag
	}
}

func (s otherETags) List(ctx context.Context, bucket string, o s3store.ListOptions, fn func(s3store.Page) error) error {
	return s.fakeStore.List(ctx, bucket, o, func(p s3store.Page) error {
		for i := range p.Objects {
			info := s3store.Info{Object: p.Objects[i]}
			s.info(bucket, info.Key, &info)
			p.Objects[i] = info.Object
		}
		return fn(p)
	})
}

func (s otherETags) Head(ctx context.Context, bucket, key string) (s3store.Info, error) {
	i, err := s.fakeStore.Head(ctx, bucket, key)
	s.info(bucket, key, &i)
	return i, err
}

func (s otherETags) Get(ctx context.Context, bucket, key string, o s3store.GetOptions) (io.ReadCloser, s3store.Info, error) {
	if etag, ok := s.etags[bucket+"/"+key]; ok && o.IfMatch == etag {
		o.IfMatch = ""
	}
	return s.fakeStore.Get(ctx, bucket, key, o)
}

// takeApart puts the members of an output back, under other ETags, and leaves
// the output to collect.
func (s otherETags) takeApart(c *compacted, before *fakeStore, output string, keys []string) {
	c.append(&receipt.Entry{Header: receipt.Header{Kind: receipt.Restore}, TakenApart: []receipt.OutputRef{{Bucket: "data", Key: output}}})
	for _, k := range keys {
		s.objects["data/"+k] = before.objects["data/"+k]
		s.etags["data/"+k] = "other-" + k
	}
}

// TestWhatIsPutBackUnderAnotherETagIsTheSame: a restore gives originals other
// ETags where those are no MD5 sums. Their rows are in the table, or come once.
func TestWhatIsPutBackUnderAnotherETagIsTheSame(t *testing.T) {
	for name, steps := range map[string]func(c *compacted, store otherETags, o Options, keys []string){
		"converted as an output": func(c *compacted, store otherETags, o Options, keys []string) {
			before := store.clone()
			out := c.join("src/a/", keys...)
			c.remove(keys...)
			mustRun(c.t, o)
			store.takeApart(c, before, out, keys)
			c.done(out)
			c.remove(out)
		},
		"converted before it was compacted": func(c *compacted, store otherETags, o Options, keys []string) {
			mustRun(c.t, o)
			before := store.clone()
			out := c.join("src/a/", keys...)
			c.remove(keys...)
			store.takeApart(c, before, out, keys)
			c.done(out)
			c.remove(out)
		},
		"half put back when it is converted": func(c *compacted, store otherETags, _ Options, keys []string) {
			before := store.clone()
			out := c.join("src/a/", keys...)
			c.remove(keys...)
			store.takeApart(c, before, out, keys[:3])
		},
		"put back and compacted again": func(c *compacted, store otherETags, o Options, keys []string) {
			before := store.clone()
			out := c.join("src/a/", keys...)
			c.remove(keys...)
			mustRun(c.t, o)
			store.takeApart(c, before, out, keys)
			c.done(out)
			c.remove(out)
			c.join("src/a/", keys...)
			c.remove(keys...)
		},
		"listed as an output, then put back": func(c *compacted, store otherETags, o Options, keys []string) {
			before := store.clone()
			one, two := c.join("src/a/", keys[:3]...), c.join("src/a/", keys[3:]...)
			c.remove(keys...)
			o.BatchBytes, o.Shards = 1, 2
			mustRun(c.t, o)
			store.takeApart(c, before, one, keys[:3])
			store.takeApart(c, before, two, keys[3:])
			c.done(one, two)
			c.remove(one, two)
			o.Shard = 1
			mustRun(c.t, o)
		},
	} {
		t.Run(name, func(t *testing.T) {
			fake, keys, want := lake(t)
			store := otherETags{fake, map[string]string{}}
			o := testOptions(t, store)
			o.Refused = func(r Refusal) { t.Errorf("refused %+v", r) }
			steps(compactGroup(t, fake, "src/a/"), store, o, keys)
			mustRun(t, o)
			sameRows(t, fake, want)
			if again := mustRun(t, o); again.Batches != 0 {
				t.Errorf("one more run: %+v", again)
			}
		})
	}
}

// TestANewObjectUnderARestoredKeyIsLoaded: only the same bytes are the same.
func TestANewObjectUnderARestoredKeyIsLoaded(t *testing.T) {
	fake, keys, want := lake(t)
	store := otherETags{fake, map[string]string{}}
	o := testOptions(t, store)
	before := fake.clone()
	c := compactGroup(t, fake, "src/a/")
	out := c.join("src/a/", keys...)
	c.remove(keys...)
	mustRun(t, o)
	store.takeApart(c, before, out, keys)
	c.done(out)
	c.remove(out)
	text, shown := rowsOf(500, 503)
	fake.objects["data/"+keys[0]] = gz(t, text)
	// As many bytes, and another text.
	sized := bytes.Clone(fake.objects["data/"+keys[1]])
	text, more := rowsOf(10, 12)
	text = strings.ReplaceAll(text, `"id":1`, `"id":2`)
	for i := range more {
		more[i] = strings.ReplaceAll(more[i], "id=1", "id=2")
	}
	other := gz(t, text)
	if len(other) != len(sized) {
		t.Fatalf("%d bytes instead of %d", len(other), len(sized))
	}
	fake.objects["data/"+keys[1]] = other
	mustRun(t, o)
	sameRows(t, fake, slices.Concat(want, shown, more))
}

// TestLoadedUnderOneKeyTwice: a list that holds a key with a new ETag does not
// make an earlier list's one be forgotten.
func TestLoadedUnderOneKeyTwice(t *testing.T) {
	store, keys, want := lake(t)
	o := testOptions(t, store)
	mustRun(t, o)
	c := compactGroup(t, store, "src/a/")
	c.join("src/a/", keys...)
	c.remove(keys...)
	text, shown := rowsOf(500, 503)
	store.objects["data/"+keys[0]] = gz(t, text)
	mustRun(t, o)
	if again := mustRun(t, o); again.Batches != 0 || again.Refused != 0 {
		t.Errorf("one more run: %+v", again)
	}
	sameRows(t, store, append(want, shown...))
}

// TestWhatChangedIsNotLoadedOutOfAnOutput: it stays refused when it is compacted.
func TestWhatChangedIsNotLoadedOutOfAnOutput(t *testing.T) {
	store, keys, want := lake(t)
	o := testOptions(t, store)
	mustRun(t, o)
	text, _ := rowsOf(500, 503)
	store.objects["data/"+keys[0]] = gz(t, text)
	text, shown := rowsOf(600, 603)
	store.objects["data/src/a/7.json.gz"] = gz(t, text)
	c := compactGroup(t, store, "src/a/")
	c.join("src/a/", append(keys, "src/a/7.json.gz")...)
	for _, remove := range []bool{false, true} { // half-way, and done
		if remove {
			c.remove(append(keys, "src/a/7.json.gz")...)
		}
		var refused []string
		o.Refused = func(r Refusal) { refused = append(refused, r.Key+" "+r.Reason) }
		mustRun(t, o)
		sameRows(t, store, append(want, shown...))
		if !slices.Equal(refused, []string{keys[0] + " changed"}) {
			t.Errorf("refused %q", refused)
		}
	}
	o.FailOnChanged = true
	if _, err := Run(context.Background(), o); err == nil || !strings.Contains(err.Error(), "1 sources changed") {
		t.Errorf("error %v", err)
	}
}

// TestAClosedStateIsKnown: what was compacted stays the same data when the
// bucket's claim is gone, or names another state.
func TestAClosedStateIsKnown(t *testing.T) {
	for name, steps := range map[string]func(c *compacted, o Options, keys []string){
		"converted, compacted, closed": func(c *compacted, o Options, keys []string) {
			mustRun(c.t, o)
			c.join("src/a/", keys...)
			c.remove(keys...)
		},
		"compacted, converted, closed": func(c *compacted, o Options, keys []string) {
			c.join("src/a/", keys...)
			c.remove(keys...)
			mustRun(c.t, o)
		},
		"compacted, half converted, closed": func(c *compacted, o Options, keys []string) {
			c.join("src/a/", keys[:3]...)
			c.join("src/a/", keys[3:]...)
			c.remove(keys...)
			o.BatchBytes, o.Shards = 1, 2
			mustRun(c.t, o)
		},
	} {
		for _, next := range []bool{false, true} {
			store, keys, want := lake(t)
			o := testOptions(t, store)
			o.Refused = func(r Refusal) { t.Errorf("refused %+v", r) }
			t.Run(name, func(t *testing.T) {
				steps(compactGroup(t, store, "src/a/"), o, keys)
				delete(store.objects, "data/"+receipt.ClaimKey)
				if next {
					text, shown := rowsOf(600, 603)
					store.objects["data/src/b/1.json.gz"] = gz(t, text)
					want = append(want, shown...)
					c := compactIn(t, store, "src/b/", "_next/")
					c.join("src/b/", "src/b/1.json.gz")
					c.remove("src/b/1.json.gz")
				}
				mustRun(t, o)
				mustRun(t, o)
				sameRows(t, store, want)
			})
		}
	}
}

// TestAClosedStateElsewhereIsKnownFromLists: it need not lie in the usual place.
func TestAClosedStateElsewhereIsKnownFromLists(t *testing.T) {
	store, keys, want := lake(t)
	o := testOptions(t, store)
	c := compactIn(t, store, "src/a/", "_first/")
	c.join("src/a/", keys...)
	c.remove(keys...)
	mustRun(t, o)
	delete(store.objects, "data/"+receipt.ClaimKey)
	if again := mustRun(t, o); again.Batches != 0 || again.Refused != 0 {
		t.Errorf("one more run: %+v", again)
	}
	sameRows(t, store, want)
}

// TestPutBackThenCompactedByAnotherState: the closed state tells what was loaded.
func TestPutBackThenCompactedByAnotherState(t *testing.T) {
	store, keys, want := lake(t)
	o := testOptions(t, store)
	before := store.clone()
	c := compactGroup(t, store, "src/a/")
	out := c.join("src/a/", keys...)
	c.remove(keys...)
	mustRun(t, o)
	otherETags{store, map[string]string{}}.takeApart(c, before, out, keys)
	c.done(out)
	c.remove(out)
	c = compactIn(t, store, "src/", "_next/")
	c.join("src/", keys...)
	c.remove(keys...)
	mustRun(t, o)
	sameRows(t, store, want)
}

// close is what close leaves of the state: a record in place of the claim.
func (c *compacted) close(at time.Time) {
	c.t.Helper()
	record, err := json.Marshal(receipt.Claim{Version: receipt.FormatVersion, State: "s3://data/" + c.state, StateID: "closed" + c.state, Time: at})
	if err != nil {
		c.t.Fatal(err)
	}
	c.store.set("data/"+receipt.ClosedKey("closed"+c.state), record)
	c.remove(receipt.ClaimKey)
}

// TestAClosedStateElsewhereIsKnownFromItsRecord: what was converted before it was
// compacted is known, though no list names the state.
func TestAClosedStateElsewhereIsKnownFromItsRecord(t *testing.T) {
	store, keys, want := lake(t)
	o := testOptions(t, store)
	mustRun(t, o)
	c := compactIn(t, store, "src/a/", "_first/")
	c.join("src/a/", keys...)
	c.remove(keys...)
	c.close(time.Unix(1, 0))
	if again := mustRun(t, o); again.Batches != 0 || again.Refused != 0 {
		t.Errorf("one more run: %+v", again)
	}
	sameRows(t, store, want)
}

// TestClosedStatesAreAskedInTheirOrder: what a restore put back of the first one's
// outputs, under other ETags, lies in an output of the second one.
func TestClosedStatesAreAskedInTheirOrder(t *testing.T) {
	store, keys, want := lake(t)
	o := testOptions(t, store)
	o.Refused = func(r Refusal) { t.Errorf("refused %+v", r) }
	mustRun(t, o)
	before := store.clone()
	c := compactIn(t, store, "src/a/", "_z-first/")
	out := c.join("src/a/", keys...)
	c.remove(keys...)
	other := otherETags{store, map[string]string{}}
	other.takeApart(c, before, out, keys)
	c.done(out)
	c.remove(out)
	c.close(time.Unix(1, 0))
	c = compactIn(t, store, "src/", "_second/")
	c.etags = other.etags
	c.join("src/", keys...)
	c.remove(keys...)
	c.close(time.Unix(2, 0))
	mustRun(t, o)
	sameRows(t, store, want)
}
