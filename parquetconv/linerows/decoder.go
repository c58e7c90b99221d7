// Package linerows turns a stream of JSON lines into columns, row by row. It gives way to package rows.
//
// Each line holds one JSON object, a row; several objects on a line are as
// many rows. Blank lines are no rows, a carriage return before the line feed
// is white space, a byte order mark at the beginning is skipped. What json/v2
// does not take for valid (bad UTF-8, duplicate names, wrong escapes) is
// rejected row by row; an object over several lines is rejected line by line.
package linerows

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/s3compact/s3compact/parquetconv/expr"
	"github.com/s3compact/s3compact/parquetconv/schema"
	"github.com/s3compact/s3compact/parquetconv/value"
)

// FailError is a bad value in a column with on_bad: fail.
type FailError struct {
	Offset int64 // of the row in the uncompressed source
	Column string
	Bad    *value.Bad
}

func (e *FailError) Error() string {
	return fmt.Sprintf("row at byte %d: column %q: %v (its on_bad is fail)", e.Offset, e.Column, e.Bad)
}

// Decoder reads sources one after another with the same buffers. It is not
// safe for concurrent use.
type Decoder struct {
	schema *schema.Schema
	paths  *node
	extra  int // index of the column of unknown fields, or -1

	lines  *lines
	json   *jsontext.Decoder
	buffer bytes.Buffer

	row       expr.Row
	name      []byte // scratch: a member's name
	extras    []byte // scratch: the unknown fields of a row
	partition []byte // scratch: the row's partition
	fault     *Reject
	fail      *FailError
	out       *builder
}

// NewDecoder makes a decoder whose blocks take about blockBytes.
func NewDecoder(s *schema.Schema, blockBytes int64) *Decoder {
	d := &Decoder{schema: s, paths: pathTree(s.Columns), extra: -1, lines: newLines(), json: jsontext.NewDecoder(bytes.NewReader(nil)), out: newBuilder(s, blockBytes)}
	d.row.Values = make([]value.Value, len(s.Columns))
	for i, c := range s.Columns {
		if c.Extra {
			d.extra = i
		}
	}
	return d
}

// Decode reads the lines of r to their end and hands out block after block. It
// returns r's error, emit's, or a *FailError.
func (d *Decoder) Decode(r io.Reader, emit func(*Block) error) error {
	if err := supported(d.schema); err != nil {
		return err
	}
	d.lines.reset(r)
	d.out.take() // what an earlier source left behind when it failed
	for {
		line, offset, tooLong, err := d.lines.next()
		switch {
		case errors.Is(err, io.EOF):
			return d.emitRest(emit)
		case err != nil:
			return err
		case tooLong:
			d.out.block.RowsIn++
			d.out.reject(Reject{Offset: offset, Reason: ReasonTooLong, Detail: fmt.Sprintf("the line has more than %d bytes", MaxRowBytes), Raw: line})
		default:
			if err := d.line(line, offset); err != nil {
				return err
			}
		}
		if d.out.full() {
			if err := emit(d.out.take()); err != nil {
				return err
			}
		}
	}
}

func (d *Decoder) emitRest(emit func(*Block) error) error {
	if d.out.block.RowsIn == 0 {
		return nil
	}
	return emit(d.out.take())
}

// line reads the rows of a line.
func (d *Decoder) line(line []byte, offset int64) error {
	whole := len(line)
	line = trimLeft(line)
	offset += int64(whole - len(line))
	for len(line) > 0 {
		start := offset
		n, reject := d.object(line)
		rest := trimLeft(line[n:])
		if reject == nil && len(rest) > 0 && rest[0] != '{' {
			reject = &Reject{Reason: ReasonInvalidJSON, Detail: fmt.Sprintf("unexpected %q after the object", rest[:min(len(rest), 10)])}
			n, rest = len(line), nil
		}
		d.out.block.RowsIn++
		if reject == nil {
			if reject = d.derive(); reject == nil {
				reject = d.partitionOf()
			}
		}
		if d.fail != nil {
			fail := d.fail
			d.fail = nil
			fail.Offset = start
			return fail
		}
		if reject != nil {
			reject.Offset, reject.Raw = start, line[:n]
			d.out.reject(*reject)
		} else {
			d.out.add(d.row.Values, d.partition)
		}
		offset += int64(len(line) - len(rest))
		line = rest
	}
	return nil
}

// object reads the object at the beginning of the line into the row's values.
// n is its length; of a line that is not valid from here on, all of it.
func (d *Decoder) object(line []byte) (n int, reject *Reject) {
	d.row.Arena, d.extras = d.row.Arena[:0], d.extras[:0]
	d.fault = nil
	for i := range d.row.Values {
		d.row.Values[i] = value.NullValue
	}
	d.buffer = *bytes.NewBuffer(line)
	d.json.Reset(&d.buffer)
	if d.json.PeekKind() != '{' {
		if err := d.json.SkipValue(); err != nil {
			return len(line), syntaxReject(line, err)
		}
		return len(line), &Reject{Reason: ReasonNoObject, Detail: "the row does not begin as a JSON object"}
	}
	if err := d.walk(d.json, d.paths, line, true); err != nil {
		return len(line), syntaxReject(line, err)
	}
	if d.extra >= 0 && len(d.extras) > 0 {
		d.extras = append(d.extras, '}')
		d.row.Values[d.extra] = value.Value{Bytes: d.extras}
	}
	return int(d.json.InputOffset()), d.fault
}

func syntaxReject(line []byte, err error) *Reject {
	r := &Reject{Reason: ReasonInvalidJSON, Detail: err.Error()}
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) {
		r.Detail = fmt.Sprintf("at byte %d of the row: %v", syntactic.ByteOffset, syntactic.Err)
	}
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		r.Reason = ReasonDuplicateName
	case !utf8.Valid(line):
		r.Reason = ReasonInvalidUTF8
	}
	return r
}

// walk reads an object or array into the columns whose paths lead into it.
// text is what dec reads from its beginning. The only errors are those of dec.
func (d *Decoder) walk(dec *jsontext.Decoder, at *node, text []byte, top bool) error {
	open, err := dec.ReadToken()
	if err != nil {
		return err
	}
	isArray := open.Kind() == '['
	for i := 0; ; i++ {
		if k := dec.PeekKind(); k == '}' || k == ']' {
			_, err := dec.ReadToken()
			return err
		}
		var child *node
		var nameAt int64
		if isArray {
			child = at.elements[i]
		} else {
			raw, err := dec.ReadValue()
			if err != nil {
				return err
			}
			nameAt = dec.InputOffset() - int64(len(raw))
			if d.name, err = jsontext.AppendUnquote(d.name[:0], raw); err != nil {
				return err
			}
			child = at.members[string(d.name)]
		}
		switch {
		case child != nil:
			err = d.value(dec, child, text)
		case top && d.schema.Unknown == schema.UnknownReject:
			d.setFault(Reject{Reason: ReasonUnknownField, Column: string(d.name), Detail: "no column reads this field"})
			err = dec.SkipValue()
		case top && d.schema.Unknown == schema.UnknownKeep:
			if err = dec.SkipValue(); err == nil {
				separator := byte(',')
				if len(d.extras) == 0 {
					separator = '{'
				}
				d.extras = append(append(d.extras, separator), text[nameAt:dec.InputOffset()]...)
			}
		default:
			err = dec.SkipValue()
		}
		if err != nil {
			return err
		}
	}
}

// value reads a value that columns want, or that holds what they want. A path
// that leads into something else than it says finds nothing.
func (d *Decoder) value(dec *jsontext.Decoder, at *node, text []byte) error {
	kind := dec.PeekKind()
	into := kind == '{' && at.members != nil || kind == '[' && at.elements != nil
	if into && len(at.columns) == 0 {
		return d.walk(dec, at, text, false)
	}
	raw, err := dec.ReadValue()
	if err != nil {
		return err
	}
	end := dec.InputOffset()
	own := text[end-int64(len(raw)) : end] // raw is valid only until dec goes on
	for _, i := range at.columns {
		var bad *value.Bad
		d.row.Values[i], d.row.Arena, bad = value.FromJSON(own, d.schema.Columns[i].Type, d.row.Arena)
		if bad != nil {
			d.bad(i, bad)
		}
	}
	if into { // both the whole and a part of it are columns
		return d.walk(jsontext.NewDecoder(bytes.NewReader(own)), at, own, false)
	}
	return nil
}

// bad applies a column's on_bad.
func (d *Decoder) bad(column int, bad *value.Bad) {
	c := &d.schema.Columns[column]
	d.row.Values[column] = value.NullValue
	switch c.OnBad {
	case schema.OnBadNull:
		d.out.badValue(column)
	case schema.OnBadReject:
		d.setFault(Reject{Column: c.Name, Reason: bad.Reason, Detail: bad.Detail})
	case schema.OnBadFail:
		if d.fail == nil {
			d.fail = &FailError{Column: c.Name, Bad: bad}
		}
	}
}

// setFault keeps the first fault of a row.
func (d *Decoder) setFault(r Reject) {
	if d.fault == nil {
		d.fault = &r
	}
}

// derive computes the columns with an expression and checks required ones.
func (d *Decoder) derive() *Reject {
	for i := range d.schema.Columns {
		c := &d.schema.Columns[i]
		if c.Expr != nil {
			v, bad := c.Expr.Eval(&d.row)
			if bad != nil {
				d.bad(i, bad)
			} else {
				d.row.Values[i] = v
			}
		}
		if c.Required && d.row.Values[i].Null {
			d.setFault(Reject{Column: c.Name, Reason: ReasonMissing, Detail: "a required value is missing or null"})
		}
	}
	return d.fault
}

func trimLeft(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	return b
}

// isSpace is white space in JSON (RFC 8259 section 2).
func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
