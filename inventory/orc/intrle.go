package orc

import (
	"errors"
	"fmt"
)

var (
	errShort     = errors.New("it ends before the last value")
	errLong      = errors.New("a run goes beyond the last value")
	errVarint    = errors.New("a varint exceeds 64 bits")
	errDeltaRun  = errors.New("a delta run of one value has deltas")
	errPatchGap  = errors.New("a patch lies outside its run")
	errPatchBits = errors.New("the patches of a run are wider than 64 bits")
)

// errTrailing says that n bytes follow the last value of a stream.
func errTrailing(n int) error {
	return fmt.Errorf("%d bytes follow the last value", n)
}

func unzigzag(v uint64) int64 {
	return int64(v>>1) ^ -int64(v&1)
}

func unzigzagAll(values []int64) {
	for i, v := range values {
		values[i] = unzigzag(uint64(v))
	}
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
