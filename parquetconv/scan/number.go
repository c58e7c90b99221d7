package scan

import (
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

func isDigit(c byte) bool { return c-'0' <= 9 }

// number skips a number (RFC 8259 section 6).
func (s *Scanner) number(b []byte, i int) int {
	if b[i] == '-' {
		i++
	}
	switch {
	case i >= len(b):
		return s.cut(len(b))
	case b[i] == '0':
		i++
	case isDigit(b[i]):
		i = digits(b, i)
	default:
		return s.invalid(b, i, "in number (expecting digit)")
	}
	if i < len(b) && b[i] == '.' {
		if i++; i >= len(b) || !isDigit(b[i]) {
			return s.invalid(b, i, "in number (expecting digit)")
		}
		i = digits(b, i)
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		if i++; i < len(b) && (b[i] == '-' || b[i] == '+') {
			i++
		}
		if i >= len(b) || !isDigit(b[i]) {
			return s.invalid(b, i, "in number (expecting digit)")
		}
		i = digits(b, i)
	}
	return i
}

func digits(b []byte, i int) int {
	for i < len(b) && isDigit(b[i]) {
		i++
	}
	return i
}

// maxPlainDigits is how many digits fit 64 bits whatever they are.
const maxPlainDigits = 18

// plainInt is the quick way for a whole number of up to 18 digits without a
// point or an exponent. Where it is not ok, the number may still be one.
func plainInt(b []byte, i int) (v int64, next int, ok bool) {
	start := i
	if b[i] == '-' {
		i++
	}
	first := i
	if i <= len(b)-8 {
		// Eight digits or fewer in one step: those that are no digits are shifted
		// out, and three multiplications add up pairs, fours and eights.
		w := word(b, i)
		n := digitsIn(w)
		v = int64(eightDigits(w, n))
		i += n
	}
	for i < len(b) && isDigit(b[i]) {
		v = v*10 + int64(b[i]-'0')
		if i++; i-first > maxPlainDigits {
			return 0, 0, false
		}
	}
	if i == first || i == len(b) || b[first] == '0' && i > first+1 {
		return 0, 0, false
	}
	if c := b[i]; c == '.' || c|0x20 == 'e' {
		return 0, 0, false
	}
	if first > start {
		v = -v
	}
	return v, i, true
}

// digitsIn counts the digits that a word begins with.
func digitsIn(w uint64) int {
	// A digit is 0x30 to 0x39: its high half is 3, also after adding 6.
	no := (w&0xf0f0f0f0f0f0f0f0 ^ 0x3030303030303030) | ((w+0x0606060606060606)&0xf0f0f0f0f0f0f0f0 ^ 0x3030303030303030)
	return bits.TrailingZeros64(no) / 8
}

// eightDigits is the number that the first n bytes of a word, all digits, show.
func eightDigits(w uint64, n int) uint64 {
	w = (w - '0'*lanes) << (64 - 8*uint(n))
	w = w*10 + w>>8 // pairs, in every second byte
	const pairs = 0x000000ff000000ff
	return ((w&pairs)*(100+1_000_000<<32) + (w>>16&pairs)*(1+10_000<<32)) >> 32
}

// scaled is a number taken apart: mantissa / 10^places.
type scaled struct {
	mantissa uint64
	places   int
	negative bool
}

// plainScaled is the quick way for a number of up to 18 digits without an
// exponent.
func plainScaled(b []byte, i int) (v scaled, next int, ok bool) {
	if b[i] == '-' {
		v.negative = true
		i++
	}
	first := i
	for i < len(b) && isDigit(b[i]) {
		v.mantissa = v.mantissa*10 + uint64(b[i]-'0')
		i++
	}
	n := i - first
	if n == 0 || n > maxPlainDigits || b[first] == '0' && n > 1 || i == len(b) {
		return scaled{}, 0, false
	}
	if b[i] == '.' {
		i++
		point := i
		for i < len(b) && isDigit(b[i]) {
			v.mantissa = v.mantissa*10 + uint64(b[i]-'0')
			i++
		}
		v.places = i - point
		if v.places == 0 || n+v.places > maxPlainDigits || i == len(b) {
			return scaled{}, 0, false
		}
	}
	if b[i]|0x20 == 'e' {
		return scaled{}, 0, false
	}
	return v, i, true
}

// Powers of ten that a double holds exactly, and a mantissa that it does.
var exactPowers = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}

const (
	exactMantissa64 = 1 << 53
	exactMantissa32 = 1 << 24
	exactPlaces32   = 10
)

// float64 is the nearest double, where one division of two exact doubles
// gives it (Clinger 1990).
func (v scaled) float64() (float64, bool) {
	if v.mantissa > exactMantissa64 {
		return 0, false
	}
	f := float64(v.mantissa) / exactPowers[v.places]
	if v.negative {
		f = -f
	}
	return f, true
}

// float32 is the same for 32 bits.
func (v scaled) float32() (float32, bool) {
	if v.mantissa > exactMantissa32 || v.places > exactPlaces32 {
		return 0, false
	}
	f := float32(v.mantissa) / float32(exactPowers[v.places])
	if v.negative {
		f = -f
	}
	return f, true
}

// Whole powers of ten within 64 bits.
var wholePowers = [...]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}

// decimal is the number as a decimal, where it fits 18 digits at that scale.
func (v scaled) decimal(precision, scale int) (decimal128.Num, bool) {
	zeros := scale - v.places
	if zeros < 0 || zeros > maxPlainDigits {
		return decimal128.Num{}, false
	}
	high, unscaled := bits.Mul64(v.mantissa, wholePowers[zeros])
	if high != 0 || unscaled > wholePowers[maxPlainDigits] || precision <= maxPlainDigits && unscaled >= wholePowers[precision] {
		return decimal128.Num{}, false
	}
	if v.negative {
		return decimal128.FromI64(-int64(unscaled)), true
	}
	return decimal128.FromI64(int64(unscaled)), true
}
