package expr

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/s3compact/s3compact/parquetconv/value"
)

// Batch is the rows that an expression is evaluated over. Columns are found by
// the index that the Scope gave, and have the Arrow type of their type; text
// columns may be an *array.Dictionary with int32 indices. Columns that the
// expression does not name may be nil.
type Batch struct {
	Rows    int
	Columns []arrow.Array
}

// Fault is a row whose value cannot be computed.
type Fault struct {
	Row int
	Bad *value.Bad
}

// EvalColumns computes the expression for all rows. The result has the Arrow
// type of e.Type, or is an *array.Dictionary with int32 indices and values of
// that type where e.Type is string; it is the caller's to release. It is null
// in the rows of the faults, of which there is at most one a row, in the order
// of the rows.
//
// It stands beside Eval until nothing evaluates row by row; then it takes that name.
func (e *Expr) EvalColumns(b *Batch) (arrow.Array, []Fault) {
	out := array.NewBuilder(memory.DefaultAllocator, e.Type.Arrow())
	defer out.Release()
	var faults []Fault
	r := &Row{Values: make([]value.Value, len(b.Columns))}
	for i := range b.Rows {
		r.Arena = r.Arena[:0]
		for c, column := range b.Columns {
			r.Values[c] = valueAt(column, i)
		}
		v, bad := e.eval(r)
		if bad != nil {
			faults = append(faults, Fault{Row: i, Bad: bad})
			v = value.NullValue
		}
		appendValue(out, v)
	}
	return out.NewArray(), faults
}

func valueAt(a arrow.Array, i int) value.Value {
	if a == nil || a.IsNull(i) {
		return value.NullValue
	}
	switch a := a.(type) {
	case *array.Boolean:
		return value.Bool(a.Value(i))
	case *array.Int32:
		return value.Value{Int: int64(a.Value(i))}
	case *array.Int64:
		return value.Value{Int: a.Value(i)}
	case *array.Date32:
		return value.Value{Int: int64(a.Value(i))}
	case *array.Timestamp:
		return value.Value{Int: int64(a.Value(i))}
	case *array.Float32:
		return value.Value{Float: float64(a.Value(i))}
	case *array.Float64:
		return value.Value{Float: a.Value(i)}
	case *array.Decimal128:
		return value.Value{Dec: a.Value(i)}
	case *array.Binary:
		return value.Value{Bytes: a.Value(i)}
	case *array.String:
		return value.Value{Bytes: []byte(a.Value(i))}
	case *array.Dictionary:
		return valueAt(a.Dictionary(), a.GetValueIndex(i))
	}
	return value.Value{} // a nested value is known to be there
}

func appendValue(out array.Builder, v value.Value) {
	if v.Null {
		out.AppendNull()
		return
	}
	switch out := out.(type) {
	case *array.BooleanBuilder:
		out.Append(v.Int != 0)
	case *array.Int32Builder:
		out.Append(int32(v.Int))
	case *array.Int64Builder:
		out.Append(v.Int)
	case *array.Date32Builder:
		out.Append(arrow.Date32(v.Int))
	case *array.TimestampBuilder:
		out.Append(arrow.Timestamp(v.Int))
	case *array.Float32Builder:
		out.Append(float32(v.Float))
	case *array.Float64Builder:
		out.Append(v.Float)
	case *array.Decimal128Builder:
		out.Append(decimal128.New(v.Dec.HighBits(), v.Dec.LowBits()))
	case *array.BinaryBuilder:
		out.Append(v.Bytes)
	case *array.StringBuilder:
		out.BinaryBuilder.Append(v.Bytes)
	}
}
