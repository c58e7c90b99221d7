package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test"
)

const logSchema = `
version: 1
format: ndjson
columns:
  - {name: ts, type: timestamp, path: $.time}
  - {name: app_id, type: int64, required: true}
  - {name: status, type: int32}
  - {name: bytes, type: int64}
  - {name: request_id, type: string, required: true}
  - {name: language, type: string, path: $.request.headers.accept_language}
  - {name: latency_ms, type: double, expr: "cast(request_time as double) * 1000"}
partitions:
  - {name: dt, type: date, expr: "cast(ts as date)"}
  - {name: app, type: int64, expr: "app_id"}
`

func schemaFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "schema.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// requestIDs are those of all records in good objects, sorted.
func (l *lake) requestIDs() (ids []string) {
	l.t.Helper()
	for _, o := range l.truth.Objects {
		if !o.Kind.Good() {
			continue
		}
		body, _, err := l.store.ReadAll(context.Background(), l.bucket, o.Key, 1<<30)
		if err != nil {
			l.t.Fatal(err)
		}
		r, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			l.t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			l.t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			var record struct {
				ID string `json:"request_id"`
			}
			if err := json.Unmarshal(line, &record); err != nil {
				l.t.Fatal(err)
			}
			ids = append(ids, record.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// tableIDs are the request ids in the table, sorted.
func tableIDs(t *testing.T, store *s3store.Client, bucket, prefix string) (ids []string) {
	t.Helper()
	err := store.List(context.Background(), bucket, s3store.ListOptions{Prefix: prefix}, func(p s3store.Page) error {
		for _, o := range p.Objects {
			if !strings.HasSuffix(o.Key, ".parquet") {
				continue
			}
			if !strings.Contains(o.Key, "/dt=") || !strings.Contains(o.Key, "/app=") {
				t.Errorf("%s is in no partition", o.Key)
			}
			body, _, err := store.ReadAll(context.Background(), bucket, o.Key, 1<<30)
			if err != nil {
				return err
			}
			ids = append(ids, columnOf(t, body, "request_id")...)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(ids)
	return ids
}

func columnOf(t *testing.T, body []byte, name string) (values []string) {
	t.Helper()
	r, err := file.NewParquetReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	fr, err := pqarrow.NewFileReader(r, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	table, err := fr.ReadTable(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, chunk := range table.Column(table.Schema().FieldIndices(name)[0]).Data().Chunks() {
		column := chunk.(*array.String)
		for i := range column.Len() {
			values = append(values, column.Value(i))
		}
	}
	return values
}

func (l *lake) convert(to string, args ...string) result {
	l.t.Helper()
	r := s3compact(append([]string{"convert", "--schema", schemaFile(l.t, logSchema), "--to", to, "--batch-size", "100KB", "--output", "json"}, args...)...)
	if r.code != exitDone && r.code != exitRefused {
		l.t.Fatalf("convert: %+v", r)
	}
	return r
}

func (l *lake) compact(args ...string) {
	l.t.Helper()
	r := s3compact(append([]string{"compact", "s3://" + l.bucket + "/", "--yes", "--min-age", "0s", "--output", "json"}, args...)...)
	if r.code != exitRefused {
		l.t.Fatalf("compact: %+v", r)
	}
}

// TestConvertAndCompactInEveryOrder loads each row once whatever compaction
// has done before, since, or half-way.
func TestConvertAndCompactInEveryOrder(t *testing.T) {
	for name, steps := range map[string]func(l *lake, to string){
		"convert, compact, convert": func(l *lake, to string) {
			l.convert(to, "s3://"+l.bucket+"/")
			l.compact()
			if again := l.convert(to, "s3://"+l.bucket+"/").summary(l.t); again["rows_in"] != 0.0 {
				l.t.Errorf("again: %v", again)
			}
		},
		"compact, convert": func(l *lake, to string) {
			l.compact()
			l.convert(to, "s3://"+l.bucket+"/")
		},
		"one gzip member: compact, convert": func(l *lake, to string) {
			l.compact("--gzip", "single")
			l.convert(to, "s3://"+l.bucket+"/")
		},
		"one gzip member: a list, compact, the list's batches": func(l *lake, to string) {
			l.convert(to, "s3://"+l.bucket+"/", "--shard", "0/2")
			l.compact("--gzip", "single")
			l.convert(to, "s3://"+l.bucket+"/", "--shard", "1/2")
			l.convert(to, "s3://"+l.bucket+"/")
		},
		"half-way: outputs and members both there": func(l *lake, to string) {
			l.compact("--keep-originals")
			l.convert(to, "s3://"+l.bucket+"/")
			if again := l.convert(to, "s3://"+l.bucket+"/").summary(l.t); again["rows_in"] != 0.0 {
				l.t.Errorf("again: %v", again)
			}
		},
		"some, compact, the rest": func(l *lake, to string) {
			sources := []string{}
			for i, o := range l.truth.Objects {
				if o.Kind.Good() && i%3 == 0 {
					sources = append(sources, "s3://"+l.bucket+"/"+o.Key)
				}
			}
			l.convert(to, sources...)
			l.compact()
			l.convert(to, "s3://"+l.bucket+"/10001/")
			l.convert(to, "s3://"+l.bucket+"/")
		},
		"a list, compact, the list's batches": func(l *lake, to string) {
			// The first of two shards publishes the list; the second finds its sources compacted.
			l.convert(to, "s3://"+l.bucket+"/", "--shard", "0/2")
			l.compact()
			l.convert(to, "s3://"+l.bucket+"/", "--shard", "1/2")
			l.convert(to, "s3://"+l.bucket+"/")
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLake(t)
			want := l.requestIDs()
			tables := s3test.Start(t).Bucket(t)
			steps(l, "s3://"+tables+"/logs/")
			if got := tableIDs(t, l.store, tables, "logs/"); !slices.Equal(got, want) {
				t.Errorf("%d rows, want %d", len(got), len(want))
			}
			last := l.convert("s3://"+tables+"/logs/", "s3://"+l.bucket+"/")
			if s := last.summary(t); s["rows_in"] != 0.0 || s["batches"] != 0.0 {
				t.Errorf("one more run: %v", s)
			}
		})
	}
}

func TestConvertTellsWhatItRefused(t *testing.T) {
	l := newLake(t)
	tables := s3test.Start(t).Bucket(t)
	to := "s3://" + tables + "/logs/"
	dry := l.convert(to, "s3://"+l.bucket+"/", "--dry-run")
	if len(dry.lines(t, "batch")) == 0 || dry.code != exitDone {
		t.Errorf("dry run: %+v", dry)
	}
	if ids := tableIDs(t, l.store, tables, ""); len(ids) != 0 {
		t.Errorf("the dry run wrote %d rows", len(ids))
	}
	first := l.convert(to, "s3://"+l.bucket+"/")
	want := map[string]string{}
	for _, o := range l.truth.Refused("") {
		want[o.Key] = o.Kind.Reason()
	}
	for _, r := range []result{first, l.convert(to, "s3://"+l.bucket+"/")} {
		if r.code != exitRefused {
			t.Errorf("exit %d", r.code)
		}
		got := map[string]string{}
		for _, line := range r.lines(t, "refused") {
			got[line["key"].(string)] = line["reason"].(string)
		}
		for key, reason := range want {
			// What is no JSON although sound gzip is loaded line by line, and rejected there.
			if reason != "format" && got[key] != reason {
				t.Errorf("%s: refused as %q, want %q", key, got[key], reason)
			}
		}
	}
	s := first.summary(t)
	if s["rows_in"].(float64) != s["rows_out"].(float64)+s["rows_rejected"].(float64) || s["rows_out"].(float64) != float64(len(l.requestIDs())) {
		t.Errorf("summary %v", s)
	}
	if r := s["requests"].(map[string]any); r["get"].(float64) == 0 || r["put"].(float64) == 0 || s["cost_usd"].(float64) <= 0 {
		t.Errorf("summary %v", s)
	}
}

func TestConvertRefusesBadCalls(t *testing.T) {
	good := schemaFile(t, logSchema)
	folder := t.TempDir()
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"no target":            {[]string{"--schema", good, folder}, "--to"},
		"no source":            {[]string{"--schema", good, "--to", folder}, "convert what"},
		"a broken schema":      {[]string{"--schema", schemaFile(t, strings.Replace(logSchema, "int32", "int33", 1)), "--to", folder, folder}, "line 7, column 26: unknown type"},
		"a nested path in csv": {[]string{"--schema", schemaFile(t, strings.Replace(logSchema, "ndjson", "csv", 1)), "--to", folder, folder}, "a field of csv holds one value"},
		"an unknown partition": {[]string{"--schema", good, "--partition-by", "nothing", "--to", folder, folder}, "no partition or column"},
		"a visible state":      {[]string{"--schema", good, "--to", "s3://b/t/", "--state", "s3://b/state/", folder}, "begins with _"},
		"a table without /":    {[]string{"--schema", good, "--to", "s3://b/t", folder}, "ends in a slash"},
		"a whole bucket":       {[]string{"--schema", good, "--to", "s3://b", folder}, "prefix of its own"},
		"little memory":        {[]string{"--schema", good, "--to", folder, "--memory", "1MiB", folder}, "at least 64MiB"},
		"rejects":              {[]string{"--schema", good, "--to", folder, "--max-rejects", "1.5", folder}, "--max-rejects \"1.5\": write a number of rows, or a share"},
		"changes":              {[]string{"--schema", good, "--to", folder, "--on-changed", "load", folder}, "--on-changed \"load\": write fail or skip"},
		"no open partition":    {[]string{"--schema", good, "--to", folder, "--max-open-partitions", "0", folder}, "--max-open-partitions 0: at least 1"},
		"a wrong shard":        {[]string{"--schema", good, "--to", folder, "--shard", "3/3", folder}, "shard"},
		"an unknown flag":      {[]string{"--schema", good, "--to", folder, folder, "--bach-size", "1GB"}, "--bach-size"},
	} {
		t.Run(name, func(t *testing.T) {
			r := s3compact(append([]string{"convert"}, c.args...)...)
			if r.code != exitUsage || !strings.Contains(r.stderr, c.says) {
				t.Errorf("%+v", r)
			}
		})
	}
}

// TestConvertStopsForRejectsAndChanges: exit 1, with what to do.
func TestConvertStopsForRejectsAndChanges(t *testing.T) {
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "table")
	line := `{"time":"2026-01-01T00:00:00Z","app_id":1,"request_id":"a"}` + "\n"
	source := filepath.Join(from, "a.json")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	convert := func(args ...string) result {
		return s3compact(append([]string{"convert", "--schema", schemaFile(t, logSchema), "--to", to, from, "--output", "json"}, args...)...)
	}
	write(line + "no json\n" + line + line)
	if r := convert("--max-rejects", "20%"); r.code != exitFailed || !strings.Contains(r.stderr, "1 of the 4 that this run has read") || r.summary(t)["rows_in"] != 0.0 {
		t.Errorf("%+v", r)
	}
	if r := convert("--max-rejects", "25%"); r.code != exitRefused || r.summary(t)["rows_out"] != 3.0 {
		t.Errorf("%+v", r)
	}
	write(line)
	if r := convert("--on-changed", "fail"); r.code != exitFailed || !strings.Contains(r.stderr, "1 sources changed after they were converted") || r.lines(t, "refused")[0]["reason"] != "changed" {
		t.Errorf("%+v", r)
	}
	if r := convert("--on-changed", "skip"); r.code != exitRefused {
		t.Errorf("%+v", r)
	}
}

func TestConvertLocalFoldersAndShards(t *testing.T) {
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "table")
	for _, name := range []string{"a.json", "b.ndjson", "c.log"} {
		line := `{"time":"2026-01-01T00:00:00Z","app_id":1,"request_id":"` + name + `"}` + "\n"
		if err := os.WriteFile(filepath.Join(from, name), []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, shard := range []string{"1/2", "0/2"} {
		r := s3compact("convert", "--schema", schemaFile(t, logSchema), "--to", to, "--partition-by", "dt", "--batch-size", "1B", "--shard", shard, from)
		if r.code != exitDone {
			t.Fatalf("%+v", r)
		}
	}
	files, err := filepath.Glob(filepath.Join(to, "dt=2026-01-01", "*.parquet"))
	if err != nil || len(files) != 3 {
		t.Errorf("files %v, %v", files, err)
	}
}

func TestConvertStopsAtItsDeadline(t *testing.T) {
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "table")
	line := `{"time":"2026-01-01T00:00:00Z","app_id":1,"request_id":"a"}`
	if err := os.WriteFile(filepath.Join(from, "a.json"), []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"convert", "--schema", schemaFile(t, logSchema), "--to", to, from}
	r := s3compact(append(args, "--deadline", "1ns")...)
	if r.code != exitResumable || !strings.Contains(r.stderr, "--deadline") {
		t.Errorf("%+v", r)
	}
	if r = s3compact(args...); r.code != exitDone {
		t.Errorf("the rerun: %+v", r)
	}
}

// TestConvertKilledGoesOn kills the program in the middle of its batches.
func TestConvertKilledGoesOn(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "s3compact")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	l := newLake(t)
	tables := s3test.Start(t).Bucket(t)
	to := "s3://" + tables + "/logs/"
	state := &lake{t: t, bucket: tables, store: l.store}
	for kills := range 4 {
		before := len(state.list())
		cmd := exec.Command(binary, "convert", "--schema", schemaFile(t, logSchema), "--to", to, "--batch-size", "20KB", "s3://"+l.bucket+"/")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// Wait until it has written something, each time a little more; it may be done before.
		for range 500 {
			if len(state.list()) > before+kills*3 {
				break
			}
		}
		if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed
	}
	l.convert(to, "s3://"+l.bucket+"/")
	l.convert(to, "s3://"+l.bucket+"/") // whatever is new since the first list: nothing
	if got, want := tableIDs(t, l.store, tables, "logs/"), l.requestIDs(); !slices.Equal(got, want) {
		t.Errorf("%d rows, want %d", len(got), len(want))
	}
}

func TestConvertFromS3ToAFolderWithItsStateElsewhere(t *testing.T) {
	l := newLake(t)
	to, state := filepath.Join(t.TempDir(), "table"), filepath.Join(t.TempDir(), "state")
	l.convert(to, "s3://"+l.bucket+"/", "--state", state)
	var ids []string
	files, err := filepath.Glob(filepath.Join(to, "dt=*", "app=*", "*.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, columnOf(t, body, "request_id")...)
	}
	slices.Sort(ids)
	if want := l.requestIDs(); !slices.Equal(ids, want) {
		t.Errorf("%d rows, want %d", len(ids), len(want))
	}
	if lists, err := filepath.Glob(filepath.Join(state, "convert", "plans", "*")); err != nil || len(lists) != 1 {
		t.Errorf("lists %v, %v", lists, err)
	}
	if again := l.convert(to, "s3://"+l.bucket+"/", "--state", state).summary(t); again["rows_in"] != 0.0 {
		t.Errorf("again: %v", again)
	}
}

// TestConvertByWorkersAtOnce: three workers do the same share and two others theirs.
func TestConvertByWorkersAtOnce(t *testing.T) {
	l := newLake(t)
	tables := s3test.Start(t).Bucket(t)
	schema, to, from := schemaFile(t, logSchema), "s3://"+tables+"/logs/", "s3://"+l.bucket+"/"
	var wg sync.WaitGroup
	for _, shard := range []string{"0/3", "0/3", "0/3", "1/3", "2/3"} {
		wg.Go(func() {
			r := process("convert", "--schema", schema, "--to", to, "--batch-size", "30KB", "--shard", shard, from)
			if r.code != exitDone && r.code != exitRefused {
				t.Errorf("%+v", r)
			}
		})
	}
	wg.Wait()
	if got, want := tableIDs(t, l.store, tables, "logs/"), l.requestIDs(); !slices.Equal(got, want) {
		t.Errorf("%d rows, want %d", len(got), len(want))
	}
	err := l.store.ListUploads(context.Background(), tables, "", func(u s3store.Upload) error {
		t.Errorf("the upload of %s is left", u.Key)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
