//go:build interop

package main

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/s3compact/s3compact/internal/interop"
)

//go:embed testdata/engines.py
var enginesProgram string

// engineTable is a table that convert wrote, with what an engine should find in it.
type engineTable struct {
	root       string
	copied     string      // if not empty, the engine reads this table, which was made as that of root
	partitions [][2]string // name, type
	rows       []map[string]any
	figures    string // a query of one row, in the SQL that all engines share
	expected   []any
	filters    []engineFilter
	conditions map[string]int // rows that conditions leave
}

// engineFilter is a condition on a partition: equal to a value, or null.
type engineFilter struct {
	Column string  `json:"column"`
	Kind   string  `json:"kind"`  // the column's type
	Value  *string `json:"value"` // in SQL, without quotes
}

// filtered is what a query with a condition gave, and how much was read for it.
type filtered struct {
	Rows  int    `json:"rows"`
	Files int    `json:"files"`
	Plan  string `json:"plan"`
}

type engineAnswer struct {
	Rows     []map[string]any `json:"rows"`
	Figures  []any            `json:"figures"`
	Counts   map[string]int   `json:"counts"` // rows that a condition leaves
	Filtered []filtered       `json:"filtered"`
}

// convertRows writes rows into a source and converts them into a table.
func convertRows(t *testing.T, schema, root string, rows []string, args ...string) {
	t.Helper()
	from := t.TempDir()
	if err := os.WriteFile(filepath.Join(from, "rows.json.gz"), zip(strings.Join(rows, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := s3compact(append([]string{"convert", "--schema", schemaFile(t, schema), "--to", root, from, "--output", "json"}, args...)...)
	if r.code != exitDone && r.code != exitRefused {
		t.Fatalf("%+v", r)
	}
}

// convertCorpus converts a corpus in two runs, of which the second has a column
// more, and rows that are no rows; it returns those that are.
func convertCorpus(t *testing.T, root string) []string {
	t.Helper()
	names := []string{"seen", "flag", "small", "big", "ratio", "f", "price", "wide", "drift", "user id", "requestId", "raw", "born", "anything", "tags", "matrix", "geo", "labels", "events"}
	first := engineRows(names, 0, 400)
	second := engineRows(append(names, "later"), 400, 400)
	bad := []string{`{"id":"no number"}`, `{"id":1,`, `{"id":2,"id":3}`}
	convertRows(t, engineSchema(engineColumns), root, append(slices.Clone(first), bad...))
	convertRows(t, engineSchema(engineLater+engineColumns), root, second)
	return append(first, second...)
}

// newEngineTable converts the corpus into a local folder.
func newEngineTable(t *testing.T) engineTable {
	t.Helper()
	table := engineTable{root: filepath.Join(t.TempDir(), "it's a table é"), partitions: [][2]string{{"dt", "date"}, {"app", "string"}}}
	for _, text := range convertCorpus(t, table.root) {
		table.rows = append(table.rows, oracle{t}.row(text))
	}
	rejects, err := filepath.Glob(filepath.Join(table.root, "_s3compact", "rejects", "*"))
	if err != nil || len(rejects) != 1 {
		t.Errorf("%d files of rejects lie in the table, for engines to skip; expected 1: %v", len(rejects), err)
	}
	table.ask()
	value := func(s string) *string { return &s }
	table.filters = []engineFilter{
		{"dt", "date", value("2026-01-02")}, {"dt", "date", value("0001-01-01")}, {"dt", "date", nil},
		{"app", "string", nil}, {"app", "string", value("absent")},
	}
	for _, text := range engineApps {
		if app, ok := (oracle{t}).value(oracle{t}.text, []byte(text)).(string); ok && app != "" {
			table.filters = append(table.filters, engineFilter{"app", "string", &app})
		}
	}
	return table
}

// ask makes the query of figures, and its answer out of the rows.
func (e *engineTable) ask() {
	var selects []string
	figure := func(what string, v any) {
		selects, e.expected = append(selects, fmt.Sprintf("%s AS f%d", what, len(selects))), append(e.expected, v)
	}
	figure("count(*)", strconv.Itoa(len(e.rows)))
	for _, name := range []string{"ts", "seen", "flag", "small", "big", "ratio", "f", "price", "wide", "drift", "requestId", "raw", "born", "anything", "tags", "matrix", "geo", "labels", "events", "later", "_extra", "dt", "app"} {
		n := 0
		for _, row := range e.rows {
			if row[name] != nil {
				n++
			}
		}
		figure("count("+name+")", strconv.Itoa(n))
	}
	for _, name := range []string{"id", "small", "big"} {
		figure("sum(cast("+name+" AS decimal(38,0)))", e.sum(name, 0))
	}
	figure("sum(cast(price AS decimal(38,2)))", e.sum("price", 2))
	for _, name := range []string{"ts", "seen", "born"} {
		low, high := e.extremes(name)
		figure("min("+name+")", low)
		figure("max("+name+")", high)
	}
	lat := 0
	for _, row := range e.rows {
		if geo, ok := row["geo"].(map[string]any); ok && geo["lat"] != nil {
			lat++
		}
	}
	figure("count(geo.lat)", strconv.Itoa(lat))
	e.figures = "SELECT " + strings.Join(selects, ", ") + " FROM "
}

func (e *engineTable) sum(name string, scale int) string {
	sum := new(big.Rat)
	for _, row := range e.rows {
		if text, ok := row[name].(string); ok {
			if n, ok := new(big.Rat).SetString(text); ok {
				sum.Add(sum, n)
			}
		}
	}
	return plainDecimal(sum.FloatString(scale))
}

// extremes are the least and greatest values of times or days.
func (e *engineTable) extremes(name string) (low, high string) {
	var all []string
	for _, row := range e.rows {
		if v, ok := row[name].(string); ok {
			all = append(all, v)
		}
	}
	compare := func(a, b string) int {
		x, xerr := strconv.ParseInt(a, 10, 64)
		y, yerr := strconv.ParseInt(b, 10, 64)
		if xerr == nil && yerr == nil {
			return cmp.Compare(x, y)
		}
		return cmp.Compare(a, b)
	}
	return slices.MinFunc(all, compare), slices.MaxFunc(all, compare)
}

// statements are those that ddl prints.
func (e *engineTable) statements(t *testing.T, engine, name string) string {
	t.Helper()
	r := s3compact("ddl", engine, cmp.Or(e.copied, e.root), "--name", name)
	if r.code != exitDone {
		t.Fatalf("%+v", r)
	}
	return r.stdout
}

// askPython asks an engine of testdata/engines.py about tables, by the
// statements of ddl, and checks what it answers.
func askPython(t *testing.T, python, engine, database string, tables map[string]engineTable) {
	t.Helper()
	names, args := slices.Sorted(maps.Keys(tables)), []string{engine}
	for _, short := range names {
		e, name := tables[short], database+short
		q := map[string]any{"root": e.root, "table": name, "partitions": e.partitions, "rows": len(e.rows) > 0, "figures": "",
			"filters": e.filters, "conditions": slices.Collect(maps.Keys(e.conditions))}
		if engine != "pyarrow" {
			q["statements"] = e.statements(t, engine, name)
		}
		if e.figures != "" {
			q["figures"] = e.figures + name
		}
		text, err := json.Marshal(q)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "question.json")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, file)
	}
	t.Setenv("TZ", "UTC")
	dec := json.NewDecoder(bytes.NewReader(interop.Run(t, python, enginesProgram, args...)))
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			var a engineAnswer
			if err := dec.Decode(&a); err != nil {
				t.Fatal(err)
			}
			e := tables[name]
			if engine == "pyarrow" { // it has no SQL
				e.conditions, e.expected = nil, nil
			}
			e.check(t, a)
			e.checkFiltered(t, a)
		})
	}
}

// check compares what an engine answered with what is expected.
func (e *engineTable) check(t *testing.T, a engineAnswer) {
	t.Helper()
	if d := gocmp.Diff(e.expected, a.Figures, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("figures of %s: (-want +got)\n%s", e.figures, d)
	}
	if d := gocmp.Diff(e.conditions, a.Counts, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("rows that conditions leave: (-want +got)\n%s", d)
	}
	byID := func(a, b map[string]any) int {
		x, xok := a["id"].(string)
		y, yok := b["id"].(string)
		if !xok || !yok {
			t.Fatalf("rows without an id: %v, %v", a, b)
		}
		return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y))
	}
	slices.SortFunc(a.Rows, byID)
	slices.SortFunc(e.rows, byID)
	if len(a.Rows) != len(e.rows) {
		t.Errorf("%d rows, expected %d", len(a.Rows), len(e.rows))
		return
	}
	said := map[string]int{}
	for i, want := range e.rows {
		for name, v := range want {
			got, ok := a.Rows[i][name]
			if d := gocmp.Diff(v, got, cmpopts.EquateApprox(0, 0)); d != "" || !ok {
				if said[name]++; said[name] <= 3 {
					t.Errorf("row %v, column %s (it has one: %v): (-want +got)\n%s", want["id"], name, ok, d)
				}
			}
		}
		if len(want) != len(a.Rows[i]) {
			t.Fatalf("columns of the row are %v, expected %v", a.Rows[i], want)
		}
	}
	for name, n := range said {
		t.Errorf("column %s differs in %d rows", name, n)
	}
}

// expectedFor is how many rows a filter leaves, and how many files hold them.
func (e *engineTable) expectedFor(t *testing.T, f engineFilter) (rows int, files []string) {
	t.Helper()
	folders := map[string]bool{}
	for _, row := range e.rows {
		v := row[f.Column]
		if (f.Value == nil && v == nil) || (f.Value != nil && v != nil && partitionText(f.Kind, v) == *f.Value) {
			rows++
			folders[e.folder(row)] = true
		}
	}
	for folder := range folders {
		found, err := os.ReadDir(filepath.Join(e.root, folder))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range found {
			files = append(files, filepath.Join(folder, file.Name()))
		}
	}
	return rows, files
}

// folder is the folder of a row, as Hive escapes it (FileUtils.escapePathName of
// Hive: control characters and "#%'*/:=?\{[]^ and DEL).
func (e *engineTable) folder(row map[string]any) string {
	var levels []string
	for _, p := range e.partitions {
		text := "__HIVE_DEFAULT_PARTITION__"
		if v := row[p[0]]; v != nil {
			text = ""
			for _, c := range []byte(partitionText(p[1], v)) {
				if c < ' ' || c == 0x7f || strings.IndexByte(`"#%'*/:=?\{[]^`, c) >= 0 {
					text += fmt.Sprintf("%%%02X", c)
				} else {
					text += string([]byte{c})
				}
			}
		}
		levels = append(levels, p[0]+"="+text)
	}
	return filepath.Join(levels...)
}

// partitionText is a value as it stands in a folder's name, before it is escaped, and in SQL.
func partitionText(kind string, v any) string {
	text := fmt.Sprint(v)
	if us, err := strconv.ParseInt(text, 10, 64); kind == "timestamp" && err == nil {
		return time.UnixMicro(us).UTC().Format("2006-01-02 15:04:05.999999")
	}
	return text
}

// checkFiltered compares rows and files read of each filter.
func (e *engineTable) checkFiltered(t *testing.T, a engineAnswer) {
	t.Helper()
	all := 0
	if err := filepath.WalkDir(e.root, func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".parquet") {
			all++
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for i, f := range e.filters {
		rows, files := e.expectedFor(t, f)
		value := "null"
		if f.Value != nil {
			value = strconv.Quote(*f.Value)
		}
		if len(files) == all {
			t.Errorf("%s = %s leaves out no file", f.Column, value)
		}
		if got := a.Filtered[i]; got.Rows != rows || got.Files != len(files) {
			t.Errorf("%s = %s: %d rows of %d files, expected %d of %d (of all %d)\n%s", f.Column, value, got.Rows, got.Files, rows, len(files), all, got.Plan)
		}
	}
}

// newTypedTable has partitions of all types, one with a name in upper case.
func newTypedTable(t *testing.T) engineTable {
	t.Helper()
	table := engineTable{
		root:       filepath.Join(t.TempDir(), "typed"),
		partitions: [][2]string{{"ok", "boolean"}, {"n", "int32"}, {"big", "int64"}, {"at", "timestamp"}, {"Kind", "string"}},
	}
	schema := "version: 1\ncolumns:\n  - {name: id, type: int64}\n"
	partitions := "partitions:\n"
	for _, p := range table.partitions {
		schema += fmt.Sprintf("  - {name: %s, type: %s}\n", p[0], p[1])
		partitions += fmt.Sprintf("  - {name: %s}\n", p[0])
	}
	texts := map[string][]string{
		"ok": {"true", "false", "null"}, "n": {"-2147483648", "7", "null"}, "big": {"9223372036854775807", "-9223372036854775808", "null"},
		"at":   {`"2026-01-02T03:00:00Z"`, `"1969-12-31T23:59:59.999999Z"`, "null"},
		"Kind": {`"A"`, `"a"`, "null"},
	}
	kinds := map[string]oracleType{"ok": oracle{t}.boolean, "n": oracle{t}.whole(32), "big": oracle{t}.whole(64), "at": oracle{t}.time, "Kind": oracle{t}.text}
	var rows []string
	seen := map[string]bool{}
	for i := range 45 {
		row, text := map[string]any{"id": strconv.Itoa(i)}, fmt.Sprintf(`{"id":%d`, i)
		for j, p := range table.partitions {
			v := texts[p[0]][(i+i/(3*(j+1)))%3]
			row[p[0]] = oracle{t}.value(kinds[p[0]], []byte(v))
			text += fmt.Sprintf(`,"%s":%s`, p[0], v)
			if f := (engineFilter{Column: p[0], Kind: p[1]}); !seen[p[0]+v] {
				if row[p[0]] != nil {
					value := partitionText(p[1], row[p[0]])
					f.Value = &value
				}
				seen[p[0]+v], table.filters = true, append(table.filters, f)
			}
		}
		table.rows, rows = append(table.rows, row), append(rows, text+"}")
	}
	convertRows(t, schema+partitions, table.root, rows)
	return table
}

// newFlatTable has no partitions.
func newFlatTable(t *testing.T) engineTable {
	t.Helper()
	table := engineTable{root: filepath.Join(t.TempDir(), "flat")}
	var rows []string
	for i := range 20 {
		rows = append(rows, fmt.Sprintf(`{"id":%d,"s":"é%d"}`, i, i))
		table.rows = append(table.rows, map[string]any{"id": strconv.Itoa(i), "s": fmt.Sprintf("é%d", i)})
	}
	convertRows(t, "version: 1\ncolumns: [{name: id, type: int64}, {name: s, type: string}]\n", table.root, append(rows, "no json"))
	return table
}

// engineTables are the tables that each engine reads.
func engineTables(t *testing.T) map[string]engineTable {
	t.Helper()
	return map[string]engineTable{"requests": newEngineTable(t), "typed": newTypedTable(t), "flat": newFlatTable(t), "wide": {root: newWideTable(t), conditions: wideConditions()}}
}

// TestEnginesReadTheTable: pyarrow and DuckDB.
func TestEnginesReadTheTable(t *testing.T) {
	python := interop.Python(t)
	tables := engineTables(t)
	for _, engine := range []string{"pyarrow", "duckdb"} {
		t.Run(engine, func(t *testing.T) { askPython(t, python, engine, "", tables) })
	}
}
