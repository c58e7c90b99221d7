package table

import (
	"encoding/binary"
	"fmt"
)

// piece is consecutive rows of a partition: of a segment, or of a chunk in the
// spill file.
type piece struct {
	rows    int
	start   int   // row of the segment or the chunk that it begins with
	bytes   int64 // that its rows take in memory
	run     int32 // with SortBy: the pieces of a run are sorted
	segment *segment

	at, size int64 // of the chunk, where it is one
}

// source reads the columns of a piece.
type source struct {
	piece
	table []byte // of a chunk: where each of its columns begins
}

// A chunk in the spill file is a table of where its columns begin, from the
// chunk's beginning on and with the end of the last one, and the columns.
const (
	tableEntryBytes = 8
	ownText         = 1 << 63 // set where the column has text that has no code
)

func (p piece) open(spill *spool, columns int) (source, error) {
	s := source{piece: p}
	if p.segment != nil {
		return s, nil
	}
	s.table = make([]byte, tableEntryBytes*(columns+1))
	if _, err := spill.ReadAt(s.table, p.at); err != nil {
		return s, fmt.Errorf("read rows from a temporary file: %w", err)
	}
	return s, nil
}

// columnBytes is how many bytes of the spill file a column takes.
func (s *source) columnBytes(c int) int {
	if s.segment != nil {
		return 0
	}
	return s.columnAt(c+1) - s.columnAt(c)
}

func (s *source) columnAt(c int) int {
	return int(binary.LittleEndian.Uint64(s.table[tableEntryBytes*c:]) &^ ownText)
}

// isCoded says of a column of text that all of it is codes of the dictionary.
func (s *source) isCoded(c int) bool {
	if s.segment != nil {
		return s.segment.columns[c].coded > 0
	}
	return binary.LittleEndian.Uint64(s.table[tableEntryBytes*c:])&ownText == 0
}

// column is a view of the piece's values of a column; a chunk's are read into
// memory of the arena.
func (s *source) column(a *arena, spill *spool, l *layout, c int) (vector, error) {
	if s.segment != nil {
		return s.segment.columns[c].slice(l, s.start, s.start+s.rows), nil
	}
	b := a.bytes(s.columnBytes(c))
	if _, err := spill.ReadAt(b, s.at+int64(s.columnAt(c))); err != nil {
		return vector{}, fmt.Errorf("read rows from a temporary file: %w", err)
	}
	v, _, err := readVector(b, l)
	if err != nil {
		return v, err
	}
	if s.start+s.rows > v.n {
		return v, errSpill
	}
	return v.slice(l, s.start, s.start+s.rows), nil
}

// chunk is the bytes of rows in the spill file, by column.
type chunk struct {
	bytes []byte
	begun int // columns
}

func newChunk(buf []byte, columns int) *chunk {
	n := tableEntryBytes * (columns + 1)
	if cap(buf) < n {
		buf = aligned(max(n, chunkBytes))
	}
	return &chunk{bytes: buf[:n]}
}

func (c *chunk) add(l *layout, v *vector) {
	flags := uint64(0)
	if l.kind == text && len(v.offsets) > 0 {
		flags = ownText
	}
	c.mark(flags)
	c.bytes = appendVector(c.bytes, l, v)
}

// mark writes where the next column begins, or the last one ends.
func (c *chunk) mark(flags uint64) {
	binary.LittleEndian.PutUint64(c.bytes[tableEntryBytes*c.begun:], uint64(len(c.bytes))|flags)
	c.begun++
}
