package parquetconv

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/s3compact/s3compact/internal/inflate"
	"github.com/s3compact/s3compact/internal/singlegzip"
	"github.com/s3compact/s3compact/validate"
)

// reader reads a batch's sources, many at once, and hands out the rows in
// their order.
//
//	feed ── tasks, their objects being fetched ──> launch ── streams ──> collect
//
// feed takes memory in the order of the sources, and launch a place among the
// tasks at work, so that the source whose turn it is never waits for those
// behind it. At most budget.scans scans and inflations run at once; whoever
// waits for something else gives its place to another one meanwhile.
type reader struct {
	run        *run
	batch      batchID
	budget     budget
	group      *errgroup.Group
	proveFirst bool        // see batchWriter
	unproven   atomic.Bool // big gzip originals are read that were not proven first

	tasks   chan *task
	streams chan *stream
	gets    chan struct{}       // slots of requests
	atWork  chan struct{}       // slots of tasks
	cpus    chan struct{}       // slots of scans and inflations
	memory  *semaphore.Weighted // budget.sourceBytes

	numbers int // of the originals so far

	mu       sync.Mutex
	scanners []*scanner // at rest
	made     int        // of scanners

	inflaters                  sync.Pool // of *inflate.Decoder
	storedBuffers, textBuffers buffers   // of big originals
}

// queuedTasks bounds the tasks that are fetched ahead, beside their memory.
const queuedTasks = 256

func newReader(w *batchWriter, g *errgroup.Group) *reader {
	r, b := w.run, w.budget
	return &reader{
		run: r, batch: w.batch, budget: b, group: g, proveFirst: w.proveFirst,
		tasks: make(chan *task, queuedTasks), streams: make(chan *stream, b.tasks),
		gets: make(chan struct{}, r.Concurrency), atWork: make(chan struct{}, b.tasks), cpus: make(chan struct{}, b.scans),
		memory:    semaphore.NewWeighted(max(1, b.sourceBytes)),
		inflaters: sync.Pool{New: func() any { return new(inflate.Decoder) }},
	}
}

// start reads the sources. Their streams must be collected.
func (rd *reader) start(ctx context.Context, sources []planSource) {
	rd.group.Go(func() error {
		defer close(rd.tasks)
		return rd.feed(ctx, sources)
	})
	rd.group.Go(func() error {
		defer close(rd.streams)
		return rd.launch(ctx)
	})
}

// original is an object as it was first stored, and where its bytes are now.
type original struct {
	origin
	number int  // in the batch, counted up in the order of the sources
	last   bool // the last one of its planned object
	size   int64
	gzip   bool
	zstd   bool
	at     objectID // the object that holds it
	atETag string
	offset int64
	crc64  string // base64; of an original inside an output
	// storedCRC64 is, of an original inside an output, that of the bytes that were first stored.
	storedCRC64 string
	pieces      singlegzip.Pieces // of an original inside an output of one gzip member: what that does not hold of it
	gid         string            // of the group whose log names the output
	plain       bool              // first stored as text
	packed      int64             // bytes of gzip inside an output that hold a plain original, with the checksum crc64
	text        *textRange        // of an original inside a recompressed output: offset counts bytes of its text
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

// originalsOf are the originals that a planned object stands for.
func (rd *reader) originalsOf(ctx context.Context, s *planSource) ([]original, error) {
	originals := []original{{
		origin: origin{s.Bucket, s.Key, s.ETag}, size: s.Size, gzip: isGzip(s.Key), zstd: isZstd(s.Key),
		at: objectID{s.Bucket, s.Key}, atETag: s.ETag,
	}}
	if s.Receipt != nil {
		var err error
		if originals, err = rd.run.plannedOriginals(ctx, s); err != nil {
			return nil, fmt.Errorf("originals of %s: %w", name(s.Bucket, s.Key), err)
		}
	}
	for i := range originals {
		originals[i].number = rd.numbers
		rd.numbers++
		originals[i].last = i == len(originals)-1
	}
	if len(originals) == 0 {
		return nil, fmt.Errorf("%s: the list of batches says that it holds originals, but its receipt names none that is to be loaded", name(s.Bucket, s.Key))
	}
	return originals, nil
}

// feed divides the sources into tasks and has them fetched.
func (rd *reader) feed(ctx context.Context, sources []planSource) error {
	t := &task{}
	push := func() error {
		full := t
		t = &task{}
		if len(full.originals) == 0 {
			return nil
		}
		if err := rd.fetchLast(ctx, full); err != nil {
			return err
		}
		select {
		case rd.tasks <- full:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	// alone pushes a task that no other original belongs to.
	alone := func(only *task) error {
		if err := push(); err != nil {
			return err
		}
		only.weight = max(1, rd.budget.bigWeight)
		if err := rd.memory.Acquire(ctx, only.weight); err != nil {
			return err
		}
		t = only
		return push()
	}
	for i := range sources {
		originals, err := rd.originalsOf(ctx, &sources[i])
		if err != nil {
			return err
		}
		if originals[0].text != nil {
			if err := alone(&task{originals: originals, kind: textTask}); err != nil {
				return err
			}
			continue
		}
		for _, o := range originals {
			if o.rangeBytes() > rd.budget.wholeBytes {
				err = alone(&task{originals: []original{o}, kind: bigTask})
			} else {
				if t.bytes+o.rangeBytes() > rd.budget.taskBytes {
					err = push()
				}
				if err == nil {
					err = rd.add(ctx, t, o)
				}
			}
			if err != nil {
				return err
			}
		}
	}
	return push()
}

// launch begins the tasks in their order.
func (rd *reader) launch(ctx context.Context) error {
	for t := range rd.tasks {
		select {
		case rd.atWork <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		if t.kind != smallTask { // its request, and its place, for as long as it is read: in the order of the tasks too
			if err := rd.takeGet(ctx); err != nil {
				return err
			}
		}
		s := newStream(t)
		select {
		case rd.streams <- s:
		case <-ctx.Done():
			return ctx.Err()
		}
		rd.group.Go(func() error {
			if t.kind == smallTask {
				return rd.readTask(ctx, t, s)
			}
			defer rd.giveGet()
			defer rd.memory.Release(t.weight)
			if t.kind == textTask {
				return rd.readText(ctx, t, s)
			}
			return rd.readBig(ctx, &t.originals[0], s)
		})
	}
	return nil
}

// collected says that all of a task was collected.
func (rd *reader) collected() { <-rd.atWork }
