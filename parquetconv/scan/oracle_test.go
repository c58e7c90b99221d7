package scan

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/s3compact/s3compact/parquetconv/naive"
	"github.com/s3compact/s3compact/parquetconv/schema"
)

// Package naive reads the same schemas slowly, with jsontext: this package is
// held against it.

func parse(t testing.TB, text string) *schema.Schema {
	t.Helper()
	s, err := schema.Parse([]byte("version: 1\n"+text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// columnsOf are those of a schema that have no expression.
func columnsOf(s *schema.Schema) (columns []Column) {
	for _, c := range s.Columns {
		if c.Expr == nil {
			columns = append(columns, Column{Name: c.Name, Type: c.Type, Path: c.Path, OnBad: c.OnBad, Required: c.Required, Extra: c.Extra})
		}
	}
	return columns
}

// result is what became of a text: each row as its cells, each reject as its
// offset, reason and column, in their order.
type result struct {
	rows, rejects []string
	bad           []int64
	raw           []string
	offsets       []int64
	texts         []string
	faults        []int64
	rowsIn        int64
}

func cells(names []string, columns []arrow.Array, i int) string {
	var b strings.Builder
	for c, column := range columns {
		if column.IsNull(i) {
			continue
		}
		if d, ok := column.(*array.Dictionary); ok {
			fmt.Fprintf(&b, "%s=%s ", names[c], d.Dictionary().ValueStr(d.GetValueIndex(i)))
			continue
		}
		fmt.Fprintf(&b, "%s=%s ", names[c], column.ValueStr(i))
	}
	return b.String()
}

func (r *result) add(t testing.TB, names []string, b *Block) {
	t.Helper()
	if b.RowsIn != int64(b.Rows+len(b.Rejects)) || len(b.Offsets) != b.Rows || len(b.Lengths) != b.Rows {
		t.Errorf("%d rows in: %d rows, %d rejects, %d offsets", b.RowsIn, b.Rows, len(b.Rejects), len(b.Offsets))
	}
	for _, c := range b.Columns {
		if c.Len() != b.Rows {
			t.Fatalf("column of %d values in a block of %d rows", c.Len(), b.Rows)
		}
	}
	r.rowsIn += b.RowsIn
	for i := range b.Rows {
		r.rows = append(r.rows, cells(names, b.Columns, i))
		r.offsets = append(r.offsets, b.Offsets[i])
	}
	for _, e := range b.Rejects {
		r.rejects = append(r.rejects, fmt.Sprintf("%d %s %s", e.Offset, e.Reason, e.Column))
		r.raw = append(r.raw, string(e.Raw))
		r.faults = append(r.faults, e.FaultAt)
		r.texts = append(r.texts, e.Detail)
	}
	if r.bad == nil {
		r.bad = make([]int64, len(b.BadValues))
	}
	for i, n := range b.BadValues {
		r.bad[i] += n
	}
}

// scanAll reads a text in pieces of a size, which grows where a row needs it.
func scanAll(t testing.TB, columns []Column, o Options, text []byte, piece int) (result, error) {
	t.Helper()
	s, err := New(columns, o)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range columns {
		names = append(names, c.Name)
	}
	var r result
	s.Begin(0, 0)
	end := min(piece, len(text))
	for start := 0; ; {
		// A copy, so that what is read beyond it, or kept of it, is noticed.
		view := bytes.Clone(text[start:end])
		n, err := s.Scan(view[:len(view):len(view)], end == len(text))
		clear(view)
		if err != nil {
			return r, err
		}
		if start += n; start > end {
			t.Fatalf("done with %d bytes of %d", n, len(view))
		}
		if s.Full() {
			r.add(t, names, s.Take())
			continue
		}
		if end == len(text) {
			if start < end {
				t.Fatalf("%d bytes left at the end", end-start)
			}
			break
		}
		end = min(len(text), max(end+piece, start+2*(end-start)))
	}
	r.add(t, names, s.Take())
	return r, nil
}

func oracle(s *schema.Schema, text []byte) (result, *naive.Fail) {
	files, _ := s.Arrow()
	var names []string
	for _, f := range files.Fields() {
		names = append(names, f.Name)
	}
	from := naive.Read(s, naive.Source{Text: text})
	r := result{bad: from.BadValues, rowsIn: int64(len(from.Rows) + len(from.Rejects))}
	for _, row := range from.Rows {
		r.rows = append(r.rows, cells(names, row.Cells, 0))
		r.offsets = append(r.offsets, row.Offset)
	}
	for _, e := range from.Rejects {
		r.rejects = append(r.rejects, fmt.Sprintf("%d %s %s", e.Offset, e.Reason, e.Column))
		r.raw = append(r.raw, string(cutText([]byte(e.Raw), MaxRawBytes)))
		r.texts = append(r.texts, e.Detail)
	}
	return r, from.Fail
}

// same compares what this package and package naive make of a text.
func same(t *testing.T, s *schema.Schema, text []byte, pieces ...int) {
	t.Helper()
	want, wantFail := oracle(s, text)
	for _, piece := range pieces {
		got, err := scanAll(t, columnsOf(s), Options{Unknown: s.Unknown}, text, piece)
		var fail *FailError
		if errors.As(err, &fail) || wantFail != nil {
			if fail == nil || wantFail == nil || fail.Offset != wantFail.Offset || fail.Column != wantFail.Column || fail.Bad.Error() != wantFail.Bad.Error() {
				t.Fatalf("pieces of %d: %v, want %+v", piece, err, wantFail)
			}
			continue
		}
		if g, w := strings.Join(got.rows, "\n"), strings.Join(want.rows, "\n"); g != w || got.rowsIn != want.rowsIn || fmt.Sprint(got.offsets) != fmt.Sprint(want.offsets) {
			t.Fatalf("pieces of %d: %d rows in:\n%s\nwant %d:\n%s\nrejects %q, want %q", piece, got.rowsIn, g, want.rowsIn, w, got.rejects, want.rejects)
		}
		if len(got.rejects) != len(want.rejects) {
			t.Fatalf("pieces of %d: rejects %q, want %q", piece, got.rejects, want.rejects)
		}
		for i := range got.rejects {
			if got.rejects[i] != want.rejects[i] || got.raw[i] != want.raw[i] {
				t.Fatalf("pieces of %d: reject %q of %q, want %q of %q (%s; %s)", piece, got.rejects[i], got.raw[i], want.rejects[i], want.raw[i], got.texts[i], want.texts[i])
			}
		}
		if fmt.Sprint(got.bad) != fmt.Sprint(want.bad) {
			t.Fatalf("pieces of %d: bad values %v, want %v", piece, got.bad, want.bad)
		}
	}
}

const allTypes = `
columns:
  - {name: id, type: int64, required: true}
  - {name: s, type: string}
  - {name: n, type: int32, on_bad: reject}
  - {name: b, type: boolean}
  - {name: f, type: float}
  - {name: d, type: double}
  - {name: dec, type: "decimal(20,3)"}
  - {name: bin, type: binary}
  - {name: day, type: date}
  - {name: ts, type: timestamp}
  - {name: j, type: json}
  - {name: deep, type: string, path: $.a.b}
  - {name: first, type: int64, path: "$.list[0]"}
  - {name: inner, type: string, path: "$.list[1].x"}
  - {name: whole, type: json, path: $.list}
  - {name: again, type: string, path: $.id}
unknown_fields: `

var seeds = []string{
	`{"id":1,"s":"x","n":2,"b":true,"f":0.1,"d":-12.5e3,"dec":1.125,"bin":"AP8=","day":"2024-02-29","ts":"2024-01-02T03:04:05.123456Z","j":{"a":[1, 2]},"a":{"b":"y","c":[]},"list":[7,{"x":"z"}],"z":{}}` + "\n",
	`{"id":1}`, "{\"id\":1}\r\n\r\n{\"id\":2}\r\n", "\n  \n{\"id\":1}\n\n\t\n", "\xef\xbb\xbf{\"id\":1}\nx", `{"id":1}{"id":2} {"id":3}`, `{"id":1}{"id":` + "\n" + `{"id":2}`, `{"id":1}{"id":2}x`, `{"id":1},{"id":2}`,
	`{"id":1}` + "\n" + `{"id":2,"s":"a`, "{\n\"id\":1\n}\n", "[1]\n\"x\"\n7\nnull\n", `{"id":1,"id":1}` + "\n" + `{"id":1,"z":{"a":1,"a":2}}`, "{\"id\":1,\"s\":\"\xff\"}\n{\"id\":1,\"\xc3\":1}\n", `{"id":1,"s":"\ud800"}`, `{"id":1,"s":"\x"}`,
	`{"\u0069d":1,"a":{"\u0062":"\u00e9"}}`, `{"s":"x"}` + "\n" + `{"id":null}`, `{"id":1,"s":true,"list":["x"]}`, `{"id":1,"n":1.5}` + "\n" + `{"id":1.5}`, `{"id":1,"n":1.5,}`, `{"id":1,"a":"x","list":{"0":1}}` + "\n" + `{"id":2,"a":null,"list":[]}`,
	`{"id":-0,"n":-1,"d":-0.0,"f":1e39,"dec":0.0001,"day":"2023-02-29","ts":"2024-01-02T03:04:05+23:59","s":"\u00e9\n\ud83d\ude00\/"}`, `{"id":9223372036854775807,"d":9007199254740993,"f":16777217,"dec":-99999999999999999.999}`, `{"id":1e3,"s":12345678901234567890.10,"bin":"*","b":"true"}`,
	`{"id":01}`, `{"id":1.}`, `{"id":-}`, `{"id":1e}`, `{"id":tru}`, `{"id":1 "s":2}`, `{"id"1}`, `{1:2}`, `{"id":1,"x":[1,]}`, `{"id":1,"x":[1 2]}`, `{"id":1,"x":{"a":[{"q":1,"q":2}]}}`, `{"id":1}x` + "\n" + `{"id":2}`, ` { "id" : 1 , "s" : "a" } `,
	`{"id":1,"ts":"0001-01-01T00:00:00Z","day":"9999-12-31"}`, `{"id":1,"ts":"9999-12-31T23:59:59-00:01"}`, `{"id":1,"ts":"2024-01-02t03:04:05.5z"}`, `{"id":1,"x":"` + "\t" + `"}`, "{\"id\":1,\"x\":\"\u00e9\u20ac\U0001f600\"}", "{\"id\":1,\"x\":\"\xed\xa0\x80\"}",
	`{"id":1,"a":{"b":"y"},"a":{}}`, `{"id":1,"\"q":1,"\"q":2}`, `{"id":1,"list":[0,{"x":1,"x":2}]}`,
}

func TestSameAsNaive(t *testing.T) {
	for _, unknown := range []string{"ignore", "reject", "keep"} {
		s := parse(t, allTypes+unknown)
		for _, text := range seeds {
			t.Run("", func(t *testing.T) { same(t, s, []byte(text), 1<<20, 1, 3, 64) })
		}
		t.Run("all", func(t *testing.T) { same(t, s, []byte(strings.Join(seeds, "\n")), 1<<20, 7, 64) })
	}
}

// FuzzNaive holds the scanner against package naive.
func FuzzNaive(f *testing.F) {
	for _, text := range seeds {
		f.Add([]byte(text), uint8(3))
	}
	var all []*schema.Schema
	for _, unknown := range []string{"ignore", "reject", "keep"} {
		all = append(all, parse(f, allTypes+unknown))
	}
	f.Fuzz(func(t *testing.T, text []byte, piece uint8) {
		same(t, all[int(piece)%len(all)], text, 1<<20, int(piece)+1)
	})
}

// lenient rejects nothing that is JSON.
const lenient = `columns: [{name: a, type: json}, {name: b, type: double}, {name: c, type: string, path: $.c.d}, {name: id, type: int64}, {name: list, type: json, path: "$.list[1]"}]`

// verdict is what jsontext says of a line: how many objects, whether they are
// all, and where it fails.
func verdict(line []byte) (objects int, fault error) {
	d := jsontext.NewDecoder(bytes.NewReader(line))
	for {
		if err := d.SkipValue(); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return objects, err
		}
		objects++
	}
}

// FuzzValid: a line is valid exactly if jsontext takes it, and if not, it is
// not valid from the same byte on.
func FuzzValid(f *testing.F) {
	for _, text := range seeds {
		for line := range strings.SplitSeq(text, "\n") {
			f.Add([]byte(line))
		}
	}
	for _, line := range []string{`{"a":"\ud83d\ude00"}`, `{"a":"\ud83dx"}`, `{"a":"\ud83d\u0041"}`, `{"a":"\ude00"}`, `{"a":"\uD83D\uDE0`, `{"a":"\u12`, `{"a":nul`, `{"a":falsy}`, `{"a":-1.5E+10,"b":0.1e-3}`, `{"":"","":1}`, `{"a`, `{"a"`, `{"a":`, `{"a":1,`, `{,}`, `{"a":}`, `{"a":]}`, `{"a":[}]}`} {
		f.Add([]byte(line))
	}
	s := parse(f, lenient)
	f.Fuzz(func(t *testing.T, line []byte) {
		if bytes.IndexByte(line, '\n') < 0 {
			sameVerdict(t, s, line)
		}
	})
}

// sameVerdict compares what is said of a line that begins as an object.
func sameVerdict(t *testing.T, s *schema.Schema, line []byte) {
	t.Helper()
	line = bytes.TrimLeft(line, " \t\r")
	if len(line) == 0 || line[0] != '{' {
		return
	}
	objects, fault := verdict(line)
	got, err := scanAll(t, columnsOf(s), Options{}, line, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	var at *jsontext.SyntacticError
	switch {
	case fault == nil:
		// Values that are no objects may follow the first one.
		if len(got.rejects) == 0 && got.rowsIn != int64(objects) {
			t.Errorf("%q: %d rows, want %d", line, got.rowsIn, objects)
		}
		for i, r := range got.rejects {
			if !strings.Contains(got.texts[i], "after the object") {
				t.Errorf("%q is valid, but %s: %s", line, r, got.texts[i])
			}
		}
	case len(got.rejects) != 1:
		t.Errorf("%q: rejects %q, want one: %v", line, got.rejects, fault)
	case errors.As(fault, &at) && !errors.Is(at.Err, io.ErrUnexpectedEOF) && !strings.Contains(got.texts[0], "after the object"):
		if got.faults[0] != at.ByteOffset {
			t.Errorf("%q: fault at %d (%s), want %d: %v", line, got.faults[0], got.texts[0], at.ByteOffset, fault)
		}
		want := ReasonInvalidJSON
		switch {
		case errors.Is(at.Err, jsontext.ErrDuplicateName):
			want = ReasonDuplicateName
		case strings.Contains(at.Err.Error(), "UTF-8"):
			want = ReasonInvalidUTF8
		}
		if !strings.Contains(got.rejects[0], want) {
			t.Errorf("%q: %s, want %s: %v", line, got.rejects[0], want, fault)
		}
	}
}
