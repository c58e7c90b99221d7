package expr

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/s3compact/s3compact/parquetconv/value"
)

type decimal = decimal128.Num

// vector is the values of an expression at the positions of a frame. Which of
// the slices holds them is said by their kind. What stands where nulls is true
// is undefined, offsets and codes included.
type vector struct {
	// mask is -1, or 0 where the first element stands for all positions: the
	// value at position i is found at i&mask.
	mask  int
	nulls []bool // nil: none is null

	bools  []bool    // boolean
	ints   []int64   // int32, int64, date, timestamp
	floats []float64 // float, double
	decs   []decimal // decimal
	starts []int32   // string, json, binary: value i is data[starts[i]:ends[i]]
	ends   []int32
	data   []byte
	codes  []int32 // not nil: starts and ends are entries, and position i has entry codes[i]
}

// dense is a vector with a value for each position.
func dense(nulls []bool) vector { return vector{mask: -1, nulls: nulls} }

func (v *vector) null(i int) bool { return v.nulls != nil && v.nulls[i&v.mask] }

// text is the value at a position of a vector without codes.
func (v *vector) text(i int) []byte {
	i &= v.mask
	return v.data[v.starts[i]:v.ends[i]]
}

// at is the value at a position of a vector without codes.
func (v *vector) at(i int, k value.Kind) value.Value {
	if v.null(i) {
		return value.NullValue
	}
	switch i &= v.mask; k {
	case value.Boolean:
		return value.Bool(v.bools[i])
	case value.Int32, value.Int64, value.Date, value.Timestamp:
		return value.Value{Int: v.ints[i]}
	case value.Float, value.Double:
		return value.Value{Float: v.floats[i]}
	case value.Decimal:
		return value.Value{Dec: v.decs[i]}
	case value.String, value.JSON, value.Binary:
		return value.Value{Bytes: v.data[v.starts[i]:v.ends[i]]}
	}
	return value.NullValue
}

// constantVector is one value for all positions.
func constantVector(x value.Value, k value.Kind) vector {
	var v vector
	if x.Null {
		v.nulls = []bool{true}
	}
	switch {
	case k == value.Boolean:
		v.bools = []bool{x.Int != 0}
	case k == value.Float || k == value.Double:
		v.floats = []float64{x.Float}
	case k == value.Decimal:
		v.decs = []decimal{x.Dec}
	case isText(k):
		v.data, v.starts, v.ends = x.Bytes, []int32{0}, []int32{int32(len(x.Bytes))}
	default:
		v.ints = []int64{x.Int}
	}
	return v
}

// isText says whether values of a kind are texts in a vector.
func isText(k value.Kind) bool {
	return k == value.String || k == value.JSON || k == value.Binary
}

// plain is the vector without codes.
func (f *frame) plain(v vector) vector {
	if v.codes == nil {
		return v
	}
	out := vector{mask: -1, nulls: v.nulls, data: v.data, starts: f.scratch.offsets.take(f.n), ends: f.scratch.offsets.take(f.n)}
	for i, code := range v.codes[:f.n] {
		if v.nulls != nil && v.nulls[i] {
			continue
		}
		out.starts[i], out.ends[i] = v.starts[code], v.ends[code]
	}
	return out
}

// gather is the values at some positions of a vector, one behind the other.
func (s *scratch) gather(v vector, rows []int32) vector {
	if v.mask == 0 {
		return v
	}
	out := vector{mask: -1, data: v.data, nulls: pick(&s.bools, v.nulls, rows)}
	out.bools = pick(&s.bools, v.bools, rows)
	out.ints = pick(&s.ints, v.ints, rows)
	out.floats = pick(&s.floats, v.floats, rows)
	out.decs = pick(&s.decs, v.decs, rows)
	if v.codes != nil {
		out.codes, out.starts, out.ends = pick(&s.offsets, v.codes, rows), v.starts, v.ends
	} else {
		out.starts, out.ends = pick(&s.offsets, v.starts, rows), pick(&s.offsets, v.ends, rows)
	}
	return out
}

// clone is the vector in memory of its own.
func (v vector) clone() vector {
	v.nulls, v.bools, v.ints, v.floats, v.decs = slices.Clone(v.nulls), slices.Clone(v.bools), slices.Clone(v.ints), slices.Clone(v.floats), slices.Clone(v.decs)
	v.starts, v.ends, v.data, v.codes = slices.Clone(v.starts), slices.Clone(v.ends), slices.Clone(v.data), slices.Clone(v.codes)
	return v
}

func pick[T any](s *slabs[T], from []T, rows []int32) []T {
	if from == nil {
		return nil
	}
	out := s.take(len(rows))
	for i, r := range rows {
		out[i] = from[r]
	}
	return out
}
