package table

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
)

// scratch is what one row group at a time is encoded with.
type scratch struct {
	arena   arena
	read    arena // what comes from the spill file
	sink    []byte
	def     []int16
	numbers numberTable
	local   []uint32 // by code of a dictionary: the code in the row group plus one
	parts   []vector // of a column
	offsets []int32  // of a page of text
	text    []byte
}

// ones are the definition levels of n values that are there.
func (s *scratch) ones(n int) []int16 {
	for len(s.def) < n {
		s.def = append(s.def, 1)
	}
	return s.def[:n]
}

// dictionaryEncoder is what arrow-go's encoders of dictionaries can do.
type dictionaryEncoder interface {
	PutDictionary(arrow.Array) error
	NumEntries() int
}

// pageFlusher is what all of arrow-go's column writers are.
type pageFlusher interface{ FlushCurrentPage() error }

// dictionaryOf is the chunk's encoder, if it is to be encoded with a dictionary.
func dictionaryOf(cw file.ColumnChunkWriter) (dictionaryEncoder, bool) {
	if cw.CurrentEncoder().Encoding() != parquet.Encodings.PlainDict {
		return nil, false
	}
	d, ok := cw.CurrentEncoder().(dictionaryEncoder)
	return d, ok
}

// writeLeaf writes the leaf's values as the column chunk.
func writeLeaf(cw file.ColumnChunkWriter, s *scratch, l *leaf) error {
	v := &l.values
	switch cw := cw.(type) {
	case *file.BooleanColumnChunkWriter:
		return writeValues(cw, cw.WriteBatch, &l.levels, as[bool](v.fixed), nil)
	case *file.Int32ColumnChunkWriter:
		values := as[int32](v.fixed)
		if l.layout.width == arrow.Decimal128SizeBytes {
			values = lowBits[int32](&s.arena, v.fixed)
		}
		return writeNumbers(cw, cw.WriteBatch, s, l, values, func(low, high int32) {
			cw.PageStatistics().(*metadata.Int32Statistics).SetMinMax(low, high)
		})
	case *file.Int64ColumnChunkWriter:
		values := as[int64](v.fixed)
		if l.layout.width == arrow.Decimal128SizeBytes {
			values = lowBits[int64](&s.arena, v.fixed)
		}
		return writeNumbers(cw, cw.WriteBatch, s, l, values, func(low, high int64) {
			cw.PageStatistics().(*metadata.Int64Statistics).SetMinMax(low, high)
		})
	case *file.Float32ColumnChunkWriter:
		return writeNumbers(cw, cw.WriteBatch, s, l, as[float32](v.fixed), func(low, high float32) {
			cw.PageStatistics().(*metadata.Float32Statistics).SetMinMax(low, high)
		})
	case *file.Float64ColumnChunkWriter:
		return writeNumbers(cw, cw.WriteBatch, s, l, as[float64](v.fixed), func(low, high float64) {
			cw.PageStatistics().(*metadata.Float64Statistics).SetMinMax(low, high)
		})
	case *file.FixedLenByteArrayColumnChunkWriter:
		return writeValues(cw, cw.WriteBatch, &l.levels, bigEndian(&s.arena, v.fixed, cw.Descr().TypeLength()), nil)
	case *file.ByteArrayColumnChunkWriter:
		return writeText(cw, &l.levels, v.offsets, v.data)
	}
	return fmt.Errorf("a column of type %s", cw.Type())
}

// writeValues writes pages of values, without a dictionary. The bytes of text
// are by its offsets.
func writeValues[T any](cw pageFlusher, write func([]T, []int16, []int16) (int64, error), l *levels, values []T, offsets []int32) error {
	cuts := l.cuts(offsets)
	for i := range len(cuts) - 1 {
		from, to := cuts[i], cuts[i+1]
		def, rep := l.part(from, to)
		if _, err := write(values[from.value:to.value], def, rep); err != nil {
			return err
		}
		if err := cw.FlushCurrentPage(); err != nil {
			return err
		}
	}
	return nil
}

type number interface {
	int32 | int64 | float32 | float64
}

// writeNumbers writes numbers with a dictionary, if the file has one for the
// column and it pays in this row group too.
func writeNumbers[T number](cw file.ColumnChunkWriter, write func([]T, []int16, []int16) (int64, error), s *scratch, l *leaf, values []T, stats func(low, high T)) error {
	if enc, ok := dictionaryOf(cw); ok {
		codes := allocate[uint32](&s.arena, len(values))
		defer s.numbers.clear()
		if dictionary := numberDictionary(&s.numbers, codes, values); dictionary != nil {
			array := numbersArray(arrow.GetDataType[T](), asBytes(dictionary), len(dictionary))
			defer array.Release()
			if err := enc.PutDictionary(array); err != nil {
				return err
			}
			if enc.NumEntries() == len(dictionary) {
				return writeCodes(cw, s, &l.levels, codes, func(from, to int) {
					low, high := values[from], values[from]
					for _, v := range values[from:to] {
						low, high = min(low, v), max(high, v)
					}
					stats(low, high)
				})
			}
		}
		cw.FallbackToPlain()
	}
	return writeValues(cw.(pageFlusher), write, &l.levels, values, nil)
}

// numberDictionary gives values codes; nil when that does not pay. The table
// must be cleared in either case. There is none with NaN, which statistics have
// no place for.
func numberDictionary[T number](t *numberTable, codes []uint32, values []T) []T {
	var ok bool
	width := 8
	switch values := any(values).(type) {
	case []int64:
		ok = code(t, codes, as[uint64](asBytes(values)), maxNumbers)
	case []float64:
		ok = code(t, codes, as[uint64](asBytes(values)), maxNumbers)
	case []int32:
		width = 4
		ok = code(t, codes, as[uint32](asBytes(values)), maxNumbers)
	case []float32:
		width = 4
		ok = code(t, codes, as[uint32](asBytes(values)), maxNumbers)
	}
	n := len(t.used)
	if !ok || n == 0 || 8*n*width+len(values)*codeBits(n) > 8*len(values)*width*3/4 {
		return nil
	}
	dictionary := make([]T, n)
	for i := range dictionary {
		number := t.entry(i)
		switch d := any(dictionary).(type) {
		case []int64:
			d[i] = int64(number)
		case []int32:
			d[i] = int32(number)
		case []float64:
			d[i] = math.Float64frombits(number)
		case []float32:
			d[i] = math.Float32frombits(uint32(number))
		}
		if v := dictionary[i]; v != v { //nolint:gocritic // true of NaN only, which no dictionary may hold
			return nil
		}
	}
	return dictionary
}

// writeCodes writes pages of codes; stats is told the values of each page that
// has some.
func writeCodes(cw file.ColumnChunkWriter, s *scratch, l *levels, codes []uint32, stats func(from, to int)) error {
	cuts := l.cuts(nil)
	for i := range len(cuts) - 1 {
		from, to := cuts[i], cuts[i+1]
		def, rep := l.part(from, to)
		rows, values := to.level-from.level, to.value-from.value
		part := codes[from.value:to.value]
		if p := cw.PageStatistics(); p != nil {
			p.IncNumValues(int64(values))
			p.IncNulls(int64(rows - values))
			if values > 0 {
				stats(from.value, to.value)
			}
		}
		indices := codesArray(part)
		if values < rows {
			indices.Release()
			indices = spacedCodes(&s.arena, part, def, l.maxDef)
		}
		err := cw.WriteDictIndices(indices, def, rep)
		indices.Release()
		if err != nil {
			return err
		}
		if err := cw.(pageFlusher).FlushCurrentPage(); err != nil {
			return err
		}
	}
	return nil
}

// writeText writes text as it is.
func writeText(cw *file.ByteArrayColumnChunkWriter, l *levels, offsets []int32, data []byte) error {
	if !cw.SupportsArrowOffsets() {
		values := make([]parquet.ByteArray, len(offsets)-1)
		for i := range values {
			values[i] = data[offsets[i]:offsets[i+1]]
		}
		return writeValues(cw, cw.WriteBatch, l, values, offsets)
	}
	cuts := l.cuts(offsets)
	for i := range len(cuts) - 1 {
		from, to := cuts[i], cuts[i+1]
		def, rep := l.part(from, to)
		if _, err := cw.WriteBatchArrow(data, offsets[from.value:to.value+1], def, rep); err != nil {
			return err
		}
		if err := cw.FlushCurrentPage(); err != nil {
			return err
		}
	}
	return nil
}

// writeCoded writes a column of codes of the writer's dictionary: with a
// dictionary of the entries that the row group uses, or as text.
func writeCoded(cw *file.ByteArrayColumnChunkWriter, s *scratch, l *leaf, d entries) error {
	v := &l.values
	codes := v.codes(&s.arena)
	if enc, ok := dictionaryOf(cw); ok {
		if len(v.offsets) == 0 {
			local := allocate[uint32](&s.arena, len(codes))
			if used := s.compact(local, codes, d); used != nil {
				return writeCompacted(cw, enc, s, &l.levels, local, used)
			}
		}
		cw.FallbackToPlain()
	}
	return writeExpanded(cw, s, l, codes, d)
}

// compact gives the entries that codes use codes of their own, from 0 in the
// order in which they come. It returns no entries when a dictionary of them
// would hardly be smaller than the text.
func (s *scratch) compact(local, codes []uint32, d entries) *entries {
	used := allocate[uint32](&s.arena, min(len(codes), d.len()))[:0]
	textBytes, entryBytes := int64(0), int64(0)
	if len(s.local) < d.len() {
		s.local = append(s.local, make([]uint32, d.len()-len(s.local))...)
	}
	for i, c := range codes {
		size := int64(d.offsets[c+1]-d.offsets[c]) + 4
		textBytes += size
		if s.local[c] == 0 {
			used = append(used, c)
			s.local[c] = uint32(len(used))
			entryBytes += size
		}
		local[i] = s.local[c] - 1
	}
	for _, c := range used {
		s.local[c] = 0
	}
	if len(used) == 0 || entryBytes > maxDictionaryPageBytes || entryBytes+int64(len(codes)*codeBits(len(used))/8) > textBytes*9/10 {
		return nil
	}
	out := entries{offsets: make([]int32, 1, len(used)+1), data: make([]byte, 0, entryBytes-4*int64(len(used)))}
	for _, c := range used {
		out.data = append(out.data, d.text(c)...)
		out.offsets = append(out.offsets, int32(len(out.data)))
	}
	return &out
}

// mayNotPay says that so many rows may have too many different ones of a
// dictionary's entries for a dictionary.
func mayNotPay(rows int, d entries) bool { return rows < 4*d.len() }

// maxDictionaryPageBytes bounds what readers must hold for each column chunk.
const maxDictionaryPageBytes = 8 << 20

func writeCompacted(cw *file.ByteArrayColumnChunkWriter, enc dictionaryEncoder, s *scratch, l *levels, codes []uint32, used *entries) error {
	dictionary := textArray(*used)
	defer dictionary.Release()
	if err := enc.PutDictionary(dictionary); err != nil {
		return err
	}
	if enc.NumEntries() != used.len() {
		return fmt.Errorf("a dictionary of %d entries became one of %d", used.len(), enc.NumEntries())
	}
	stats := cw.PageStatistics().(*metadata.ByteArrayStatistics)
	if l.n <= pageRows {
		return writeCodes(cw, s, l, codes, func(int, int) {
			low, high := used.text(0), used.text(0)
			for c := range uint32(used.len()) {
				if text := used.text(c); bytes.Compare(text, low) < 0 {
					low = text
				} else if bytes.Compare(text, high) > 0 {
					high = text
				}
			}
			stats.SetMinMax(low, high)
		})
	}
	rank, byRank := ranks(*used)
	return writeCodes(cw, s, l, codes, func(from, to int) {
		low, high := uint32(math.MaxUint32), uint32(0)
		for _, c := range codes[from:to] {
			low, high = min(low, rank[c]), max(high, rank[c])
		}
		stats.SetMinMax(used.text(byRank[low]), used.text(byRank[high]))
	})
}

// ranks orders the entries as bytes: the rank of each code, and the code of each rank.
func ranks(d entries) (rank, byRank []uint32) {
	rank, byRank = make([]uint32, d.len()), make([]uint32, d.len())
	for i := range byRank {
		byRank[i] = uint32(i)
	}
	slices.SortFunc(byRank, func(a, b uint32) int { return bytes.Compare(d.text(a), d.text(b)) })
	for r, c := range byRank {
		rank[c] = uint32(r)
	}
	return rank, byRank
}

// writeExpanded writes the text of codes, a page at a time, so that text which
// stands in many rows is not held for all of them.
func writeExpanded(cw *file.ByteArrayColumnChunkWriter, s *scratch, l *leaf, codes []uint32, d entries) error {
	v := &l.values
	textOf := func(c uint32) []byte {
		if c >= v.base {
			i := c - v.base
			return v.data[v.offsets[i]:v.offsets[i+1]]
		}
		return d.text(c)
	}
	level := 0
	offsets, data := s.offsets, s.text
	defer func() { s.offsets, s.text = offsets, data }()
	for at := 0; level < l.levels.n; {
		start := level
		offsets, data = append(offsets[:0], 0), data[:0]
		for ; level < l.levels.n && level-start < pageRows && len(data) < pageBytes; level++ {
			if l.levels.def == nil || l.levels.def[level] == l.levels.maxDef {
				data = append(data, textOf(codes[at])...)
				offsets = append(offsets, int32(len(data)))
				at++
			}
		}
		def, _ := l.levels.part(cut{level: start}, cut{level: level})
		if _, err := cw.WriteBatchArrow(data, offsets, def, nil); err != nil {
			return err
		}
		if err := cw.FlushCurrentPage(); err != nil {
			return err
		}
	}
	return nil
}

// lowBits are decimals that fit.
func lowBits[T int32 | int64](a *arena, b []byte) []T {
	from := as[decimal128.Num](b)
	out := allocate[T](a, len(from))
	for i, d := range from {
		out[i] = T(d.LowBits())
	}
	return out
}

// bigEndian are decimals as Parquet has them.
func bigEndian(a *arena, b []byte, width int) []parquet.FixedLenByteArray {
	from := as[decimal128.Num](b)
	memory := a.bytes(len(from) * arrow.Decimal128SizeBytes)
	out := make([]parquet.FixedLenByteArray, len(from))
	for i, d := range from {
		to := memory[i*arrow.Decimal128SizeBytes:][:arrow.Decimal128SizeBytes]
		binary.BigEndian.PutUint64(to, uint64(d.HighBits()))
		binary.BigEndian.PutUint64(to[8:], d.LowBits())
		out[i] = to[arrow.Decimal128SizeBytes-width:]
	}
	return out
}
