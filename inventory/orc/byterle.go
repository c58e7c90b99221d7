package orc

import (
	"errors"
	"fmt"
)

// What the densest encoding makes of one stored byte. A stream of n bytes can't hold more values than these times n, which
// is checked before memory for the values is allocated.
const (
	maxBytesPerByte = 65      // byte RLE: a run of 130 in 2 bytes
	maxBoolsPerByte = 65 * 8  // boolean RLE
	maxIntsPerByte  = 512 / 4 // RLE v2: 512 values in a delta run of 4 bytes
)

var (
	errShort = errors.New("it ends before the last value")
	errLong  = errors.New("a run goes beyond the last value")
)

// errTrailing says that n bytes follow the last value of a stream.
func errTrailing(n int) error {
	return fmt.Errorf("%d bytes follow the last value", n)
}

// decodeByteRLE fills dst from src, all of which it must use (specification, "Byte Run Length Encoding").
func decodeByteRLE(dst, src []byte) error {
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

// decodeBools fills dst from a boolean stream: bits, the most significant first, in bytes that are run length encoded
// (specification, "Boolean Run Length Encoding"). It returns the number of true values. packed is memory for the bytes.
func decodeBools(dst []bool, src []byte, packed *[]byte) (trues int, err error) {
	*packed = resize(*packed, (len(dst)+7)/8)
	bits := *packed
	if err := decodeByteRLE(bits, src); err != nil {
		return 0, err
	}
	for i := range dst {
		b := bits[i>>3] >> (7 - i&7) & 1
		dst[i] = b != 0
		trues += int(b)
	}
	return trues, nil
}
