package infer

import (
	"bytes"
	stdcsv "encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/s3compact/s3compact/parquetconv/csv"
	"github.com/s3compact/s3compact/parquetconv/scan"
	"github.com/s3compact/s3compact/parquetconv/schema"
	"github.com/s3compact/s3compact/parquetconv/value"
)

// delimiters are those that are tried; of two that fit as well, the first.
const delimiters = ",\t;|"

// triedRecords is how many records tell the delimiter.
const triedRecords = 50

// csvForm guesses how the records of a text are written; ok is false where
// there is none.
func csvForm(t Text) (f form, ok bool) {
	best, first := -1, []string(nil)
	f.csv = schema.CSV{Quote: '"', Escape: '"'}
	for _, delimiter := range []byte(delimiters) {
		record, score := fieldsBy(withoutMark(t.Bytes), delimiter)
		if score > best {
			best, first, f.csv.Delimiter = score, record, delimiter
		}
	}
	f.csv.Header = strings.Join(first, "") != ""
	for _, name := range first {
		f.csv.Header = f.csv.Header && mayBeName(name)
	}
	return f, len(first) > 0
}

// fieldsBy takes the first records apart. The score is how many have as many
// fields as the first, times the delimiters of that.
func fieldsBy(text []byte, delimiter byte) (first []string, score int) {
	r := stdcsv.NewReader(bytes.NewReader(text))
	r.Comma, r.LazyQuotes, r.FieldsPerRecord = rune(delimiter), true, -1
	same := 0
	for range triedRecords {
		record, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return first, same * (len(first) - 1)
		case err != nil:
			continue
		case first == nil:
			first = record
		}
		if len(record) == len(first) {
			same++
		}
	}
	return first, max(0, same*(len(first)-1))
}

// mayBeName says whether a field of the first record may name a field: it is
// text, and none of what values are written as.
func mayBeName(s string) bool {
	n := newNode()
	n.field([]byte(s))
	if !n.only(kindString) {
		return false
	}
	for _, seen := range n.times {
		if seen.fit > 0 {
			return false
		}
	}
	return true
}

// lookAtRecords reads all records of the sample, as a conversion would, with
// every field a string.
func lookAtRecords(s *Sample, f form) (*inference, error) {
	in := newInference(s)
	columns := in.fields(f)
	scanner, err := csv.New(columns, f.csv, scan.Options{})
	if err != nil {
		return nil, fmt.Errorf("read the sample: %w", err)
	}
	for i := range s.Texts {
		t := &s.Texts[i]
		if !in.begin(t) {
			continue
		}
		scanner.Begin(i, 0)
		for rest := t.Bytes; ; {
			n, err := scanner.Scan(rest, !t.Cut)
			if err != nil {
				return nil, fmt.Errorf("read the sample %s: %w", t.Source, err)
			}
			full := scanner.Full()
			if !scanner.Empty() {
				in.records(scanner.Take(), columns)
			}
			if rest = rest[n:]; !full {
				break
			}
		}
	}
	return in, nil
}

// fields are the columns of all fields that the sources of a form name, or
// have; the tree gets a member for each.
func (in *inference) fields(f form) []scan.Column {
	root := in.tree.root
	var columns []scan.Column
	add := func(name string, step schema.Step) {
		switch {
		case root.members[name] != nil:
			return
		case len(root.names) == maxMembers || len(name) > maxNameBytes:
			root.forgotten++
			return
		}
		root.names = append(root.names, name)
		root.members[name] = newNode()
		columns = append(columns, scan.Column{Name: name, Type: stringType, Path: schema.Path{step}})
	}
	root.members = map[string]*node{}
	for _, t := range in.sample.Texts {
		if other, _ := csvForm(t); other != f {
			continue
		}
		first, _ := fieldsBy(withoutMark(t.Bytes), f.csv.Delimiter)
		for i, name := range first {
			if f.csv.Header {
				add(strings.ToValidUTF8(name, "�"), schema.Step{Name: name, Index: -1})
			} else {
				add(fmt.Sprintf("column%d", i), schema.Step{Index: i})
			}
		}
	}
	return columns
}

// records looks at the rows of a block.
func (in *inference) records(b *scan.Block, columns []scan.Column) {
	root := in.tree.root
	root.seen += int64(b.Rows)
	for i, a := range b.Columns {
		n := root.members[columns[i].Name]
		for row := range b.Rows {
			if a.IsNull(row) {
				n.seen++
				n.nulls++
			} else {
				n.field(textAt(a, row))
			}
		}
	}
	for _, r := range b.Rejects {
		in.bad.add(r.Reason, r.Offset, in.at.Source)
	}
}

// textAt is a value of a column of strings, which may be a dictionary's.
func textAt(a arrow.Array, row int) []byte {
	if d, ok := a.(*array.Dictionary); ok {
		a, row = d.Dictionary(), d.GetValueIndex(row)
	}
	return []byte(a.(*array.String).Value(row))
}

// fieldNumber is a number that an int64 or a double would write alike, but for
// its form: one with leading zeros or a plus sign is rather a code.
var fieldNumber = regexp.MustCompile(`^-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$`)

// field looks at a field that is not null.
func (n *node) field(text []byte) {
	n.seen++
	switch _, notBoolean := value.FromText(text, value.Type{Kind: value.Boolean}); {
	case notBoolean == nil:
		n.scalar(kindBoolean, text)
	case fieldNumber.Match(text):
		n.number(text)
	default:
		raw, err := jsontext.AppendQuote(nil, text)
		if err != nil { // no UTF-8, which the scanner rejects
			return
		}
		n.text(raw, text)
	}
}

// chooseField is choose for what stands in fields, which are all text.
func chooseField(n *node) choice {
	switch {
	case n.values() == 0:
		return choice{typ: stringType, why: "it was always empty"}
	case n.only(kindBoolean):
		return choice{typ: value.Type{Kind: value.Boolean}}
	case n.only(kindWhole, kindFraction, kindWide):
		return chooseNumber(n)
	case n.only(kindString):
		return chooseText(n, 0)
	}
	return choice{typ: stringType, why: "it keeps every field as it is written"}
}

// csvSettings writes those that differ from what a schema takes by default.
func csvSettings(c schema.CSV) string {
	var parts []string
	if !c.Header {
		parts = append(parts, "header: false")
	}
	if c.Delimiter != ',' {
		parts = append(parts, fmt.Sprintf("delimiter: %q", string(c.Delimiter)))
	}
	if len(parts) == 0 {
		return ""
	}
	return "csv: {" + strings.Join(parts, ", ") + "}\n"
}
