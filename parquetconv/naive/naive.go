// Package naive reads JSON lines row by row in the plainest way, with
// json/v2's tokens and package value. Tests hold the packages scan and rows
// against it.
package naive

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/s3compact/s3compact/parquetconv/expr"
	"github.com/s3compact/s3compact/parquetconv/schema"
	"github.com/s3compact/s3compact/parquetconv/value"
)

// Source is a text and what the pseudo-columns tell of it.
type Source struct {
	Key, ETag, BatchID string
	Text               []byte
}

// Result is what became of a source.
type Result struct {
	Rows      []Row
	Rejects   []Reject
	BadValues []int64 // by column; of rows without a path's value that rejects them
	Fail      *Fail   // where reading ended, if a column said so
}

// Row is a row that is loaded.
type Row struct {
	Offset    int64
	Cells     []arrow.Array // the stored columns' values, one each
	Partition string
}

// Reject is a row that is not loaded.
type Reject struct {
	Offset         int64
	Column, Reason string
	Detail         string
	Raw            string // without a bound
}

// Fail is a bad value in a column with on_bad: fail.
type Fail struct {
	Offset int64
	Column string
	Bad    *value.Bad
}

// reader reads one source.
type reader struct {
	schema *schema.Schema
	source Source
	result Result

	// Of the row at hand.
	cells  []arrow.Array
	faults []fault
	bad    []int
}

// fault is a value that its column cannot hold, or a field that no column reads.
type fault struct {
	at     int // in the row's text
	reject Reject
	fail   *value.Bad
}

// Read reads a source whose layout is lines.
func Read(s *schema.Schema, source Source) Result {
	r := &reader{schema: s, source: source}
	r.result.BadValues = make([]int64, len(s.Columns))
	offset := 0
	for line := range bytes.SplitAfterSeq(source.Text, []byte("\n")) {
		start := 0
		if offset == 0 && bytes.HasPrefix(line, []byte("\xef\xbb\xbf")) {
			start = 3
		}
		if !r.line(line[start:], int64(offset+start)) {
			break
		}
		offset += len(line)
	}
	return r.result
}

// line reads the rows of a line, which may have a line feed at its end. It
// returns false to stop.
func (r *reader) line(line []byte, offset int64) bool {
	for {
		rest := bytes.TrimLeft(line, " \t\r\n")
		offset += int64(len(line) - len(rest))
		if line = rest; len(line) == 0 {
			return true
		}
		object, err := jsontext.NewDecoder(bytes.NewReader(line)).ReadValue()
		text := bytes.TrimSuffix(line, []byte("\n"))
		switch {
		case err != nil:
			r.reject(offset, text, invalid(err))
			return true
		case line[0] != '{':
			r.reject(offset, text, Reject{Reason: "no_object"})
			return true
		}
		r.object(object)
		behind := bytes.TrimLeft(text[len(object):], " \t\r")
		fail := slices.IndexFunc(r.faults, func(f fault) bool { return f.fail != nil })
		switch {
		case fail >= 0:
			r.result.Fail = &Fail{offset, r.faults[fail].reject.Column, r.faults[fail].fail}
			return false
		case len(r.faults) > 0:
			r.reject(offset, object, r.faults[0].reject)
		case len(behind) > 0 && behind[0] != '{':
			r.reject(offset, text, Reject{Reason: "invalid_json"})
			return true
		case !r.finish(object, offset):
			return false
		}
		line, offset = line[len(object):], offset+int64(len(object))
	}
}

func (r *reader) reject(offset int64, text []byte, reject Reject) {
	reject.Offset, reject.Raw = offset, string(text)
	r.result.Rejects = append(r.result.Rejects, reject)
}

// invalid is the reject for text that is not valid.
func invalid(err error) Reject {
	var at *jsontext.SyntacticError
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return Reject{Reason: "duplicate_name", Detail: err.Error()}
	case errors.As(err, &at) && strings.Contains(at.Err.Error(), "UTF-8"):
		return Reject{Reason: "invalid_utf8", Detail: err.Error()}
	}
	return Reject{Reason: "invalid_json", Detail: err.Error()}
}

// object reads a valid object into the cells of the columns that have a path.
func (r *reader) object(object []byte) {
	r.cells, r.faults, r.bad = make([]arrow.Array, len(r.schema.Columns)), nil, nil
	top := members(object)
	wanted := map[string]bool{}
	for _, c := range r.schema.Columns {
		if len(c.Path) > 0 {
			wanted[c.Path[0].Name] = true
		}
	}
	var extras []string
	for _, m := range top {
		if !wanted[m.name] {
			extras = append(extras, string(object[m.nameAt:m.end]))
			if r.schema.Unknown == schema.UnknownReject {
				r.faults = append(r.faults, fault{at: m.nameAt, reject: Reject{Column: m.name, Reason: "unknown_field"}})
			}
		}
	}
	for i, c := range r.schema.Columns {
		var bad *value.Bad
		at := -1
		switch {
		case c.Extra && len(extras) > 0:
			r.cells[i] = cell(c.Type, value.Value{Bytes: []byte("{" + strings.Join(extras, ",") + "}")})
			continue
		case len(c.Path) > 0:
			at, bad = r.find(i, object)
		}
		if r.cells[i] == nil {
			r.cells[i] = cell(c.Type, nil)
		}
		if bad == nil {
			continue
		}
		f := fault{at: at, reject: Reject{Column: c.Name, Reason: bad.Reason, Detail: bad.Detail}}
		switch c.OnBad {
		case schema.OnBadNull:
			r.bad = append(r.bad, i)
			continue
		case schema.OnBadFail:
			f.fail = bad
		}
		r.faults = append(r.faults, f)
	}
	slices.SortStableFunc(r.faults, func(a, b fault) int { return a.at - b.at })
}

// find reads the value at a column's path. at is where it begins.
func (r *reader) find(column int, object []byte) (at int, bad *value.Bad) {
	c := &r.schema.Columns[column]
	raw := object
	for _, step := range c.Path {
		found := false
		if step.Index < 0 && raw[0] == '{' {
			for _, m := range members(raw) {
				if m.name == step.Name && !found {
					raw, at, found = raw[m.at:m.end], at+m.at, true
				}
			}
		} else if step.Index >= 0 && raw[0] == '[' {
			if all := elements(raw); step.Index < len(all) {
				m := all[step.Index]
				raw, at, found = raw[m.at:m.end], at+m.at, true
			}
		}
		if !found {
			return 0, nil
		}
	}
	v, bad := fromJSON(raw, c.Type, c.Time)
	if bad == nil {
		r.cells[column] = cell(c.Type, v)
	}
	return at, bad
}

// finish computes what an object does not hold. It returns false to stop.
func (r *reader) finish(object []byte, offset int64) bool {
	for i, c := range r.schema.Columns {
		if c.Required && c.Expr == nil && r.cells[i].IsNull(0) {
			r.reject(offset, object, Reject{Column: c.Name, Reason: "missing"})
			return true
		}
	}
	for _, i := range r.bad {
		r.result.BadValues[i]++
	}
	var rejects []Reject
	var fail *Fail
	for i, c := range r.schema.Columns {
		switch c.Pseudo {
		case schema.SourceKey:
			r.cells[i] = cell(c.Type, value.Value{Bytes: []byte(r.source.Key)})
		case schema.SourceETag:
			r.cells[i] = cell(c.Type, value.Value{Bytes: []byte(r.source.ETag)})
		case schema.BatchID:
			r.cells[i] = cell(c.Type, value.Value{Bytes: []byte(r.source.BatchID)})
		case schema.SourceOffset:
			r.cells[i] = cell(c.Type, value.Value{Int: offset})
		}
		if c.Expr == nil {
			continue
		}
		a, faults := c.Expr.Eval(&expr.Batch{Rows: 1, Columns: r.cells})
		r.cells[i] = cell(c.Type, valueOf(a))
		for _, f := range faults {
			switch c.OnBad {
			case schema.OnBadNull:
				r.result.BadValues[i]++
			case schema.OnBadReject:
				rejects = append(rejects, Reject{Column: c.Name, Reason: f.Bad.Reason, Detail: f.Bad.Detail})
			case schema.OnBadFail:
				if fail == nil {
					fail = &Fail{offset, c.Name, f.Bad}
				}
			}
		}
		if c.Required && r.cells[i].IsNull(0) {
			rejects = append(rejects, Reject{Column: c.Name, Reason: "missing"})
		}
	}
	if fail != nil {
		r.result.Fail = fail
		return false
	}
	var folders []string
	for _, p := range r.schema.Partitions {
		a, faults := p.Expr.Eval(&expr.Batch{Rows: 1, Columns: r.cells})
		folder := escaped(p.Name) + "=" + folderValue(p.Type, a)
		switch {
		case len(faults) > 0:
			rejects = append(rejects, Reject{Column: p.Name, Reason: faults[0].Bad.Reason, Detail: faults[0].Bad.Detail})
		case len(folder) > 255:
			rejects = append(rejects, Reject{Column: p.Name, Reason: "too_long"})
		}
		folders = append(folders, folder)
	}
	if len(rejects) > 0 {
		r.reject(offset, object, rejects[0])
		return true
	}
	row := Row{Offset: offset, Partition: strings.Join(folders, "/")}
	_, stored := r.schema.Arrow()
	for _, i := range stored {
		row.Cells = append(row.Cells, r.cells[i])
	}
	r.result.Rows = append(r.result.Rows, row)
	return true
}

// folderValue is a partition's value as Hive names a folder.
func folderValue(t value.Type, a arrow.Array) string {
	v := valueOf(a)
	if v == nil {
		return "__HIVE_DEFAULT_PARTITION__"
	}
	text := string(value.AppendText(nil, v.(value.Value), t))
	if t.Kind == value.Timestamp {
		text = strings.TrimSuffix(strings.Replace(text, "T", " ", 1), "Z")
	}
	if text == "" {
		return "__HIVE_DEFAULT_PARTITION__"
	}
	return escaped(text)
}

func escaped(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		if c < ' ' || strings.IndexByte("\"#%'*/:=?\\\x7f{[]^", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// Show is an array's value at a row, for comparisons.
func Show(a arrow.Array, row int) string {
	if a.IsNull(row) {
		return "null"
	}
	if d, ok := a.(*array.Dictionary); ok {
		return Show(d.Dictionary(), d.GetValueIndex(row))
	}
	return a.ValueStr(row)
}
