package csv

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/s3compact/s3compact/parquetconv/scan"
	"github.com/s3compact/s3compact/parquetconv/schema"
)

// header is what a source's header, or its first row, tells of its records.
type header struct {
	known   bool
	text    []byte // of the header: a record that is the same is no row
	fault   string // why no row can be read
	count   int    // of the fields
	wanted  []wanted
	unknown []unknown // where they matter
}

// wanted is a field that a column reads, in the order of the fields.
type wanted struct{ field, column int }

// unknown is a field that no column reads, its name as JSON.
type unknown struct {
	field int
	name  []byte
}

func (h *header) reset() {
	*h = header{text: h.text[:0], wanted: h.wanted[:0], unknown: h.unknown[:0]}
}

// unreadable says that no row of the source can be read.
func (h *header) unreadable(why string) {
	h.known, h.fault = true, "the header can't be read: "+why
}

// byNumber is for sources without a header.
func (h *header) byNumber(count int, columns []scan.Column) {
	h.known, h.count = true, count
	for i, c := range columns {
		if c.Path[0].Index < count {
			h.wanted = append(h.wanted, wanted{c.Path[0].Index, i})
		}
	}
	slices.SortStableFunc(h.wanted, func(a, b wanted) int { return a.field - b.field })
}

// readHeader reads the names of the fields, at b[start].
func (s *Scanner) readHeader(b []byte, start int) {
	h := &s.header
	text := b[start:s.record.end]
	h.text = append(h.text, text...)
	switch {
	case s.record.count > maxFields:
		h.unreadable(fmt.Sprintf("it has more than %d fields", maxFields))
		return
	case !utf8.Valid(text):
		h.unreadable("it is not UTF-8")
		return
	}
	h.known, h.count = true, s.record.count
	columns := map[string][]int{}
	for i, c := range s.columns {
		if !c.Extra {
			columns[c.Path[0].Name] = append(columns[c.Path[0].Name], i)
		}
	}
	matters := s.unknown == schema.UnknownKeep || s.unknown == schema.UnknownReject
	seen := map[string]bool{}
	for i, f := range s.record.fields {
		s.scratch = s.record.appendText(s.scratch[:0], b, &f)
		name := string(s.scratch)
		reads := columns[name]
		if len(reads) == 0 && !matters {
			continue
		}
		if seen[name] {
			h.unreadable(fmt.Sprintf("it names the field %q twice", shortened(name)))
			return
		}
		seen[name] = true
		for _, column := range reads {
			h.wanted = append(h.wanted, wanted{i, column})
		}
		if len(reads) == 0 {
			h.unknown = append(h.unknown, unknown{i, appendJSON(nil, []byte(name))})
		}
	}
}

// shortened is enough of a name for a message.
func shortened(name string) string {
	const most = 100
	if r := []rune(name); len(r) > most {
		return string(r[:most]) + "…"
	}
	return name
}

// appendJSON appends UTF-8 as a JSON string.
func appendJSON(dst, text []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
