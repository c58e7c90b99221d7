package rows

import (
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/s3compact/s3compact/parquetconv/schema"
	"github.com/s3compact/s3compact/parquetconv/value"
)

// DefaultPartition is the folder's value, as Hive names it, for null and for
// the empty string, which Hive does not tell apart.
const DefaultPartition = "__HIVE_DEFAULT_PARTITION__"

// maxSegmentBytes is the longest name of a folder that file systems take.
const maxSegmentBytes = 255

// mayBeTooLong says whether a partition's value can have too long a name. With
// at most 100 bytes of the partition's own name (package schema), only a string can.
func mayBeTooLong(p *schema.Partition) bool { return p.Type.Kind == value.String }

// longestOfOthers is the longest name of a partition's folder, where it is no string.
func longestOfOthers(p *schema.Partition) int {
	const mostOfOthers = len("9999-12-31 23%3A59%3A59.999999") // no other type's text is longer, nor DefaultPartition
	return len(p.Name) + len("=") + mostOfOthers
}

// level is the values of one partition column in a block, each written once.
type level struct {
	ids      []int32  // of each row, an index of segments
	segments []string // name=value, escaped
	longest  int      // of segments, in bytes

	partition *schema.Partition
	known     map[string]int32 // ids by segment
	text      []byte           // scratch
}

// read takes the values of a column.
func (l *level) read(p *schema.Partition, a arrow.Array) {
	l.partition, l.known, l.ids = p, map[string]int32{}, make([]int32, a.Len())
	switch a := a.(type) {
	case *array.Dictionary:
		l.dictionary(a)
	case *array.String:
		each(l, a, a.Value, func(v string) value.Value { return value.Value{Bytes: []byte(v)} })
	case *array.Boolean:
		each(l, a, a.Value, value.Bool)
	case *array.Int32:
		integers(l, a, a.Values())
	case *array.Int64:
		integers(l, a, a.Values())
	case *array.Date32:
		integers(l, a, a.Values())
	case *array.Timestamp:
		integers(l, a, a.Values())
	}
}

// id is the number of a value.
func (l *level) id(v value.Value) int32 {
	l.text = appendPartition(l.text[:0], l.partition, v)
	id, ok := l.known[string(l.text)]
	if !ok {
		id = int32(len(l.segments))
		l.segments = append(l.segments, string(l.text))
		l.known[l.segments[id]] = id
		l.longest = max(l.longest, len(l.text))
	}
	return id
}

// dictionary writes the entries that occur.
func (l *level) dictionary(a *array.Dictionary) {
	entries := a.Dictionary().(*array.String)
	codes := a.Indices().(*array.Int32).Values()
	byCode := make([]int32, entries.Len()) // ids, plus one
	null := int32(-1)
	for i, code := range codes {
		if a.IsNull(i) {
			if null < 0 {
				null = l.id(value.NullValue)
			}
			l.ids[i] = null
			continue
		}
		if byCode[code] == 0 {
			byCode[code] = l.id(value.Value{Bytes: []byte(entries.Value(int(code)))}) + 1
		}
		l.ids[i] = byCode[code] - 1
	}
}

// each writes each value once.
func each[T comparable](l *level, a arrow.Array, at func(int) T, of func(T) value.Value) {
	ids := map[T]int32{}
	null := int32(-1)
	for i := range l.ids {
		if a.IsNull(i) {
			if null < 0 {
				null = l.id(value.NullValue)
			}
			l.ids[i] = null
			continue
		}
		v := at(i)
		id, ok := ids[v]
		if !ok {
			id = l.id(of(v))
			ids[v] = id
		}
		l.ids[i] = id
	}
}

// smallInteger bounds the integers that are looked up without a map.
const smallInteger = 1 << 10

// integers is each for integers, of which often the same comes again.
func integers[T ~int32 | ~int64](l *level, a arrow.Array, values []T) {
	var small [smallInteger]int32 // ids, plus one
	ids := map[T]int32{}
	null := int32(-1)
	var last T
	lastID := int32(-1)
	hasNulls := a.NullN() > 0
	for i, v := range values {
		switch {
		case hasNulls && a.IsNull(i):
			if null < 0 {
				null = l.id(value.NullValue)
			}
			l.ids[i] = null
			continue
		case lastID >= 0 && v == last:
			l.ids[i] = lastID
			continue
		}
		isSmall := v >= 0 && v < smallInteger
		var id int32
		var ok bool
		if isSmall {
			id, ok = small[v]-1, small[v] > 0
		} else {
			id, ok = ids[v]
		}
		if !ok {
			id = l.id(value.Value{Int: int64(v)})
			if isSmall {
				small[v] = id + 1
			} else {
				ids[v] = id
			}
		}
		l.ids[i], last, lastID = id, v, id
	}
}

// maxTable bounds the pairs of a path and a segment that are looked up without a map.
const maxTable = 256 << 10

// paths puts the levels' segments together for the n rows that stay, and
// numbers the paths in the order in which they first occur.
func paths(levels []level, stay []span, n int) (paths []string, of []int32) {
	of = make([]int32, n)
	if n == 0 {
		return nil, of
	}
	paths = []string{""}
	for i := range levels {
		paths = levels[i].extend(paths, stay, of)
	}
	return paths, of
}

// extend appends a level's segments to the paths, of which each row has one.
func (l *level) extend(parents []string, stay []span, of []int32) (paths []string) {
	begin := func(parent, id int32) int32 {
		path := l.segments[id]
		if parents[parent] != "" {
			path = parents[parent] + "/" + path
		}
		paths = append(paths, path)
		return int32(len(paths) - 1)
	}
	i, width := 0, int32(len(l.segments))
	if len(parents)*len(l.segments) <= maxTable {
		table := make([]int32, len(parents)*len(l.segments)) // numbers, plus one
		for _, s := range stay {
			for _, id := range l.ids[s.from:s.to] {
				at := &table[of[i]*width+id]
				if *at == 0 {
					*at = begin(of[i], id) + 1
				}
				of[i] = *at - 1
				i++
			}
		}
		return paths
	}
	type pair struct{ parent, id int32 }
	numbers := map[pair]int32{}
	for _, s := range stay {
		for _, id := range l.ids[s.from:s.to] {
			p := pair{of[i], id}
			number, ok := numbers[p]
			if !ok {
				number = begin(p.parent, id)
				numbers[p] = number
			}
			of[i] = number
			i++
		}
	}
	return paths
}

// appendPartition appends name=value, escaped as Hive does; the name needs none
// (package schema).
func appendPartition(dst []byte, p *schema.Partition, v value.Value) []byte {
	dst = append(append(dst, p.Name...), '=')
	if v.Null {
		return append(dst, DefaultPartition...)
	}
	var room [64]byte
	text := room[:0]
	if p.Type.Kind == value.Timestamp {
		text = time.UnixMicro(v.Int).UTC().AppendFormat(text, "2006-01-02 15:04:05.999999")
	} else {
		text = value.AppendText(text, v, p.Type)
	}
	if len(text) == 0 {
		return append(dst, DefaultPartition...)
	}
	return appendEscaped(dst, text)
}

// appendEscaped escapes what Hive does (FileUtils.escapePathName), in
// upper-case hexadecimal.
func appendEscaped(dst, text []byte) []byte {
	const hex = "0123456789ABCDEF"
	for _, c := range text {
		if escapedInPath(c) {
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}

func escapedInPath(c byte) bool {
	switch c {
	case '"', '#', '%', '\'', '*', '/', ':', '=', '?', '\\', 0x7f, '{', '[', ']', '^':
		return true
	}
	return c < ' '
}
