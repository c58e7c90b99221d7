package inventory

import (
	"bytes"
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

// run are neighbouring live rows of one group.
type run struct {
	from, to  int    // rows
	start     uint32 // of the first key
	prefixLen int
	hash      uint32
	place     uint32
}

// runsAtOnce is how many runs are looked up together: enough for the processor
// to fetch what it needs of one while it waits for another, few enough for all
// of it to stay in the cache.
const runsAtOnce = 256

// errTooManyBytes: no group has more bytes than all objects together, so that
// none overflows when their sum does not.
var errTooManyBytes = errors.New("the sizes of all objects exceed 2^63 bytes: this is no report of S3")

// The first and the last millisecond that a plan can hold as a date, since 1970.
const (
	firstMilli = -62135596800_000 // 0001-01-01T00:00:00Z
	lastMilli  = 253402300799_999 // 9999-12-31T23:59:59.999Z

	impossibleMilli = math.MinInt64 // what a source makes of a time that has no milliseconds
)

// add sums up the rows of a batch. An error names the row; the source adds where
// it read it.
func (w *worker) add(b *batch) error {
	if err := w.check(b); err != nil {
		return err
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

// findRuns finds the runs from row i on, whose key begins at start, and returns
// their number and where it stopped.
func (w *worker) findRuns(b *batch, i int, start uint32) (n, next int, nextStart uint32, err error) {
	keys, depth := b.keys, w.by.Depth
	for ; i < b.rows && n < len(w.runs); n++ {
		if b.live != nil && !b.live[i] {
			w.ignored++
			start = b.ends[i]
			i++
			n--
			continue
		}
		end := b.ends[i]
		if start == end {
			return 0, 0, 0, fmt.Errorf("row %d has an empty key: no object has one", b.first+int64(i))
		}
		r := &w.runs[n]
		r.from, r.start = i, start
		whole := false
		if depth > 0 {
			r.prefixLen, whole = segments(keys, start, end, depth)
		} else {
			r.prefixLen = directory(keys, start, end)
		}
		n := uint32(r.prefixLen)
		r.hash = w.shared.hash(keys, start, start+n)
		for i++; i < b.rows && (b.live == nil || b.live[i]); i++ {
			next := b.ends[i]
			if next-end < max(1, n) || !sameStart(keys, start, end, r.prefixLen) || !whole && bytes.IndexByte(keys[end+n:next], '/') >= 0 {
				break
			}
			end = next
		}
		r.to = i
		start = end
	}
	return n, i, start, nil
}

// knownRuns is the same where the group of all rows is known.
func (w *worker) knownRuns(b *batch, i int) (n, next int) {
	hash := w.shared.hash(b.prefix, 0, uint32(len(b.prefix)))
	for i < b.rows && n < len(w.runs) {
		if b.live != nil && !b.live[i] {
			w.ignored++
			i++
			continue
		}
		r := run{from: i, prefixLen: len(b.prefix), hash: hash}
		for i++; i < b.rows && (b.live == nil || b.live[i]); i++ {
		}
		r.to = i
		w.runs[n] = r
		n++
	}
	return n, i
}

// place finds the groups of the runs.
func (w *worker) place(b *batch, runs []run) error {
	if w.table.n+len(runs) > w.limit {
		if err := w.flush(); err != nil {
			return err
		}
	}
	t := &w.table
	if len(runs) > 1 && t.n > cachedGroups {
		w.fetched = t.fetch(runs)
	}
	keys := b.keys
	if b.known {
		keys = b.prefix
	}
	for i := range runs {
		r := &runs[i]
		var err error
		if r.place, err = t.group(r.hash, keys, r.start, r.start+uint32(r.prefixLen)); err != nil {
			return fmt.Errorf("row %d: %w", b.first+int64(r.from), err)
		}
	}
	return nil
}

// check looks for rows that no object can have, and adds to the totals.
func (w *worker) check(b *batch) error {
	var all int64 // has every bit that a size has
	earliest, latest := int64(math.MaxInt64), int64(math.MinInt64)
	if b.live == nil {
		for _, size := range b.sizes[:b.rows] {
			all |= size
		}
		for _, t := range b.modified[:b.rows] {
			earliest, latest = min(earliest, t), max(latest, t)
		}
		w.objects += int64(b.rows)
	} else {
		for i, live := range b.live[:b.rows] {
			if live {
				all |= b.sizes[i]
				earliest, latest = min(earliest, b.modified[i]), max(latest, b.modified[i])
				w.objects++
			}
		}
	}
	if all >= 0 && (earliest > latest || earliest >= firstMilli && latest <= lastMilli) && bits.Len64(uint64(all)) < 48 && w.bytes < 1<<62 {
		for i, size := range b.sizes[:b.rows] { // 2^14 rows of less than 2^48 bytes cannot overflow
			if b.live == nil || b.live[i] {
				w.bytes += size
			}
		}
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

// count adds the rows of the runs to their groups.
func (w *worker) count(b *batch, runs []run) {
	table := &w.table
	matchAll := b.known || w.match.all
	kind := b.kind
	for i := range runs {
		r := &runs[i]
		g := table.at(r.place)
		c := &g.first
		start := r.start
		for i := r.from; i < r.to; i++ {
			size := b.sizes[i]
			g.bytes += size
			bucket := sizeBucket(size)
			g.sizes[bucket]++
			if g.sizes[bucket] == 0 {
				table.carry(r.place, bucket, 1)
			}
			if !matchAll {
				key := b.keys[start:b.ends[i]]
				start = b.ends[i]
				if uint64(size) >= w.smallBytes || !w.match.matches(key) {
					continue
				}
			} else if uint64(size) >= w.smallBytes {
				continue
			}
			t := b.modified[i]
			if b.kinds != nil {
				kind = b.kinds[i]
			}
			if c.kind != kind || c.objects == 0 {
				if g.first.objects == 0 {
					g.oldest, g.newest = t, t
				}
				c = table.kind(g, kind)
			}
			g.oldest, g.newest = min(g.oldest, t), max(g.newest, t)
			c.objects++
			c.bytes += size
			c.shortBytes += max(0, minimumBilledBytes-size)
			if days := w.days[kind]; days > 0 {
				c.kibibyteDays += kibibyteDays(size, days, w.shared.at-t)
			}
		}
	}
}

const dayMillis = 24 * 60 * 60 * 1000

// kibibyteDays is what is left to pay of an object's minimum duration at an age:
// its billed KiB times the days that have not begun.
func kibibyteDays(size, days, ageMillis int64) int64 {
	left := days - max(0, ageMillis)/dayMillis
	if left <= 0 {
		return 0
	}
	return left * ((max(size, minimumBilledBytes)-1)>>10 + 1)
}

// flush adds what was summed up to the shared table.
func (w *worker) flush() error {
	err := w.shared.merge(&w.table, w.objects, w.bytes, w.ignored)
	w.table.reset()
	w.objects, w.bytes, w.ignored = 0, 0, 0
	return err
}
