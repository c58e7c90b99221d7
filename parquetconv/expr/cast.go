package expr

import (
	"math"

	"github.com/s3compact/s3compact/parquetconv/value"
)

func (c *checker) cast(s *syntax, o typed) (typed, error) {
	to, err := value.ParseType(s.text)
	if err != nil {
		return typed{}, c.errorf(s, "%v", err)
	}
	convert := conversion(o.t, to)
	if convert == nil {
		return typed{}, c.errorf(s, "%s cannot be cast to %s", o.t, to)
	}
	try := s.op == "try_cast"
	return typed{t: to, eval: func(r *Row) (value.Value, *value.Bad) {
		v, bad := o.eval(r)
		if bad == nil && !v.Null {
			v, bad = convert(r, v)
		}
		if bad != nil {
			if try {
				bad = nil
			}
			return value.NullValue, bad
		}
		return v, nil
	}}, nil
}

type converter func(*Row, value.Value) (value.Value, *value.Bad)

func pure(f func(value.Value) (value.Value, *value.Bad)) converter {
	return func(_ *Row, v value.Value) (value.Value, *value.Bad) { return f(v) }
}

// conversion is how a value that is not null is cast; nil if it cannot be.
func conversion(from, to value.Type) converter {
	switch {
	case from == to, from.Kind == value.Null, from.Kind == value.Int32 && to.Kind == value.Int64, from.Kind == value.Float && to.Kind == value.Double:
		return pure(func(v value.Value) (value.Value, *value.Bad) { return v, nil })
	case to.Nested():
		return nil
	case from.Kind == value.JSON:
		return func(r *Row, v value.Value) (out value.Value, bad *value.Bad) {
			out, r.Arena, bad = value.CastJSON(v.Bytes, to, r.Arena)
			return out, bad
		}
	case to.Kind == value.JSON:
		return nil
	case from.Kind == value.String:
		return pure(func(v value.Value) (value.Value, *value.Bad) { return value.FromText(v.Bytes, to) })
	case to.Kind == value.String:
		return func(r *Row, v value.Value) (value.Value, *value.Bad) {
			start := len(r.Arena)
			r.Arena = value.AppendText(r.Arena, v, from)
			return value.Value{Bytes: r.Arena[start:len(r.Arena):len(r.Arena)]}, nil
		}
	case from.Kind == value.Date && to.Kind == value.Timestamp:
		return pure(func(v value.Value) (value.Value, *value.Bad) {
			return value.Value{Int: v.Int * value.MicrosPerDay}, nil
		})
	case from.Kind == value.Timestamp && to.Kind == value.Date:
		return pure(func(v value.Value) (value.Value, *value.Bad) { return value.Value{Int: value.DayOf(v.Int)}, nil })
	case numeric(from) && numeric(to):
		return numericConversion(from, to)
	}
	return nil
}

func numeric(t value.Type) bool { return anyOfInt(t) || anyFloat(t) || t.Kind == value.Decimal }

func numericConversion(from, to value.Type) converter {
	switch {
	case anyOfInt(from) && anyOfInt(to): // int64 to int32
		return pure(func(v value.Value) (value.Value, *value.Bad) {
			if v.Int != int64(int32(v.Int)) {
				return v, value.NewBad(value.ReasonRange, "%d is out of range for int32", v.Int)
			}
			return v, nil
		})
	case anyOfInt(from) && anyFloat(to):
		return pure(func(v value.Value) (value.Value, *value.Bad) {
			return value.Value{Float: toFloat(float64(v.Int), to)}, nil
		})
	case anyFloat(from) && anyOfInt(to):
		return pure(func(v value.Value) (value.Value, *value.Bad) { return roundToInt(v.Float, to) })
	case anyFloat(from) && anyFloat(to): // double to float
		return pure(func(v value.Value) (value.Value, *value.Bad) {
			f := toFloat(v.Float, to)
			if math.IsInf(f, 0) {
				return v, value.NewBad(value.ReasonRange, "%g is out of range for float", v.Float)
			}
			return value.Value{Float: f}, nil
		})
	case from.Kind == value.Decimal && anyFloat(to):
		return pure(func(v value.Value) (value.Value, *value.Bad) {
			return value.Value{Float: toFloat(v.Dec.ToFloat64(from.Scale), to)}, nil
		})
	}
	// To and from a decimal otherwise: by its text, exactly.
	return pure(func(v value.Value) (value.Value, *value.Bad) {
		return value.FromNumber(value.AppendText(nil, v, from), to)
	})
}

func toFloat(f float64, t value.Type) float64 {
	if t.Kind == value.Float {
		return float64(float32(f))
	}
	return f
}

// roundToInt rounds half away from zero, as PostgreSQL's numeric and Trino do.
func roundToInt(f float64, t value.Type) (value.Value, *value.Bad) {
	limit := math.Ldexp(1, 63)
	if t.Kind == value.Int32 {
		limit = math.Ldexp(1, 31)
	}
	n := math.Round(f)
	if !(n >= -limit && n < limit) {
		return value.Value{}, value.NewBad(value.ReasonRange, "%g is out of range for %s", f, t)
	}
	return value.Value{Int: int64(n)}, nil
}
