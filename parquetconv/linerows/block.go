package linerows

import (
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/s3compact/s3compact/parquetconv/schema"
	"github.com/s3compact/s3compact/parquetconv/value"
)

// Block is a run of rows of one source in its order, column by column, with
// what became of the rows between them.
type Block struct {
	RowsIn    int64         // rows read: those of Columns and the rejects
	Rows      int           // rows in Columns
	Columns   []arrow.Array // the stored columns, as Schema.Arrow orders them
	SizeBytes int64         // about what Columns take in memory

	Partitions     []string // paths of the partitions that occur, name=value/name=value; "" without partitions
	PartitionBytes []int64  // about what the rows of each take of SizeBytes; its rows may be much larger than another's
	Partition      []int32  // of each row, an index of Partitions

	Rejects []Reject
	// BadValues counts the values that became null because their column could
	// not hold them, by index of the schema's columns.
	BadValues map[int]int64
}

// Reject is a row that is not loaded.
type Reject struct {
	Offset int64  // of the row's first byte in the uncompressed source
	Column string // whose value is to blame; empty where the row is
	Reason string // stable word
	Detail string
	Raw    []byte // the row's text, at most MaxRawBytes of it
}

// MaxRawBytes is how much of a rejected row's text is kept.
const MaxRawBytes = 4 << 10

// The reasons of rejects beside those of package value.
const (
	ReasonInvalidJSON   = "invalid_json"
	ReasonInvalidUTF8   = "invalid_utf8"
	ReasonDuplicateName = "duplicate_name"
	ReasonNoObject      = "no_object"     // something else than an object
	ReasonMissing       = "missing"       // a required value is absent or null
	ReasonUnknownField  = "unknown_field" // unknown_fields: reject
	ReasonTooLong       = "too_long"      // a row of more than MaxRowBytes, or a partition value too long for a name
)

// builder gathers the rows of a block.
type builder struct {
	builders []array.Builder
	appends  []func(value.Value)
	stored   []int // indexes of the row's values

	block    Block
	byPath   map[string]int32
	maxBytes int64
}

// maxBlockRows bounds a block beside its bytes.
const maxBlockRows = 16 << 10

func newBuilder(s *schema.Schema, maxBytes int64) *builder {
	files, stored := s.Arrow()
	b := &builder{stored: stored, byPath: map[string]int32{}, maxBytes: maxBytes}
	b.builders = make([]array.Builder, len(stored))
	b.appends = make([]func(value.Value), len(stored))
	for i, f := range files.Fields() {
		b.builders[i] = array.NewBuilder(memory.DefaultAllocator, f.Type)
		b.appends[i] = appender(b.builders[i])
	}
	return b
}

// appender appends a value that is not null.
func appender(b array.Builder) func(value.Value) {
	switch b := b.(type) {
	case *array.BooleanBuilder:
		return func(v value.Value) { b.Append(v.Int != 0) }
	case *array.Int32Builder:
		return func(v value.Value) { b.Append(int32(v.Int)) }
	case *array.Int64Builder:
		return func(v value.Value) { b.Append(v.Int) }
	case *array.Float32Builder:
		return func(v value.Value) { b.Append(float32(v.Float)) }
	case *array.Float64Builder:
		return func(v value.Value) { b.Append(v.Float) }
	case *array.Decimal128Builder:
		return func(v value.Value) { b.Append(v.Dec) }
	case *array.StringBuilder:
		return func(v value.Value) { b.BinaryBuilder.Append(v.Bytes) }
	case *array.BinaryBuilder:
		return func(v value.Value) { b.Append(v.Bytes) }
	case *array.Date32Builder:
		return func(v value.Value) { b.Append(arrow.Date32(v.Int)) }
	case *array.TimestampBuilder:
		return func(v value.Value) { b.Append(arrow.Timestamp(v.Int)) }
	}
	return nil // Type.Arrow names no other
}

// valueBytes is about what a value takes in an array, beside its text.
const valueBytes = 8

func (b *builder) add(values []value.Value, partition []byte) {
	size := int64(len(b.stored)) * valueBytes
	for i, at := range b.stored {
		v := &values[at]
		if v.Null {
			b.builders[i].AppendNull()
		} else {
			b.appends[i](*v)
			size += int64(len(v.Bytes))
		}
	}
	p, ok := b.byPath[string(partition)]
	if !ok {
		p = int32(len(b.block.Partitions))
		b.block.Partitions = append(b.block.Partitions, string(partition))
		b.block.PartitionBytes = append(b.block.PartitionBytes, 0)
		b.byPath[string(partition)] = p
	}
	b.block.Partition = append(b.block.Partition, p)
	b.block.PartitionBytes[p] += size
	b.block.SizeBytes += size
	b.block.Rows++
}

func (b *builder) reject(r Reject) {
	r.Raw = append([]byte(nil), cutText(r.Raw, MaxRawBytes)...)
	b.block.SizeBytes += int64(len(r.Raw))
	b.block.Rejects = append(b.block.Rejects, r)
}

// cutText cuts text to at most n bytes, between two characters.
func cutText(b []byte, n int) []byte {
	if len(b) <= n {
		return b
	}
	for end := n; end > n-utf8.UTFMax; end-- {
		if utf8.RuneStart(b[end]) {
			return b[:end]
		}
	}
	return b[:n] // no UTF-8
}

func (b *builder) badValue(column int) {
	if b.block.BadValues == nil {
		b.block.BadValues = map[int]int64{}
	}
	b.block.BadValues[column]++
}

func (b *builder) full() bool {
	return b.block.SizeBytes >= b.maxBytes || b.block.RowsIn >= maxBlockRows
}

// take returns the block and begins the next.
func (b *builder) take() *Block {
	out := b.block
	out.Columns = make([]arrow.Array, len(b.builders))
	for i, cb := range b.builders {
		out.Columns[i] = cb.NewArray()
	}
	b.block = Block{}
	clear(b.byPath)
	return &out
}
