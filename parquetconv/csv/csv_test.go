package csv

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/parquetconv/scan"
	"github.com/s3compact/s3compact/parquetconv/schema"
)

// scanned is what becomes of a text, read at once and in pieces.
func scanned(t *testing.T, schema, text string, o scan.Options) (lines []string) {
	t.Helper()
	s := scanner(t, schema, o)
	for _, piece := range []int{len(text), 1, 3, 17} {
		out, err := scanAll(t, s, []byte(text), max(1, piece))
		if err != nil {
			t.Fatal(err)
		}
		var again []string
		for _, o := range out {
			again = append(again, o.String())
		}
		if piece == len(text) {
			lines = again
		} else if !slices.Equal(again, lines) {
			t.Fatalf("in pieces of %d bytes: %q, at once %q", piece, again, lines)
		}
	}
	return lines
}

func TestRecords(t *testing.T) {
	const ab = "columns: [{name: a, type: string}, {name: b, type: string}]"
	const numbered = "csv: {header: false}\ncolumns: [{name: x, type: string, path: \"$[1]\"}, {name: y, type: string, path: \"$[0]\"}, {name: z, type: string, path: \"$[5]\"}]"
	for _, c := range []struct {
		name, schema, text string
		want               []string
	}{
		{"by name", ab, "b,x,a\n1,2,3\n4,5,6", []string{"6: 3|1", "12: 6|4"}},
		{"a field that is not there", ab, "x,b\n1,2\n", []string{"4: <null>|2"}},
		{"one field for two columns", "columns: [{name: a, type: string}, {name: c, type: int64, path: $.a}]", "a\n7\n", []string{"2: 7|7"}},
		{"by number", numbered, "1,2,3\n4,5,6\n", []string{"0: 2|1|<null>", "6: 5|4|<null>"}},
		{"nothing", ab, "", nil},
		{"a header alone", ab, "a,b", nil},
		{"a mark and a header", ab, "\xef\xbb\xbfa,b\r\n1,2\r\n", []string{"8: 1|2"}},
		{"a mark and quotes", ab, "\xef\xbb\xbf\"a\",\"b\"\n1,2\n", []string{"11: 1|2"}},
		{"blank lines", ab, "\n\r\na,b\n\n1,2\n\r\n\r\n3,4\n\r", []string{"8: 1|2", "16: 3|4"}},
		{"white space is kept", ab, "a,b\n 1 ,\t2\n", []string{"4:  1 |\t2"}},
		{"line ends in quotes", ab, "a,b\n\"1\r\n\n\",2\n3,4\n", []string{"4: 1\r\n\n|2", "13: 3|4"}},
		{"null and nothing", ab, "a,b\n,\"\"\n", []string{"4: <null>|"}},
		{"the text of null", "csv: {null: NA}\n" + ab, "a,b\nNA,\"NA\"\n,NAN\n", []string{"4: <null>|NA", "12: |NAN"}},
		{"doubled quotes", ab, "a,b\n\"\"\"\",\"x\"\"y\"\n", []string{"4: \"|x\"y"}},
		{"an escape", "csv: {escape: \"\\\\\"}\n" + ab, "a,b\n\"\\\"\\\\\",\"\\n\\\n\"\nx\\,y\n", []string{"4: \"\\|\\n\\\n", "18: x\\|y"}},
		{"an escape does not double", "csv: {escape: \"\\\\\"}\n" + ab, "a,b\n\"x\"\"y\",1\n2,3\n", []string{"4!7 quote \"x\"\"y\",1", "13: 2|3"}},
		{"another quote", "csv: {quote: \"'\", delimiter: \"\\t\"}\n" + ab, "a\tb\n'x''\t'\ty\"\n", []string{"4: x'\t|y\""}},
		{"a quote inside", ab, "a,b\nx\"y,1\n2,3\n", []string{"4!5 quote x\"y,1", "10: 2|3"}},
		{"something behind a quote", ab, "a,b\n\"x\"y,1\n2,3\n", []string{"4!7 quote \"x\"y,1", "11: 2|3"}},
		{"a carriage return behind a quote", ab, "a,b\n\"x\"\r,1\n2,3\n", []string{"4!7 quote \"x\"\r,1", "11: 2|3"}},
		{"a carriage return at the end", ab, "a,b\n1,\"2\"\r", []string{"4: 1|2"}},
		{"no closing quote", ab, "a,b\n1,2\n3,\"4\n5,6\n", []string{"4: 1|2", "8!17 quote 3,\"4\n5,6\n"}},
		{"the next quote closes it", ab, "a,b\n\"1,2\n\"3\",4\n5,6\n", []string{"4!10 quote \"1,2\n\"3\",4", "15: 5|6"}},
		{"too few and too many fields", ab, "a,b\n1\n1,2,3\n4,5\n", []string{"4!4 fields 1", "6!6 fields 1,2,3", "12: 4|5"}},
		{"as many as the first row has", numbered, "1,2\n1,2,3\n3,4\n", []string{"0: 2|1|<null>", "4!4 fields 1,2,3", "10: 4|3|<null>"}},
		{"the first row that can be read", numbered, "\"1\"x,2,3\n1,2\n", []string{"0!3 quote \"1\"x,2,3", "9: 2|1|<null>"}},
		{"no UTF-8, where no column reads", ab, "a,x,b\n1,\xffé,2\n3,é,4\n", []string{"6!8 invalid_utf8 1,\xffé,2", "14: 3|4"}},
		{"the header again", ab, "\"a\",b\r\n1,2\r\n\"a\",b\n3,4\na,b\n", []string{"7: 1|2", "18: 3|4", "22: a|b"}},
		{"a name twice", ab, "a,b,a\n1,2,3\na,b,a\n4,5\n", []string{"6!6 header 1,2,3", "18!18 header 4,5"}},
		{"names that no column reads", ab, "x,a,,,x\n1,2,3,4,5\n", []string{"8: 2|<null>"}},
		{"a header that is no UTF-8", ab, "a,\xff\n1,2\n", []string{"4!4 header 1,2"}},
		{"a header with a bad quote", ab, "a\",b\n1,2\n3,\"4\"x\n", []string{"5!5 header 1,2", "9!9 header 3,\"4\"x"}},
		{"a header without an end", ab, "a,\"b\n1,2\n", []string{"0!9 quote a,\"b\n1,2\n"}},
		{"unknown fields are rejected", "unknown_fields: reject\n" + ab, "a,b,c\n1,2,3\n", []string{"6!6 unknown_field 1,2,3"}},
		{"there are none", "unknown_fields: reject\n" + ab, "a,b\n1,2\n", []string{"4: 1|2"}},
		{"unknown fields are kept", "unknown_fields: keep\n" + ab, "x,a,\"q\"\"\",z\n\"1\"\"\n\",2,\\\t,\n", []string{`12: 2|<null>|{"x":"1\"\u000a","q\"":"\\\u0009","z":null}`}},
		{"none to keep", "unknown_fields: keep\n" + ab, "a,b\n1,2\n", []string{"4: 1|2|<null>"}},
		{"an unknown name twice", "unknown_fields: keep\n" + ab, "a,x,x\n1,2,3\n", []string{"6!6 header 1,2,3"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, rows := range []int{0, 1} {
				if got := scanned(t, c.schema, c.text, scan.Options{BlockRows: rows, KeepTexts: rows > 0}); !slices.Equal(got, c.want) {
					t.Errorf("%q, blocks of %d rows:\n got %q\nwant %q", c.text, rows, got, c.want)
				}
			}
		})
	}
}

func TestValues(t *testing.T) {
	for _, c := range []struct{ column, text, want string }{
		{"type: int32", "-2147483648", "-2147483648"},
		{"type: int32", "2147483648", "range"},
		{"type: int64", "9223372036854775807", "9223372036854775807"},
		{"type: int64", "123456789", "123456789"},
		{"type: int64", "1.0", "1"},
		{"type: int64", "1e3", "1000"},
		{"type: int64", "1.5", "fraction"},
		{"type: int64", " 1", "syntax"},
		{"type: int64", "0x1", "syntax"},
		{"type: int64", `""`, "syntax"},
		{"type: int64", `"7"`, "7"},
		{"type: double", "0.1", "0.1"},
		{"type: double", "1e400", "range"},
		{"type: double", "NaN", "syntax"},
		{"type: float", "1.5", "1.5"},
		{"type: \"decimal(10,2)\"", "12.30", "12.3"},
		{"type: \"decimal(10,2)\"", "12.301", "fraction"},
		{"type: \"decimal(38,2)\"", "123456789012345678901234567890.12", "123456789012345678901234567890.12"},
		{"type: boolean", "true", "true"},
		{"type: boolean", "FALSE", "false"},
		{"type: boolean", "1", "syntax"},
		{"type: date", "2024-02-29", "2024-02-29"},
		{"type: date", "2023-02-29", "syntax"},
		{"type: date", "0001-01-01", "0001-01-01"},
		{"type: timestamp", "2024-02-29T12:34:56.789+01:00", "2024-02-29T11:34:56.789Z"},
		{"type: timestamp", "2024-02-29T12:34:56Z", "2024-02-29T12:34:56Z"},
		{"type: timestamp", "2024-02-29 12:34:56", "syntax"},
		{"type: timestamp, time: \"%Y-%m-%d %H:%M:%S\"", "2024-02-29 12:34:56", "2024-02-29T12:34:56Z"},
		{"type: timestamp, time: epoch_ms", "1700000000123", "2023-11-14T22:13:20.123Z"},
		{"type: timestamp, time: epoch_s", "1700000000.5", "2023-11-14T22:13:20.5Z"},
		{"type: timestamp, time: epoch_s", "2024-02-29T12:34:56Z", "syntax"},
		{"type: binary", "aGk=", "aGk="},
		{"type: binary", "aGk", "syntax"},
		{"type: json", `1.50`, "1.50"},
		{"type: json", `" {""a"":[1, null,""x,\"" y""]} "`, `{"a":[1, null,"x,\" y"]}`},
		{"type: json", `"null"`, null},
		{"type: json", `"{""a"":1,""a"":2}"`, "syntax"},
		{"type: json", `"{""a"":1}{}"`, "syntax"},
		{"type: json", `"[1"`, "syntax"},
		{"type: json", `" "`, "syntax"},
		{"type: json", `""`, "syntax"},
		{"type: json", `abc`, "syntax"},
		{"type: string", `007`, "007"},
		{"type: string", `"x""y"`, `x"y`},
	} {
		// With something behind it, and at the end of the text.
		for _, around := range []string{"%s,1\n", "%s", "%s\r\n"} {
			head := "a\n"
			if strings.Contains(around, ",") {
				head = "a,b\n"
			}
			text := head + fmt.Sprintf(around, c.text)
			schema := "columns: [{name: a, on_bad: reject, " + c.column + "}]"
			got := scanned(t, schema, text, scan.Options{})
			if len(got) != 1 {
				t.Fatalf("%s: %q is %q", c.column, text, got)
			}
			if _, v, ok := strings.Cut(got[0], ": "); ok && v != c.want || !ok && !strings.Contains(got[0], "a."+c.want+" ") {
				t.Errorf("%s: %q is %q, not %s", c.column, text, got, c.want)
			}
		}
	}
}

func TestRulesForBadValues(t *testing.T) {
	const columns = "columns: [{name: a, type: int64, required: true}, {name: b, type: int32}]"
	got := scanned(t, columns, "a,b\n1,x\n,2\ny,3\n4,\n", scan.Options{})
	want := []string{"4: 1|<null>", "8!8 a.missing ,2", "11!11 a.syntax y,3", "15: 4|<null>"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got := scanned(t, columns, "b\n1\n", scan.Options{}); !slices.Equal(got, []string{"2!2 a.missing 1"}) {
		t.Errorf("a required field that is not there: %q", got)
	}

	s := scanner(t, columns, scan.Options{})
	s.Begin(1, 0)
	if _, err := s.Scan([]byte("a,b\n1,x\n2,\n3,y\nz,u\n"), true); err != nil {
		t.Fatal(err)
	}
	if b := s.Take(); !slices.Equal(b.BadValues, []int64{0, 2}) {
		t.Errorf("bad values: %v", b.BadValues)
	}

	s = scanner(t, "columns: [{name: a, type: int64, on_bad: fail}]", scan.Options{})
	_, err := scanAll(t, s, []byte("a\n1\n\nx\n"), 100)
	var fail *scan.FailError
	if !errors.As(err, &fail) || fail.Offset != 5 || fail.Column != "a" || fail.Source != 1 {
		t.Errorf("on_bad: fail: %v", err)
	}
	if out, err := scanAll(t, s, []byte("a\n2\n"), 100); err != nil || len(out) == 0 || out[len(out)-1].values[0] != "2" {
		t.Errorf("after a failure: %v, %v", out, err)
	}
}

// TestSources: each source has its own header, and what was wrong with one is
// forgotten with the next.
func TestSources(t *testing.T) {
	s := scanner(t, "columns: [{name: a, type: string}, {name: b, type: string}]", scan.Options{})
	for i, text := range []string{"a,b\n1,2\n", "b,a\n1,2", "a,a\n1,2\n", "a,\"b\n1", "b,c,a\n1,2,3\n"} {
		s.Begin(i, 0)
		if n, err := s.Scan([]byte(text), true); n != len(text) || err != nil {
			t.Fatal(n, err)
		}
	}
	b := s.Take()
	var got []string
	for _, o := range outcomes(t, b) {
		got = append(got, strings.Join(o.values, "|"))
	}
	if b.Rows != 3 || len(b.Rejects) != 2 || !slices.Contains(got, "3|1") || !slices.Contains(got, "2|1") || len(b.Sources) != 5 || b.Sources[4] != (scan.SourceRows{Source: 4, FirstRow: 2, FirstReject: 2}) {
		t.Errorf("%q, %+v", got, b.Sources)
	}
}

func TestLongRecords(t *testing.T) {
	const columns = "columns: [{name: a, type: string}]"
	long := strings.Repeat("x", 50)
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"as long as may be", "a\n" + long[:40] + "\n1\n", []string{"2: " + long[:40], "43: 1"}},
		{"too long", "a\n" + long + "\n1\n", []string{"2!2 too_long " + long, "53: 1"}},
		{"too long at the end", "a\n" + long, []string{"2!2 too_long " + long}},
		{"too long in quotes", "a\n\"" + long + "\n\"\n1\n", []string{"2!2 too_long \"" + long + "\n\"\n1\n"}},
		{"lines in quotes", "a\n\"" + strings.Repeat("y\n", 30) + "\"\n1\n", []string{"2!2 too_long \"" + strings.Repeat("y\n", 30) + "\"\n1\n"}},
		{"a quote where it is cut", "a\n\"" + long[:39] + "\"\"\n\"\n1\n", []string{"2!2 too_long \"" + long[:39] + "\"\"\n\"\n1\n"}},
		{"the header", long + "\n1\n2\n", []string{"51!51 header 1", "53!53 header 2"}},
	} {
		if got := scanned(t, columns, c.text, scan.Options{MaxRowBytes: 41}); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
}

// TestManyFields: beyond the bound nothing is held of a record's fields.
func TestManyFields(t *testing.T) {
	const numbered = "csv: {header: false}\ncolumns: [{name: x, type: string, path: \"$[1]\"}]"
	most, more := "a,b"+strings.Repeat(",", maxFields-2), "a,b"+strings.Repeat(",", maxFields-1)
	s := scanner(t, numbered, scan.Options{})
	out, err := scanAll(t, s, []byte(more+"\n"+most+"\n"+more+",\"x\"\n"), 1<<20)
	if err != nil || len(out) != 3 || out[0].reject == nil || out[0].reject.Reason != ReasonFields || out[1].values[0] != "b" || out[2].reject == nil {
		t.Fatalf("%d records: %v", len(out), err)
	}
	if cap(s.record.fields) > 2*maxFields {
		t.Errorf("%d fields are held", cap(s.record.fields))
	}
	out, err = scanAll(t, scanner(t, "columns: [{name: a, type: string}]", scan.Options{}), []byte(more+"\n1\n"), 1<<20)
	if err != nil || len(out) != 1 || out[0].reject == nil || out[0].reject.Reason != ReasonHeader {
		t.Errorf("as a header: %v, %v", out, err)
	}
}

func TestNew(t *testing.T) {
	name, number := schema.Path{{Name: "a", Index: -1}}, schema.Path{{Index: 0}}
	for _, c := range []struct {
		column  scan.Column
		header  bool
		unknown schema.UnknownFields
	}{
		{scan.Column{Path: name}, false, ""},
		{scan.Column{Path: number}, true, ""},
		{scan.Column{Path: append(name, name...)}, true, ""},
		{scan.Column{}, true, ""},
		{scan.Column{Extra: true}, true, schema.UnknownIgnore},
		{scan.Column{Extra: true}, false, schema.UnknownKeep},
	} {
		if _, err := New([]scan.Column{c.column}, schema.CSV{Header: c.header, Delimiter: ',', Quote: '"', Escape: '"'}, scan.Options{Unknown: c.unknown}); err == nil {
			t.Errorf("%+v: no error", c)
		}
	}
}

// FuzzPieces: whatever the settings and however the text is cut into pieces, all
// of it is a row, a reject or neither, and the same.
func FuzzPieces(f *testing.F) {
	settings := []string{
		"columns: [{name: a, type: int64}, {name: b, type: string}]",
		"unknown_fields: keep\ncolumns: [{name: a, type: json, on_bad: reject}]",
		"csv: {escape: \"\\\\\", null: x}\ncolumns: [{name: a, type: string}, {name: b, type: timestamp, required: true}]",
		"csv: {header: false, quote: \"'\", escape: b}\ncolumns: [{name: a, type: date, path: \"$[0]\"}, {name: b, type: boolean, path: \"$[2]\"}]",
		"unknown_fields: reject\ncsv: {delimiter: \" \"}\ncolumns: [{name: a, type: \"decimal(4,1)\"}, {name: b, type: double, path: $.a}]",
	}
	for i, text := range []string{
		"a,b\n1,x\n2,\"y\n\"\n\"3\",\"\"\"\"\r\n,\n", "a,c\n\"[1]\",\"\"\"\"\n{,\n", "b,a\n2024-01-02T03:04:05Z,\"\\\"\\\\\"\nx,x\n", "'2024-01-02',1,true\n'b'',b'\n", "a\n1.5\n\n99.95\r\na\n",
	} {
		f.Add([]byte(text), i, 2, 30)
	}
	f.Fuzz(func(t *testing.T, text []byte, setting, piece, longest int) {
		s := scanner(t, settings[abs(setting)%len(settings)], scan.Options{MaxRowBytes: 1 + abs(longest)%100, BlockRows: 1 + abs(longest)%3, KeepTexts: true})
		want, err := scanAll(t, s, text, max(1, len(text)))
		if err != nil {
			t.Fatal(err)
		}
		got, err := scanAll(t, s, text, 1+abs(piece)%20)
		if err != nil || !slices.EqualFunc(got, want, func(a, b outcome) bool { return a.String() == b.String() && a.length == b.length }) {
			t.Fatalf("%q in pieces: %v, at once %v, %v", text, got, want, err)
		}
		end := int64(0)
		for _, o := range got {
			n := int64(o.length)
			if o.reject != nil {
				n = int64(len(o.reject.Raw))
			}
			if o.offset < end || o.offset+n > int64(len(text)) {
				t.Fatalf("%q: %v begins before %d or ends behind the text", text, o, end)
			}
			end = o.offset + n
		}
	})
}

// records is text of rows whose values are like those of logs.
func records(rows int) []byte {
	r := rand.New(rand.NewPCG(3, 4))
	b := []byte("time,id,host,path,status,bytes,seconds,agent,active,day\n")
	for i := range rows {
		b = fmt.Appendf(b, "2024-03-%02dT12:%02d:%02d.%03dZ,%d,web-%d,/a/%d/index,%d,%d,%.3f,\"Mozilla/5.0 (X11; \"\"%d\"\", like Gecko)\",%v,2024-03-%02d\n",
			1+i%28, i%60, i%59, i%1000, r.Int64N(1e12), r.IntN(40), r.IntN(3000), 200+r.IntN(5), r.IntN(1e6), r.Float64(), r.IntN(20), i%2 == 0, 1+i%28)
	}
	return b
}

const recordColumns = `columns:
  - {name: time, type: timestamp}
  - {name: id, type: int64}
  - {name: host, type: string}
  - {name: path, type: string}
  - {name: status, type: int32}
  - {name: bytes, type: int64}
  - {name: seconds, type: double}
  - {name: agent, type: string}
  - {name: active, type: boolean}
  - {name: day, type: date}
`

// TestAllocations: a row takes no memory of its own.
func TestAllocations(t *testing.T) {
	s := scanner(t, recordColumns, scan.Options{})
	few, many := records(2000), records(12_000)
	scan := func(text []byte) float64 {
		return testing.AllocsPerRun(3, func() {
			s.Begin(0, 0)
			if n, err := s.Scan(text, true); n != len(text) || err != nil {
				t.Fatal(n, err)
			}
			s.Take()
		})
	}
	scan(many)
	if a, b := scan(few), scan(many); b > a+100 {
		t.Errorf("%v allocations for 2,000 rows, %v for 12,000", a, b)
	}
}
