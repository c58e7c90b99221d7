package compactor

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test/model"
	"github.com/s3compact/s3compact/inventory"
	"github.com/s3compact/s3compact/validate"
)

// TestARunStopsInTime: whatever request a run is told to stop at, and though
// no request is answered from then on, it is over within 20 seconds.
func TestARunStopsInTime(t *testing.T) {
	errStop := errors.New("told to stop")
	// run compacts a bucket of a few groups; from its n-th request on nothing is
	// answered, and it is told to stop there. It returns the number of requests
	// before that, and the time that the run then took.
	run := func(t *testing.T, n int) (sent int, took time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			var mu sync.Mutex
			var stopped time.Time
			server := model.New(model.Options{}, "b")
			fill := server.Client("application", nil)
			for g := range 2 {
				for i := range 12 {
					var body bytes.Buffer
					zw := gzip.NewWriter(&body)
					fmt.Fprintf(zw, "{\"group\":%d,\"n\":%d}", g, i) // no newline at the end
					if err := zw.Close(); err != nil {
						t.Fatal(err)
					}
					if _, err := fill.Put(ctx, "b", fmt.Sprintf("p%d/%02d.json.gz", g, i), body.Bytes(), s3store.PutOptions{}); err != nil {
						t.Fatal(err)
					}
				}
			}
			time.Sleep(2 * time.Hour)
			worker := server.Client("worker", func(ctx context.Context, _ model.Call, apply func() model.Answer) model.Answer {
				mu.Lock()
				sent++
				hang := n > 0 && sent >= n
				if hang && stopped.IsZero() {
					stopped = time.Now()
					cancel(errStop)
				}
				mu.Unlock()
				if hang {
					<-ctx.Done()
					return model.Answer{Err: ctx.Err()}
				}
				return apply()
			})
			o := Options{
				Bucket: "b", State: DefaultState("b"), Content: validate.ContentNDJSON, MinAge: time.Hour, Concurrency: 8,
				Selection: inventory.Selection{GroupBy: inventory.Grouping{}, SmallSizeBytes: 64 << 20, MinObjects: 8, Match: "*.gz", TargetSizeBytes: 1 << 30},
			}
			_, err := Run(ctx, worker, o, []string{"p0/", "p1/"})
			if n == 0 {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			took = time.Since(stopped)
			if !errors.Is(err, errStop) && !errors.Is(err, context.Canceled) {
				t.Errorf("told to stop at request %d: %v", n, err)
			}
		})
		return sent, took
	}
	all, _ := run(t, 0)
	if all < 60 {
		t.Fatalf("a whole run sends only %d requests", all)
	}
	drained := 0
	for n := 1; n <= all-10; n++ { // how many there are differs by a few: groups are worked on side by side
		_, took := run(t, n)
		if took > 20*time.Second {
			t.Errorf("told to stop at request %d of %d, the run was over after %s", n, all, took)
		}
		if took >= drainTime {
			drained++
		}
	}
	if drained == 0 {
		t.Error("no stop fell into what is drained")
	}
}
