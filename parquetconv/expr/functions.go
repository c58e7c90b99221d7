package expr

import (
	"bytes"
	"time"
	"unicode/utf8"

	"github.com/s3compact/s3compact/parquetconv/value"
)

// function is a function's arguments and how it is made.
type function struct {
	minArgs, maxArgs int // maxArgs 0: no limit
	usage            string
	build            func(*checker, *syntax, []typed) (typed, error)
}

// functions by name. Positions and lengths count characters (code points),
// from 1. Any null argument gives null, but for coalesce and nullif.
var functions map[string]function

func init() {
	functions = map[string]function{
		"coalesce":   {1, 0, "coalesce(value, …)", buildCoalesce},
		"nullif":     {2, 2, "nullif(value, value)", buildNullif},
		"lower":      {1, 1, "lower(string)", textFunction(bytes.ToLower)},
		"upper":      {1, 1, "upper(string)", textFunction(bytes.ToUpper)},
		"concat":     {1, 0, "concat(string, …)", buildConcat},
		"length":     {1, 1, "length(string)", buildLength},
		"substr":     {2, 3, "substr(string, start[, length])", buildSubstr},
		"split_part": {3, 3, "split_part(string, delimiter, n)", buildSplitPart},
		"date_trunc": {2, 2, "date_trunc('unit', timestamp or date)", buildDateTrunc},
	}
	functions["substring"] = functions["substr"]
}

func (c *checker) call(s *syntax, args []typed) (typed, error) {
	f, ok := functions[s.text]
	if !ok {
		return typed{}, c.errorf(s, "unknown function %s", s.text)
	}
	if len(args) < f.minArgs || f.maxArgs > 0 && len(args) > f.maxArgs {
		return typed{}, c.errorf(s, "%d arguments; write %s", len(args), f.usage)
	}
	return f.build(c, s, args)
}

// want checks the arguments' types: one letter each, s for string, i for a
// whole number; the last one goes for all that follow.
func (c *checker) want(s *syntax, args []typed, letters string) error {
	for i, a := range args {
		ok, what := a.t.Kind == value.String, "a string"
		if letters[min(i, len(letters)-1)] == 'i' {
			ok, what = anyOfInt(a.t), "a whole number"
		}
		if !ok && a.t.Kind != value.Null {
			return c.errorf(s.operands[i], "%s needs %s here, not %s: cast it", s.text, what, a.t)
		}
	}
	return nil
}

// strict evaluates all arguments and calls f unless one is null. f may keep nothing of its slice.
func strict(args []typed, f func(*Row, []value.Value) (value.Value, *value.Bad)) eval {
	return func(r *Row) (value.Value, *value.Bad) {
		var room [4]value.Value
		values := room[:0]
		for _, a := range args {
			v, bad := a.eval(r)
			if bad != nil || v.Null {
				return v, bad
			}
			values = append(values, v)
		}
		return f(r, values)
	}
}

func buildCoalesce(c *checker, s *syntax, args []typed) (typed, error) {
	t, evals, err := c.common(s, args)
	return typed{t: t, eval: func(r *Row) (value.Value, *value.Bad) {
		for _, e := range evals {
			if v, bad := e(r); bad != nil || !v.Null {
				return v, bad
			}
		}
		return value.NullValue, nil
	}}, err
}

func buildNullif(c *checker, s *syntax, args []typed) (typed, error) {
	equal, err := c.compare(s, "=", args[0], args[1])
	return typed{t: args[0].t, eval: func(r *Row) (value.Value, *value.Bad) {
		is, bad := equal.eval(r)
		if bad != nil || !is.Null && is.Int != 0 {
			return value.NullValue, bad
		}
		return args[0].eval(r)
	}}, err
}

func textFunction(f func([]byte) []byte) func(*checker, *syntax, []typed) (typed, error) {
	return func(c *checker, s *syntax, args []typed) (typed, error) {
		return typed{t: text, eval: strict(args, func(_ *Row, v []value.Value) (value.Value, *value.Bad) {
			return value.Value{Bytes: f(v[0].Bytes)}, nil
		})}, c.want(s, args, "s")
	}
}

func buildConcat(c *checker, s *syntax, args []typed) (typed, error) {
	return typed{t: text, eval: strict(args, func(r *Row, v []value.Value) (value.Value, *value.Bad) {
		start := len(r.Arena)
		for _, part := range v {
			r.Arena = append(r.Arena, part.Bytes...)
		}
		return value.Value{Bytes: r.Arena[start:len(r.Arena):len(r.Arena)]}, nil
	})}, c.want(s, args, "s")
}

func buildLength(c *checker, s *syntax, args []typed) (typed, error) {
	return typed{t: integer, eval: strict(args, func(_ *Row, v []value.Value) (value.Value, *value.Bad) {
		return value.Value{Int: int64(utf8.RuneCount(v[0].Bytes))}, nil
	})}, c.want(s, args, "s")
}

// buildSubstr follows SQL: the part of [start, start+length) that the string
// has; a start below 1 counts, so substr('abc', 0, 2) is 'a'.
func buildSubstr(c *checker, s *syntax, args []typed) (typed, error) {
	return typed{t: text, eval: strict(args, func(_ *Row, v []value.Value) (value.Value, *value.Bad) {
		b := v[0].Bytes
		size := int64(len(b)) // no fewer than its characters
		start := max(-size-1, min(v[1].Int, size+1))
		end := size + 1
		if len(v) == 3 {
			if v[2].Int < 0 {
				return value.NullValue, value.NewBad(value.ReasonRange, "substr with a length of %d", v[2].Int)
			}
			// The start as it was given counts, so that a far negative one leaves nothing.
			length := v[2].Int
			if v[1].Int < start {
				length = max(0, length-min(length, start-v[1].Int))
			}
			end = min(end, start+min(length, 2*size+2))
		}
		from := characters(b, start-1)
		to := characters(b, max(end, start)-1)
		return value.Value{Bytes: b[from:max(from, to)]}, nil
	})}, c.want(s, args, "si")
}

// characters is the length in bytes of the first n characters.
func characters(b []byte, n int64) int {
	i := 0
	for ; n > 0 && i < len(b); n-- {
		_, size := utf8.DecodeRune(b[i:])
		i += size
	}
	return i
}

// buildSplitPart: past the last part it is null, as in Trino.
func buildSplitPart(c *checker, s *syntax, args []typed) (typed, error) {
	return typed{t: text, eval: strict(args, func(_ *Row, v []value.Value) (value.Value, *value.Bad) {
		b, delimiter, n := v[0].Bytes, v[1].Bytes, v[2].Int
		if n < 1 || len(delimiter) == 0 {
			return value.NullValue, value.NewBad(value.ReasonRange, "split_part counts from 1 and needs a delimiter")
		}
		for ; n > 1; n-- {
			_, rest, found := bytes.Cut(b, delimiter)
			if !found {
				return value.NullValue, nil
			}
			b = rest
		}
		part, _, _ := bytes.Cut(b, delimiter)
		return value.Value{Bytes: part}, nil
	})}, c.want(s, args, "ssi")
}

func buildDateTrunc(c *checker, s *syntax, args []typed) (typed, error) {
	unit := args[0].literal
	if unit == nil || args[0].t.Kind != value.String {
		return typed{}, c.errorf(s.operands[0], "date_trunc needs its unit as a literal, such as 'hour'")
	}
	trunc := truncation(string(bytes.ToLower(unit.Bytes)))
	if trunc == nil {
		return typed{}, c.errorf(s.operands[0], "unknown unit %q: write second, minute, hour, day, week, month, quarter or year", unit.Bytes)
	}
	switch args[1].t.Kind {
	case value.Timestamp, value.Null:
		return typed{t: instant, eval: strict(args[1:], func(_ *Row, v []value.Value) (value.Value, *value.Bad) {
			return value.Value{Int: trunc(time.UnixMicro(v[0].Int).UTC()).UnixMicro()}, nil
		})}, nil
	case value.Date:
		return typed{t: date, eval: strict(args[1:], func(_ *Row, v []value.Value) (value.Value, *value.Bad) {
			return value.Value{Int: value.DayOf(trunc(value.Day(v[0].Int)).UnixMicro())}, nil
		})}, nil
	}
	return typed{}, c.errorf(s.operands[1], "date_trunc needs a timestamp or a date, not %s: cast it", args[1].t)
}

// truncation cuts a UTC time off to a unit; weeks begin on Monday (ISO 8601).
func truncation(unit string) func(time.Time) time.Time {
	day := func(t time.Time) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	}
	switch unit {
	case "second":
		return func(t time.Time) time.Time { return t.Truncate(time.Second) }
	case "minute":
		return func(t time.Time) time.Time { return t.Truncate(time.Minute) }
	case "hour":
		return func(t time.Time) time.Time { return t.Truncate(time.Hour) }
	case "day":
		return day
	case "week":
		return func(t time.Time) time.Time { return day(t).AddDate(0, 0, -(int(t.Weekday())+6)%7) }
	case "month":
		return func(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC) }
	case "quarter":
		return func(t time.Time) time.Time {
			return time.Date(t.Year(), t.Month()-(t.Month()-1)%3, 1, 0, 0, 0, 0, time.UTC)
		}
	case "year":
		return func(t time.Time) time.Time { return time.Date(t.Year(), 1, 1, 0, 0, 0, 0, time.UTC) }
	}
	return nil
}
