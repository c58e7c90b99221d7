package orc

import (
	"encoding/binary"
	"errors"
)

// maxRun is the most values of a run of integers.
const maxRun = 512

// intReader decodes a stream of run length encoded integers of version 1 or 2 (specification, "Integer Run Length Encoding").
// Runs may cross the borders of batches and row groups.
type intReader struct {
	stream
	marks
	v2     bool
	signed bool // values are zigzag encoded

	// The rest of the present run: either left values that begin at value and grow by delta, or the values run[at:end].
	left         int
	value, delta int64
	from, to     int
	run          [maxRun]int64
}

// encoded sets how the stream is encoded.
func (r *intReader) encoded(v2, signed bool) { r.v2, r.signed = v2, signed }

func (r *intReader) reset() {
	r.marks.reset()
	r.left, r.from, r.to = 0, 0, 0
}

func (r *intReader) indexed() indexed { return indexed{stream: &r.stream, values: true} }

// pending is the number of values of the present run that were not given yet.
func (r *intReader) pending() int { return r.left + r.to - r.from }

// read fills dst. If it reports constant, all values are equal.
func (r *intReader) read(dst []int64) (constant bool, err error) {
	all := dst
	constant = true
	for len(dst) > 0 {
		switch {
		case r.left > 0:
			n := min(r.left, len(dst))
			r.left -= n
			constant = constant && r.delta == 0 && r.value == all0(all, dst, r.value)
			r.value = fillSteady(dst[:n], r.value, r.delta)
			dst = dst[n:]
		case r.from < r.to:
			n := copy(dst, r.run[r.from:r.to])
			r.from += n
			dst = dst[n:]
			constant = false
		default:
			n, err := r.start(dst)
			if err != nil {
				return false, err
			}
			if n > 0 {
				constant = false
				dst = dst[n:]
			}
		}
	}
	return constant, nil
}

// all0 is the first of all values, of which dst are yet to be set: to value first.
func all0(all, dst []int64, value int64) int64 {
	if len(all) == len(dst) {
		return value
	}
	return all[0]
}

// fillSteady sets dst to values that begin at value and grow by delta, and returns the one that follows them.
func fillSteady(dst []int64, value, delta int64) int64 {
	if delta == 0 {
		for i := range dst {
			dst[i] = value
		}
		return value
	}
	for i := range dst {
		dst[i] = value
		value += delta
	}
	return value
}

func (r *intReader) skip(n int64) error {
	var scrap [maxRun]int64
	for n > 0 {
		part := min(n, maxRun)
		if _, err := r.read(scrap[:part]); err != nil {
			return err
		}
		n -= part
	}
	return nil
}

// start begins the next run: its values become the rest of the present run, or go right into dst if that has room for
// them, and then their number is returned.
func (r *intReader) start(dst []int64) (n int, err error) {
	if err := r.need(1); err != nil {
		return 0, err
	}
	if r.passing < len(r.positions) {
		if err := r.pass(&r.stream); err != nil {
			return 0, err
		}
	}
	for {
		var used int
		if r.v2 {
			n, used, err = r.startV2(dst, r.unread())
		} else {
			n, used, err = r.startV1(dst, r.unread())
		}
		if err == nil {
			r.next += used
			r.count += int64(n + r.pending())
			return n, nil
		}
		if !errors.Is(err, errShort) || r.ended() {
			return 0, err
		}
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
}

// room is where the n values of a run go: dst if it is long enough, else the reader's own memory.
func (r *intReader) room(dst []int64, n int) (run []int64, direct bool) {
	if n <= len(dst) {
		return dst[:n], true
	}
	return r.run[:n], false
}

// given returns the number of values that went into dst, and otherwise makes them the rest of the present run.
func (r *intReader) given(n int, direct bool) int {
	if direct {
		return n
	}
	r.from, r.to = 0, n
	return 0
}

func (r *intReader) steady(n int, value, delta int64) {
	r.left, r.value, r.delta = n, value, delta
}

// startV1 begins a run of version 1 at the start of src.
func (r *intReader) startV1(dst []int64, src []byte) (n, used int, err error) {
	if len(src) < 2 {
		return 0, 0, errShort
	}
	if control := int(int8(src[0])); control >= 0 {
		value, size, err := intVarint(src[2:], r.signed)
		if err != nil {
			return 0, 0, err
		}
		r.steady(control+3, value, int64(int8(src[1])))
		return 0, 2 + size, nil
	}
	n = -int(int8(src[0]))
	run, direct := r.room(dst, n)
	used = 1
	for i := range run {
		value, size, err := intVarint(src[used:], r.signed)
		if err != nil {
			return 0, 0, err
		}
		run[i] = value
		used += size
	}
	return r.given(n, direct), used, nil
}

// startV2 begins a run of version 2 at the start of src.
func (r *intReader) startV2(dst []int64, src []byte) (n, used int, err error) {
	if len(src) < 2 {
		return 0, 0, errShort
	}
	// All runs but short repeats have a length of 9 bits.
	n = (int(src[0]&1)<<8 | int(src[1])) + 1
	switch src[0] >> 6 {
	case 0:
		return r.startShortRepeat(src)
	case 1:
		run, direct := r.room(dst, n)
		if used, err = decodeDirect(run, src, r.signed); err != nil {
			return 0, 0, err
		}
		return r.given(n, direct), used, nil
	case 2:
		run, direct := r.room(dst, n)
		if used, err = decodePatchedBase(run, src); err != nil {
			return 0, 0, err
		}
		return r.given(n, direct), used, nil
	}
	return r.startDelta(dst, src, n)
}

func (r *intReader) startShortRepeat(src []byte) (n, used int, err error) {
	used = 1 + int(src[0]>>3&7) + 1
	if used > len(src) {
		return 0, 0, errShort
	}
	value := int64(bigEndian(src[1:used]))
	if r.signed {
		value = unzigzag(uint64(value))
	}
	r.steady(int(src[0]&7)+3, value, 0)
	return 0, used, nil
}

// startDelta begins a run whose values grow or shrink steadily: by the first delta throughout if there is no width, else by
// the unsigned deltas that follow, in the direction of the first.
func (r *intReader) startDelta(dst []int64, src []byte, n int) (given, used int, err error) {
	used = 2
	value, size, err := intVarint(src[used:], r.signed)
	if err != nil {
		return 0, 0, err
	}
	used += size
	delta, size, err := intVarint(src[used:], true)
	if err != nil {
		return 0, 0, err
	}
	used += size
	code := src[0] >> 1 & 31
	if code == 0 {
		r.steady(n, value, delta)
		return 0, used, nil
	}
	if n < 2 {
		return 0, 0, errDeltaRun
	}
	run, direct := r.room(dst, n)
	width := int(widths[code])
	packed := packedBytes(n-2, width)
	if packed > len(src)-used {
		return 0, 0, errShort
	}
	run[0] = value
	unpack(run[2:], src[used:], width)
	value += delta
	run[1] = value
	if delta < 0 {
		for i, d := range run[2:] {
			value -= d
			run[2+i] = value
		}
	} else {
		for i, d := range run[2:] {
			value += d
			run[2+i] = value
		}
	}
	return r.given(n, direct), used + packed, nil
}

func (r *intReader) seek(g int) error {
	if !r.exists {
		return nil
	}
	n, err := r.marks.seek(&r.stream, g, int64(r.pending()))
	if err != nil {
		return err
	}
	if !r.passed(g) {
		r.left, r.from, r.to = 0, 0, 0
	}
	return r.skip(n)
}

func (r *intReader) at(g int) error {
	if !r.exists {
		return nil
	}
	return r.marks.at(&r.stream, g, int64(r.pending()))
}

func (r *intReader) end() error {
	if r.pending() > 0 {
		return errLong
	}
	return r.stream.end()
}

// bigEndian returns the value of at most eight bytes.
func bigEndian(b []byte) uint64 {
	var v uint64
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return v
}

// varint decodes a base 128 varint at the start of b and returns its length in bytes.
func varint(b []byte) (uint64, int, error) {
	if len(b) > 0 && b[0] < 0x80 {
		return uint64(b[0]), 1, nil
	}
	v, n := binary.Uvarint(b)
	switch {
	case n > 0:
		return v, n, nil
	case n == 0:
		return 0, 0, errShort
	}
	return 0, 0, errVarint
}

// intVarint decodes a varint that is zigzag encoded if signed.
func intVarint(b []byte, signed bool) (int64, int, error) {
	v, n, err := varint(b)
	if signed {
		return unzigzag(v), n, err
	}
	return int64(v), n, err
}
