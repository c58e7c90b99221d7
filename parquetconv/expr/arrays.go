package expr

import (
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/s3compact/s3compact/parquetconv/value"
)

// load is a column of a batch as a vector, which shares its memory where the
// values have the same form. Of a nested column only the nulls are loaded.
func load(a arrow.Array, s *scratch) vector {
	n := a.Len()
	v := dense(nil)
	if a.NullN() > 0 {
		v.nulls = s.bools.take(n)
		bits, offset := a.NullBitmapBytes(), a.Data().Offset()
		for i := range v.nulls {
			v.nulls[i] = !bitutil.BitIsSet(bits, offset+i)
		}
	}
	switch a := a.(type) {
	case *array.Boolean:
		v.bools = s.bools.take(n)
		for i := range v.bools {
			v.bools[i] = a.Value(i)
		}
	case *array.Int32:
		v.ints = wide(s, a.Int32Values())
	case *array.Int64:
		v.ints = a.Int64Values()
	case *array.Date32:
		v.ints = wide(s, a.Date32Values())
	case *array.Timestamp:
		v.ints = as[int64](a.TimestampValues())
	case *array.Float32:
		v.floats = s.floats.take(n)
		for i, x := range a.Float32Values() {
			v.floats[i] = float64(x)
		}
	case *array.Float64:
		v.floats = a.Float64Values()
	case *array.Decimal128:
		v.decs = a.Values()
	case *array.Dictionary:
		v.codes = a.Indices().(*array.Int32).Int32Values()
		v.setTexts(a.Dictionary())
	case *array.String, *array.Binary:
		v.setTexts(a)
	}
	return v
}

func wide[T ~int32](s *scratch, from []T) []int64 {
	out := s.ints.take(len(from))
	for i, x := range from {
		out[i] = int64(x)
	}
	return out
}

func (v *vector) setTexts(a arrow.Array) {
	n := a.Len()
	if n == 0 {
		return
	}
	buffers, offset := a.Data().Buffers(), a.Data().Offset()
	offsets := as[int32](buffers[1].Bytes())[offset : offset+n+1]
	v.starts, v.ends = offsets[:n], offsets[1:]
	if buffers[2] != nil {
		v.data = buffers[2].Bytes()
	}
}

// as is the memory of values as values of another type of the same alignment
// or less.
func as[To, From any](from []From) []To {
	var x To
	var y From
	return unsafe.Slice((*To)(unsafe.Pointer(unsafe.SliceData(from))), len(from)*int(unsafe.Sizeof(y))/int(unsafe.Sizeof(x)))
}

// store is a vector as an array of a type, with nulls where there is a fault.
func (f *frame) store(v vector, t value.Type) arrow.Array {
	asEntries := v.codes != nil || v.mask == 0
	if t.Kind == value.Binary {
		v, asEntries = f.plain(v), false
	}
	if isText(t.Kind) && !asEntries {
		f.boundTexts(&v)
	}
	valid, nulls := f.validity(&v)
	if v.mask == 0 && nulls == f.n {
		v = f.nothing(t.Kind)
	}
	switch {
	case t.Kind == value.Null, isText(t.Kind) && asEntries:
		return f.storeEntries(v, t, valid, nulls)
	case isText(t.Kind):
		return f.storeTexts(v, t, valid, nulls)
	}
	var values *memory.Buffer
	switch t.Kind {
	case value.Boolean:
		values = f.storeBools(v)
	case value.Int32, value.Date:
		out := make([]int32, f.n)
		for i := range out {
			out[i] = int32(v.ints[i&v.mask])
		}
		values = bufferOf(out)
	case value.Int64, value.Timestamp:
		values = bufferOf(copied(v.ints, v.mask, f.n))
	case value.Float:
		out := make([]float32, f.n)
		for i := range out {
			out[i] = float32(v.floats[i&v.mask])
		}
		values = bufferOf(out)
	case value.Double:
		values = bufferOf(copied(v.floats, v.mask, f.n))
	case value.Decimal:
		values = bufferOf(copied(v.decs, v.mask, f.n))
	}
	data := array.NewData(t.Arrow(), f.n, []*memory.Buffer{valid, values}, nil, nulls, 0)
	defer data.Release()
	return array.MakeFromData(data)
}

func bufferOf[T any](values []T) *memory.Buffer { return memory.NewBufferBytes(as[byte](values)) }

func copied[T any](from []T, mask, n int) []T {
	out := make([]T, n)
	if mask != 0 {
		copy(out, from)
		return out
	}
	for i := range out {
		out[i] = from[0]
	}
	return out
}

// nothing is a vector of some value, for positions that are all null.
func (f *frame) nothing(k value.Kind) vector {
	if k == value.Null {
		k = value.String
	}
	return constantVector(value.Value{}, k)
}

// validity is the bitmap of what is neither null nor faulty; nil if all is.
func (f *frame) validity(v *vector) (*memory.Buffer, int) {
	if v.nulls == nil && f.bad == nil {
		return nil, 0
	}
	bits := make([]byte, bitutil.BytesForBits(int64(f.n)))
	nulls := 0
	for i := range f.n {
		if v.null(i) || f.faulty(i) {
			nulls++
		} else {
			bitutil.SetBit(bits, i)
		}
	}
	if nulls == 0 {
		return nil, 0
	}
	return memory.NewBufferBytes(bits), nulls
}

func (f *frame) storeBools(v vector) *memory.Buffer {
	bits := make([]byte, bitutil.BytesForBits(int64(f.n)))
	for i := range f.n {
		if v.bools[i&v.mask] {
			bitutil.SetBit(bits, i)
		}
	}
	return memory.NewBufferBytes(bits)
}

// boundTexts faults the texts that are more than an array takes.
func (f *frame) boundTexts(v *vector) {
	size := 0
	for i := range f.n {
		if v.null(i) || f.faulty(i) {
			continue
		}
		if n := len(v.text(i)); size+n <= maxVectorBytes {
			size += n
		} else {
			f.fault(i, tooMuchText)
		}
	}
}

// storeTexts copies texts one behind the other.
func (f *frame) storeTexts(v vector, t value.Type, valid *memory.Buffer, nulls int) arrow.Array {
	isNull := func(i int) bool { return nulls > 0 && !bitutil.BitIsSet(valid.Bytes(), i) }
	size := 0
	for i := range f.n {
		if !isNull(i) {
			size += len(v.text(i))
		}
	}
	offsets, data := make([]int32, f.n+1), make([]byte, 0, size)
	for i := range f.n {
		if !isNull(i) {
			data = append(data, v.text(i)...)
		}
		offsets[i+1] = int32(len(data))
	}
	out := array.NewData(t.Arrow(), f.n, []*memory.Buffer{valid, bufferOf(offsets), memory.NewBufferBytes(data)}, nil, nulls, 0)
	defer out.Release()
	return array.MakeFromData(out)
}

// storeEntries makes a dictionary of the entries that are used, each text once.
func (f *frame) storeEntries(v vector, t value.Type, valid *memory.Buffer, nulls int) arrow.Array {
	codes := make([]int32, f.n) // 0 where it is null
	place := f.scratch.offsets.zeroed(len(v.starts))
	byText := map[string]int32{}
	offsets, data := []int32{0}, []byte(nil)
	for i := range codes {
		if nulls > 0 && !bitutil.BitIsSet(valid.Bytes(), i) {
			continue
		}
		entry := int32(0)
		if v.codes != nil {
			entry = v.codes[i]
		}
		if place[entry] == 0 {
			text := v.data[v.starts[entry]:v.ends[entry]]
			key := unsafe.String(unsafe.SliceData(text), len(text)) // while the vector stands
			code, ok := byText[key]
			if !ok {
				code = int32(len(offsets) - 1)
				byText[key] = code
				data = append(data, text...)
				offsets = append(offsets, int32(len(data)))
			}
			place[entry] = code + 1
		}
		codes[i] = place[entry] - 1
	}
	if len(offsets) == 1 {
		offsets = append(offsets, 0) // what the codes of nulls refer to
	}
	entries := array.NewData(t.Arrow(), len(offsets)-1, []*memory.Buffer{nil, bufferOf(offsets), memory.NewBufferBytes(data)}, nil, 0, 0)
	typ := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: t.Arrow()}
	out := array.NewDataWithDictionary(typ, f.n, []*memory.Buffer{valid, bufferOf(codes)}, nulls, 0, entries)
	defer out.Release()
	return array.MakeFromData(out)
}
