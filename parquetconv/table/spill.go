package table

import (
	"fmt"
)

// spillAll writes the rows in memory to the spill file, those of a partition in
// chunks one behind the other.
func (w *Writer) spillAll() error {
	if err := w.gather(); err != nil {
		return err
	}
	s := spiller{writer: w, columns: len(w.format.layouts)}
	if len(w.options.SortBy) > 0 {
		s.columns++
	}
	w.runs++
	for _, p := range w.partitions {
		if err := w.err(); err != nil {
			return err
		}
		if err := s.partition(p); err != nil {
			return fmt.Errorf("table: spill rows of partition %q: %w", p.path, err)
		}
	}
	return nil
}

// spiller writes chunks. It holds one, and the column of it that is gathered.
type spiller struct {
	writer  *Writer
	columns int
	buf     []byte
	arena   arena
}

func (s *spiller) partition(p *partition) error {
	first := 0
	for first < len(p.pieces) && p.pieces[first].segment == nil {
		first++
	}
	inMemory := p.pieces[first:]
	if len(inMemory) == 0 {
		return nil
	}
	next, err := s.chunks(inMemory)
	if err != nil {
		return err
	}
	var spilled []piece
	for {
		pieces, order, err := next()
		if err != nil {
			return err
		}
		if len(pieces) == 0 {
			break
		}
		chunk, err := s.write(pieces, order)
		if err != nil {
			return err
		}
		spilled = append(spilled, chunk)
	}
	for _, piece := range inMemory {
		s.writer.free(piece.segment, piece.rows)
	}
	p.pieces = append(p.pieces[:first:first], spilled...)
	return nil
}

// chunks divides the pieces of a partition into chunks; sorted ones are merged.
// Those are smaller, since the merge of a partition holds one of each run, and
// their keys, which may be longer than what they were made of, count too.
func (s *spiller) chunks(pieces []piece) (func() ([]piece, []int32, error), error) {
	w := s.writer
	j := job{writer: w, pieces: pieces}
	for _, p := range pieces {
		j.rows += p.rows
		j.bytes += p.bytes
	}
	if len(w.options.SortBy) == 0 {
		return j.inOrder(int(j.bytes/chunkBytes) + 1), nil
	}
	for _, p := range pieces {
		keys := &p.segment.columns[s.columns-1]
		j.bytes += keys.rangeBytes(&keyLayout, p.start, p.start+p.rows)
	}
	return j.sorted(int(j.bytes/w.budget.sortedChunk) + 1)
}

func (s *spiller) write(pieces []piece, order []int32) (piece, error) {
	w := s.writer
	c := newChunk(s.buf, s.columns)
	out := piece{run: w.runs}
	sources := make([]source, len(pieces))
	for i, p := range pieces {
		sources[i] = source{piece: p}
		out.rows += p.rows
		out.bytes += p.bytes
	}
	parts := make([]vector, len(sources))
	for i := range s.columns {
		l, dictionary := &keyLayout, 0
		if i < len(w.format.layouts) {
			l, dictionary = &w.format.layouts[i], w.columns.dictionaries[i].len()
		}
		for k := range sources {
			var err error
			if parts[k], err = sources[k].column(nil, &w.spill, l, i); err != nil {
				return out, err
			}
		}
		s.arena.reset()
		v := concat(l, &s.arena, dictionary, parts)
		if order != nil {
			v = v.gather(l, &s.arena, order)
		}
		c.add(l, &v)
	}
	c.mark(0)
	s.buf = c.bytes
	var err error
	out.size = int64(len(c.bytes))
	out.at, err = w.spill.append(c.bytes)
	return out, err
}
