package expr

import (
	"math"
	"math/big"
	"strings"

	"github.com/s3compact/s3compact/parquetconv/value"
)

func buildDateTrunc(c *checker, s *syntax, args []*node) (*node, error) {
	unit, err := c.constantText(s, 0, args[0], "unit")
	if err != nil {
		return nil, err
	}
	truncate := truncations[strings.ToLower(unit)]
	if truncate == nil {
		return nil, c.errorf(s.operands[0], "unknown unit %q: write second, minute, hour, day, week, month, quarter or year", unit)
	}
	switch x := args[1]; x.t.Kind {
	case value.Null:
		return constantNode(instant, value.NullValue), nil
	case value.Timestamp:
		return faultless(instant, x, eachInt(truncate)), nil
	case value.Date:
		return faultless(date, x, eachInt(func(days int64) int64 { return value.DayOf(truncate(days * value.MicrosPerDay)) })), nil
	}
	return nil, c.errorf(s.operands[1], "date_trunc needs a timestamp or a date, not %s: cast it", args[1].t)
}

// converting is a node whose values a converter makes of another one's.
func converting(t value.Type, x *node, convert converter) *node {
	return newNode(t, []*node{x}, func(f *frame) vector { return convert(f, f.plain(x.run(f))) })
}

// faultless is converting with a converter that has no faults.
func faultless(t value.Type, x *node, convert converter) *node {
	n := converting(t, x, convert)
	n.certain = x.certain
	return n
}

func buildExtract(c *checker, s *syntax, args []*node) (*node, error) {
	unit, err := c.constantText(s, 0, args[0], "unit")
	if err != nil {
		return nil, err
	}
	return c.extract(s, strings.ToLower(unit), s.operands[1], args[1])
}

// extract is a unit of a time in UTC, a whole number; for epoch it is the
// seconds since 1970 as a double.
func (c *checker) extract(s *syntax, unit string, at *syntax, x *node) (*node, error) {
	switch unit {
	case "dow":
		unit = "day_of_week"
	case "doy":
		unit = "day_of_year"
	}
	part := parts[unit]
	if part == nil && unit != "epoch" {
		return nil, c.errorf(s.operands[0], "unknown unit %q: write year, quarter, month, week, year_of_week, day, day_of_week (dow), day_of_year (doy), hour, minute, second or epoch", unit)
	}
	micros := same
	switch x.t.Kind {
	case value.Null:
		x = constantNode(instant, value.NullValue)
	case value.Timestamp:
	case value.Date:
		micros = conversion(date, instant)
	default:
		return nil, c.errorf(at, "%s needs a timestamp or a date, not %s: cast it", nameOf(s), x.t)
	}
	if part == nil {
		return faultless(double, x, func(f *frame, v vector) vector {
			v = micros(f, v)
			v.floats = f.scratch.floats.take(len(v.ints))
			for i, us := range v.ints {
				v.floats[i] = float64(us) / microsPerSecond
			}
			v.ints = nil
			return v
		}), nil
	}
	return faultless(integer, x, func(f *frame, v vector) vector { return eachInt(part)(f, micros(f, v)) }), nil
}

// buildToTimestamp reads RFC 3339, or a format of strftime's directives.
func buildToTimestamp(c *checker, s *syntax, args []*node) (*node, error) {
	if err := c.want(s, args[:1], "s"); err != nil {
		return nil, err
	}
	if len(args) == 1 {
		return converted(args[0], instant), nil
	}
	format, err := c.constantText(s, 1, args[1], "format")
	if err != nil {
		return nil, err
	}
	layout, err := value.ParseTimeLayout(format)
	if err != nil {
		return nil, c.errorf(s.operands[1], "%v", err)
	}
	return converting(instant, args[0], each(text, instant, func(v value.Value) (value.Value, *value.Bad) {
		us, bad := value.ParseLayout(v.Bytes, layout)
		return value.Value{Int: us}, bad
	})), nil
}

// fromUnix is the time of a number of units since 1970. A whole number and a
// decimal are exact, what is less than a microsecond cut off towards the past;
// a double gives the nearest microsecond.
func fromUnix(unitMicros int64) func(*checker, *syntax, []*node) (*node, error) {
	return func(c *checker, s *syntax, args []*node) (*node, error) {
		x := args[0]
		var micros func(v value.Value) (int64, bool)
		switch {
		case x.t.Kind == value.Null:
			return constantNode(instant, value.NullValue), nil
		case anyInt(x.t):
			micros = func(v value.Value) (int64, bool) { return multiply(v.Int, unitMicros) }
		case anyFloat(x.t):
			micros = func(v value.Value) (int64, bool) {
				us := math.Round(v.Float * float64(unitMicros))
				return int64(us), math.Abs(us) < math.MaxInt64
			}
		case x.t.Kind == value.Decimal:
			micros = func(v value.Value) (int64, bool) {
				n := v.Dec.BigInt()
				n.Mul(n, big.NewInt(unitMicros)).Div(n, tenTo(x.t.Scale)) // Euclidean: towards the past
				return n.Int64(), n.IsInt64()
			}
		default:
			return nil, c.errorf(s.operands[0], "%s needs a number, not %s: cast it", s.text, x.t)
		}
		return converting(instant, x, each(x.t, instant, func(v value.Value) (value.Value, *value.Bad) {
			us, ok := micros(v)
			if !ok || us < minMicros || us > maxMicros {
				return value.Value{}, value.NewBad(value.ReasonRange, "%s is, in UTC, not in the years 0001 to 9999", value.AppendText(nil, v, x.t))
			}
			return value.Value{Int: us}, nil
		})), nil
	}
}
