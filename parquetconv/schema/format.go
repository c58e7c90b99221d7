package schema

import (
	"fmt"
	"strings"

	"github.com/s3compact/s3compact/parquetconv/value"
)

// Format says what the sources hold.
type Format string

// The formats; the default is FormatNDJSON.
const (
	FormatNDJSON Format = "ndjson" // JSON, laid out as Layout says
	FormatCSV    Format = "csv"    // text with delimiters, as RFC 4180 has it
)

// Layout says how rows stand in JSON.
type Layout string

// The layouts; the default is LayoutLines.
const (
	// LayoutLines: each row begins and ends on one line. Several on a line are
	// as many rows; an object that goes on behind the line's end is rejected.
	// After an error the next line is read.
	LayoutLines Layout = "lines"
	// LayoutDocuments: each row is an object that may go over lines. Where the
	// next one begins after an error is not certain, so the rest of the source
	// is rejected with it, as one row.
	LayoutDocuments Layout = "documents"
	// LayoutArray: the rows are the elements of an array in a document, or in
	// several documents one behind the other. An error as for LayoutDocuments.
	LayoutArray Layout = "array"
)

// MaxRowsAt is how many names may lead to the array that holds the rows.
const MaxRowsAt = 16

// CSV is how delimited text is written.
type CSV struct {
	// Header: the first record names the fields, and paths are names ($.name);
	// else paths are numbers, from 0 ($[3]).
	Header    bool
	Delimiter byte
	Quote     byte
	// Escape stands before a quote inside quotes; the quote itself where it is
	// doubled.
	Escape byte
	// Null is the text of a field, not in quotes, that is null.
	Null string
}

// TimeFormat is how a timestamp is written in the text.
type TimeFormat struct {
	Kind TimeKind
	// Layout of package time, for TimeLayout; times without a zone are UTC.
	Layout string
}

// TimeKind is a kind of TimeFormat.
type TimeKind uint8

// The kinds of TimeFormat.
const (
	TimeRFC3339     TimeKind = iota // a string: 2006-01-02T15:04:05.999999Z or with an offset
	TimeEpochSecond                 // a number of seconds since 1970, which may have a fraction
	TimeEpochMilli                  // a number of milliseconds
	TimeEpochMicro                  // a number of microseconds
	TimeLayout                      // a string
)

// String is the format as a schema file names it; a layout is one of package time.
func (f TimeFormat) String() string {
	for name, kind := range timeKinds {
		if kind == f.Kind {
			return name
		}
	}
	return f.Layout
}

var timeKinds = map[string]TimeKind{"rfc3339": TimeRFC3339, "epoch_s": TimeEpochSecond, "epoch_ms": TimeEpochMilli, "epoch_us": TimeEpochMicro}

func (p placed) timeFormat(t value.Type) (TimeFormat, error) {
	if !p.given() {
		return TimeFormat{}, nil
	}
	if !t.HasTimestamp() {
		return TimeFormat{}, p.errorf("time: a %s is no timestamp", t)
	}
	if kind, ok := timeKinds[p.text]; ok {
		return TimeFormat{Kind: kind}, nil
	}
	if !strings.Contains(p.text, "%") {
		return TimeFormat{}, p.errorf("time %q: write rfc3339, epoch_s, epoch_ms, epoch_us or a layout such as %%Y-%%m-%%d %%H:%%M:%%S", p.text)
	}
	layout, err := value.ParseTimeLayout(p.text)
	if err != nil {
		return TimeFormat{}, p.errorf("time %q: %v", p.text, err)
	}
	return TimeFormat{Kind: TimeLayout, Layout: layout}, nil
}

// format reads the settings of what the sources hold.
func (f *file) format(s *Schema) error {
	switch s.Format = Format(f.Format.text); s.Format {
	case "":
		s.Format = FormatNDJSON
	case FormatNDJSON, FormatCSV:
	default:
		return f.Format.errorf("format %q: write ndjson or csv", f.Format.text)
	}
	if s.Format == FormatCSV {
		switch {
		case f.Layout.given():
			return f.Layout.errorf("layout is for ndjson; csv has its settings under csv")
		case f.RowsAt.given():
			return f.RowsAt.errorf("rows_at is for ndjson")
		}
		return f.CSV.settings(s)
	}
	if f.CSV != nil {
		given := f.Format.or(f.CSV.Header).or(f.CSV.Delimiter).or(f.CSV.Quote).or(f.CSV.Escape).or(f.CSV.Null)
		return given.errorf("csv has settings, but the format is ndjson: write format: csv")
	}
	switch s.Layout = Layout(f.Layout.text); s.Layout {
	case "":
		s.Layout = LayoutLines
	case LayoutLines, LayoutDocuments, LayoutArray:
	default:
		return f.Layout.errorf("layout %q: write lines, documents or array", f.Layout.text)
	}
	if !f.RowsAt.given() {
		return nil
	}
	if s.Layout != LayoutArray {
		return f.RowsAt.errorf("rows_at needs layout: array")
	}
	path, err := ParsePath(f.RowsAt.text)
	if err == nil && len(path) > MaxRowsAt {
		err = fmt.Errorf("path %q: more than %d names", f.RowsAt.text, MaxRowsAt)
	}
	for _, step := range path {
		if step.Index >= 0 && err == nil {
			err = fmt.Errorf("path %q: the array that holds the rows is found by names only", f.RowsAt.text)
		}
		s.RowsAt = append(s.RowsAt, step.Name)
	}
	if err != nil {
		return f.RowsAt.errorf("rows_at: %v", err)
	}
	return nil
}

// settings reads the settings of CSV, which may be nil.
func (f *fileCSV) settings(s *Schema) error {
	s.CSV = CSV{Header: true, Delimiter: ',', Quote: '"', Escape: '"'}
	if f == nil {
		return nil
	}
	switch f.Header.text {
	case "true", "":
	case "false":
		s.CSV.Header = false
	default:
		return f.Header.errorf("header %q: write true or false", f.Header.text)
	}
	for _, c := range []struct {
		name string
		p    placed
		to   *byte
	}{{"delimiter", f.Delimiter, &s.CSV.Delimiter}, {"quote", f.Quote, &s.CSV.Quote}, {"escape", f.Escape, &s.CSV.Escape}} {
		if !c.p.given() {
			continue
		}
		if len(c.p.text) != 1 || c.p.text[0] >= 0x80 || c.p.text == "\n" || c.p.text == "\r" || c.p.text == "\x00" {
			return c.p.errorf("%s %q: write one character of ASCII that is no line end, such as \",\" or \"\\t\"", c.name, c.p.text)
		}
		*c.to = c.p.text[0]
	}
	if f.Quote.given() && !f.Escape.given() {
		s.CSV.Escape = s.CSV.Quote
	}
	switch {
	case s.CSV.Delimiter == s.CSV.Quote:
		return f.Delimiter.or(f.Quote).errorf("the delimiter and the quote are both %q", s.CSV.Quote)
	case s.CSV.Delimiter == s.CSV.Escape:
		return f.Escape.or(f.Delimiter).errorf("the delimiter and the escape are both %q", s.CSV.Escape)
	}
	s.CSV.Null = f.Null.text
	if strings.ContainsAny(s.CSV.Null, "\r\n") || strings.IndexByte(s.CSV.Null, s.CSV.Delimiter) >= 0 || strings.IndexByte(s.CSV.Null, s.CSV.Quote) >= 0 {
		return f.Null.errorf("null %q: the text of null has no delimiter, quote or line end", s.CSV.Null)
	}
	return nil
}

// csvPath reads the path of a column of delimited text.
func (s *Schema) csvPath(text string) (Path, error) {
	path, err := parsePath(text)
	switch {
	case err != nil:
		return nil, err
	case len(path) != 1:
		return nil, fmt.Errorf("path %q: a field of csv holds one value: write $.name or $[3]", text)
	case s.CSV.Header && path[0].Index >= 0:
		return nil, fmt.Errorf("path %q: with a header fields are found by name: write $.name", text)
	case !s.CSV.Header && path[0].Index < 0:
		return nil, fmt.Errorf("path %q: without a header fields are found by their number, from 0: write $[3]", text)
	}
	return path, nil
}
