package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// honestCase is a gzip file of JSON lines {"id":…,"v":…} with one fault.
type honestCase struct {
	what string // the row of the page's table
	kind string // SQL type of the column v
	data []byte // the file
}

// honestCases are files with one fault each. The good rows have the values 1 and 3, or "a" and "c".
func honestCases() []honestCase {
	row := func(id int, v string) string { return fmt.Sprintf(`{"id":%d,"v":%s}`, id, v) }
	lines := func(rows ...string) []byte { return zip(strings.Join(rows, "\n") + "\n") }
	var members [][]byte
	for i := 1; i <= 3; i++ {
		members = append(members, lines(row(i, fmt.Sprint(i))))
	}
	three := func() []byte { return bytes.Join(members, nil) }
	crc := three()
	crc[len(members[0])+len(members[1])-8] ^= 1
	return []honestCase{
		{"three gzip members, the second with a wrong CRC", "bigint", crc},
		{"three gzip members, the last cut short", "bigint", three()[:len(three())-12]},
		{"three gzip members and rubbish behind them", "bigint", append(three(), "rubbish"...)},
		{"a number past 64 bits: 9223372036854775808", "bigint", lines(row(1, "1"), row(2, "9223372036854775808"), row(3, "3"))},
		{"a number past the column's 32 bits: 3000000000", "int", lines(row(1, "1"), row(2, "3000000000"), row(3, "3"))},
		{"a fraction for a whole number: 2.5", "bigint", lines(row(1, "1"), row(2, "2.5"), row(3, "3"))},
		{`a string for a number: "2"`, "bigint", lines(row(1, "1"), row(2, `"2"`), row(3, "3"))},
		{`bytes that are not UTF-8: "b\xff"`, "varchar", lines(row(1, `"a"`), row(2, "\"b\xff\""), row(3, `"c"`))},
		{`half a surrogate pair: "b\ud800"`, "varchar", lines(row(1, `"a"`), row(2, `"b\ud800"`), row(3, `"c"`))},
		{`a name twice: {"id":2,"v":2,"v":22}`, "bigint", lines(row(1, "1"), `{"id":2,"v":2,"v":22}`, row(3, "3"))},
		{"a line cut in half", "bigint", lines(row(1, "1"), `{"id":2,"v":2`, row(3, "3"))},
		{"the last line cut in half", "bigint", zip(row(1, "1") + "\n" + row(2, "2") + "\n" + `{"id":3,"v":3`)},
		{"a number that JSON does not have: 02", "bigint", lines(row(1, "1"), row(2, "02"), row(3, "3"))},
		{"two objects on one line, which is right", "bigint", lines(row(1, "1")+row(2, "2"), row(3, "3"))},
	}
}

func zip(text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text)) // into memory
	_ = w.Close()
	return b.Bytes()
}

// TestHonestPage: the page says of s3compact what it does.
func TestHonestPage(t *testing.T) {
	page := readHonestPage(t)
	for i, c := range honestCases() {
		page.expect(t, i, c.what, "s3compact", convertHonestly(t, c))
	}
	page.write(t)
}

// convertHonestly converts a case, with on_bad: reject, and says what came of it.
func convertHonestly(t *testing.T, c honestCase) string {
	t.Helper()
	dir := t.TempDir()
	source, table := filepath.Join(dir, "data.json.gz"), filepath.Join(dir, "table")
	if err := os.WriteFile(source, c.data, 0o600); err != nil {
		t.Fatal(err)
	}
	kind := map[string]string{"bigint": "int64", "int": "int32", "varchar": "string"}[c.kind]
	schema := schemaFile(t, fmt.Sprintf("version: 1\ncolumns:\n  - {name: id, type: int64}\n  - {name: v, type: %s, on_bad: reject}\n", kind))
	r := s3compact("convert", "--to", table, "--schema", schema, "--output", "json", source)
	var said []string
	for line := range strings.Lines(r.stdout) {
		var refused struct{ Type, Reason string }
		if err := json.Unmarshal([]byte(line), &refused); err != nil {
			t.Fatal(err)
		}
		if refused.Type == "refused" {
			said = append(said, "file refused: `"+refused.Reason+"`")
		}
	}
	rows := honestRows(t, table)
	if len(rows) > 0 {
		said = append(said, strings.Join(rows, ", "))
	}
	rejects, err := filepath.Glob(filepath.Join(table, "_s3compact", "rejects", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range rejects {
		said = append(said, honestRejects(t, name)...)
	}
	if want := 3; len(said) > 1 || len(rows) == 0 {
		if r.code != want {
			t.Errorf("%s: exit code %d, expected %d", c.what, r.code, want)
		}
	} else if r.code != 0 {
		t.Errorf("%s: exit code %d\n%s", c.what, r.code, r.stderr)
	}
	return strings.Join(said, "; ")
}

// honestRows are the values of v in a table's files.
func honestRows(t *testing.T, table string) (rows []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(table, "*.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		f, err := file.OpenParquetFile(name, false)
		if err != nil {
			t.Fatal(err)
		}
		r, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
		if err != nil {
			t.Fatal(err)
		}
		all, err := r.ReadTable(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, chunk := range all.Column(all.Schema().FieldIndices("v")[0]).Data().Chunks() {
			for i := range chunk.Len() {
				rows = append(rows, chunk.ValueStr(i))
			}
		}
		all.Release()
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return rows
}

func honestRejects(t *testing.T, name string) (said []string) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	for dec := json.NewDecoder(z); dec.More(); {
		var r struct {
			Offset int64
			Reason string
		}
		if err := dec.Decode(&r); err != nil {
			t.Fatal(err)
		}
		said = append(said, fmt.Sprintf("row at byte %d rejected: `%s`", r.Offset, r.Reason))
	}
	return said
}

// honestPage is docs/honest.md, whose table says what became of each case.
type honestPage struct {
	path          string
	before, after string
	engines       []string // the header's cells from the third on
	cases         []string
	cells         [][]string // by case and engine
	kinds         []string
	isChanged     bool
}

const (
	honestBegin = "<!-- begin: held against the engines by tests -->\n"
	honestEnd   = "<!-- end -->\n"
)

func readHonestPage(t *testing.T) *honestPage {
	t.Helper()
	p := &honestPage{path: filepath.Join("..", "..", "docs", "honest.md"), engines: []string{"s3compact", "DuckDB", "chDB", "Polars", "pyarrow", "Spark"}}
	b, err := os.ReadFile(p.path)
	if err != nil {
		t.Fatal(err)
	}
	var rest string
	var ok, ok2 bool
	p.before, rest, ok = strings.Cut(string(b), honestBegin)
	rest, p.after, ok2 = strings.Cut(rest, honestEnd)
	if !ok || !ok2 {
		t.Fatalf("%s lacks its marks", p.path)
	}
	written := map[string][]string{}
	for line := range strings.Lines(rest) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if len(cells) == 2+len(p.engines) {
			written[cells[0]] = cells[2:]
		}
	}
	for _, c := range honestCases() {
		p.cases, p.kinds = append(p.cases, c.what), append(p.kinds, c.kind)
		cells := written[p.cases[len(p.cases)-1]]
		if cells == nil {
			cells = make([]string, len(p.engines))
		}
		p.cells = append(p.cells, cells)
	}
	return p
}

// expect holds what an engine did with a case against the page.
func (p *honestPage) expect(t *testing.T, i int, what, engine, got string) {
	t.Helper()
	e := slices.Index(p.engines, engine)
	if p.cells[i][e] == got {
		return
	}
	if *update {
		p.cells[i][e], p.isChanged = got, true
		return
	}
	t.Errorf("%s, %s: %s; the page says %q: go test ./cmd/s3compact -run Honest -update, and read it again", what, engine, got, p.cells[i][e])
}

func (p *honestPage) write(t *testing.T) {
	t.Helper()
	if !p.isChanged {
		return
	}
	var b strings.Builder
	b.WriteString(p.before + honestBegin + "\n| what the file holds | type of the column | " + strings.Join(p.engines, " | ") + " |\n|" + strings.Repeat("---|", 2+len(p.engines)) + "\n")
	for i, c := range p.cases {
		b.WriteString("| " + c + " | " + p.kinds[i] + " | " + strings.Join(p.cells[i], " | ") + " |\n")
	}
	b.WriteString("\n" + honestEnd + p.after)
	if err := os.WriteFile(p.path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
