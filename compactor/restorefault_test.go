package compactor

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test/model"
	"github.com/s3compact/s3compact/inventory"
	"github.com/s3compact/s3compact/validate"
)

// undo is a bucket of the model with a compacted group that is to be restored.
type undo struct {
	t         *testing.T
	server    *model.Server
	ledger    *model.Ledger
	app       *model.Client
	originals map[string]string // bodies by key

	head   *receipt.Entry // of the group's log
	headAt time.Time      // when it was written
}

// see holds each change against the head of the log: an original is put back
// only once the restore entry has settled, taken back only once the commit that
// says so has, and an output is removed only once an entry has declared it dead
// or absorbed.
func (u *undo) see(e model.Event) {
	if _, ok := receipt.EntryNumber(e.Key); ok && e.After != nil {
		head, err := receipt.Decode(bytes.NewReader(e.After.Body))
		if err != nil {
			u.t.Error(err)
		}
		u.head, u.headAt = head, e.At
	}
	if e.Client == "app" || hidden(e.Key) {
		return
	}
	_, _, output := receipt.ParseOutputName(e.Key)
	switch {
	case output && e.After == nil:
		dead := slices.ContainsFunc(u.head.Dead, func(o receipt.OutputRef) bool { return o.Key == e.Key })
		absorbed := slices.ContainsFunc(u.head.Members, func(m receipt.Member) bool { return m.Key == e.Key && m.Absorbed() })
		if !dead && !absorbed {
			u.ledger.Violate("output %s was removed while the log's head, entry %d (%s), does not say that it is dead", e.Key, u.head.Number, u.head.Kind)
		}
	case !output && e.After == nil:
		if again := u.head.Kind == receipt.Commit && namesAgain(u.head); again && e.At.Sub(u.headAt) < settleTime-time.Second {
			u.ledger.Violate("%s was taken back %s after entry %d", e.Key, e.At.Sub(u.headAt), u.head.Number)
		}
	case !output && e.After != nil:
		if u.head.Kind != receipt.Restore || e.At.Sub(u.headAt) < settleTime-time.Second { // the Date has whole seconds
			u.ledger.Violate("%s was put back %s after entry %d (%s)", e.Key, e.At.Sub(u.headAt), u.head.Number, u.head.Kind)
		}
	}
}

const undoBucket = "lake"

func newUndo(t *testing.T, versioned bool) *undo {
	u := &undo{t: t, server: model.New(model.Options{MinPartBytes: 1, Versioned: versioned}, undoBucket), originals: map[string]string{}}
	u.ledger = model.NewLedger(func(key string, body []byte) (lines []string) {
		if hidden(key) {
			return nil
		}
		text, err := gunzip(body)
		if err != nil {
			return []string{string(body)}
		}
		return strings.FieldsFunc(text, func(r rune) bool { return r == '\n' })
	}, func(client string) bool { return client == "app" })
	u.server.Watch(func(e model.Event) { u.ledger.See(e); u.see(e) })
	u.app = u.server.Client("app", nil)
	return u
}

func (u *undo) put(key string, body []byte) {
	u.t.Helper()
	u.putAs(key, body, s3store.Attributes{})
}

// putAs is put with an encryption.
func (u *undo) putAs(key string, body []byte, attributes s3store.Attributes) {
	u.t.Helper()
	attributes.ContentType, attributes.Metadata, attributes.Tagging = "application/gzip", map[string]string{"key": key}, "kind=log&team=web"
	if _, err := u.app.Put(context.Background(), undoBucket, key, body, s3store.PutOptions{Attributes: attributes}); err != nil {
		u.t.Fatal(err)
	}
	u.originals[key] = string(body)
}

func (u *undo) options() Options {
	return Options{
		Bucket: undoBucket, State: DefaultState(undoBucket), Content: validate.ContentNDJSON, Tool: "test", Concurrency: 1, GroupsAtOnce: 1,
		Selection: inventory.Selection{SmallSizeBytes: 1 << 20, MinObjects: 2, Match: "*.gz", TargetSizeBytes: 64 << 20},
	}
}

func (u *undo) compact(s Store, o Options) error {
	_, err := Run(context.Background(), s, o, []string{"app/"})
	return err
}

func (u *undo) restore(s Store) error {
	_, err := Restore(context.Background(), s, RestoreOptions{Options: Options{State: DefaultState(undoBucket), Concurrency: 1, GroupsAtOnce: 1, Tool: "test"}})
	return err
}

// undoWorlds are the states of a group that a restore starts from.
var undoWorlds = map[string]func(u *undo){
	"compacted": func(u *undo) {
		for i := range 4 {
			u.put(fmt.Sprintf("app/log-%03d.json.gz", i), gz(record("app/", i, 1), record("app/", i, 2)))
		}
		u.put("app/no-newline.json.gz", gzRaw(record("app/", 100, 1)))
		u.must(u.compact(u.server.Client("compact", nil), u.options()))
	},
	"versioned": func(u *undo) { // with a delete marker under each key
		for i := range 3 {
			u.put(fmt.Sprintf("app/log-%03d.json.gz", i), gz(record("app/", i, 1)))
		}
		u.must(u.compact(u.server.Client("compact", nil), u.options()))
	},
	"absorbed": func(u *undo) {
		for increment := range 4 {
			for i := range 3 {
				u.put(fmt.Sprintf("app/log-%d-%d.json.gz", increment, i), gzRaw(record("app/", 10*increment+i, 1)))
			}
			u.must(u.compact(u.server.Client("compact", nil), u.options()))
		}
		if n := u.outputs(); n > 2 {
			u.t.Fatalf("%d outputs: none was absorbed", n)
		}
	},
	"absorbing refused": func(u *undo) {
		var err error
		for increment := range 4 {
			for i := range 3 {
				u.put(fmt.Sprintf("app/log-%d-%d.json.gz", increment, i), gzRaw(record("app/", 10*increment+i, 1)))
			}
			if err = u.compact(u.server.Client("compact", u.refuseAbsorbed(nil)), u.options()); err != nil {
				break
			}
		}
		if !errors.Is(err, s3store.ErrDenied) || u.outputs() < 3 {
			u.t.Fatalf("the compactions left %d outputs and said %v", u.outputs(), err)
		}
		for key := range u.originals {
			if u.server.Current(undoBucket, key) != nil {
				u.t.Fatalf("%s was not joined", key)
			}
		}
	},
	"kept": func(u *undo) {
		for i := range 3 {
			u.put(fmt.Sprintf("app/log-%03d.json.gz", i), gz(record("app/", i, 1)))
		}
		o := u.options()
		o.Keep = true
		u.must(u.compact(u.server.Client("compact", nil), o))
	},
	"deletes refused": func(u *undo) {
		for i := range 4 {
			u.put(fmt.Sprintf("app/log-%03d.json.gz", i), gz(record("app/", i, 1)))
		}
		if err := u.compact(u.server.Client("compact", u.refuseDeletes(2, nil)), u.options()); !errors.Is(err, s3store.ErrDenied) {
			u.t.Fatalf("the compaction says %v", err)
		}
	},
}

// refusing refuses what is refused in a world for good.
func (u *undo) refusing(world string, next model.Wire) model.Wire {
	switch world {
	case "deletes refused":
		return u.refuseDeletes(0, next)
	case "absorbing refused":
		return u.refuseAbsorbed(next)
	}
	return next
}

// refuseAbsorbed refuses to delete outputs for a commit.
func (u *undo) refuseAbsorbed(next model.Wire) model.Wire {
	return func(ctx context.Context, c model.Call, apply func() model.Answer) model.Answer {
		_, _, output := receipt.ParseOutputName(c.Key)
		if !output || u.head == nil || u.head.Kind != receipt.Commit || c.Op != "delete" && c.Op != "deletes" {
			if next != nil {
				return next(ctx, c, apply)
			}
			return apply()
		}
		a := model.Answer{Date: u.server.Now().Truncate(time.Second), Err: model.Refused(c, 403, "AccessDenied", s3store.ErrDenied)}
		if c.Op == "deletes" {
			for range c.Keys {
				a.Errs = append(a.Errs, a.Err)
			}
			a.Err = nil
		}
		return a
	}
}

// refuseDeletes lets some keys be deleted, then no original any more.
func (u *undo) refuseDeletes(first int, next model.Wire) model.Wire {
	if next == nil {
		next = func(_ context.Context, _ model.Call, apply func() model.Answer) model.Answer { return apply() }
	}
	return func(ctx context.Context, c model.Call, apply func() model.Answer) model.Answer {
		if c.Op == "deletes" && strings.HasPrefix(c.Key, "app/log-") {
			if _, _, output := receipt.ParseOutputName(c.Key); !output {
				a := model.Answer{Date: u.server.Now().Truncate(time.Second)}
				for i, k := range c.Keys {
					if i < first {
						v := u.server.Current(undoBucket, k.Key)
						if v != nil {
							_ = u.server.Client("compact", nil).Delete(ctx, undoBucket, k.Key, k.ETag)
						}
						a.Errs = append(a.Errs, nil)
						continue
					}
					a.Errs = append(a.Errs, model.Refused(c, 403, "AccessDenied", s3store.ErrDenied))
				}
				return a
			}
		}
		return next(ctx, c, apply)
	}
}

func (u *undo) must(err error) {
	u.t.Helper()
	if err != nil {
		u.t.Fatal(err)
	}
}

func (u *undo) outputs() (n int) {
	for _, key := range u.server.Keys(undoBucket) {
		if _, _, ok := receipt.ParseOutputName(key); ok {
			n++
		}
	}
	return n
}

// finish runs restores without faults until one reports success.
func (u *undo) finish(when string, wire model.Wire) {
	u.t.Helper()
	var err error
	for range 5 {
		if err = u.restore(u.server.Client("again", wire)); err == nil {
			return
		}
		if !errors.Is(err, ErrWaiting) {
			break
		}
		time.Sleep(20 * time.Minute)
	}
	u.t.Fatalf("%s: the rerun says %v", when, err)
}

// checkOriginals says that exactly the originals are there, with what they carried.
func (u *undo) checkOriginals(when string) {
	u.t.Helper()
	if wrong := u.ledger.Violations(); len(wrong) > 0 {
		u.t.Fatalf("%s: %s", when, strings.Join(wrong, "; "))
	}
	now := map[string]string{}
	for _, key := range u.server.Keys(undoBucket) {
		if hidden(key) {
			continue // the state, and canaries, which a sweep removes
		}
		v := u.server.Current(undoBucket, key)
		now[key] = string(v.Body)
		if v.Attributes.Metadata["key"] != key || v.Tags != "kind=log&team=web" {
			u.t.Errorf("%s: %s carries %+v, tags %q", when, key, v.Attributes, v.Tags)
		}
	}
	if !maps.Equal(now, u.originals) {
		u.t.Fatalf("%s: there are %d objects, want %d: %v", when, len(now), len(u.originals), sortedKeys(now))
	}
	for _, up := range u.server.Uploads(undoBucket) {
		if !hidden(up) {
			u.t.Fatalf("%s: an upload is left: %s", when, up)
		}
	}
}

// undoFault is what happens at one request; dead says that no further one is sent.
type undoFault func(u *undo, ctx context.Context, c model.Call, apply func() model.Answer) (a model.Answer, dead bool)

var undoFaults = map[string]undoFault{
	"killed before": func(*undo, context.Context, model.Call, func() model.Answer) (model.Answer, bool) {
		return model.Answer{Err: errLost}, true
	},
	"killed behind": func(_ *undo, _ context.Context, _ model.Call, apply func() model.Answer) (model.Answer, bool) {
		apply()
		return model.Answer{Err: errLost}, true
	},
	"answer lost": func(_ *undo, _ context.Context, _ model.Call, apply func() model.Answer) (model.Answer, bool) {
		apply()
		return model.Answer{Err: errLost}, false
	},
	"500": func(u *undo, _ context.Context, c model.Call, _ func() model.Answer) (model.Answer, bool) {
		return model.Answer{Err: model.Refused(c, 500, "InternalError", nil), Date: u.server.Now().Truncate(time.Second)}, false
	},
	"403": func(u *undo, _ context.Context, c model.Call, _ func() model.Answer) (model.Answer, bool) {
		return model.Answer{Err: model.Refused(c, 403, "AccessDenied", s3store.ErrDenied), Date: u.server.Now().Truncate(time.Second)}, false
	},
	"409": func(u *undo, _ context.Context, c model.Call, _ func() model.Answer) (model.Answer, bool) {
		return model.Answer{Err: model.Refused(c, 409, "ConditionalRequestConflict", s3store.ErrConflict), Date: u.server.Now().Truncate(time.Second)}, false
	},
	"paused for an hour": func(_ *undo, _ context.Context, _ model.Call, apply func() model.Answer) (model.Answer, bool) {
		time.Sleep(time.Hour)
		return apply(), false
	},
	"paused while another restores": func(u *undo, _ context.Context, _ model.Call, apply func() model.Answer) (model.Answer, bool) {
		time.Sleep(18 * time.Minute)
		_ = u.restore(u.server.Client("other", nil)) // its success is seen in the end
		return apply(), false
	},
	"late while another compacts": func(u *undo, _ context.Context, _ model.Call, apply func() model.Answer) (model.Answer, bool) {
		for range 4 {
			time.Sleep(18 * time.Minute)
			_ = u.compact(u.server.Client("compact", nil), u.options())
		}
		return apply(), false
	},
}

// disturbed is a restore of which one request is disturbed, then one that is
// not, which check looks at. It returns the requests that the first one sent.
func disturbed(t *testing.T, world string, n int, fault undoFault, check func(u *undo, when string)) (calls []model.Call) {
	synctest.Test(t, func(t *testing.T) {
		u := newUndo(t, world == "versioned")
		undoWorlds[world](u)
		if u.outputs() == 0 {
			t.Fatal("there is no output to restore")
		}
		dead := false
		wire := func(ctx context.Context, c model.Call, apply func() model.Answer) (a model.Answer) {
			calls = append(calls, c)
			switch {
			case dead:
				return model.Answer{Err: errLost}
			case len(calls)-1 == n:
				a, dead = fault(u, ctx, c, apply)
				return a
			}
			return apply()
		}
		wire = u.refusing(world, wire)
		err := u.restore(u.server.Client("restore", wire))
		when := fmt.Sprintf("%s, undisturbed", world)
		if n >= 0 && n < len(calls) {
			when = fmt.Sprintf("%s, request %d (%s %s), which made it say %v", world, n, calls[n].Op, calls[n].Key, err)
		} else if err != nil {
			t.Fatal(err)
		}
		u.finish(when, u.refusing(world, nil))
		check(u, when)
	})
	return calls
}

// eachRequest disturbs the requests of a restore, of which stride says how many
// are left out. Faults of the canary end the run before it does anything.
func eachRequest(t *testing.T, world string, fault undoFault, first, stride int, check func(u *undo, when string)) (faults int) {
	for n, c := range disturbed(t, world, -1, nil, check) {
		if strings.Contains(c.Key, "canary") || n%stride != first%stride {
			continue
		}
		if disturbed(t, world, n, fault, check); t.Failed() {
			return faults
		}
		faults++
	}
	return faults
}

// TestRestoreAtEveryFault disturbs the requests of a restore in each way, from each world, and then restores again: every original comes back with what it
// carried, and nothing else is left.
func TestRestoreAtEveryFault(t *testing.T) {
	for world := range undoWorlds {
		for i, name := range sortedKeys(undoFaults) {
			t.Run(world+"/"+name, func(t *testing.T) {
				t.Parallel()
				n := eachRequest(t, world, undoFaults[name], i, faultStride, (*undo).checkOriginals)
				t.Logf("%d faults", n)
			})
		}
	}
}

// TestRestoreMeetsTheApplication: at each request of a restore the application
// writes one of the keys. Its object stays, and every record is there once.
func TestRestoreMeetsTheApplication(t *testing.T) {
	const key = "app/log-002.json.gz"
	write := func(u *undo, _ context.Context, _ model.Call, apply func() model.Answer) (model.Answer, bool) {
		u.put(key, gz(record("app/", 777, 1)))
		return apply(), false
	}
	eachRequest(t, "compacted", write, 0, 1, func(u *undo, when string) {
		if wrong := append(u.ledger.Violations(), u.ledger.Settle(1)...); len(wrong) > 0 {
			u.t.Fatalf("%s: %s", when, strings.Join(wrong, "; "))
		}
		if v := u.server.Current(undoBucket, key); v == nil || string(v.Body) != u.originals[key] {
			u.t.Fatalf("%s: what the application wrote is not there", when)
		}
	})
}

// largeOriginal is the body of an original that is put back in parts.
func largeOriginal(t *testing.T) []byte {
	t.Helper()
	random := make([]byte, wholeBytes*3/4) // base64 makes a third more of it, which gzip takes away again
	_, _ = rand.NewChaCha8([32]byte{1}).Read(random)
	line := make([]byte, base64.StdEncoding.EncodedLen(len(random)))
	base64.StdEncoding.Encode(line, random)
	var large bytes.Buffer
	w, err := gzip.NewWriterLevel(&large, gzip.NoCompression)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(w, "{\"x\":%q}\n", line)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if large.Len() <= wholeBytes {
		t.Fatalf("%d bytes are not large", large.Len())
	}
	return large.Bytes()
}

// TestRestoreOfALargeOriginal: it is put back in parts, and nothing of them is
// left where something newer comes first.
func TestRestoreOfALargeOriginal(t *testing.T) {
	large := largeOriginal(t)
	const key = "app/large.json.gz"
	for _, newer := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			u := newUndo(t, false)
			u.put(key, large)
			u.put("app/small.json.gz", gz(record("app/", 1, 1)))
			o := u.options()
			o.Selection.SmallSizeBytes, o.Selection.TargetSizeBytes = 0, 1<<30
			u.must(u.compact(u.server.Client("compact", nil), o))
			if u.outputs() != 1 {
				t.Fatalf("%d outputs", u.outputs())
			}
			parts := 0
			wire := func(_ context.Context, c model.Call, apply func() model.Answer) model.Answer {
				if c.Key == key && c.Op == "part" {
					parts++
				}
				if c.Key == key && c.Op == "complete" && newer {
					newer = false
					u.put(key, gz(record("app/", 777, 1)))
				}
				return apply()
			}
			wasNewer := newer
			u.must(u.restore(u.server.Client("restore", wire)))
			if parts < 2 {
				t.Errorf("%d parts", parts)
			}
			if !wasNewer {
				u.checkOriginals("after the restore")
				return
			}
			if wrong := append(u.ledger.Violations(), u.ledger.Settle(1)...); len(wrong) > 0 {
				t.Error(strings.Join(wrong, "; ")[:200])
			}
			if u.outputs() != 1 || string(u.server.Current(undoBucket, key).Body) != u.originals[key] || len(u.server.Uploads(undoBucket)) != 0 {
				t.Errorf("%d outputs, %d uploads", u.outputs(), len(u.server.Uploads(undoBucket)))
			}
		})
	}
}

// TestUploadsOfAKilledRestore: parts of an original that a killed restore left
// are removed by the next one, and by nobody the upload that the application
// has under the same key.
func TestUploadsOfAKilledRestore(t *testing.T) {
	const key = "app/large.json.gz"
	large := largeOriginal(t)
	for _, op := range []string{"create", "note", "part", "complete"} {
		for _, sent := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				when := fmt.Sprintf("killed at %s, sent: %t", op, sent)
				u := newUndo(t, false)
				u.put(key, large)
				u.put("app/small.json.gz", gz(record("app/", 1, 1)))
				o := u.options()
				o.Selection.SmallSizeBytes, o.Selection.TargetSizeBytes = 0, 1<<30
				u.must(u.compact(u.server.Client("compact", nil), o))
				if _, err := u.app.CreateUpload(t.Context(), undoBucket, key, s3store.Attributes{}); err != nil {
					t.Fatal(err)
				}
				dead := false
				err := u.restore(u.server.Client("restore", func(_ context.Context, c model.Call, apply func() model.Answer) model.Answer {
					note := c.Op == "put" && strings.Contains(c.Key, "/uploads/")
					switch {
					case dead:
						return model.Answer{Err: errLost}
					case c.Key == key && c.Op == op, note && op == "note":
						if dead = true; sent {
							apply()
						}
						return model.Answer{Err: errLost}
					}
					return apply()
				}))
				if err == nil || !dead {
					t.Fatalf("%s: the restore says %v", when, err)
				}
				u.finish(when, nil)
				left := u.server.Uploads(undoBucket)
				want := 1
				if op == "create" && sent || op == "note" && !sent {
					want++ // an upload without a part, of which nobody can say whose it is
				}
				if len(left) != want {
					t.Errorf("%s: uploads are left: %q", when, left)
				}
				for _, k := range u.server.Keys(undoBucket) {
					if strings.Contains(k, "/uploads/") {
						t.Errorf("%s: %s is left", when, k)
					}
				}
			})
		}
	}
}

// TestRestoreOfADamagedOutput: not one original is written that is not proven,
// and the output stays.
func TestRestoreOfADamagedOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUndo(t, false)
		undoWorlds["compacted"](u)
		flip := func(_ context.Context, c model.Call, apply func() model.Answer) model.Answer {
			a := apply()
			if _, _, ok := receipt.ParseOutputName(c.Key); ok && c.Op == "get" && len(a.Body) > 40 {
				a.Body = bytes.Clone(a.Body)
				a.Body[40] ^= 1
			}
			return a
		}
		if err := u.restore(u.server.Client("restore", flip)); !errors.Is(err, errAltered) {
			t.Errorf("the restore says %v", err)
		}
		for key := range u.originals {
			if u.server.Current(undoBucket, key) != nil {
				t.Errorf("%s was written", key)
			}
		}
		if u.outputs() != 1 {
			t.Error("the output is gone")
		}
		u.finish("after a reading that was right", nil)
		u.checkOriginals("after a reading that was right")
	})
}
