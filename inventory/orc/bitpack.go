package orc

import "encoding/binary"

// packedBytes returns the bytes that n values of the given width in bits take.
func packedBytes(n, width int) int {
	return (n*width + 7) / 8
}

// unpack fills dst with values of the given width in bits, packed in src with the most significant bit first. The width is 1
// to 56 or 64, and src must hold at least packedBytes(len(dst), width) bytes; it may read, not use, what lies behind them.
func unpack(dst []int64, src []byte, width int) {
	switch width {
	case 8:
		src = src[:len(dst)]
		for i, b := range src {
			dst[i] = int64(b)
		}
		return
	case 16:
		src = src[:2*len(dst)]
		for i := range dst {
			dst[i] = int64(binary.BigEndian.Uint16(src[2*i:]))
		}
		return
	case 32:
		src = src[:4*len(dst)]
		for i := range dst {
			dst[i] = int64(binary.BigEndian.Uint32(src[4*i:]))
		}
		return
	case 64:
		src = src[:8*len(dst)]
		for i := range dst {
			dst[i] = int64(binary.BigEndian.Uint64(src[8*i:]))
		}
		return
	}
	if width < 8 {
		n := unpackEights(dst, src, uint(width))
		dst, src = dst[n:], src[n/8*width:]
	}
	unpackAny(dst, src, width)
}

// unpackEights unpacks values of less than eight bits, of which one load of 64 bits holds eight, and returns how many.
func unpackEights(dst []int64, src []byte, width uint) (n int) {
	mask := int64(1)<<width - 1
	all := len(dst)
	for len(dst) >= 8 && len(src) >= 8 {
		word := int64(binary.BigEndian.Uint64(src))
		eight := dst[:8:8]
		down := 64 - width
		eight[0] = word >> (down & 63) & mask
		down -= width
		eight[1] = word >> (down & 63) & mask
		down -= width
		eight[2] = word >> (down & 63) & mask
		down -= width
		eight[3] = word >> (down & 63) & mask
		down -= width
		eight[4] = word >> (down & 63) & mask
		down -= width
		eight[5] = word >> (down & 63) & mask
		down -= width
		eight[6] = word >> (down & 63) & mask
		down -= width
		eight[7] = word >> (down & 63) & mask
		dst, src = dst[8:], src[width:]
	}
	return all - len(dst)
}

// unpackAny unpacks values of any width but those between 56 and 64 bits.
func unpackAny(dst []int64, src []byte, width int) {
	// A load of 64 bits at the byte where a value begins holds all of it, since 7 + 56 < 64.
	down := uint(64 - width)
	fast := 0
	if len(src) >= 8 {
		// The last value that begins at or before byte len(src)-8.
		fast = min(len(dst), ((len(src)-8)*8+7)/width+1)
	}
	bit := 0
	for i := range dst[:fast] {
		word := binary.BigEndian.Uint64(src[bit>>3:])
		dst[i] = int64(word << (bit & 7) >> (down & 63))
		bit += width
	}
	for i := fast; i < len(dst); i++ {
		var last [8]byte
		copy(last[:], src[bit>>3:])
		dst[i] = int64(binary.BigEndian.Uint64(last[:]) << (bit & 7) >> (down & 63))
		bit += width
	}
}
