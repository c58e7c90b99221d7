package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test"
	"github.com/s3compact/s3compact/parquetconv/schema"
)

// days is a folder of rows by day, gzip, with names as Hive has them.
func days(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for day := 1; day <= 4; day++ {
		var text strings.Builder
		for i := range 50 {
			fmt.Fprintf(&text, `{"time":"2026-01-%02dT00:00:%02dZ","status":%d,"name":"n%d"}`+"\n", day, i, 200+i%3, i)
		}
		writeFile(t, filepath.Join(dir, fmt.Sprintf("date=2026-01-%02d", day), "a.json.gz"), gzipped(t, text.String()))
	}
	return dir
}

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func writeFile(t *testing.T, path string, body []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestSchemaInfer writes a schema that convert takes, wherever the flags stand.
func TestSchemaInfer(t *testing.T) {
	dir := days(t)
	first := s3compact("schema", "infer", "--sample-sources", "2", dir)
	if first.code != exitDone || !strings.Contains(first.stdout, "of 2 of 4 sources") || first.stderr != "" {
		t.Fatalf("%+v", first)
	}
	if _, err := schema.Parse([]byte(first.stdout), nil); err != nil {
		t.Error(err)
	}
	if after := s3compact("schema", "infer", dir, "--sample-sources=2"); after.stdout != first.stdout {
		t.Errorf("with the flag behind the source: %+v", after)
	}
	t.Run("environment", func(t *testing.T) {
		t.Setenv("S3COMPACT_SAMPLE_SOURCES", "2")
		if r := s3compact("schema", "infer", dir); r.stdout != first.stdout {
			t.Errorf("%+v", r)
		}
	})
	r := s3compact("schema", "infer", dir, "--partition-by", "day,date")
	s, err := schema.Parse([]byte(r.stdout), nil)
	if err != nil || len(s.Partitions) != 1 || s.Partitions[0].Name != "date" {
		t.Errorf("%v: %+v", err, r)
	}
	if r := s3compact("schema", "infer", t.TempDir()); r.code != exitFailed || !strings.Contains(r.stderr, "no sources") || r.stdout != "" {
		t.Errorf("an empty folder: %+v", r)
	}
}

// TestSchemaInferCSV writes a schema of CSV, with which convert loads every row.
func TestSchemaInferCSV(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "a.csv.gz"), gzipped(t, "id;at\n1;2026-01-02 03:04:05\n2;\n"))
	inferred := s3compact("schema", "infer", dir, "--format", "csv")
	if inferred.code != exitDone || !strings.Contains(inferred.stdout, `csv: {delimiter: ";"}`) {
		t.Fatalf("%+v", inferred)
	}
	r := s3compact("convert", dir, "--to", filepath.Join(t.TempDir(), "table"), "--schema", schemaFile(t, inferred.stdout), "--output", "json")
	if sum := r.summary(t); r.code != exitDone || sum["rows_out"] != 2.0 || sum["bad_values"] != nil {
		t.Errorf("%+v", r)
	}
}

func TestSchemaRefusesBadCalls(t *testing.T) {
	dir := days(t)
	good := schemaFile(t, logSchema)
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"no source":         {[]string{"infer"}, "one or more sources"},
		"a missing source":  {[]string{"infer", dir, "--sample-sources", "0"}, "at least 1"},
		"a huge sample":     {[]string{"infer", dir, "--sample-sources", "100000", "--sample-bytes", "1GB"}, "4 GiB at most"},
		"no size":           {[]string{"infer", dir, "--sample-bytes", "none"}, "--sample-bytes"},
		"another format":    {[]string{"infer", dir, "--format", "tsv"}, "ndjson or csv"},
		"an unknown flag":   {[]string{"infer", dir, "--sample-source", "3"}, "did you mean --sample-sources"},
		"an unknown word":   {[]string{"inferr", dir}, "schema infer"},
		"nothing":           {[]string{"check"}, "check what"},
		"only a schema":     {[]string{"check", good}, "one or more sources"},
		"no schema":         {[]string{"check", filepath.Join(dir, "none.yaml"), dir}, "none.yaml"},
		"a broken schema":   {[]string{"check", schemaFile(t, "version: 1\ncolumns:\n  - {name: a, type: int33}\n"), dir}, "line 3"},
		"an unknown form":   {[]string{"check", good, dir, "--output", "yaml"}, "--output"},
		"a partition of it": {[]string{"check", good, dir, "--partition-by", "nothing"}, "no partition or column"},
	} {
		t.Run(name, func(t *testing.T) {
			if r := s3compact(append([]string{"schema"}, c.args...)...); r.code != exitUsage || !strings.Contains(r.stderr, c.says) {
				t.Errorf("%+v", r)
			}
		})
	}
}

// TestSchemaCheck tells what a run would reject, with an example, and exits 3 for it.
func TestSchemaCheck(t *testing.T) {
	dir := days(t)
	fits := s3compact("schema", "infer", dir, "--partition-by", "date").stdout
	if r := s3compact("schema", "check", schemaFile(t, fits), dir, "--output", "json"); r.code != exitDone || r.summary(t)["rows_out"] != 200.0 || r.summary(t)["partitions"] != 4.0 {
		t.Errorf("a schema that fits: %+v", r)
	}
	strict := strings.Replace(strings.Replace(fits, "name: name, type: string", "name: name, type: int64, on_bad: reject", 1), "name: status, type: int64", "name: status, type: boolean", 1)
	writeFile(t, filepath.Join(dir, "date=2026-01-05", "a.json"), []byte("{\"status\":true,\"more\":1}\n{\"status\"\n{\"status\":null}"))
	writeFile(t, filepath.Join(dir, "date=2026-01-05", "b.json.gz"), []byte("no gzip"))
	r := s3compact("schema", "check", "--output", "json", schemaFile(t, strict), dir)
	if r.code != exitRefused {
		t.Fatalf("%+v", r)
	}
	sum := r.summary(t)
	for name, want := range map[string]float64{"rows_in": 203, "rows_out": 2, "rows_rejected": 201, "values_null": 0, "partitions": 1, "sources": 6, "sources_refused": 1} {
		if sum[name] != want {
			t.Errorf("%s is %v, want %v", name, sum[name], want)
		}
	}
	rejects := r.lines(t, "reject")
	if len(rejects) != 2 || rejects[0]["reason"] != "type" || rejects[0]["column"] != "name" || rejects[0]["count"] != 200.0 || !strings.Contains(rejects[0]["key"].(string), "date=2026-01-01") {
		t.Errorf("rejects %v", rejects)
	}
	if bad := rejects[1]; bad["reason"] != "invalid_json" || bad["offset"] != 25.0 || bad["text"] != "{\"status\"" {
		t.Errorf("the line that is no JSON: %v", bad)
	}
	if u := r.lines(t, "unknown_field"); len(u) != 1 || u[0]["path"] != "$.more" || u[0]["fate"] != "keep" {
		t.Errorf("unknown fields %v", u)
	}
	if refused := r.lines(t, "refused"); len(refused) != 1 || refused[0]["reason"] != "not_gzip" {
		t.Errorf("refused %v", refused)
	}
	loose := schemaFile(t, strings.Replace(strict, ", on_bad: reject", "", 1))
	if r := s3compact("schema", "check", loose, filepath.Join(dir, "date=2026-01-01"), "--output", "json"); r.code != exitDone || len(r.lines(t, "null")) != 2 || r.summary(t)["values_null"] != 100.0 {
		t.Errorf("values that become null: %+v", r)
	}
	table := s3compact("schema", "check", schemaFile(t, strings.Replace(strict, "on_bad: reject", "on_bad: fail", 1)), dir)
	for _, says := range []string{"rejected  200 rows: type in column \"name\"", "e.g. /", "kept      $.more", "partition date=2026-01-05: 2 rows", "a run would stop", "not_gzip"} {
		if !strings.Contains(table.stdout, says) {
			t.Errorf("the table does not say %q: %s", says, table.stdout)
		}
	}
}

// TestSchemaOfS3ReadsRanges looks only at the beginning of a large object.
func TestSchemaOfS3ReadsRanges(t *testing.T) {
	l := newLake(t)
	bucket := s3test.Start(t).Bucket(t)
	var text strings.Builder
	for i := range 200_000 {
		fmt.Fprintf(&text, `{"id":%d,"h":"%x"}`+"\n", i, uint64(i)*0x9e3779b97f4a7c15)
	}
	for key, body := range map[string][]byte{"p/large.json.gz": gzipped(t, text.String()), "p/plain.json": []byte(text.String()), "p/_skipped.json": []byte("x")} {
		if _, err := l.store.Put(context.Background(), bucket, key, body, s3store.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	source := "s3://" + bucket + "/p/"
	r := s3compact("schema", "infer", source, "--sample-bytes", "64KiB")
	if r.code != exitDone || !strings.Contains(r.stdout, "128 KiB of the text of 2 of 2 sources") || strings.Contains(r.stdout, "No rows") {
		t.Fatalf("%+v", r)
	}
	check := s3compact("schema", "check", schemaFile(t, r.stdout), source, "--sample-bytes", "64KiB", "--output", "json")
	if read := check.summary(t)["bytes_read"].(float64); check.code != exitDone || read > 2*(64<<10)+4000 {
		t.Errorf("%v bytes were read: %+v", read, check)
	}
}

// TestConvertWithoutASchema infers one, shows it on stderr and keeps it in the state.
func TestConvertWithoutASchema(t *testing.T) {
	dir, to := days(t), filepath.Join(t.TempDir(), "table")
	args := []string{"convert", "--to", to, "--partition-by", "dt", "--output", "json", "--batch-size", "1B", dir}
	if r := s3compact(append(args, "--dry-run")...); r.code != exitDone || !strings.Contains(r.stderr, "name: status, type: int64") {
		t.Fatalf("%+v", r)
	}
	r := s3compact(append(args, "--shard", "0/2")...)
	if r.code != exitDone || r.summary(t)["rows_out"] != 100.0 {
		t.Fatalf("%+v", r)
	}
	_, yaml, _ := strings.Cut(r.stderr, "\n# Inferred")
	if yaml, _, _ = strings.Cut(yaml, "unknown_fields: keep\n"); !strings.Contains(yaml, "name: status, type: int64") {
		t.Errorf("stderr has no schema: %s", r.stderr)
	}
	// What the other worker finds would be another schema.
	writeFile(t, filepath.Join(dir, "date=2026-01-01", "new.json"), []byte(`{"time":"2026-01-01T00:00:00Z","status":"new","name":1}`+"\n"))
	if r = s3compact("convert", "--to", to, "--output", "json", dir, "--shard", "1/2"); r.code != exitDone || r.summary(t)["rows_out"] != 100.0 || strings.Contains(r.stderr, "Inferred") {
		t.Fatalf("%+v", r)
	}
	r = s3compact("convert", "--to", to, "--output", "json", dir)
	if r.code != exitDone || r.summary(t)["rows_out"] != 1.0 {
		t.Fatalf("%+v", r)
	}
	for _, day := range []string{"2026-01-01", "2026-01-04"} {
		if files, _ := filepath.Glob(filepath.Join(to, "dt="+day, "*.parquet")); len(files) == 0 {
			t.Errorf("no file for %s", day)
		}
	}
	if r := s3compact("convert", "--to", to, "--partition-by", "status", dir); r.code != exitFailed || !strings.Contains(r.stderr, "this schema by (status int64)") {
		t.Errorf("another partition: %+v", r)
	}
}
