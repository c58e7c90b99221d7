package schema

import (
	"fmt"
	"strings"
	"testing"
)

const sample = `version: 1
format: ndjson
columns:
  - {name: ts, type: timestamp, path: $.time, required: true, on_bad: reject}
  - {name: status, type: int32}
  - {name: ua, type: string, path: "$.request.headers.user_agent"}
  - {name: latency_ms, type: double, expr: "cast(request_time as double) * 1000"}
  - name: class
    type: string
    expr: |
      case when status >= 500
        then 'bad' else 'good' end
partitions:
  - {name: dt, type: date, expr: "cast(ts as date)"}
  - {name: status}
unknown_fields: keep
`

func TestColumnsOfASchema(t *testing.T) {
	s, err := Parse([]byte(sample), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range s.Columns {
		got = append(got, fmt.Sprintf("%s %s %s %s %v %v", c.Name, c.Type, c.Path, c.OnBad, c.Required, c.Hidden))
	}
	want := []string{
		"ts timestamp $.time reject true false",
		"status int32 $.status null false true", // partitioned by: in the path only
		"ua string $.request.headers.user_agent null false false",
		"request_time json $.request_time null false true", // read by an expression
		"latency_ms double $ null false false",
		"class string $ null false false",
		"_extra json $ null false false",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("columns\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	files, stored := s.Arrow()
	if fmt.Sprint(stored) != "[0 2 4 5 6]" || files.Field(0).Nullable || !files.Field(1).Nullable {
		t.Errorf("files %s, stored %v", files, stored)
	}
	if len(s.Partitions) != 2 || s.Partitions[0].Name != "dt" || s.Partitions[1].Type.String() != "int32" {
		t.Errorf("partitions %+v", s.Partitions)
	}
}

func TestPartitionByReplacesPartitions(t *testing.T) {
	s, err := Parse([]byte(sample), []string{"class", "dt"})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Partitions) != 2 || s.Partitions[0].Name != "class" || s.Partitions[1].Name != "dt" {
		t.Errorf("partitions %+v", s.Partitions)
	}
	_, stored := s.Arrow()
	if fmt.Sprint(stored) != "[0 1 2 4 6]" {
		t.Errorf("stored %v", stored)
	}
	for _, by := range [][]string{{"nothing"}, {"request_time"}, {"dt", "dt"}, {"latency_ms"}} {
		if _, err := Parse([]byte(sample), by); err == nil || !strings.Contains(err.Error(), "partition") {
			t.Errorf("by %v: %v", by, err)
		}
	}
}

func TestHashIsOfTheFormNotOfTheFile(t *testing.T) {
	hash := func(text string, by ...string) string {
		t.Helper()
		s, err := Parse([]byte(text), by)
		if err != nil {
			t.Fatal(err)
		}
		return s.Hash
	}
	base := hash(sample)
	if hash("# a comment\n"+strings.Replace(sample, "{name: status, type: int32}", "{type: int32, name: status, path: $.status}", 1)) != base {
		t.Error("another way to write it is another schema")
	}
	for _, change := range [][2]string{
		{"type: int32", "type: int64"}, {"$.time", "$.Time"}, {"* 1000", "* 100"}, {"on_bad: reject", "on_bad: fail"}, {"unknown_fields: keep", "unknown_fields: ignore"}, {"cast(ts as date)", "date_trunc('month', cast(ts as date))"},
	} {
		if hash(strings.Replace(sample, change[0], change[1], 1)) == base {
			t.Errorf("%q: the same schema", change[1])
		}
	}
	if hash(sample, "dt") == base {
		t.Error("other partitions are the same schema")
	}
}

func TestBadSchemas(t *testing.T) {
	for name, c := range map[string]struct{ old, new, says string }{
		"version":               {"version: 1", "version: 2", `line 1, column 10: version "2"`},
		"csv":                   {"ndjson", "csv", "line 6, column 37: path"},
		"format":                {"ndjson", "xml", "format"},
		"sort":                  {"unknown_fields: keep", "sort_by: [dts]", "line 16, column 11: sort_by"},
		"unknown key":           {"path: $.time", "paht: $.time", `[4:33] unknown field "paht"`},
		"unknown top key":       {"unknown_fields", "unknown_feilds", "[16:1] unknown field"},
		"unknown fields":        {"fields: keep", "fields: drop", "line 16, column 17: unknown_fields"},
		"type":                  {"int32", "int33", "line 5, column 26: unknown type"},
		"nested type":           {"type: int32", "type: list<int33>", "line 5, column 26: unknown type"},
		"no type":               {"{name: status, type: int32}", "{name: status}", "line 5, column 12: column \"status\" has no type"},
		"no name":               {"{name: status, type: int32}", "{type: int32}", "no name"},
		"on_bad":                {"on_bad: reject", "on_bad: drop", "line 4, column 71: on_bad"},
		"required null":         {"on_bad: reject", `on_bad: "null"`, "cannot become null"},
		"two names":             {"name: ua", "name: TS", "two columns are named"},
		"path":                  {"$.time", "time", "line 4, column 39: path"},
		"path and expr":         {"type: int32}", `type: int32, path: $.a, expr: "1"}`, "a path and an expression"},
		"expr syntax":           {"as double)", "az double)", "line 7, column 63: expression: expected AS"},
		"expr in a block":       {"then 'bad'", "then 500", "expression, its line 2, column 17"},
		"expr type":             {"cast(request_time as double) * 1000", "cast(request_time as string)", "gives string, not double"},
		"expr without cast":     {"cast(request_time as double)", "request_time", "cast it"},
		"expr of a later one":   {"cast(request_time as double)", "length(class)", "move it up"},
		"partition type":        {"type: date", "type: double", "gives date, not double"},
		"partition float":       {`type: date, expr: "cast(ts as date)"`, `type: double, expr: "latency_ms"`, "no name for a folder"},
		"partition of nothing":  {"{name: status}\n", "{name: nothing}\n", "no expression, and no column"},
		"partition over column": {"{name: status}\n", "{name: status, type: int32, expr: \"1\"}\n", "a column has that name"},
		"two partitions":        {"{name: status}\n", "{name: DT, type: date, expr: \"cast(ts as date)\"}\n", "two partitions"},
		"column of that name":   {"name: ua", "name: DT", "do not tell names apart by case"},
		"hidden folder":         {"{name: dt, type: date,", "{name: _dt, type: date,", "skip folders"},
		"escaped folder":        {"{name: dt, type: date,", "{name: 'd:t', type: date,", "Hive escapes \":\""},
		"escaped folder, tab":   {"{name: dt, type: date,", "{name: \"d\\tt\", type: date,", "Hive escapes"},
		"hidden folder, dot":    {"{name: dt, type: date,", "{name: .dt, type: date,", "skip folders"},
		"name with slash":       {"name: ua", "name: a/b", "without /"},
		"yaml":                  {"columns:", "columns", ""},
		"two documents of keys": {"version: 1", "version: 1\nversion: 1", "already defined"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(sample, c.old, c.new, 1)
			if text == sample {
				t.Fatal("nothing changed")
			}
			if _, err := Parse([]byte(text), nil); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want %q", err, c.says)
			}
		})
	}
	// To YAML these are no text.
	if _, err := Parse([]byte("version: 1\ncolumns: [{name: a, type: int64, required: true, on_bad: null}]"), nil); err == nil || !strings.Contains(err.Error(), "line 2, column 58: column \"a\" is required") {
		t.Errorf("a required column that becomes null: %v", err)
	}
	if s, err := Parse([]byte("version: 1\npartitions:\nsort_by:\ncolumns: [{name: a, type: int64, expr: null, on_bad: null}]"), nil); err != nil || s.Columns[0].Expr == nil {
		t.Errorf("an expression that is null: %v", err)
	}
	if _, err := Parse([]byte("---\nversion: 1\ncolumns: [{name: a, type: int64}]\n---\n"), nil); err != nil {
		t.Errorf("a mark at the end: %v", err)
	}
	if _, err := Parse([]byte("version: 1\ncolumns: [{name: a, type: int64}]\n---\nversion: 1\n"), nil); err == nil || !strings.Contains(err.Error(), "line 4, column 8: a second document") {
		t.Errorf("two documents: %v", err)
	}
	if _, err := Parse([]byte("version: 1\ncolumns: []\n"), nil); err == nil {
		t.Error("a schema without columns")
	}
	if _, err := Parse([]byte("version: 1\ncolumns: [{name: a, type: int64}]\npartitions: [{name: a}]\n"), nil); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Errorf("every column a partition: %v", err)
	}
}

func TestPaths(t *testing.T) {
	for in, want := range map[string]string{
		"$.a": "$.a", "$.a.b[0].c": "$.a.b[0].c", `$."a b".c`: "$.a b.c", `$."a"`: "$.a", `$."q\"\\".x`: `$."q\"\\".x`, "$.ü": "$.ü", `$.""`: `$.""`,
		"": "", "a": "", "$": "", "$[0]": "", "$.": "", "$..a": "", "$.a[": "", "$.a[x]": "", "$.a[-1]": "", "$.a[+1]": "", "$.a[99999999999]": "", `$."a`: "", "$.a b": "$.a b", "$x": "",
	} {
		p, err := ParsePath(in)
		if err != nil != (want == "") || err == nil && p.String() != want {
			t.Errorf("%q: %v, %v; want %q", in, p, err, want)
		}
		if err == nil {
			if again, err := ParsePath(p.String()); err != nil || again.String() != p.String() {
				t.Errorf("%q does not come back: %v, %v", p, again, err)
			}
		}
	}
}

func FuzzSchema(f *testing.F) {
	f.Add(sample)
	f.Add(records)
	f.Add(delimited)
	f.Add("d\n---")
	f.Add("version: 1\ncolumns: [{name: a, type: 'decimal(5,2)', path: '$.a[0]'}]\npartitions: [{name: b, type: string, expr: \"split_part(a, '/', 1)\"}]\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse([]byte(text), nil)
		if err == nil && (s.Hash == "" || len(s.Columns) == 0) {
			t.Errorf("%+v", s)
		}
	})
}
