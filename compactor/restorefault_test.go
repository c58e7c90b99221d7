package compactor

import (
	"context"
	"errors"
	"fmt"
	"maps"
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
}

const undoBucket = "lake"

func newUndo(t *testing.T) *undo {
	u := &undo{t: t, server: model.New(model.Options{MinPartBytes: 1}, undoBucket), originals: map[string]string{}}
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
	u.server.Watch(u.ledger.See)
	u.app = u.server.Client("app", nil)
	return u
}

func (u *undo) put(key string, body []byte) {
	u.t.Helper()
	attributes := s3store.Attributes{ContentType: "application/gzip", Metadata: map[string]string{"key": key}}
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
		if v.Attributes.Metadata["key"] != key {
			u.t.Errorf("%s: %s carries %+v", when, key, v.Attributes)
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
		u := newUndo(t)
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
		var later model.Wire
		if world == "deletes refused" {
			wire, later = u.refuseDeletes(0, wire), u.refuseDeletes(0, nil)
		}
		err := u.restore(u.server.Client("restore", wire))
		when := fmt.Sprintf("%s, undisturbed", world)
		if n >= 0 && n < len(calls) {
			when = fmt.Sprintf("%s, request %d (%s %s), which made it say %v", world, n, calls[n].Op, calls[n].Key, err)
		} else if err != nil {
			t.Fatal(err)
		}
		u.finish(when, later)
		check(u, when)
	})
	return calls
}

// eachRequest disturbs each request of a restore but those of the canary, whose
// faults end the run before it does anything.
func eachRequest(t *testing.T, world string, fault undoFault, check func(u *undo, when string)) (faults int) {
	for n, c := range disturbed(t, world, -1, nil, check) {
		if strings.Contains(c.Key, "canary") {
			continue
		}
		if disturbed(t, world, n, fault, check); t.Failed() {
			return faults
		}
		faults++
	}
	return faults
}

// TestRestoreAtEveryFault disturbs each request of a restore in each way, from
// each world, and then restores again: every original comes back with what it
// carried, and nothing else is left.
func TestRestoreAtEveryFault(t *testing.T) {
	for world := range undoWorlds {
		for name, fault := range undoFaults {
			t.Run(world+"/"+name, func(t *testing.T) {
				t.Parallel()
				n := eachRequest(t, world, fault, (*undo).checkOriginals)
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
	eachRequest(t, "compacted", write, func(u *undo, when string) {
		if wrong := append(u.ledger.Violations(), u.ledger.Settle(1)...); len(wrong) > 0 {
			u.t.Fatalf("%s: %s", when, strings.Join(wrong, "; "))
		}
		if v := u.server.Current(undoBucket, key); v == nil || string(v.Body) != u.originals[key] {
			u.t.Fatalf("%s: what the application wrote is not there", when)
		}
	})
}
