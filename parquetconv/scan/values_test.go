package scan

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/s3compact/s3compact/parquetconv/schema"
	"github.com/s3compact/s3compact/parquetconv/value"
)

// shown is a value of an array in a form of the tests' own: [..] for a list,
// (..) for a struct, {key:..} for a map.
func shown(a arrow.Array, i int) string {
	if a.IsNull(i) {
		return "null"
	}
	var parts []string
	switch a := a.(type) {
	case *array.Map: // before the list that it also is
		start, end := a.ValueOffsets(i)
		for j := start; j < end; j++ {
			parts = append(parts, shown(a.Keys(), int(j))+":"+shown(a.Items(), int(j)))
		}
		return "{" + strings.Join(parts, " ") + "}"
	case *array.List:
		start, end := a.ValueOffsets(i)
		for j := start; j < end; j++ {
			parts = append(parts, shown(a.ListValues(), int(j)))
		}
		return "[" + strings.Join(parts, " ") + "]"
	case *array.Struct:
		for f := range a.NumField() {
			parts = append(parts, shown(a.Field(f), i))
		}
		return "(" + strings.Join(parts, " ") + ")"
	case *array.Decimal128:
		return a.Value(i).ToString(a.DataType().(*arrow.Decimal128Type).Scale)
	case *array.Dictionary:
		return shown(a.Dictionary(), a.GetValueIndex(i))
	}
	return a.ValueStr(i)
}

func TestValues(t *testing.T) {
	for _, c := range []struct{ typ, json, want string }{
		{"list<int64>", `[1,-2,null]`, "[1 -2 null]"}, {"list<int64>", `[]`, "[]"}, {"list<int64>", `null`, "null"}, {"list<int64>", `[1,"x"]`, "!null"}, {"list<int64>", `7`, "!null"}, {"list<int64>", `{"a":1}`, "!null"},
		{"list<string>", ` [ "a" , "\u00e9" , 1.50 ] `, "[a é 1.50]"}, {"list<list<boolean>>", `[[true],[],[false,true],null]`, "[[true] [] [false true] null]"}, {"list<list<boolean>>", `[[true],[1]]`, "!null"},
		{"list<json>", `[{"a":[1, 2]},"x",null]`, `[{"a":[1, 2]} "x" null]`}, {"list<date>", `["1970-01-02"]`, "[1970-01-02]"}, {"list<binary>", `["AP8="]`, "[AP8=]"},
		{"struct<a:int64,b:string>", `{"a":1,"b":"x"}`, "(1 x)"}, {"struct<a:int64,b:string>", `{"b":"x","c":[{}]}`, "(null x)"}, {"struct<a:int64,b:string>", `{}`, "(null null)"}, {"struct<a:int64,b:string>", `null`, "null"}, {"struct<a:int64,b:string>", `{"a":"x"}`, "!null"}, {"struct<a:int64,b:string>", `[1]`, "!null"},
		{"struct<a:struct<b:list<double>>,c:int32>", `{"c":1,"a":{"b":[0.5,1e2]}}`, "(([0.5 100]) 1)"}, {"struct<a:struct<b:list<double>>,c:int32>", `{"a":{"b":[0.5,true]},"c":1}`, "!null"},
		{"list<struct<k:string,v:decimal(5,2)>>", `[{"k":"a","v":1.5},{"v":2,"k":"b"},{},null]`, "[(a 1.50) (b 2.00) (null null) null]"},
		{"map<string,int64>", `{"a":1,"b":null,"\u0061b":3}`, "{a:1 b:null ab:3}"}, {"map<string,int64>", `{}`, "{}"}, {"map<string,int64>", `[]`, "!null"}, {"map<string,int64>", `{"a":1.5}`, "!null"}, {"map<string,int64>", `null`, "null"},
		{"map<string,list<map<string,string>>>", ` { "a" : [ { "x" : "y" } , { } ] } `, "{a:[{x:y} {}]}"},

		{"int64", `-0`, "0"}, {"int64", `12345678`, "12345678"}, {"int64", `123456789`, "123456789"}, {"int64", `-9223372036854775808`, "-9223372036854775808"}, {"int64", `9223372036854775808`, "!null"}, {"int64", `1.0`, "1"}, {"int64", `"1"`, "!null"}, {"int32", `2147483648`, "!null"},
		{"double", `-0.0`, "-0"}, {"double", `0.1`, "0.1"}, {"double", `123456789012345678`, "1.2345678901234568e+17"}, {"double", `9007199254740993`, "9.007199254740992e+15"}, {"double", `1e-400`, "0"}, {"double", `1e400`, "!null"}, {"double", `5e-324`, "5e-324"},
		{"float", `0.1`, "0.1"}, {"float", `16777217`, "1.6777216e+07"}, {"float", `1e39`, "!null"},
		{"decimal(38,10)", `-1234567890.0123456789`, "-1234567890.0123456789"}, {"decimal(3,1)", `99.9`, "99.9"}, {"decimal(3,1)", `100`, "!null"}, {"decimal(3,1)", `0.10`, "0.1"}, {"decimal(3,1)", `0.15`, "!null"},
		{"timestamp", `"2024-02-29T23:59:59.1234567-01:30"`, "2024-03-01T01:29:59.123456Z"}, {"timestamp", `"1900-02-29T00:00:00Z"`, "!null"}, {"timestamp", `"2024-01-02T03:04:05,5Z"`, "!null"}, {"timestamp", `"1969-12-31T23:59:59.999999999Z"`, "1969-12-31T23:59:59.999999Z"},
		{"date", `"2000-02-29"`, "2000-02-29"}, {"date", `"2100-02-29"`, "!null"}, {"date", `"0001-01-01"`, "0001-01-01"},
		{"string", `"\"\\\/\b\f\n\r\t\u0041"`, "\"\\/\b\f\n\r\tA"}, {"string", `true`, "!null"}, {"boolean", `false`, "false"},
	} {
		column := col(t, "v", c.typ, "$.v")
		s, err := New([]Column{column, col(t, "last", "int64", "$.last")}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		// Between two other rows, of which one is rejected in the middle of the value.
		text := `{"v":null,"last":1}{"v":` + c.json + `,"last":2}` + "\n" + `{"v":` + strings.TrimRight(c.json, " ]}") + "\n" + `{"last":3}`
		if n, err := s.Scan([]byte(text), true); err != nil || n != len(text) {
			t.Fatal(n, err)
		}
		b := s.Take()
		want, bad := strings.CutPrefix(c.want, "!")
		if b.Rows != 3 || shown(b.Columns[0], 1) != want || bad != (b.BadValues[0] == 1) {
			t.Errorf("%s of %s: %s and %d bad, want %s", c.typ, c.json, shown(b.Columns[0], 1), b.BadValues[0], c.want)
			continue
		}
		if shown(b.Columns[0], 0) != "null" || shown(b.Columns[0], 2) != "null" || shown(b.Columns[1], 2) != "3" {
			t.Errorf("%s of %s: the rows beside it: %s, %s", c.typ, c.json, b.Columns[0], b.Columns[1])
		}
	}
}

func TestTimeFormats(t *testing.T) {
	apache := schema.TimeFormat{Kind: schema.TimeLayout, Layout: "02/Jan/2006:15:04:05 -0700"}
	for _, c := range []struct {
		format     schema.TimeFormat
		json, want string
	}{
		{schema.TimeFormat{Kind: schema.TimeEpochSecond}, `1700000000`, "2023-11-14T22:13:20Z"}, {schema.TimeFormat{Kind: schema.TimeEpochSecond}, `1700000000.1234567`, "2023-11-14T22:13:20.123456Z"}, {schema.TimeFormat{Kind: schema.TimeEpochSecond}, `1.7e9`, "2023-11-14T22:13:20Z"}, {schema.TimeFormat{Kind: schema.TimeEpochSecond}, `-0.0000001`, "1969-12-31T23:59:59.999999Z"},
		{schema.TimeFormat{Kind: schema.TimeEpochSecond}, `-62135596800`, "0001-01-01T00:00:00Z"}, {schema.TimeFormat{Kind: schema.TimeEpochSecond}, `-62135596801`, "!"}, {schema.TimeFormat{Kind: schema.TimeEpochSecond}, `253402300799.999999`, "9999-12-31T23:59:59.999999Z"}, {schema.TimeFormat{Kind: schema.TimeEpochSecond}, `253402300800`, "!"}, {schema.TimeFormat{Kind: schema.TimeEpochSecond}, `"1700000000"`, "!"}, {schema.TimeFormat{Kind: schema.TimeEpochSecond}, `1e999999999`, "!"}, {schema.TimeFormat{Kind: schema.TimeEpochSecond}, `1e-999999999`, "1970-01-01T00:00:00Z"}, {schema.TimeFormat{Kind: schema.TimeEpochSecond}, `-1e-999999999`, "1969-12-31T23:59:59.999999Z"}, {schema.TimeFormat{Kind: schema.TimeEpochSecond}, `true`, "!"}, {schema.TimeFormat{Kind: schema.TimeEpochSecond}, `[1]`, "!"},
		{schema.TimeFormat{Kind: schema.TimeEpochMilli}, `1700000000123`, "2023-11-14T22:13:20.123Z"}, {schema.TimeFormat{Kind: schema.TimeEpochMilli}, `1.5`, "1970-01-01T00:00:00.0015Z"}, {schema.TimeFormat{Kind: schema.TimeEpochMicro}, `1700000000123456`, "2023-11-14T22:13:20.123456Z"}, {schema.TimeFormat{Kind: schema.TimeEpochMicro}, `1.9`, "1970-01-01T00:00:00.000001Z"}, {schema.TimeFormat{Kind: schema.TimeEpochMicro}, `9223372036854775807`, "!"},
		{apache, `"10\/Oct/2000:13:55:36 -0700"`, "2000-10-10T20:55:36Z"}, {apache, `"2000-10-10T13:55:36Z"`, "!"}, {apache, `7`, "!"}, {schema.TimeFormat{Kind: schema.TimeLayout, Layout: "2006-01-02 15:04:05"}, `"2024-01-02 03:04:05.25"`, "2024-01-02T03:04:05.25Z"},
	} {
		column := col(t, "v", "timestamp", "$.v")
		column.Time = c.format
		inside := col(t, "list", "list<struct<t:timestamp>>", "$.list")
		inside.Time = c.format
		s, err := New([]Column{column, inside}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Scan([]byte(`{"v":`+c.json+`,"list":[{"t":`+c.json+`}]}`), true); err != nil {
			t.Fatal(err)
		}
		b := s.Take()
		want := "null"
		if b.BadValues[0] == 0 {
			want = "[(" + shown(b.Columns[0], 0) + ")]"
		}
		if got := shown(b.Columns[1], 0); got != want {
			t.Errorf("%v of %s in a list: %s, want %s", c.format, c.json, got, want)
		}
		got := "!"
		if b.BadValues[0] == 0 {
			got = b.Columns[0].(*array.Timestamp).Value(0).ToTime(arrow.Microsecond).Format("2006-01-02T15:04:05.999999Z07:00")
		}
		if got != c.want {
			t.Errorf("%v of %s: %s, want %s", c.format, c.json, got, c.want)
		}
	}
}

// reference reads a valid JSON value as the type's documentation says, one
// piece after another with jsontext and package value. Bad is the whole value
// if any piece of it is.
func reference(raw jsontext.Value, typ value.Type) (shown string, bad bool) {
	kind := raw.Kind()
	switch {
	case kind == 'n':
		return "null", false
	case !typ.Nested():
		v, _, b := value.FromJSON(raw, typ, nil)
		if b != nil {
			return "", true
		}
		return string(value.AppendText(nil, v, typ)), false
	case typ.Kind == value.List && kind != '[', typ.Kind != value.List && kind != '{':
		return "", true
	}
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	if _, err := d.ReadToken(); err != nil {
		return "", true
	}
	var parts []string
	fields := map[string]string{}
	for d.PeekKind() != ']' && d.PeekKind() != '}' {
		name := ""
		if kind == '{' {
			token, _ := d.ReadToken()
			name = token.String()
		}
		inside, _ := d.ReadValue()
		of := typ.Elem()
		if typ.Kind == value.Struct {
			of = value.Type{}
			for _, f := range typ.Fields() {
				if f.Name == name {
					of = f.Type
				}
			}
			if of == (value.Type{}) {
				continue
			}
		}
		s, b := reference(inside.Clone(), of)
		bad = bad || b
		fields[name] = s
		if typ.Kind == value.Map {
			s = name + ":" + s
		}
		parts = append(parts, s)
	}
	switch typ.Kind {
	case value.List:
		return "[" + strings.Join(parts, " ") + "]", bad
	case value.Map:
		return "{" + strings.Join(parts, " ") + "}", bad
	}
	parts = nil
	for _, f := range typ.Fields() {
		s, ok := fields[f.Name]
		if !ok {
			s = "null"
		}
		parts = append(parts, s)
	}
	return "(" + strings.Join(parts, " ") + ")", bad
}

var fuzzedTypes = []string{"int64", "int32", "string", "json", "boolean", "decimal(12,3)", "list<int64>", "list<list<string>>", "struct<a:int32,b:list<boolean>,c:struct<a:string>>", "map<string,struct<a:int64>>", "map<string,list<json>>", "list<map<string,decimal(30,2)>>"}

// FuzzNested holds values of all types against the reference.
func FuzzNested(f *testing.F) {
	for i, text := range []string{`1`, `-2147483649`, `"a\u00e9"`, `{"a": [1]}`, `true`, `1.5e1`, `[1,2,null]`, `[["a"],[]]`, `{"a":1,"b":[true],"c":{"a":"x"}}`, `{"k":{"a":1},"l":{}}`, `{"k":[1,"x"]}`, `[{"a":1.25},{}]`} {
		f.Add([]byte(text), uint8(i))
	}
	f.Fuzz(func(t *testing.T, text []byte, which uint8) {
		raw := jsontext.Value(bytes.TrimSpace(text))
		if bytes.IndexByte(text, '\n') >= 0 || !raw.IsValid() {
			return
		}
		column := col(t, "v", fuzzedTypes[int(which)%len(fuzzedTypes)], "$.v")
		s, err := New([]Column{column}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		line := []byte(`{"v":` + string(raw) + `}`)
		if n, err := s.Scan([]byte(string(line)+"\n"+string(line)), true); err != nil || n != 2*len(line)+1 {
			t.Fatal(n, err)
		}
		b := s.Take()
		want, bad := reference(raw, column.Type)
		if bad {
			want = "null"
		}
		if b.Rows != 2 || bad != (b.BadValues[0] == 2) {
			t.Fatalf("%s of %q: %d rows, %d bad, rejects %v", column.Type, raw, b.Rows, b.BadValues[0], b.Rejects)
		}
		for i := range 2 {
			if got := shown(b.Columns[0], i); got != want {
				t.Errorf("%s of %q: %q, want %q", column.Type, raw, got, want)
			}
		}
	})
}

// TestDictionaries: strings are the same whether they repeat or not, in blocks
// that were taken before and after; a dictionary of the same number only grows.
func TestDictionaries(t *testing.T) {
	s, err := New([]Column{col(t, "few", "string", "$.few"), col(t, "many", "string", "$.many"), col(t, "turn", "string", "$.turn")}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	type kept struct {
		block *Block
		want  [][3]string
	}
	var all []kept
	for round := range 40 {
		var text bytes.Buffer
		var want [][3]string
		for i := range 100 + 150*round {
			row := [3]string{fmt.Sprint("f", rng.IntN(50)), fmt.Sprint("m", round, "-", i), ""}
			if round%20 > 10 {
				row[2] = fmt.Sprint("t", rng.Uint64())
			}
			if rng.IntN(10) == 0 {
				row[0] = "null"
				fmt.Fprintf(&text, `{"many":%q,"turn":%q}`+"\n", row[1], row[2])
			} else {
				fmt.Fprintf(&text, `{"few":%q,"many":%q,"turn":%q}`+"\n", row[0], row[1], row[2])
			}
			want = append(want, row)
		}
		s.Begin(round, 0)
		if n, err := s.Scan(text.Bytes(), true); err != nil || n != text.Len() {
			t.Fatal(n, err)
		}
		all = append(all, kept{s.Take(), want})
	}
	plain := [3]int{}
	for round, k := range all {
		for c, column := range k.block.Columns {
			for i, row := range k.want {
				if got := shown(column, i); got != row[c] {
					t.Fatalf("block %d, row %d, column %d: %q, want %q", round, i, c, got, row[c])
				}
			}
			d, ok := column.(*array.Dictionary)
			if ok != (k.block.Dictionaries[c] > 0) {
				t.Fatalf("block %d, column %d: a %s has dictionary %d", round, c, column.DataType(), k.block.Dictionaries[c])
			}
			if !ok {
				plain[c]++
				continue
			}
			if round == 0 || all[round-1].block.Dictionaries[c] != k.block.Dictionaries[c] {
				continue
			}
			before, now := all[round-1].block.Columns[c].(*array.Dictionary).Dictionary(), d.Dictionary()
			if now.Len() < before.Len() || !array.SliceEqual(before, 0, int64(before.Len()), now, 0, int64(before.Len())) {
				t.Fatalf("block %d, column %d: the dictionary does not begin as the one before", round, c)
			}
		}
	}
	if plain[0] > 0 || plain[1] < 20 || plain[2] == 0 || plain[2] > 30 {
		t.Errorf("plain blocks: %v", plain)
	}
}

// TestManyNames: names are told apart however many there are.
func TestManyNames(t *testing.T) {
	var text bytes.Buffer
	const names = 3 * maxLearnedInShape
	for row := range 4 {
		text.WriteString(`{"x":{`)
		for i := range names {
			fmt.Fprintf(&text, `"n%d":{"k":%d},`, (i+row)%names, i)
		}
		switch row {
		case 1:
			fmt.Fprintf(&text, `"n%d":0`, names/2)
		case 2:
			text.WriteString(`"n0":0`)
		default:
			text.WriteString(`"last":0`)
		}
		text.WriteString("},\"v\":1}\n")
	}
	r, err := scanAll(t, []Column{col(t, "v", "int64", "$.v")}, Options{}, text.Bytes(), 1<<20)
	if err != nil || len(r.rows) != 2 || len(r.rejects) != 2 || !strings.Contains(r.rejects[0], ReasonDuplicateName) || !strings.Contains(r.rejects[1], ReasonDuplicateName) {
		t.Errorf("rows %q, rejects %q, %v", r.rows, r.rejects, err)
	}
}

// TestPathOutsideUTF8: a name that no JSON can have makes none valid.
func TestPathOutsideUTF8(t *testing.T) {
	r, err := scanAll(t, []Column{col(t, "v", "int64", "$.\xff")}, Options{}, []byte("{\"\xff\":1}\n{\"\xff\":1}"), 1<<20)
	if err != nil || strings.Join(r.rejects, "|") != "0 invalid_utf8 |8 invalid_utf8 " {
		t.Errorf("rows %q, rejects %q, %v", r.rows, r.rejects, err)
	}
}

// TestDepth: 10,000 levels, and no more.
func TestDepth(t *testing.T) {
	for _, open := range []string{"[", `{"a":`} {
		end := map[string]string{"[": "]", `{"a":`: "}"}[open]
		for levels, want := range map[int]int{maxDepth - 1: 1, maxDepth: 0} {
			line := `{"v":` + strings.Repeat(open, levels) + "1" + strings.Repeat(end, levels) + "}"
			if _, fault := verdict([]byte(line)); (fault == nil) != (want == 1) {
				t.Fatalf("jsontext: %v", fault)
			}
			r, err := scanAll(t, []Column{col(t, "v", "json", "$.v"), col(t, "w", "int64", "$.w")}, Options{}, []byte(line), 1<<20)
			if err != nil || len(r.rows) != want || len(r.rows)+len(r.rejects) != 1 {
				t.Errorf("%d levels of %s: %d rows, rejects %q, %v", levels, open, len(r.rows), r.rejects, err)
			}
		}
	}
}
