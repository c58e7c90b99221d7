package infer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/s3compact/s3compact/parquetconv/scan"
	"github.com/s3compact/s3compact/parquetconv/schema"
)

// form is how rows stand in a source's text.
type form struct {
	layout schema.Layout
	rowsAt string     // for schema.LayoutArray: the document's member that is the array; empty where the document is the array
	csv    schema.CSV // of CSV, which has no layout
}

// names lead to the array of rows.
func (f form) names() []string {
	if f.rowsAt == "" {
		return nil
	}
	return []string{f.rowsAt}
}

func (f form) String() string {
	switch {
	case f.csv != schema.CSV{}:
		return fmt.Sprintf("CSV with the delimiter %q, header: %t", string(f.csv.Delimiter), f.csv.Header)
	case f.layout == schema.LayoutDocuments:
		return "documents over several lines"
	case f.layout == schema.LayoutArray && f.rowsAt != "":
		return "documents with the rows in an array at " + memberPath(f.rowsAt)
	case f.layout == schema.LayoutArray:
		return "an array of rows"
	}
	return "a row a line"
}

// triedLines is how many lines are looked at for a row where the first is none.
const triedLines = 50

// formOf tells how the rows of a text seem to stand; ok is false where nothing
// in it tells.
func formOf(t Text) (f form, ok bool) {
	text := trimSpace(withoutMark(t.Bytes))
	if len(text) == 0 {
		return form{layout: schema.LayoutLines}, false
	}
	switch text[0] {
	case '[':
		if inner := trimSpace(text[1:]); len(inner) > 0 && inner[0] == '{' {
			return form{layout: schema.LayoutArray}, true
		}
		return form{layout: schema.LayoutLines}, false
	case '{':
		if f, ok := formOfDocument(text, t.Cut); ok {
			return f, true
		}
	}
	for range triedLines {
		line, rest, found := bytes.Cut(text, []byte("\n"))
		if line[0] == '{' {
			dec := jsontext.NewDecoder(bytes.NewBuffer(line))
			if _, err := dec.ReadValue(); err == nil {
				return form{layout: schema.LayoutLines}, true
			}
		}
		if text = trimSpace(rest); !found || len(text) == 0 {
			break
		}
	}
	return form{}, false
}

// formOfDocument looks at the first document of a text that begins with a brace.
func formOfDocument(text []byte, cut bool) (f form, ok bool) {
	dec := jsontext.NewDecoder(bytes.NewBuffer(text))
	whole, err := dec.ReadValue()
	if err != nil && !(cut && errors.Is(err, io.ErrUnexpectedEOF)) {
		return form{}, false
	}
	if name, ok := envelope(text, err == nil); ok {
		return form{layout: schema.LayoutArray, rowsAt: name}, true
	}
	if err != nil {
		return form{}, false
	}
	if bytes.IndexByte(whole, '\n') >= 0 {
		return form{layout: schema.LayoutDocuments}, true
	}
	return form{layout: schema.LayoutLines}, true
}

// envelope says whether the first document of a text is a wrapper around its
// rows, and which member holds them: an array of objects that is its only
// member, or is named Records as AWS services do.
func envelope(text []byte, whole bool) (name string, ok bool) {
	dec := jsontext.NewDecoder(bytes.NewBuffer(text))
	if _, err := dec.ReadToken(); err != nil {
		return "", false
	}
	members := 0
	for ; dec.PeekKind() == '"'; members++ {
		token, err := dec.ReadToken()
		if err != nil {
			return "", false
		}
		member := token.String()
		records := strings.EqualFold(member, "records")
		if dec.PeekKind() != '[' || !records && members > 0 {
			if dec.SkipValue() != nil {
				return "", false
			}
			continue
		}
		if !objectsFollow(dec, records) {
			return "", false
		}
		if records {
			return member, true
		}
		name = member
	}
	return name, name != "" && members <= 1 && (whole || members == 1)
}

// objectsFollow reads an array of objects as far as it is there. It may be
// empty where that is said to be enough.
func objectsFollow(dec *jsontext.Decoder, emptyToo bool) bool {
	if _, err := dec.ReadToken(); err != nil {
		return false
	}
	n := 0
	for ; dec.PeekKind() == '{'; n++ {
		if dec.SkipValue() != nil {
			return n > 0
		}
	}
	k := dec.PeekKind()
	if k == ']' {
		_, _ = dec.ReadToken() // it is there
	} else if k != jsontext.KindInvalid {
		return false
	}
	return n > 0 || emptyToo
}

// rowReader reads the rows of texts of one form.
type rowReader struct {
	layout schema.Layout
	rowsAt []string // the names that lead to the array, for schema.LayoutArray
	row    func(raw []byte)
	bad    func(reason string, offset int64)

	dec    jsontext.Decoder
	buffer bytes.Buffer
}

// read hands out the rows of a text and what is none; the unfinished row at the
// end of a text that is cut is neither.
func (r *rowReader) read(t Text) {
	text := withoutMark(t.Bytes)
	start := int64(len(t.Bytes) - len(text))
	if r.layout != schema.LayoutLines {
		r.documents(text, start, t.Cut)
		return
	}
	if t.Cut {
		text = text[:bytes.LastIndexByte(text, '\n')+1]
	}
	for line := range bytes.Lines(text) {
		r.line(line, start)
		start += int64(len(line))
	}
}

// begin makes the decoder read a text.
func (r *rowReader) begin(text []byte) {
	r.buffer = *bytes.NewBuffer(text)
	r.dec.Reset(&r.buffer)
}

// line reads the rows of a line. What stands behind a row must be another one,
// else the row is none either.
func (r *rowReader) line(line []byte, offset int64) {
	whole := len(line)
	for rest := trimSpace(line); len(rest) > 0; {
		at := offset + int64(whole-len(rest))
		r.begin(rest)
		raw, err := r.dec.ReadValue()
		if err != nil {
			r.bad(reasonOf(err, rest), at)
			return
		}
		next := trimSpace(rest[r.dec.InputOffset():])
		if raw[0] == '{' && len(next) > 0 && next[0] != '{' {
			r.bad(scan.ReasonInvalidJSON, at)
			return
		}
		if !r.object(raw, at) {
			return
		}
		rest = next
	}
}

// object hands out a value that is a row if it is an object.
func (r *rowReader) object(raw []byte, at int64) bool {
	if raw[0] != '{' {
		r.bad(scan.ReasonNoObject, at)
		return false
	}
	r.row(raw)
	return true
}

// documents reads the other layouts up to the first error.
func (r *rowReader) documents(text []byte, start int64, cut bool) {
	r.begin(text)
	for {
		at := start + r.dec.InputOffset()
		err := r.document(start)
		switch {
		case err == nil:
			continue
		case errors.Is(err, io.EOF), cut && errors.Is(err, io.ErrUnexpectedEOF):
			return
		}
		r.bad(reasonOf(err, text), at)
		return
	}
}

func (r *rowReader) document(start int64) error {
	if r.layout == schema.LayoutDocuments {
		raw, err := r.dec.ReadValue()
		if err == nil {
			r.object(raw, start+r.dec.InputOffset()-int64(len(raw)))
		}
		return err
	}
	want := jsontext.Kind('[')
	if len(r.rowsAt) > 0 {
		want = '{'
	}
	if r.dec.PeekKind() != want {
		raw, err := r.dec.ReadValue()
		if err == nil {
			r.bad(scan.ReasonNoRows, start+r.dec.InputOffset()-int64(len(raw)))
		}
		return err
	}
	return r.descend(r.rowsAt, start)
}

// descend goes along the names into the array of rows.
func (r *rowReader) descend(names []string, start int64) error {
	k := r.dec.PeekKind()
	switch {
	case len(names) == 0 && k == '[':
		return r.elements(start)
	case len(names) == 0 || k != '{':
		return r.dec.SkipValue()
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return err
	}
	for r.dec.PeekKind() != '}' {
		token, err := r.dec.ReadToken()
		if err != nil {
			return err
		}
		if token.Kind() == '"' && token.String() == names[0] {
			err = r.descend(names[1:], start)
		} else {
			err = r.dec.SkipValue()
		}
		if err != nil {
			return err
		}
	}
	_, err := r.dec.ReadToken()
	return err
}

// elements reads the array that comes next.
func (r *rowReader) elements(start int64) error {
	if _, err := r.dec.ReadToken(); err != nil {
		return err
	}
	for r.dec.PeekKind() != ']' {
		raw, err := r.dec.ReadValue()
		if err != nil {
			return err
		}
		r.object(raw, start+r.dec.InputOffset()-int64(len(raw)))
	}
	_, err := r.dec.ReadToken()
	return err
}

func reasonOf(err error, text []byte) string {
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return scan.ReasonDuplicateName
	case !utf8.Valid(text):
		return scan.ReasonInvalidUTF8
	}
	return scan.ReasonInvalidJSON
}

// withoutMark skips a byte order mark.
func withoutMark(text []byte) []byte { return bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")) }

// trimSpace skips JSON's white space (RFC 8259 section 2) at the beginning.
func trimSpace(text []byte) []byte { return bytes.TrimLeft(text, " \t\r\n") }
