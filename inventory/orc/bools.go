package orc

import (
	"fmt"
	"math/bits"
)

// boolReader decodes a stream of booleans: bits, the most significant first, in run length encoded bytes (specification,
// "Boolean Run Length Encoding").
type boolReader struct {
	bytes  byteReader
	last   byte // its lowest left bits are still to be given
	left   int
	packed [batchRows / 8]byte
}

func (r *boolReader) reset() {
	r.bytes.reset()
	r.left = 0
}

func (r *boolReader) indexed() indexed {
	return indexed{stream: &r.bytes.stream, values: true, bits: true}
}

// spreadBits holds, for each byte, its bits as eight bytes of 0 or 1, the most significant bit first.
var spreadBits = func() (table [256][8]byte) {
	for b := range table {
		for i := range 8 {
			table[b][i] = byte(b) >> (7 - i) & 1
		}
	}
	return table
}()

// allTrue is what a batch of true values is copied from.
var allTrue = func() (t [batchRows]bool) {
	for i := range t {
		t[i] = true
	}
	return t
}()

// read fills dst and returns the number of true values.
func (r *boolReader) read(dst []bool) (trues int, err error) {
	for len(dst) > 0 {
		if r.left == 0 && len(dst) >= 8 {
			n := min(len(dst)/8, len(r.packed))
			packed := r.packed[:n]
			constant, err := r.bytes.read(packed)
			if err != nil {
				return 0, err
			}
			trues += expand(dst[:8*n], packed, constant)
			dst = dst[8*n:]
			continue
		}
		if r.left == 0 {
			if _, err := r.bytes.read(r.packed[:1]); err != nil {
				return 0, err
			}
			r.last, r.left = r.packed[0], 8
		}
		r.left--
		dst[0] = r.last>>r.left&1 != 0
		trues += int(r.last >> r.left & 1)
		dst = dst[1:]
	}
	return trues, nil
}

// expand sets dst to the bits of packed, constant tells whether all of that is equal, and returns how many are set.
func expand(dst []bool, packed []byte, constant bool) (trues int) {
	if constant && packed[0] == 0 {
		clear(dst)
		return 0
	}
	if constant && packed[0] == 0xff {
		copy(dst, allTrue[:])
		return len(dst)
	}
	for i, b := range packed {
		eight := dst[8*i:][:8]
		for j, bit := range spreadBits[b] {
			eight[j] = bit != 0
		}
		trues += bits.OnesCount8(b)
	}
	return trues
}

func (r *boolReader) seek(g int) error {
	if !r.bytes.exists {
		return nil
	}
	// The byte of which bits were given may be the one in which the row group begins.
	p := &r.bytes.positions[g]
	if r.left > 0 && r.bytes.passed(g) && r.bytes.values[g]+int64(p.values) == r.bytes.count-int64(r.bytes.left)-1 {
		if 8-p.bits > r.left {
			return fmt.Errorf("row group %d: the row index points backwards", g)
		}
		r.left = 8 - p.bits
		return nil
	}
	if err := r.bytes.seek(g); err != nil {
		return err
	}
	r.left = 0
	if p.bits > 0 {
		if _, err := r.bytes.read(r.packed[:1]); err != nil {
			return err
		}
		r.last, r.left = r.packed[0], 8-p.bits
	}
	return nil
}

func (r *boolReader) at(g int) error {
	if !r.bytes.exists {
		return nil
	}
	p := &r.bytes.positions[g]
	if p.bits != (8-r.left)%8 {
		return fmt.Errorf("row group %d begins with bit %d of a byte, not bit %d as the row index says", g, (8-r.left)%8, p.bits)
	}
	if r.left == 0 {
		return r.bytes.at(g)
	}
	// The byte that was begun is the one in which the row group begins, as if it were not read yet.
	return r.bytes.marks.at(&r.bytes.stream, g, int64(r.bytes.left)+1)
}

func (r *boolReader) end() error { return r.bytes.end() }
