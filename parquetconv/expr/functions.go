package expr

import (
	"fmt"

	"github.com/s3compact/s3compact/parquetconv/value"
)

// function is a function's arguments and how it is made.
type function struct {
	minArgs, maxArgs int // maxArgs 0: no limit
	usage            string
	build            func(*checker, *syntax, []*node) (*node, error)
}

// functions by name. Positions and lengths count characters (code points),
// from 1. A null argument gives null, but for coalesce and nullif.
var functions map[string]function

func init() {
	functions = map[string]function{
		"coalesce": {1, 0, "coalesce(value, …)", buildCoalesce},
		"nullif":   {2, 2, "nullif(value, value)", buildNullif},
		"greatest": {1, 0, "greatest(value, …)", extreme(1)},
		"least":    {1, 0, "least(value, …)", extreme(-1)},

		"lower":       {1, 1, "lower(string)", buildLower},
		"upper":       {1, 1, "upper(string)", buildUpper},
		"concat":      {1, 0, "concat(string, …)", buildConcat},
		"length":      {1, 1, "length(string)", buildLength},
		"substr":      {2, 3, "substr(string, start[, length])", buildSubstr},
		"split_part":  {3, 3, "split_part(string, delimiter, n)", buildSplitPart},
		"trim":        {1, 2, "trim(string[, characters])", trimmer(true, true)},
		"ltrim":       {1, 2, "ltrim(string[, characters])", trimmer(true, false)},
		"rtrim":       {1, 2, "rtrim(string[, characters])", trimmer(false, true)},
		"replace":     {2, 3, "replace(string, search[, replacement])", buildReplace},
		"starts_with": {2, 2, "starts_with(string, prefix)", buildStartsWith},
		"strpos":      {2, 2, "strpos(string, search)", buildStrpos},
		"url_decode":  {1, 1, "url_decode(string)", buildURLDecode},

		"regexp_like":         {2, 2, "regexp_like(string, 'pattern')", buildRegexpLike},
		"regexp_extract":      {2, 3, "regexp_extract(string, 'pattern'[, group])", buildRegexpExtract},
		"json_extract_scalar": {2, 2, "json_extract_scalar(json, '$.path')", buildJSONExtract},

		"date_trunc":       {2, 2, "date_trunc('unit', timestamp or date)", buildDateTrunc},
		"extract":          {2, 2, "extract(unit from timestamp or date)", buildExtract},
		"to_timestamp":     {1, 2, "to_timestamp(string[, 'format'])", buildToTimestamp},
		"from_unixtime":    {1, 1, "from_unixtime(seconds)", fromUnix(1_000_000)},
		"from_unixtime_ms": {1, 1, "from_unixtime_ms(milliseconds)", fromUnix(1_000)},
		"from_unixtime_us": {1, 1, "from_unixtime_us(microseconds)", fromUnix(1)},

		"abs":    {1, 1, "abs(number)", buildAbs},
		"ceil":   {1, 1, "ceil(number)", rounder("ceil")},
		"floor":  {1, 1, "floor(number)", rounder("floor")},
		"round":  {1, 2, "round(number[, digits])", rounder("round")},
		"bucket": {2, 2, "bucket(n, value)", buildBucket},
	}
	functions["substring"] = functions["substr"]
	for _, unit := range []string{"year", "quarter", "month", "week", "day", "hour", "minute", "second", "day_of_week", "day_of_year"} {
		functions[unit] = function{1, 1, unit + "(timestamp or date)", func(c *checker, s *syntax, args []*node) (*node, error) {
			return c.extract(s, unit, s.operands[0], args[0])
		}}
	}
}

func (c *checker) call(s *syntax, args []*node) (*node, error) {
	f, ok := functions[s.text]
	if !ok {
		return nil, c.errorf(s, "unknown function %s", s.text)
	}
	if len(args) < f.minArgs || f.maxArgs > 0 && len(args) > f.maxArgs {
		return nil, c.errorf(s, "%d arguments; write %s", len(args), f.usage)
	}
	return f.build(c, s, args)
}

// want checks the arguments' types, one letter each: s for string, i for a
// whole number; the last one goes for all that follow. An untyped null gets
// the type.
func (c *checker) want(s *syntax, args []*node, letters string) error {
	for i, a := range args {
		t, ok, what := text, a.t.Kind == value.String, "a string"
		if letters[min(i, len(letters)-1)] == 'i' {
			t, ok, what = integer, anyInt(a.t), "a whole number"
		}
		switch {
		case a.t.Kind == value.Null:
			args[i] = c.fold(converted(a, t))
		case !ok:
			return c.errorf(s.operands[i], "%s needs %s here, not %s: cast it", nameOf(s), what, a.t)
		}
	}
	return nil
}

// constantText is an argument that must be a string constant, such as a pattern.
func (c *checker) constantText(s *syntax, i int, o *node, what string) (string, error) {
	if v, ok := o.literal(); ok && o.t.Kind == value.String {
		return string(v.Bytes), nil
	}
	return "", c.errorf(s.operands[i], "%s needs its %s as a constant string", nameOf(s), what)
}

// constantInt is an argument that must be a whole number within bounds, given
// as a constant.
func (c *checker) constantInt(s *syntax, i int, o *node, what string, least, most int64) (int64, error) {
	if v, ok := o.literal(); ok && anyInt(o.t) && v.Int >= least && v.Int <= most {
		return v.Int, nil
	}
	return 0, c.errorf(s.operands[i], "%s needs its %s as a constant whole number, %s", nameOf(s), what, bounds(least, most))
}

func bounds(least, most int64) string {
	if least == most {
		return fmt.Sprint(least)
	}
	return fmt.Sprintf("%d to %d", least, most)
}

// The shapes of functions: what they make of arguments that are not null.

// slicing makes parts of the first argument, which the result shares. The
// function returns where the part begins and ends; ok is false for null.
func slicing(args []*node, part func(b []byte, v []vector, i int) (from, to int, ok bool, bad *value.Bad)) *node {
	return newNode(text, args, func(f *frame) vector {
		v, nulls := f.operands(args)
		r := result{f: f, nulls: nulls}
		out := dense(nil)
		out.data, out.starts, out.ends = v[0].data, f.scratch.offsets.take(f.n), f.scratch.offsets.take(f.n)
		for i := range f.n {
			if r.null(i) {
				continue
			}
			from, to, ok, bad := part(v[0].text(i), v, i)
			switch {
			case bad != nil:
				r.fail(i, bad)
			case !ok:
				r.setNull(i)
			default:
				start := v[0].starts[i&v[0].mask]
				out.starts[i], out.ends[i] = start+int32(from), start+int32(to)
			}
		}
		out.nulls = r.nulls
		return out
	})
}

// writing makes texts by appending them.
func writing(args []*node, write func(dst []byte, v []vector, i int) ([]byte, *value.Bad)) *node {
	return newNode(text, args, func(f *frame) vector {
		v, nulls := f.operands(args)
		r := result{f: f, nulls: nulls}
		out := f.newVector(value.String)
		for i := range f.n {
			if r.null(i) {
				continue
			}
			start := len(out.texts.data)
			data, bad := write(out.texts.data, v, i)
			if bad != nil {
				r.fail(i, bad)
				continue
			}
			out.texts.data = data
			out.texts.end(&r, i, start)
		}
		return out.finish(&r)
	})
}

// counting makes whole numbers.
func counting(t value.Type, args []*node, count func(v []vector, i int) (int64, *value.Bad)) *node {
	return newNode(t, args, func(f *frame) vector {
		v, nulls := f.operands(args)
		r := result{f: f, nulls: nulls}
		out := f.newVector(value.Int64)
		for i := range out.ints {
			if r.null(i) {
				continue
			}
			n, bad := count(v, i)
			if bad != nil {
				r.fail(i, bad)
			}
			out.ints[i] = n
		}
		return out.finish(&r)
	})
}

// predicate makes booleans.
func predicate(args []*node, test func(v []vector, i int) bool) *node {
	return newNode(boolean, args, func(f *frame) vector {
		v, nulls := f.operands(args)
		out := dense(nulls)
		out.bools = f.scratch.bools.take(f.n)
		for i := range out.bools {
			if !out.null(i) {
				out.bools[i] = test(v, i)
			}
		}
		return out
	})
}
