package table

import (
	"math"
	"math/bits"
)

// maxNumbers bounds the different numbers of a dictionary: from a few thousand
// on it saves little over deltas.
const maxNumbers = 8 << 10

// numberTable finds the different numbers of a column.
type numberTable struct {
	slots [4 * maxNumbers]numberSlot
	used  []uint32 // slots, in order of their codes
}

type numberSlot struct {
	number uint64
	code   uint32 // plus one; 0 is empty
}

const numberSlotBits = 15 // log2 of the slots

// code gives numbers codes in the order in which they come. It is not ok when
// there are more than limit, which is maxNumbers at most. clear must be called before the next one.
func code[T uint32 | uint64](t *numberTable, codes []uint32, values []T, limit int) (ok bool) {
	last, lastCode := uint64(0), uint32(0)
	for i, v := range values {
		number := uint64(v)
		if number == last && lastCode > 0 {
			codes[i] = lastCode - 1
			continue
		}
		at := uint32(number * 0x9E3779B97F4A7C15 >> (64 - numberSlotBits))
		for t.slots[at].code != 0 && t.slots[at].number != number {
			at = (at + 1) % uint32(len(t.slots))
		}
		s := &t.slots[at]
		if s.code == 0 {
			if len(t.used) == limit {
				return false
			}
			t.used = append(t.used, at)
			*s = numberSlot{number, uint32(len(t.used))}
		}
		last, lastCode = number, s.code
		codes[i] = s.code - 1
	}
	return true
}

func (t *numberTable) clear() {
	for _, at := range t.used {
		t.slots[at] = numberSlot{}
	}
	t.used = t.used[:0]
}

// entry is the number of a code.
func (t *numberTable) entry(code int) uint64 { return t.slots[t.used[code]].number }

// codeBits is how many bits a code takes, of n codes.
func codeBits(n int) int { return bits.Len(uint(max(1, n) - 1)) }

// deltaBits is about how many bits the values of the column, which are signed
// integers, take as DELTA_BINARY_PACKED: each 32 of them as many as the widest
// difference between neighbours needs.
func deltaBits(values []int64) int64 {
	const group = 32
	total := int64(0)
	for start := 1; start < len(values); start += group {
		low, high := int64(math.MaxInt64), int64(math.MinInt64)
		for i := start; i < min(start+group, len(values)); i++ {
			d := values[i] - values[i-1]
			low, high = min(low, d), max(high, d)
		}
		total += group * int64(bits.Len64(uint64(high)-uint64(low)))
	}
	return total
}
