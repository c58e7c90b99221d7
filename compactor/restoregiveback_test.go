package compactor

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test/model"
)

// TestGiveBackDeletesNothingForRecompressed: the originals beside a recompressed
// output were not put there by a restore, and their bytes are nowhere else. A
// restore that gives the output up deletes none of them, nor does a run behind it
// that nobody has told that the content is enough.
func TestGiveBackDeletesNothingForRecompressed(t *testing.T) {
	key := func(i int) string { return fmt.Sprintf("app/log-%03d.json.gz", i) }
	text := func(i int) []byte { return gz(record("app/", i, 1)) }
	for name, begin := range map[string]func(*undo){
		"the application has put them there again": func(u *undo) {
			for i := range 4 {
				u.put(key(i), text(i))
			}
			o := u.options()
			o.Recompress, o.AcceptContentOnly = 6, true
			u.must(u.compact(u.server.Client("compact", nil), o))
			for i := range 4 {
				u.put(key(i), text(i))
			}
		},
		"they were never deleted": func(u *undo) { u.stopRecompression(0) },
	} {
		remove := func(u *undo) {
			u.must(u.app.Delete(context.Background(), undoBucket, key(0), ""))
			delete(u.originals, key(0))
		}
		for thwarting, what := range map[string]struct {
			thwart  func(*undo)
			late    bool // it is put behind the entry that gives back: then the restore takes the output apart after all
			outputs int
		}{
			"one is gone":                {remove, false, 1},
			"one is gone and comes back": {remove, true, 0},
			"one is replaced":            {func(u *undo) { u.put(key(0), gz(record("app/", 777, 1))) }, false, 1},
		} {
			t.Run(name+", "+thwarting, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					u := newUndo(t, false)
					begin(u)
					done := false
					wire := func(_ context.Context, c model.Call, apply func() model.Answer) model.Answer {
						a := apply()
						switch {
						case c.Op != "put" || u.head == nil:
						case u.head.Kind == receipt.Restore && !done:
							done = true
							what.thwart(u)
						case u.head.Kind == receipt.Commit && what.late && u.originals[key(0)] == "":
							u.put(key(0), text(0))
						}
						return a
					}
					u.finish(name, wire)
					if !done || u.outputs() != what.outputs {
						t.Fatalf("%d outputs, want %d", u.outputs(), what.outputs)
					}
					for range 2 {
						for key, body := range u.originals {
							if v := u.server.Current(undoBucket, key); v == nil || string(v.Body) != body {
								t.Errorf("%s is gone", key)
							}
						}
						if what.late { // what is restored is compacted as anything else
							return
						}
						time.Sleep(time.Hour)
						o := u.options()
						o.DeleteKept = true
						if err := u.compact(u.server.Client("compact", nil), o); err != nil && !errors.Is(err, ErrUsage) && !errors.Is(err, s3store.ErrNotFound) {
							t.Fatal(err)
						}
					}
				})
			})
		}
	}
}

// TestGiveBackNeedsETags: where the endpoint answers a PUT without an ETag, what is
// given back is deleted on the one that a HEAD tells, not whatever it is by then.
func TestGiveBackNeedsETags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUndo(t, false)
		undoWorlds["compacted"](u)
		const taken, replaced = "app/log-000.json.gz", "app/log-001.json.gz"
		wire := func(_ context.Context, c model.Call, apply func() model.Answer) model.Answer {
			a := apply()
			switch {
			case c.Op != "put" || u.head == nil:
			case c.Key == replaced:
				a.Info.ETag = ""
			case u.head.Kind == receipt.Restore && u.server.Current(undoBucket, taken) == nil:
				u.put(taken, gz(record("app/", 777, 1)))
			case u.head.Kind == receipt.Commit:
				u.put(replaced, gz(record("app/", 778, 1)))
			}
			return a
		}
		u.finish("give back", wire)
		for _, key := range []string{taken, replaced} {
			if v := u.server.Current(undoBucket, key); v == nil || string(v.Body) != u.originals[key] {
				t.Errorf("what the application wrote to %s is gone", key)
			}
		}
		if wrong := append(u.ledger.Violations(), u.ledger.Settle(1)...); len(wrong) > 0 {
			t.Error(wrong)
		}
	})
	g := &group{r: &run{o: &Options{Bucket: "b"}}}
	if _, err := g.deletePending(t.Context(), nil, "b", []s3store.KeyETag{{Key: "k"}}, nil); err == nil {
		t.Error("a delete without an ETag is sent")
	}
}
