package compactor

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/s3compact/s3compact/internal/s3test/model"
)

// giveBackKept keeps four originals, and lets a restore give back: what thwarts
// it happens after its entry was written.
func (u *undo) giveBackKept(o Options, thwart func()) (refused map[string]string) {
	u.t.Helper()
	for i := range 4 {
		u.put(keptKey(i), gz(record("app/", i, 1)))
	}
	o.Keep = true
	u.must(u.compact(u.server.Client("compact", nil), o))
	refused = map[string]string{}
	restore := func() error {
		o := u.restoreOptions()
		o.OnRefused = func(r Refused) { refused[r.Key] = r.Reason }
		_, err := Restore(context.Background(), u.server.Client("restore", func(_ context.Context, c model.Call, apply func() model.Answer) model.Answer {
			a := apply()
			if thwart != nil && c.Op == "put" && u.head.Kind == "restore" {
				thwart()
				thwart = nil
			}
			return a
		}), o)
		return err
	}
	u.must(restore())
	return refused
}

func keptKey(i int) string { return "app/log-00" + string(rune('0'+i)) + ".json.gz" }

// TestKeptAfterAGiveBack: an original that two entries with keep name is counted,
// and deleted, once.
func TestKeptAfterAGiveBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUndo(t, false)
		u.giveBackKept(u.options(), func() { u.put(keptKey(0), gz(record("app/", 777, 1))) })
		if len(u.head.Kept) != 2 {
			t.Fatalf("the log keeps %v: nothing to test", u.head.Kept)
		}
		status := func() (kept int64) {
			_, err := Status(t.Context(), u.server.Client("status", nil), u.options(), func(g *GroupStatus) { kept += g.Kept })
			u.must(err)
			return kept
		}
		if n := status(); n != 4 {
			t.Errorf("status counts %d originals that were kept, not 4", n)
		}
		o := u.options()
		o.DeleteKept, o.Selection.MinObjects = true, 100
		var named []string
		sum, err := Run(t.Context(), u.server.Client("compact", func(_ context.Context, c model.Call, apply func() model.Answer) model.Answer {
			if c.Op == "deletes" {
				for _, k := range c.Keys {
					named = append(named, k.Key)
				}
			}
			return apply()
		}), o, []string{"app/"})
		u.must(err)
		named = slices.DeleteFunc(named, hidden)
		if want := []string{keptKey(1), keptKey(2), keptKey(3)}; sum.ObjectsDeleted != 3 || !slices.Equal(named, want) {
			t.Errorf("%+v, asked to delete %v", sum, named)
		}
		if n := status(); n != 0 {
			t.Errorf("status counts %d originals that were kept, not 0", n)
		}
	})
}

// TestGiveBackOfRecompressed: that an original went away is told as what it is.
func TestGiveBackOfRecompressed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUndo(t, false)
		o := u.options()
		o.Recompress = 6
		refused := u.giveBackKept(o, func() { u.must(u.app.Delete(t.Context(), undoBucket, keptKey(0), "")) })
		if len(refused) != 1 || refused[keptKey(0)] != reasonRecompressed || u.outputs() != 1 {
			t.Errorf("refused %v", refused)
		}
		time.Sleep(20 * time.Minute)
		for i := 1; i < 4; i++ {
			if u.server.Current(undoBucket, keptKey(i)) == nil {
				t.Errorf("%s is gone", keptKey(i))
			}
		}
	})
}
