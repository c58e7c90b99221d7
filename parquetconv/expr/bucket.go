package expr

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/s3compact/s3compact/parquetconv/value"
)

// buildBucket is the bucket transform of Apache Iceberg (table spec, appendix
// B): the 32-bit hash of the value, without its sign, modulo the number of
// buckets.
func buildBucket(c *checker, s *syntax, args []*node) (*node, error) {
	n, err := c.constantInt(s, 0, args[0], "number of buckets", 1, math.MaxInt32)
	if err != nil {
		return nil, err
	}
	x := args[1]
	hash := hashOf(x.t)
	if hash == nil {
		return nil, c.errorf(s.operands[1], "bucket needs a whole number, decimal, date, timestamp, string or binary, not %s: cast it", x.t)
	}
	if x.t.Kind == value.Null {
		return constantNode(int32s, value.NullValue), nil
	}
	bucket := counting(int32s, args[1:], func(v []vector, i int) (int64, *value.Bad) {
		return int64(hash(&v[0], i)&math.MaxInt32) % n, nil
	})
	bucket.buckets = int(n)
	bucket.certain = x.certain
	return bucket, nil
}

// hashOf is the hash of a vector's value at a position; nil for a type that
// has none.
func hashOf(t value.Type) func(v *vector, i int) uint32 {
	switch t.Kind {
	case value.Null, value.Int32, value.Int64, value.Date, value.Timestamp:
		return func(v *vector, i int) uint32 {
			var b [8]byte
			binary.LittleEndian.PutUint64(b[:], uint64(v.ints[i&v.mask]))
			return murmur3(b[:])
		}
	case value.Decimal:
		return func(v *vector, i int) uint32 {
			d := v.decs[i&v.mask]
			var b [16]byte
			binary.BigEndian.PutUint64(b[:], uint64(d.HighBits()))
			binary.BigEndian.PutUint64(b[8:], d.LowBits())
			return murmur3(shortest(b[:]))
		}
	case value.String, value.Binary:
		return func(v *vector, i int) uint32 { return murmur3(v.text(i)) }
	}
	return nil
}

// shortest is a two's complement number, most significant byte first, in as
// few bytes as it takes.
func shortest(b []byte) []byte {
	for len(b) > 1 && (b[0] == 0 && b[1] < 0x80 || b[0] == 0xff && b[1] >= 0x80) {
		b = b[1:]
	}
	return b
}

// murmur3 is the 32-bit x86 variant of Austin Appleby's MurmurHash3, seed 0.
func murmur3(b []byte) uint32 {
	h, size := uint32(0), uint32(len(b))
	for ; len(b) >= 4; b = b[4:] {
		h = bits.RotateLeft32(h^mixed(binary.LittleEndian.Uint32(b)), 13)*5 + 0xe6546b64
	}
	var rest uint32
	for i, c := range b {
		rest |= uint32(c) << (8 * i)
	}
	h ^= mixed(rest) ^ size
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return h ^ h>>16
}

func mixed(k uint32) uint32 { return bits.RotateLeft32(k*0xcc9e2d51, 15) * 0x1b873593 }
