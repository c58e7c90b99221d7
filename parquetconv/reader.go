package parquetconv

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/s3compact/s3compact/internal/singlegzip"
	"github.com/s3compact/s3compact/parquetconv/linerows"
	"github.com/s3compact/s3compact/validate"
)

// reader reads a batch's sources, many at once, and hands out what they hold
// in their order.
type reader struct {
	run     *run
	budget  budget
	group   *errgroup.Group
	streams chan<- *stream
	slots   chan struct{}
	memory  *semaphore.Weighted // stored bytes in memory
	tools   sync.Pool
}

// tools are the buffers that read one source after another.
type tools struct {
	prover  *validate.Prover
	gzip    *gzip.Reader
	decoder *linerows.Decoder
}

func newReader(r *run, b budget, g *errgroup.Group, streams chan<- *stream) *reader {
	rd := &reader{run: r, budget: b, group: g, streams: streams, slots: make(chan struct{}, r.Concurrency), memory: semaphore.NewWeighted(b.sourceBytes)}
	rd.tools.New = func() any {
		return &tools{prover: validate.NewProver(), gzip: new(gzip.Reader), decoder: linerows.NewDecoder(r.Schema, b.blockBytes)}
	}
	return rd
}

// stream is what one task reads, as it comes.
type stream struct{ items chan item }

func (s *stream) send(ctx context.Context, i item) error {
	select {
	case s.items <- i:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// next is the next item; ok is false at the end.
func (s *stream) next(ctx context.Context) (i item, ok bool, err error) {
	select {
	case i, ok = <-s.items:
		return i, ok, nil
	case <-ctx.Done():
		return item{}, false, ctx.Err()
	}
}

// original is an object as it was first stored, and where its bytes are now.
type original struct {
	origin
	size   int64
	gzip   bool
	at     objectID // the object that holds it
	atETag string
	offset int64
	crc64  string            // base64; of an original inside an output
	pieces singlegzip.Pieces // of an original inside an output of one gzip member: what that does not hold of it
	gid    string            // of the group whose log names the output
	plain  bool              // first stored as text
	packed int64             // bytes of gzip inside an output that hold a plain original, with the checksum crc64
	text   *textRange        // of an original inside a recompressed output: offset counts bytes of its text
}

// textRange is what a recompressed output holds of an original.
type textRange struct {
	bytes int64
	crc32 uint32
}

// inside says that compaction has moved the original into an output.
func (o *original) inside() bool { return o.at != objectID{o.bucket, o.key} }

// rangeBytes is how many bytes hold the original where it is now, of a recompressed
// output how many bytes of its text.
func (o *original) rangeBytes() int64 {
	switch {
	case o.pieces != nil:
		return o.pieces.JoinedBytes()
	case o.text != nil:
		return o.text.bytes
	case o.packed > 0:
		return o.packed
	}
	return o.size
}

// rebuilt is the original's bytes, from those that hold it.
func (o *original) rebuilt(r io.Reader) (io.Reader, error) {
	if o.pieces == nil {
		return r, nil
	}
	crc, err := validate.DecodeCRC64(o.crc64)
	if err != nil {
		return nil, err
	}
	back := singlegzip.NewRestorer()
	back.Reset(r, o.size, crc, o.pieces)
	return back, nil
}

// task is a run of originals that lie in one object, one after another, and
// are read with one request.
type task struct {
	originals []original
	last      bool // the last task of its planned object
}

func (t *task) span() (offset, length int64) {
	first, last := &t.originals[0], &t.originals[len(t.originals)-1]
	return first.offset, last.offset + last.rangeBytes() - first.offset
}

// start reads the sources. Memory is taken in their order, so that the source
// whose turn it is never waits for those behind it.
func (rd *reader) start(ctx context.Context, sources []planSource) error {
	for i := range sources {
		tasks, err := rd.tasks(ctx, &sources[i])
		if err != nil {
			return err
		}
		for _, t := range tasks {
			if err := rd.launch(ctx, t); err != nil {
				return err
			}
		}
	}
	return nil
}

func (rd *reader) launch(ctx context.Context, t task) error {
	select {
	case rd.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	var weight int64 = 1
	if _, length := t.span(); length <= rd.budget.wholeBytes && t.originals[0].text == nil {
		weight = min(max(length, 1), rd.budget.sourceBytes)
	}
	if err := rd.memory.Acquire(ctx, weight); err != nil {
		return err
	}
	s := &stream{items: make(chan item, 1)}
	select {
	case rd.streams <- s:
	case <-ctx.Done():
		return ctx.Err()
	}
	rd.group.Go(func() error {
		tools := rd.tools.Get().(*tools)
		defer func() {
			rd.tools.Put(tools)
			rd.memory.Release(weight)
			<-rd.slots
		}()
		if err := rd.read(ctx, t, tools, s); err != nil {
			return err
		}
		close(s.items)
		return nil
	})
	return nil
}

// tasks divides a planned object into reads.
func (rd *reader) tasks(ctx context.Context, s *planSource) ([]task, error) {
	if s.Receipt == nil {
		id := objectID{s.Bucket, s.Key}
		o := original{origin: origin{s.Bucket, s.Key, s.ETag}, size: s.Size, gzip: isGzip(s.Key), at: id, atETag: s.ETag}
		return []task{{originals: []original{o}, last: true}}, nil
	}
	originals, err := rd.run.plannedOriginals(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("originals of %s: %w", name(s.Bucket, s.Key), err)
	}
	if len(originals) > 0 && originals[0].text != nil {
		return []task{{originals: originals, last: true}}, nil // it is inflated once for all of them
	}
	var tasks []task
	var length int64
	for _, o := range originals {
		n := len(tasks)
		if n > 0 {
			before := tasks[n-1].originals[len(tasks[n-1].originals)-1]
			// What lies between two originals is at most a newline of the output's own, or one that is loaded already.
			gap := o.offset - before.offset - before.rangeBytes()
			if gap >= 0 && gap <= maxGapBytes && length+gap+o.rangeBytes() <= min(maxSpanBytes, rd.budget.wholeBytes) {
				tasks[n-1].originals = append(tasks[n-1].originals, o)
				length += gap + o.rangeBytes()
				continue
			}
		}
		tasks = append(tasks, task{originals: []original{o}})
		length = o.rangeBytes()
	}
	if len(tasks) > 0 {
		tasks[len(tasks)-1].last = true
	}
	return tasks, nil
}

const (
	// maxSpanBytes is how much of an output is read with one request.
	maxSpanBytes = 8 << 20
	// maxGapBytes is how much between two originals is rather read than skipped with another request.
	maxGapBytes = 64 << 10
)
