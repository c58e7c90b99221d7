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
	data []byte
}

type encodedColumn struct {
	encoding       uint64
	dictionarySize int
	streams        []stream
}

func (e *encodedColumn) add(kind uint64, data []byte) {
	e.streams = append(e.streams, stream{kind, data})
}

func encodeColumn(kind Kind, rows int, c *Column) encodedColumn {
	var e encodedColumn
	if c.hasNull() {
		e.add(streamPresent, encodeBools(c.Present))
	}
	switch kind {
	case Boolean:
		e.encoding = encodingDirect
		e.add(streamData, encodeBools(presentOnly(c, rows, c.Bools)))
	case Int, Long:
		e.encoding = encodingDirectV2
		e.add(streamData, encodeInts(presentOnly(c, rows, c.Ints), true))
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
	e.add(streamData, encodeInts(seconds, true))
	e.add(streamSecondary, encodeInts(nanos, false))
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
		e.add(streamData, data)
		e.add(streamLength, encodeInts(lengths, false))
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
	e.add(streamData, encodeInts(indexes, false))
	e.add(streamLength, encodeInts(lengths, false))
	e.add(streamDictionaryData, data)
}

func joined(values []string) (data []byte, lengths []int64) {
	lengths = make([]int64, len(values))
	for i, s := range values {
		data = append(data, s...)
		lengths[i] = int64(len(s))
	}
	return data, lengths
}
