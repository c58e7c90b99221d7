package csv

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"github.com/s3compact/s3compact/parquetconv/schema"
)

// record is a line of fields, taken apart.
type record struct {
	delimiter, quote, escape byte
	// The bytes that end a run of plain text, one in each lane of a word.
	delimiters, quotes, escapes uint64

	fields []field // the first maxFields of them
	count  int     // of all
	end    int     // of the record's text, without its line end
}

// field is where a field stands in the text, without its quotes.
type field struct {
	start, end      int
	quoted, escaped bool
}

// fault is why a record can't be taken apart.
type fault struct {
	kind   faultKind
	at     int  // index in the text
	quoted bool // where the record ends is not known, since it is inside quotes
}

type faultKind uint8

const (
	noFault  faultKind = iota
	inside             // a quote in a field that does not begin with one
	behind             // something behind a closing quote
	unclosed           // no closing quote
	tooLong
)

func (k faultKind) String() string {
	switch k {
	case inside:
		return "a quote inside a field that does not begin with one"
	case behind:
		return "neither a delimiter nor a line's end behind a closing quote"
	}
	return "the text ends inside quotes"
}

// cut stands in for the index of the next record: the text ends inside this one.
const cut = -1

const lanes = 0x0101010101010101

func newRecord(s schema.CSV) record {
	return record{
		delimiter: s.Delimiter, quote: s.Quote, escape: s.Escape,
		delimiters: uint64(s.Delimiter) * lanes, quotes: uint64(s.Quote) * lanes, escapes: uint64(s.Escape) * lanes,
	}
}

// split takes the record at b[i] apart. last says that the source ends with b.
func (r *record) split(b []byte, i int, last bool) (next int, flaw fault) {
	r.fields, r.count = r.fields[:0], 0
	for {
		f := field{start: i}
		if i < len(b) && b[i] == r.quote {
			f.start, f.quoted = i+1, true
			if f.end, f.escaped = r.closing(b, i+1); f.end < 0 {
				if !last {
					return cut, fault{}
				}
				return len(b), fault{kind: unclosed, at: len(b), quoted: true}
			}
			i = f.end + 1
		} else {
			i = r.plain(b, i)
			f.end = i
			if i < len(b) && b[i] == r.quote {
				return i, fault{kind: inside, at: i}
			}
		}
		isLast := i == len(b) || b[i] != r.delimiter
		if isLast {
			next, flaw = r.lineEnd(b, i, &f, last)
		}
		if r.count++; r.count <= maxFields {
			r.fields = append(r.fields, f)
		}
		if isLast {
			return next, flaw
		}
		i++
	}
}

// lineEnd reads the end of the record at b[i], where its last field ends.
func (r *record) lineEnd(b []byte, i int, f *field, last bool) (next int, flaw fault) {
	switch {
	case i == len(b) && !last:
		return cut, fault{}
	case !f.quoted && i > f.start && b[i-1] == '\r':
		f.end--
	}
	r.end = i
	switch {
	case !f.quoted:
		r.end = f.end
	case i < len(b) && b[i] == '\r':
		if i++; i == len(b) && !last {
			return cut, fault{}
		}
	}
	switch {
	case i == len(b):
		return i, fault{}
	case b[i] == '\n':
		return i + 1, fault{}
	}
	return i, fault{kind: behind, at: r.end}
}

// plain is the index of what ends a field that is not in quotes: a delimiter, a
// line feed, a quote, or the text's end.
func (r *record) plain(b []byte, i int) int {
	for ; i <= len(b)-8; i += 8 {
		w := binary.LittleEndian.Uint64(b[i : i+8])
		// Only the lowest mark is exact: a borrow out of a marked lane may mark
		// the one above it.
		if found := zeros(w^r.delimiters) | zeros(w^r.quotes) | zeros(w^'\n'*lanes); found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(b) && b[i] != r.delimiter && b[i] != r.quote && b[i] != '\n' {
		i++
	}
	return i
}

// zeros marks, in the high bit of each lane, the bytes that are zero.
func zeros(w uint64) uint64 { return (w - lanes) &^ w & (lanes << 7) }

// closing is the index of the quote that ends the text from b[i] on, or cut.
func (r *record) closing(b []byte, i int) (end int, escaped bool) {
	if r.escape == r.quote {
		for {
			n := bytes.IndexByte(b[i:], r.quote)
			if n < 0 {
				return cut, false
			}
			if i += n; i+1 >= len(b) || b[i+1] != r.quote {
				return i, escaped
			}
			escaped, i = true, i+2
		}
	}
	for {
		for ; i <= len(b)-8; i += 8 {
			w := binary.LittleEndian.Uint64(b[i : i+8])
			if found := zeros(w^r.quotes) | zeros(w^r.escapes); found != 0 {
				i += bits.TrailingZeros64(found) / 8
				break
			}
		}
		for i < len(b) && b[i] != r.quote && b[i] != r.escape {
			i++
		}
		switch {
		case i >= len(b):
			return cut, false
		case b[i] == r.quote:
			return i, escaped
		case i+1 < len(b) && (b[i+1] == r.quote || b[i+1] == r.escape):
			escaped = true
			i++
		}
		i++
	}
}

// appendText appends a field's text without its escapes. An escape that has
// neither a quote nor an escape behind it stands for itself.
func (r *record) appendText(dst, b []byte, f *field) []byte {
	text := b[f.start:f.end]
	if !f.escaped {
		return append(dst, text...)
	}
	for {
		i := bytes.IndexByte(text, r.escape)
		if i < 0 || i+1 == len(text) {
			return append(dst, text...)
		}
		dst = append(dst, text[:i]...)
		if c := text[i+1]; c == r.quote || c == r.escape {
			i++
		}
		dst = append(dst, text[i])
		text = text[i+1:]
	}
}
