package value

import (
	"bytes"
	"encoding/base64"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

const (
	microsPerSecond = 1_000_000
	secondsPerDay   = 86_400
	// MicrosPerDay is the length of a UTC day.
	MicrosPerDay = secondsPerDay * microsPerSecond
)

// FromText reads the text form of a value, as a cast from string does:
// numbers in decimal, booleans as true and false, dates as 2006-01-02,
// timestamps as RFC 3339, binary as base64.
func FromText(s []byte, t Type) (Value, *Bad) {
	switch t.Kind {
	case Boolean:
		switch string(bytes.ToLower(s)) {
		case "true":
			return Value{Int: 1}, nil
		case "false":
			return Value{}, nil
		}
		return Value{}, bad(ReasonSyntax, "%s is neither true nor false", quote(s))
	case Date:
		days, b := ParseDate(s)
		return Value{Int: days}, b
	case Timestamp:
		micros, b := ParseTimestamp(s)
		return Value{Int: micros}, b
	case Binary:
		out, err := base64.StdEncoding.Strict().AppendDecode(nil, s)
		if err != nil {
			return Value{}, bad(ReasonSyntax, "%s is not base64", quote(s))
		}
		return Value{Bytes: out}, nil
	case String, JSON:
		return Value{Bytes: s}, nil
	}
	return FromNumber(s, t)
}

// FromNumber reads a number as it was written into a numeric type.
func FromNumber(s []byte, t Type) (v Value, b *Bad) {
	switch t.Kind {
	case Int32:
		v.Int, b = ParseInt(s, 32)
	case Int64:
		v.Int, b = ParseInt(s, 64)
	case Float:
		v.Float, b = ParseFloat(s, 32)
	case Double:
		v.Float, b = ParseFloat(s, 64)
	case Decimal:
		v.Dec, b = ParseDecimal(s, t)
	default:
		b = bad(ReasonType, "a number, not a %s", t)
	}
	return v, b
}

// ParseDate reads 2006-01-02 into days since 1970-01-01.
func ParseDate(s []byte) (int64, *Bad) {
	t, err := time.Parse(time.DateOnly, string(s))
	if err != nil || len(s) != len(time.DateOnly) {
		return 0, bad(ReasonSyntax, "%s is no date (2006-01-02)", quote(s))
	}
	return t.Unix() / secondsPerDay, inReach(t, s)
}

// ParseTimestamp reads an RFC 3339 time with any offset into microseconds
// since 1970-01-01 UTC. Digits beyond microseconds are cut off.
func ParseTimestamp(s []byte) (int64, *Bad) {
	// The standard library is laxer than the RFC in a few places (a comma,
	// one-digit hours, offsets of 24:00 and :60), and stricter in one: T and Z
	// may be lower case (RFC 3339 section 5.6).
	const shortest = len("2006-01-02T15:04:05Z")
	if len(s) < shortest || s[13] != ':' || s[19] == ',' {
		return 0, bad(ReasonSyntax, "%s is no RFC 3339 time", quote(s))
	}
	text := s
	if s[10] == 't' || s[len(s)-1] == 'z' {
		text = bytes.ToUpper(s)
	}
	t, err := time.Parse(time.RFC3339Nano, string(text))
	if err != nil || !offsetInRange(text) {
		return 0, bad(ReasonSyntax, "%s is no RFC 3339 time", quote(s))
	}
	t = t.UTC()
	return t.UnixMicro(), inReach(t, s)
}

// offsetInRange says whether a time, which is Z or an offset at its end, keeps
// to hours below 24 and minutes below 60.
func offsetInRange(s []byte) bool {
	if s[len(s)-1] == 'Z' {
		return true
	}
	offset := s[len(s)-len("07:00"):]
	return string(offset[:2]) < "24" && string(offset[3:]) < "60"
}

// inReach keeps out the years that the engines which read the table do not
// have: their dates go from 0001 to 9999, as in SQL.
func inReach(t time.Time, s []byte) *Bad {
	if y := t.Year(); y < 1 || y > 9999 {
		return bad(ReasonRange, "%s is, in UTC, not in the years 0001 to 9999", quote(s))
	}
	return nil
}

// AppendText appends the text form of a value that is not null: what a cast to
// string gives.
func AppendText(dst []byte, v Value, t Type) []byte {
	switch t.Kind {
	case Boolean:
		return strconv.AppendBool(dst, v.Int != 0)
	case Int32, Int64:
		return strconv.AppendInt(dst, v.Int, 10)
	case Float:
		return appendFloat(dst, v.Float, 32)
	case Double:
		return appendFloat(dst, v.Float, 64)
	case Decimal:
		return append(dst, v.Dec.ToString(t.Scale)...)
	case Date:
		return Day(v.Int).AppendFormat(dst, time.DateOnly)
	case Timestamp:
		return time.UnixMicro(v.Int).UTC().AppendFormat(dst, time.RFC3339Nano)
	case Binary:
		return base64.StdEncoding.AppendEncode(dst, v.Bytes)
	}
	return append(dst, v.Bytes...)
}

// appendFloat appends the fewest digits that read back as the same number, with
// an exponent where there would be many zeros: where ECMAScript has one
// (ECMA-262, Number::toString).
func appendFloat(dst []byte, f float64, bits int) []byte {
	const mostPlain, leastPlain = 1e21, 1e-6
	if size := math.Abs(f); size >= mostPlain || size < leastPlain && size > 0 {
		return strconv.AppendFloat(dst, f, 'e', -1, bits)
	}
	return strconv.AppendFloat(dst, f, 'f', -1, bits)
}

// Day is midnight UTC of a date.
func Day(days int64) time.Time { return time.Unix(days*secondsPerDay, 0).UTC() }

// DayOf is the date, in UTC, of a timestamp in microseconds.
func DayOf(micros int64) int64 {
	d := micros / MicrosPerDay
	if micros%MicrosPerDay < 0 {
		d--
	}
	return d
}

// ValidText says whether the bytes can be a string.
func ValidText(b []byte) bool { return utf8.Valid(b) }
