package orc

import (
	"encoding/binary"
	"errors"
	"fmt"
)

var (
	errVarint    = errors.New("a varint exceeds 64 bits")
	errDeltaRun  = errors.New("a delta run of one value has deltas")
	errPatchGap  = errors.New("a patch lies outside its run")
	errPatchBits = errors.New("the patches of a run are wider than 64 bits")
)

// decodeInts fills dst with integers from src, all of which it must use. v2 selects the version of the run length encoding;
// signed says whether values are zigzag encoded.
func decodeInts(dst []int64, src []byte, v2, signed bool) error {
	if v2 {
		return decodeRLEv2(dst, src, signed)
	}
	return decodeRLEv1(dst, src, signed)
}

func unzigzag(v uint64) int64 {
	return int64(v>>1) ^ -int64(v&1)
}

func unzigzagAll(values []int64) {
	for i, v := range values {
		values[i] = unzigzag(uint64(v))
	}
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

// decodeRLEv1 decodes version 1 (specification, "Integer Run Length Encoding, version 1").
func decodeRLEv1(dst []int64, src []byte, signed bool) error {
	for len(dst) > 0 {
		if len(src) < 2 {
			return errShort
		}
		control := int(int8(src[0]))
		if control >= 0 {
			n := control + 3
			if n > len(dst) {
				return errLong
			}
			delta := int64(int8(src[1]))
			value, size, err := intVarint(src[2:], signed)
			if err != nil {
				return err
			}
			for i := range dst[:n] {
				dst[i] = value
				value += delta
			}
			dst, src = dst[n:], src[2+size:]
			continue
		}
		n := -control
		if n > len(dst) {
			return errLong
		}
		src = src[1:]
		for i := range dst[:n] {
			value, size, err := intVarint(src, signed)
			if err != nil {
				return err
			}
			dst[i] = value
			src = src[size:]
		}
		dst = dst[n:]
	}
	if len(src) > 0 {
		return errTrailing(len(src))
	}
	return nil
}

// widths is the 5 bit width encoding table of version 2.
var widths = [32]uint8{
	1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
	17, 18, 19, 20, 21, 22, 23, 24, 26, 28, 30, 32, 40, 48, 56, 64,
}

// closestWidth returns the least width of the table that holds the given number of bits, from 1 to 64.
func closestWidth(bits int) int {
	if bits <= 24 {
		return bits
	}
	for _, w := range widths[24:] {
		if int(w) >= bits {
			return int(w)
		}
	}
	return 64
}

// decodeRLEv2 decodes version 2 (specification, "Integer Run Length Encoding, version 2").
func decodeRLEv2(dst []int64, src []byte, signed bool) error {
	for len(dst) > 0 {
		if len(src) < 2 {
			return errShort
		}
		var used int
		var err error
		// All runs but short repeats have a length of 9 bits.
		n := (int(src[0]&1)<<8 | int(src[1])) + 1
		kind := src[0] >> 6
		if kind == 0 {
			n = int(src[0]&7) + 3
		}
		if n > len(dst) {
			return errLong
		}
		switch run := dst[:n]; kind {
		case 0:
			used, err = decodeShortRepeat(run, src, signed)
		case 1:
			used, err = decodeDirect(run, src, signed)
		case 2:
			used, err = decodePatchedBase(run, src)
		default:
			used, err = decodeDelta(run, src, signed)
		}
		if err != nil {
			return err
		}
		dst, src = dst[n:], src[used:]
	}
	if len(src) > 0 {
		return errTrailing(len(src))
	}
	return nil
}

// bigEndian returns the value of at most eight bytes.
func bigEndian(b []byte) uint64 {
	var v uint64
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return v
}

func decodeShortRepeat(run []int64, src []byte, signed bool) (used int, err error) {
	used = 1 + int(src[0]>>3&7) + 1
	if used > len(src) {
		return 0, errShort
	}
	value := int64(bigEndian(src[1:used]))
	if signed {
		value = unzigzag(uint64(value))
	}
	for i := range run {
		run[i] = value
	}
	return used, nil
}

func decodeDirect(run []int64, src []byte, signed bool) (used int, err error) {
	width := int(widths[src[0]>>1&31])
	used = 2 + packedBytes(len(run), width)
	if used > len(src) {
		return 0, errShort
	}
	unpack(run, src[2:], width)
	if signed {
		unzigzagAll(run)
	}
	return used, nil
}

// decodeDelta decodes a run whose values grow or shrink steadily: by the first delta throughout if there is no width, else by
// the unsigned deltas that follow, in the direction of the first.
func decodeDelta(run []int64, src []byte, signed bool) (used int, err error) {
	width := 0
	if code := src[0] >> 1 & 31; code != 0 {
		width = int(widths[code])
	}
	used = 2
	value, size, err := intVarint(src[used:], signed)
	if err != nil {
		return 0, err
	}
	used += size
	delta, size, err := intVarint(src[used:], true)
	if err != nil {
		return 0, err
	}
	used += size
	run[0] = value
	if width == 0 {
		for i := range run[1:] {
			value += delta
			run[1+i] = value
		}
		return used, nil
	}
	if len(run) < 2 {
		return 0, errDeltaRun
	}
	value += delta
	run[1] = value
	deltas := run[2:]
	packed := packedBytes(len(deltas), width)
	if packed > len(src)-used {
		return 0, errShort
	}
	unpack(deltas, src[used:], width)
	if delta < 0 {
		for i, d := range deltas {
			value -= d
			deltas[i] = value
		}
	} else {
		for i, d := range deltas {
			value += d
			deltas[i] = value
		}
	}
	return used + packed, nil
}

// decodePatchedBase decodes a run of values above a base, whose few large ones get their upper bits from a list of patches.
// The base has a sign bit of its own, so the values are not zigzag encoded.
func decodePatchedBase(run []int64, src []byte) (used int, err error) {
	if len(src) < 4 {
		return 0, errShort
	}
	width := int(widths[src[0]>>1&31])
	baseBytes := int(src[2]>>5) + 1
	patchWidth := int(widths[src[2]&31])
	gapWidth := int(src[3]>>5) + 1
	patches := int(src[3] & 31)
	if patchWidth+gapWidth > 64 {
		return 0, errPatchBits
	}
	entryWidth := closestWidth(patchWidth + gapWidth)
	valuesAt := 4 + baseBytes
	patchesAt := valuesAt + packedBytes(len(run), width)
	used = patchesAt + packedBytes(patches, entryWidth)
	if used > len(src) {
		return 0, errShort
	}
	raw := bigEndian(src[4:valuesAt])
	sign := uint64(1) << (8*baseBytes - 1)
	base := int64(raw &^ sign)
	if raw&sign != 0 {
		base = -base
	}
	unpack(run, src[valuesAt:], width)

	var list [31]int64
	unpack(list[:patches], src[patchesAt:], entryWidth)
	at := 0
	for i, entry := range list[:patches] {
		gap, patch := int(uint64(entry)>>patchWidth), uint64(entry)&(1<<patchWidth-1)
		at += gap
		if at >= len(run) {
			return 0, fmt.Errorf("%w: patch %d of %d", errPatchGap, i+1, patches)
		}
		// A patch of zero carries a gap that is too long for one entry: nothing to set.
		run[at] |= int64(patch << width)
	}
	for i := range run {
		run[i] += base
	}
	return used, nil
}
