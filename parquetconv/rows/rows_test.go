package rows

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/s3compact/s3compact/parquetconv/naive"
	"github.com/s3compact/s3compact/parquetconv/scan"
	"github.com/s3compact/s3compact/parquetconv/schema"
)

const plain = `
columns:
  - {name: id, type: int64, required: true}
  - {name: s, type: string}
  - {name: n, type: int32, on_bad: reject}
  - {name: deep, type: string, path: $.a.b}
  - {name: first, type: int64, path: "$.list[0]"}
  - {name: twice, type: int64, expr: "n * 2"}
`

// decode shows the rows and rejects of a source, in their order.
func decode(t testing.TB, s *schema.Schema, text string) (rows, rejects []string, rowsIn int64) {
	t.Helper()
	d := newDecoder(t, s, Options{})
	files, _ := s.Arrow()
	take := func(b *Block) {
		rowsIn += b.RowsIn
		for i := range b.Rows {
			var cells []string
			for c, column := range b.Columns {
				if !column.IsNull(i) {
					cells = append(cells, files.Field(c).Name+"="+naive.Show(column, i))
				}
			}
			if p := b.Partitions[b.Partition[i]]; p != "" {
				cells = append(cells, "in "+p)
			}
			rows = append(rows, strings.Join(cells, " "))
		}
		for _, r := range b.Rejects {
			rejects = append(rejects, fmt.Sprintf("%d %s %s", r.Offset, r.Reason, r.Column))
		}
		new(shown).add(t, s, b)
	}
	err := decodeAll(t, d, 0, Source{}, []byte(text), 1<<20, take)
	if err != nil {
		t.Fatal(err)
	}
	last, err := d.Take()
	if err != nil {
		t.Fatal(err)
	}
	take(last)
	if rowsIn != int64(len(rows)+len(rejects)) {
		t.Errorf("%d rows in, but %d rows and %d rejects", rowsIn, len(rows), len(rejects))
	}
	return rows, rejects, rowsIn
}

func TestDecode(t *testing.T) {
	for name, c := range map[string]struct{ text, rows, rejects string }{
		"a row":                   {`{"id":1,"s":"x","n":2,"a":{"b":"y","c":[]},"list":[7,8],"z":{}}` + "\n", "id=1 s=x n=2 deep=y first=7 twice=4", ""},
		"no last line feed":       {`{"id":1}`, "id=1", ""},
		"carriage returns":        {"{\"id\":1}\r\n\r\n{\"id\":2}\r\n", "id=1|id=2", ""},
		"blank lines":             {"\n  \n{\"id\":1}\n\n\t\n", "id=1", ""},
		"a byte order mark":       {"\xef\xbb\xbf{\"id\":1}\nx", "id=1", "12 invalid_json "},
		"several on a line":       {`{"id":1}{"id":2} {"id":3}`, "id=1|id=2|id=3", ""},
		"a bad one behind":        {`{"id":1}{"id":` + "\n" + `{"id":2}`, "id=1|id=2", "8 invalid_json "},
		"rubbish behind":          {`{"id":1}{"id":2}x`, "id=1", "8 invalid_json "},
		"a comma behind":          {`{"id":1},{"id":2}`, "", "0 invalid_json "},
		"cut off":                 {`{"id":1}` + "\n" + `{"id":2,"s":"a`, "id=1", "9 invalid_json "},
		"over several lines":      {"{\n\"id\":1\n}\n", "", "0 invalid_json |2 no_object |9 invalid_json "},
		"no object":               {"[1]\n\"x\"\n7\nnull\n", "", "0 no_object |4 no_object |8 no_object |10 no_object "},
		"duplicate names":         {`{"id":1,"id":1}` + "\n" + `{"id":1,"z":{"a":1,"a":2}}`, "", "0 duplicate_name |16 duplicate_name "},
		"bad UTF-8":               {"{\"id\":1,\"s\":\"\xff\"}\n{\"id\":1,\"\xc3\":1}\n", "", "0 invalid_utf8 |17 invalid_utf8 "},
		"half a surrogate":        {`{"id":1,"s":"\ud800"}`, "", "0 invalid_json "},
		"a wrong escape":          {`{"id":1,"s":"\x"}`, "", "0 invalid_json "},
		"escaped names":           {`{"\u0069d":1,"a":{"\u0062":"\u00e9"}}`, "id=1 deep=é", ""},
		"missing":                 {`{"s":"x"}` + "\n" + `{"id":null}`, "", "0 missing id|10 missing id"},
		"a bad value is null":     {`{"id":1,"s":true,"list":["x"]}`, "id=1", ""},
		"a bad value rejects":     {`{"id":1,"n":1.5}` + "\n" + `{"id":1.5}`, "", "0 fraction n|17 fraction id"},
		"syntax before values":    {`{"id":1,"n":1.5,}`, "", "0 invalid_json "},
		"paths that lead nowhere": {`{"id":1,"a":"x","list":{"0":1}}` + "\n" + `{"id":2,"a":null,"list":[]}`, "id=1|id=2", ""},
		"a derived bad value":     {`{"id":1,"n":2147483647}`, "id=1 n=2147483647 twice=4294967294", ""},
		"nothing":                 {"", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			rows, rejects, _ := decode(t, parse(t, plain), c.text)
			if got := strings.Join(rows, "|"); got != c.rows {
				t.Errorf("rows %q, want %q", got, c.rows)
			}
			if got := strings.Join(rejects, "|"); got != c.rejects {
				t.Errorf("rejects %q, want %q", got, c.rejects)
			}
		})
	}
}

func TestLayouts(t *testing.T) {
	columns := "columns: [{name: id, type: int64}, {name: at, type: int64, expr: _source_offset}, {name: n, type: int64, expr: \"6 / id\", on_bad: reject}]\n"
	for _, c := range []struct{ layout, text, rows, rejects string }{
		{"layout: documents", "{\n \"id\": 1\n}\n{\"id\":0}{\"id\":\n2}", "id=1 at=0 n=6|id=2 at=21 n=3", "13 division n"},
		{"layout: documents", "{\"id\":0}{\"id\":\n2,}{\"id\":3}", "", "0 division n|8 invalid_json "},
		{"layout: array", "[{\"id\":1},\n{\"id\":0}, 7, {\"id\":3}]", "id=1 at=1 n=6|id=3 at=24 n=2", "11 division n|21 no_object "},
		{"layout: array\nrows_at: $.a.Records", `{"v":1,"a":{"Records":[{"id":1},{"id":0}],"b":[]}}{"v":1} {"a":{"Records":[{"id":2}` + "]", "id=1 at=23 n=6|id=2 at=75 n=3", "32 division n|50 no_rows |84 invalid_json "},
	} {
		rows, rejects, _ := decode(t, parse(t, c.layout+"\n"+columns), c.text)
		if got := strings.Join(rows, "|"); got != c.rows {
			t.Errorf("%s: rows %q, want %q", c.layout, got, c.rows)
		}
		if got := strings.Join(rejects, "|"); got != c.rejects {
			t.Errorf("%s: rejects %q, want %q", c.layout, got, c.rejects)
		}
	}
}

// TestPieceOfASource: offsets count from the beginning of the source.
func TestPieceOfASource(t *testing.T) {
	s := parse(t, "columns: [{name: id, type: int64, required: true}, {name: at, type: string, expr: \"_source_key || cast(_source_offset as string)\"}, {name: n, type: int64, expr: \"6 / id\", on_bad: reject}]")
	d := newDecoder(t, s, Options{})
	var seen shown
	for i, offset := range []int64{1 << 40, 7} {
		text := `{"id":1} {"id":0}` + "\n" + `{"id":null}`
		if err := decodeAll(t, d, i, Source{Key: fmt.Sprintf("k%d@", i), OffsetBytes: offset}, []byte(text), 5, nil); err != nil {
			t.Fatal(err)
		}
	}
	b, err := d.Take()
	if err != nil {
		t.Fatal(err)
	}
	seen.add(t, s, b)
	if got := strings.Join(seen.rows, "|"); got != "0 1|k0@1099511627776|6 in |1 1|k1@7|6 in " {
		t.Errorf("rows %q", got)
	}
	if got := strings.Join(seen.rejects, "|"); got != "0 1099511627785 division n|0 1099511627794 missing id|1 16 division n|1 25 missing id" {
		t.Errorf("rejects %q", got)
	}
}

// TestEmptySources: sources without text take no memory, nor the place of others.
func TestEmptySources(t *testing.T) {
	s := parse(t, "columns: [{name: id, type: int64}, {name: key, type: string, expr: _source_key}]")
	d := newDecoder(t, s, Options{})
	if b, err := d.Take(); err != nil || b.RowsIn != 0 || len(b.Columns) != 2 {
		t.Errorf("an empty block: %+v, %v", b, err)
	}
	var seen shown
	for number := range 60 {
		d.Begin(number, Source{Key: fmt.Sprint("k", number)})
		text := ""
		if number%10 == 7 {
			text = `{"id":1}`
		}
		if n, err := d.Decode([]byte(text), true); n != len(text) || err != nil {
			t.Fatal(n, err)
		}
		if number == 38 {
			b, err := d.Take()
			if err != nil {
				t.Fatal(err)
			}
			seen.add(t, s, b)
		}
	}
	if n := len(d.sources); n > 3 {
		t.Errorf("%d sources are remembered", n)
	}
	b, err := d.Take()
	if err != nil {
		t.Fatal(err)
	}
	seen.add(t, s, b)
	if got := strings.Join(seen.rows, "|"); got != "7 1|k7 in |17 1|k17 in |27 1|k27 in |37 1|k37 in |47 1|k47 in |57 1|k57 in " {
		t.Errorf("rows %q", got)
	}
}

func TestUnknownFields(t *testing.T) {
	columns := "columns: [{name: id, type: int64}, {name: b, type: int64, path: $.a.b}]\nunknown_fields: "
	text := `{"id":1,"x":1, "y" : {"z":[1]},"a":{"b":2,"c":3}}` + "\n" + `{"id":2}`
	for policy, want := range map[string]string{
		"ignore": "id=1 b=2|id=2 / ",
		"reject": "id=2 / 0 unknown_field x",
		"keep":   `id=1 b=2 _extra={"x":1,"y" : {"z":[1]}}|id=2 / `,
	} {
		rows, rejects, _ := decode(t, parse(t, columns+policy), text)
		if got := strings.Join(rows, "|") + " / " + strings.Join(rejects, "|"); got != want {
			t.Errorf("%s: %q, want %q", policy, got, want)
		}
	}
}

func TestWholeAndPart(t *testing.T) {
	s := parse(t, `columns: [{name: whole, type: json, path: $.a}, {name: part, type: int64, path: "$.a.list[1].x"}]`)
	rows, _, _ := decode(t, s, `{"a":{"list":[0, {"x":5}]}}`)
	if want := `whole={"list":[0, {"x":5}]} part=5`; len(rows) != 1 || rows[0] != want {
		t.Errorf("rows %q, want %q", rows, want)
	}
}

func TestPartitionPaths(t *testing.T) {
	s := parse(t, `
columns: [{name: k, type: string}, {name: x, type: int64}]
partitions: [{name: k}, {name: hour, type: timestamp, expr: "cast(t as timestamp)"}, {name: b, type: boolean, expr: "x > 1"}]`)
	for text, want := range map[string]string{
		`{"k":"a/b=c%d é:\u0001","t":"2026-01-02T03:00:00Z","x":2}`: "x=2 in k=a%2Fb%3Dc%25d é%3A%01/hour=2026-01-02 03%3A00%3A00/b=true",
		`{"k":"","t":"2026-01-02T03:00:00.5Z"}`:                     "in k=" + DefaultPartition + "/hour=2026-01-02 03%3A00%3A00.5/b=" + DefaultPartition,
		`{"k":"\"#'*?\\{[]^"}`:                                      "in k=%22%23%27%2A%3F%5C%7B%5B%5D%5E/hour=" + DefaultPartition + "/b=" + DefaultPartition,
		`{"k":"..","x":1}`:                                          "x=1 in k=../hour=" + DefaultPartition + "/b=false",
	} {
		rows, rejects, _ := decode(t, s, text)
		if len(rows) != 1 || rows[0] != want || len(rejects) != 0 {
			t.Errorf("%s: %q, rejects %q; want %q", text, rows, rejects, want)
		}
	}
	_, rejects, _ := decode(t, s, `{"k":"`+strings.Repeat("x", 254)+`"}`+"\n"+`{"t":"no time"}`)
	if got := strings.Join(rejects, "|"); got != "0 too_long k|263 syntax hour" {
		t.Errorf("rejects %q", got)
	}
}

// TestTextsOfRejects: a row that is rejected after it was scanned has its text,
// and texts are kept only where that may be.
func TestTextsOfRejects(t *testing.T) {
	const columns = "columns: [{name: id, type: int64}, {name: n, type: int64, expr: \"%s\", %s}]\npartitions: [{name: \"%s\", type: int64, expr: \"%s\"}]"
	for _, c := range []struct {
		expr, rule, name, partition string
		keeps                       bool
	}{
		{"1 / id", "on_bad: \"null\"", "p", "id", false},
		{"id", "on_bad: reject", "p", "bucket(16, id)", false},
		{"1 / id", "on_bad: reject", "p", "id", true},
		{"nullif(id, 0)", "required: true", "p", "id", true},
		{"id", "on_bad: \"null\"", "p", "1 / id", true},
		{"id", "on_bad: \"null\"", strings.Repeat("p", 100), "id", false},
	} {
		d := newDecoder(t, parse(t, fmt.Sprintf(columns, c.expr, c.rule, c.name, c.partition)), Options{})
		if err := decodeAll(t, d, 0, Source{}, []byte(`{"id":1} {"id":0}`), 1<<20, nil); err != nil {
			t.Fatal(err)
		}
		b, err := d.Take()
		if err != nil || d.mayReject() != c.keeps || c.keeps != (len(b.Rejects) > 0) {
			t.Fatalf("%+v: keeps texts %v, rejects %v, %v", c, d.mayReject(), b.Rejects, err)
		}
		if n := len(b.Rejects); n > 0 && string(b.Rejects[n-1].Raw) != `{"id":0}` {
			t.Errorf("%+v: %q", c, b.Rejects[n-1].Raw)
		}
	}
}

func TestBadValuesAreCounted(t *testing.T) {
	d := newDecoder(t, parse(t, "columns: [{name: a, type: int32}, {name: b, type: int64, expr: \"a * 9223372036854775807\"}]"), Options{})
	err := decodeAll(t, d, 0, Source{}, []byte(`{"a":"x"}{"a":"y"}{"a":2}{"a":1}`), 1<<20, nil)
	b, takeErr := d.Take()
	if err != nil || takeErr != nil || fmt.Sprint(b.BadValues) != "[2 1]" {
		t.Errorf("counts %v, %v, %v", b.BadValues, err, takeErr)
	}
}

func TestOnBadFail(t *testing.T) {
	d := newDecoder(t, parse(t, "columns: [{name: a, type: int32, on_bad: fail}, {name: b, type: int64, expr: \"a / (a - 7)\", on_bad: fail}]"), Options{})
	d.Begin(3, Source{})
	_, err := d.Decode([]byte("{\"a\":1}\n{\"a\":\"x\"}\n"), true)
	var fail *FailError
	if !errors.As(err, &fail) || fail.Offset != 8 || fail.Column != "a" || fail.Source != 3 {
		t.Errorf("error %v", err)
	}
	// The decoder is as good as new; the rows before are still there.
	decoded := decodeAll(t, d, 4, Source{}, []byte("{\"a\":1}\n"), 1<<20, nil)
	b, err := d.Take()
	if err != nil || decoded != nil || b.Rows != 2 {
		t.Errorf("%+v, %v, %v", b, decoded, err)
	}
	// A derived column fails when its values are computed: in the first row that has none.
	if err := decodeAll(t, d, 5, Source{}, []byte("{\"a\":1}"), 1<<20, nil); err != nil {
		t.Fatal(err)
	}
	if err := decodeAll(t, d, 6, Source{}, []byte("{\"a\":1} {\"a\":7} {\"a\":7}"), 1<<20, nil); err != nil {
		t.Fatal(err)
	}
	if _, err = d.Take(); !errors.As(err, &fail) || fail.Offset != 8 || fail.Column != "b" || fail.Source != 6 || fail.Bad.Reason != "division" {
		t.Errorf("error %v", err)
	}
	if !d.Empty() {
		t.Error("the block is not lost")
	}
	// Of several columns, the first row that fails counts.
	d = newDecoder(t, parse(t, "columns: [{name: a, type: int32}, {name: b, type: int64, expr: \"1 / a\", on_bad: fail}, {name: c, type: int64, expr: \"1 / (a - 1)\", on_bad: fail}]"), Options{})
	if err := decodeAll(t, d, 0, Source{}, []byte("{\"a\":2}{\"a\":1}{\"a\":0}"), 1<<20, nil); err != nil {
		t.Fatal(err)
	}
	if _, err = d.Take(); !errors.As(err, &fail) || fail.Offset != 7 || fail.Column != "c" {
		t.Errorf("error %v", err)
	}
}

// TestDictionaries: a dictionary keeps its number, by which the writer knows
// it again, under another name and when rows are taken out.
func TestDictionaries(t *testing.T) {
	s := parse(t, `
columns:
  - {name: s, type: string}
  - {name: same, type: string, expr: s}
  - {name: changed, type: string, expr: upper(s)}
  - {name: key, type: string, expr: _source_key}
  - {name: batch, type: string, expr: _batch_id}
  - {name: n, type: int64, expr: "1 / cast(n as int64)", on_bad: reject}`)
	d := newDecoder(t, s, Options{BatchID: "7", Producer: 5})
	for i, n := range []int{1, 0} {
		text := fmt.Sprintf(`{"s":"a%d","n":1}{"s":"b","n":%d}{"s":"c","n":1}`, i, n)
		if err := decodeAll(t, d, i, Source{Key: text}, []byte(text), 1<<20, nil); err != nil {
			t.Fatal(err)
		}
		b, err := d.Take()
		if err != nil || b.Rows != 2+n || b.Producer != 5 {
			t.Fatal(b.Rows, err)
		}
		if b.Dictionaries[0] < 1 || fmt.Sprint(b.Dictionaries[1:]) != fmt.Sprint([]int{b.Dictionaries[0], 0, 0, 1, 0}) {
			t.Errorf("dictionaries %v", b.Dictionaries)
		}
		for c := range 5 {
			if _, ok := b.Columns[c].(*array.Dictionary); !ok {
				t.Errorf("column %d is a %T", c, b.Columns[c])
			}
		}
		// The empty string comes first; the first block's a0 stays where it is.
		if got := b.Columns[0].(*array.Dictionary); got.GetValueIndex(b.Rows-1) != 3 || naive.Show(got, b.Rows-1) != "c" {
			t.Errorf("the dictionary changed: %v", got)
		}
	}
}

// TestManyPartitions: so many that pairs are looked up in a map.
func TestManyPartitions(t *testing.T) {
	s := parse(t, `
columns: [{name: a, type: int64}, {name: b, type: string}, {name: k, type: int64}]
partitions: [{name: a}, {name: b}]`)
	var text strings.Builder
	const rows = 20_000
	path := func(i int) string { return fmt.Sprintf("a=%d/b=v%d", i*7919%3001-1500, i*104729%1009) }
	for i := range rows {
		fmt.Fprintf(&text, "{\"a\":%d,\"b\":\"v%d\",\"k\":%d}\n", i*7919%3001-1500, i*104729%1009, i)
	}
	d := newDecoder(t, s, Options{})
	if err := decodeAll(t, d, 0, Source{}, []byte(text.String()), 1<<20, nil); err != nil {
		t.Fatal(err)
	}
	b, err := d.Take()
	if err != nil || b.Rows != rows {
		t.Fatal(b.Rows, err)
	}
	next := int32(0)
	for i := range rows {
		if got := b.Partitions[b.Partition[i]]; got != path(i) {
			t.Fatalf("row %d in %q, want %q", i, got, path(i))
		}
		if b.Partition[i] > next {
			t.Fatalf("row %d is in partition %d, but %d did not occur", i, b.Partition[i], next)
		}
		next = max(next, b.Partition[i]+1)
	}
}

func TestBlocksAndLongLines(t *testing.T) {
	s := parse(t, "columns: [{name: a, type: string}]")
	var text bytes.Buffer
	const rows = 1000
	for i := range rows {
		fmt.Fprintf(&text, "{\"a\":\"%s\"}\n", strings.Repeat("x", 100+i))
	}
	tooLong := int64(text.Len())
	fmt.Fprintf(&text, "{\"a\":\"%s\"}\n{\"a\":\"z\"}", strings.Repeat("é", scan.DefaultMaxRowBytes))
	d := newDecoder(t, s, Options{BlockBytes: 64 << 10})
	var rejects []Reject
	var last string
	in, blocks := int64(0), 0
	take := func(b *Block) {
		in += b.RowsIn
		blocks++
		rejects = append(rejects, b.Rejects...)
		if b.Rows > 0 {
			last = naive.Show(b.Columns[0], b.Rows-1)
		}
	}
	err := decodeAll(t, d, 0, Source{}, text.Bytes(), 10_000, take)
	b, takeErr := d.Take()
	take(b)
	if err != nil || takeErr != nil || in != rows+2 || last != "z" || blocks < 8 {
		t.Errorf("%d rows in %d blocks, last %.20q, %v", in, blocks, last, err)
	}
	if len(rejects) != 1 || rejects[0].Reason != scan.ReasonTooLong || rejects[0].Offset != tooLong || len(rejects[0].Raw) > scan.MaxRawBytes || len(rejects[0].Raw) < scan.MaxRawBytes-1 {
		t.Errorf("rejects %d", len(rejects))
	}
}

// FuzzDecode: a line is a row exactly if json/v2 takes it for one object, or
// several; each line that is not blank is counted.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{`{"id":1,"a":{"b":"x"},"list":[1,2]}`, `{"id":1}{"id":2}`, `{"a":"\ud800"}`, "\xef\xbb\xbf{}", `{"a":{"a":1,"a":2}}`, `[{}]`, `{"x":1e999}`, "{\"\xff\":1}"} {
		f.Add(s)
	}
	s := parse(f, `columns: [{name: id, type: json}, {name: part, type: string, path: "$.a.b"}, {name: all, type: json, path: $.a}, {name: at, type: int64, path: "$.list[1]"}]`)
	f.Fuzz(func(t *testing.T, line string) {
		if strings.ContainsAny(line, "\n") || strings.HasPrefix(line, "\xef\xbb\xbf") {
			return
		}
		rows, rejects, _ := decode(t, s, line)
		objects, valid := 0, false
		dec := jsontext.NewDecoder(strings.NewReader(line))
		for {
			if dec.PeekKind() != '{' {
				// Only the end of the input may follow.
				_, err := dec.ReadToken()
				valid = err == io.EOF
				break
			}
			if err := dec.SkipValue(); err != nil {
				break
			}
			objects++
		}
		switch {
		case valid && (len(rows) != objects || len(rejects) != 0):
			t.Errorf("%q: %d rows and rejects %q, want %d rows", line, len(rows), rejects, objects)
		case !valid && len(rejects) != 1:
			t.Errorf("%q: rejects %q, want one", line, rejects)
		}
	})
}
