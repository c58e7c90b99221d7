package table

import (
	"fmt"
	"runtime/debug"
	"slices"
)

// partition is one folder of the table.
type partition struct {
	path  string
	added int64 // rows

	// What was added and is in no row group yet, in order.
	pieces []piece
	rows   int
	bytes  int64

	open bool          // has a file, which may take more
	last chan struct{} // closed when what was handed over last is written

	// Of the encoder at work; one after the other.
	files   []*tableFile
	current *tableFile
}

func (w *Writer) partition(path string) *partition {
	p := w.byPath[path]
	if p == nil {
		p = &partition{path: path}
		w.byPath[path] = p
		w.partitions = append(w.partitions, p)
	}
	return p
}

func (p *partition) add(piece piece) {
	p.pieces = append(p.pieces, piece)
	p.rows += piece.rows
	p.bytes += piece.bytes
	p.added += int64(piece.rows)
}

// groupBytes is how much of the partition's rows makes a row group: what the
// options say, or what two encoders at once, if there are, have memory for.
func (w *Writer) groupBytes(p *partition) int64 {
	limit := float64(w.options.RowGroupBytes)
	share := w.budget.encode
	if w.options.Writers > 1 {
		share /= 2
	}
	perByte := w.encodeBytesPerByte(p.rows, p.bytes)
	limit = min(limit, float64(share-encodeBytes)/perByte)
	if p.rows > 0 {
		limit = min(limit, maxGroupRows*float64(p.bytes)/float64(p.rows))
	}
	return max(1, int64(limit))
}

// encodeBytesPerByte is what encoding takes for each byte of rows: some copies
// of the largest column, and levels and codes.
func (w *Writer) encodeBytesPerByte(rows int, bytes int64) float64 {
	largest, all := int64(1), int64(1)
	for _, n := range w.columnBytes {
		largest = max(largest, n)
		all += n
	}
	return encodeCopies*float64(largest)/float64(all) + encodeRowBytes*float64(rows)/float64(max(1, bytes))
}

// flush hands the partition's rows over when they make a row group. Sorted rows
// wait for all others of the partition.
func (w *Writer) flush(p *partition) error {
	if len(w.options.SortBy) > 0 || p.bytes < w.groupBytes(p) {
		return nil
	}
	if !p.open {
		if w.open >= w.options.MaxOpenPartitions {
			return nil
		}
		p.open = true
		w.open++
	}
	return w.handOver(p, false)
}

// handOver has the partition's rows encoded, behind those handed over before,
// and its last file closed. It waits while no encoder is free.
func (w *Writer) handOver(p *partition, last bool) error {
	groupBytes := w.groupBytes(p)
	group := min(float64(p.bytes), 1.5*float64(groupBytes))
	memory := min(w.budget.encode, encodeBytes+int64(group*w.encodeBytesPerByte(p.rows, p.bytes)))
	if err := w.makeRoom(memory); err != nil {
		return err
	}
	j := &job{writer: w, partition: p, pieces: p.pieces, rows: p.rows, bytes: p.bytes, last: last, groupBytes: groupBytes, memory: memory}
	for i := range w.columns.dictionaries {
		j.dictionaries = append(j.dictionaries, w.columns.dictionaries[i].entries)
	}
	p.pieces, p.rows, p.bytes = nil, 0, 0
	select {
	case j.scratch = <-w.idle:
	case <-w.ctx.Done():
		return w.err()
	}
	if err := w.encoding.Acquire(w.ctx, j.memory); err != nil {
		return w.err()
	}
	w.inUse.Add(j.memory)
	before, written := p.last, make(chan struct{})
	p.last = written
	w.running.Add(1)
	w.encoders.Go(func() {
		defer func() {
			j.release()
			close(written)
			w.inUse.Add(-j.memory)
			w.encoding.Release(j.memory)
			w.idle <- j.scratch
			w.running.Add(-1)
			w.wake()
		}()
		if before != nil {
			<-before
		}
		if w.ctx.Err() != nil {
			return
		}
		if err := j.run(); err != nil {
			w.cancel(fmt.Errorf("table: write partition %q: %w", p.path, err))
		}
	})
	return nil
}

// wake tells Add that memory may have become free.
func (w *Writer) wake() {
	select {
	case w.freed <- struct{}{}:
	default:
	}
}

// free says that rows of a segment are done with.
func (w *Writer) free(s *segment, rows int) {
	if s.live.Add(-int64(rows)) == 0 {
		w.gathered.Add(-s.bytes)
	}
}

// job is rows of a partition that were handed over.
type job struct {
	writer       *Writer
	partition    *partition
	scratch      *scratch
	pieces       []piece
	rows         int
	bytes        int64
	dictionaries []entries // of the columns, as far as the pieces need them
	groupBytes   int64
	memory       int64 // acquired
	last         bool  // close the partition's file
}

// release frees the pieces, written or not.
func (j *job) release() {
	for _, p := range j.pieces {
		if p.segment != nil {
			j.writer.free(p.segment, p.rows)
		}
	}
	j.pieces = nil
}

// run writes the rows as row groups of about the same size.
func (j *job) run() (err error) {
	defer func() {
		if r := recover(); r != nil { // what arrow-go doesn't return as an error
			err = fmt.Errorf("encode a row group: %v\n%s", r, debug.Stack())
		}
	}()
	if j.rows > 0 {
		groups := max(1, int((j.bytes+j.groupBytes/2)/j.groupBytes))
		next := j.inOrder(groups)
		if len(j.writer.options.SortBy) > 0 {
			if next, err = j.sorted(groups); err != nil {
				return err
			}
		}
		for {
			pieces, order, err := next()
			if err != nil {
				return err
			}
			if len(pieces) == 0 {
				break
			}
			if err := j.writeRowGroup(pieces, order); err != nil {
				return err
			}
		}
	}
	if !j.last {
		return nil
	}
	return j.closeFile()
}

// inOrder takes the pieces as they came, for each of a number of row groups.
func (j *job) inOrder(groups int) func() ([]piece, []int32, error) {
	rest, target := j.pieces, j.bytes/int64(groups)
	return func() ([]piece, []int32, error) {
		n, size := 0, int64(0)
		for n < len(rest) && (n == 0 || groups <= 1 || size+rest[n].bytes/2 < target) {
			size += rest[n].bytes
			n++
		}
		groups--
		pieces := rest[:n]
		rest = rest[n:]
		return pieces, nil, nil
	}
}

// sorted merges the pieces.
func (j *job) sorted(groups int) (func() ([]piece, []int32, error), error) {
	w := j.writer
	m, err := newMerger(&w.spill, len(w.format.layouts)+1, j.pieces)
	if err != nil {
		return nil, err
	}
	rows := (j.rows + groups - 1) / groups
	return func() ([]piece, []int32, error) { return m.next(rows) }, nil
}

// closeFile ends the partition's last file.
func (j *job) closeFile() error {
	p := j.partition
	if p.current == nil {
		return nil
	}
	j.lendSink(p.current)
	err := p.current.close()
	j.takeSink(p.current)
	j.writer.metadata.Add(-p.current.metadataBytes)
	p.current = nil
	return err
}

func (j *job) lendSink(f *tableFile) { f.sink.buf = slices.Grow(j.scratch.sink[:0], sinkBytes) }

func (j *job) takeSink(f *tableFile) { j.scratch.sink, f.sink.buf = f.sink.buf, nil }
