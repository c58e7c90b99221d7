package orc

import (
	"bytes"
	"fmt"
	"slices"
)

// The decoders of whole streams here are simple, and what the ones that keep their place are compared with.

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

// simpleByteRLE fills dst from src, all of which it must use (specification, "Byte Run Length Encoding").
func simpleByteRLE(dst, src []byte) error {
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
			value := src[1]
			for i := range dst[:n] {
				dst[i] = value
			}
			dst, src = dst[n:], src[2:]
			continue
		}
		n := -control
		if n > len(dst) {
			return errLong
		}
		if n > len(src)-1 {
			return errShort
		}
		copy(dst, src[1:1+n])
		dst, src = dst[n:], src[1+n:]
	}
	if len(src) > 0 {
		return errTrailing(len(src))
	}
	return nil
}

// simpleBools fills dst from a boolean stream: bits, the most significant first, in bytes that are run length encoded
// (specification, "Boolean Run Length Encoding"). It returns the number of true values. packed is memory for the bytes.
func simpleBools(dst []bool, src []byte, packed *[]byte) (trues int, err error) {
	*packed = resize(*packed, (len(dst)+7)/8)
	bits := *packed
	if err := simpleByteRLE(bits, src); err != nil {
		return 0, err
	}
	for i := range dst {
		b := bits[i>>3] >> (7 - i&7) & 1
		dst[i] = b != 0
		trues += int(b)
	}
	return trues, nil
}

// streamOf returns a stream of the given bytes in memory.
func streamOf(b []byte) stream {
	s := stream{exists: true, decompressor: newDecompressor(compressionNone, 0)}
	s.src.file = &File{r: bytes.NewReader(b), sizeBytes: int64(len(b))}
	s.src.end = int64(len(b))
	return s
}

// inPieces calls read for pieces of dst that together are all of it, of the given length.
func inPieces[T any](dst []T, piece int, read func([]T) error) error {
	for len(dst) > 0 {
		n := min(piece, len(dst))
		if err := read(dst[:n]); err != nil {
			return err
		}
		dst = dst[n:]
	}
	return nil
}

// pieces are the lengths of batches that decoders are tested with.
var pieces = []int{batchRows, 1, 3, 511, 512, 700}

// decodeInts decodes all of src in batches of several lengths, and panics unless the results are those of a simple decoder.
func decodeInts(dst []int64, src []byte, v2, signed bool) error {
	simple := decodeRLEv1
	if v2 {
		simple = decodeRLEv2
	}
	want := make([]int64, len(dst))
	wantErr := simple(want, src, signed)
	var err error
	for _, piece := range pieces {
		r := &intReader{stream: streamOf(src)}
		r.encoded(v2, signed)
		err = inPieces(dst, piece, func(part []int64) error {
			constant, err := r.read(part)
			if err == nil && constant {
				for _, v := range part {
					if v != part[0] {
						panic("not constant")
					}
				}
			}
			return err
		})
		if err == nil {
			err = r.end()
		}
		if (err == nil) != (wantErr == nil) || err == nil && !slices.Equal(dst, want) {
			panic(fmt.Sprintf("%x in batches of %d: %v, %v; want %v, %v", src, piece, dst, err, want, wantErr))
		}
	}
	return err
}

// decodeByteRLE is for bytes what decodeInts is for integers.
func decodeByteRLE(dst, src []byte) error {
	want := make([]byte, len(dst))
	wantErr := simpleByteRLE(want, src)
	var err error
	for _, piece := range pieces {
		r := &byteReader{stream: streamOf(src)}
		err = inPieces(dst, piece, func(part []byte) error {
			constant, err := r.read(part)
			if err == nil && constant != (bytes.Count(part, part[:1]) == len(part)) {
				panic("wrongly constant")
			}
			return err
		})
		if err == nil {
			err = r.end()
		}
		if (err == nil) != (wantErr == nil) || err == nil && !bytes.Equal(dst, want) {
			panic(fmt.Sprintf("%x in batches of %d: %v, %v; want %v, %v", src, piece, dst, err, want, wantErr))
		}
	}
	return err
}

// decodeBools is for booleans what decodeInts is for integers.
func decodeBools(dst []bool, src []byte, packed *[]byte) (trues int, err error) {
	want := make([]bool, len(dst))
	wantTrues, wantErr := simpleBools(want, src, packed)
	for _, piece := range pieces {
		r := &boolReader{bytes: byteReader{stream: streamOf(src)}}
		trues = 0
		err = inPieces(dst, piece, func(part []bool) error {
			n, err := r.read(part)
			trues += n
			return err
		})
		if err == nil {
			err = r.end()
		}
		if (err == nil) != (wantErr == nil) || err == nil && (trues != wantTrues || !slices.Equal(dst, want)) {
			panic(fmt.Sprintf("%x in batches of %d: %v, %v; want %v, %v", src, piece, dst, err, want, wantErr))
		}
	}
	return trues, err
}
