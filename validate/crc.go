package validate

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/minio/crc64nvme"
)

// CRC64 is the CRC-64/NVME of b, the checksum that S3 names CRC64NVME.
func CRC64(b []byte) uint64 { return crc64nvme.Checksum(b) }

// CRC64Update is the CRC-64/NVME of the bytes behind crc followed by b. The CRC of no bytes is 0.
func CRC64Update(crc uint64, b []byte) uint64 { return crc64nvme.Update(crc, b) }

// CombineCRC64 is the CRC-64/NVME of A followed by B, given crc1 of A, crc2 of B and len2, the length of B in bytes, which
// must not be negative. It takes O(log len2) time and no memory.
func CombineCRC64(crc1, crc2 uint64, len2 int64) uint64 { return nvme.combine(crc1, crc2, len2) }

// CombineCRC32 is CombineCRC64 for the IEEE CRC-32 of gzip (RFC 1952 section 8).
func CombineCRC32(crc1, crc2 uint32, len2 int64) uint32 { return ieee.combine(crc1, crc2, len2) }

// UncombineCRC64 is the CRC-64/NVME of A, given crc of A followed by B, crc2 of B and len2, the length of B in bytes. It takes
// time in proportion to len2.
func UncombineCRC64(crc, crc2 uint64, len2 int64) uint64 { return nvme.uncombine(crc, crc2, len2) }

// Read-only after initialisation.
var (
	nvme = newPolynomial[uint64](crc64nvme.NVME)
	ieee = newPolynomial[uint32](crc32.IEEE)
)

// polynomial is a CRC's generator P over GF(2), bit-reflected: the highest bit of a T is the coefficient of x^0.
//
// With the same initial value and final complement on both sides, crc(A‖B) = crc(A)·x^(8·len(B)) + crc(B) mod P: the
// complements cancel out. x^(8·n) is the product of those x^(8·2^k) whose bit k is set in n.
type polynomial[T uint32 | uint64] struct {
	p      T
	powers [63]T // x^(8·2^k) mod P for the 63 value bits of an int64
}

func newPolynomial[T uint32 | uint64](p T) *polynomial[T] {
	f := &polynomial[T]{p: p}
	one := ^(^T(0) >> 1) // x^0
	power := one >> 8    // x^8
	for k := range f.powers {
		f.powers[k] = power
		power = f.multiply(power, power)
	}
	return f
}

// multiply is a·b mod P: b times each term of a in turn, lowest power first, b gaining a factor x at each step.
func (f *polynomial[T]) multiply(a, b T) T {
	var product T
	for ; a != 0; a <<= 1 {
		if top := ^T(0) >> 1; a > top {
			product ^= b
		}
		b = b>>1 ^ f.p&-(b&1)
	}
	return product
}

func (f *polynomial[T]) combine(crc1, crc2 T, len2 int64) T {
	for k := 0; len2 > 0; k, len2 = k+1, len2>>1 {
		if len2&1 != 0 {
			crc1 = f.multiply(f.powers[k], crc1)
		}
	}
	return crc1 ^ crc2
}

// uncombine divides by x, the inverse of one step of multiply, for each bit of len2 bytes: what has lost x^0 in the step has
// gained P, which no power of x but that one holds as its highest bit.
func (f *polynomial[T]) uncombine(crc, crc2 T, len2 int64) T {
	crc ^= crc2
	for range 8 * len2 {
		if top := ^T(0) >> 1; crc > top {
			crc = (crc^f.p)<<1 | 1
		} else {
			crc <<= 1
		}
	}
	return crc
}

// EncodeCRC64 writes a CRC-64 as S3 does in x-amz-checksum-crc64nvme: base64 of its 8 bytes, the highest first.
func EncodeCRC64(crc uint64) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, crc))
}

// DecodeCRC64 reads what EncodeCRC64 writes, and nothing else: a checksum of checksums, which S3 writes with the number of
// parts behind it, is an error.
func DecodeCRC64(s string) (uint64, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil {
		return 0, fmt.Errorf("decode CRC64NVME %q: %w", s, err)
	}
	if len(b) != 8 || len(s) != 12 { // the decoder skips line breaks
		return 0, fmt.Errorf("decode CRC64NVME %q: want base64 of 8 bytes in 12 characters", s)
	}
	return binary.BigEndian.Uint64(b), nil
}
