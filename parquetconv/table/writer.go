package table

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
)

// Writer gathers rows by partition and writes them as Parquet files. Add and
// Finish are called from one goroutine.
//
// The rows of a block, or of several where partitions have few of each, are put
// in the order of their partitions once, column by column, and stay in memory as
// such a segment; a partition knows which pieces
// of which segments are its own. When it has enough for a row group, they are
// put together and encoded in the background, one column after the other. When
// the segments take more than their share of memory, all pieces are written to
// a temporary file, those of a partition one behind the other, and read again
// when their partition has enough. So it makes no difference how many
// partitions there are, but for the metadata of files that are unfinished.
//
// With SortBy all is written in Finish: pieces are sorted when they are made,
// and merged when they are spilled and once more when they are encoded.
type Writer struct {
	ctx     context.Context
	cancel  context.CancelCauseFunc
	invalid error // of the options
	options Options
	format  *format
	budget  budget

	columns columns
	waiting waiting
	// columnBytes counts what each column took so far, to foresee what encoding
	// takes.
	columnBytes []int64

	partitions []*partition
	byPath     map[string]*partition
	open       int   // partitions with an unfinished file
	runs       int32 // of sorted pieces, so far

	gathered atomic.Int64 // bytes of segments in memory
	metadata atomic.Int64 // bytes of unfinished files' metadata, about
	freed    chan struct{}

	encoders sync.WaitGroup
	idle     chan *scratch
	encoding *semaphore.Weighted // bytes of budget.encode
	inUse    atomic.Int64        // of these
	running  atomic.Int32
	chosen   atomic.Pointer[choice]

	spill, output spool
}

// NewWriter makes a writer. Options that cannot be met are told by Add. The
// work stops when ctx ends. Close must be called.
func NewWriter(ctx context.Context, o Options) *Writer {
	o = o.withDefaults()
	w := &Writer{options: o, budget: newBudget(o.MemoryBytes), byPath: map[string]*partition{}}
	w.ctx, w.cancel = context.WithCancelCause(ctx)
	w.freed = make(chan struct{}, 1)
	w.spill.dir, w.output.dir = o.TempDir, o.TempDir
	w.encoding = semaphore.NewWeighted(w.budget.encode)
	w.idle = make(chan *scratch, o.Writers)
	for range o.Writers {
		w.idle <- &scratch{}
	}
	if w.format, w.invalid = newFormat(&o); w.invalid == nil {
		w.columns = columns{
			layouts:         w.format.layouts,
			dictionaries:    make([]dictionary, len(w.format.layouts)),
			remaps:          map[remapKey]*remap{},
			seed:            maphash.MakeSeed(),
			dictionaryBytes: w.budget.dictionaries,
		}
		w.columnBytes = make([]int64, len(w.format.layouts))
	}
	return w
}

// Add gathers the rows of a block, and takes the block over: its memory may not
// change until Finish. It waits while the encoders are behind. What is wrong
// with a block may be told by what is called later. After an error only Close is
// allowed.
func (w *Writer) Add(b *Block) error {
	if w.invalid != nil {
		return w.invalid
	}
	if err := w.err(); err != nil {
		return err
	}
	if err := w.columns.check(b); err != nil {
		return err
	}
	if b.Rows == 0 {
		return nil
	}
	size := sizeBytes(b)
	if w.waiting.bytes+size > w.budget.waiting {
		if err := w.gather(); err != nil {
			return err
		}
	}
	w.waiting.add(b, size)
	w.gathered.Add(size)
	if w.waiting.enough() || w.waiting.bytes >= w.budget.waiting || len(w.options.SortBy) > 0 {
		if err := w.gather(); err != nil {
			return err
		}
	}
	return w.makeRoom(0)
}

// gather makes the blocks that wait a segment, whose pieces are their
// partitions'.
func (w *Writer) gather() error {
	g := w.waiting
	w.waiting = waiting{}
	if len(g.blocks) == 0 {
		return nil
	}
	w.gathered.Add(-g.bytes)
	parts := mergePartitions(g.blocks)
	order, starts := parts.order()
	var keys vector
	if len(w.options.SortBy) > 0 {
		var err error
		if keys, err = keysOf(g.blocks[0], w.options.SortBy); err != nil { // the only one
			return err
		}
		if order == nil {
			order = identity(g.rows)
		}
		for i := range parts.paths {
			sortRows(order[starts[i]:starts[i+1]], &keys)
		}
		keys = keys.gather(&keyLayout, nil, order)
	}
	s, err := w.columns.segment(&g, order)
	if err != nil {
		return err
	}
	for i := range s.columns {
		w.columnBytes[i] += s.columns[i].sizeBytes(&w.format.layouts[i])
	}
	if len(w.options.SortBy) > 0 {
		s.bytes += keys.sizeBytes(&keyLayout)
		s.columns = append(s.columns, keys)
	}
	w.gathered.Add(s.bytes)
	w.runs++
	for i, path := range parts.paths {
		if starts[i] == starts[i+1] {
			continue
		}
		p := w.partition(path)
		p.add(w.piece(s, int(starts[i]), int(starts[i+1])))
		if err := w.flush(p); err != nil {
			return err
		}
	}
	return nil
}

// piece is rows of a segment.
func (w *Writer) piece(s *segment, start, end int) piece {
	p := piece{rows: end - start, start: start, segment: s, run: w.runs}
	for i := range w.format.layouts {
		p.bytes += s.columns[i].rangeBytes(&w.format.layouts[i], start, end)
	}
	return p
}

// makeRoom spills rows when they take more than is left beside what encoders
// have, and beside so many bytes more, and waits for encoders where these hold
// what does.
func (w *Writer) makeRoom(bytes int64) error {
	full := func() bool {
		others := bytes + w.inUse.Load() + w.metadata.Load()
		return w.gathered.Load() > max(w.budget.rows-others, w.budget.rows/8)
	}
	if !full() {
		return nil
	}
	if err := w.spillAll(); err != nil {
		return err
	}
	for full() && w.running.Load() > 0 {
		select {
		case <-w.freed:
		case <-w.ctx.Done():
			return w.err()
		}
	}
	return nil
}

// Finish writes what was gathered and closes all files. They are in order of
// their partitions' first occurrence, and within a partition in order of its
// rows. Their rows are counted in the footers as written: it is an error when
// they are not as many as were added to the partition.
func (w *Writer) Finish() ([]File, error) {
	if w.invalid != nil {
		return nil, w.invalid
	}
	if err := w.err(); err != nil {
		return nil, err
	}
	if err := w.gather(); err != nil {
		return nil, err
	}
	// The largest first, so that the encoders end together.
	largest := slices.Clone(w.partitions)
	slices.SortStableFunc(largest, func(a, b *partition) int { return cmp.Compare(b.bytes, a.bytes) })
	for _, p := range largest {
		if err := w.handOver(p, true); err != nil {
			return nil, err
		}
	}
	w.encoders.Wait()
	if err := w.err(); err != nil {
		return nil, err
	}
	if err := w.spill.close(); err != nil {
		return nil, fmt.Errorf("table: close a temporary file: %w", err)
	}
	var files []File
	for _, p := range w.partitions {
		rows := int64(0)
		for _, f := range p.files {
			rows += f.rows
			files = append(files, File{Partition: p.path, Rows: f.rows, SizeBytes: f.out.size, ReaderAt: &f.out})
		}
		if rows != p.added {
			return nil, fmt.Errorf("table: partition %q: its files have %d rows by their footers, where %d were added", p.path, rows, p.added)
		}
	}
	return files, nil
}

// Close stops what is running and frees the temporary files. It comes after
// Finish, when the files are no longer needed, or in place of it.
func (w *Writer) Close() error {
	w.cancel(errClosed)
	w.encoders.Wait()
	w.partitions, w.byPath = nil, map[string]*partition{}
	return errors.Join(w.spill.close(), w.output.close())
}

var errClosed = errors.New("table: the writer is closed")

// err is why the work stopped.
func (w *Writer) err() error {
	if w.ctx.Err() == nil {
		return nil
	}
	return context.Cause(w.ctx)
}
