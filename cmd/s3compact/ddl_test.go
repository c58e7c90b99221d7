package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDDL(t *testing.T) {
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "requests")
	line := `{"time":"2026-01-01T00:00:00Z","app_id":1,"request_id":"a"}` + "\n"
	if err := os.WriteFile(filepath.Join(from, "a.json"), []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := s3compact("convert", "--schema", schemaFile(t, logSchema), "--to", to, from); r.code != exitDone {
		t.Fatalf("%+v", r)
	}
	if r := s3compact("ddl", "duckdb", to); r.code != exitDone || !strings.Contains(r.stdout, `VIEW "requests" AS`) || !strings.Contains(r.stdout, "'"+to+"/dt=*/app=*/*.parquet'") {
		t.Errorf("%+v", r)
	}
	if r := s3compact("ddl", "athena", to, "--name", "logs.requests"); r.code != exitDone || !strings.Contains(r.stdout, "CREATE EXTERNAL TABLE IF NOT EXISTS `logs`.`requests` (") {
		t.Errorf("%+v", r)
	}
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"no table":          {[]string{"spark"}, "ddl needs an engine (athena, duckdb, spark, trino) and a table"},
		"an unknown engine": {[]string{"oracle", to}, `ddl for "oracle": write one of`},
		"an empty folder":   {[]string{"spark", from}, "name the table that convert wrote with --to"},
		"half a name":       {[]string{"trino", to}, "catalog.schema.table"},
	} {
		if r := s3compact(append([]string{"ddl"}, c.args...)...); r.code != exitUsage || !strings.Contains(r.stderr, c.says) {
			t.Errorf("%s: %+v", name, r)
		}
	}
}
