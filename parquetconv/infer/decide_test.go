package infer

import (
	"fmt"
	"strings"
	"testing"
)

// TestTypes: the type for the values of a column, one a row.
func TestTypes(t *testing.T) {
	keys := func(n int) (out []string) {
		for i := range n {
			out = append(out, fmt.Sprintf(`{"k%d":1}`, i))
		}
		return out
	}
	for _, c := range []struct {
		values []string
		want   string
	}{
		{[]string{"true", "false", "null"}, "boolean"},
		{[]string{"1", "-9223372036854775808", "9223372036854775807"}, "int64"},
		{[]string{"1", "9223372036854775808"}, "string"},
		{[]string{"1", "1e400"}, "string"},
		{[]string{"1.0", "2"}, "double"},
		{[]string{"9007199254740992", "0.5"}, "double"},
		{[]string{"9007199254740993", "0.5"}, "string"},
		{[]string{"1", `"1"`}, "string"},
		{[]string{"1", "true"}, "json"},
		{[]string{`"a"`, "true"}, "json"},
		{[]string{`"2026-01-02T03:04:05Z"`, "null"}, "timestamp"},
		{[]string{`"2026-01-02T03:04:05Z"`, `""`}, "string"},
		{[]string{`"2026-01-02T03:04:60Z"`}, "string"},
		{[]string{`"2026-01-02"`}, "date"},
		{[]string{`"2026-01-02"`, `"2026-01-02T03:04:05Z"`}, "string"},
		{[]string{`"2026-02-30"`}, "string"},
		{[]string{"null"}, "json"},
		{[]string{`{"a":1}`, `{"a":2,"b":"x"}`}, "struct<a:int64,b:string>"},
		{[]string{`{"a":1}`, "null", `[1]`}, "json"},
		{[]string{`{}`}, "json"},
		{keys(2), "struct<k0:int64,k1:int64>"},
		{keys(3), "json"},
		{[]string{`{"a":{"t":"2026-01-02T03:04:05Z"}}`}, "struct<a:struct<t:timestamp>>"},
		{[]string{`{"t":"2026-01-02 03:04:05"}`}, "struct<t:string>"},
		{[]string{`{"a":1,"A":1}`}, "json"},
		{[]string{`{"":1}`}, "json"},
		{[]string{`{"a\nb":1}`}, "json"},
		{[]string{`{"a\"b":1}`}, `struct<"a\"b":int64>`},
		{[]string{`[1,2]`, `[]`, `[null]`}, "list<int64>"},
		{[]string{`[1,"a"]`}, "json"},
		{[]string{`[{"a":1},{"a":1.5}]`}, "list<struct<a:double>>"},
		{[]string{`[[],[1]]`}, "list<list<int64>>"},
		{[]string{`[]`}, "json"},
		{[]string{`[[[[[[1]]]]]]`}, "json"},
	} {
		s := sampleOf("a", lines(len(c.values), func(i int) string { return `{"v":` + c.values[i] + `,"w":0}` }))
		text, err := Schema(s, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := parse(t, string(text)).Columns[0].Type.String(); got != c.want {
			t.Errorf("%.80q: %s, want %s", c.values, got, c.want)
		}
		fits(t, s)
	}
}

// TestNumbersWithTheNameOfATime are numbers, with a comment that says how to read them.
func TestNumbersWithTheNameOfATime(t *testing.T) {
	for row, want := range map[string]string{
		`{"ts":1767225600}`:                  "time: epoch_s",
		`{"eventTime":1767225600000}`:        "time: epoch_ms",
		`{"updated_at":1767225600000000}`:    "time: epoch_us",
		`{"ts":1767225600.5}`:                "time: epoch_s",
		`{"ts":17}`:                          "",
		`{"count":1767225600}`:               "",
		`{"format":1767225600}`:              "",
		`{"ts":"1767225600"}`:                "",
		`{"ts":1767225600}` + "\n{\"ts\":0}": "",
	} {
		text, err := Schema(sampleOf("a", row+"\n"), nil)
		if err != nil {
			t.Fatal(err)
		}
		s := parse(t, string(text))
		if s.Columns[0].Type.Kind == timestampType.Kind || strings.Contains(string(text), "epoch_") != (want != "") || !strings.Contains(string(text), want) {
			t.Errorf("%s: want %q in\n%s", row, want, text)
		}
	}
}

// TestLayouts: how rows stand, also where the text ends among them.
func TestLayouts(t *testing.T) {
	for _, c := range []struct {
		text string
		cut  bool
		want string // what the file says of the layout
		rows int
	}{
		{"{\"a\":1}\n{\"a\":2}\n{\"a\"", true, "", 2},
		{"\xef\xbb\xbf{\"a\":1}\n", false, "", 1},
		{"{\"a\":1}{\"a\":2}", false, "", 2},
		{"bad\n{\"a\":1}\n", false, "", 1},
		{"{\n\"a\":1\n}\n{\n\"a\":2", true, "layout: documents", 1},
		{"[{\"a\":1},{\"a\":2},{\"a", true, "layout: array", 2},
		{"\n [\n{\"a\":1}\n]\n[{\"a\":2}]", false, "layout: array", 2},
		{`{"Records":[{"a":1},{"a":2},{"a":`, true, "rows_at: $.Records", 2},
		{`{"x":1,"records":[{"a":1}],"next":"y"}`, false, "rows_at: $.records", 1},
		{`{"Records":[]}` + "\n" + `{"Records":[{"a":1}]}`, false, "rows_at: $.Records", 1},
		{`{"my rows":[{"a":1}]}`, false, `rows_at: '$."my rows"'`, 1},
		{`{"id":1,"items":[{"a":1}]}`, false, "", 1},
		{`{"items":[{"a":1}],"id":1}`, false, "", 1},
		{`{"items":[1]}`, false, "", 1},
		{`{"a":[{"x":1}],"b":[{"x":1}]}`, false, "", 1},
	} {
		s := sampleOf("a", c.text)
		s.Texts[0].Cut = c.cut
		text, err := Schema(s, nil)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if !strings.Contains(string(text), c.want) || c.want == "" && strings.Contains(string(text), "layout:") {
			t.Errorf("%q: want %q in\n%s", c.text, c.want, text)
		}
		if noRows := strings.Contains(string(text), "No rows"); !strings.Contains(string(text), fmt.Sprintf("sample: %d row", c.rows)) || noRows != strings.HasPrefix(c.text, "bad") {
			t.Errorf("%q: want %d rows\n%s", c.text, c.rows, text)
		}
		fits(t, s)
	}
}
