package parquetconv

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/s3compact/s3compact/internal/s3store"
)

// loaded is what earlier lists hold. It takes about 200 bytes of memory for
// each original that was listed as such; originals inside outputs of
// compaction are held by the output's name alone.
type loaded struct {
	originals map[objectID]listed
	replaced  map[origin]batchID // what lists hold under keys that newer lists have with another ETag
	outputs   map[objectID][]listedOutput
	states    map[string][]string  // by bucket: the states of compaction that the outputs' receipts lie in
	refused   map[origin]refusedIn // what was refused when it was read
	heads     map[batchID]head
	tableID   string
}

// listed is the newest batch that holds an object, and with which ETag.
type listed struct {
	etag  string
	batch batchID
}

// listedOutput is a list's line for an output: all that it stands for but the
// originals in except.
type listedOutput struct {
	plan   int
	except []byteRange
}

// refusedIn is a refusal and the newest list whose batches refused it.
type refusedIn struct {
	Refusal
	plan int
}

// keeps says whether an original that a list holds needs no other list: it was
// loaded, will be, or was refused for its bytes. One that was nowhere to be
// found when its turn came may be back.
func (l *loaded) keeps(o origin, plan int) bool {
	refused, ok := l.refused[o]
	return !ok || refused.plan != plan || refused.Reason != reasonChanged
}

// batchOf is the newest batch that holds the original, listed as such.
func (l *loaded) batchOf(o origin) (b batchID, ok bool) {
	if newest, ok := l.originals[objectID{o.bucket, o.key}]; ok && newest.etag == o.etag {
		return newest.batch, true
	}
	b, ok = l.replaced[o]
	return b, ok
}

// holds says whether the original, listed as such, needs no other list.
func (l *loaded) holds(o origin) bool {
	b, ok := l.batchOf(o)
	return ok && l.keeps(o, b.plan)
}

// refusal is that of an original by the newest list that holds it as such.
func (l *loaded) refusal(o origin) (Refusal, bool) {
	b, ok := l.batchOf(o)
	refused, was := l.refused[o]
	return refused.Refusal, ok && was && refused.plan == b.plan
}

// another is what was listed under the key with another ETag and may have been
// loaded.
func (l *loaded) another(o origin) (before listed, ok bool) {
	before, known := l.originals[objectID{o.bucket, o.key}]
	if !known || before.etag == o.etag {
		return before, false
	}
	_, refused := l.refusal(origin{o.bucket, o.key, before.etag})
	return before, !refused
}

// readLoaded reads all lists, and what their batches refused.
func (r *run) readLoaded(ctx context.Context, plans []int) (*loaded, error) {
	l := &loaded{
		originals: map[objectID]listed{}, replaced: map[origin]batchID{}, outputs: map[objectID][]listedOutput{},
		states: map[string][]string{}, refused: map[origin]refusedIn{}, tableID: newNonce(),
	}
	for _, n := range plans {
		err := r.readPlan(ctx, n, func(h *planHeader) error {
			l.tableID = h.TableID
			return nil
		}, func(s planSource) error {
			id := objectID{s.Bucket, s.Key}
			if s.Receipt != nil {
				l.outputs[id] = append(l.outputs[id], listedOutput{n, s.Except})
				if states := l.states[s.Bucket]; !slices.Contains(states, s.Receipt.State) {
					l.states[s.Bucket] = append(states, s.Receipt.State)
				}
				return nil
			}
			if before, ok := l.originals[id]; ok && before.etag != s.ETag {
				l.replaced[origin{id.bucket, id.key, before.etag}] = before.batch
			}
			l.originals[id] = listed{s.ETag, batchID{n, s.Batch}}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if len(plans) == 0 {
		return l, nil
	}
	var err error
	if l.heads, err = r.heads(ctx, 0); err != nil {
		return nil, err
	}
	var mu sync.Mutex
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(r.Concurrency)
	for b, h := range l.heads {
		g.Go(func() error {
			out, err := r.readOutcome(gctx, b, h)
			mu.Lock()
			defer mu.Unlock()
			for _, f := range out.Refused {
				if id := (origin{f.Bucket, f.Key, f.ETag}); l.refused[id].plan <= b.plan {
					l.refused[id] = refusedIn{f, b.plan}
				}
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return l, nil
}

// newSources finds the sources that no earlier list holds, in key order. What
// an earlier list refused and is still there as it was is told again, and so
// is what changed after it was converted; that may be an error.
func (r *run) newSources(ctx context.Context, plans []int) (sources []planSource, tableID string, err error) {
	loaded, err := r.readLoaded(ctx, plans)
	if err != nil {
		return nil, "", err
	}
	listing, err := r.listSources(ctx)
	if err != nil {
		return nil, "", err
	}
	// The logs of compaction are read after the listing: an output appears only
	// after its commit, so every output in the listing is named by them.
	x := &resolver{run: r, listing: listing, loaded: loaded, compacted: map[objectID]bool{}, apart: map[content]bool{}, changed: map[objectID]bool{}}
	if err := x.resolve(ctx); err != nil {
		return nil, "", err
	}
	sources = x.lines
	for id, o := range listing.objects {
		this := origin{id.bucket, id.key, o.ETag}
		before, another := loaded.another(this)
		switch {
		case loaded.holds(this):
			if refused, ok := loaded.refusal(this); ok {
				r.refuse(refused)
			}
			continue
		case another && !x.compacted[id]:
			x.isChanged(this, before)
			continue
		}
		sources = append(sources, planSource{Bucket: id.bucket, Key: id.key, ETag: o.ETag, Size: o.SizeBytes})
	}
	r.summary.Ignored = listing.ignored
	if r.FailOnChanged && len(x.changed) > 0 {
		first := slices.MinFunc(slices.Collect(maps.Keys(x.changed)), compareIDs)
		return nil, "", fmt.Errorf("%d sources changed after they were converted, such as %s: their old rows are in the table, and nothing more is converted; put the old objects back, or go on without them by --on-changed skip", len(x.changed), name(first.bucket, first.key))
	}
	slices.SortFunc(sources, func(a, b planSource) int {
		return cmp.Or(cmp.Compare(a.Bucket, b.Bucket), cmp.Compare(a.Key, b.Key))
	})
	return sources, loaded.tableID, nil
}

// newPlan makes a list of the new sources and publishes it. The number is 0
// where there is nothing new, or in a dry run; own is false where another
// worker published a list first.
func (r *run) newPlan(ctx context.Context, plans []int) (number int, own bool, err error) {
	sources, tableID, err := r.newSources(ctx, plans)
	if err != nil || len(sources) == 0 {
		return 0, false, err
	}
	next := len(plans) + 1
	if r.DryRun {
		batches := cut(sources, r.BatchBytes)
		r.showBatches(next, sources, owner(batches, r.Shards), nil)
		return 0, false, nil
	}
	own, err = r.publishPlan(ctx, next, tableID, sources)
	return next, own, err
}

// showBatches tells a dry run's caller which batches this shard would do.
func (r *run) showBatches(plan int, sources []planSource, owners []int, heads map[batchID]head) {
	byBatch := map[int]*PlannedBatch{}
	for _, s := range sources {
		if owners[s.Batch-1] != r.Shard || heads[batchID{plan, s.Batch}].done {
			continue
		}
		b := byBatch[s.Batch]
		if b == nil {
			b = &PlannedBatch{Plan: plan, Batch: s.Batch, First: name(s.Bucket, s.Key)}
			byBatch[s.Batch] = b
		}
		b.Sources++
		b.SizeBytes += s.Size
		b.Last = name(s.Bucket, s.Key)
	}
	for _, n := range sortedKeys(byBatch) {
		r.summary.Batches++
		r.summary.Sources += int64(byBatch[n].Sources)
		r.summary.BytesIn += byBatch[n].SizeBytes
		r.Planned(*byBatch[n])
	}
}

func sortedKeys[V any](m map[int]V) []int {
	keys := make([]int, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// reasonChanged is the refusal of a source that is no longer what it was.
const reasonChanged = "changed"

// refuse counts and reports a source that is not loaded, once.
func (r *run) refuse(f Refusal) {
	if r.told[f] {
		return
	}
	r.told[f] = true
	r.summary.Refused++
	if r.Refused != nil {
		r.Refused(f)
	}
}

// gone says that an object is no longer what it was.
func gone(err error) bool { return isAny(err, s3store.ErrNotFound, s3store.ErrPrecondition) }

// describeGone says what became of a source.
func describeGone(err error) string {
	if isAny(err, s3store.ErrPrecondition) {
		return "it has changed since the list of batches was made"
	}
	return fmt.Sprintf("it is gone since the list of batches was made: %v", err)
}
