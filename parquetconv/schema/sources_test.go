package schema

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
)

const records = `version: 1
format: ndjson
layout: array
rows_at: $.a."the records"
columns:
  - {name: ts, type: timestamp, time: "%d/%b/%Y:%H:%M:%S %z", bloom: true}
  - {name: ms, type: "list<timestamp>", time: epoch_ms}
  - {name: user, type: "struct<id:int64,names:map<string,string>>"}
  - {name: latency, type: double, bloom: true}
  - {name: region, type: string, bloom: true}
  - {name: source, type: string, expr: _source_key}
  - {name: line, type: string, expr: "_source_etag || ':' || cast(_source_offset as string)"}
partitions:
  - {name: region}
  - {name: batch, type: string, expr: _batch_id}
sort_by: [region, latency DESC, ts, "source asc"]
`

func mustParse(t *testing.T, text string, by ...string) *Schema {
	t.Helper()
	s, err := Parse([]byte(text), by)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSourcesOfASchema(t *testing.T) {
	s := mustParse(t, records)
	if s.Format != FormatNDJSON || s.Layout != LayoutArray || !reflect.DeepEqual(s.RowsAt, []string{"a", "the records"}) {
		t.Errorf("format %s, layout %s, rows at %q", s.Format, s.Layout, s.RowsAt)
	}
	var got []string
	for _, c := range s.Columns {
		got = append(got, fmt.Sprintf("%s %s %s %d %v", c.Name, c.Type, c.Time, c.Pseudo, c.Hidden))
	}
	want := []string{
		"ts timestamp 02/Jan/2006:15:04:05 Z0700 0 false",
		"ms list<timestamp> epoch_ms 0 false",
		"user struct<id:int64,names:map<string,string>> rfc3339 0 false",
		"latency double rfc3339 0 false",
		"region string rfc3339 0 true",
		"_source_key string rfc3339 1 true",
		"source string rfc3339 0 false",
		"_source_etag string rfc3339 2 true",
		"_source_offset int64 rfc3339 3 true",
		"line string rfc3339 0 false",
		"_batch_id string rfc3339 4 true",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("columns\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	// Indexes of the files' columns: region is in the path only.
	if fmt.Sprint(s.Bloom) != "[0 3]" || fmt.Sprint(s.SortBy) != "[{3 true} {0 false} {4 false}]" {
		t.Errorf("bloom %v, sort by %v", s.Bloom, s.SortBy)
	}
	s = mustParse(t, records, "batch")
	if fmt.Sprint(s.Bloom) != "[0 3 4]" || fmt.Sprint(s.SortBy) != "[{4 false} {3 true} {0 false} {5 false}]" {
		t.Errorf("bloom %v, sort by %v", s.Bloom, s.SortBy)
	}
	s = mustParse(t, strings.Replace(records, "_source_key}", "_source_key}\n  - {name: _source_etag, type: string, expr: _source_etag}", 1))
	if etag := s.Columns[len(s.Columns)-4]; etag.Name != "_source_etag" || etag.Expr == nil || etag.Hidden {
		t.Errorf("column %+v", etag)
	}
	s = mustParse(t, "version: 1\ncolumns: [{name: a, type: int64}]")
	if s.Format != FormatNDJSON || s.Layout != LayoutLines || s.RowsAt != nil {
		t.Errorf("without a format: %+v", s)
	}
}

const delimited = `version: 1
format: csv
csv: {header: false, delimiter: "\t", quote: "'", null: \N}
columns:
  - {name: id, type: int64, path: "$[0]", required: true}
  - {name: at, type: timestamp, path: "$[2]", time: epoch_s}
  - {name: twice, type: int64, expr: id * 2}
`

func TestCSV(t *testing.T) {
	s := mustParse(t, delimited)
	if want := (CSV{Header: false, Delimiter: '\t', Quote: '\'', Escape: '\'', Null: `\N`}); s.CSV != want || s.Format != FormatCSV || s.Layout != "" {
		t.Errorf("%+v", s)
	}
	if s.Columns[1].Path[0].Index != 2 || len(s.Columns[1].Path) != 1 {
		t.Errorf("path %v", s.Columns[1].Path)
	}
	s = mustParse(t, "version: 1\nformat: csv\ncolumns: [{name: a, type: int64}, {name: b, type: string, path: '$.\"B b\"'}, {name: c, type: string, expr: upper(c)}]\nunknown_fields: keep")
	if want := (CSV{Header: true, Delimiter: ',', Quote: '"', Escape: '"'}); s.CSV != want {
		t.Errorf("without settings: %+v", s.CSV)
	}
	if s.Columns[1].Path[0].Name != "B b" || s.Columns[2].Name != "c" || s.Columns[2].Type.String() != "string" {
		t.Errorf("columns %+v", s.Columns)
	}
	s = mustParse(t, "version: 1\nformat: csv\ncsv: {escape: \"\\\\\", null: \"\"}\ncolumns: [{name: a, type: int64}]")
	if s.CSV.Escape != '\\' || s.CSV.Quote != '"' || s.CSV.Null != "" || !s.CSV.Header {
		t.Errorf("%+v", s.CSV)
	}
}

func TestBadSources(t *testing.T) {
	for name, c := range map[string]struct{ text, old, new, says string }{
		"layout":                  {records, "layout: array", "layout: lists", `line 3, column 9: layout "lists"`},
		"rows_at without array":   {records, "layout: array", "layout: documents", "line 4, column 10: rows_at needs layout: array"},
		"rows_at of an element":   {records, `$.a."the records"`, "$.a[0]", "line 4, column 10: rows_at: path"},
		"rows_at, no path":        {records, `$.a."the records"`, "Records", "line 4, column 10: rows_at: path"},
		"rows_at of many names":   {records, `$.a."the records"`, "$" + strings.Repeat(".a", 17), "line 4, column 10: rows_at: path"},
		"time of a number":        {records, "type: double, bloom", "type: double, time: epoch_s, bloom", "line 9, column 41: time: a double"},
		"time, unknown":           {records, "epoch_ms", "epoch_ns", `line 7, column 47: time "epoch_ns"`},
		"time, bad layout":        {records, "%z", "%Q", "line 6, column 40: time"},
		"time without a date":     {records, "%d/%b/%Y", "", "whole date"},
		"time of an expression":   {records, "expr: _source_key}", "expr: _source_key, time: epoch_s}", "line 11, column 59: column \"source\" has an expression"},
		"bloom of a boolean":      {records, "latency, type: double", "latency, type: boolean", "line 9, column 12: column \"latency\": a boolean"},
		"bloom of a struct":       {records, "names:map<string,string>>\"", "names:map<string,string>>\", bloom: true", "has no bloom filter"},
		"sort by nothing":         {records, "[region,", "[nothing,", `line 16, column 11: sort_by "nothing"`},
		"sort by a hidden one":    {records, "[region,", "[_source_etag,", `line 16, column 11: sort_by "_source_etag"`},
		"sort by nested":          {records, "[region,", "[user,", "line 16, column 11: sort_by \"user\": a struct"},
		"sort twice":              {records, "[region,", "[ts,", `line 16, column 29: sort_by "ts": named twice`},
		"sort upwards":            {records, "latency DESC", "latency up", "line 16, column 19: sort_by"},
		"pseudo-column as a path": {records, "name: region, type: string", "name: _source_key, type: string", "line 10, column 12: column \"_source_key\" has the name of a pseudo-column"},
		"csv settings of ndjson":  {records, "layout: array", "csv: {header: true}\nlayout: array", "line 2, column 9: csv has settings"},
		"csv with a layout":       {delimited, "columns:", "layout: lines\ncolumns:", "line 4, column 9: layout is for ndjson"},
		"csv with rows_at":        {delimited, "columns:", "rows_at: $.a\ncolumns:", "line 4, column 10: rows_at is for ndjson"},
		"csv header":              {delimited, "header: false", "header: maybe", "line 3, column 15: header"},
		"csv delimiter":           {delimited, `"\t"`, `"||"`, "line 3, column 34: delimiter"},
		"csv line end":            {delimited, `"\t"`, `"\n"`, "line 3, column 34: delimiter"},
		"csv delimiter, no ASCII": {delimited, `"\t"`, `"é"`, "delimiter"},
		"csv delimiter = quote":   {delimited, `"\t"`, `"'"`, "line 3, column 34: the delimiter and the quote"},
		"csv delimiter = escape":  {delimited, `"'"`, `"'", escape: "\t"`, "the delimiter and the escape"},
		"csv null":                {delimited, `\N`, `"a'b"`, "line 3, column 58: null"},
		"csv unknown setting":     {delimited, "quote:", "quotes:", "line 3, column 39: unknown field \"quotes\""},
		"csv setting twice":       {delimited, "quote:", "delimiter:", "already defined"},
		"csv null twice":          {delimited, "quote:", "null:", "already defined"},
		"csv, no settings":        {delimited, `{header: false, delimiter: "\t", quote: "'", null: \N}`, "yes", "line 3, column 6: csv needs settings"},
		"csv setting of many":     {delimited, `"\t"`, `["a"]`, "a single value is needed"},
		"csv path by name":        {delimited, "$[2]", "$.at", "line 6, column 40: path \"$.at\": without a header"},
		"csv path too deep":       {delimited, "$[2]", "$[2].a", "a field of csv holds one value"},
		"csv path by number":      {delimited, "header: false", "header: true", "with a header fields are found by name"},
		"csv without a path":      {delimited, `int64, path: "$[0]"`, "int64", "line 5, column 12: column \"id\" has no path"},
		"csv field without name":  {delimited, "id * 2", "other * 2", "line 7, column 38: expression: no column has that name"},
		"csv nested":              {delimited, "type: int64, path", "type: list<int64>, path", "line 5, column 22: type list<int64>"},
		"csv list":                {delimited, "type: int64, path", "type: \"list<json>\", path", "line 5, column 23: type list<json>"},
		"csv unknown fields":      {delimited, "columns:", "unknown_fields: keep\ncolumns:", "line 4, column 17: unknown_fields keep"},
		"json path by number":     {records, "name: latency, type: double", `name: latency, path: "$[0]", type: double`, "line 9, column 28: path"},
		"case of a partition":     {records, "name: latency, type: double", "name: BATCH, type: double", "line 15, column 12: partition \"batch\" and column"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(c.text, c.old, c.new, 1)
			if text == c.text {
				t.Fatal("nothing changed")
			}
			if _, err := Parse([]byte(text), nil); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want %q", err, c.says)
			}
		})
	}
}

// TestHashesStay: tables remember the hash of their schema.
func TestHashesStay(t *testing.T) {
	for text, want := range map[string]string{sample: "beb975604ee17c936ad1afd87f85e205", records: "c1bb6ddb41d84605a5e9794b37381525", delimited: "533e74bf997378051b4ad7f4ca208144"} {
		if got := mustParse(t, text).Hash; got != want {
			t.Errorf("hash %s, want %s", got, want)
		}
	}
	if got := mustParse(t, sample, "class").Hash; got != "af8434b6dcbdda32a34ba7b80de89c4c" {
		t.Errorf("hash %s with other partitions", got)
	}
}

func TestHashOfSources(t *testing.T) {
	for _, c := range []struct {
		text, old, new string
		same           bool
	}{
		{records, "layout: array\nrows_at: $.a.\"the records\"", "layout: documents", false},
		{records, `."the records"`, "", false},
		{records, "time: epoch_ms", "time: epoch_us", false},
		{records, ", time: epoch_ms", ", time: rfc3339", false},
		{records, "%H:%M:%S", "%T", true}, // the same layout, written otherwise
		{records, "latency, type: double, bloom: true", "latency, type: double", true},
		{records, "latency DESC, ", "", true},
		{records, "format: ndjson\n", "", true},
		{sample, "unknown_fields", "layout: lines\nunknown_fields", true},
		{sample, "type: timestamp", "type: timestamp, time: rfc3339", true},
		{sample, "then 'bad'", "then _batch_id", false},
		{delimited, `"\t"`, `";"`, false},
		{delimited, `\N`, `"-"`, false},
		{delimited, `"'"`, `"'", escape: "'"`, true},
	} {
		text := strings.Replace(c.text, c.old, c.new, 1)
		if text == c.text {
			t.Fatalf("%q: nothing changed", c.old)
		}
		if same := mustParse(t, text).Hash == mustParse(t, c.text).Hash; same != c.same {
			t.Errorf("%q for %q: the same hash %v", c.new, c.old, same)
		}
	}
	if mustParse(t, "version: 1\nformat: csv\ncolumns: [{name: a, type: int64}]").Hash == mustParse(t, "version: 1\ncolumns: [{name: a, type: int64}]").Hash {
		t.Error("csv has the hash of ndjson")
	}
}

// TestDocumentedSchemas: the page of the schema file shows files that are right.
func TestDocumentedSchemas(t *testing.T) {
	page, err := os.ReadFile("../../docs/convert.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(page), "```yaml\n")[1:]
	for _, b := range blocks {
		text, _, _ := strings.Cut(b, "```")
		mustParse(t, text)
	}
	if len(blocks) < 2 {
		t.Errorf("%d schemas", len(blocks))
	}
}
