package rows

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/s3compact/s3compact/parquetconv/schema"
)

// span is a run of rows, the last one excluded.
type span struct{ from, to int }

// stay is the rows that are not rejected.
func (t *taken) stay() []span {
	spans := make([]span, 0, len(t.rejects)+1)
	from := 0
	for _, r := range t.rejects {
		if r.row > from {
			spans = append(spans, span{from, r.row})
		}
		from = r.row + 1
	}
	if from < t.in.Rows {
		spans = append(spans, span{from, t.in.Rows})
	}
	return spans
}

// kept is a copy of what of an array stays, with its nulls counted: the column
// may be one that has none any more. A dictionary stays as it is.
func kept(a arrow.Array, stay []span) (arrow.Array, error) {
	if d, ok := a.(*array.Dictionary); ok {
		indices, err := kept(d.Indices(), stay)
		if err != nil {
			return nil, err
		}
		return array.NewDictionaryArray(d.DataType(), indices, d.Dictionary()), nil
	}
	if len(stay) == 0 {
		stay = []span{{0, 0}}
	}
	slices := make([]arrow.Array, len(stay))
	for i, s := range stay {
		slices[i] = array.NewSlice(a, int64(s.from), int64(s.to))
	}
	out, err := array.Concatenate(slices, memory.DefaultAllocator)
	if err == nil {
		out.NullN() // counts them, and notes the count in the array's data
	}
	return out, err
}

func stringArray(texts []string) arrow.Array {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	b.AppendValues(texts, nil)
	return b.NewArray()
}

// pseudo is a pseudo-column, and the number of its dictionary.
func (t *taken) pseudo(p schema.Pseudo) (arrow.Array, int) {
	if p == schema.SourceOffset {
		buffers := []*memory.Buffer{nil, memory.NewBufferBytes(arrow.Int64Traits.CastToBytes(t.in.Offsets))}
		return array.MakeFromData(array.NewData(arrow.PrimitiveTypes.Int64, t.in.Rows, buffers, nil, 0, 0)), 0
	}
	codes := make([]int32, t.in.Rows)
	if p == schema.BatchID {
		return dictionaryArray(codes, t.batchID), 1 // the same one in every block
	}
	var texts []string
	known := map[string]int32{}
	for i, run := range t.in.Sources {
		text := t.source(run.Source).Key
		if p == schema.SourceETag {
			text = t.source(run.Source).ETag
		}
		code, ok := known[text]
		if !ok {
			code = int32(len(texts))
			known[text] = code
			texts = append(texts, text)
		}
		endRow, _ := t.end(i)
		for row := run.FirstRow; row < endRow; row++ {
			codes[row] = code
		}
	}
	return dictionaryArray(codes, stringArray(texts)), 0
}

func dictionaryArray(codes []int32, dictionary arrow.Array) arrow.Array {
	t := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: dictionary.DataType()}
	indices := array.NewData(arrow.PrimitiveTypes.Int32, len(codes), []*memory.Buffer{nil, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(codes))}, nil, 0, 0)
	return array.NewDictionaryArray(t, array.MakeFromData(indices), dictionary)
}
