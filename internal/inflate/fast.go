package inflate

import (
	"encoding/binary"
	"unsafe"
)

// littleEndian says that numbers lie in memory as they lie in the data, which fast relies on.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// What a step of fast can take and need.
const (
	// A step uses up 59 bits at most: an entry of literals, a length of 20 bits, a distance of 28. When it reads 8 bytes, it
	// is up to 8 bytes ahead of those it has used up.
	stepInputBytes = 8
	fastInputBytes = stepInputBytes + 8 + 8

	// A step writes an entry of two literals, another literal and a match at most, and the last copy of a match writes up to
	// 31 bytes too many.
	stepOutputBytes = 2 + 1 + maxLength
	fastOutputBytes = stepOutputBytes + 31
)

// fast decodes while input and room are far from their ends. It stops with stopInput or stopOutput where one of them is
// near.
func (d *Decoder) fast(c *cursor) stop {
	src, dst := unsafe.Pointer(unsafe.SliceData(c.src)), unsafe.Pointer(unsafe.SliceData(c.dst))
	in, out, start := unsafe.Add(src, c.pos), unsafe.Add(dst, c.n), unsafe.Add(dst, c.start)
	why := stopNone
	for why == stopNone {
		input := len(c.src) - int(uintptr(in)-uintptr(src)) - (fastInputBytes - stepInputBytes)
		room := len(c.dst) - int(uintptr(out)-uintptr(dst)) - (fastOutputBytes - stepOutputBytes)
		switch {
		case input < stepInputBytes:
			why = stopInput
		case room < stepOutputBytes:
			why = stopOutput
		default:
			in, out, why = d.steps(in, out, unsafe.Add(start, minLength), min(input/stepInputBytes, room/stepOutputBytes))
		}
	}
	d.left &= 63
	c.pos, c.n = int(uintptr(in)-uintptr(src)), int(uintptr(out)-uintptr(dst))
	return why
}

// steps decodes n times either one or two entries of literals, or a match with up to one entry of literals before it; with
// stopNone if nothing else stops it. It does not look at the ends of input and room: see stepInputBytes and
// stepOutputBytes. first is minLength bytes behind the beginning of the stream's data.
//
// What this costs is measured rather than seen: mispredicted branches, the way from one symbol to the next, and the number
// of instructions, which shows in the other two. So most matches come with the literal before them; what follows an entry
// of literals has a branch of its own; an entry's index waits for one load only; flags are where one comparison tells
// them; and nothing is in here that does not fit in the registers of amd64 with the rest: neither fast nor near.
//
//go:noinline
func (d *Decoder) steps(in, out, first unsafe.Pointer, n int) (unsafe.Pointer, unsafe.Pointer, stop) {
	why := stopNone
	// Whatever the bits of left above its lowest 6 say, so entries are subtracted whole, and shifts take their lowest 6.
	bits, left := d.bits, d.left
	bits, left, in = read(bits, left, in)
	entry := d.litlen[bits&(1<<litlenBits-1)]
	for ; n > 0; n-- {
		// There are 56 bits, and as many more to look at as make 64. An entry of literals, a match and its distance take 11, 11
		// and 28; to see the entry behind them takes another 11.
		bits >>= entry & 63
		left -= uint64(entry)
		*(*uint8)(out) = uint8(entry >> firstShift)
		length := uint64(uint8(entry >> secondShift)) // less minLength
		if entry >= kindLiteral {
			*(*uint8)(unsafe.Add(out, 1)) = uint8(length)
			out = unsafe.Add(out, int(entry>>countShift)-kindLiteral>>countShift)
			entry = d.litlen[bits&(1<<litlenBits-1)]
			bits >>= entry & 63
			left -= uint64(entry)
			*(*uint8)(out) = uint8(entry >> firstShift)
			length = uint64(uint8(entry >> secondShift))
			if entry >= kindLiteral {
				*(*uint8)(unsafe.Add(out, 1)) = uint8(length)
				out = unsafe.Add(out, int(entry>>countShift)-kindLiteral>>countShift)
				entry = d.litlen[bits&(1<<litlenBits-1)]
				bits, left, in = read(bits, left, in)
				continue
			}
		}
		if entry >= kindOther {
			if entry&flagSubtable != 0 {
				entry = d.litlen[uint64(uint16(entry>>firstShift))+bits&(1<<(entry>>countShift&countMask)-1)]
				bits >>= entry & 63
				left -= uint64(entry)
				if entry >= kindLiteral {
					*(*uint8)(out) = uint8(entry >> firstShift)
					out = unsafe.Add(out, 1)
					entry = d.litlen[bits&(1<<litlenBits-1)]
					bits, left, in = read(bits, left, in)
					continue
				}
			}
			if entry&flagLength == 0 {
				why = stopNoCodeword
				if entry&flagEndOfBlock != 0 {
					why = stopBlock
				}
				break
			}
			extra := uint64(entry >> countShift & countMask)
			length = uint64(uint8(entry>>secondShift)) + bits&(1<<extra-1)
			bits >>= extra
			left -= extra
			bits, left, in = read(bits, left, in)
			out = unsafe.Add(out, minLength)
		} else {
			out = unsafe.Add(out, entry>>countShift)
		}
		// out is minLength bytes ahead now.

		far := unsafe.Pointer(&d.dist[bits&(1<<distBits-1)])
		taken := *(*uint32)(unsafe.Pointer(&d.dist[bits&(1<<distBits-1)])) // by the index, which is faster
		if int32(taken) < 0 {
			if taken&flagSubtable != 0 {
				bits >>= distBits
				left -= distBits
				far = unsafe.Pointer(&d.dist[uint64(uint16(taken>>firstShift))+bits&(1<<(taken>>countShift&countMask)-1)])
				taken = *(*uint32)(far)
			}
			if int32(taken) < 0 {
				bits >>= taken & 63
				left -= uint64(taken)
				why = stopNoCodeword
				break
			}
		}
		dist := uint64(*(*uint16)(unsafe.Add(far, distShift/8))) +
			bits>>(*(*uint8)(unsafe.Add(far, beforeShift/8))&63)&uint64(*(*uint16)(unsafe.Add(far, maskShift/8)))
		bits >>= taken & 63
		left -= uint64(taken)
		if dist > uint64(uintptr(out)-uintptr(first)) {
			why = stopTooFar
			break
		}
		// The next entry is on its way while the match is copied.
		entry = d.litlen[bits&(1<<litlenBits-1)]
		bits, left, in = read(bits, left, in)

		from, to := unsafe.Add(out, -int(dist)), out
		out = unsafe.Add(out, length)
		if dist < 16 {
			near(unsafe.Add(to, -minLength), dist, length+minLength)
			continue
		}
		*(*[16]byte)(unsafe.Add(to, -minLength)) = *(*[16]byte)(unsafe.Add(from, -minLength))
		*(*[16]byte)(unsafe.Add(to, 16-minLength)) = *(*[16]byte)(unsafe.Add(from, 16-minLength))
		if length > 32-minLength {
			for {
				*(*[16]byte)(unsafe.Add(to, 32-minLength)) = *(*[16]byte)(unsafe.Add(from, 32-minLength))
				*(*[16]byte)(unsafe.Add(to, 48-minLength)) = *(*[16]byte)(unsafe.Add(from, 48-minLength))
				if length <= 64-minLength {
					break
				}
				length -= 32
				from, to = unsafe.Add(from, 32), unsafe.Add(to, 32)
			}
		}
	}
	d.bits, d.left = bits, left
	return in, out, why
}

// near copies a match of a distance below 16.
//
//go:noinline
func near(to unsafe.Pointer, dist, length uint64) {
	from := unsafe.Add(to, -int(dist))
	if dist >= 8 {
		for {
			*(*uint64)(to) = *(*uint64)(from)
			*(*uint64)(unsafe.Add(to, 8)) = *(*uint64)(unsafe.Add(from, 8))
			if length <= 16 {
				return
			}
			length -= 16
			from, to = unsafe.Add(from, 16), unsafe.Add(to, 16)
		}
	}
	// 8 bytes of the pattern, moved on by as many whole patterns as they hold.
	pattern := *(*uint64)(from) & (1<<(dist*8) - 1) * repeat[dist]
	whole := uint64(wholePatterns[dist])
	for {
		*(*uint64)(to) = pattern
		if length <= whole {
			return
		}
		length -= whole
		to = unsafe.Add(to, whole)
	}
}

// read adds as many whole bytes of the next 8 as there is room for, and moves on by as many.
func read(bits, left uint64, in unsafe.Pointer) (uint64, uint64, unsafe.Pointer) {
	return bits | *(*uint64)(in)<<(left&63), left | 56, unsafe.Add(in, 7-left>>3&7)
}

var (
	// repeat[n] times a pattern of n bytes is that pattern as often as 8 bytes have room for it.
	repeat = [8]uint64{
		1: 0x0101010101010101, 2: 0x0001000100010001, 3: 0x0001000001000001, 4: 0x0000000100000001,
		5: 0x0000010000000001, 6: 0x0001000000000001, 7: 0x0100000000000001,
	}
	// wholePatterns[n] is the largest multiple of n up to 8.
	wholePatterns = [8]uint8{1: 8, 2: 8, 3: 6, 4: 8, 5: 5, 6: 6, 7: 7}
)
