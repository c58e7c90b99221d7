package table

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet"
)

// encoding is how a leaf column of a file is written. arrow-go fixes it for a
// whole file; it is chosen by the rows that the file begins with, and a row
// group in which a dictionary does not pay falls back to PLAIN.
type encoding struct {
	dictionary bool
	plain      parquet.Encoding // without a dictionary
}

// The rules:
//
//   - Text that comes as codes of a dictionary keeps them, unless they would
//     hardly be smaller than the text.
//   - Other text is DELTA_LENGTH_BYTE_ARRAY: its lengths take next to nothing,
//     and zstd sees nothing but text.
//   - Numbers of few different values, be they floats, get a dictionary when it
//     takes less than three quarters of the bits of the next best.
//   - Other integers, dates, times and decimals of up to 18 digits are
//     DELTA_BINARY_PACKED, unless they need as many bits with it as without.
//   - Other floats are PLAIN, which every reader has.
//   - Text inside lists, structs and maps is left to arrow-go's dictionary,
//     which gives up at 1 MiB; numbers there are PLAIN.
const sampleRows = 16 << 10

// Decimals of at most so many digits are INT32 and INT64.
const (
	decimalDigits32 = 9
	decimalDigits64 = 18
)

// choice is what was chosen, by column, when there were rows to go by.
type choice struct {
	rows      int
	encodings [][]encoding // none of text
}

func chooseText(coded bool) encoding {
	return encoding{dictionary: coded, plain: parquet.Encodings.DeltaLengthByteArray}
}

// choose looks at the first rows of a column that is no text.
func choose(l *layout, s *scratch, v *vector) []encoding {
	if l.nested() {
		var out []encoding
		for i := range l.children {
			out = append(out, choose(&l.children[i], s, nil)...)
		}
		return out
	}
	if v == nil {
		return []encoding{{dictionary: l.kind == text, plain: parquet.Encodings.Plain}}
	}
	sample := v.slice(l, 0, min(v.n, sampleRows))
	values := flatLeaf(l, s, &sample).values
	switch t := l.typ.(type) {
	case *arrow.Int32Type, *arrow.Date32Type:
		numbers := as[int32](values.fixed)
		wide := allocate[int64](&s.arena, len(numbers))
		for i, n := range numbers {
			wide[i] = int64(n)
		}
		return []encoding{chooseInteger(s, wide, 32)}
	case *arrow.Int64Type, *arrow.TimestampType:
		return []encoding{chooseInteger(s, as[int64](values.fixed), 64)}
	case *arrow.Decimal128Type:
		switch {
		case t.Precision <= decimalDigits32:
			return []encoding{chooseInteger(s, lowBits[int64](&s.arena, values.fixed), 32)}
		case t.Precision <= decimalDigits64:
			return []encoding{chooseInteger(s, lowBits[int64](&s.arena, values.fixed), 64)}
		}
	case *arrow.Float32Type:
		return []encoding{{dictionary: paysAsNumbers(s, as[float32](values.fixed)), plain: parquet.Encodings.Plain}}
	case *arrow.Float64Type:
		return []encoding{{dictionary: paysAsNumbers(s, as[float64](values.fixed)), plain: parquet.Encodings.Plain}}
	}
	return []encoding{{plain: parquet.Encodings.Plain}}
}

func paysAsNumbers[T number](s *scratch, values []T) bool {
	defer s.numbers.clear()
	return numberDictionary(&s.numbers, allocate[uint32](&s.arena, len(values)), values) != nil
}

// chooseInteger compares the bits of a dictionary, of deltas and of values as
// they are.
func chooseInteger(s *scratch, values []int64, width int64) encoding {
	n := int64(len(values))
	e := encoding{plain: parquet.Encodings.Plain}
	best := n * width
	if d := deltaBits(values); d < best {
		e.plain, best = parquet.Encodings.DeltaBinaryPacked, d
	}
	defer s.numbers.clear()
	if code(&s.numbers, allocate[uint32](&s.arena, len(values)), as[uint64](asBytes(values)), maxNumbers) {
		entries := int64(len(s.numbers.used))
		e.dictionary = n > 0 && width*entries+n*int64(codeBits(int(entries))) < best*3/4
	}
	return e
}
