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

var errToldToStop = errors.New("told to stop")

// stopping runs work on a bucket of two groups. From its n-th request on
// nothing is answered, and it is told to stop there; with n = 0 it runs to its
// end. It returns the number of requests and the time that the work took from then on.
func stopping(t *testing.T, n int, before, work func(context.Context, Store) error) (sent int, took time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		var mu sync.Mutex
		var stopped time.Time
		server := model.New(model.Options{}, "b")
		other := server.Client("application", nil)
		for g := range 2 {
			for i := range 12 {
				var body bytes.Buffer
				zw := gzip.NewWriter(&body)
				fmt.Fprintf(zw, "{\"group\":%d,\"n\":%d}", g, i) // no newline at the end
				if err := zw.Close(); err != nil {
					t.Fatal(err)
				}
				if _, err := other.Put(ctx, "b", fmt.Sprintf("p%d/%02d.json.gz", g, i), body.Bytes(), s3store.PutOptions{}); err != nil {
					t.Fatal(err)
				}
			}
		}
		time.Sleep(2 * time.Hour)
		if before != nil {
			if err := before(ctx, other); err != nil {
				t.Fatal(err)
			}
		}
		worker := server.Client("worker", func(ctx context.Context, _ model.Call, apply func() model.Answer) model.Answer {
			mu.Lock()
			sent++
			hang := n > 0 && sent >= n
			if hang && stopped.IsZero() {
				stopped = time.Now()
				cancel(errToldToStop)
			}
			mu.Unlock()
			if hang {
				<-ctx.Done()
				return model.Answer{Err: ctx.Err()}
			}
			return apply()
		})
		err := work(ctx, worker)
		if n == 0 {
			if err != nil {
				t.Fatal(err)
			}
			return
		}
		took = time.Since(stopped)
		if !errors.Is(err, errToldToStop) && !errors.Is(err, context.Canceled) {
			t.Errorf("told to stop at request %d: %v", n, err)
		}
	})
	return sent, took
}

// TestARunStopsInTime: whatever request it is told to stop at, and though none
// is answered from then on, it is over within 20 seconds.
func TestARunStopsInTime(t *testing.T) {
	options := Options{
		Bucket: "b", State: DefaultState("b"), Content: validate.ContentNDJSON, MinAge: time.Hour, Concurrency: 8, AssumeAlone: true,
		Selection: inventory.Selection{GroupBy: inventory.Grouping{}, SmallSizeBytes: 64 << 20, MinObjects: 8, Match: "*.gz", TargetSizeBytes: 1 << 30},
	}
	compact := func(ctx context.Context, s Store) error {
		_, err := Run(ctx, s, options, []string{"p0/", "p1/"})
		return err
	}
	for _, tt := range []struct {
		name         string
		before, work func(context.Context, Store) error
		requests     int  // at least
		drains       bool // it finishes what is begun
	}{
		{"compact", nil, compact, 60, true},
		{"restore", compact, func(ctx context.Context, s Store) error {
			_, err := Restore(ctx, s, RestoreOptions{Options: options})
			return err
		}, 40, true},
		{"close", compact, func(ctx context.Context, s Store) error {
			_, err := Close(ctx, s, options)
			return err
		}, 20, true},
		{"verify", compact, func(ctx context.Context, s Store) error {
			_, err := Verify(ctx, s, options, func(Verified) {})
			return err
		}, 8, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all, _ := stopping(t, 0, tt.before, tt.work)
			if all < tt.requests {
				t.Fatalf("undisturbed it sends only %d requests", all)
			}
			drained := false
			for n := 1; n <= all-all/10-1; n++ { // how many there are differs by a few: groups are worked on side by side
				_, took := stopping(t, n, tt.before, tt.work)
				if took > 20*time.Second {
					t.Errorf("told to stop at request %d of %d, it was over after %s", n, all, took)
				}
				drained = drained || took >= drainTime
			}
			if drained != tt.drains {
				t.Errorf("drained: %v", drained)
			}
		})
	}
}
