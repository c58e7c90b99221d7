package table

import "unsafe"

// arena hands out memory that is used again after reset, so that an encoder
// leaves no garbage behind for each column. It holds the most that was asked
// for between two resets. A nil arena allocates.
type arena struct {
	buf  []byte
	used int
}

const maxAlign = 8

func (a *arena) bytes(n int) []byte {
	if a == nil {
		return aligned(n)
	}
	size := (n + maxAlign - 1) &^ (maxAlign - 1)
	if a.used+size > len(a.buf) {
		// What was handed out before keeps its memory.
		a.buf, a.used = aligned(max(size, len(a.buf)+len(a.buf)/4)), 0
	}
	out := a.buf[a.used : a.used+n : a.used+size]
	a.used += size
	return out
}

func (a *arena) reset() { a.used = 0 }

// reserve resets the arena, which then has room for n bytes.
func (a *arena) reserve(n int) {
	a.used = 0
	if n > len(a.buf) {
		a.buf = aligned(n)
	}
}

// aligned allocates bytes that can be looked at as wider numbers.
func aligned(n int) []byte {
	if n == 0 {
		return []byte{}
	}
	return asBytes(make([]uint64, (n+maxAlign-1)/maxAlign))[:n]
}

// allocate gives n values, of no certain contents.
func allocate[T any](a *arena, n int) []T {
	var t T
	return as[T](a.bytes(n * int(unsafe.Sizeof(t))))
}

// as looks at bytes, which must be aligned, as values of a fixed size.
func as[T any](b []byte) []T {
	var t T
	if len(b) == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&b[0])), len(b)/int(unsafe.Sizeof(t)))
}

func asBytes[T any](values []T) []byte {
	if len(values) == 0 {
		return []byte{}
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&values[0])), len(values)*int(unsafe.Sizeof(values[0])))
}
