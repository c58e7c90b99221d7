package compactor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/inventory"
)

// RestoreOptions say which originals are wanted. Of Options a restore uses
// State, Concurrency, MemoryBytes, AssumeAlone, ReadBack, Tool, Log, Progress,
// SettleAfter and PartBytes; bucket, grouping and dest are those of the state.
type RestoreOptions struct {
	Options
	Under string   // the outputs that hold an original whose key begins so; "": all
	Keys  []string // instead: the outputs that hold one of these originals

	// The following are called from one goroutine at a time and may be nil.
	OnGroup    func(RestorePreview) // a group was looked at
	OnRestored func(Restored)       // an output was taken apart, or originals of it were copied
	OnWaiting  func(Waiting)        // entries have to settle
}

// Restored is an output that was taken apart: its originals are under their
// keys, and it is deleted. Of a copy: the output that the originals were read from.
type Restored struct {
	Bucket, Key string
	Bytes       int64 // of the output
	Originals   int
}

// Waiting is what a restore waits for. It is told every second, the last time
// with nothing left.
type Waiting struct {
	Left   time.Duration // until the first goes on
	Groups int           // that wait
}

// RestoreSummary is what a restore did.
type RestoreSummary struct {
	Groups          int64 `json:"groups"`      // that hold something wanted
	GroupsDone      int64 `json:"groups_done"` // of those
	Outputs         int64 `json:"outputs"`     // taken apart and deleted; of copies, read
	ObjectsRestored int64 `json:"objects_restored"`
	ObjectsThere    int64 `json:"objects_there"` // were there already
	ObjectsRefused  int64 `json:"objects_refused"`
	Bytes           int64 `json:"bytes"` // written
}

// Restore puts originals back byte for byte under their keys, with what they
// carried beside their bytes, and then deletes the outputs that held them. The
// unit is an output: all of its originals come back, or none. Nothing is
// overwritten: an output stays where something newer is under the key of one of
// its originals, which is told as a refusal.
//
// Each output is announced in the log of its group first, and what was
// announced has to settle for 17 minutes by the server's clock, in all groups
// together; Options.AssumeAlone skips that. A restore that was stopped or killed
// goes on when it, or a compaction, is started again.
//
// The summary is right also when there is an error. Memory: Options.MemoryBytes
// for bodies, and for each of GroupsAtOnce groups about 1 KB an original of one
// output and 100 bytes an original of maxRestored.
func Restore(ctx context.Context, s Store, o RestoreOptions) (RestoreSummary, error) {
	ctx, ended := withDrain(ctx)
	defer ended()
	x, err := openRestore(ctx, s, &o)
	if err != nil {
		return RestoreSummary{}, err
	}
	groups, err := x.groups(ctx)
	if err != nil || len(groups) == 0 {
		return x.summary, err
	}
	if err := x.prepare(ctx); err != nil {
		return x.summary, err
	}
	err = x.all(ctx, groups)
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.summary, err
}

// restorer is one restore of many groups.
type restorer struct {
	o      *RestoreOptions
	store  Store
	layout receipt.Layout
	st     *state
	keys   map[string]bool
	runs   map[string]*run // by grouping

	mu      sync.Mutex // guards what follows
	summary RestoreSummary
	missing map[string]bool // of the keys asked for, those that were not found yet
}

// openRestore reads the state, which has to exist.
func openRestore(ctx context.Context, s Store, o *RestoreOptions) (*restorer, error) {
	o.setDefaults()
	if o.OnGroup == nil {
		o.OnGroup = func(RestorePreview) {}
	}
	if o.OnRestored == nil {
		o.OnRestored = func(Restored) {}
	}
	if o.OnWaiting == nil {
		o.OnWaiting = func(Waiting) {}
	}
	layout, number, err := readLayout(ctx, s, o.State)
	if err != nil {
		return nil, fmt.Errorf("is %s the state of a compaction? %w", o.State, err)
	}
	if o.Bucket != "" && o.Bucket != layout.Bucket {
		return nil, fmt.Errorf("state %s belongs to bucket %s, not %s: %w", o.State, layout.Bucket, o.Bucket, ErrUsage)
	}
	o.Bucket, o.Dest = layout.Bucket, nil
	if layout.Dest != "" {
		dest, err := s3store.ParseLocation(layout.Dest)
		if err != nil {
			return nil, fmt.Errorf("state %s: %w", o.State, err)
		}
		o.Dest = &dest
	}
	x := &restorer{o: o, store: s, layout: layout, st: newState(s, &o.Options, layout, number), keys: map[string]bool{}, runs: map[string]*run{}, missing: map[string]bool{}}
	for _, k := range o.Keys {
		x.keys[k], x.missing[k] = true, true
	}
	budget := newBudget(o.MemoryBytes, o.Concurrency)
	for _, name := range layout.Groupings {
		if x.runs[name] != nil {
			continue
		}
		own := o.Options
		if own.Selection.GroupBy, err = inventory.ParseGrouping(name); err != nil {
			return nil, fmt.Errorf("state %s: %w", o.State, err)
		}
		own.OnRefused = x.refused
		r := &run{o: &own, store: s, st: x.st, outBucket: o.Bucket, budget: budget}
		if o.Dest != nil {
			r.outBucket, r.outPrefix = o.Dest.Bucket, o.Dest.Key
		}
		x.runs[name] = r
	}
	return x, nil
}

// prepare sees that this state is the one that compacts the bucket, and asks
// the endpoint what it enforces.
func (x *restorer) prepare(ctx context.Context) error {
	if err := x.notClosed(); err != nil {
		return err
	}
	if err := CheckState(x.o.State); err != nil {
		return err
	}
	if err := x.st.claim(ctx, x.o.Bucket); err != nil {
		return err
	}
	var enforces *enforcement
	for _, r := range x.runs {
		if enforces == nil {
			e, err := r.canary(ctx)
			if err != nil {
				return err
			}
			if err := r.overMarker(ctx); err != nil {
				return err
			}
			enforces = &e
			x.o.ReadBack = r.o.ReadBack // set where the endpoint stores no checksums
		}
		r.enforces, r.o.ReadBack = *enforces, x.o.ReadBack
	}
	return nil
}

func (x *restorer) notClosed() error {
	if x.layout.Closed {
		return fmt.Errorf("state %s is closed: take copies of the originals with restore --to: %w", x.o.State, ErrUsage)
	}
	return nil
}

// runOf is the run of the grouping that a group or key belongs to: that of the
// longest prefix of the layout. It is nil for a key that no prefix covers.
func (x *restorer) runOf(key string) *run {
	best, name := -1, ""
	for prefix, grouping := range x.layout.Groupings {
		if strings.HasPrefix(key, prefix) && len(prefix) > best {
			best, name = len(prefix), grouping
		}
	}
	return x.runs[name]
}

// wants says whether one of the originals is wanted.
func (x *restorer) wants(key string) bool {
	if len(x.keys) > 0 {
		return x.keys[key]
	}
	return strings.HasPrefix(key, x.o.Under)
}

// found notes that an output holds an original of this key.
func (x *restorer) found(key string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.missing, key)
}

// notFound is an error where no output holds an original of a key that was
// asked for. The caller holds mu.
func (x *restorer) notFound() error {
	if len(x.missing) == 0 {
		return nil
	}
	more := ""
	if n := len(x.missing) - 1; n > 0 {
		more = fmt.Sprintf(" (nor of %d more that were asked for)", n)
	}
	return fmt.Errorf("no output holds an original of the key %q%s; an original that is back is in no output any more: %w", sortedKeys(x.missing)[0], more, s3store.ErrNotFound)
}

// groups are those with a log that may hold something wanted, in order.
func (x *restorer) groups(ctx context.Context) ([]string, error) {
	if len(x.keys) > 0 {
		var all []string
		for key := range x.keys {
			if r := x.runOf(key); r != nil {
				all = append(all, r.o.Selection.GroupBy.Group(key))
			}
		}
		slices.Sort(all)
		return slices.Compact(all), nil
	}
	known, err := KnownGroups(ctx, x.store, x.o.Options, "", nil)
	if err != nil {
		return nil, err
	}
	known = slices.DeleteFunc(known, func(g string) bool {
		return !strings.HasPrefix(g, x.o.Under) && !strings.HasPrefix(x.o.Under, g) || x.runOf(g) == nil
	})
	if len(known) == 0 && x.o.Under != "" {
		return nil, fmt.Errorf("the state %s has no group under s3://%s/%s, look how the prefix is spelt: %w", x.o.State, x.o.Bucket, x.o.Under, ErrUsage)
	}
	return known, nil
}

// all goes through the groups side by side, each as far as it can without
// waiting, then waits for those that have to, until all are done.
func (x *restorer) all(ctx context.Context, groups []string) error {
	var failed []error
	pending := make([]*restoring, len(groups))
	for i, prefix := range groups {
		pending[i] = x.restoring(prefix)
	}
	for len(pending) > 0 {
		waiting, left, errs := x.pass(ctx, pending)
		failed = append(failed, errs...)
		if ctx.Err() != nil {
			break
		}
		if pending = waiting; len(pending) > 0 {
			if err := x.wait(ctx, left, len(pending)); err != nil {
				break
			}
		}
	}
	if n := len(failed); n > maxToldErrors {
		failed = append(failed[:maxToldErrors], fmt.Errorf("and %d more groups, which the log names", n-maxToldErrors))
	}
	if ctx.Err() != nil {
		failed = append(failed, context.Cause(ctx))
	}
	return errors.Join(failed...)
}

// pass lets each group advance. It returns those that wait, and for how long
// the first of them does.
func (x *restorer) pass(ctx context.Context, groups []*restoring) (waiting []*restoring, left time.Duration, failed []error) {
	eg := &errgroup.Group{}
	eg.SetLimit(x.o.GroupsAtOnce)
	var mu sync.Mutex
	for _, g := range groups {
		if ctx.Err() != nil {
			break
		}
		eg.Go(func() error {
			wait, err := g.advance(ctx)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, ErrWaiting):
				if waiting = append(waiting, g); len(waiting) == 1 || wait < left {
					left = wait
				}
			case err != nil && ctx.Err() == nil:
				failed = append(failed, err)
				x.o.Log.Error("a group could not be restored; the others go on", "group", g.prefix, "error", err)
			case err == nil:
				x.finished(g)
			}
			return nil
		})
	}
	_ = eg.Wait() // the tasks keep their errors
	return waiting, left, failed
}

// tellEvery is how often a waiting restore says how long it still waits.
const tellEvery = time.Second

// wait waits, at least a little while, and tells how long it still does.
func (x *restorer) wait(ctx context.Context, d time.Duration, groups int) error {
	for end := time.Now().Add(max(d, 50*time.Millisecond)); ; {
		left := time.Until(end)
		x.o.OnWaiting(Waiting{Left: max(left, 0), Groups: groups})
		if left <= 0 {
			return nil
		}
		t := time.NewTimer(min(left, tellEvery))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return context.Cause(ctx)
		}
	}
}

// stopsRestore says whether a refusal is of a restore.
func stopsRestore(reason string) bool {
	switch reason {
	case reasonTaken, reasonName, reasonRecompressed, "foreign":
		return true
	}
	return false
}

// refused tells what stands in the way of a restore. What a compaction left as
// it is, is no matter here.
func (x *restorer) refused(r Refused) {
	if !stopsRestore(r.Reason) {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.summary.ObjectsRefused++
	x.o.OnRefused(r)
}

// finished counts a group of which all that is wanted was done.
func (x *restorer) finished(g *restoring) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if g.wanted {
		x.summary.GroupsDone++
	}
}

// begun counts a group that holds something wanted.
func (x *restorer) begun(g *restoring) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !g.wanted {
		g.wanted = true
		x.summary.Groups++
	}
}

// tell counts what a restore entry's carrying out did, also where it did not come to its end.
func (x *restorer) tell(d restored) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.summary.Outputs += int64(len(d.outputs))
	x.summary.ObjectsRestored += d.written
	x.summary.ObjectsThere += d.there
	x.summary.Bytes += d.bytes
	for i, o := range d.outputs {
		x.o.OnRestored(Restored{Bucket: o.Bucket, Key: o.Key, Bytes: o.Size, Originals: d.members[i]})
	}
}
