package expr

import (
	"math"

	"github.com/s3compact/s3compact/parquetconv/value"
)

// cast to a type; try_cast is null where a cast, or what is cast, is bad.
func (c *checker) cast(s *syntax, o *node) (*node, error) {
	to, err := value.ParseType(s.text)
	if err != nil {
		return nil, c.errorf(s, "%v", err)
	}
	if conversion(o.t, to) == nil {
		return nil, c.errorf(s, "%s cannot be cast to %s", o.t, to)
	}
	if o.t == to && s.op == "cast" {
		return o, nil
	}
	n := converted(o, to)
	if s.op == "cast" {
		return n, nil
	}
	return newNode(to, []*node{o}, func(f *frame) vector {
		try := *f
		try.bad = nil
		v := n.run(&try)
		if v.mask == 0 && try.bad != nil {
			v = f.spread(v, to.Kind)
		}
		r := result{f: f, nulls: v.nulls}
		for i, bad := range try.bad {
			if bad != nil {
				r.setNull(i)
			}
		}
		v.nulls = r.nulls
		return v
	}), nil
}

// A converter makes a vector of another type of a plain one.
type converter func(*frame, vector) vector

func same(_ *frame, v vector) vector { return v }

// conversion is how values are cast; nil if they cannot be.
func conversion(from, to value.Type) converter {
	switch {
	case to.Nested() || from.Nested():
		return nil
	case from.Kind == value.Null:
		return func(*frame, vector) vector { return constantVector(value.NullValue, to.Kind) }
	case from == to, from.Kind == value.Int32 && to.Kind == value.Int64, from.Kind == value.Float && to.Kind == value.Double:
		return same
	case from.Kind == value.JSON:
		return fromJSON(to)
	case to.Kind == value.JSON:
		return nil
	case from.Kind == value.String:
		return each(from, to, func(v value.Value) (value.Value, *value.Bad) { return value.FromText(v.Bytes, to) })
	case to.Kind == value.String:
		return toText(from)
	case from.Kind == value.Date && to.Kind == value.Timestamp:
		return eachInt(func(days int64) int64 { return days * value.MicrosPerDay })
	case from.Kind == value.Timestamp && to.Kind == value.Date:
		return eachInt(value.DayOf)
	case numeric(from) && numeric(to):
		return numericConversion(from, to)
	}
	return nil
}

// holdsAll says whether a type is known to have each value of another one.
func holdsAll(from, to value.Type) bool {
	switch {
	case from == to, from.Kind == value.Null:
		return true
	case from.Kind == value.Timestamp && to.Kind == value.Date, from.Kind == value.Date && to.Kind == value.Timestamp:
		return true
	}
	return from.Kind == value.Int32 && to.Kind == value.Int64 || from.Kind == value.Float && to.Kind == value.Double
}

func numeric(t value.Type) bool { return anyInt(t) || anyFloat(t) || t.Kind == value.Decimal }

func eachInt(convert func(int64) int64) converter {
	return func(f *frame, v vector) vector {
		from := v.ints
		v.ints = f.scratch.ints.take(len(from))
		for i, x := range from {
			v.ints[i] = convert(x)
		}
		return v
	}
}

// each converts value by value what is not null.
func each(from, to value.Type, convert func(value.Value) (value.Value, *value.Bad)) converter {
	return func(f *frame, v vector) vector {
		r := result{f: f, nulls: f.nullsOf(nil, &v)}
		out := f.newVector(to.Kind)
		for i := range f.n {
			if r.null(i) {
				continue
			}
			x, bad := convert(v.at(i, from.Kind))
			if bad != nil {
				r.fail(i, bad)
				continue
			}
			out.set(&r, i, x, to.Kind)
		}
		return out.finish(&r)
	}
}

// made is a vector that is filled position by position.
type made struct {
	vector
	texts *texts
}

func (f *frame) newVector(k value.Kind) made {
	out := made{vector: dense(nil)}
	switch {
	case k == value.Boolean:
		out.bools = f.scratch.bools.take(f.n)
	case k == value.Float || k == value.Double:
		out.floats = f.scratch.floats.take(f.n)
	case k == value.Decimal:
		out.decs = f.scratch.decs.take(f.n)
	case isText(k):
		out.texts = f.scratch.newTexts(f.n)
	default:
		out.ints = f.scratch.ints.take(f.n)
	}
	return out
}

func (m *made) set(r *result, i int, x value.Value, k value.Kind) {
	switch {
	case x.Null:
		r.setNull(i)
	case k == value.Boolean:
		m.bools[i] = x.Int != 0
	case k == value.Float || k == value.Double:
		m.floats[i] = x.Float
	case k == value.Decimal:
		m.decs[i] = x.Dec
	case isText(k):
		start := len(m.texts.data)
		m.texts.data = append(m.texts.data, x.Bytes...)
		m.texts.end(r, i, start)
	default:
		m.ints[i] = x.Int
	}
}

func (m *made) finish(r *result) vector {
	if m.texts != nil {
		m.starts, m.ends, m.data = m.texts.starts, m.texts.ends, m.texts.data
	}
	m.nulls = r.nulls
	return m.vector
}

func fromJSON(to value.Type) converter {
	return func(f *frame, v vector) vector {
		var arena []byte
		convert := each(value.Type{Kind: value.JSON}, to, func(x value.Value) (out value.Value, bad *value.Bad) {
			out, arena, bad = value.CastJSON(x.Bytes, to, arena[:0])
			return out, bad
		})
		return convert(f, v)
	}
}

func toText(from value.Type) converter {
	return func(f *frame, v vector) vector {
		r := result{f: f, nulls: f.nullsOf(nil, &v)}
		out := f.newVector(value.String)
		for i := range f.n {
			if !r.null(i) {
				start := len(out.texts.data)
				out.texts.data = value.AppendText(out.texts.data, v.at(i, from.Kind), from)
				out.texts.end(&r, i, start)
			}
		}
		return out.finish(&r)
	}
}

func numericConversion(from, to value.Type) converter {
	switch {
	case anyInt(from) && anyFloat(to):
		return func(f *frame, v vector) vector {
			v.floats = f.scratch.floats.take(len(v.ints))
			for i, x := range v.ints {
				v.floats[i] = toFloat(float64(x), to)
			}
			v.ints = nil
			return v
		}
	case anyInt(from) && anyInt(to): // int64 to int32
		return each(from, to, func(v value.Value) (value.Value, *value.Bad) {
			if v.Int != int64(int32(v.Int)) {
				return v, value.NewBad(value.ReasonRange, "%d is out of range for int32", v.Int)
			}
			return v, nil
		})
	case anyFloat(from) && anyInt(to):
		return each(from, to, func(v value.Value) (value.Value, *value.Bad) { return roundToInt(v.Float, to) })
	case anyFloat(from) && anyFloat(to): // double to float
		return each(from, to, func(v value.Value) (value.Value, *value.Bad) {
			f := toFloat(v.Float, to)
			if math.IsInf(f, 0) {
				return v, value.NewBad(value.ReasonRange, "%g is out of range for float", v.Float)
			}
			return value.Value{Float: f}, nil
		})
	case from.Kind == value.Decimal && anyFloat(to):
		return each(from, to, func(v value.Value) (value.Value, *value.Bad) {
			return value.Value{Float: toFloat(v.Dec.ToFloat64(from.Scale), to)}, nil
		})
	}
	// To and from a decimal otherwise: by its text, exactly.
	return each(from, to, func(v value.Value) (value.Value, *value.Bad) {
		var room [64]byte
		return value.FromNumber(value.AppendText(room[:0], v, from), to)
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
