package inflate

import "unsafe"

// fast runs while there are this many bytes of input and of room.
const (
	// In one step it reads the input twice, 8 bytes at most 7 bytes apart, besides the 8 it has read.
	fastInputBytes = 32
	// In one step it writes at most three pairs of literals, or two and a match of 258 bytes, which it copies in pieces of 32
	// bytes, the last one with its beginning inside the match.
	fastOutputBytes = 4 + 258 + 32 + 10
)

// fast decodes while input and room are far from their ends. It stops with stopInput or stopOutput where they are near.
// c.src must have fastInputBytes behind c.pos, c.dst fastOutputBytes behind c.n.
func (d *Decoder) fast(c *cursor) stop {
	src, dst := unsafe.Pointer(unsafe.SliceData(c.src)), unsafe.Pointer(unsafe.SliceData(c.dst))
	in, out := unsafe.Add(src, c.pos), unsafe.Add(dst, c.n)
	first := unsafe.Add(dst, c.start)
	inLimit, outLimit := unsafe.Add(src, len(c.src)-24), unsafe.Add(dst, len(c.dst)-fastOutputBytes)
	bits, left := d.bits, d.left
	why := stopInput

	bits |= load64(in) << (left & 63)
	in = unsafe.Add(in, 7-left>>3&7)
	left |= 56
	entry := d.litlen[bits&(1<<litlenBits-1)]
	for uintptr(in) <= uintptr(inLimit) {
		if uintptr(out) > uintptr(outLimit) {
			why = stopOutput
			break
		}
		saved := bits
		bits >>= entry & 63
		left -= uint64(entry)
		if entry >= oneLiteral {
			store16(out, uint16(entry>>literalShift))
			out = unsafe.Add(out, entry>>literalsShift)
			entry = d.litlen[bits&(1<<litlenBits-1)]
			saved = bits
			bits >>= entry & 63
			left -= uint64(entry)
			if entry >= oneLiteral {
				store16(out, uint16(entry>>literalShift))
				out = unsafe.Add(out, entry>>literalsShift)
				entry = d.litlen[bits&(1<<litlenBits-1)]
				saved = bits
				bits >>= entry & 63
				left -= uint64(entry)
				if entry >= oneLiteral {
					store16(out, uint16(entry>>literalShift))
					out = unsafe.Add(out, entry>>literalsShift)
					entry = d.litlen[bits&(1<<litlenBits-1)]
					bits |= load64(in) << (left & 63)
					in = unsafe.Add(in, 7-left>>3&7)
					left |= 56
					continue
				}
			}
		}
		if entry&flagSpecial != 0 {
			if entry&flagSubtable == 0 {
				why = stopBlock
				if entry&flagEndOfBlock == 0 {
					why = stopCorrupt
				}
				break
			}
			entry = d.litlen[uint64(entry>>subtableShift)+bits&(1<<(entry>>codewordShift&15)-1)]
			saved = bits
			bits >>= entry & 63
			left -= uint64(entry)
			if entry >= oneLiteral {
				store16(out, uint16(entry>>literalShift))
				out = unsafe.Add(out, 1)
				entry = d.litlen[bits&(1<<litlenBits-1)]
				bits |= load64(in) << (left & 63)
				in = unsafe.Add(in, 7-left>>3&7)
				left |= 56
				continue
			}
			if entry&flagSpecial != 0 {
				why = stopBlock
				if entry&flagEndOfBlock == 0 {
					why = stopCorrupt
				}
				break
			}
		}
		length := uint64(entry>>lengthBaseShift) + saved>>(entry>>codewordShift&63)&uint64(entry>>lengthMaskShift&31)

		far := d.dist[bits&(1<<distBits-1)]
		if left&63 < 28+litlenBits-1 { // a distance, and the index that follows
			bits |= load64(in) << (left & 63)
			in = unsafe.Add(in, 7-left>>3&7)
			left |= 56
		}
		if far&flagSpecial != 0 {
			if far&flagSubtable != 0 {
				bits >>= distBits
				left -= distBits
				far = d.dist[far>>subtableShift+bits&(1<<(far>>codewordShift&15)-1)]
			}
			if far&flagSpecial != 0 {
				bits >>= far & 63
				left -= far
				why = stopCorrupt
				break
			}
		}
		dist := uint64(uint16(far>>distBaseShift)) + bits>>(far>>codewordShift&63)&(far>>distMaskShift)
		bits >>= far & 63
		left -= far
		if dist > uint64(uintptr(out)-uintptr(first)) {
			why = stopCorrupt
			break
		}
		// The next entry is on its way while the match is copied.
		entry = d.litlen[bits&(1<<litlenBits-1)]
		bits |= load64(in) << (left & 63)
		in = unsafe.Add(in, 7-left>>3&7)
		left |= 56

		from, to := unsafe.Add(out, -int(dist)), out
		out = unsafe.Add(out, length)
		switch {
		case dist >= 16:
			copy16(to, from)
			copy16(unsafe.Add(to, 16), unsafe.Add(from, 16))
			for length > 32 {
				length -= 32
				from, to = unsafe.Add(from, 32), unsafe.Add(to, 32)
				copy16(to, from)
				copy16(unsafe.Add(to, 16), unsafe.Add(from, 16))
			}
		case dist >= 8:
			for {
				store64(to, load64(from))
				store64(unsafe.Add(to, 8), load64(unsafe.Add(from, 8)))
				if length <= 16 {
					break
				}
				length -= 16
				from, to = unsafe.Add(from, 16), unsafe.Add(to, 16)
			}
		default:
			// 8 bytes of the pattern, moved on by as many whole patterns as fit.
			pattern := load64(from) & (1<<(dist*8) - 1) * repeat[dist]
			step := uint64(wholePatterns[dist])
			for {
				store64(to, pattern)
				if length <= step {
					break
				}
				length -= step
				to = unsafe.Add(to, step)
			}
		}
	}

	d.bits, d.left = bits, left&63
	c.pos, c.n = int(uintptr(in)-uintptr(src)), int(uintptr(out)-uintptr(dst))
	return why
}

var (
	// repeat[n] times a pattern of n bytes is that pattern as often as it has room in 8 bytes.
	repeat = [8]uint64{
		1: 0x0101010101010101, 2: 0x0001000100010001, 3: 0x0001000001000001, 4: 0x0000000100000001,
		5: 0x0000010000000001, 6: 0x0001000000000001, 7: 0x0100000000000001,
	}
	// wholePatterns[n] is the largest multiple of n up to 8.
	wholePatterns = [8]uint8{1: 8, 2: 8, 3: 6, 4: 8, 5: 5, 6: 6, 7: 7}
)
