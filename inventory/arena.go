package inventory

// chunkLen is the number of values in a chunk of an arena.
const chunkLen = 1024

// arena is a list of values without pointers, in chunks that never move: it
// grows without copies, and the garbage collector has nothing to scan in it.
type arena[T any] struct {
	chunks []*[chunkLen]T
	n      uint32
}

// add returns the number of a new zero value, and the bytes that it took of memory.
func (a *arena[T]) add() (uint32, *T) {
	i := a.n
	if int(i/chunkLen) == len(a.chunks) {
		a.chunks = append(a.chunks, new([chunkLen]T))
	}
	a.n++
	v := a.at(i)
	var zero T
	*v = zero // the memory may have been used before
	return i, v
}

func (a *arena[T]) at(i uint32) *T { return &a.chunks[i/chunkLen][i%chunkLen] }

// reset empties the arena and keeps its memory.
func (a *arena[T]) reset() { a.n = 0 }

// textChunkBytes is the size of a chunk of texts.
const textChunkBytes = 64 << 10

// texts is an arena of short byte strings, each within one chunk.
type texts struct {
	chunks []*[textChunkBytes]byte
	used   int // chunks in use
	free   int // bytes left in the last one in use
}

// add copies b, of at most textChunkBytes, and returns its place.
func (t *texts) add(b []byte) uint32 {
	if len(b) > t.free || t.used == 0 {
		if t.used == len(t.chunks) {
			t.chunks = append(t.chunks, new([textChunkBytes]byte))
		}
		t.used++
		t.free = textChunkBytes
	}
	at := textChunkBytes - t.free
	copy(t.chunks[t.used-1][at:], b)
	t.free -= len(b)
	return uint32(t.used-1)<<16 | uint32(at)
}

func (t *texts) at(place uint32, n uint16) []byte {
	at := place & 0xffff
	return t.chunks[place>>16][at : at+uint32(n) : at+uint32(n)]
}

// reset empties the arena and keeps its memory.
func (t *texts) reset() { t.used, t.free = 0, 0 }
