package scan

import (
	"fmt"
	"time"

	"github.com/s3compact/s3compact/parquetconv/schema"
	"github.com/s3compact/s3compact/parquetconv/value"
)

// checkTime says whether a type can be written in a format of time.
func checkTime(f schema.TimeFormat, t value.Type) error {
	switch {
	case f.Kind > schema.TimeLayout:
		return fmt.Errorf("%d is no kind of time", f.Kind)
	case (f.Kind == schema.TimeLayout) != (f.Layout != ""):
		return fmt.Errorf("a layout %q for the kind %d of time", f.Layout, f.Kind)
	case f.Kind != schema.TimeRFC3339 && !t.HasTimestamp():
		return fmt.Errorf("a %s has no format of time", t)
	}
	return nil
}

// formatted reads a valid JSON value as a time that is not RFC 3339.
func (s *Scanner) formatted(raw []byte, c *column) (value.Value, *value.Bad) {
	var v value.Value
	var bad *value.Bad
	switch isText := raw[0] == '"'; {
	case isText != (c.time.Kind == schema.TimeLayout) || !isText && raw[0] > '9':
		bad = value.NotOfType(raw[0], c.typ)
	case isText:
		s.scratch = appendUnescaped(s.scratch[:0], raw[1:len(raw)-1])
		v.Int, bad = value.ParseLayout(s.scratch, c.time.Layout)
	default:
		v.Int, bad = value.ParseEpoch(raw, unitMicros(c.time))
	}
	return v, bad
}

// unitMicros is how many microseconds one of an epoch's number is.
func unitMicros(f schema.TimeFormat) int64 {
	switch f.Kind {
	case schema.TimeEpochSecond:
		return microsPerSecond
	case schema.TimeEpochMilli:
		return 1000
	}
	return 1
}

// plainEpoch is the quick way for an epoch's number without an exponent, whose
// time lies in the years 0001 to 9999.
func plainEpoch(b []byte, i int, unit int64) (micros int64, next int, ok bool) {
	v, next, ok := plainInt(b, i)
	if !ok || v > maxMicros/unit || v < minMicros/unit {
		return 0, 0, false
	}
	return v * unit, next, true
}

const (
	microsPerSecond = 1_000_000
	secondsPerDay   = 86_400
)

// The years 0001 to 9999, but for their first and last days.
var (
	minMicros = time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC).UnixMicro()
	maxMicros = time.Date(9999, 12, 30, 0, 0, 0, 0, time.UTC).UnixMicro()
)

// decimals takes digits and separators out of a word: form has a zero where a
// digit stands and the byte itself where another one does; separators has all
// bits of the latter. ok: all of it is as it must be.
func decimals(w, form, separators uint64) (digits uint64, ok bool) {
	digits = w ^ form
	over := (digits | (digits + 0x0606060606060606)) & 0xf0f0f0f0f0f0f0f0
	return digits, over == 0 && digits&separators == 0
}

// form is a word of text.
func form(text string) uint64 { return word([]byte(text), 0) }

func separators(text string) (mask uint64) {
	for i := range 8 {
		if text[i] != '0' {
			mask |= 0xff << (8 * i)
		}
	}
	return mask
}

var (
	dateForm, dateSeparators = form("0000-00-"), separators("0000-00-")
	hourForm, hourSeparators = form("00T00:00"), separators("00T00:00")
)

// pair is the number that two digits of a word show.
func pair(digits uint64, lane uint) int {
	return int(digits>>(8*lane)&0xff)*10 + int(digits>>(8*lane+8)&0xff)
}

// dayOf reads the first word of a date and the two digits behind it into days
// since 1970. It is not ok for years that are not within 0002 to 9998.
func dayOf(w uint64, dayOfMonth int) (days int64, ok bool) {
	digits, ok := decimals(w, dateForm, dateSeparators)
	if !ok {
		return 0, false
	}
	year, month := pair(digits, 0)*100+pair(digits, 2), pair(digits, 5)
	if year < 2 || year > 9998 || month < 1 || month > 12 || dayOfMonth < 1 || dayOfMonth > daysIn(year, month) {
		return 0, false
	}
	// Counted from March, so that the leap day is the last one of a year: years
	// in a cycle of 400, and the months' days as a straight line.
	y, m := year, month-3
	if m < 0 {
		y, m = y-1, m+12
	}
	cycle := y / 400
	y -= cycle * 400
	const daysPerCycle, daysBefore1970 = 146_097, 719_468
	return int64(cycle*daysPerCycle + y*365 + y/4 - y/100 + (153*m+2)/5 + dayOfMonth - 1 - daysBefore1970), true
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// quotedDate is the quick way for 2006-01-02, from behind a quote.
func quotedDate(b []byte, i int) (days int32, next int, ok bool) {
	days, next, ok = plainDate(b, i)
	return days, next + 1, ok && b[next] == '"'
}

// plainDate is the quick way for 2006-01-02 and something behind it.
func plainDate(b []byte, i int) (days int32, next int, ok bool) {
	const length = len("2006-01-02")
	if len(b)-i <= length || !isDigit(b[i+8]) || !isDigit(b[i+9]) {
		return 0, 0, false
	}
	d, ok := dayOf(word(b, i), int(b[i+8]-'0')*10+int(b[i+9]-'0'))
	return int32(d), i + length, ok
}

// quotedTimestamp is the quick way for an RFC 3339 time, from behind a quote,
// in the years 0002 to 9998. Digits beyond microseconds are cut off.
func quotedTimestamp(b []byte, i int) (micros int64, next int, ok bool) {
	micros, next, ok = plainTimestamp(b, i)
	return micros, next + 1, ok && b[next] == '"'
}

// plainTimestamp is the same for a time with something behind it.
func plainTimestamp(b []byte, i int) (micros int64, next int, ok bool) {
	const length = len(`2006-01-02T15:04:05Z"`)
	if len(b)-i < length {
		return 0, 0, false
	}
	clock, ok := decimals(word(b, i+8), hourForm, hourSeparators)
	if !ok || b[i+16] != ':' || !isDigit(b[i+17]) || !isDigit(b[i+18]) {
		return 0, 0, false
	}
	days, ok := dayOf(word(b, i), pair(clock, 0))
	hour, minute, second := pair(clock, 3), pair(clock, 6), int(b[i+17]-'0')*10+int(b[i+18]-'0')
	if !ok || hour > 23 || minute > 59 || second > 59 {
		return 0, 0, false
	}
	micros = (days*secondsPerDay + int64(hour*3600+minute*60+second)) * microsPerSecond
	i += 19
	if b[i] == '.' {
		i++
		first := i
		fraction := int64(0)
		for i < len(b) && isDigit(b[i]) {
			if i-first < 6 {
				fraction = fraction*10 + int64(b[i]-'0')
			}
			i++
		}
		if i == first {
			return 0, 0, false
		}
		for n := i - first; n < 6; n++ {
			fraction *= 10
		}
		micros += fraction
	}
	if len(b)-i >= 2 && b[i] == 'Z' {
		return micros, i + 1, true
	}
	const offset = len("+00:00")
	if len(b)-i <= offset || b[i] != '+' && b[i] != '-' || b[i+3] != ':' ||
		!isDigit(b[i+1]) || !isDigit(b[i+2]) || !isDigit(b[i+4]) || !isDigit(b[i+5]) {
		return 0, 0, false
	}
	hours, minutes := int(b[i+1]-'0')*10+int(b[i+2]-'0'), int(b[i+4]-'0')*10+int(b[i+5]-'0')
	if hours > 23 || minutes > 59 {
		return 0, 0, false
	}
	east := int64(hours*3600+minutes*60) * microsPerSecond
	if b[i] == '-' {
		east = -east
	}
	return micros - east, i + offset, true
}
