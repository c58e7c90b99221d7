// Package csv reads text with delimiters (RFC 4180) straight into Arrow
// columns, with no allocation for a row.
//
// A record ends with a line feed, with or without a carriage return before it.
// A field may be in quotes, and then hold delimiters, line ends and quotes,
// each of which has the escape before it. White space is part of a field. What
// the RFC does not allow is not guessed at: a quote inside a field that does
// not begin with one, or something behind the closing quote, rejects the row.
package csv

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/s3compact/s3compact/parquetconv/scan"
	"github.com/s3compact/s3compact/parquetconv/schema"
)

// The reasons of rejects beside those of packages scan and value.
const (
	ReasonQuote  = "quote"  // a quote where none may be, or none where one must be
	ReasonFields = "fields" // more or fewer fields than the header or the first row has
	ReasonHeader = "header" // the source's header cannot be read, or names a field twice
)

// maxFields bounds the fields of a record, of which 24 bytes each are held.
const maxFields = 1 << 16

// Scanner reads sources one after another into blocks of columns; its methods
// are those of scan.Scanner. A source is read from its beginning. A Scanner is
// not safe for concurrent use. It holds the block at hand, as scan.Scanner does, and a few
// bytes for each field of a header.
type Scanner struct {
	fields   *scan.Fields
	settings schema.CSV
	unknown  schema.UnknownFields
	columns  []scan.Column
	extra    int // the column of the unknown fields, -1 for none

	record record // that was read last
	header header // of the source

	begun    bool // the source's byte order mark and header are behind
	skipping bool // what stands up to the next line belongs to a reject
	lost     bool // all the rest of the source does

	scratch []byte // a field without its escapes
	extras  []byte // the unknown fields of a row
}

// New makes a scanner for the columns, which blocks hold in the same order. Of
// the options it needs those about unknown fields, rows and blocks.
func New(columns []scan.Column, settings schema.CSV, options scan.Options) (*Scanner, error) {
	s := &Scanner{settings: settings, unknown: options.Unknown, columns: columns, extra: -1}
	for i, c := range columns {
		switch {
		case c.Extra && s.extra < 0 && settings.Header && s.unknown == schema.UnknownKeep:
			s.extra = i
		case c.Extra:
			return nil, fmt.Errorf("csv: column %q cannot take the unknown fields", c.Name)
		case len(c.Path) != 1 || (c.Path[0].Index < 0) != settings.Header:
			return nil, fmt.Errorf("csv: column %q: the path %s leads to no field", c.Name, c.Path)
		}
	}
	var err error
	s.record = newRecord(settings)
	s.fields, err = scan.NewFields(columns, options)
	return s, err
}

// Begin says that the text that comes next is that of another source, whose
// header is its own.
func (s *Scanner) Begin(source int, offset int64) {
	s.fields.Begin(source, offset)
	s.header.reset()
	s.begun, s.skipping, s.lost = false, false, false
}

// Full says that the block is to be taken before more text is read.
func (s *Scanner) Full() bool { return s.fields.Full() }

// Empty says that no row was read since the last block was taken.
func (s *Scanner) Empty() bool { return s.fields.Empty() }

// Take returns the block and begins the next one.
func (s *Scanner) Take() *scan.Block { return s.fields.Take() }

// Scan reads rows from the beginning of the text, as scan.Scanner.Scan does.
func (s *Scanner) Scan(text []byte, last bool) (int, error) {
	n, err := s.scan(text, last)
	s.fields.Done(n)
	return n, err
}

var byteOrderMark = []byte("\xef\xbb\xbf")

func (s *Scanner) scan(b []byte, last bool) (int, error) {
	i := 0
	if !s.begun {
		switch {
		case bytes.HasPrefix(b, byteOrderMark):
			i = len(byteOrderMark)
		case !last && len(b) < len(byteOrderMark) && bytes.HasPrefix(byteOrderMark, b):
			return 0, nil
		}
		s.begun = len(b) > 0
	}
	for !s.Full() {
		i = s.skip(b, i)
		var wait bool
		if i, wait = blank(b, i, last); wait || i == len(b) {
			return i, nil
		}
		next, wait, err := s.next(b, i, last)
		if err != nil || wait {
			return i, err
		}
		i = next
	}
	return i, nil
}

// skip finds where reading goes on after a reject.
func (s *Scanner) skip(b []byte, i int) int {
	if !s.skipping {
		return i
	}
	n := bytes.IndexByte(b[i:], '\n')
	if n < 0 || s.lost {
		return len(b)
	}
	s.skipping = false
	return i + n
}

// blank skips empty lines, which are no rows. wait: more text is needed to tell.
func blank(b []byte, i int, last bool) (next int, wait bool) {
	for i < len(b) {
		switch {
		case b[i] == '\n':
			i++
		case b[i] != '\r':
			return i, false
		case i+1 < len(b) && b[i+1] == '\n':
			i += 2
		case i+1 == len(b) && last:
			i++
		case i+1 == len(b):
			return i, true
		default:
			return i, false
		}
	}
	return i, false
}

// next reads the record at b[start]. wait: more text is needed.
func (s *Scanner) next(b []byte, start int, last bool) (next int, wait bool, err error) {
	within := b[:min(len(b), start+s.fields.MaxRowBytes())]
	isCut := len(within) < len(b)
	next, flaw := s.record.split(within, start, last || isCut)
	switch {
	case next == cut:
		return start, true, nil
	case isCut && (flaw.kind == unclosed || flaw.kind == noFault && next == len(within) && b[next-1] != '\n'):
		// A quote at the end may be the first half of two.
		flaw = fault{kind: tooLong, at: len(within), quoted: flaw.quoted || b[len(within)-1] == s.settings.Quote}
	}
	if flaw.kind != noFault {
		next, wait = s.flawed(flaw, b, start, last)
		return next, wait, nil
	}
	row := b[start:s.record.end]
	switch {
	case !s.header.known:
		return next, false, s.first(b, start)
	case s.settings.Header && bytes.Equal(row, s.header.text):
		return next, false, nil
	case s.header.fault != "":
		s.reject(ReasonHeader, s.header.fault, b, start)
		return next, false, nil
	}
	return next, false, s.row(b, start)
}

// flawed rejects the row at start, and with it what follows it up to where
// reading goes on. wait: more of the row's text is needed for the reject.
func (s *Scanner) flawed(f fault, b []byte, start int, last bool) (next int, wait bool) {
	s.skipping, s.lost = true, f.quoted
	next = s.skip(b, f.at)
	if s.skipping && !last && len(b)-start < scan.MaxRawBytes+utf8.UTFMax {
		s.skipping, s.lost = false, false
		return start, true
	}
	r := s.rejection(f, start)
	switch {
	case s.header.known || !s.settings.Header:
		if s.header.fault != "" {
			r = scan.Reject{Reason: ReasonHeader, Detail: s.header.fault}
		}
		s.fields.Reject(r, b, start, next)
	case s.lost: // the header, and all rows that may follow it
		s.fields.Reject(r, b, start, next)
	default:
		s.header.unreadable(r.Detail)
	}
	return next, false
}

// rejection is the reject for the fault in a row that begins at start.
func (s *Scanner) rejection(f fault, start int) scan.Reject {
	if f.kind == tooLong {
		return scan.Reject{Reason: scan.ReasonTooLong, Detail: fmt.Sprintf("the row has more than %d bytes", s.fields.MaxRowBytes())}
	}
	return scan.Reject{
		Reason:  ReasonQuote,
		FaultAt: s.fields.Offset() + int64(f.at),
		Detail:  fmt.Sprintf("at byte %d of the row: %s", f.at-start, f.kind),
	}
}

// reject rejects the row at start that record has.
func (s *Scanner) reject(reason, detail string, b []byte, start int) {
	s.fields.Reject(scan.Reject{Reason: reason, Detail: detail}, b, start, s.record.end)
}

// first reads the source's first record: the header, or a row that tells how
// many fields there are.
func (s *Scanner) first(b []byte, start int) error {
	if s.settings.Header {
		s.readHeader(b, start)
		return nil
	}
	if s.record.count > maxFields {
		s.reject(ReasonFields, fmt.Sprintf("more than %d fields", maxFields), b, start)
		return nil
	}
	s.header.byNumber(s.record.count, s.columns)
	return s.row(b, start)
}

// row reads a row's values into the columns.
func (s *Scanner) row(b []byte, start int) error {
	row := b[start:s.record.end]
	switch {
	case !utf8.Valid(row):
		at := invalidUTF8(row)
		s.fields.Reject(scan.Reject{
			Reason: scan.ReasonInvalidUTF8, FaultAt: s.fields.Offset() + int64(start+at),
			Detail: fmt.Sprintf("at byte %d of the row: invalid UTF-8", at),
		}, b, start, s.record.end)
		return nil
	case s.record.count != s.header.count:
		of := "first row"
		if s.settings.Header {
			of = "header"
		}
		s.reject(ReasonFields, fmt.Sprintf("the row has %d fields, the %s %d", s.record.count, of, s.header.count), b, start)
		return nil
	case s.unknown == schema.UnknownReject && len(s.header.unknown) > 0:
		s.reject(scan.ReasonUnknownField, fmt.Sprintf("the field %s", s.header.unknown[0].name), b, start)
		return nil
	}
	for _, w := range s.header.wanted {
		f := &s.record.fields[w.field]
		switch {
		case s.isNull(b, f):
		case f.escaped:
			s.scratch = s.record.appendText(s.scratch[:0], b, f)
			s.fields.Add(w.column, s.scratch, 0, len(s.scratch))
		default:
			s.fields.Add(w.column, b, f.start, f.end)
		}
	}
	if s.extra >= 0 && len(s.header.unknown) > 0 {
		s.keep(b)
	}
	return s.fields.Commit(b, start, s.record.end)
}

// isNull says that a field, not in quotes, is the text of null.
func (s *Scanner) isNull(b []byte, f *field) bool {
	return !f.quoted && string(b[f.start:f.end]) == s.settings.Null
}

// keep collects the fields that no column reads.
func (s *Scanner) keep(b []byte) {
	s.extras = append(s.extras[:0], '{')
	x := s.extras
	for i, u := range s.header.unknown {
		if i > 0 {
			x = append(x, ',')
		}
		x = append(append(x, u.name...), ':')
		if f := &s.record.fields[u.field]; s.isNull(b, f) {
			x = append(x, "null"...)
		} else {
			s.scratch = s.record.appendText(s.scratch[:0], b, f)
			x = appendJSON(x, s.scratch)
		}
	}
	x = append(x, '}')
	s.extras = x
	s.fields.Add(s.extra, x, 0, len(x))
}

// invalidUTF8 is where text stops being UTF-8.
func invalidUTF8(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(b)
}
