package inventory

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
)

// run are neighbouring live rows of one group.
type run struct {
	from, to  int32  // rows
	start     uint32 // of the first key
	prefixLen uint32
	word      uint64 // the first eight bytes of the prefix, zeros behind its end
	hash      uint32
	place     uint32
}

// runsAtOnce is how many runs are looked up together: enough for the processor
// to fetch what it needs of one while it waits for another, few enough for all
// of it to stay in the cache.
const runsAtOnce = 256

// findRuns finds the runs from row i on, whose key begins at start, and returns
// their number and where it stopped.
func (w *worker) findRuns(b *batch, i int, start uint32) (n, next int, nextStart uint32, err error) {
	keys, ends, live := b.keys, b.ends[:b.rows], b.live
	for i < len(ends) && n < len(w.runs) {
		if w.by.Depth == 1 && live == nil {
			if n, i, start = w.shortRuns(b, n, i, start); i == len(ends) || n == len(w.runs) {
				break
			}
		}
		end := ends[i]
		if live != nil && !live[i] {
			w.ignored++
			start = end
			i++
			continue
		}
		if start == end {
			return 0, 0, 0, fmt.Errorf("row %d has an empty key: no object has one", b.first+int64(i))
		}
		r := &w.runs[n]
		n++
		r.from, r.start = int32(i), start
		whole := w.group(r, keys, start, end)
		for i++; i < len(ends) && (live == nil || live[i]); i++ {
			next := ends[i]
			if !r.has(keys, end, next, whole) {
				break
			}
			end = next
		}
		r.to = int32(i)
		start = end
	}
	return n, i, start, nil
}

// shortRuns is findRuns for the most common keys: all live, grouped by a first
// segment that fits with its slash into eight bytes. It stops before a row that is
// not so.
func (w *worker) shortRuns(b *batch, n, i int, start uint32) (runs, next int, nextStart uint32) {
	keys, ends := b.keys, b.ends[:b.rows]
	var r *run
	var last uint64 // the prefix of r; no prefix is 0
	for ; i < len(ends) && int(start)+8 <= len(keys); i++ {
		word := binary.LittleEndian.Uint64(keys[start:])
		slash := bits.TrailingZeros64(slashBits(word)) // its highest bit; 64: none
		length := uint32(slash)>>3 + 1
		if slash == 64 || ends[i]-start < length {
			break
		}
		word = word << (63 - slash) >> (63 - slash)
		if word != last {
			if n == len(w.runs) {
				break
			}
			r = &w.runs[n]
			r.from, r.start, r.prefixLen, r.word, r.hash = int32(i), start, length, word, shorten(fold(w.shared.seed^word, hashFactor))
			n++
			last = word
		}
		r.to = int32(i) + 1
		start = ends[i]
	}
	return n, i, start
}

// group sets the group of the key keys[start:end], and says whether whatever
// begins with its prefix belongs to it.
func (w *worker) group(r *run, keys []byte, start, end uint32) (whole bool) {
	var n int
	if w.by.Depth > 0 {
		n, whole = segments(keys, start, end, w.by.Depth)
	} else {
		n = directory(keys, start, end)
	}
	r.prefixLen = uint32(n)
	r.word = load(keys, start, start+uint32(n))
	r.hash = w.shared.hash(keys, start, start+uint32(n))
	return whole
}

// has says whether the key keys[start:end], which is not empty, belongs to the
// group of the run.
func (r *run) has(keys []byte, start, end uint32, whole bool) bool {
	n := r.prefixLen
	if n <= 8 {
		// A shorter key has a zero where the prefix has its slash.
		if load(keys, start, end)<<(64-8*n) != r.word<<(64-8*n) {
			return false
		}
	} else {
		if end-start < n {
			return false
		}
		// The last bytes differ more often than the first.
		if last := n - 8; binary.LittleEndian.Uint64(keys[start+last:]) != binary.LittleEndian.Uint64(keys[r.start+last:]) ||
			string(keys[start:start+last]) != string(keys[r.start:r.start+last]) {
			return false
		}
	}
	return start < end && (whole || bytes.IndexByte(keys[start+n:end], '/') < 0)
}

// knownRuns is findRuns where the group of all rows is known.
func (w *worker) knownRuns(b *batch, i int) (n, next int) {
	length := uint32(len(b.prefix))
	known := run{prefixLen: length, word: load(b.prefix, 0, length), hash: w.shared.hash(b.prefix, 0, length)}
	for i < b.rows && n < len(w.runs) {
		if b.live != nil && !b.live[i] {
			w.ignored++
			i++
			continue
		}
		known.from = int32(i)
		for i++; i < b.rows && (b.live == nil || b.live[i]); i++ {
		}
		known.to = int32(i)
		w.runs[n] = known
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
		if t.findShort(r) {
			continue
		}
		var err error
		if r.place, err = t.group(r.hash, keys, r.start, r.start+r.prefixLen); err != nil {
			return fmt.Errorf("row %d: %w", b.first+int64(r.from), err)
		}
	}
	return nil
}

// count adds the rows of the runs to their groups.
func (w *worker) count(b *batch, runs []run) {
	table := &w.table
	matchAll := b.known || w.match.all
	sizes, modified, kinds, kind := b.sizes, b.modified, b.kinds, b.kind
	for i := range runs {
		r := &runs[i]
		g := table.at(r.place)
		c := &g.first
		start := r.start
		for i := int(r.from); i < int(r.to); i++ {
			size := sizes[i]
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
			t := modified[i]
			if kinds != nil {
				kind = kinds[i]
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
// its billed KiB times the days, less the whole days of its age.
func kibibyteDays(size, days, ageMillis int64) int64 {
	left := days - max(0, ageMillis)/dayMillis
	if left <= 0 {
		return 0
	}
	return left * ((max(size, minimumBilledBytes)-1)>>10 + 1)
}
