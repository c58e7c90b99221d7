package compactor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

// VerifySummary is what a verification found.
type VerifySummary struct {
	Groups         int64 `json:"groups"`
	GroupsOpen     int64 `json:"groups_open"` // whose last commit is not finished; its outputs are not looked at
	Outputs        int64 `json:"outputs"`     // looked at
	OutputsBad     int64 `json:"outputs_bad"`
	OutputsUnread  int64 `json:"outputs_unread"`  // that could not be read, so that nothing is known of them; none of them is bad
	OutputsSkipped int64 `json:"outputs_skipped"` // not in the sample, or compacted again or taken apart while they were to be read
	Members        int64 `json:"members"`
	Bytes          int64 `json:"bytes"` // read back
}

// Verified is the verdict on one output.
type Verified struct {
	Bucket  string
	Key     string
	Members int
	Bytes   int64
	Unread  bool  // Err says why it could not be read; it may be right
	Err     error // nil: every byte is what the receipt says
}

// groupsVerified is how many groups are verified side by side: their receipts
// are in memory, 20 MB for the largest.
const groupsVerified = 8

// Verify reads every live output of a state back and proves it against its
// receipt: its length and CRC-64/NVME, each member's CRC-64/NVME at its
// offset, and each member's gzip data down to its CRC-32 and length. It needs
// nothing but the state, and writes nothing. each is called for one output at
// a time. An error means that something could not be looked at; the other
// groups were, and bad outputs are counted. Memory: one member of at most
// holdBytes for each of Options.Concurrency outputs at work, and the receipts
// of groupsVerified groups.
func Verify(ctx context.Context, s Store, o Options, each func(Verified)) (VerifySummary, error) {
	return VerifySample(ctx, s, o, Sample{}, each)
}

// VerifySample is Verify for some of the outputs. Options.Bucket, where it is
// given, must be the one that the state compacts, else ErrUsage.
func VerifySample(ctx context.Context, s Store, o Options, sample Sample, each func(Verified)) (VerifySummary, error) {
	o.setDefaults()
	layout, number, err := readLayout(ctx, s, o.State)
	if err != nil {
		return VerifySummary{}, fmt.Errorf("is %s the state of a compaction? %w", o.State, err)
	}
	if o.Bucket != "" && o.Bucket != layout.Bucket {
		return VerifySummary{}, fmt.Errorf("state %s belongs to bucket %s, not %s: %w", o.State, layout.Bucket, o.Bucket, ErrUsage)
	}
	st := newState(s, &o, layout, number)
	ids, err := st.groupIDs(ctx)
	if err != nil {
		return VerifySummary{}, err
	}
	v := &verifier{st: st, o: &o, sample: sample, each: each, reading: semaphore.NewWeighted(int64(o.Concurrency))}
	if sample.Count > 0 {
		v.lot = &lot{size: sample.Count}
	}
	v.groups(ctx, ids, v.group)
	if v.lot != nil {
		work, left := v.lot.byGroup()
		v.sum.OutputsSkipped += left
		drawn := make([]string, 0, len(work))
		for gid := range work {
			drawn = append(drawn, gid)
		}
		v.groups(ctx, drawn, func(ctx context.Context, gid string) error {
			return v.outputs(ctx, &grouplog{st: st, gid: gid, head: work[gid].head}, work[gid].refs)
		})
	}
	if v.more > 0 {
		v.failed = append(v.failed, fmt.Errorf("and %d more groups, which the log names", v.more))
	}
	if ctx.Err() != nil {
		v.failed = append(v.failed, context.Cause(ctx))
	}
	return v.sum, errors.Join(v.failed...)
}

type verifier struct {
	st      *state
	o       *Options
	sample  Sample
	each    func(Verified)
	reading *semaphore.Weighted // outputs that are read at once
	lot     *lot                // a sample of a number: drawn first, read then; else nil

	mu     sync.Mutex // guards what follows, and calls of each
	sum    VerifySummary
	failed []error // at most maxToldErrors
	more   int     // that failed beside those
}

// groups works on groups side by side. Those that fail do not stop the others.
func (v *verifier) groups(ctx context.Context, ids []string, work func(context.Context, string) error) {
	eg := &errgroup.Group{}
	eg.SetLimit(groupsVerified)
	for _, gid := range ids {
		if ctx.Err() != nil {
			break
		}
		eg.Go(func() error {
			err := work(ctx, gid)
			if err == nil || ctx.Err() != nil {
				return nil // told to stop: the cause is told once, at the end
			}
			v.o.Log.Error("a group could not be verified; the others are", "log", receipt.LogPrefix(v.st.at.Key, gid), "error", err)
			v.mu.Lock()
			defer v.mu.Unlock()
			if len(v.failed) < maxToldErrors {
				v.failed = append(v.failed, err)
			} else {
				v.more++
			}
			return nil
		})
	}
	_ = eg.Wait() // the tasks keep their errors in failed
}

// group verifies the live outputs of a group, or puts them into the lot.
func (v *verifier) group(ctx context.Context, gid string) error {
	log, err := v.st.readLogByID(ctx, gid)
	if err != nil {
		return err
	}
	if log.entry == nil || !strings.HasPrefix(log.group, v.sample.Prefix) {
		return nil
	}
	summed := log.entry
	touched := map[string]bool{} // by the open entry
	if !log.free() {
		for _, m := range summed.Members {
			touched[m.Key] = touched[m.Key] || m.Absorbed()
		}
		for _, ref := range summed.TakenApart {
			touched[ref.Key] = true
		}
		summed = nil
		if log.head > 1 {
			if summed, err = v.st.readEntry(ctx, gid, log.head-1); err != nil {
				return err
			}
		}
	}
	var refs []receipt.OutputRef
	skipped := int64(0)
	if summed != nil {
		for _, ref := range summed.Live {
			if touched[ref.Key] || !v.sample.has(ref) {
				skipped++
				continue
			}
			refs = append(refs, ref)
		}
	}
	v.mu.Lock()
	v.sum.Groups++
	v.sum.OutputsSkipped += skipped
	if !log.free() {
		v.sum.GroupsOpen++
	}
	if v.lot != nil {
		for _, ref := range refs {
			v.lot.put(ticket{rank: v.sample.rank(ref), gid: gid, head: log.head, ref: ref})
		}
		refs = nil
	}
	v.mu.Unlock()
	return v.outputs(ctx, log, refs)
}

// outputs proves outputs of one group, those of one entry side by side.
func (v *verifier) outputs(ctx context.Context, log *grouplog, refs []receipt.OutputRef) error {
	byCommit := map[int][]receipt.OutputRef{}
	var order []int
	for _, ref := range refs {
		if byCommit[ref.Commit] == nil {
			order = append(order, ref.Commit)
		}
		byCommit[ref.Commit] = append(byCommit[ref.Commit], ref)
	}
	for _, number := range order {
		entry, err := v.st.readEntry(ctx, log.gid, number)
		if err != nil {
			return err
		}
		eg, ectx := errgroup.WithContext(ctx)
		for _, ref := range byCommit[number] {
			if err := v.reading.Acquire(ectx, 1); err != nil {
				break // the group's error, or the end of ctx, says why
			}
			eg.Go(func() error {
				defer v.reading.Release(1)
				return v.one(ectx, log, entry, ref)
			})
		}
		if err := eg.Wait(); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// one proves an output and tells the verdict.
func (v *verifier) one(ctx context.Context, log *grouplog, e *receipt.Entry, ref receipt.OutputRef) error {
	found := proveOutput(ctx, v.st.store, e, ref)
	if err := ctx.Err(); err != nil {
		return err
	}
	moved := false
	if errors.Is(found.Err, s3store.ErrNotFound) {
		// A worker may have compacted it again since its log was read.
		var err error
		if moved, err = log.moved(ctx); err != nil {
			return err
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if moved {
		v.sum.OutputsSkipped++
		return nil
	}
	v.sum.Outputs++
	v.sum.Members += int64(found.Members)
	v.sum.Bytes += found.Bytes
	switch {
	case found.Unread:
		v.sum.OutputsUnread++
	case found.Err != nil:
		v.sum.OutputsBad++
	}
	v.each(found)
	v.o.Progress.Add(1, found.Bytes)
	return nil
}
