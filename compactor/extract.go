package compactor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

// Original is an original as its receipt describes it.
type Original struct {
	Bucket string
	receipt.Member
}

// Copies is where copies of originals go.
type Copies interface {
	// Write makes the copy of one original, of which nothing may be seen before
	// body has ended with io.EOF: only then its bytes are proven. It never
	// overwrites: ErrTaken where something else is there, and written is false
	// where the same is there already. ErrName where the key can't be a name there.
	// It is called from many goroutines.
	Write(ctx context.Context, m Original, body io.Reader) (written bool, err error)
}

// Why a copy is not made.
var (
	ErrTaken = errors.New("something else is there")
	ErrName  = errors.New("the key can't be a name there")
)

// Extract writes copies of the wanted originals, each one alone, and changes
// nothing else: it needs no authority, waits for nothing, and works beside
// compactions and on a state that is closed. Of several originals of one key the newest is
// copied; the others are refused. Keys that no output holds are an error.
// Memory: as Restore.
func Extract(ctx context.Context, s Store, o RestoreOptions, to Copies) (RestoreSummary, error) {
	ctx, ended := withDrain(ctx)
	defer ended()
	x, err := openRestore(ctx, s, &o)
	if err != nil {
		return RestoreSummary{}, err
	}
	groups, err := x.groups(ctx)
	if err != nil {
		return x.summary, err
	}
	e := &extraction{x: x, to: to}
	eg, ectx := errgroup.WithContext(ctx)
	eg.SetLimit(x.o.GroupsAtOnce)
	for _, prefix := range groups {
		eg.Go(func() error { return e.group(ectx, x.restoring(prefix)) })
	}
	err = eg.Wait()
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if err == nil {
		err = x.notFound()
	}
	return x.summary, err
}

type extraction struct {
	x  *restorer
	to Copies
}

// group copies what is wanted of one group.
func (e *extraction) group(ctx context.Context, g *restoring) (err error) {
	if g.log, err = g.r.st.readLog(ctx, g.prefix); err != nil {
		return err
	}
	commits := newReceipts(g.r.st, g.log.gid)
	sources, err := g.sources(ctx, commits)
	if err != nil {
		return err
	}
	done := map[string]bool{}
	for _, ref := range sources {
		t, err := commits.take(ctx, ref)
		if err != nil {
			return err
		}
		var wanted []*receipt.Member
		newest := t.newest()
		for i := range t.originals {
			m := &t.originals[i]
			switch {
			case !e.x.wants(m.Key):
			case t.contentOnly:
				e.x.found(m.Key)
				g.report(recompressedKey(m.Key, ref.Key))
			case done[m.Key], newest[m.Key] != i:
				g.report(Refused{Key: m.Key, Reason: reasonTaken, Detail: "an output holds an older original of this key as well (" + ref.Key + "), which is not copied"})
			default:
				done[m.Key] = true
				wanted = append(wanted, m)
			}
		}
		if len(wanted) == 0 {
			continue
		}
		e.x.begun(g)
		if err := e.output(ctx, g, ref, wanted); err != nil {
			return fmt.Errorf("output s3://%s/%s: %w", ref.Bucket, ref.Key, err)
		}
		for _, m := range wanted {
			e.x.found(m.Key)
		}
		e.x.tell(restored{outputs: []receipt.OutputRef{ref}, members: []int{len(wanted)}})
	}
	e.x.finished(g)
	return nil
}

// output copies originals out of one output.
func (e *extraction) output(ctx context.Context, g *restoring, ref receipt.OutputRef, wanted []*receipt.Member) error {
	eg, ectx := errgroup.WithContext(ctx)
	eg.SetLimit(g.r.o.Concurrency)
	for _, s := range spans(ref, wanted) {
		if ectx.Err() != nil {
			break
		}
		eg.Go(func() error { return e.span(ectx, g, &s) })
	}
	if err := eg.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

func (e *extraction) span(ctx context.Context, g *restoring, s *span) error {
	if m := s.originals[0]; m.Size > wholeBytes {
		return e.write(ctx, g, m, func() (io.ReadCloser, error) { return s.stream(ctx, g.r.store) })
	}
	held := s.heldBytes()
	if err := g.r.budget.acquire(ctx, held); err != nil {
		return err
	}
	defer g.r.budget.release(held)
	bodies, err := s.bodies(ctx, g.r.store)
	if err != nil {
		return err
	}
	eg, ectx := errgroup.WithContext(ctx)
	for i, m := range s.originals {
		if err := g.r.budget.readers.Acquire(ectx, 1); err != nil {
			break // a write has failed, or the run was told to stop
		}
		eg.Go(func() error {
			defer g.r.budget.readers.Release(1)
			return e.write(ectx, g, m, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(bodies[i])), nil })
		})
	}
	if err := eg.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

func (e *extraction) write(ctx context.Context, g *restoring, m *receipt.Member, open func() (io.ReadCloser, error)) error {
	body, err := open()
	if err != nil {
		return err
	}
	defer body.Close()
	written, err := e.to.Write(ctx, Original{Bucket: g.r.o.Bucket, Member: *m}, body)
	switch {
	case errors.Is(err, ErrTaken):
		g.report(Refused{Key: m.Key, Reason: reasonTaken, Detail: err.Error()})
		return nil
	case errors.Is(err, ErrName):
		g.report(Refused{Key: m.Key, Reason: reasonName, Detail: err.Error()})
		return nil
	case err != nil:
		return fmt.Errorf("copy %s: %w", m.Key, err)
	}
	e.x.copied(m.Size, written)
	e.x.o.Progress.Add(1, m.Size)
	return nil
}

func (x *restorer) copied(bytes int64, written bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !written {
		x.summary.ObjectsThere++
		return
	}
	x.summary.ObjectsRestored++
	x.summary.Bytes += bytes
}

// CheckCopies refuses a location for copies where a compaction of the state
// would join them, or engines would read them beside the outputs.
func CheckCopies(layout receipt.Layout, to s3store.Location) error {
	if hidden(to.Key) {
		return nil
	}
	if layout.Dest != "" {
		dest, err := s3store.ParseLocation(layout.Dest)
		if err != nil {
			return fmt.Errorf("the state's layout: %w", err)
		}
		if to.Bucket == dest.Bucket && (strings.HasPrefix(to.Key, dest.Key) || strings.HasPrefix(dest.Key, to.Key)) {
			return fmt.Errorf("copies under %s would lie among the outputs of this state (%s), and readers would see their records twice: use another bucket, or a prefix with a segment that begins with _: %w", to, dest, ErrUsage)
		}
	}
	if to.Bucket != layout.Bucket {
		return nil
	}
	for prefix := range layout.Groupings {
		if strings.HasPrefix(to.Key, prefix) || strings.HasPrefix(prefix, to.Key) {
			return fmt.Errorf("copies under %s would lie among what this state compacts (%q), and readers would see their records twice: use another bucket, or a prefix with a segment that begins with _: %w", to, prefix, ErrUsage)
		}
	}
	return nil
}
