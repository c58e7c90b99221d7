package scan

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/s3compact/s3compact/parquetconv/schema"
	"github.com/s3compact/s3compact/parquetconv/value"
)

// column makes a column from its name, type and path.
func col(t testing.TB, name, typ, path string) Column {
	t.Helper()
	parsed, err := value.ParseType(typ)
	if err != nil {
		t.Fatal(err)
	}
	p, err := schema.ParsePath(path)
	if err != nil {
		t.Fatal(err)
	}
	return Column{Name: name, Type: parsed, Path: p}
}

func (r result) show() string {
	var rows []string
	for i, row := range r.rows {
		rows = append(rows, fmt.Sprintf("%d:%s", r.offsets[i], strings.TrimSpace(row)))
	}
	return strings.Join(rows, "|") + " / " + strings.Join(r.rejects, "|")
}

// TestLayouts: rows that do not stand on lines.
func TestLayouts(t *testing.T) {
	documents, array, records := Options{Layout: schema.LayoutDocuments}, Options{Layout: schema.LayoutArray}, Options{Layout: schema.LayoutArray, RowsAt: []string{"Records"}}
	deep := Options{Layout: schema.LayoutArray, RowsAt: []string{"a", "b"}}
	for name, c := range map[string]struct {
		options    Options
		text, want string
	}{
		"pretty-printed":          {documents, "{\n  \"id\": 1\n}\n{\n  \"id\": 2\n}\n", "0:id=1|14:id=2 / "},
		"documents on lines":      {documents, "{\"id\":1}\n\n{\"id\":2}{\"id\":3}", "0:id=1|10:id=2|18:id=3 / "},
		"a broken document":       {documents, "{\"id\":1}\n{\"id\":\n}\n{\"id\":3}\n", "0:id=1 / 9 invalid_json "},
		"a document that is none": {documents, "{\"id\":1}\n[\n1]\n{\"id\":3}", "0:id=1|14:id=3 / 9 no_object "},
		"a document that is cut":  {documents, "{\"id\":1}\n{\"id\":\n", "0:id=1 / 9 invalid_json "},
		"a byte order mark":       {documents, "\xef\xbb\xbf{\"id\":\n1}", "3:id=1 / "},

		"an array":                   {array, ` [{"id":1}, {"id":2}` + "\n,\n" + `{"id":3}] `, "2:id=1|12:id=2|23:id=3 / "},
		"several arrays":             {array, "[{\"id\":1}]\n[]\n[{\"id\":2}]", "1:id=1|15:id=2 / "},
		"elements that are none":     {array, `[{"id":1},7,[{}],null,{"id":2}]`, "1:id=1|22:id=2 / 10 no_object |12 no_object |17 no_object "},
		"a comma at the end":         {array, `[{"id":1},]`, "1:id=1 / 10 invalid_json "},
		"no comma":                   {array, `[{"id":1}{"id":2}]`, "1:id=1 / 9 invalid_json "},
		"an array that is cut":       {array, `[{"id":1},{"id":2}`, "1:id=1|10:id=2 / 18 invalid_json "},
		"an element that is cut":     {array, `[{"id":1},{"id":`, "1:id=1 / 10 invalid_json "},
		"another document":           {array, `{"id":1} [{"id":2}]`, "10:id=2 / 0 no_rows "},
		"a duplicate in an element":  {array, `[{"id":1},{"id":2,"id":3},{"id":4}]`, "1:id=1 / 10 duplicate_name "},
		"rubbish behind":             {array, `[{"id":1}]]`, "1:id=1 / 10 invalid_json "},
		"a bad value in an element":  {array, `[{"id":"x"},{"id":2}]`, "12:id=2 / 1 type id"},
		"records":                    {records, `{"Records":[{"id":1},{"id":2}]}`, "12:id=1|21:id=2 / "},
		"records among others":       {records, `{ "v" : {"a":[1]}, "R\u0065cords" : [ {"id":1} ] , "z":null } {"Records":[]}`, "38:id=1 / "},
		"no records":                 {records, `{"Message":"x"}{"Records":[{"id":1}]}`, "27:id=1 / 0 no_rows "},
		"records that are no array":  {records, `{"Records":{"id":1}}`, " / 0 no_rows "},
		"records twice":              {records, `{"Records":[{"id":1}],"Records":[]}`, "12:id=1 / 22 duplicate_name "},
		"a broken envelope":          {records, `{"v":1,}`, " / 7 invalid_json "},
		"another broken envelope":    {records, `{"v":1 "Records":[]}`, " / 7 invalid_json "},
		"an envelope that is cut":    {records, `{"v":"`, " / 1 invalid_json "},
		"an envelope without an end": {records, `{"Records":[]`, " / 13 invalid_json "},
		"deeper":                     {deep, `{"a":{"x":1,"b":[{"id":1}]},"b":[{"id":7}]}`, "17:id=1 / "},
		"deeper and wrong":           {deep, `{"a":[{"b":[{"id":1}]}]}`, " / 0 no_rows "},
		"an empty envelope":          {records, `{}`, " / 0 no_rows "},
		"nothing":                    {records, "\n", " / "},
	} {
		t.Run(name, func(t *testing.T) {
			id := col(t, "id", "int64", "$.id")
			id.OnBad = schema.OnBadReject
			for _, piece := range []int{1 << 20, 1, 5} {
				r, err := scanAll(t, []Column{id}, c.options, []byte(c.text), piece)
				if got := r.show(); err != nil || got != c.want {
					t.Errorf("pieces of %d: %s, %v; want %s", piece, got, err, c.want)
				}
			}
		})
	}
}

// FuzzArray: of a document that is valid all elements that are objects are
// rows, with their values; of one that is not, those before the fault at most.
func FuzzArray(f *testing.F) {
	for _, text := range []string{`[{"id":1},{"id":2}]`, `[]`, `[{"id":"\u00e9"},7,null]`, `[{},]`, `[{}`, ` [ { } ] x`, `[{"id":1}]]`, `[{"a":1,"a":2}]`, "[{\"id\":\n\"\xff\"}]"} {
		f.Add([]byte(text), uint8(3))
	}
	f.Fuzz(func(t *testing.T, text []byte, piece uint8) {
		if bytes.HasPrefix(text, byteOrderMark) {
			return
		}
		r, err := scanAll(t, []Column{col(t, "id", "json", "$.id")}, Options{Layout: schema.LayoutArray}, text, int(piece)+1)
		if err != nil {
			t.Fatal(err)
		}
		var elements []jsontext.Value
		valid := json.Unmarshal(text, &elements) == nil && elements != nil
		var want []string
		for _, e := range elements {
			if e.Kind() == '{' {
				var row struct {
					ID jsontext.Value `json:"id"`
				}
				if err := json.Unmarshal(e, &row); err != nil {
					t.Fatal(err)
				}
				cell := ""
				if row.ID != nil && row.ID.Kind() != 'n' {
					cell = "id=" + string(row.ID) + " "
				}
				want = append(want, cell)
			}
		}
		switch {
		case valid && (strings.Join(r.rows, "\n") != strings.Join(want, "\n") || int(r.rowsIn) != len(elements)):
			t.Errorf("%q: rows %q and rejects %q of %d, want %q of %d", text, r.rows, r.rejects, r.rowsIn, want, len(elements))
		case !valid && len(r.rejects) == 0 && len(r.rows) == 0:
			// Nothing at all, or arrays without elements.
			d := jsontext.NewDecoder(bytes.NewReader(text))
			for {
				v, err := d.ReadValue()
				if err != nil {
					if err.Error() != "EOF" {
						t.Errorf("%q: no row and no reject: %v", text, err)
					}
					return
				}
				if v.Kind() != '[' {
					t.Errorf("%q: no row and no reject", text)
				}
			}
		}
	})
}

// TestLongRows: a row of MaxRowBytes is read, a longer one is rejected with its line.
func TestLongRows(t *testing.T) {
	const most = 5000
	row := func(n int) string { return `{"s":"` + strings.Repeat("é", (n-8)/2) + `"}` }
	text := row(most) + "\n" + row(most+2) + "\n" + `{"s":"b"}` + "\n" + row(most+2)
	for _, piece := range []int{1 << 20, 1, 100, most} {
		r, err := scanAll(t, []Column{col(t, "s", "string", "$.s")}, Options{MaxRowBytes: most}, []byte(text), piece)
		if err != nil || len(r.rows) != 2 || r.rows[1] != "s=b " || strings.Join(r.rejects, "|") != "5001 too_long |10014 too_long " {
			t.Errorf("pieces of %d: %d rows, rejects %q, %v", piece, len(r.rows), r.rejects, err)
		}
		for _, raw := range r.raw {
			if len(raw) > MaxRawBytes || len(raw) < MaxRawBytes-1 || !value.ValidText([]byte(raw)) {
				t.Errorf("pieces of %d: raw text of %d bytes", piece, len(raw))
			}
		}
	}
}

// TestBlocks: blocks are full in time, and hold rows of several sources.
func TestBlocks(t *testing.T) {
	s, err := New([]Column{col(t, "s", "string", "$.s")}, Options{BlockRows: 4})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	take := func() {
		b := s.Take()
		got = append(got, fmt.Sprint(b.Rows, len(b.Rejects), b.Sources, b.Offsets))
	}
	for source, text := range []string{`{"s":"a"}{"s":"b"}x`, "", `{"s":"a"}{"s":"b"}{"s":"c"}{"s":"d"}{"s":"e"}`, `{"s":"a"}`} {
		s.Begin(source, 0)
		for rest := []byte(text); len(rest) > 0; {
			n, err := s.Scan(rest, true)
			if err != nil {
				t.Fatal(err)
			}
			if rest = rest[n:]; s.Full() {
				take()
			}
		}
	}
	take()
	want := "3 1 [{0 0 0} {2 1 1}] [0 0 9]; 4 0 [{2 0 0} {3 3 0}] [18 27 36 0]; 0 0 [{3 0 0}] []"
	if got := strings.Join(got, "; "); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestOnBadFail(t *testing.T) {
	c := col(t, "a", "int32", "$.a")
	c.OnBad = schema.OnBadFail
	s, err := New([]Column{c}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.Begin(7, 100)
	_, err = s.Scan([]byte("{\"a\":1}\n{\"a\":\"x\"}\n"), true)
	var fail *FailError
	if !errors.As(err, &fail) || fail.Offset != 108 || fail.Source != 7 || fail.Column != "a" || fail.Bad.Reason != value.ReasonType {
		t.Errorf("error %v", err)
	}
	s.Begin(8, 0)
	if n, err := s.Scan([]byte("{\"a\":2}\n"), true); n != 8 || err != nil {
		t.Errorf("after it: %d, %v", n, err)
	}
	if b := s.Take(); b.Rows != 2 {
		t.Errorf("%d rows", b.Rows)
	}
}

func TestOptionsThatCannotBe(t *testing.T) {
	ok := col(t, "a", "json", "$.a")
	for name, c := range map[string]struct {
		columns []Column
		options Options
	}{
		"no path":            {[]Column{{Name: "a", Type: ok.Type}}, Options{}},
		"extra without keep": {[]Column{{Name: "a", Type: ok.Type, Extra: true}}, Options{}},
		"two extras":         {[]Column{{Name: "a", Type: ok.Type, Extra: true}, {Name: "b", Type: ok.Type, Extra: true}}, Options{Unknown: schema.UnknownKeep}},
		"extra of text":      {[]Column{{Name: "a", Type: value.Type{Kind: value.String}, Extra: true}}, Options{Unknown: schema.UnknownKeep}},
		"no type":            {[]Column{{Name: "a", Path: ok.Path}}, Options{}},
		"rows at, as lines":  {[]Column{ok}, Options{RowsAt: []string{"a"}}},
		"huge blocks":        {[]Column{ok}, Options{BlockBytes: 1 << 31}},
		"a time of json":     {[]Column{{Name: "a", Type: ok.Type, Path: ok.Path, Time: schema.TimeFormat{Kind: schema.TimeEpochSecond}}}, Options{}},
		"no layout":          {[]Column{{Name: "a", Type: value.Type{Kind: value.Timestamp}, Path: ok.Path, Time: schema.TimeFormat{Kind: schema.TimeLayout}}}, Options{}},
	} {
		if _, err := New(c.columns, c.options); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
