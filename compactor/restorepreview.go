package compactor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

// RestorePreview is what a restore finds in one group.
type RestorePreview struct {
	Prefix    string `json:"prefix"`
	Outputs   int64  `json:"outputs"`   // that can be taken apart
	Originals int64  `json:"originals"` // that they hold
	There     int64  `json:"there"`     // of those, originals that are there already
	Bytes     int64  `json:"bytes"`     // of the originals that are not
	Refused   int64  `json:"refused"`   // originals whose key something newer has
	Open      bool   `json:"open"`      // the log's head is not finished, which comes first
}

// PreviewRestore says what Restore would do, and does nothing: it lists, and
// reads the logs. Refusals are told too. Groups that hold nothing wanted are left
// out. Keys that no output holds are an error, s3store.ErrNotFound; a closed
// state, or one without a group under the prefix, is ErrUsage.
func PreviewRestore(ctx context.Context, s Store, o RestoreOptions) (RestoreSummary, error) {
	x, err := openRestore(ctx, s, &o)
	if err != nil {
		return RestoreSummary{}, err
	}
	if err := x.notClosed(); err != nil {
		return x.summary, err
	}
	groups, err := x.groups(ctx)
	if err != nil {
		return x.summary, err
	}
	eg, ectx := errgroup.WithContext(ctx)
	eg.SetLimit(x.o.GroupsAtOnce)
	var told sync.Mutex
	for _, prefix := range groups {
		eg.Go(func() error {
			p, err := x.restoring(prefix).preview(ectx)
			if err != nil || p.Outputs == 0 && p.Refused == 0 {
				return err
			}
			told.Lock()
			defer told.Unlock()
			x.summary.Groups++
			x.summary.Outputs += p.Outputs
			x.summary.ObjectsRestored += p.Originals - p.There
			x.summary.ObjectsThere += p.There
			x.summary.Bytes += p.Bytes
			x.o.OnGroup(p)
			return nil
		})
	}
	if err := eg.Wait(); err != nil {
		return x.summary, err
	}
	if ctx.Err() != nil {
		return x.summary, context.Cause(ctx)
	}
	return x.summary, x.notFound()
}

func (g *restoring) preview(ctx context.Context) (RestorePreview, error) {
	p := RestorePreview{Prefix: g.prefix}
	var err error
	if g.log, err = g.r.st.readLog(ctx, g.prefix); err != nil {
		return p, err
	}
	p.Open = !g.log.free()
	commits := newReceipts(g.r.st, g.log.gid)
	sources, err := g.sources(ctx, commits)
	if err != nil {
		return p, err
	}
	keys := map[string]bool{}
	for _, ref := range sources {
		t, err := commits.take(ctx, ref)
		if err != nil {
			return p, err
		}
		wanted := false
		for i := range t.originals {
			if key := t.originals[i].Key; g.x.wants(key) {
				wanted = true
				g.x.found(key)
			}
		}
		if !wanted {
			continue
		}
		at, err := g.thereNow(ctx, t.originals)
		if err != nil {
			return p, err
		}
		one, twice := RestorePreview{Outputs: 1, Originals: int64(len(t.originals))}, t.twice()
		for i := range t.originals {
			m := &t.originals[i]
			how, _, err := g.stands(ctx, m, at)
			switch {
			case err != nil:
				return p, err
			case how == newer || keys[m.Key] || twice[m.Key]:
				one.Refused++
				g.report(takenKey(m.Key, ref.Key, twice[m.Key]))
			case how == vacant && t.contentOnly:
				one.Refused++
				g.report(recompressedKey(m.Key, ref.Key))
			case how == back:
				one.There++
			default:
				one.Bytes += m.Size
			}
		}
		if p.Refused += one.Refused; one.Refused > 0 {
			continue // the output stays
		}
		for i := range t.originals {
			keys[t.originals[i].Key] = true
		}
		p.Outputs += one.Outputs
		p.Originals += one.Originals
		p.There += one.There
		p.Bytes += one.Bytes
	}
	return p, nil
}

// sources are the outputs that hold records as the log has it now, whatever its
// head is, the newest first.
func (g *group) sources(ctx context.Context, commits *receipts) (all []receipt.OutputRef, err error) {
	e := g.log.entry
	switch {
	case e == nil:
		return nil, nil
	case e.Kind == receipt.Done:
		all = slices.Clone(e.Live)
	case e.Kind == receipt.Restore:
		all = slices.Concat(e.Live, e.TakenApart)
	default:
		before := e // a void entry sums up by itself
		if e.Kind == receipt.Commit {
			if before = nil; g.log.head > 1 {
				if before, err = commits.entry(ctx, g.log.head-1); err != nil {
					return nil, err
				}
			}
		}
		if before != nil {
			all = slices.Clone(before.Live)
		}
		for _, o := range e.Outputs {
			ref := receipt.OutputRef{Bucket: o.Bucket, Key: o.Key, Size: o.Size, CRC64: o.CRC64, Commit: g.commitOf(e, o)}
			info, err := g.r.store.Head(ctx, o.Bucket, o.Key)
			if err != nil && !errors.Is(err, s3store.ErrNotFound) {
				return nil, err
			}
			if ref.ETag = info.ETag; err == nil && info.SizeBytes == o.Size {
				all = append(without(all, []receipt.OutputRef{ref}), ref)
			}
		}
	}
	slices.Reverse(all)
	return all, nil
}

// commitOf is the number of the entry with the members of an output of a commit or void entry.
func (g *group) commitOf(e *receipt.Entry, o receipt.Output) int {
	switch {
	case o.Commit > 0:
		return o.Commit
	case e.Kind == receipt.Void:
		return e.Number - 1
	}
	return e.Number
}

// overMarker is the canary of a restore in a bucket with versions, where a key
// that was deleted has a delete marker: create-only has to take it for free.
func (r *run) overMarker(ctx context.Context) error {
	versioned, err := r.store.Versioned(ctx, r.o.Bucket)
	if err != nil || !versioned {
		return err
	}
	c := &canaryNest{r: r, prefix: "_s3compact/canary/" + randomID() + "/"}
	defer c.clean(ctx)
	key, etag, err := c.put(ctx, r.o.Bucket)
	if err == nil {
		err = r.store.Delete(ctx, r.o.Bucket, key, etag)
	}
	if err != nil {
		return fmt.Errorf("try a delete marker (canary): %w", err)
	}
	_, err = r.store.Put(ctx, r.o.Bucket, key, canaryBody, s3store.PutOptions{CreateOnly: true})
	if errors.Is(err, s3store.ErrPrecondition) {
		return fmt.Errorf("bucket %s keeps versions, and this endpoint takes a delete marker for an object, so that no original can be put back under a key that was deleted: take copies with restore --to: %w", r.o.Bucket, ErrUsage)
	}
	if err != nil {
		return fmt.Errorf("try a create-only PUT over a delete marker (canary): %w", err)
	}
	return nil
}
