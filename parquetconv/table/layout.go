package table

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
)

// kind says how the values of a vector lie in memory.
type kind uint8

const (
	fixed  kind = iota // the same number of bytes each
	text               // bytes of any number
	list               // of elements; a map is a list of structs of key and value
	record             // a struct
)

// layout is how a column, or what stands inside a nested one, lies in memory.
type layout struct {
	kind     kind
	width    int // bytes of a fixed value; a boolean has one
	typ      arrow.DataType
	nullable bool
	children []layout // the element of a list, the fields of a record
}

func layoutOf(f arrow.Field) (layout, error) {
	l := layout{typ: f.Type, nullable: f.Nullable}
	switch t := f.Type.(type) {
	case *arrow.BooleanType:
		l.width = 1
	case *arrow.Int32Type, *arrow.Float32Type, *arrow.Date32Type:
		l.width = 4
	case *arrow.Int64Type, *arrow.Float64Type, *arrow.TimestampType:
		l.width = 8
	case *arrow.Decimal128Type:
		l.width = arrow.Decimal128SizeBytes
	case *arrow.StringType, *arrow.BinaryType:
		l.kind = text
	case *arrow.ListType:
		l.kind = list
		return l, l.inside(t.ElemField())
	case *arrow.MapType:
		l.kind = list
		entries := layout{kind: record, typ: t.Elem()}
		if err := entries.inside(t.KeyField(), t.ItemField()); err != nil {
			return l, err
		}
		entries.children[0].nullable = false
		l.children = []layout{entries}
	case *arrow.StructType:
		l.kind = record
		return l, l.inside(t.Fields()...)
	default:
		return l, fmt.Errorf("column %q: files hold no values of type %s", f.Name, f.Type)
	}
	return l, nil
}

func (l *layout) inside(fields ...arrow.Field) error {
	for _, f := range fields {
		child, err := layoutOf(f)
		if err != nil {
			return err
		}
		l.children = append(l.children, child)
	}
	return nil
}

func (l *layout) nested() bool { return l.kind == list || l.kind == record }

// leaves is how many columns of a Parquet file hold the values.
func (l *layout) leaves() int {
	if !l.nested() {
		return 1
	}
	n := 0
	for i := range l.children {
		n += l.children[i].leaves()
	}
	return n
}
