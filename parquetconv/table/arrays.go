package table

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// vectorOf looks at an array of the layout's type as a vector; but for booleans
// and nulls, which get a byte each, nothing is copied.
func vectorOf(l *layout, from arrow.ArrayData) (vector, error) {
	v := vector{n: from.Len(), valid: validOf(from)}
	if v.valid != nil && !l.nullable {
		return v, fmt.Errorf("a null in a column that has none by the schema")
	}
	offset, n := from.Offset(), from.Len()
	switch l.kind {
	case record:
		for i, child := range from.Children() {
			c, err := childOf(&l.children[i], child, offset, offset+n)
			if err != nil {
				return v, err
			}
			v.children = append(v.children, c)
		}
		return v, nil
	case list:
		v.offsets = offsetsOf(from)
		child, err := childOf(&l.children[0], from.Children()[0], 0, from.Children()[0].Len())
		v.children = []vector{child}
		return v, err
	case text:
		e := entriesOf(from)
		v.offsets, v.data = e.offsets, e.data
		return v, nil
	}
	b := bufferOf(from, 1)
	if l.typ.ID() == arrow.BOOL {
		v.fixed = unpacked(b, offset, n)
		return v, nil
	}
	v.fixed = b[offset*l.width : (offset+n)*l.width]
	return v, nil
}

func childOf(l *layout, from arrow.ArrayData, start, end int) (vector, error) {
	part := array.NewSliceData(from, int64(start), int64(end))
	defer part.Release()
	return vectorOf(l, part)
}

func bufferOf(from arrow.ArrayData, i int) []byte {
	b := from.Buffers()
	if len(b) <= i || b[i] == nil {
		return nil
	}
	return b[i].Bytes()
}

func offsetsOf(from arrow.ArrayData) []int32 {
	if from.Len() == 0 {
		return []int32{0}
	}
	return as[int32](bufferOf(from, 1))[from.Offset() : from.Offset()+from.Len()+1]
}

// entriesOf looks at a String or Binary array.
func entriesOf(from arrow.ArrayData) entries {
	return entries{offsets: offsetsOf(from), data: bufferOf(from, 2)}
}

// validOf has a byte for each value, 0 where it is null; nil where none is.
func validOf(from arrow.ArrayData) []byte {
	if bitmap := bufferOf(from, 0); bitmap != nil && from.NullN() != 0 {
		return unpacked(bitmap, from.Offset(), from.Len())
	}
	return nil
}

// unpacked gives each of n bits a byte.
func unpacked(bitmap []byte, offset, n int) []byte {
	out := make([]byte, n)
	for i := range out {
		at := offset + i
		out[i] = bitmap[at/8] >> (at % 8) & 1
	}
	return out
}

// codesArray is an array of codes without nulls.
func codesArray(codes []uint32) arrow.Array {
	data := array.NewData(arrow.PrimitiveTypes.Uint32, len(codes), []*memory.Buffer{nil, memory.NewBufferBytes(asBytes(codes))}, nil, 0, 0)
	defer data.Release()
	return array.MakeFromData(data)
}

// textArray is an array of text without nulls.
func textArray(e entries) arrow.Array {
	data := array.NewData(arrow.BinaryTypes.Binary, e.len(), []*memory.Buffer{nil, memory.NewBufferBytes(asBytes(e.offsets)), memory.NewBufferBytes(e.data)}, nil, 0, 0)
	defer data.Release()
	return array.MakeFromData(data)
}

// numbersArray is an array of a fixed type without nulls.
func numbersArray(t arrow.DataType, values []byte, n int) arrow.Array {
	data := array.NewData(t, n, []*memory.Buffer{nil, memory.NewBufferBytes(values)}, nil, 0, 0)
	defer data.Release()
	return array.MakeFromData(data)
}

// spacedCodes is an array of codes with a null for each level that has no value.
func spacedCodes(a *arena, codes []uint32, def []int16, maxDef int16) arrow.Array {
	spaced := allocate[uint32](a, len(def))
	valid := a.bytes((len(def) + 7) / 8)
	clear(valid)
	at := 0
	for i, d := range def {
		spaced[i] = 0
		if d == maxDef {
			spaced[i] = codes[at]
			valid[i/8] |= 1 << (i % 8)
			at++
		}
	}
	data := array.NewData(arrow.PrimitiveTypes.Uint32, len(def), []*memory.Buffer{memory.NewBufferBytes(valid), memory.NewBufferBytes(asBytes(spaced))}, nil, len(def)-at, 0)
	defer data.Release()
	return array.MakeFromData(data)
}
