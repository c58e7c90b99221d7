package parquetconv

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/s3compact/s3compact/internal/s3store"
)

// task is a run of originals that are read together.
type task struct {
	kind      taskKind
	originals []original
	weight    int64 // of reader.memory; of a run of small ones each fetch has its own

	// Of a run of small originals.
	bytes   int64 // of their ranges
	fetches []*fetch
}

type taskKind uint8

const (
	smallTask taskKind = iota // small originals, each read whole before it is scanned
	bigTask                   // a big original
	textTask                  // the originals of a recompressed output
)

// fetch is a request for small originals that lie in one object, one behind the other.
type fetch struct {
	originals      []original
	offset, length int64
	weight         int64 // of reader.memory

	done   chan struct{} // closed when stored or err is there
	stored []byte
	err    error
}

// maxGapBytes is how much between two originals is rather read than skipped
// with another request: a newline of the output's own, or an original that is
// loaded already.
const maxGapBytes = 64 << 10

// add puts a small original into the task. Where it lies behind the one before
// it, one request is for both.
func (rd *reader) add(ctx context.Context, t *task, o original) error {
	t.originals = append(t.originals, o)
	t.bytes += o.rangeBytes()
	if n := len(t.fetches); n > 0 {
		f := t.fetches[n-1]
		end := f.offset + f.length
		gap := o.offset - end
		if first := &f.originals[0]; first.at == o.at && first.atETag == o.atETag && gap >= 0 && gap <= maxGapBytes && f.length+gap+o.rangeBytes() <= rd.budget.taskBytes {
			f.originals = append(f.originals, o)
			f.length += gap + o.rangeBytes()
			return nil
		}
		if err := rd.fetchLast(ctx, t); err != nil {
			return err
		}
	}
	t.fetches = append(t.fetches, &fetch{originals: []original{o}, offset: o.offset, length: o.rangeBytes(), done: make(chan struct{})})
	return nil
}

// fetchLast sends the request that was added last.
func (rd *reader) fetchLast(ctx context.Context, t *task) error {
	if len(t.fetches) == 0 {
		return nil
	}
	f := t.fetches[len(t.fetches)-1]
	f.weight = min(max(1, f.length), max(1, rd.budget.sourceBytes))
	if err := rd.memory.Acquire(ctx, f.weight); err != nil {
		return err
	}
	if err := rd.takeGet(ctx); err != nil {
		return err
	}
	rd.group.Go(func() error {
		defer close(f.done)
		defer rd.giveGet()
		first := &f.originals[0]
		f.stored, f.err = rd.fetch(ctx, first.at, first.atETag, f.offset, f.length)
		return nil // whoever scans it decides
	})
	return nil
}

func (rd *reader) takeGet(ctx context.Context) error {
	select {
	case rd.gets <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (rd *reader) giveGet() { <-rd.gets }

// get opens a range of one version of an object; a length of 0 is to its end.
func (rd *reader) get(ctx context.Context, id objectID, etag string, offset, length int64) (io.ReadCloser, error) {
	body, info, err := rd.run.Stores.of(id.bucket).Get(ctx, id.bucket, id.key, s3store.GetOptions{IfMatch: etag, OffsetBytes: offset, LengthBytes: length})
	if err != nil {
		return nil, err
	}
	if length > 0 && info.SizeBytes != length {
		return nil, errors.Join(fmt.Errorf("get %s: %d bytes instead of %d", name(id.bucket, id.key), info.SizeBytes, length), body.Close())
	}
	return body, nil
}

// fetch reads a range of one version of an object into memory.
func (rd *reader) fetch(ctx context.Context, id objectID, etag string, offset, length int64) ([]byte, error) {
	body, err := rd.get(ctx, id, etag, offset, length)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	b := make([]byte, length)
	if _, err := io.ReadFull(body, b); err != nil {
		return nil, err
	}
	return b, nil
}

// readTask scans the small originals of a task one after another, so that a
// block may hold rows of several.
func (rd *reader) readTask(ctx context.Context, t *task, s *stream) error {
	u, err := s.next(ctx, 1)
	if err != nil {
		return err
	}
	close(s.units)
	sc, err := rd.scan(ctx, s, u)
	if err != nil {
		return err
	}
	defer sc.release()
	for _, f := range t.fetches {
		if err := sc.await(ctx, f.done); err != nil {
			return err
		}
		if f.err != nil && !gone(f.err) {
			return f.err
		}
		for i := range f.originals {
			o := &f.originals[i]
			if f.err != nil {
				err = sc.loadMoved(ctx, o, f.err)
			} else {
				from := o.offset - f.offset
				err = sc.load(ctx, o, o, f.stored[from:from+o.rangeBytes()])
			}
			if err != nil {
				return err
			}
		}
		f.stored = nil
		rd.memory.Release(f.weight)
	}
	return sc.finish(ctx)
}

// loadMoved looks for an original elsewhere and loads it from there.
func (sc *scanner) loadMoved(ctx context.Context, o *original, missing error) error {
	sc.pause()
	err := sc.rd.moved(ctx, o, missing, func(at *original) (err error) {
		var stored []byte
		small := at.text == nil && at.rangeBytes() <= sc.rd.budget.wholeBytes
		if small {
			if stored, err = sc.rd.fetch(ctx, at.at, at.atETag, at.offset, at.rangeBytes()); err != nil {
				return err
			}
		}
		if err := sc.work(ctx); err != nil {
			return err
		}
		defer sc.pause()
		switch {
		case small:
			return noSentinel(sc.load(ctx, o, at, stored))
		case at.text != nil:
			return sc.loadText(ctx, []original{*o}, []original{*at}, true)
		}
		return sc.loadBig(ctx, o, at)
	})
	if err := sc.work(ctx); err != nil {
		return err
	}
	if gone(err) {
		sc.refuse(o, Refusal{Reason: reasonChanged, Detail: describeGone(err)})
		return nil
	}
	return err
}

// maxMoves bounds how often an original is looked for again: it may be
// compacted, and its output compacted, while it is being read.
const maxMoves = 3

// moved looks for an original that was not found where it was said to be, and
// has it read where it is now. An error that gone knows, as cause is, means
// that it is nowhere.
func (rd *reader) moved(ctx context.Context, o *original, cause error, read func(at *original) error) error {
	at := o
	for range maxMoves {
		moved, err := rd.run.locate(ctx, at)
		if err != nil {
			return noSentinel(err)
		}
		if moved == nil {
			break
		}
		if err = read(moved); !gone(err) {
			return err
		}
		at, cause = moved, err
	}
	return cause
}
