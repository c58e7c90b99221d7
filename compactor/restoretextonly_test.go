package compactor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test/model"
)

// TestRestoreSavesOriginalsOfAnOpenRecompression: where a run that deletes
// originals for recompressed outputs was stopped before it did, a restore must not
// do it: it takes the commit back, and every original is still there.
func TestRestoreSavesOriginalsOfAnOpenRecompression(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUndo(t, false)
		u.stopRecompression(0)
		before, err := PreviewRestore(t.Context(), u.server.Client("look", nil), u.restoreOptions())
		if err != nil || before.Outputs != 1 || before.ObjectsThere != 4 {
			t.Errorf("a dry run says %+v, %v", before, err)
		}
		u.finish("after a run that was stopped", nil)
		u.checkOriginals("in the end")
	})
}

// stopRecompression leaves a commit of a recompressed output of which so many
// originals are deleted.
func (u *undo) stopRecompression(deleted int) {
	u.t.Helper()
	for i := range 4 {
		u.put(fmt.Sprintf("app/log-%03d.json.gz", i), gz(record("app/", i, 1)))
	}
	o := u.options()
	o.Recompress, o.AcceptContentOnly = 6, true
	if err := u.compact(u.server.Client("compact", u.refuseDeletes(deleted, nil)), o); !errors.Is(err, s3store.ErrDenied) {
		u.t.Fatalf("the compaction says %v", err)
	}
}

func (u *undo) restoreOptions() RestoreOptions {
	return RestoreOptions{Options: Options{State: DefaultState(undoBucket), Concurrency: 1, GroupsAtOnce: 1, Tool: "test"}}
}

// TestRestoreStopsAtAHalfDoneRecompression: where some originals are gone already,
// a restore deletes none of the others, and says so each time.
func TestRestoreStopsAtAHalfDoneRecompression(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUndo(t, false)
		u.stopRecompression(1)
		objects := func() map[string]string {
			all := map[string]string{}
			for _, key := range u.server.Keys(undoBucket) {
				if !hidden(key) {
					all[key] = string(u.server.Current(undoBucket, key).Body)
				}
			}
			return all
		}
		before := objects()
		if len(before) != 4 {
			t.Fatalf("%d objects", len(before))
		}
		for range 2 {
			refused := map[string]string{}
			o := u.restoreOptions()
			o.OnRefused = func(r Refused) { refused[r.Key] = r.Reason }
			_, err := Restore(context.Background(), u.server.Client("restore", nil), o)
			if err == nil || errors.Is(err, ErrWaiting) || len(refused) != 1 || refused["app/log-000.json.gz"] != reasonRecompressed {
				t.Errorf("the restore says %v, refused %v", err, refused)
			}
			if !maps.Equal(before, objects()) {
				t.Fatal("the restore changed something")
			}
			time.Sleep(20 * time.Minute)
		}
		// As its message says, compact finishes it.
		u.must(u.compact(u.server.Client("compact", nil), u.options()))
		if n := len(objects()); n != 1 {
			t.Errorf("%d objects are left", n)
		}
	})
}

// TestRestoreFinishesARecompressionThatDeletedAll: nothing is left that could be saved.
func TestRestoreFinishesARecompressionThatDeletedAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUndo(t, false)
		u.stopRecompression(3)
		const last = "app/log-003.json.gz"
		u.must(u.app.Delete(t.Context(), undoBucket, last, ""))
		o := u.restoreOptions()
		refused := 0
		o.OnRefused = func(r Refused) { refused++ }
		if _, err := Restore(context.Background(), u.server.Client("restore", nil), o); err != nil || refused != 4 || u.outputs() != 1 || u.head.Kind != receipt.Done {
			t.Errorf("the restore says %v, %d refused, head %s", err, refused, u.head.Kind)
		}
	})
}

// TestRestoreTakesBackAnOpenRecompression: also where its upload is not completed
// yet, and where originals were kept and are being deleted.
func TestRestoreTakesBackAnOpenRecompression(t *testing.T) {
	for what, stop := range map[string]func(*undo){
		"before it was completed": func(u *undo) {
			o := u.options()
			o.Recompress, o.AcceptContentOnly = 6, true
			dead := false
			err := u.compact(u.server.Client("compact", func(_ context.Context, c model.Call, apply func() model.Answer) model.Answer {
				if dead = dead || c.Op == "complete" && strings.HasPrefix(c.Key, "app/"); dead {
					return model.Answer{Err: errLost}
				}
				return apply()
			}), o)
			if err == nil || !dead || u.head.Kind != receipt.Commit {
				u.t.Fatalf("the compaction says %v, head %v", err, u.head)
			}
		},
		"while what was kept is deleted": func(u *undo) {
			o := u.options()
			o.Recompress, o.Keep = 6, true
			u.must(u.compact(u.server.Client("compact", nil), o))
			o = u.options()
			o.DeleteKept, o.AcceptContentOnly = true, true
			if err := u.compact(u.server.Client("compact", u.refuseDeletes(0, nil)), o); !errors.Is(err, s3store.ErrDenied) {
				u.t.Fatalf("deleting what was kept says %v", err)
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := newUndo(t, false)
				for i := range 4 {
					u.put(fmt.Sprintf("app/log-%03d.json.gz", i), gz(record("app/", i, 1)))
				}
				stop(u)
				u.finish(what, nil)
				u.checkOriginals(what)
			})
		})
	}
}

// TestRestoreNeverDeletesForRecompressed: wherever a recompressing run was killed,
// and wherever the restore behind it, no restore ever deletes an original.
func TestRestoreNeverDeletesForRecompressed(t *testing.T) {
	// killed is a worker that is killed before or behind its request n; n counts down.
	killed := func(u *undo, name string, n *int, behind bool) Store {
		return u.server.Client(name, func(_ context.Context, _ model.Call, apply func() model.Answer) model.Answer {
			if *n--; *n == 0 && behind {
				apply()
			}
			if *n <= 0 {
				return model.Answer{Err: errLost}
			}
			return apply()
		})
	}
	for _, who := range []string{"compact", "restore"} {
		for n := 1; ; n++ {
			over := false
			for _, behind := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) {
					u := newUndo(t, false)
					when := fmt.Sprintf("%s killed at request %d, behind it: %t", who, n, behind)
					left := n
					u.server.Watch(func(e model.Event) {
						u.ledger.See(e)
						u.see(e)
						if _, original := u.originals[e.Key]; original && e.After == nil && e.Client != "compact" {
							t.Errorf("%s: %s deleted %s", when, e.Client, e.Key)
						}
					})
					if who == "compact" {
						for i := range 4 {
							u.put(fmt.Sprintf("app/log-%03d.json.gz", i), gz(record("app/", i, 1)))
						}
						o := u.options()
						o.Recompress, o.AcceptContentOnly = 6, true
						_ = u.compact(killed(u, "compact", &left, behind), o)
					} else {
						u.stopRecompression(0)
						for left > 0 && !over {
							err := u.restore(killed(u, "restore", &left, behind))
							over = err == nil && left > 0
							time.Sleep(20 * time.Minute)
						}
					}
					over = over || left > 0
					gone := 0
					for key := range u.originals {
						if u.server.Current(undoBucket, key) == nil {
							gone++
						}
					}
					if gone == 0 {
						if u.head != nil { // else only an upload may be left, which a sweep removes
							u.finish(when, nil)
							u.checkOriginals(when)
						}
						return
					}
					if who == "restore" {
						t.Fatalf("%s: %d originals are gone", when, gone)
					}
					for range 2 {
						err := u.restore(u.server.Client("again", nil))
						if err != nil && !errors.Is(err, errHalfDeleted) {
							t.Errorf("%s: the restore says %v", when, err)
						}
						time.Sleep(20 * time.Minute)
					}
				})
			}
			if over || t.Failed() {
				break
			}
		}
	}
}

// TestFinishingARecompressionIsTold: whoever finishes it without the word that it
// was begun with reads what is deleted.
func TestFinishingARecompressionIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, accept := range []bool{false, true} {
			u := newUndo(t, false)
			u.stopRecompression(0)
			var told bytes.Buffer
			o := u.options()
			o.Log = slog.New(slog.NewTextHandler(&told, nil))
			if o.AcceptContentOnly = accept; accept {
				o.Recompress = 6
			}
			u.must(u.compact(u.server.Client("compact", nil), o))
			if strings.Contains(told.String(), "only the content is kept") == accept {
				t.Errorf("accepted: %t, told %s", accept, told.String())
			}
		}
	})
}
