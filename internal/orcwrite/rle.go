package orcwrite

import (
	"math/bits"

	"google.golang.org/protobuf/encoding/protowire"
)

// Limits of the run length encodings.
const (
	minRun          = 3
	maxShortRepeat  = 10
	maxRun          = 512 // values of an integer run
	maxByteRepeat   = 130 // bytes of a run of equal bytes
	maxByteLiterals = 128
)

// Sub-encodings of integer run length encoding version 2: the two high bits of
// a run's first byte. The fourth, patched base, is never needed to be right.
const (
	shortRepeat = 0
	direct      = 1
	delta       = 3
)

// encoded is a run length encoded stream. The last of its runs stands for its
// end.
type encoded struct {
	data []byte
	runs []run
}

// run is where in the stream a run begins, in bytes and in values.
type run struct{ offset, value int }

// encodeBools writes booleans as bits, the first one highest, in bytes that
// are run length encoded.
func encodeBools(values []bool) encoded {
	packed := make([]byte, (len(values)+7)/8)
	for i, v := range values {
		if v {
			packed[i/8] |= 0x80 >> (i % 8)
		}
	}
	return encodeByteRuns(packed)
}

// encodeByteRuns writes bytes with the byte run length encoding.
func encodeByteRuns(values []byte) encoded {
	var b []byte
	var runs []run
	all := len(values)
	for len(values) > 0 {
		runs = append(runs, run{len(b), all - len(values)})
		if n := equalRun(values, maxByteRepeat); n >= minRun {
			b = append(b, byte(n-minRun), values[0])
			values = values[n:]
			continue
		}
		n := 1
		for n < len(values) && n < maxByteLiterals && equalRun(values[n:], minRun) < minRun {
			n++
		}
		b = append(b, byte(-n))
		b = append(b, values[:n]...)
		values = values[n:]
	}
	return encoded{b, append(runs, run{len(b), all})}
}

// encodeInts writes integers with run length encoding version 2. Signed
// values are zigzag encoded; others must not be negative.
func encodeInts(values []int64, signed bool) encoded {
	var b []byte
	var runs []run
	all := len(values)
	for len(values) > 0 {
		runs = append(runs, run{len(b), all - len(values)})
		n := runLength(values)
		switch {
		case n >= minRun && n <= maxShortRepeat && values[0] == values[n-1]:
			b = appendShortRepeat(b, values[0], n, signed)
		case n >= minRun:
			b = appendDelta(b, values[:n], signed)
		default:
			n = 1
			for n < len(values) && n < maxRun && runLength(values[n:]) < minRun {
				n++
			}
			b = appendDirect(b, values[:n], signed)
		}
		values = values[n:]
	}
	return encoded{b, append(runs, run{len(b), all})}
}

// runLength is how many of the first values can be written as one short repeat
// or one delta run that is worth it: a constant step, or steps of one
// direction that need few bits; 0 where a direct run is better.
func runLength(values []int64) int {
	if len(values) < minRun {
		return 0
	}
	first, ok := step(values, 0)
	if !ok {
		return 0
	}
	n := 2
	for n < len(values) && n < maxRun {
		if s, ok := step(values, n-1); !ok || s != first {
			break
		}
		n++
	}
	if n >= minRun {
		return n
	}
	// Steps of one direction, each small next to the values themselves.
	for n = 2; n < len(values) && n < maxRun; n++ {
		s, ok := step(values, n-1)
		if !ok || (s < 0) != (first < 0) || magnitude(s) > maxSmallStep {
			break
		}
	}
	if n >= minMonotonicRun && magnitude(values[0]) > maxSmallStep {
		return n
	}
	return 0
}

const (
	minMonotonicRun = 8
	maxSmallStep    = 1<<16 - 1
)

// step is values[i+1] - values[i], and whether that is an int64.
func step(values []int64, i int) (int64, bool) {
	a, c := values[i], values[i+1]
	d := c - a
	return d, (c >= a) == (d >= 0)
}

func appendShortRepeat(b []byte, value int64, count int, signed bool) []byte {
	v := raw(value, signed)
	size := max(1, (bits.Len64(v)+7)/8)
	b = append(b, byte(shortRepeat<<6|(size-1)<<3|(count-minRun)))
	for i := size - 1; i >= 0; i-- {
		b = append(b, byte(v>>(8*i)))
	}
	return b
}

func appendDirect(b []byte, values []int64, signed bool) []byte {
	width, code := 1, 0
	for _, v := range values {
		if w, c := widthFor(bits.Len64(raw(v, signed))); w > width {
			width, code = w, c
		}
	}
	b = appendRunHeader(b, direct, code, len(values))
	p := bitPacker{out: b}
	for _, v := range values {
		p.add(raw(v, signed), width)
	}
	return p.finish()
}

// appendDelta writes a run by its first value, its first step, and the sizes of
// the other steps, which go the same way; none where all are equal.
func appendDelta(b []byte, values []int64, signed bool) []byte {
	first := values[1] - values[0]
	equal, largest := true, uint64(0)
	for i := 2; i < len(values); i++ {
		s := values[i] - values[i-1]
		equal = equal && s == first
		largest = max(largest, magnitude(s))
	}
	width, code := 0, 0
	if !equal {
		// Code 0 means equal steps here, so a width of one bit cannot be told.
		width, code = widthFor(max(2, bits.Len64(largest)))
	}
	b = appendRunHeader(b, delta, code, len(values))
	b = protowire.AppendVarint(b, raw(values[0], signed))
	b = protowire.AppendVarint(b, protowire.EncodeZigZag(first))
	if equal {
		return b
	}
	p := bitPacker{out: b}
	for i := 2; i < len(values); i++ {
		p.add(magnitude(values[i]-values[i-1]), width)
	}
	return p.finish()
}

func appendRunHeader(b []byte, encoding, widthCode, length int) []byte {
	n := length - 1
	return append(b, byte(encoding<<6|widthCode<<1|n>>8), byte(n))
}

func raw(v int64, signed bool) uint64 {
	if signed {
		return protowire.EncodeZigZag(v)
	}
	return uint64(v)
}

func magnitude(v int64) uint64 {
	if v < 0 {
		return uint64(-v)
	}
	return uint64(v)
}

// widthFor is the narrowest of the widths used here that holds so many bits,
// and its five-bit code.
func widthFor(n int) (width, code int) {
	for _, w := range widths {
		if n <= w.width {
			return w.width, w.code
		}
	}
	return 64, 31
}

var widths = []struct{ width, code int }{
	{1, 0}, {2, 1}, {4, 3}, {8, 7}, {16, 15}, {24, 23}, {32, 27}, {40, 28}, {48, 29}, {56, 30},
}

// bitPacker writes values of a fixed width, highest bit first.
type bitPacker struct {
	out  []byte
	last byte // bits not yet written, at the high end
	used int  // how many of them
}

func (p *bitPacker) add(v uint64, width int) {
	for width > 0 {
		n := min(8-p.used, width)
		chunk := byte(v>>(width-n)) & byte(1<<n-1)
		p.last |= chunk << (8 - p.used - n)
		p.used += n
		width -= n
		if p.used == 8 {
			p.out = append(p.out, p.last)
			p.last, p.used = 0, 0
		}
	}
}

func (p *bitPacker) finish() []byte {
	if p.used > 0 {
		p.out = append(p.out, p.last)
	}
	return p.out
}

// equalRun is how many of the first values, up to limit, are equal.
func equalRun(values []byte, limit int) int {
	n := 1
	for n < len(values) && n < limit && values[n] == values[0] {
		n++
	}
	return n
}
