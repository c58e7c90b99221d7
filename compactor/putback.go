package compactor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/validate"
)

// putBack writes the originals of outputs under their keys again, each only
// where nothing is, under the authority of a restore entry.
type putBack struct {
	g    *group
	auth *authority

	mu      sync.Mutex        // guards what follows
	etags   map[string]string // of the originals that are back, by key
	written int64             // originals that were put
	there   int64             // originals that were there
	bytes   int64             // written
	newer   []string          // keys of originals that can't come back: something newer is there, or see textOnly

	textOnly map[string]string // of those, the originals whose bytes are nowhere, with their recompressed outputs
}

// output puts the originals of one output back. Memory: the originals' records,
// and the budget for their bytes.
func (p *putBack) output(ctx context.Context, t *taken) error {
	at, err := p.g.thereNow(ctx, t.originals)
	if err != nil {
		return err
	}
	var missing, there []*receipt.Member // there: put by an earlier run, perhaps
	for i := range t.originals {
		m := &t.originals[i]
		how, etag, err := p.g.stands(ctx, m, at)
		switch {
		case err != nil:
			return err
		case how == vacant && t.contentOnly: // it went away since the entry was written, and can't come back
			p.note(m, newer, "", false)
			p.textOnly[m.Key] = t.ref.Key
		case how == vacant:
			missing = append(missing, m)
		default:
			if how == back && !isItself(m, at[m.Key]) {
				there = append(there, m)
			}
			p.note(m, how, etag, false)
		}
	}
	eg, ectx := errgroup.WithContext(ctx)
	eg.SetLimit(p.g.r.o.Concurrency)
	for _, s := range spans(t.ref, missing) {
		if ectx.Err() != nil {
			break
		}
		eg.Go(func() error { return p.span(ectx, &s) })
	}
	for _, m := range there {
		if ectx.Err() != nil {
			break
		}
		eg.Go(func() error { return p.carries(ectx, m) })
	}
	if err := eg.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// note keeps how an original stands in the end.
func (p *putBack) note(m *receipt.Member, how standing, etag string, put bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case how == newer:
		p.newer = append(p.newer, m.Key)
		return
	case put:
		p.written++
		p.bytes += m.Size
	default:
		p.there++
	}
	p.etags[m.Key] = etag
}

// sum is what was done so far, of which no output is deleted yet.
func (p *putBack) sum() restored {
	p.mu.Lock()
	defer p.mu.Unlock()
	return restored{written: p.written, there: p.there, bytes: p.bytes}
}

// span reads and proves the span's originals, then puts them.
func (p *putBack) span(ctx context.Context, s *span) error {
	r := p.g.r
	if s.originals[0].Size > wholeBytes {
		return p.large(ctx, s)
	}
	held := s.heldBytes()
	if err := r.budget.acquire(ctx, held); err != nil {
		return err
	}
	defer r.budget.release(held)
	bodies, err := s.bodies(ctx, r.store)
	if err != nil {
		return err
	}
	eg, ectx := errgroup.WithContext(ctx)
	for i, m := range s.originals {
		if err := r.budget.readers.Acquire(ectx, 1); err != nil {
			break // a PUT has failed, or the run was told to stop
		}
		eg.Go(func() error {
			defer r.budget.readers.Release(1)
			return p.put(ectx, m, bodies[i])
		})
	}
	if err := eg.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// put writes one original.
func (p *putBack) put(ctx context.Context, m *receipt.Member, body []byte) error {
	r := p.g.r
	return p.settle(ctx, m, func(sctx context.Context) (string, error) {
		crc := validate.CRC64(body)
		info, err := r.store.Put(sctx, r.o.Bucket, m.Key, body, s3store.PutOptions{Attributes: m.Attributes, CreateOnly: true, CRC64NVME: &crc})
		return info.ETag, err
	})
}

// settle sends a write, signed by the authority, until it is known how the
// original's key stands. write gives the new object's ETag.
func (p *putBack) settle(ctx context.Context, m *receipt.Member, write func(context.Context) (etag string, err error)) error {
	var last error
	for range maxTries {
		sctx, err := p.auth.sign(ctx)
		if err != nil {
			return err
		}
		etag, err := write(sctx)
		last = err
		switch {
		case err == nil && etag != "" && !p.g.r.o.ReadBack:
			if err := p.carries(ctx, m); err != nil {
				return err
			}
			p.note(m, back, etag, true)
			p.g.r.o.Progress.Add(1, m.Size)
			return nil
		case errors.Is(err, s3store.ErrExpired):
			p.auth.expired()
			continue
		case errors.Is(err, s3store.ErrDenied), errors.Is(err, errAltered), ctx.Err() != nil:
			return fmt.Errorf("put back %s: %w", m.Key, err)
		}
		// Refused as existing, or without an answer, or not to be trusted: what is there decides.
		how, etag, lerr := p.g.looked(ctx, m)
		switch {
		case lerr != nil:
			return lerr
		case how != vacant:
			if how == back {
				if err := p.carries(ctx, m); err != nil {
					return err
				}
			}
			p.note(m, how, etag, how == back)
			p.g.r.o.Progress.Add(1, m.Size)
			return nil
		}
		if errors.Is(err, s3store.ErrConflict) {
			select {
			case <-time.After(conflictWait):
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	}
	if last == nil {
		last = errors.New("it was written and is not there")
	}
	return fmt.Errorf("put back %s: %w", m.Key, last)
}
