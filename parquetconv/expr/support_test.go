package expr

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/s3compact/s3compact/parquetconv/value"
)

// table is columns of values in their JSON form, for tests.
type table struct {
	names  []string
	types  []value.Type
	values [][]string // by column
}

func (t *table) add(tb testing.TB, name, typ string, values ...string) {
	tb.Helper()
	parsed, err := value.ParseType(typ)
	if err != nil {
		tb.Fatal(err)
	}
	t.names, t.types, t.values = append(t.names, name), append(t.types, parsed), append(t.values, values)
}

func (t *table) scope(name string) (int, value.Type, bool) {
	for i, n := range t.names {
		if n == name {
			return i, t.types[i], true
		}
	}
	return 0, value.Type{}, false
}

// form is how the columns of a batch are held.
type form struct {
	dictionaries bool // texts
	padding      int  // rows before and behind, cut off again
}

// batch is some rows of the table.
func (t *table) batch(tb testing.TB, from, to int, f form) *Batch {
	tb.Helper()
	b := &Batch{Rows: to - from}
	for c, typ := range t.types {
		b.Columns = append(b.Columns, arrayOf(tb, typ, t.values[c][from:to], f))
	}
	return b
}

func arrayOf(tb testing.TB, typ value.Type, values []string, f form) arrow.Array {
	tb.Helper()
	out := array.NewBuilder(memory.DefaultAllocator, typ.Arrow())
	if _, isString := out.(*array.StringBuilder); isString && f.dictionaries {
		d := array.NewBuilder(memory.DefaultAllocator, &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: typ.Arrow()})
		dictionary := d.(*array.BinaryDictionaryBuilder)
		// Entries that no row uses: expressions must not see them.
		unused := []string{"%zz unused", "", "9999-99-99", "\x01"}
		if typ.Kind == value.JSON {
			unused = []string{`"unused"`, `{}`}
		}
		for _, entry := range unused {
			if err := dictionary.AppendString(entry); err != nil {
				tb.Fatal(err)
			}
		}
		for _, raw := range values {
			v, _, bad := value.FromJSON([]byte(raw), typ, nil)
			switch {
			case bad != nil:
				tb.Fatal(bad)
			case v.Null:
				dictionary.AppendNull()
			default:
				if err := dictionary.Append(v.Bytes); err != nil {
					tb.Fatal(err)
				}
			}
		}
		whole := dictionary.NewArray()
		return array.NewSlice(whole, int64(len(unused)), int64(whole.Len()))
	}
	for range f.padding {
		out.AppendNull()
	}
	for _, raw := range values {
		v, _, bad := value.FromJSON([]byte(raw), typ, nil)
		if bad != nil {
			tb.Fatal(bad)
		}
		appendValue(tb, out, v)
	}
	for range f.padding {
		out.AppendEmptyValue()
	}
	whole := out.NewArray()
	return array.NewSlice(whole, int64(f.padding), int64(f.padding+len(values)))
}

func appendValue(tb testing.TB, out array.Builder, v value.Value) {
	tb.Helper()
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
		out.Append(v.Dec)
	case *array.BinaryBuilder:
		out.Append(v.Bytes)
	case *array.StringBuilder:
		out.Append(string(v.Bytes))
	default:
		tb.Fatalf("no builder of %T", out)
	}
}

func valueAt(tb testing.TB, a arrow.Array, i int) value.Value {
	tb.Helper()
	if a.IsNull(i) {
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
		return valueAt(tb, a.Dictionary(), a.GetValueIndex(i))
	}
	tb.Fatalf("no value of %T", a)
	return value.Value{}
}

// results are an expression's values of a batch, one by one: their text form,
// null, or ! and the reason of a fault. It checks what Eval promises of its
// array and faults.
func results(tb testing.TB, e *Expr, b *Batch) []string {
	tb.Helper()
	a, faults := e.Eval(b)
	defer a.Release()
	typ := a.DataType()
	if d, ok := typ.(*arrow.DictionaryType); ok {
		typ = d.ValueType
		seen := map[string]bool{}
		entries := a.(*array.Dictionary).Dictionary()
		for i := range entries.Len() {
			text := string(valueAt(tb, entries, i).Bytes)
			if _, isColumn := e.column(); seen[text] && !isColumn {
				tb.Errorf("the dictionary has %q twice", text)
			}
			seen[text] = true
		}
		if d.IndexType.ID() != arrow.INT32 || typ.ID() != arrow.STRING {
			tb.Errorf("a dictionary of %s", d)
		}
	}
	if a.Len() != b.Rows || !arrow.TypeEqual(typ, e.Type.Arrow()) {
		tb.Errorf("%d values of %s, want %d of %s", a.Len(), typ, b.Rows, e.Type.Arrow())
	}
	out := make([]string, b.Rows)
	for i := range out {
		if out[i] = "null"; !a.IsNull(i) {
			out[i] = string(value.AppendText(nil, valueAt(tb, a, i), e.Type))
		}
	}
	last := -1
	for _, f := range faults {
		if f.Row <= last || f.Row >= b.Rows || out[f.Row] != "null" {
			tb.Errorf("a fault in row %d, value %s, behind one in row %d", f.Row, out[f.Row], last)
		}
		last = f.Row
		out[f.Row] = "!" + f.Bad.Reason + " " + f.Bad.Detail
	}
	return out
}
