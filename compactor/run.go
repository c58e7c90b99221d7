package compactor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

// run is one compaction of many groups.
type run struct {
	o         *Options
	store     Store
	st        *state
	outBucket string
	outPrefix string // before the members' shared directory; "" beside them
	budget    *budget
	crew      *crew
	reader    *reader
	enforces  enforcement
	// readsCopies: the endpoint copies no parts, so that outputs are read and sent to be compacted again.
	readsCopies atomic.Bool
	forbidden   *groupRefusal // why no group may be compacted: what is committed is finished all the same

	mu      sync.Mutex // guards what follows
	summary Summary
}

// Run compacts the groups (prefixes, with their closing slash). The summary is
// right also when there is an error: it says what was done. Errors of single
// groups do not stop the others and come joined. A run that is told to stop
// finishes what is committed, within drainTime, and returns the cause.
//
// Memory: Options.MemoryBytes for bodies and parts, and about 2 KB a member of
// the groups at work for listings and receipts.
func Run(ctx context.Context, s Store, o Options, groups []string) (Summary, error) {
	ctx, ended := withDrain(ctx)
	defer ended()
	o.setDefaults()
	if err := o.Selection.Validate(); err != nil {
		return Summary{}, fmt.Errorf("selection: %w: %w", err, ErrUsage)
	}
	if o.Dest != nil && hidden(o.Dest.Key) {
		return Summary{}, fmt.Errorf("dest %s: query engines skip what lies below a segment that begins with _ or a dot, so the joined records would be gone for them: %w", o.Dest, ErrUsage)
	}
	if err := o.checkForm(); err != nil {
		return Summary{}, err
	}
	r := &run{o: &o, store: s, outBucket: o.Bucket, budget: newBudget(o.MemoryBytes, o.Concurrency), crew: newCrew()}
	defer r.crew.dismiss()
	if o.Dest != nil {
		r.outBucket, r.outPrefix = o.Dest.Bucket, o.Dest.Key
	}
	r.reader = newReader(s, o.Bucket, o.Content, r.budget)
	r.reader.single, r.reader.plainText = o.Single, o.PlainText
	r.summary.Groups = int64(len(groups))
	if len(groups) == 0 {
		return r.summary, nil
	}
	if err := r.prepare(ctx); err != nil {
		return r.summary, err
	}
	groups, err := r.inTurn(ctx, groups)
	if err == nil {
		err = r.all(ctx, groups)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.summary, err
}

// inTurn is the groups in the order in which they are worked on. A run that ends at a
// time begins with those that have no log: else one that is always stopped while it
// looks at what is done would never reach them.
func (r *run) inTurn(ctx context.Context, groups []string) ([]string, error) {
	if _, ends := ctx.Deadline(); !ends {
		return groups, nil
	}
	begun, err := r.st.begun(ctx)
	if err != nil {
		return nil, err
	}
	var first, later []string
	for _, g := range groups {
		if begun[receipt.GID(r.st.id, g)] {
			later = append(later, g)
		} else {
			first = append(first, g)
		}
	}
	return append(first, later...), nil
}

// prepare asks the endpoint what it enforces, opens the state, and reads what
// in the buckets' settings forbids new attempts.
func (r *run) prepare(ctx context.Context) (err error) {
	if err := CheckState(r.o.State); err != nil {
		return err
	}
	for _, b := range []string{r.o.Bucket, r.o.State.Bucket, r.outBucket} {
		if err := CheckBucket(b); err != nil {
			return err
		}
	}
	if r.enforces, err = r.canary(ctx); err != nil {
		return err
	}
	if r.st, err = openState(ctx, r.store, r.o); err != nil {
		return err
	}
	if r.forbidden, err = r.bucketRefusal(ctx); err != nil {
		return err
	}
	if r.o.Opened != nil {
		return r.o.Opened(ctx)
	}
	return nil
}

// maxToldErrors bounds the groups whose errors a run returns; every error is logged.
const maxToldErrors = 5

// all works on the groups side by side.
func (r *run) all(ctx context.Context, groups []string) error {
	eg := &errgroup.Group{}
	eg.SetLimit(r.o.GroupsAtOnce)
	var mu sync.Mutex
	var failed []error
	failures := 0
	for _, prefix := range groups {
		if ctx.Err() != nil {
			break
		}
		eg.Go(func() error {
			g := &group{r: r, prefix: prefix}
			err := g.process(g.spent.begin(ctx))
			r.ignore(g.ignored, g.young)
			if err == nil {
				if !g.whole {
					r.groupDone()
				}
				return nil
			}
			if ctx.Err() != nil {
				return nil // told to stop: the cause is told below, once
			}
			mu.Lock()
			defer mu.Unlock()
			if failures++; failures <= maxToldErrors {
				failed = append(failed, err)
			}
			r.o.Log.Error("a group could not be finished; the others go on", "group", prefix, "error", err)
			return nil
		})
	}
	_ = eg.Wait() // the tasks keep their errors in failed
	if failures > len(failed) {
		failed = append(failed, fmt.Errorf("and %d more groups, which the log names", failures-len(failed)))
	}
	if ctx.Err() != nil {
		failed = append(failed, context.Cause(ctx))
	}
	return errors.Join(failed...)
}

// KnownGroups lists the groups under a prefix that have a log but are not
// among those given: a run by prefix finishes and reports them too.
// A state that does not exist yet knows none.
func KnownGroups(ctx context.Context, s Store, o Options, under string, given []string) ([]string, error) {
	o.setDefaults()
	layout, number, err := readLayout(ctx, s, o.State)
	if err != nil {
		return nil, ignoreNotFound(err)
	}
	st := newState(s, &o, layout, number)
	have := map[string]bool{}
	for _, g := range given {
		have[receipt.GID(layout.StateID, g)] = true
	}
	ids, err := st.groupIDs(ctx)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var more []string
	eg, ectx := errgroup.WithContext(ctx)
	eg.SetLimit(o.Concurrency)
	for _, gid := range ids {
		if have[gid] {
			continue
		}
		eg.Go(func() error {
			group, err := st.groupOf(ectx, gid)
			if errors.Is(err, receipt.ErrFormat) || errors.Is(err, s3store.ErrNotFound) {
				o.Log.Error("a log can't be read, so the group that it belongs to is not known; restore its first entry", "log", s3store.Location{Bucket: o.State.Bucket, Key: receipt.LogPrefix(o.State.Key, gid)}.String(), "error", err)
				return nil
			}
			if err != nil {
				return err
			}
			if strings.HasPrefix(group, under) {
				mu.Lock()
				defer mu.Unlock()
				more = append(more, group)
			}
			return nil
		})
	}
	if err := eg.Wait(); err != nil {
		return nil, err
	}
	slices.Sort(more)
	return more, ctx.Err()
}

func (r *run) refuse(x Refused) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.summary.ObjectsRefused++
	r.o.OnRefused(x)
}

func (r *run) count(e *receipt.Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.summary.Outputs += int64(len(e.Outputs))
	for i := range e.Members {
		if m := &e.Members[i]; m.Absorbed() {
			r.summary.OutputsAbsorbed++
		} else {
			r.summary.ObjectsIn++
			r.summary.BytesIn += m.Size
		}
	}
	for _, o := range e.Outputs {
		r.summary.BytesOut += o.Size
		r.o.OnOutput(Joined{Bucket: o.Bucket, Key: o.Key, Bytes: o.Size, Members: o.Members, CRC64: o.CRC64, Gzip: o.Gzip})
	}
}

func (r *run) deleted(c receipt.Counts) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.summary.ObjectsDeleted += c.ObjectsDeleted
}

func (r *run) ignore(n, young int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.summary.ObjectsIgnored += n
	r.summary.ObjectsTooYoung += young
}

func (r *run) groupDone() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.summary.GroupsDone++
}
