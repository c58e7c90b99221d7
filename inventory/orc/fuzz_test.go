package orc

import (
	"testing"

	"github.com/s3compact/s3compact/internal/orcwrite"
)

// FuzzFile reads damaged files whole.
func FuzzFile(f *testing.F) {
	for _, b := range smallExamples(f, 2500) {
		f.Add(b, uint32(0), byte(0))
		f.Add(b, uint32(len(b)/2), byte(0x55))
	}
	f.Add(one(KindLong, 3, directV2, threeInts).bytes(), uint32(4), byte(1))
	for i, compression := range []orcwrite.Compression{orcwrite.None, orcwrite.Zlib, orcwrite.Snappy} {
		o := orcwrite.Options{Compression: compression, BlockBytes: 200, RowIndexStride: 4, EarlyPositions: i > 0}
		f.Add(writeInventory(f, uint64(i), o, 0.2, 10, 9), uint32(50), byte(1))
	}
	f.Fuzz(func(t *testing.T, b []byte, at uint32, mask byte) {
		if len(b) > 0 {
			b[int(at)%len(b)] ^= mask
		}
		checkRead(t, "fuzzed", b)
	})
}

// FuzzTail parses damaged footers, statistics, stripe footers and postscripts.
func FuzzTail(f *testing.F) {
	b := one(KindString, 3, directV2, length(0x00, 0x01), data('x', 'y', 'z')).bytes()
	f.Add(b[len(b)-60:])
	for n := range 40 {
		f.Add(b[n:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var tl tail
		if tl.parseFooter(b) == nil && tl.check(1<<40) == nil {
			var rows int64
			for _, s := range tl.stripes {
				rows += s.Rows
			}
			if rows != tl.rows || len(tl.types) == 0 {
				t.Errorf("%d rows in the stripes, %d in the file of %d types", rows, tl.rows, len(tl.types))
			}
			if tl.parseMetadata(b) == nil {
				f := &File{tail: tl}
				c := &column{info: typeInfo{kind: KindString}}
				_, _ = f.stripeStatistics(nil, 0, []*column{c})
				_, _ = f.fileStatistics(c)
			}
		}
		var sf stripeFooter
		if sf.parse(b, StripeInfo{DataBytes: 1 << 20}, 3) == nil {
			var n int64
			for _, st := range sf.streams {
				n += st.sizeBytes
			}
			if n != 1<<20 || len(sf.encodings) != 3 {
				t.Errorf("%d bytes in streams, %d encodings", n, len(sf.encodings))
			}
		}
		if ps, err := parsePostscript(b); err == nil && (ps.footerBytes < 0 || ps.metadataBytes < 0 || ps.blockBytes > maxBlockBytes) {
			t.Errorf("%+v", ps)
		}
	})
}

// FuzzInts decodes run length encoded integers. What is accepted with n values must be refused with n+1.
func FuzzInts(f *testing.F) {
	f.Add([]byte{0x61, 0x00, 0x07}, uint16(100), false, false)
	f.Add([]byte{0xfb, 0x02, 0x03, 0x06, 0x07, 0x0b}, uint16(5), false, true)
	f.Add([]byte{0x0a, 0x27, 0x10}, uint16(5), true, false)
	f.Add([]byte{0x5e, 0x03, 0x5c, 0xa1, 0xab, 0x1e, 0xde, 0xad, 0xbe, 0xef}, uint16(4), true, true)
	f.Add([]byte{0x8e, 0x01, 0x2b, 0x21, 0x07, 0xd0, 0x1e, 0x00, 0xfc, 0xe8}, uint16(2), true, false)
	f.Add([]byte{0xc6, 0x09, 0x02, 0x02, 0x22, 0x42, 0x42, 0x46}, uint16(10), true, false)
	f.Fuzz(func(t *testing.T, src []byte, n uint16, v2, signed bool) {
		values := make([]int64, int(n)+1)
		if decodeInts(values[:n], src, v2, signed) != nil {
			return
		}
		if decodeInts(values, src, v2, signed) == nil {
			t.Errorf("both %d and %d values", n, n+1)
		}
	})
}

// FuzzBytes decodes run length encoded bytes, booleans, 128 bit varints and nanoseconds.
func FuzzBytes(f *testing.F) {
	f.Add([]byte{0x61, 0x00}, uint16(100))
	f.Add([]byte{0xfe, 0x44, 0x45}, uint16(2))
	f.Fuzz(func(t *testing.T, src []byte, n uint16) {
		_ = decodeByteRLE(make([]byte, n), src)
		bools := make([]bool, n)
		var packed []byte
		if trues, err := decodeBools(bools, src, &packed); err == nil {
			for _, b := range bools {
				if b {
					trues--
				}
			}
			if trues != 0 {
				t.Errorf("counted %d too many", trues)
			}
		}
		if d, size, err := varint128(src); err == nil {
			if size < 1 || size > 19 {
				t.Errorf("%d bytes for a varint", size)
			}
			up, err := d.rescale(int(n % 39))
			if err == nil {
				if down, err := up.rescale(-int(n % 39)); err != nil || down != d {
					t.Errorf("%v times and by 10^%d: %v, %v", d, n%39, down, err)
				}
			}
		}
		if nanos, ok := decodeNanos(int64(n)<<32 - 1<<47); ok && (nanos < -999_999_999 || nanos > 999_999_999) {
			t.Errorf("%d ns", nanos)
		}
	})
}

// FuzzDecompress decompresses damaged streams: never more than the limits, in any compression.
func FuzzDecompress(f *testing.F) {
	for kind, compress := range compressors {
		packed := compress(f, []byte("logs/2024/05/17/logs/2024/05/17/logs/2024/05/17/"))
		f.Add(int(kind), append(chunk(packed, false), chunk([]byte("plain"), true)...))
	}
	f.Fuzz(func(t *testing.T, kind int, src []byte) {
		if compressionKind(kind).check() != nil {
			return
		}
		var buf []byte
		if out, err := newDecompressor(compressionKind(kind), 64).decompress(&buf, src, 1000); err == nil && len(out) > 1000 {
			t.Errorf("%d bytes", len(out))
		}
	})
}
