package scan

import (
	"fmt"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/s3compact/s3compact/parquetconv/schema"
	"github.com/s3compact/s3compact/parquetconv/value"
)

// column gathers the values of a column, or of what stands inside the values of
// a nested one. Which slice holds them depends on its kind; a null is a zero
// there. They become an Arrow array as they are.
type column struct {
	index int
	name  string
	typ   value.Type
	kind  value.Kind
	time  schema.TimeFormat
	onBad schema.OnBad
	inner bool // stands inside a nested column

	n     int     // values so far
	nulls []int32 // which of them are null, ascending

	bools    []byte // one a byte
	ints32   []int32
	ints64   []int64
	floats   []float32
	doubles  []float64
	decimals []decimal128.Num
	texts    texts
	offsets  []int32 // of the elements of list and map, n+1
	children []*column
	members  *shape // of a struct
	seen     *place // what was learned of a JSON column's values
}

// prepare makes what a column of its type needs.
func (s *Scanner) prepare(c *column) error {
	c.texts.init(s.seed, !c.inner && (c.kind == value.String || c.kind == value.JSON))
	switch c.kind {
	case value.String, value.JSON:
		c.seen = &place{}
	case value.List, value.Map:
		c.offsets = append(c.offsets, 0)
		types := []value.Type{c.typ.Elem()}
		if c.kind == value.Map {
			types = []value.Type{{Kind: value.String}, c.typ.Elem()}
		}
		return s.inside(c, types)
	case value.Struct:
		c.members = s.newShape()
		var types []value.Type
		for _, f := range c.typ.Fields() {
			types = append(types, f.Type)
		}
		if err := s.inside(c, types); err != nil {
			return err
		}
		for i, f := range c.typ.Fields() {
			if at := s.fieldOf(c.members, f.Name); at.columns == nil {
				at.op, at.column, at.columns = opColumn, c.children[i], []*column{c.children[i]}
			}
		}
	case value.Null:
		return fmt.Errorf("no column has the type %s", c.typ)
	}
	return nil
}

func (s *Scanner) inside(c *column, types []value.Type) error {
	for _, t := range types {
		child := &column{name: c.name, typ: t, kind: t.Kind, time: c.time, inner: true}
		if err := s.prepare(child); err != nil {
			return err
		}
		c.children = append(c.children, child)
	}
	return nil
}

// width is how many bytes a value takes in memory beside its text.
func (c *column) width() int {
	switch c.kind {
	case value.Boolean:
		return 1
	case value.Int64, value.Double, value.Timestamp:
		return 8
	case value.Decimal:
		return arrow.Decimal128SizeBytes
	case value.Struct:
		w := 0
		for _, child := range c.children {
			w += child.width()
		}
		return w
	}
	return 4
}

// addNull appends a null.
func (c *column) addNull() {
	c.nulls = append(c.nulls, int32(c.n))
	switch c.kind {
	case value.Boolean:
		c.bools = append(c.bools, 0)
	case value.Int32, value.Date:
		c.ints32 = append(c.ints32, 0)
	case value.Int64, value.Timestamp:
		c.ints64 = append(c.ints64, 0)
	case value.Float:
		c.floats = append(c.floats, 0)
	case value.Double:
		c.doubles = append(c.doubles, 0)
	case value.Decimal:
		c.decimals = append(c.decimals, decimal128.Num{})
	case value.List, value.Map:
		c.offsets = append(c.offsets, c.offsets[c.n])
	case value.Struct:
		for _, child := range c.children {
			child.addNull()
		}
	default:
		c.texts.addNull()
	}
	c.n++
}

// add appends a value that is not null, of a type that is not nested.
func (c *column) add(v value.Value) {
	switch c.kind {
	case value.Boolean:
		c.bools = append(c.bools, byte(v.Int))
	case value.Int32, value.Date:
		c.ints32 = append(c.ints32, int32(v.Int))
	case value.Int64, value.Timestamp:
		c.ints64 = append(c.ints64, v.Int)
	case value.Float:
		c.floats = append(c.floats, float32(v.Float))
	case value.Double:
		c.doubles = append(c.doubles, v.Float)
	case value.Decimal:
		c.decimals = append(c.decimals, v.Dec)
	default:
		c.texts.add(v.Bytes)
	}
	c.n++
}

// truncate takes back the values from the n-th on.
func (c *column) truncate(n int) {
	if c.n <= n && len(c.children) == 0 {
		return // inside a nested column a value may have been left unfinished
	}
	c.n = min(c.n, n)
	for len(c.nulls) > 0 && int(c.nulls[len(c.nulls)-1]) >= n {
		c.nulls = c.nulls[:len(c.nulls)-1]
	}
	switch c.kind {
	case value.Boolean:
		c.bools = c.bools[:n]
	case value.Int32, value.Date:
		c.ints32 = c.ints32[:n]
	case value.Int64, value.Timestamp:
		c.ints64 = c.ints64[:n]
	case value.Float:
		c.floats = c.floats[:n]
	case value.Double:
		c.doubles = c.doubles[:n]
	case value.Decimal:
		c.decimals = c.decimals[:n]
	case value.List, value.Map:
		c.offsets = c.offsets[:n+1]
		for _, child := range c.children {
			child.truncate(int(c.offsets[n]))
		}
	case value.Struct:
		for _, child := range c.children {
			child.truncate(n)
		}
	default:
		c.texts.truncate(n)
	}
}

// lastIsNull says whether the last value is null.
func (c *column) lastIsNull() bool {
	return len(c.nulls) > 0 && int(c.nulls[len(c.nulls)-1]) == c.n-1
}

// sizeBytes is what the values take in memory, without a dictionary.
func (c *column) sizeBytes() int64 {
	n := int64(len(c.texts.data))
	if c.kind != value.Struct {
		n += int64(c.n * c.width())
	}
	for _, child := range c.children {
		n += child.sizeBytes()
	}
	return n
}

// take returns the values as an array and begins anew; rows is about how many
// values come next. dictionary is that of texts.
func (c *column) take(rows int) (out arrow.Array, dictionary int) {
	t := c.typ.Arrow()
	n := c.n
	valid := c.validity()
	nulls := len(c.nulls)
	c.n, c.nulls = 0, c.nulls[:0]
	if c.kind == value.String || c.kind == value.JSON {
		return c.texts.take(t, n, valid, nulls)
	}
	data := array.NewData(t, n, c.buffers(valid, n), c.childData(rows), nulls, 0)
	defer data.Release()
	return array.MakeFromData(data), 0
}

// childData takes the values inside a nested column.
func (c *column) childData(rows int) []arrow.ArrayData {
	if len(c.children) == 0 {
		return nil
	}
	var children []arrow.ArrayData
	for _, child := range c.children {
		a, _ := child.take(rows)
		children = append(children, a.Data())
	}
	if c.kind != value.Map {
		return children
	}
	// A map is a list of structs of key and value.
	entries := array.NewData(c.typ.Arrow().(*arrow.MapType).Elem(), children[0].Len(), []*memory.Buffer{nil}, children, 0, 0)
	return []arrow.ArrayData{entries}
}

func (c *column) buffers(valid *memory.Buffer, n int) []*memory.Buffer {
	var values *memory.Buffer
	switch c.kind {
	case value.Boolean:
		values = memory.NewBufferBytes(packed(c.bools))
		c.bools = c.bools[:0]
	case value.Int32, value.Date:
		values, c.ints32 = handOver(c.ints32, n)
	case value.Int64, value.Timestamp:
		values, c.ints64 = handOver(c.ints64, n)
	case value.Float:
		values, c.floats = handOver(c.floats, n)
	case value.Double:
		values, c.doubles = handOver(c.doubles, n)
	case value.Decimal:
		values, c.decimals = handOver(c.decimals, n)
	case value.List, value.Map:
		values, c.offsets = handOver(c.offsets, n+1)
		c.offsets = append(c.offsets, 0)
	case value.Struct:
		return []*memory.Buffer{valid}
	case value.Binary:
		return append([]*memory.Buffer{valid}, c.texts.plainBuffers()...)
	}
	return []*memory.Buffer{valid, values}
}

// handOver makes n values the memory of a buffer, and gives back a slice to go
// on with: a new one, or the same one where most of it would lie idle in the
// buffer.
func handOver[T any](values []T, n int) (*memory.Buffer, []T) {
	values = values[:n]
	if n < cap(values)-cap(values)/4 {
		return memory.NewBufferBytes(asBytes(append([]T(nil), values...))), values[:0]
	}
	return memory.NewBufferBytes(asBytes(values)), make([]T, 0, cap(values))
}

func asBytes[T any](values []T) []byte {
	if len(values) == 0 {
		return []byte{}
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&values[0])), len(values)*int(unsafe.Sizeof(values[0])))
}

// validity is the bitmap of the values that are not null; nil where none is.
func (c *column) validity() *memory.Buffer {
	if len(c.nulls) == 0 {
		return nil
	}
	bitmap := make([]byte, (c.n+7)/8)
	for i := range bitmap {
		bitmap[i] = 0xff
	}
	for _, at := range c.nulls {
		bitmap[at/8] &^= 1 << (at % 8)
	}
	return memory.NewBufferBytes(bitmap)
}

// packed is a bitmap of booleans.
func packed(bools []byte) []byte {
	bitmap := make([]byte, (len(bools)+7)/8)
	for i, v := range bools {
		bitmap[i/8] |= v << (i % 8)
	}
	return bitmap
}
