package value

import (
	"errors"
	"math"
	"math/big"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// number is a decimal number taken apart: digits × 10^exponent, the digits without leading and
// trailing zeros.
type number struct {
	negative bool
	digits   []byte
	exponent int
}

// maxExponent bounds the exponents that are taken apart, beside as many digits
// as the number has; beyond it every exact type is out of range.
const maxExponent = 10_000

// parseNumber reads a number in the grammar of JSON (RFC 8259 section 6). What
// only text has is allowed too: a leading plus sign, leading zeros, and no
// digits on one side of the point.
func parseNumber(s []byte) (n number, ok bool) {
	i := 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		n.negative = s[i] == '-'
		i++
	}
	start := i
	n.digits = make([]byte, 0, len(s))
	for i < len(s) && isDigit(s[i]) {
		n.digits = append(n.digits, s[i])
		i++
	}
	if i < len(s) && s[i] == '.' {
		i++
		start++
		for i < len(s) && isDigit(s[i]) {
			n.digits = append(n.digits, s[i])
			n.exponent--
			i++
		}
	}
	if i == start {
		return number{}, false
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		e, err := strconv.Atoi(string(s[i+1:]))
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return number{}, false
		}
		bound := maxExponent + len(s)
		n.exponent += max(-bound, min(bound, e))
		i = len(s)
	}
	if i != len(s) {
		return number{}, false
	}
	return n.trimmed(), true
}

func (n number) trimmed() number {
	for len(n.digits) > 0 && n.digits[0] == '0' {
		n.digits = n.digits[1:]
	}
	for len(n.digits) > 0 && n.digits[len(n.digits)-1] == '0' {
		n.digits = n.digits[:len(n.digits)-1]
		n.exponent++
	}
	if len(n.digits) == 0 {
		n.exponent, n.negative = 0, false
	}
	return n
}

// unscaled is the number times 10^scale as an integer of at most limit digits.
func (n number) unscaled(scale, limit int, text []byte) (*big.Int, *Bad) {
	if len(n.digits) == 0 {
		return new(big.Int), nil
	}
	zeros := n.exponent + scale
	switch {
	case zeros < 0 && scale == 0:
		return nil, bad(ReasonFraction, "%s is no whole number", quote(text))
	case zeros < 0:
		return nil, bad(ReasonFraction, "%s has more than %d digits after the point", quote(text), scale)
	case len(n.digits)+zeros > limit:
		return nil, bad(ReasonRange, "%s is out of range", quote(text))
	}
	digits := append(make([]byte, 0, len(n.digits)+zeros), n.digits...)
	for range zeros {
		digits = append(digits, '0')
	}
	v, _ := new(big.Int).SetString(string(digits), 10) // digits only
	if n.negative {
		v.Neg(v)
	}
	return v, nil
}

// ParseInt reads a whole number that may be written with a point or an
// exponent (1.0, 1e3), exactly. bits is 32 or 64.
func ParseInt(s []byte, bits int) (int64, *Bad) {
	if v, ok := plainInt(s); ok && (bits == 64 || v == int64(int32(v))) {
		return v, nil
	}
	n, ok := parseNumber(s)
	if !ok {
		return 0, bad(ReasonSyntax, "%s is no number", quote(s))
	}
	const int64Digits = 19
	v, b := n.unscaled(0, int64Digits, s)
	if b != nil {
		return 0, b
	}
	if !v.IsInt64() || bits == 32 && v.Int64() != int64(int32(v.Int64())) {
		return 0, bad(ReasonRange, "%s is out of range for int%d", quote(s), bits)
	}
	return v.Int64(), nil
}

// plainInt is the quick way for what almost every whole number is: up to 18 digits.
func plainInt(s []byte) (int64, bool) {
	d := s
	negative := len(d) > 0 && d[0] == '-'
	if negative {
		d = d[1:]
	}
	if len(d) == 0 || len(d) > 18 {
		return 0, false
	}
	var v int64
	for _, c := range d {
		if !isDigit(c) {
			return 0, false
		}
		v = v*10 + int64(c-'0')
	}
	if negative {
		v = -v
	}
	return v, true
}

// ParseFloat reads a number as the nearest one of 32 or 64 bits; one beyond
// the largest is bad.
func ParseFloat(s []byte, bits int) (float64, *Bad) {
	f, err := strconv.ParseFloat(string(s), bits)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, bad(ReasonRange, "%s is out of range", quote(s))
	case err != nil || !numberStart(s) || math.IsNaN(f) || math.IsInf(f, 0):
		return 0, bad(ReasonSyntax, "%s is no number", quote(s))
	}
	return f, nil
}

// numberStart keeps out what strconv reads beyond decimal numbers: Inf, NaN, 0x1p-2, 1_000.
func numberStart(s []byte) bool {
	for _, c := range s {
		if !isDigit(c) && c != '-' && c != '+' && c != '.' && c != 'e' && c != 'E' {
			return false
		}
	}
	return len(s) > 0
}

// ParseDecimal reads a number exactly into a decimal.
func ParseDecimal(s []byte, t Type) (decimal128.Num, *Bad) {
	n, ok := parseNumber(s)
	if !ok {
		return decimal128.Num{}, bad(ReasonSyntax, "%s is no number", quote(s))
	}
	v, b := n.unscaled(int(t.Scale), int(t.Precision), s)
	if b != nil {
		return decimal128.Num{}, b
	}
	return decimal128.FromBigInt(v), nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
