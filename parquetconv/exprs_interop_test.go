//go:build interop

package parquetconv

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/internal/interop"
	"github.com/s3compact/s3compact/parquetconv/schema"
)

// exprsProgram has DuckDB compute each expression from the columns beside it.
const exprsProgram = `
import sys, json, duckdb
root, pairs = sys.argv[1], json.load(open(sys.argv[2], encoding="utf-8"))
c = duckdb.connect()
c.execute("set timezone='UTC'")
c.execute("create view r as select * replace (t::timestamp as t) from read_parquet('%s/*.parquet')" % root)
rows = c.execute("select count(*) from r").fetchall()[0][0]
out = []
for name, sql in pairs.items():
    column = name + "::timestamp" if c.execute("select typeof(%s) from r limit 1" % name).fetchall()[0][0].startswith("TIMESTAMP") else name
    for row in c.execute("select id, %s::varchar, (%s)::varchar from r where %s is distinct from (%s) order by id limit 3" % (column, sql, column, sql)).fetchall():
        out.append("row %s: %s, DuckDB says %s of %s" % (row[0], row[1], row[2], sql))
print(json.dumps({"rows": rows, "differences": out}))
`

// sameInDuckDB are expressions, their types, and what they are in DuckDB's SQL,
// where a bad value is null.
var sameInDuckDB = [][3]string{
	{"b and c", "boolean", "b and c"}, {"b or c", "boolean", "b or c"}, {"not b", "boolean", "not b"}, {"b and not c or i > 0", "boolean", "b and not c or i > 0"},
	{"i = j", "boolean", "i = j"}, {"i in (0, 1, null)", "boolean", "i in (0, 1, null)"}, {"i not in (0, j, 7)", "boolean", "i not in (0, j, 7)"}, {"not (i between j and 7)", "boolean", "not (i between j and 7)"},
	{"b is null or c", "boolean", "b is null or c"}, {"s < u", "boolean", "s < u"}, {"s in ('a', u, 'abc')", "boolean", "s in ('a', u, 'abc')"}, {"d < e", "boolean", "d < e"}, {"i < d", "boolean", "i::double < d"},
	{"i + j", "int64", "try(i + j)"}, {"i - j", "int64", "try(i - j)"}, {"i * j", "int64", "try(i * j)"}, {"-i", "int64", "try(-i)"}, {"abs(i)", "int64", "try(abs(i))"},
	{"i / j", "int64", "case when j <> 0 and not (j = -1 and i < -9223372036854775807) then i // j end"}, {"i % j", "int64", "case when j = -1 and i is not null then 0 when j <> 0 then i % j end"},
	{"d + e", "double", "case when not isinf(d + e) then d + e end"}, {"d * e", "double", "case when not isinf(d * e) then d * e end"}, {"d / e", "double", "case when e <> 0 and not isinf(d / e) then d / e end"},
	{"round(d)", "double", "round(d)"}, {"floor(d)", "double", "floor(d)"}, {"ceil(d)", "double", "ceil(d)"}, {"round(d, 1)", "double", "round(d, 1)"},
	{"coalesce(i, j, 5)", "int64", "coalesce(i, j, 5)"}, {"nullif(i, j)", "int64", "nullif(i, j)"}, {"greatest(i, j)", "int64", "case when i >= j then i when j > i then j end"},
	{"case when i > j then 'gt' when i = j then 'eq' else s end", "string", "case when i > j then 'gt' when i = j then 'eq' else s end"}, {"case i when 0 then 'z' when j then 'j' end", "string", "case i when 0 then 'z' when j then 'j' end"},
	{"length(s)", "int64", "length(s)"}, {"lower(s)", "string", "lower(s)"}, {"s || u", "string", "s || u"}, {"replace(s, 'b', u)", "string", "replace(s, 'b', u)"}, {"replace(s, u, '!')", "string", "replace(s, u, '!')"},
	{"starts_with(s, u)", "boolean", "starts_with(s, u)"}, {"strpos(s, u)", "int64", "strpos(s, u)"}, {"substr(s, n)", "string", "substr(s, n)"}, {"substr(s, n, 2)", "string", "substr(s, n, 2)"}, {"substr(s, n, 0)", "string", "substr(s, n, 0)"},
	{"split_part(s, ',', 2)", "string", "case when strpos(s, ',') > 0 then split_part(s, ',', 2) end"}, {"trim(s)", "string", "trim(s, ' ' || chr(9) || chr(10))"},
	{"s like '%b%'", "boolean", "s like '%b%'"}, {"s like u", "boolean", "s like u"}, {"s not like '5!_%' escape '!'", "boolean", "s not like '5!_%' escape '!'"}, {"s like '%a_c%'", "boolean", "s like '%a_c%'"}, {"regexp_like(s, '^[a-c]+$')", "boolean", "regexp_matches(s, '^[a-c]+$')"},
	{"date_trunc('second', t)", "timestamp", "date_trunc('second', t)"}, {"date_trunc('hour', t)", "timestamp", "date_trunc('hour', t)"}, {"date_trunc('week', t)", "timestamp", "date_trunc('week', t)"}, {"date_trunc('month', t)", "timestamp", "date_trunc('month', t)"}, {"date_trunc('quarter', t)", "timestamp", "date_trunc('quarter', t)"},
	{"cast(t as date)", "date", "t::date"}, {"extract(year from t)", "int64", "year(t)"}, {"extract(week from t)", "int64", "week(t)"}, {"extract(year_of_week from t)", "int64", "isoyear(t)"}, {"extract(day_of_week from t)", "int64", "isodow(t)"}, {"extract(day_of_year from t)", "int64", "dayofyear(t)"}, {"extract(second from t)", "int64", "second(t)"}, {"extract(epoch from t)", "double", "epoch(t)"},
	{"cast(i as string)", "string", "i::varchar"}, {"cast(i as int32)", "int32", "try_cast(i as integer)"}, {"cast(i as double)", "double", "i::double"}, {"cast(d as int64)", "int64", "case when abs(d) < 9e18 then (sign(d) * floor(abs(d) + 0.5))::bigint end"},
	{"from_unixtime_ms(i)", "timestamp", "case when i between -62135596800000 and 253402300799999 then make_timestamp(i * 1000) end"},
}

// TestExpressionsAgreeWithDuckDB computes expressions of random rows, and has
// DuckDB compute them again from the table.
func TestExpressionsAgreeWithDuckDB(t *testing.T) {
	fields := map[string][]string{
		"i": {"null", "0", "1", "-1", "2", "-7", "7", "9223372036854775807", "-9223372036854775808", "4611686018427387904", "86400"},
		"d": {"null", "0.0", "-0.0", "1.5", "-1.5", "2.5", "-2.5", "0.1", "1e308", "-1e308", "5e-324", "123456.789", "-7.25"},
		"s": {"null", `""`, `"a"`, `"abc"`, `"ÄB ß"`, `"é😀x"`, `"  x "`, `"a,b,,c"`, `","`, `"50%"`, `"5_%"`, `"-1"`, `"\t\n"`, `"abcabcabc"`, `"日本語"`},
		"t": {"null", `"1969-12-31T23:59:59.999999Z"`, `"1970-01-01T00:00:00Z"`, `"2024-02-29T12:34:56.789Z"`, `"1600-03-01T00:00:00.000001Z"`, `"0001-01-01T00:00:00Z"`, `"9999-12-31T23:59:59.999999Z"`, `"2021-01-03T05:00:00Z"`, `"1900-02-28T10:00:00Z"`},
		"b": {"null", "true", "false"},
		"n": {"null", "0", "1", "2", "4", "-1", "-2", "-5", "100", "-100"},
	}
	columns := [][3]string{{"i", "int64", "i"}, {"j", "int64", "i"}, {"n", "int64", "n"}, {"d", "double", "d"}, {"e", "double", "d"}, {"s", "string", "s"}, {"u", "string", "s"}, {"t", "timestamp", "t"}, {"b", "boolean", "b"}, {"c", "boolean", "b"}}
	const rows = 3000
	rng := rand.New(rand.NewPCG(1, 2))
	var text, file strings.Builder
	file.WriteString("version: 1\ncolumns:\n  - {name: id, type: int64}\n")
	for _, c := range columns {
		fmt.Fprintf(&file, "  - {name: %s, type: %s}\n", c[0], c[1])
	}
	pairs := map[string]string{}
	for k, e := range sameInDuckDB {
		name := fmt.Sprintf("x%d", k)
		fmt.Fprintf(&file, "  - {name: %s, type: %s, expr: %q}\n", name, e[1], e[0])
		pairs[name] = e[2]
	}
	for id := range rows {
		fmt.Fprintf(&text, `{"id":%d`, id)
		for _, c := range columns {
			of := fields[c[2]]
			fmt.Fprintf(&text, `,"%s":%s`, c[0], of[rng.IntN(len(of))])
		}
		text.WriteString("}\n")
	}
	f := newFolder(t)
	if err := os.WriteFile(filepath.Join(f.root, "src", "a.json"), []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	o := f.options(t, func(s Store) Store { return s })
	o.BatchBytes = 1 << 30
	var err error
	if o.Schema, err = schema.Parse([]byte(file.String()), nil); err != nil {
		t.Fatal(err)
	}
	mustRun(t, o)
	asked := filepath.Join(f.root, "pairs.json")
	if err := os.WriteFile(asked, []byte(jsonOf(t, pairs)), 0o600); err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Rows        int
		Differences []string
	}
	if err := json.Unmarshal(interop.Run(t, interop.Python(t), exprsProgram, filepath.Join(f.root, "out"), asked), &answer); err != nil {
		t.Fatal(err)
	}
	if answer.Rows != rows {
		t.Errorf("DuckDB reads %d rows, of %d", answer.Rows, rows)
	}
	for _, d := range answer.Differences {
		t.Error(d)
	}
}
