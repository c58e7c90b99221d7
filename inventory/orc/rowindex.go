package orc

import (
	"bytes"
	"errors"
	"fmt"
	"math"
)

// rowIndex is the row index of one column in one stripe (specification, "Row Index").
type rowIndex struct {
	statistics []Statistics // by row group
	// positions[at[g]:at[g+1]] are the numbers that tell where row group g begins in the column's streams.
	positions []uint64
	at        []int
	memory    []byte // decompressed
}

// parse decodes a row index that must have the given number of entries.
func (x *rowIndex) parse(b []byte, kind Kind, groups int) error {
	x.statistics, x.positions, x.at = x.statistics[:0], x.positions[:0], append(x.at[:0], 0)
	err := walk(b, func(f field) error {
		if f.number != 1 {
			return nil
		}
		entry, err := f.message()
		if err != nil {
			return err
		}
		if len(x.statistics) == groups {
			return fmt.Errorf("it has more than %d entries", groups)
		}
		return x.parseEntry(entry, kind)
	})
	if err == nil && len(x.statistics) != groups {
		err = fmt.Errorf("it has %d entries, the stripe %d row groups", len(x.statistics), groups)
	}
	return err
}

func (x *rowIndex) parseEntry(b []byte, kind Kind) error {
	var stats Statistics
	err := walk(b, func(f field) error {
		switch f.number {
		case 1:
			return f.repeated(func(v uint64) error { x.positions = append(x.positions, v); return nil })
		case 2:
			m, err := f.message()
			if err != nil {
				return err
			}
			stats, err = parseStatistics(m, kind)
			return err
		}
		return nil
	})
	x.statistics = append(x.statistics, stats)
	x.at = append(x.at, len(x.positions))
	return err
}

// total returns the statistics of all row groups together.
func (x *rowIndex) total() Statistics {
	sum := Statistics{Known: true}
	for g := range x.statistics {
		sum.add(&x.statistics[g])
	}
	return sum
}

// sorted tells whether the ranges of strings follow one another without overlapping. Of fewer than three row groups that says
// too little: a single damaged end of a range could make it look so.
func (x *rowIndex) sorted() bool {
	all := x.statistics
	for g := range all {
		if !all[g].HasRange || g > 0 && bytes.Compare(all[g-1].Max, all[g].Min) > 0 {
			return false
		}
	}
	return len(all) >= 3
}

// indexed is a stream that the row index points into, and how many numbers that takes beside those for the chunk.
type indexed struct {
	stream *stream
	values bool // a number of values in a run
	bits   bool // a number of bits in a byte
}

// origin is where all streams of a column begin.
var origin [4 * 4]uint64

// distribute gives each stream its positions. Of streams that the stripe doesn't have there may be some or none.
func (x *rowIndex) distribute(streams []indexed, compressed bool) error {
	all, existing := 0, 0
	for _, s := range streams {
		n := s.numbers(compressed)
		all += n
		if s.stream.exists {
			existing += n
		}
	}
	for _, s := range streams {
		s.stream.positions = s.stream.positions[:0]
	}
	for g := range x.statistics {
		numbers := x.positions[x.at[g]:x.at[g+1]]
		if g == 0 && len(numbers) == 0 {
			numbers = origin[:all] // Java writers leave it out where they write no dictionary
		}
		if len(numbers) != all && len(numbers) != existing {
			return fmt.Errorf("row group %d has %d positions, not %d", g, len(numbers), all)
		}
		for _, s := range streams {
			if !s.stream.exists && len(numbers) != all {
				continue
			}
			n := s.numbers(compressed)
			if s.stream.exists {
				if err := s.append(numbers[:n], compressed); err != nil {
					return fmt.Errorf("row group %d: %v stream: %w", g, s.stream.kind, err)
				}
			}
			numbers = numbers[n:]
		}
	}
	for _, s := range streams {
		s.stream.places = resize(s.stream.places, len(s.stream.positions))
	}
	return nil
}

func (s indexed) numbers(compressed bool) int {
	n := 1
	for _, more := range [...]bool{compressed, s.values, s.bits} {
		if more {
			n++
		}
	}
	return n
}

var errPosition = errors.New("a position is out of range, or before the one of the row group before")

func (s indexed) append(numbers []uint64, compressed bool) error {
	var p position
	if numbers[0] > math.MaxInt64>>1 {
		return errPosition
	}
	p.chunk = int64(numbers[0])
	rest := numbers[1:]
	for _, v := range rest {
		if v > maxBlockBytes {
			return errPosition
		}
	}
	if compressed {
		p.inChunk, rest = int(rest[0]), rest[1:]
	}
	if s.values {
		p.values, rest = int(rest[0]), rest[1:]
	}
	if s.bits {
		if p.bits = int(rest[0]); p.bits > 7 {
			return errPosition
		}
	}
	if n := len(s.stream.positions); n > 0 {
		if last := s.stream.positions[n-1]; p.chunk < last.chunk || p.chunk == last.chunk && p.inChunk < last.inChunk {
			return errPosition
		}
	}
	s.stream.positions = append(s.stream.positions, p)
	return nil
}
