package inventory

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
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
	limit      uint32 // groups of the table before it is flushed

	table table
	// The group of the row before: neighbours mostly share one.
	last       *group
	lastNumber uint32
	lastPrefix []byte // in the table
	lastWhole  bool   // it has all segments of the grouping: whatever lies below belongs to it

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

// add sums up the rows of a batch. An error names the row; the source adds where
// it read it.
func (w *worker) add(b *batch) error {
	if err := w.check(b); err != nil {
		return err
	}
	if b.known {
		return w.addKnown(b)
	}
	start := b.start
	for i := 0; i < b.rows; {
		if b.live != nil && !b.live[i] {
			w.ignored++
			start = b.ends[i]
			i++
			continue
		}
		end := b.ends[i]
		key := b.keys[start:end]
		if len(key) == 0 {
			return fmt.Errorf("row %d has an empty key: no object has one", b.first+int64(i))
		}
		if !w.sameGroup(key) {
			if err := w.find(key[:w.by.prefixLen(key)]); err != nil {
				return fmt.Errorf("row %d: %w", b.first+int64(i), err)
			}
		}
		from := i
		for i++; i < b.rows && (b.live == nil || b.live[i]); i++ {
			if key = b.keys[end:b.ends[i]]; len(key) == 0 || !w.sameGroup(key) {
				break
			}
			end = b.ends[i]
		}
		w.count(b, from, i, start)
		start = end
	}
	return nil
}

// addKnown sums up rows whose group is known and which all match.
func (w *worker) addKnown(b *batch) error {
	for i := 0; i < b.rows; {
		if b.live != nil && !b.live[i] {
			w.ignored++
			i++
			continue
		}
		if w.last == nil || !bytes.Equal(w.lastPrefix, b.prefix) {
			if err := w.find(b.prefix); err != nil {
				return fmt.Errorf("row %d: %w", b.first+int64(i), err)
			}
		}
		from := i
		for i++; i < b.rows && (b.live == nil || b.live[i]); i++ {
		}
		w.count(b, from, i, 0)
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

// sameGroup says whether a key belongs to the group of the row before.
func (w *worker) sameGroup(key []byte) bool {
	if w.last == nil || len(key) < len(w.lastPrefix) || string(key[:len(w.lastPrefix)]) != string(w.lastPrefix) {
		return false
	}
	return w.lastWhole || bytes.IndexByte(key[len(w.lastPrefix):], '/') < 0
}

// find makes the group of this prefix the last one.
func (w *worker) find(prefix []byte) (err error) {
	if w.table.groups.n >= w.limit {
		if err := w.flush(); err != nil {
			return err
		}
	}
	hash := uint32(maphash.Bytes(w.shared.seed, prefix))
	if w.lastNumber, w.last, err = w.table.group(hash, prefix); err != nil {
		w.last = nil
		return err
	}
	w.lastPrefix = w.table.prefix(w.last)
	w.lastWhole = w.by.Depth > 0 && slashes(prefix) == w.by.Depth
	return nil
}

var slash = []byte("/")

func slashes(prefix []byte) int { return bytes.Count(prefix, slash) }

// count adds the rows [from, to), all live, to the last group. start is where
// the first one's key begins.
func (w *worker) count(b *batch, from, to int, start uint32) {
	g, table := w.last, &w.table
	var c *kindCounts
	kind := b.kind
	for i := from; i < to; i++ {
		size := b.sizes[i]
		g.bytes += size
		bucket := sizeBucket(size)
		g.sizes[bucket]++
		if g.sizes[bucket] == 0 {
			table.carry(w.lastNumber, bucket, 1)
		}
		if !w.match.all && !b.known {
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
		if c == nil || c.kind != kind {
			if g.first == 0 {
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
	w.last, w.lastPrefix = nil, nil
	w.objects, w.bytes, w.ignored = 0, 0, 0
	return err
}
