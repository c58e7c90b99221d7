package inventory

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
)

// worker sums up the rows that one goroutine reads: into a table of its own,
// which it flushes into the shared one when that has many groups, and at the
// end. Sums do not depend on who read what in which order.
type worker struct {
	kindTable
	shared     *groups
	by         Grouping
	match      matcher
	smallBytes uint64 // objects below are small
	limit      int    // groups of the table before it is flushed

	table   table
	runs    [runsAtOnce]run
	fetched uint64 // see table.fetch

	objects, bytes, ignored int64 // since the last flush
}

// errTooManyBytes: no group has more bytes than all objects together, so that
// none overflows when their sum does not.
var errTooManyBytes = errors.New("the sizes of all objects exceed 2^63 bytes: this is no report of S3")

// The first and the last millisecond that a plan can hold as a date, since 1970.
const (
	firstMilli = -62135596800_000 // 0001-01-01T00:00:00Z
	lastMilli  = 253402300799_999 // 9999-12-31T23:59:59.999Z

	impossibleMilli = math.MinInt64 // what a source makes of a time that has no milliseconds
)

// add sums up the rows of a batch, or hands them on. An error names the row; the source adds where
// it read it.
func (w *worker) add(b *batch) error {
	if err := w.check(b); err != nil {
		return err
	}
	if w.shared.each != nil {
		return w.shared.each(b)
	}
	start := b.start
	for i := 0; i < b.rows; {
		var n int
		if b.known {
			n, i = w.knownRuns(b, i)
		} else {
			var err error
			if n, i, start, err = w.findRuns(b, i, start); err != nil {
				return err
			}
		}
		if err := w.place(b, w.runs[:n]); err != nil {
			return err
		}
		w.count(b, w.runs[:n])
	}
	return nil
}

// check looks for rows that no object can have, and adds to the totals.
func (w *worker) check(b *batch) error {
	var all int64 // has every bit that a size has
	earliest, latest := int64(math.MaxInt64), int64(math.MinInt64)
	var sum int64
	if b.live == nil {
		for _, size := range b.sizes[:b.rows] {
			all |= size
			sum += size
		}
		for _, t := range b.modified[:b.rows] {
			earliest, latest = min(earliest, t), max(latest, t)
		}
		w.objects += int64(b.rows)
	} else {
		for i, live := range b.live[:b.rows] {
			if live {
				all |= b.sizes[i]
				sum += b.sizes[i]
				earliest, latest = min(earliest, b.modified[i]), max(latest, b.modified[i])
				w.objects++
			}
		}
	}
	// So that neither the sum has overflowed nor adding it will.
	small := all >= 0 && bits.Len64(uint64(all))+bits.Len(uint(b.rows)) < 62 && w.bytes < 1<<62
	if small && (earliest > latest || earliest >= firstMilli && latest <= lastMilli) {
		w.bytes += sum
		return nil
	}
	for i := range b.rows {
		if b.live != nil && !b.live[i] {
			continue
		}
		switch size, t := b.sizes[i], b.modified[i]; {
		case size < 0:
			return fmt.Errorf("row %d has a size of %d bytes: no object can have it", b.first+int64(i), size)
		case t < firstMilli || t > lastMilli:
			return fmt.Errorf("row %d was last modified %d milliseconds after 1970: no date of the years 1 to 9999", b.first+int64(i), t)
		case size > math.MaxInt64-w.bytes:
			return errTooManyBytes
		default:
			w.bytes += size
		}
	}
	return nil
}

// flush adds what was summed up to the shared table.
func (w *worker) flush() error {
	err := w.shared.merge(&w.table, w.objects, w.bytes, w.ignored)
	w.table.reset()
	w.objects, w.bytes, w.ignored = 0, 0, 0
	return err
}
