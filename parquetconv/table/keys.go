package table

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// keyLayout is that of the keys of rows, which stand behind a segment's columns
// with SortBy: comparing them as bytes compares the rows.
var keyLayout = layout{kind: text, typ: arrow.BinaryTypes.Binary}

// A value in a key: isNull, or isValue and the value's bytes in the order of
// the values, inverted where they are descending.
const (
	isNull  = 0
	isValue = 1
)

// keysOf makes the key of each row of a block.
func keysOf(b *Block, sorts []Sort) (vector, error) {
	var appends []func(dst []byte, row int) []byte
	for _, k := range sorts {
		appends = append(appends, keyOf(b.Columns[k.Column], k.Descending))
	}
	v := vector{n: b.Rows, offsets: make([]int32, b.Rows+1)}
	for row := range b.Rows {
		for _, f := range appends {
			v.data = f(v.data, row)
		}
		if len(v.data) > maxColumnBytes {
			return v, fmt.Errorf("table: what %d rows are sorted by takes more than %d MiB: leave columns of long text out of sort_by", b.Rows, maxColumnBytes>>20)
		}
		v.offsets[row+1] = int32(len(v.data))
	}
	return v, nil
}

// keyOf appends the key of a column's value in a row.
func keyOf(column arrow.Array, descending bool) func([]byte, int) []byte {
	value := valueKey(column)
	none := column.IsNull
	if d, ok := column.(*array.Dictionary); ok {
		none = func(row int) bool { return d.IsNull(row) || d.Dictionary().IsNull(d.GetValueIndex(row)) }
	}
	return func(dst []byte, row int) []byte {
		if none(row) {
			return append(dst, isNull)
		}
		dst = append(dst, isValue)
		start := len(dst)
		dst = value(dst, row)
		if descending {
			for i := range dst[start:] {
				dst[start+i] = ^dst[start+i]
			}
		}
		return dst
	}
}

func valueKey(column arrow.Array) func([]byte, int) []byte {
	const sign32, sign64 = 1 << 31, 1 << 63
	switch a := column.(type) {
	case *array.Boolean:
		return func(dst []byte, i int) []byte {
			if a.Value(i) {
				return append(dst, 1)
			}
			return append(dst, 0)
		}
	case *array.Int32:
		return func(dst []byte, i int) []byte {
			return binary.BigEndian.AppendUint32(dst, uint32(a.Value(i))^sign32)
		}
	case *array.Date32:
		return func(dst []byte, i int) []byte {
			return binary.BigEndian.AppendUint32(dst, uint32(a.Value(i))^sign32)
		}
	case *array.Int64:
		return func(dst []byte, i int) []byte {
			return binary.BigEndian.AppendUint64(dst, uint64(a.Value(i))^sign64)
		}
	case *array.Timestamp:
		return func(dst []byte, i int) []byte {
			return binary.BigEndian.AppendUint64(dst, uint64(a.Value(i))^sign64)
		}
	case *array.Float32:
		return func(dst []byte, i int) []byte { return appendFloat(dst, float64(a.Value(i))) }
	case *array.Float64:
		return func(dst []byte, i int) []byte { return appendFloat(dst, a.Value(i)) }
	case *array.Decimal128:
		return func(dst []byte, i int) []byte {
			d := a.Value(i)
			dst = binary.BigEndian.AppendUint64(dst, uint64(d.HighBits())^sign64)
			return binary.BigEndian.AppendUint64(dst, d.LowBits())
		}
	case *array.String:
		e := entriesOf(a.Data())
		return func(dst []byte, i int) []byte { return appendText(dst, e.text(uint32(i))) }
	case *array.Binary:
		e := entriesOf(a.Data())
		return func(dst []byte, i int) []byte { return appendText(dst, e.text(uint32(i))) }
	case *array.Dictionary:
		e := entriesOf(a.Dictionary().Data())
		return func(dst []byte, i int) []byte { return appendText(dst, e.text(uint32(a.GetValueIndex(i)))) }
	}
	return func(dst []byte, _ int) []byte { return dst } // layoutOf knows no other
}

// appendFloat makes -0 equal to 0, and NaN greater than all numbers.
func appendFloat(dst []byte, f float64) []byte {
	const sign = 1 << 63
	bits := math.Float64bits(f)
	switch {
	case f != f:
		bits = math.MaxUint64
	case f == 0:
		bits = sign
	case bits&sign != 0:
		bits = ^bits
	default:
		bits |= sign
	}
	return binary.BigEndian.AppendUint64(dst, bits)
}

// appendText ends text with two zero bytes, which come before whatever longer
// text goes on with: a zero byte inside is followed by 0xff.
func appendText(dst, text []byte) []byte {
	for {
		i := bytes.IndexByte(text, 0)
		if i < 0 {
			return append(append(dst, text...), 0, 0)
		}
		dst = append(append(dst, text[:i]...), 0, 0xff)
		text = text[i+1:]
	}
}

// key is a row's key; most are told apart by its first bytes.
func (v *vector) key(row int) (prefix uint64, all []byte) {
	all = v.data[v.offsets[row]:v.offsets[row+1]]
	if len(all) >= 8 {
		return binary.BigEndian.Uint64(all), all
	}
	var padded [8]byte
	copy(padded[:], all)
	return binary.BigEndian.Uint64(padded[:]), all
}

// sortRows sorts rows by their keys; equal ones stay in their order.
func sortRows(rows []int32, keys *vector) {
	type keyed struct {
		prefix uint64
		row    int32
	}
	sorted := make([]keyed, len(rows))
	for i, row := range rows {
		sorted[i].prefix, _ = keys.key(int(row))
		sorted[i].row = row
	}
	slices.SortStableFunc(sorted, func(a, b keyed) int {
		if a.prefix != b.prefix {
			if a.prefix < b.prefix {
				return -1
			}
			return 1
		}
		_, ka := keys.key(int(a.row))
		_, kb := keys.key(int(b.row))
		return bytes.Compare(ka, kb)
	})
	for i := range sorted {
		rows[i] = sorted[i].row
	}
}
