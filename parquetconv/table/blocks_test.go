package table

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

func field(name string, t arrow.DataType) arrow.Field {
	return arrow.Field{Name: name, Type: t, Nullable: true}
}

// allTypes has a column of each type that files hold, and two more of text.
func allTypes() *arrow.Schema {
	utc := &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
	types := []arrow.DataType{
		arrow.FixedWidthTypes.Boolean, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Float32,
		arrow.PrimitiveTypes.Float64, arrow.FixedWidthTypes.Date32, utc,
		&arrow.Decimal128Type{Precision: 7, Scale: 2}, &arrow.Decimal128Type{Precision: 18, Scale: 3}, &arrow.Decimal128Type{Precision: 38, Scale: 10},
		arrow.BinaryTypes.String, arrow.BinaryTypes.String, arrow.BinaryTypes.String, arrow.BinaryTypes.Binary,
		arrow.ListOf(arrow.BinaryTypes.String),
		arrow.StructOf(field("a", arrow.PrimitiveTypes.Int64), field("b", arrow.ListOf(arrow.PrimitiveTypes.Float64)), field("c", arrow.BinaryTypes.String)),
		arrow.MapOf(arrow.BinaryTypes.String, arrow.StructOf(field("x", arrow.FixedWidthTypes.Boolean), field("y", utc))),
		arrow.ListOf(arrow.ListOf(arrow.PrimitiveTypes.Int32)),
	}
	var fields []arrow.Field
	for i, t := range types {
		fields = append(fields, field(fmt.Sprint("c", i), t))
	}
	fields = append(fields, arrow.Field{Name: "required", Type: arrow.PrimitiveTypes.Int64}, arrow.Field{Name: "required_text", Type: arrow.BinaryTypes.String})
	return arrow.NewSchema(fields, nil)
}

var edges = []int64{0, 1, -1, math.MaxInt64, math.MinInt64, math.MaxInt32, math.MinInt32, 1 << 40}

// randomValue appends a value, or a null.
func randomValue(rng *rand.Rand, b array.Builder, nullable bool) {
	if nullable && rng.IntN(8) == 0 {
		b.AppendNull()
		return
	}
	integer := rng.Int64() >> rng.IntN(64)
	if rng.IntN(20) == 0 {
		integer = edges[rng.IntN(len(edges))]
	}
	float := []float64{rng.NormFloat64(), math.NaN(), math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1), float64(rng.IntN(10)) / 8}[rng.IntN(7)]
	switch b := b.(type) {
	case *array.BooleanBuilder:
		b.Append(rng.IntN(2) == 0)
	case *array.Int32Builder:
		b.Append(int32(integer))
	case *array.Int64Builder:
		b.Append(integer)
	case *array.Float32Builder:
		b.Append(float32(float))
	case *array.Float64Builder:
		b.Append(float)
	case *array.Date32Builder:
		b.Append(arrow.Date32(rng.IntN(40_000)))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(1_700_000_000_000_000 + rng.Int64N(1e12)))
	case *array.Decimal128Builder:
		limit := int64(math.Pow10(int(min(b.Type().(*arrow.Decimal128Type).Precision, 18)))) - 1
		d := decimal128.FromI64(integer % limit)
		if b.Type().(*arrow.Decimal128Type).Precision > 18 {
			d = d.Mul(decimal128.FromI64(rng.Int64N(1e18)))
		}
		b.Append(d)
	case *array.StringBuilder:
		b.Append(randomText(rng))
	case *array.BinaryBuilder:
		b.Append([]byte(randomText(rng)))
	case *array.ListBuilder:
		b.Append(true)
		for range rng.IntN(4) {
			randomValue(rng, b.ValueBuilder(), true)
		}
	case *array.StructBuilder:
		b.Append(true)
		for i := range b.NumField() {
			randomValue(rng, b.FieldBuilder(i), true)
		}
	case *array.MapBuilder:
		b.Append(true)
		for i := range rng.IntN(3) {
			b.KeyBuilder().(*array.StringBuilder).Append(fmt.Sprint("k", i))
			randomValue(rng, b.ItemBuilder(), true)
		}
	default:
		panic(b)
	}
}

func randomText(rng *rand.Rand) string {
	switch rng.IntN(10) {
	case 0:
		return ""
	case 1:
		return strings.Repeat("\x00é", rng.IntN(40))
	}
	return fmt.Sprintf("text %d", rng.IntN(500))
}

// producer makes blocks as a decoder does, with dictionaries that grow and are
// begun anew.
type producer struct {
	rng    *rand.Rand
	number int
	schema *arrow.Schema
	dicts  map[int]*producerDictionary
	counts []int // of dictionaries, by column
}

type producerDictionary struct {
	number int
	texts  []string
	codes  map[string]int32
}

func (p *producer) column(i, rows int) (arrow.Array, int) {
	f := p.schema.Field(i)
	b := array.NewBuilder(memory.DefaultAllocator, f.Type)
	defer b.Release()
	for range rows {
		randomValue(p.rng, b, f.Nullable)
	}
	plain := b.NewArray()
	isText := f.Type.ID() == arrow.STRING || f.Type.ID() == arrow.BINARY
	if !isText || p.rng.IntN(5) == 0 {
		return plain, 0
	}
	d := p.dicts[i]
	if d == nil || p.rng.IntN(4) == 0 {
		p.counts[i]++
		d = &producerDictionary{number: p.counts[i], codes: map[string]int32{}}
		p.dicts[i] = d
	}
	indices := array.NewInt32Builder(memory.DefaultAllocator)
	for row := range rows {
		if plain.IsNull(row) {
			indices.AppendNull()
			continue
		}
		text := textAt(plain, row)
		code, ok := d.codes[text]
		if !ok {
			code = int32(len(d.texts))
			d.codes[text] = code
			d.texts = append(d.texts, text)
		}
		indices.Append(code)
	}
	values := array.NewBuilder(memory.DefaultAllocator, f.Type)
	for _, text := range d.texts {
		if b, ok := values.(*array.StringBuilder); ok {
			b.Append(text)
		} else {
			values.(*array.BinaryBuilder).Append([]byte(text))
		}
	}
	number := d.number
	if p.rng.IntN(6) == 0 {
		number = 0
	}
	return array.NewDictionaryArray(&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: f.Type}, indices.NewArray(), values.NewArray()), number
}

func textAt(a arrow.Array, row int) string {
	if b, ok := a.(*array.Binary); ok {
		return string(b.Value(row))
	}
	return a.(*array.String).Value(row)
}

func (p *producer) block(rows, partitions int) *Block {
	b := &Block{Rows: rows, Producer: p.number}
	for i := range p.schema.NumFields() {
		column, number := p.column(i, rows)
		b.Columns = append(b.Columns, column)
		b.Dictionaries = append(b.Dictionaries, number)
	}
	known := map[int]int32{}
	for range rows {
		n := p.rng.IntN(partitions)
		at, ok := known[n]
		if !ok {
			at = int32(len(b.Partitions))
			known[n] = at
			b.Partitions = append(b.Partitions, fmt.Sprintf("p=%d", n))
		}
		b.Partition = append(b.Partition, at)
	}
	return b
}

// expected are the rows of each partition, shown as text, and the partitions in
// order of their first occurrence.
type expected struct {
	rows  map[string][]string
	order []string
}

func (e *expected) add(b *Block) {
	if e.rows == nil {
		e.rows = map[string][]string{}
	}
	columns := make([][]string, len(b.Columns))
	for c := range b.Columns {
		columns[c] = shownColumn(b.Columns[c])
	}
	for row, at := range b.Partition {
		path := b.Partitions[at]
		if e.rows[path] == nil {
			e.order = append(e.order, path)
		}
		e.rows[path] = append(e.rows[path], shownRow(columns, row))
	}
}

func shownRow(columns [][]string, row int) string {
	values := make([]string, len(columns))
	for c := range columns {
		values[c] = columns[c][row]
	}
	return strings.Join(values, "|")
}

func shownColumn(a arrow.Array) []string {
	out := make([]string, a.Len())
	for i := range out {
		out[i] = shown(a, i)
	}
	return out
}

// shown tells all values apart, but for one NaN from another.
func shown(a arrow.Array, i int) string {
	if a.IsNull(i) {
		return "null"
	}
	switch a := a.(type) {
	case *array.Dictionary:
		return shown(a.Dictionary(), a.GetValueIndex(i))
	case *array.Float32:
		return shownFloat(float64(a.Value(i)))
	case *array.Float64:
		return shownFloat(a.Value(i))
	case *array.String, *array.Binary:
		return fmt.Sprintf("%q", textAt(a, i))
	case *array.Map:
		start, end := a.ValueOffsets(i)
		out := "{"
		for e := start; e < end; e++ {
			out += shown(a.Keys(), int(e)) + ":" + shown(a.Items(), int(e)) + ","
		}
		return out + "}"
	case *array.List:
		start, end := a.ValueOffsets(i)
		out := "["
		for e := start; e < end; e++ {
			out += shown(a.ListValues(), int(e)) + ","
		}
		return out + "]"
	case *array.Struct:
		out := "("
		for f := range a.NumField() {
			out += shown(a.Field(f), i) + ","
		}
		return out + ")"
	}
	return a.ValueStr(i)
}

func shownFloat(f float64) string {
	if f != f {
		return "NaN"
	}
	return fmt.Sprintf("%x", f)
}

func open(t testing.TB, f File) *file.Reader {
	t.Helper()
	r, err := file.NewParquetReader(ioSection(f))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// shownFile are the rows of a file.
func shownFile(t testing.TB, f File) []string {
	t.Helper()
	r, err := pqarrow.NewFileReader(open(t, f), pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	table, err := r.ReadTable(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer table.Release()
	columns := make([][]string, table.NumCols())
	for c := range columns {
		for _, chunk := range table.Column(c).Data().Chunks() {
			columns[c] = append(columns[c], shownColumn(chunk)...)
		}
	}
	rows := make([]string, table.NumRows())
	for i := range rows {
		rows[i] = shownRow(columns, i)
	}
	return rows
}

// check reads the files back.
func (e *expected) check(t testing.TB, files []File) {
	t.Helper()
	got := map[string][]string{}
	var order []string
	for _, f := range files {
		if len(order) == 0 || order[len(order)-1] != f.Partition {
			order = append(order, f.Partition)
		}
		rows := shownFile(t, f)
		if int64(len(rows)) != f.Rows {
			t.Errorf("%s: a file of %d rows has %d", f.Partition, f.Rows, len(rows))
		}
		got[f.Partition] = append(got[f.Partition], rows...)
	}
	if fmt.Sprint(order) != fmt.Sprint(e.order) {
		t.Errorf("partitions %v, want %v", order, e.order)
	}
	for path, want := range e.rows {
		for i := range max(len(want), len(got[path])) {
			if i >= len(want) || i >= len(got[path]) || got[path][i] != want[i] {
				t.Fatalf("%s, row %d of %d, want %d rows:\ngot  %s\nwant %s", path, i, len(got[path]), len(want), at(got[path], i), at(want, i))
			}
		}
	}
}

func at(rows []string, i int) string {
	if i < len(rows) {
		return rows[i]
	}
	return "none"
}
