package inventory

import (
	"encoding/binary"
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

// sizeBucket is the count of a histogram that a size belongs to.
func sizeBucket(size int64) int { return int(bucketOf[bits.Len64(uint64(size))%64]) }

// bucketOf is by the bits of the size: 0 for nothing, then powers of four from
// 2^10 on.
var bucketOf = func() (of [64]uint8) {
	for n := 1; n < len(of); n++ {
		of[n] = uint8((min(max(n, 9), 31)-9)/2 + 1)
	}
	return of
}()

// group sums up the objects of one group. It has no pointers, so that millions
// of them cost the garbage collector nothing. Its prefix lies behind it.
type group struct {
	bytes     int64               // of all sizes
	oldest    int64               // of the small matching ones, Unix milliseconds; not set while there are none
	newest    int64               //
	first     kindCounts          // of the small matching ones; without objects while there are none
	sizes     [SizeBuckets]uint32 // objects of all sizes; what does not fit is in the table's carries
	prefixLen uint16              // bytes
}

// kindCounts sum up the small matching objects of one kind in one group.
type kindCounts struct {
	objects      int64
	bytes        int64
	shortBytes   int64  // that the objects are short of minimumBilledBytes, each
	kibibyteDays int64  // billed KiB times the days that MinimumDays has left
	next         uint32 // 1 + number of the counts of the group's next kind in the table's counts
	kind         uint16
}

const (
	groupWords = int(unsafe.Sizeof(group{})) / 8 // 15
	// maxKeyBytes is the longest key of S3. Source: Amazon S3 User Guide, "Naming
	// Amazon S3 objects".
	maxKeyBytes = 1024

	chunkWords = 8192 // of a table, 64 KiB
	chunkLen   = 1024 // kindCounts of a chunk, 40 KiB
	// maxPlace bounds a table to 2 GiB, so that a place and the number of a shard
	// fit in 32 bits.
	maxPlace = 1<<(32-shardBits) - 1
)

// errTableFull: the places of a table do not suffice.
var errTableFull = errors.New("more than 32 GiB of groups: choose a coarser grouping")

// table is a hash table of groups, without pointers, in chunks that never move:
// it grows without copies but of its slots. It is for one goroutine.
type table struct {
	// slots have the hash in the upper half, 1 + place in the lower; 0 is empty. At
	// most half of them are taken, a quarter in a small table.
	slots []uint64
	n     int // groups
	// chunks hold the groups, each followed by its prefix in whole words, padded with
	// zeros. A place is the number of a word in all of them.
	chunks []*[chunkWords]uint64
	used   []uint16 // words of each chunk
	end    int      // the place behind the last group
	// counts are the kinds of groups that have more than one.
	counts  []*[chunkLen]kindCounts
	nCounts uint32
	carries map[carry]uint64
}

// carry names a count of a histogram that went past 2^32.
type carry struct {
	place  uint32
	bucket int
}

// bytes is the memory of the table, but for carries, each of which stands for
// four thousand million objects.
func (t *table) bytes() int64 {
	return int64(len(t.slots))*8 + int64(len(t.chunks))*chunkWords*8 + int64(len(t.counts))*chunkLen*int64(unsafe.Sizeof(kindCounts{}))
}

// at is the group at a place.
func (t *table) at(place uint32) *group {
	return (*group)(unsafe.Pointer(&t.chunks[place/chunkWords][place%chunkWords])) // newGroup made room for all of it
}

// prefix is the prefix of the group at a place. It lies in the table.
func (t *table) prefix(place uint32) []byte {
	n := int(t.at(place).prefixLen)
	if n == 0 {
		return nil
	}
	first := &t.chunks[place/chunkWords][int(place%chunkWords)+groupWords]
	return unsafe.Slice((*byte)(unsafe.Pointer(first)), n) // the n bytes that newGroup wrote
}

// wordsOf is the number of words that a prefix takes.
func wordsOf(prefixLen int) int { return (prefixLen + 7) / 8 }

// group is the place of the group of the prefix keys[start:end], which is made
// if there is none.
func (t *table) group(hash uint32, keys []byte, start, end uint32) (uint32, error) {
	if len(t.slots) > 0 {
		mask := uint32(len(t.slots) - 1)
		for i := hash & mask; t.slots[i] != 0; i = (i + 1) & mask {
			if slot := t.slots[i]; uint32(slot>>32) == hash {
				if place := uint32(slot) - 1; t.has(place, keys, start, end) {
					return place, nil
				}
			}
		}
	}
	return t.newGroup(hash, keys[start:end])
}

// findShort finds the group of a run if that has a prefix of at most 8 bytes and
// lies where it is looked for first.
func (t *table) findShort(r *run) bool {
	if r.prefixLen > 8 || len(t.slots) == 0 {
		return false
	}
	slot := t.slots[r.hash&uint32(len(t.slots)-1)]
	if uint32(slot>>32) != r.hash || slot == 0 {
		return false
	}
	place := uint32(slot) - 1
	chunk, at := t.chunks[place/chunkWords], place%chunkWords
	if uint32((*group)(unsafe.Pointer(&chunk[at])).prefixLen) != r.prefixLen || r.prefixLen > 0 && chunk[(at+uint32(groupWords))%chunkWords] != r.word {
		return false
	}
	r.place = place
	return true
}

// has says whether the group at a place has the prefix keys[start:end].
func (t *table) has(place uint32, keys []byte, start, end uint32) bool {
	chunk, at := t.chunks[place/chunkWords], int(place%chunkWords)
	if uint32((*group)(unsafe.Pointer(&chunk[at])).prefixLen) != end-start {
		return false
	}
	at += groupWords
	for ; end-start > 8; start += 8 {
		if chunk[at] != binary.LittleEndian.Uint64(keys[start:]) {
			return false
		}
		at++
	}
	return end == start || chunk[at] == load(keys, start, end)
}

// fetch looks at what group and the counting that follows will need, without
// waiting for one before the next: memory answers many such questions at a time.
// The result is of no use, but shows the compiler one.
func (t *table) fetch(runs []run) (seen uint64) {
	mask := uint32(len(t.slots) - 1)
	for i := range runs {
		r := &runs[i]
		r.place = uint32(t.slots[r.hash&mask]) - 1
	}
	for i := range runs {
		if place := runs[i].place; place < uint32(t.end) {
			seen += t.look(place)
		}
	}
	return seen
}

// look reads from each line of the cache that a group and the beginning of its
// prefix lie in.
func (t *table) look(place uint32) uint64 {
	chunk, at := t.chunks[place/chunkWords], place%chunkWords
	return chunk[at] + chunk[(at+8)%chunkWords] + chunk[(at+16)%chunkWords]
}

// sparseGroups is up to how many groups a table has four slots for each, and so
// finds nearly all at the first look.
const sparseGroups = 8192

// cachedGroups is how many groups the processor's cache has room for, about.
const cachedGroups = 256

// tail is a word of fewer than 8 bytes.
func tail(b []byte) (w uint64) {
	for i, c := range b {
		w |= uint64(c) << (8 * i)
	}
	return w
}

func (t *table) newGroup(hash uint32, prefix []byte) (uint32, error) {
	switch {
	case len(prefix) > maxKeyBytes:
		return 0, fmt.Errorf("a key below %.80q…: the keys of S3 have at most %d bytes, this has more", prefix, maxKeyBytes)
	case !utf8.Valid(prefix):
		return 0, fmt.Errorf("a key below %q: the keys of S3 are UTF-8, this is none", prefix)
	}
	if limit := len(t.slots) / 2; t.n >= limit || t.n >= limit/2 && t.n < sparseGroups {
		t.grow()
	}
	size := groupWords + wordsOf(len(prefix))
	if at := t.end % chunkWords; at == 0 || at+size > chunkWords {
		if err := t.nextChunk(); err != nil {
			return 0, err
		}
	}
	place := uint32(t.end)
	t.end += size
	t.n++
	chunk, at := t.chunks[place/chunkWords], int(place%chunkWords)
	clear(chunk[at : at+size]) // the memory may have been used before
	(*group)(unsafe.Pointer(&chunk[at])).prefixLen = uint16(len(prefix))
	copy(t.prefix(place), prefix)
	t.used[place/chunkWords] = uint16(at + size)
	t.enter(uint64(hash)<<32 | uint64(place+1))
	return place, nil
}

// nextChunk goes on at the beginning of another chunk.
func (t *table) nextChunk() error {
	n := (t.end + chunkWords - 1) / chunkWords
	if (n+1)*chunkWords > maxPlace {
		return errTableFull
	}
	if n == len(t.chunks) {
		t.chunks, t.used = append(t.chunks, new([chunkWords]uint64)), append(t.used, 0)
	}
	t.end = n * chunkWords
	return nil
}

// enter puts a slot where it is found.
func (t *table) enter(slot uint64) {
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
			t.enter(slot)
		}
	}
}

// all are the places of all groups.
func (t *table) all(yield func(place uint32) bool) {
	for i := 0; i*chunkWords < t.end; i++ {
		for at := 0; at < int(t.used[i]); {
			place := uint32(i*chunkWords + at)
			if !yield(place) {
				return
			}
			at += groupWords + wordsOf(int(t.at(place).prefixLen))
		}
	}
}

// kind is what counts a kind of objects in a group.
func (t *table) kind(g *group, kind uint16) *kindCounts {
	c := &g.first
	if c.objects == 0 {
		c.kind = kind
		return c
	}
	for {
		if c.kind == kind {
			return c
		}
		if c.next == 0 {
			break
		}
		c = t.count(c.next)
	}
	if int(t.nCounts/chunkLen) == len(t.counts) {
		t.counts = append(t.counts, new([chunkLen]kindCounts))
	}
	t.nCounts++
	n := t.count(t.nCounts)
	*n = kindCounts{kind: kind, next: g.first.next}
	g.first.next = t.nCounts
	return n
}

// count are the counts that next names.
func (t *table) count(next uint32) *kindCounts {
	return &t.counts[(next-1)/chunkLen][(next-1)%chunkLen]
}

// kinds are the counts of all kinds in a group.
func (t *table) kinds(g *group) func(yield func(*kindCounts) bool) {
	return func(yield func(*kindCounts) bool) {
		for c := &g.first; c.objects > 0; c = t.count(c.next) {
			if !yield(c) || c.next == 0 {
				return
			}
		}
	}
}

// carry remembers that a count of a group went past 2^32.
func (t *table) carry(place uint32, bucket int, times uint64) {
	if t.carries == nil {
		t.carries = map[carry]uint64{}
	}
	t.carries[carry{place, bucket}] += times
}

// histogram is the whole histogram of a group.
func (t *table) histogram(place uint32) (h [SizeBuckets]int64) {
	for i, low := range t.at(place).sizes {
		h[i] = int64(low)
		if t.carries != nil {
			h[i] += int64(t.carries[carry{place, i}] << 32)
		}
	}
	return h
}

// small are the small matching objects of a group and their bytes.
func (t *table) small(g *group) (objects, bytes int64) {
	for c := range t.kinds(g) {
		objects += c.objects
		bytes += c.bytes
	}
	return objects, bytes
}

// reset empties the table and keeps its memory.
func (t *table) reset() {
	clear(t.slots)
	t.n, t.end, t.nCounts, t.carries = 0, 0, 0, nil
}
