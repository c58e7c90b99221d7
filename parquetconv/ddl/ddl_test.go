package ddl

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3compact/s3compact/parquetconv/schema"
)

var update = flag.Bool("update", false, "write the golden files anew")

const everything = `
version: 1
unknown_fields: keep
columns:
  - {name: ts, type: timestamp, path: $.time, required: true}
  - {name: status, type: int32}
  - {name: user id, type: int64}
  - {name: ok, type: boolean}
  - {name: f, type: float}
  - {name: d, type: double}
  - {name: price, type: "decimal(12,2)"}
  - {name: ua, type: string}
  - {name: raw, type: binary}
  - {name: born, type: date}
  - {name: anything, type: json}
  - {name: tags, type: "list<string>"}
  - {name: geo, type: "struct<lat: double, lon: double, at: timestamp>"}
  - {name: labels, type: "map<string,int64>"}
partitions:
  - {name: dt, type: date, expr: "cast(ts as date)"}
  - {name: bucket, type: int32, expr: "bucket(16, \"user id\")"}
`

func tableOf(t *testing.T, text, name string, folders ...string) Table {
	t.Helper()
	s, err := schema.Parse([]byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return New(name, "s3://my-tables/logs/", s, folders)
}

func TestStatements(t *testing.T) {
	folders := []string{"dt=2026-01-03/bucket=2", "dt=2026-01-01/bucket=15", "dt=2026-01-02/bucket=0"}
	for _, tt := range []struct {
		golden, engine string
		table          Table
	}{
		{"athena.sql", "athena", tableOf(t, everything, "logs.requests", folders...)},
		{"athena-null.sql", "athena", tableOf(t, everything, "logs.requests", append(folders, "dt="+NullFolder+"/bucket=1")...)},
		{"athena-plain.sql", "athena", tableOf(t, "version: 1\ncolumns: [{name: a, type: string}]", "t")},
		{"trino.sql", "trino", tableOf(t, everything, "hive.logs.requests", folders...)},
		{"trino-partitions.sql", "trino", tableOf(t, "version: 1\ncolumns: [{name: at, type: timestamp}, {name: Kind, type: string}, {name: a, type: int64}]\npartitions: [{name: at}, {name: Kind}]", "hive.logs.requests", folders...)},
		{"spark.sql", "spark", tableOf(t, everything, "logs.requests", folders...)},
		{"duckdb.sql", "duckdb", tableOf(t, everything, "requests", folders...)},
		{"duckdb-plain.sql", "duckdb", tableOf(t, "version: 1\ncolumns: [{name: a, type: string}]", `odd "name"`)},
	} {
		got, err := Statements(tt.engine, tt.table)
		if err != nil {
			t.Errorf("%s: %v", tt.golden, err)
			continue
		}
		path := filepath.Join("testdata", tt.golden)
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), got); d != "" {
			t.Errorf("%s: %s", tt.golden, d)
		}
	}
}

func TestLocationsAreQuoted(t *testing.T) {
	table := tableOf(t, "version: 1\ncolumns: [{name: a, type: string}]", "hive.logs.requests")
	table.Location = `/it's/a\b/`
	for engine, says := range map[string]string{
		"athena": `LOCATION '/it\'s/a\\b/'`,
		"spark":  `LOCATION '/it\'s/a\\b/'`,
		"trino":  `external_location = 'local:///it''s/a\b/'`,
		"duckdb": `read_parquet('/it''s/a\b/*.parquet'`,
	} {
		if got, err := Statements(engine, table); err != nil || !strings.Contains(got, says) {
			t.Errorf("%s: %s, %v; expected %s", engine, got, err, says)
		}
	}
}

func TestWhatCannotBeWritten(t *testing.T) {
	odd := tableOf(t, "version: 1\ncolumns: [{name: a, type: 'struct<\"a b\": string>'}]", "logs.requests")
	for _, tt := range []struct {
		engine string
		table  Table
		says   string
	}{
		{"athena", odd, `column "a": the field "a b"`},
		{"trino", odd, "catalog.schema.table"},
		{"oracle", odd, "athena, duckdb, spark, trino"},
	} {
		if got, err := Statements(tt.engine, tt.table); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %q, %v, expected %q", tt.engine, got, err, tt.says)
		}
	}
}

// TestProjectionIsLeftOut: it must never hide a folder.
func TestProjectionIsLeftOut(t *testing.T) {
	partitioned := func(p string) string {
		return "version: 1\ncolumns: [{name: ts, type: timestamp}, {name: s, type: string}, {name: n, type: int32}]\npartitions: [" + p + "]\n"
	}
	day := `{name: dt, type: date, expr: "cast(ts as date)"}`
	for _, tt := range []struct {
		name, partitions string
		folders          []string
		isProjected      bool
	}{
		{"a day", day, []string{"dt=2026-01-01"}, true},
		{"no day yet", day, nil, false},
		{"a day that is yet to come", day, []string{"dt=2026-01-01", "dt=9999-12-31"}, false},
		{"rows without a day", day, []string{"dt=2026-01-01", "dt=" + NullFolder}, false},
		{"buckets", `{name: b, type: int32, expr: "bucket(4, s)"}`, nil, true},
		{"a number that is no bucket", `{name: b, type: int64, expr: "n % 4"}`, []string{"b=1"}, false},
		{"text", day + `, {name: app, type: string, expr: "s"}`, []string{"dt=2026-01-01/app=x"}, false},
		{"upper case", `{name: Day, type: date, expr: "cast(ts as date)"}`, []string{"Day=2026-01-01"}, false},
	} {
		table := tableOf(t, partitioned(tt.partitions), "t", tt.folders...)
		if got := table.Projection(); (len(got) > 0) != tt.isProjected {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
