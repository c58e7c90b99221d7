package orcwrite

import (
	"slices"
	"time"
)

// Kinds of streams and of column encodings, as the format numbers them.
const (
	streamPresent        = 0
	streamData           = 1
	streamLength         = 2
	streamDictionaryData = 3
	streamSecondary      = 5
	streamRowIndex       = 6

	encodingDirect       = 0
	encodingDirectV2     = 2
	encodingDictionaryV2 = 3
)

// timestampBase is the second from which timestamps count.
var timestampBase = time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC).Unix()

// dictionaryKeyRatio: a column with more distinct strings than this share of
// its values is written without a dictionary, as by Apache's writer.
const dictionaryKeyRatio = 0.8

type stream struct {
	kind uint64
	encoded
	// What a row group begins with: unless all rows take a bit, values are
	// those that are not null.
	unit  unit
	index bool    // the row index points into it
	ends  []int64 // unitValueBytes: the lengths of the values
}

// unit is what the runs of a stream count.
type unit int

const (
	unitRowBits    unit = iota // bytes of a bit for each row
	unitValueBits              // bytes of a bit for each value
	unitValues                 // values
	unitValueBytes             // no runs: the bytes of the values
)

type encodedColumn struct {
	encoding       uint64
	dictionarySize int
	streams        []stream
}

// add adds a stream that the row index points into; these come in the order
// of its positions.
func (e *encodedColumn) add(kind uint64, unit unit, data encoded) {
	e.streams = append(e.streams, stream{kind: kind, encoded: data, unit: unit, index: true})
}

func (e *encodedColumn) addValues(data []byte, lengths []int64) {
	e.streams = append(e.streams, stream{kind: streamData, encoded: encoded{data: data}, unit: unitValueBytes, index: true, ends: lengths})
}

func encodeColumn(kind Kind, rows int, c *Column) encodedColumn {
	var e encodedColumn
	if c.hasNull() {
		e.add(streamPresent, unitRowBits, encodeBools(c.Present))
	}
	switch kind {
	case Boolean:
		e.encoding = encodingDirect
		e.add(streamData, unitValueBits, encodeBools(presentOnly(c, rows, c.Bools)))
	case Int, Long:
		e.encoding = encodingDirectV2
		e.add(streamData, unitValues, encodeInts(presentOnly(c, rows, c.Ints), true))
	case Timestamp:
		e.encoding = encodingDirectV2
		e.addTimes(presentOnly(c, rows, c.Times))
	case String:
		e.addStrings(presentOnly(c, rows, c.Strings))
	}
	return e
}

// presentOnly are the values that are not null: nulls take no place in streams.
func presentOnly[T any](c *Column, rows int, values []T) []T {
	if !c.hasNull() {
		return values
	}
	var kept []T
	for i := range rows {
		if c.present(i) {
			kept = append(kept, values[i])
		}
	}
	return kept
}

func (e *encodedColumn) addTimes(times []time.Time) {
	seconds, nanos := make([]int64, len(times)), make([]int64, len(times))
	for i, t := range times {
		s, n := t.Unix(), int64(t.Nanosecond())
		// Readers take one second off such values, since Apache's first
		// writer rounded towards zero and could not be changed.
		if s < 0 && n > 999_999 {
			s++
		}
		seconds[i], nanos[i] = s-timestampBase, encodeNanos(n)
	}
	e.add(streamData, unitValues, encodeInts(seconds, true))
	e.add(streamSecondary, unitValues, encodeInts(nanos, false))
}

// encodeNanos strips two or more trailing decimal zeros; the low three bits
// say how many, less one.
func encodeNanos(n int64) int64 {
	if n == 0 || n%100 != 0 {
		return n << 3
	}
	zeros := int64(0)
	for n%10 == 0 && zeros < 8 {
		n /= 10
		zeros++
	}
	return n<<3 | (zeros - 1)
}

func (e *encodedColumn) addStrings(values []string) {
	dictionary := slices.Clone(values)
	slices.Sort(dictionary)
	dictionary = slices.Compact(dictionary)
	if float64(len(dictionary)) > dictionaryKeyRatio*float64(len(values)) {
		e.encoding = encodingDirectV2
		data, lengths := joined(values)
		e.addValues(data, lengths)
		e.add(streamLength, unitValues, encodeInts(lengths, false))
		return
	}
	e.encoding, e.dictionarySize = encodingDictionaryV2, len(dictionary)
	codes := make(map[string]int64, len(dictionary))
	for i, s := range dictionary {
		codes[s] = int64(i)
	}
	indexes := make([]int64, len(values))
	for i, s := range values {
		indexes[i] = codes[s]
	}
	data, lengths := joined(dictionary)
	e.add(streamData, unitValues, encodeInts(indexes, false))
	e.streams = append(e.streams, stream{kind: streamLength, encoded: encodeInts(lengths, false)},
		stream{kind: streamDictionaryData, encoded: encoded{data: data}})
}

func joined(values []string) (data []byte, lengths []int64) {
	lengths = make([]int64, len(values))
	for i, s := range values {
		data = append(data, s...)
		lengths[i] = int64(len(s))
	}
	return data, lengths
}
