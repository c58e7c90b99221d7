package compactor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test/model"
)

// TestRestoreWaitsForTheOneBefore: where one has just ended, a paused worker may
// still put back; the next one announces nothing before that has run out, which
// the scene's oracle watches.
func TestRestoreWaitsForTheOneBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := worlds()
		s := newScene(all[slices.IndexFunc(all, func(w *world) bool { return w.name == "depth" })], 1)
		s.begin()
		s.play(s.worker(1))
		c := s.server.Client("restore", nil)
		for _, key := range []string{"app/p=0/log-000.json.gz", "app/p=1/log-000.json.gz"} {
			if _, err := Restore(context.Background(), c, RestoreOptions{Options: s.options(), Keys: []string{key}}); err != nil {
				t.Fatal(err)
			}
		}
		var kinds []receipt.Kind
		for _, log := range s.oracle.logs {
			for _, e := range log {
				kinds = append(kinds, e.Kind)
			}
		}
		if want := []receipt.Kind{receipt.Commit, receipt.Done, receipt.Restore, receipt.Done, receipt.Restore, receipt.Done}; !slices.Equal(kinds, want) {
			t.Errorf("the log is %v, want %v", kinds, want)
		}
		if wrong := s.wrong(); len(wrong) > 0 {
			t.Error(strings.Join(wrong, "\n"))
		}
	})
}

// TestAcceptLossKeepsAbsorbedOutputs: where an output that absorbed others is
// gone, those of them that are there stay in the log.
func TestAcceptLossKeepsAbsorbedOutputs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := worlds()
		s := newScene(all[slices.IndexFunc(all, func(w *world) bool { return w.name == "copied" })], 1)
		s.begin()
		outputs := func() (keys []string) {
			for _, key := range s.server.Keys(dataBucket) {
				if isOutput(key) {
					keys = append(keys, key)
				}
			}
			return keys
		}
		first := outputs()
		s.died("deletes", "output", func(f *strike) model.Answer { f.k.kill(); return model.Answer{Err: errKilled} })
		if len(first) != 1 || len(outputs()) != 3 {
			t.Fatalf("outputs %v, then %v", first, outputs())
		}
		ctx := context.Background()
		remove := func(key string) {
			if err := s.app.Delete(ctx, dataBucket, key, ""); err != nil {
				t.Fatal(err)
			}
		}
		head := func() *receipt.Entry {
			var e *receipt.Entry
			for _, key := range s.server.Keys(dataBucket) {
				if isEntry(key) {
					r, _, err := s.app.Get(ctx, dataBucket, key, s3store.GetOptions{})
					if err == nil {
						e, err = receipt.Decode(r)
					}
					if err != nil {
						t.Fatal(err)
					}
				}
			}
			return e
		}
		remove(head().Outputs[0].Key)
		remove(first[0])
		stays := outputs()
		o := s.options()
		o.AcceptLoss = true
		if _, err := Run(ctx, s.server.Client("worker", nil), o, s.w.groups); err != nil {
			t.Fatal(err)
		}
		live := fmt.Sprint(head().Live)
		if len(stays) != 1 || !strings.Contains(live, stays[0]) || strings.Contains(live, first[0]) {
			t.Errorf("live are %s, want %v", live, stays)
		}
	})
}

// TestRestoreOfKeptAndOthers: outputs whose originals were kept are taken apart
// by an entry of their own. In one with others, what is put back of those would
// have to stay where something newer is met, and its records would be there twice.
func TestRestoreOfKeptAndOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := worlds()
		s := newScene(all[slices.IndexFunc(all, func(w *world) bool { return w.name == "plain" })], 1)
		s.begin()
		keptBefore(s)
		compactedBefore(s) // what comes then is not compacted yet
		s.play(s.worker(1))
		met := false
		c := s.server.Client("restore", func(_ context.Context, c model.Call, apply func() model.Answer) model.Answer {
			if c.Op == "put" && c.Key == "app/next-000.json.gz" && !met {
				met = true
				s.appPut("app/next-001.json.gz", good("new", 1))
			}
			return apply()
		})
		o := s.options()
		o.Concurrency = 1 // in key order
		for range 2 {
			if _, err := Restore(context.Background(), c, RestoreOptions{Options: o}); err != nil && !errors.Is(err, ErrWaiting) {
				t.Fatal(err)
			}
		}
		if !met {
			t.Error("nothing was put back")
		}
		for i := range 3 {
			if r := record("app/", 200+i, 1); s.ledger.Count(r) != 1 {
				t.Errorf("record %s is there %d times", r, s.ledger.Count(r))
			}
		}
		if wrong := s.wrong(); len(wrong) > 0 {
			t.Error(strings.Join(wrong, "\n"))
		}
	})
}
