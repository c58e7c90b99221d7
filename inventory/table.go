package inventory

import (
	"errors"
	"fmt"
	"math/bits"
	"unicode/utf8"
	"unsafe"
)

// SizeBuckets is the number of counts in a size histogram.
const SizeBuckets = 13

// SizeBounds are the upper bounds of a histogram's counts, in bytes and
// exclusive: count i is of the objects from SizeBounds[i-1] up to below
// SizeBounds[i], the first of the empty ones, the last of those of 1 GiB and more.
var SizeBounds = [SizeBuckets - 1]int64{1, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20, 64 << 20, 256 << 20, 1 << 30}

// sizeBucket is the count of a histogram that a size belongs to: 0 for nothing,
// and powers of four from 2^10 on.
func sizeBucket(size int64) int {
	if size == 0 {
		return 0
	}
	return (min(max(bits.Len64(uint64(size)), 9), 31)-9)/2 + 1
}

// group sums up the objects of one group: 88 bytes, and 40 for each kind of its
// small matching ones. It has no pointers, so that millions of them cost the
// garbage collector nothing.
type group struct {
	prefix    uint32 // place in the table's texts
	prefixLen uint16
	first     uint32              // 1 + number of the newest counts of a kind; 0: none
	sizes     [SizeBuckets]uint32 // objects of all sizes; what does not fit is in the table's carries
	bytes     int64               // of all sizes
	oldest    int64               // of the small matching ones, Unix milliseconds; not set while first is 0
	newest    int64
}

// kindCounts sum up the small matching objects of one kind in one group.
type kindCounts struct {
	next         uint32 // 1 + number of the counts of the group's next kind
	kind         uint16
	objects      int64
	bytes        int64
	shortBytes   int64 // that the objects are short of minimumBilledBytes, each
	kibibyteDays int64 // billed KiB times the days that MinimumDays has left
}

// The bytes that a group takes, and those of each kind in it.
const (
	groupBytes      = int64(unsafe.Sizeof(group{}))
	kindCountsBytes = int64(unsafe.Sizeof(kindCounts{}))
)

// maxKeyBytes is the longest key of S3. Source: Amazon S3 User Guide, "Naming
// Amazon S3 objects".
const maxKeyBytes = 1024

// errTableFull: the numbers of a table do not suffice. The memory bound comes
// first but for a table of more than 64 GiB.
var errTableFull = errors.New("more groups than can be numbered: group by fewer segments")

const (
	maxGroups     = 1<<28 - 1 // of a table: numbers of all shards fit in 32 bits, see groups
	maxTextChunks = 1 << 16
)

// table is a hash table of groups, without pointers. It is for one goroutine.
type table struct {
	// slots have the hash in the upper half, 1 + number in the lower; 0 is empty.
	// At most two in three are taken.
	slots   []uint64
	groups  arena[group]
	counts  arena[kindCounts]
	texts   texts
	carries map[carry]uint64
}

// carry names a count of a histogram that went past 2^32.
type carry struct {
	group  uint32
	bucket int
}

// bytes is the memory of the table, but for carries, each of which stands for
// four thousand million objects.
func (t *table) bytes() int64 {
	return int64(len(t.slots))*8 + chunkLen*(int64(len(t.groups.chunks))*groupBytes+int64(len(t.counts.chunks))*kindCountsBytes) +
		int64(len(t.texts.chunks))*textChunkBytes
}

// used is the part of bytes that holds something.
func (t *table) used() int64 {
	return int64(len(t.slots))*8 + int64(t.groups.n)*groupBytes + int64(t.counts.n)*kindCountsBytes + int64(t.texts.used)*textChunkBytes
}

func (t *table) prefix(g *group) []byte { return t.texts.at(g.prefix, g.prefixLen) }

// group is the group of a prefix, which is made if there is none.
func (t *table) group(hash uint32, prefix []byte) (uint32, *group, error) {
	if mask := uint32(len(t.slots) - 1); len(t.slots) > 0 {
		for i := hash & mask; ; i = (i + 1) & mask {
			slot := t.slots[i]
			if slot == 0 {
				break
			}
			if uint32(slot>>32) == hash {
				n := uint32(slot) - 1
				if g := t.groups.at(n); string(t.prefix(g)) == string(prefix) {
					return n, g, nil
				}
			}
		}
	}
	return t.newGroup(hash, prefix)
}

func (t *table) newGroup(hash uint32, prefix []byte) (uint32, *group, error) {
	switch {
	case len(prefix) > maxKeyBytes:
		return 0, nil, fmt.Errorf("a key below %.80q…: the keys of S3 have at most %d bytes, this has more", prefix, maxKeyBytes)
	case !utf8.Valid(prefix):
		return 0, nil, fmt.Errorf("a key below %q: the keys of S3 are UTF-8, this is none", prefix)
	case t.groups.n >= maxGroups || t.texts.used == maxTextChunks:
		return 0, nil, errTableFull
	}
	if uint64(t.groups.n+1)*3 > uint64(len(t.slots))*2 {
		t.grow()
	}
	n, g := t.groups.add()
	g.prefix, g.prefixLen = t.texts.add(prefix), uint16(len(prefix))
	t.place(uint64(hash)<<32 | uint64(n+1))
	return n, g, nil
}

func (t *table) place(slot uint64) {
	mask := uint32(len(t.slots) - 1)
	i := uint32(slot>>32) & mask
	for t.slots[i] != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = slot
}

// grow doubles the slots.
func (t *table) grow() {
	old := t.slots
	t.slots = make([]uint64, max(64, 2*len(old)))
	for _, slot := range old {
		if slot != 0 {
			t.place(slot)
		}
	}
}

// kind is what counts a kind of objects in a group.
func (t *table) kind(g *group, kind uint16) *kindCounts {
	for i := g.first; i > 0; {
		c := t.counts.at(i - 1)
		if c.kind == kind {
			return c
		}
		i = c.next
	}
	n, c := t.counts.add()
	c.kind, c.next = kind, g.first
	g.first = n + 1
	return c
}

// carry remembers that a count of group n went past 2^32.
func (t *table) carry(n uint32, bucket int, times uint64) {
	if t.carries == nil {
		t.carries = map[carry]uint64{}
	}
	t.carries[carry{n, bucket}] += times
}

// histogram is the whole histogram of group n.
func (t *table) histogram(n uint32) (h [SizeBuckets]int64) {
	g := t.groups.at(n)
	for i, low := range g.sizes {
		h[i] = int64(low)
		if t.carries != nil {
			h[i] += int64(t.carries[carry{n, i}] << 32)
		}
	}
	return h
}

// small are the small matching objects of a group and their bytes.
func (t *table) small(g *group) (objects, bytes int64) {
	for i := g.first; i > 0; {
		c := t.counts.at(i - 1)
		objects += c.objects
		bytes += c.bytes
		i = c.next
	}
	return objects, bytes
}

// reset empties the table and keeps its memory.
func (t *table) reset() {
	clear(t.slots)
	t.groups.reset()
	t.counts.reset()
	t.texts.reset()
	t.carries = nil
}
