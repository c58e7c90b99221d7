package orc

import (
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

// repeat returns n values that begin at first and differ by step.
func repeat(n int, first, step int64) []int64 {
	values := make([]int64, n)
	for i := range values {
		values[i] = first + int64(i)*step
	}
	return values
}

// The examples of the specification, "Run Length Encoding", and cases beside them.
func TestDecodeInts(t *testing.T) {
	for _, c := range []struct {
		name   string
		v2     bool
		signed bool
		src    []byte
		want   []int64
	}{
		{"v1 run", false, false, []byte{0x61, 0x00, 0x07}, repeat(100, 7, 0)},
		{"v1 run falling", false, false, []byte{0x61, 0xff, 0x64}, repeat(100, 100, -1)},
		{"v1 run signed", false, true, []byte{0x00, 0x01, 0x03}, []int64{-2, -1, 0}},
		{"v1 literals", false, false, []byte{0xfb, 0x02, 0x03, 0x06, 0x07, 0x0b}, []int64{2, 3, 6, 7, 11}},
		{"v1 literals signed", false, true, []byte{0xfd, 0x00, 0x01, 0x80, 0x01}, []int64{0, -1, 64}},
		{"v1 extremes", false, true, append(append([]byte{0xfe},
			0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01),
			0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01), []int64{math.MinInt64, math.MaxInt64}},
		{"short repeat", true, false, []byte{0x0a, 0x27, 0x10}, repeat(5, 10000, 0)},
		{"short repeat signed", true, true, []byte{0x07, 0x01}, repeat(10, -1, 0)},
		{"short repeat of 8 bytes", true, false, []byte{0x38, 1, 2, 3, 4, 5, 6, 7, 8}, repeat(3, 0x0102030405060708, 0)},
		{"direct", true, false, []byte{0x5e, 0x03, 0x5c, 0xa1, 0xab, 0x1e, 0xde, 0xad, 0xbe, 0xef},
			[]int64{23713, 43806, 57005, 48879}},
		{"direct signed", true, true, []byte{0x46, 0x03, 0x01, 0x23}, []int64{0, -1, 1, -2}},
		{"direct of 64 bits", true, false, []byte{0x7e, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, []int64{-1}},
		{"patched base", true, false, []byte{0x8e, 0x13, 0x2b, 0x21, 0x07, 0xd0, 0x1e, 0x00, 0x14, 0x70, 0x28, 0x32, 0x3c,
			0x46, 0x50, 0x5a, 0x64, 0x6e, 0x78, 0x82, 0x8c, 0x96, 0xa0, 0xaa, 0xb4, 0xbe, 0xfc, 0xe8},
			append([]int64{2030, 2000, 2020, 1000000}, repeat(16, 2040, 10)...)},
		{"patched base, negative base, gap too long for an entry", true, true, patchedBase(t), patchedBaseValues()},
		{"delta", true, false, []byte{0xc6, 0x09, 0x02, 0x02, 0x22, 0x42, 0x42, 0x46},
			[]int64{2, 3, 5, 7, 11, 13, 17, 19, 23, 29}},
		{"delta falling", true, true, []byte{0xc6, 0x03, 0x14, 0x01, 0x23}, []int64{10, 9, 7, 4}},
		{"delta fixed", true, false, []byte{0xc1, 0xff, 0x05, 0x04}, repeat(512, 5, 2)},
		{"delta of two values", true, true, []byte{0xc6, 0x01, 0x02, 0x02}, []int64{1, 2}},
		{"runs in a row", true, false, []byte{0x0a, 0x27, 0x10, 0xc0, 0x02, 0x01, 0x02},
			[]int64{10000, 10000, 10000, 10000, 10000, 1, 2, 3}},
		{"nothing", true, false, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := make([]int64, len(c.want))
			if err := decodeInts(got, c.src, c.v2, c.signed); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
			// Every other number of values, and every cut, is an error.
			for n := range len(c.want) {
				if err := decodeInts(make([]int64, n), c.src, c.v2, c.signed); err == nil {
					t.Errorf("%d values of %d: no error", n, len(c.want))
				}
			}
			if err := decodeInts(make([]int64, len(c.want)+1), c.src, c.v2, c.signed); err == nil {
				t.Error("one value too many: no error")
			}
			for n := range len(c.src) {
				if err := decodeInts(got, c.src[:n], c.v2, c.signed); err == nil {
					t.Errorf("%d bytes of %d: no error", n, len(c.src))
				}
			}
		})
	}
}

// patchedBase encodes 300 values of 1 bit above -5, with patches of 8 bits on values 2 and 299.
func patchedBase(t *testing.T) []byte {
	t.Helper()
	// Width 1 (code 0), 300 values; base of 1 byte, patch width 8 (code 7); gap width 8, three entries of 16 bits.
	src := []byte{0x80 | 299>>8, 299 & 0xff, 0<<5 | 7, 7<<5 | 3, 0x80 | 5}
	bits := make([]byte, packedBytes(300, 1))
	for i := range 300 {
		if i%3 == 0 {
			bits[i/8] |= 0x80 >> (i % 8)
		}
	}
	src = append(src, bits...)
	return append(src, 2, 0x11, 255, 0, 299-2-255, 0xff)
}

func patchedBaseValues() []int64 {
	values := make([]int64, 300)
	for i := range values {
		values[i] = -5
		if i%3 == 0 {
			values[i]++
		}
	}
	values[2] += 0x11 << 1
	values[299] += 0xff << 1
	return values
}

func TestDecodeIntsRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		v2   bool
		src  []byte
		n    int
		want error
	}{
		{"varint of 11 bytes", false, append([]byte{0xff}, slices.Repeat([]byte{0xff}, 11)...), 1, errVarint},
		{"patch outside the run", true, []byte{0x8e, 0x01, 0x0b, 0x21, 0, 1, 2, 0xfc, 0xe8}, 2, errPatchGap},
		{"patches of more than 64 bits", true, []byte{0x8e, 0x01, 0x1f, 0x21, 0, 1, 2, 0xfc, 0xe8}, 2, errPatchBits},
		{"delta run of one value", true, []byte{0xc6, 0x00, 0x02, 0x02}, 1, errDeltaRun},
	} {
		if err := decodeInts(make([]int64, c.n), c.src, c.v2, false); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// TestUnpack compares unpack with a reading bit by bit, for all widths, with few and with many bytes behind the values.
func TestUnpack(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, width := range widths {
		for _, n := range []int{0, 1, 2, 3, 7, 8, 9, 31, 64, 65, 512} {
			for _, extra := range []int{0, 1, 7, 8, 64} {
				src := make([]byte, packedBytes(n, int(width))+extra)
				for i := range src {
					src[i] = byte(random.Uint32())
				}
				got := make([]int64, n)
				unpack(got, src, int(width))
				for i, v := range got {
					var want uint64
					for bit := i * int(width); bit < (i+1)*int(width); bit++ {
						want = want<<1 | uint64(src[bit/8]>>(7-bit%8)&1)
					}
					if uint64(v) != want {
						t.Fatalf("width %d, value %d of %d, %d bytes behind: %#x, want %#x", width, i, n, extra, v, want)
					}
				}
			}
		}
	}
}

func TestDecodeByteRLE(t *testing.T) {
	for _, c := range []struct {
		src, want []byte
	}{
		{[]byte{0x61, 0x00}, make([]byte, 100)},
		{[]byte{0xfe, 0x44, 0x45}, []byte{0x44, 0x45}},
		{[]byte{0xfe, 0x44, 0x45, 0x00, 0x07}, []byte{0x44, 0x45, 7, 7, 7}},
	} {
		got := make([]byte, len(c.want))
		if err := decodeByteRLE(got, c.src); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%x: %v, %v", c.src, got, err)
		}
		for n := range len(c.src) {
			if err := decodeByteRLE(got, c.src[:n]); err == nil {
				t.Errorf("%x: no error", c.src[:n])
			}
		}
		if err := decodeByteRLE(got[:len(got)-1], c.src); err == nil {
			t.Errorf("%x: no error for one value less", c.src)
		}
	}
	var packed []byte
	bools := make([]bool, 16)
	trues, err := decodeBools(bools, []byte{0xfe, 0xff, 0x80}, &packed)
	if err != nil || trues != 9 || !bools[8] || bools[9] {
		t.Errorf("%d of %v, %v", trues, bools, err)
	}
}

// encodeVarint128 is the zigzag varint of n.
func encodeVarint128(n *big.Int) []byte {
	z := new(big.Int).Lsh(n, 1)
	if n.Sign() < 0 {
		z.Not(z)
	}
	var b []byte
	for z.BitLen() > 7 {
		b = append(b, byte(z.Uint64()&0x7f)|0x80)
		z.Rsh(z, 7)
	}
	return append(b, byte(z.Uint64()))
}

func TestVarint128(t *testing.T) {
	one := big.NewInt(1)
	limit := new(big.Int).Lsh(one, 127)
	for shift := range uint(128) {
		for _, n := range []*big.Int{
			new(big.Int).Lsh(one, shift),
			new(big.Int).Sub(new(big.Int).Lsh(one, shift), one),
			new(big.Int).Neg(new(big.Int).Lsh(one, shift)),
		} {
			b := encodeVarint128(n)
			d, size, err := varint128(b)
			if n.Cmp(limit) >= 0 {
				if !errors.Is(err, errDecimalRange) {
					t.Errorf("%v: %v", n, err)
				}
				continue
			}
			if err != nil || size != len(b) || decimalText(d, 0) != n.String() {
				t.Errorf("%v: %v, %d bytes, %v", n, decimalText(d, 0), size, err)
			}
			if _, _, err := varint128(b[:len(b)-1]); !errors.Is(err, errShort) {
				t.Errorf("%v cut: %v", n, err)
			}
		}
	}
	if _, _, err := varint128(slices.Repeat([]byte{0x80}, 40)); !errors.Is(err, errDecimalRange) {
		t.Errorf("40 bytes: %v", err)
	}
}

func TestRescale(t *testing.T) {
	for _, c := range []struct {
		n     int64
		power int
		want  string
		err   error
	}{
		{-15, 2, "-1500", nil},
		{-1500, -2, "-15", nil},
		{1, 38, "1" + "00000000000000000000000000000000000000", nil},
		{1, 39, "", errDecimalRange},
		{-2, 38, "", errDecimalRange},
		{15, -1, "", errDecimalScale},
		{0, 76, "0", nil},
		{math.MinInt64, 0, "-9223372036854775808", nil},
	} {
		got, err := Int128{Hi: c.n >> 63, Lo: uint64(c.n)}.rescale(c.power)
		if !errors.Is(err, c.err) || err == nil && decimalText(got, 0) != c.want {
			t.Errorf("%d * 10^%d: %s, %v, want %s, %v", c.n, c.power, decimalText(got, 0), err, c.want, c.err)
		}
	}
}

func TestDecodeNanos(t *testing.T) {
	for _, c := range []struct {
		stored int64
		want   int32
		ok     bool
	}{
		{0x0a, 1000, true}, {0x0c, 100000, true}, {0, 0, true}, {999_999_999 << 3, 999_999_999, true},
		{-999_999_999 * 8, -999_999_999, true}, {-5*8 | 6, -50_000_000, true},
		{1_000_000_000 << 3, 0, false}, {-1_000_000_000 * 8, 0, false}, {10<<3 | 7, 0, false}, {-10*8 | 7, 0, false},
		{math.MaxInt64, 0, false}, {math.MinInt64, 0, false},
	} {
		if got, ok := decodeNanos(c.stored); ok != c.ok || ok && got != c.want {
			t.Errorf("%#x: %d, %v, want %d, %v", c.stored, got, ok, c.want, c.ok)
		}
	}
}

// The table "closestFixedBits" of the specification, and the widths that every code stands for.
func TestClosestWidth(t *testing.T) {
	for _, c := range []struct{ from, to, want int }{
		{25, 26, 26}, {27, 28, 28}, {29, 30, 30}, {31, 32, 32}, {33, 40, 40}, {41, 48, 48}, {49, 56, 56}, {57, 64, 64},
	} {
		for bits := c.from; bits <= c.to; bits++ {
			if got := closestWidth(bits); got != c.want {
				t.Errorf("%d bits: %d, want %d", bits, got, c.want)
			}
		}
	}
	for bits := 1; bits <= 24; bits++ {
		if got := closestWidth(bits); got != bits {
			t.Errorf("%d bits: %d", bits, got)
		}
	}
}
