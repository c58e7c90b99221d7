package value

import (
	"math/big"
	"time"
)

// ParseEpoch reads a number of units of so many microseconds since 1970-01-01
// UTC. What is less than a microsecond is cut off, towards the past.
func ParseEpoch(s []byte, unitMicros int64) (int64, *Bad) {
	n, ok := parseNumber(s)
	if !ok {
		return 0, bad(ReasonSyntax, "%s is no number", quote(s))
	}
	const most = 20 // digits of microseconds that are in reach, and more
	if len(n.digits)+n.exponent > most {
		return 0, bad(ReasonRange, "%s is, in UTC, not in the years 0001 to 9999", quote(s))
	}
	if n.exponent < -maxFraction {
		// So small a place changes nothing but whether it is a whole number of microseconds.
		drop := min(-maxFraction-n.exponent, len(n.digits))
		n.digits, n.exponent = append(n.digits[:len(n.digits)-drop:len(n.digits)-drop], '1'), -maxFraction-1
	}
	v, ok := new(big.Int).SetString("0"+string(n.digits), 10)
	if !ok {
		return 0, bad(ReasonSyntax, "%s is no number", quote(s))
	}
	if n.negative {
		v.Neg(v)
	}
	v.Mul(v, big.NewInt(unitMicros))
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(n.exponent, -n.exponent))), nil)
	if n.exponent >= 0 {
		v.Mul(v, power)
	} else {
		v.Div(v, power) // Euclidean: towards the past, since the power is positive
	}
	if !v.IsInt64() {
		return 0, bad(ReasonRange, "%s is, in UTC, not in the years 0001 to 9999", quote(s))
	}
	micros := v.Int64()
	return micros, inReach(time.UnixMicro(micros).UTC(), s)
}

// maxFraction is how many digits after the point are told apart.
const maxFraction = 30

// ParseLayout reads a time in a layout of package time; one without a zone is UTC.
// What is less than a microsecond is cut off, towards the past.
func ParseLayout(s []byte, layout string) (int64, *Bad) {
	t, err := time.ParseInLocation(layout, string(s), time.UTC)
	// Package time takes an offset of 24 hours, which no zone has.
	if _, offset := t.Zone(); err != nil || offset >= secondsPerDay || offset <= -secondsPerDay {
		return 0, bad(ReasonSyntax, "%s is no time as %q", quote(s), layout)
	}
	t = t.UTC()
	return t.UnixMicro(), inReach(t, s)
}
