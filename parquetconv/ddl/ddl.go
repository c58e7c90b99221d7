// Package ddl writes the statements that make a table of Parquet files known to
// an engine.
package ddl

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/s3compact/s3compact/parquetconv/schema"
	"github.com/s3compact/s3compact/parquetconv/value"
)

// Table is a table to describe.
type Table struct {
	Name     string // as the engine takes it: [catalog.][database.]table
	Location string // s3://bucket/table/ or /folder/table/, with its closing slash
	Columns  []Column
	// Partitions are the levels of folders, in their order.
	Partitions []Partition
	Today      string // 2006-01-02, in UTC
}

// Column is a column of the files.
type Column struct {
	Name string
	Type value.Type
}

// Partition is a column that stands in the folders' names.
type Partition struct {
	Column
	// Buckets is the number of values from 0 on, of a partition by bucket(n, …); else 0.
	Buckets int
	// First and Last are the least and greatest values that occur, as folders
	// are named; empty where there are none yet.
	First, Last string
	HasNull     bool // a folder for null occurs
}

// NullFolder is the value of the folder for null, as Hive names it.
const NullFolder = "__HIVE_DEFAULT_PARTITION__"

// New describes a table by its schema and by the folders that it has, such as
// "dt=2026-01-02/bucket=7".
func New(name, location string, s *schema.Schema, folders []string) Table {
	t := Table{Name: name, Location: location, Today: time.Now().UTC().Format(time.DateOnly)}
	for _, c := range s.Columns {
		if !c.Hidden {
			t.Columns = append(t.Columns, Column{c.Name, c.Type})
		}
	}
	for _, p := range s.Partitions {
		t.Partitions = append(t.Partitions, Partition{Column: Column{p.Name, p.Type}, Buckets: p.Expr.Buckets})
	}
	for _, folder := range folders {
		for i, segment := range strings.Split(folder, "/") {
			_, v, ok := strings.Cut(segment, "=")
			if !ok || i >= len(t.Partitions) {
				continue
			}
			t.Partitions[i].see(v)
		}
	}
	return t
}

// see takes note of a value that occurs.
func (p *Partition) see(v string) {
	if v == NullFolder {
		p.HasNull = true
		return
	}
	if p.First == "" || p.less(v, p.First) {
		p.First = v
	}
	if p.Last == "" || p.less(p.Last, v) {
		p.Last = v
	}
}

func (p *Partition) less(a, b string) bool {
	if p.Type.Kind == value.Int32 || p.Type.Kind == value.Int64 {
		x, xerr := strconv.ParseInt(a, 10, 64)
		y, yerr := strconv.ParseInt(b, 10, 64)
		if xerr == nil && yerr == nil {
			return x < y
		}
	}
	return a < b
}

// Engines are the engines that statements can be written for.
func Engines() []string {
	names := make([]string, 0, len(engines))
	for name := range engines {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

var engines = map[string]func(Table) (string, error){"athena": athena, "duckdb": duckdb, "spark": spark, "trino": trino}

// Statements are the statements for an engine, one of Engines, in SQL with
// comments on what is left to do.
func Statements(engine string, t Table) (string, error) {
	write, ok := engines[engine]
	if !ok {
		return "", fmt.Errorf("ddl for %q: write one of %s", engine, strings.Join(Engines(), ", "))
	}
	return write(t)
}

// words are an engine's names of the types without parameters.
type words struct {
	boolean, int32, int64, float, double, text, binary, date, timestamp string
	list                                                                func(elem string) string
	dict                                                                func(elem string) string
	record                                                              func(names, types []string) (string, error)
}

func (w *words) of(t value.Type) (string, error) {
	switch t.Kind {
	case value.Boolean:
		return w.boolean, nil
	case value.Int32:
		return w.int32, nil
	case value.Int64:
		return w.int64, nil
	case value.Float:
		return w.float, nil
	case value.Double:
		return w.double, nil
	case value.Decimal:
		return fmt.Sprintf("decimal(%d,%d)", t.Precision, t.Scale), nil
	case value.Binary:
		return w.binary, nil
	case value.Date:
		return w.date, nil
	case value.Timestamp:
		return w.timestamp, nil
	case value.List, value.Map:
		elem, err := w.of(t.Elem())
		if err != nil {
			return "", err
		}
		if t.Kind == value.List {
			return w.list(elem), nil
		}
		return w.dict(elem), nil
	case value.Struct:
		var names, types []string
		for _, f := range t.Fields() {
			word, err := w.of(f.Type)
			if err != nil {
				return "", err
			}
			names, types = append(names, f.Name), append(types, word)
		}
		return w.record(names, types)
	}
	return w.text, nil // string, json
}

// columns writes "name type" lines with a separator between them.
func (w *words) columns(columns []Column, quote func(string) string) ([]string, error) {
	var lines []string
	for _, c := range columns {
		word, err := w.of(c.Type)
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", c.Name, err)
		}
		lines = append(lines, quote(c.Name)+" "+word)
	}
	return lines, nil
}

func (t *Table) partitionColumns() (columns []Column) {
	for _, p := range t.Partitions {
		columns = append(columns, p.Column)
	}
	return columns
}

// quoted quotes each part of a dotted name.
func quoted(name string, quote func(string) string) string {
	parts := strings.Split(name, ".")
	for i, p := range parts {
		parts[i] = quote(p)
	}
	return strings.Join(parts, ".")
}

func backticks(s string) string    { return "`" + strings.ReplaceAll(s, "`", "``") + "`" }
func doubleQuotes(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
func literal(s string) string      { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// hiveLiteral is a literal of Hive's SQL, and of Spark's: two quotes would end one
// literal and begin the next.
func hiveLiteral(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// plainField says whether a field of a struct can be named without quotes.
func plainField(name string) bool {
	for i, c := range name {
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}
