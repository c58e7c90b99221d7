package compactor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/s3compact/s3compact/internal/s3test/model"
)

// TestShortDeadlinesComeToAnEnd: runs that are always stopped before they have looked
// at all groups that are done still reach those that were not begun.
func TestShortDeadlinesComeToAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUndo(t, false)
		var groups []string
		for g := range 60 {
			groups = append(groups, fmt.Sprintf("g%02d/", g))
			for i := range 2 {
				u.put(fmt.Sprintf("g%02d/%d.json.gz", g, i), gz(record(groups[g], i, 1)))
			}
		}
		o := u.options()
		_, err := Run(t.Context(), u.server.Client("first", nil), o, groups[:50])
		u.must(err)
		slow := u.server.Client("compact", func(_ context.Context, c model.Call, apply func() model.Answer) model.Answer {
			if !strings.Contains(c.Key, "canary") {
				time.Sleep(10 * time.Millisecond)
			}
			return apply()
		})
		var order []string
		for runs := 1; ; runs++ {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			sum, err := Run(ctx, slow, o, groups)
			cancel()
			order = append(order, fmt.Sprint(sum.Outputs))
			if u.outputs() == len(groups) {
				break
			}
			if !errors.Is(err, context.DeadlineExceeded) || runs == 20 {
				t.Fatalf("after %d runs, which made %v outputs, there are %d: %v", runs, order, u.outputs(), err)
			}
		}
		if sum, err := Run(t.Context(), slow, o, groups); err != nil || sum.GroupsDone != 60 || sum.Outputs != 0 {
			t.Errorf("in the end %+v, %v", sum, err)
		}
	})
}

// TestOrderOfGroups: only what must end by a time asks which groups were begun.
func TestOrderOfGroups(t *testing.T) {
	b := newBucket(t)
	all := []string{"a/", "b/", "c/", "d/"}
	for _, g := range all {
		b.fill(g, 2)
	}
	b.mustCompact(b.options(), "a/", "c/")
	for ends, want := range map[bool][]string{false: all, true: {"b/", "d/", "a/", "c/"}} {
		ctx := context.Background()
		if ends {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, time.Hour)
			defer cancel()
		}
		o := b.options()
		o.setDefaults()
		r := &run{o: &o, store: b.store}
		var err error
		if r.st, err = openState(ctx, b.store, &o); err != nil {
			t.Fatal(err)
		}
		if got, err := r.inTurn(ctx, all); err != nil || !slices.Equal(got, want) {
			t.Errorf("with a deadline %t: %v, %v", ends, got, err)
		}
	}
	if !slices.Equal(all, []string{"a/", "b/", "c/", "d/"}) {
		t.Errorf("the caller's groups are %v now", all)
	}
}
