package inventory

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// The functions here look at eight bytes of a key at a time: most keys have
// fewer before their group ends, and a call for each would take longer.

const (
	lowBits  = 0x7f7f7f7f7f7f7f7f
	slashes8 = 0x2f2f2f2f2f2f2f2f
)

// slashBits has the highest bit of each byte of w that is a slash.
func slashBits(w uint64) uint64 {
	w ^= slashes8
	return ^((w&lowBits + lowBits) | w | lowBits)
}

// segments is the length of the first n segments of the key keys[start:end],
// closing slashes included, and says whether it has so many; if not, that of its
// directory.
func segments(keys []byte, start, end uint32, n int) (length int, whole bool) {
	last := start // behind the last slash so far
	for at := start; at < end; at += 8 {
		found := slashBits(load(keys, at, end))
		for found != 0 {
			last = at + uint32(bits.TrailingZeros64(found)>>3) + 1
			if n--; n == 0 {
				return int(last - start), true
			}
			found &= found - 1
		}
	}
	return int(last - start), false
}

// load is the eight bytes of keys from at on, zero from end on.
func load(keys []byte, at, end uint32) uint64 {
	if int(at)+8 <= len(keys) {
		w := binary.LittleEndian.Uint64(keys[at:])
		if left := end - at; left < 8 {
			w &= 1<<(8*left) - 1
		}
		return w
	}
	return tail(keys[at:min(end, at+7)])
}

// directory is the length of the directory of the key keys[start:end], its
// closing slash included.
func directory(keys []byte, start, end uint32) int {
	return bytes.LastIndexByte(keys[start:end], '/') + 1
}

// hash is a hash of the prefix keys[start:end].
func (g *groups) hash(keys []byte, start, end uint32) uint32 {
	return shorten(g.hash64(keys, start, end))
}

func shorten(hash uint64) uint32 { return uint32(hash>>32) ^ uint32(hash) }

// hash64 folds products of 128 bits, like wyhash. The seed differs from run to
// run; nothing that is written depends on it.
func (g *groups) hash64(keys []byte, start, end uint32) uint64 {
	h := g.seed
	for ; end-start > 8; start += 8 {
		h = fold(h^binary.LittleEndian.Uint64(keys[start:]), hashFactor)
	}
	return fold(h^load(keys, start, end), hashFactor)
}

const hashFactor = 0x9e3779b97f4a7c15

func fold(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	return high ^ low
}
