package compactor

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/s3compact/s3compact/internal/s3test/model"
)

// TestRestoreTellsOfWhatWasChanged: an original that was replaced while it was
// compacted stands in the way of a restore, which says so.
func TestRestoreTellsOfWhatWasChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUndo(t, false)
		for i := range 4 {
			u.put(keptKey(i), gz(record("app/", i, 1)))
		}
		u.must(u.compact(u.server.Client("compact", func(_ context.Context, c model.Call, apply func() model.Answer) model.Answer {
			if c.Op == "deletes" && len(c.Keys) == 4 {
				u.put(keptKey(2), gz(record("app/", 777, 1)))
			}
			return apply()
		}), u.options()))
		if len(u.head.Changed) != 1 {
			t.Fatalf("nothing was changed: %+v", u.head)
		}
		time.Sleep(20 * time.Minute)
		refused := map[string]string{}
		o := u.restoreOptions()
		o.OnRefused = func(r Refused) { refused[r.Key] = r.Reason }
		sum, err := Restore(context.Background(), u.server.Client("restore", nil), o)
		u.must(err)
		if sum.ObjectsRefused != 1 || len(refused) != 1 || refused[keptKey(2)] != reasonTaken || u.outputs() != 1 {
			t.Errorf("%+v, refused %v", sum, refused)
		}
	})
}
