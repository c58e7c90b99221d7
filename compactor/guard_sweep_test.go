package compactor

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test/model"
)

// TestSweepTakesOnlyWhatIsLeftOver: of the uploads named like outputs, those of
// the groups asked about that are a day old and that no head needs.
func TestSweepTakesOnlyWhatIsLeftOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := worlds()
		s := newScene(all[slices.IndexFunc(all, func(w *world) bool { return w.name == "plain" })], 1)
		s.begin()
		committed(s) // its upload is open, and is needed however old it is
		needed := s.server.Uploads(dataBucket)
		gid, _, _ := receipt.ParseOutputName(needed[0])
		ctx := context.Background()
		begun := func(keys ...string) {
			for _, key := range keys {
				if _, err := s.app.CreateUpload(ctx, dataBucket, key, s3store.Attributes{}); err != nil {
					t.Fatal(err)
				}
			}
		}
		nonce := func(digit string) string { return strings.Repeat(digit, 32) }
		left := "app/" + receipt.OutputName("log", gid, nonce("1"), 1, ".json.gz")
		foreign := "app/" + receipt.OutputName("log", nonce("9"), nonce("2"), 1, ".json.gz")
		young := "app/" + receipt.OutputName("log", gid, nonce("3"), 1, ".json.gz")
		begun(left, foreign, "app/their-own.json.gz")
		time.Sleep(staleUpload + time.Second)
		begun(young)
		n, err := Sweep(ctx, s.server.Client("worker", nil), s.options(), s.w.groups)
		want := append([]string{foreign, young, "app/their-own.json.gz"}, needed...)
		slices.Sort(want)
		if got := s.server.Uploads(dataBucket); err != nil || n != 1 || !slices.Equal(got, want) {
			t.Errorf("%d were aborted, %v; left are %v, want %v", n, err, got, want)
		}
	})
}

// TestCloseAbortsOnlyItsUploads: of the state's groups, with a log or without, and
// of nobody else.
func TestCloseAbortsOnlyItsUploads(t *testing.T) {
	for _, dest := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			all := worlds()
			w := all[slices.IndexFunc(all, func(w *world) bool { return w.name == map[bool]string{false: "plain", true: "dest"}[dest] })]
			s := newScene(w, 1)
			s.begin()
			ctx := context.Background()
			s.died("put", "entry1", func(f *strike) model.Answer { f.k.kill(); return model.Answer{Err: errKilled} })
			bucket := dataBucket
			if dest {
				bucket = destBucket
			}
			if left := s.server.Uploads(bucket); len(left) != 1 {
				t.Fatalf("the dead worker left %v", left)
			}
			foreign := "joined/app/" + receipt.OutputName("log", strings.Repeat("9", 32), strings.Repeat("2", 32), 1, ".json.gz")
			for _, key := range []string{foreign, "joined/app/their-own.json.gz"} {
				if _, err := s.app.CreateUpload(ctx, bucket, key, s3store.Attributes{}); err != nil {
					t.Fatal(err)
				}
			}
			c := s.server.Client("closer", nil)
			if _, err := Close(ctx, c, s.options()); !errors.Is(err, ErrWaiting) {
				t.Fatal(err)
			}
			time.Sleep(settleTime)
			sum, err := Close(ctx, c, s.options())
			want := []string{foreign, "joined/app/their-own.json.gz"}
			if got := s.server.Uploads(bucket); err != nil || sum.UploadsAborted != 1 || !slices.Equal(got, want) {
				t.Errorf("%+v, %v; left are %v, want %v", sum, err, got, want)
			}
		})
	}
}
