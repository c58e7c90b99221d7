package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test"
)

// idLine is a row of one request.
func idLine(id string) []byte {
	return []byte(`{"time":"2026-01-01T00:00:00Z","app_id":1,"request_id":"` + id + `"}` + "\n")
}

func (l *lake) put(key string, body []byte) {
	l.t.Helper()
	if _, err := l.store.Put(l.t.Context(), l.bucket, key, body, s3store.PutOptions{}); err != nil {
		l.t.Fatal(err)
	}
}

// changed are the keys of what a run refused because it was not as listed.
func (r result) changed(t *testing.T) (keys []string) {
	t.Helper()
	for _, line := range r.lines(t, "refused") {
		if line["reason"] == "changed" {
			keys = append(keys, line["key"].(string))
		}
	}
	slices.Sort(keys)
	return keys
}

// TestConvertByAPlan loads the groups of a plan, and nothing beside or below them.
func TestConvertByAPlan(t *testing.T) {
	l := newLake(t)
	var hot []string
	all := l.requestIDs()
	tables := s3test.Start(t).Bucket(t)
	dirs := map[string]bool{}
	for i, location := range []string{"s3://" + tables + "/plans/p.jsonl", filepath.Join(t.TempDir(), "p.jsonl")} {
		code, _, stderr := runHotspots(t, "--listing", "s3://"+l.bucket+"/", "--min-objects", "8", "--plan", location)
		if code != exitDone {
			t.Fatal(stderr)
		}
		to := fmt.Sprintf("logs%d/", i)
		l.convert("s3://"+tables+"/"+to, "--plan", location)
		got := tableIDs(t, l.store, tables, to)
		if i > 0 {
			if !slices.Equal(got, hot) {
				t.Errorf("%d rows by the plan on this machine, %d by that on S3", len(got), len(hot))
			}
			continue
		}
		if hot = got; len(hot) == 0 || len(hot) >= len(all) {
			t.Errorf("%d rows of %d", len(hot), len(all))
		}
		for key := range l.list() {
			if strings.HasPrefix(key, "10001/") {
				dirs[key[:strings.LastIndexByte(key, '/')+1]] = true
			}
		}
		for dir := range dirs { // what is below is no group of this plan, and too little for one of the next
			l.put(dir+"below/x.json", idLine("below"))
			l.put(dir+"new.json", idLine("new"))
		}
		l.convert("s3://"+tables+"/"+to, "--plan", location)
		hot = slices.Sorted(slices.Values(append(hot, slices.Repeat([]string{"new"}, len(dirs))...)))
		if got := tableIDs(t, l.store, tables, to); !slices.Equal(got, hot) || len(dirs) == 0 {
			t.Errorf("%d rows once something is new, want %d", len(got), len(hot))
		}
	}
}

// TestConvertByAnInventory takes what a report lists for what there is: what is
// gone or changed since is refused, and what is new is not seen.
func TestConvertByAnInventory(t *testing.T) {
	l := newLake(t)
	server := s3test.Start(t)
	tables := server.Bucket(t)
	want := l.requestIDs()
	l.put("10001/gone.json", idLine("gone"))
	l.put("10001/other.json", idLine("before"))
	at := publish(t, server, l.bucket, false)
	if err := l.store.Delete(t.Context(), l.bucket, "10001/gone.json", ""); err != nil {
		t.Fatal(err)
	}
	l.put("10001/other.json", idLine("after"))
	l.put("10001/new.json", idLine("new"))
	for format, report := range at {
		to := strings.ToLower(format) + "/"
		r := l.convert("s3://"+tables+"/"+to, "--inventory", report)
		if changed := r.changed(t); !slices.Equal(changed, []string{"10001/gone.json", "10001/other.json"}) {
			t.Errorf("%s: changed %q", format, changed)
		}
		if got := tableIDs(t, l.store, tables, to); !slices.Equal(got, want) {
			t.Errorf("%s: %d rows, want %d", format, len(got), len(want))
		}
		// What is there now, by listing.
		l.convert("s3://"+tables+"/"+to, "s3://"+l.bucket+"/")
		if got := tableIDs(t, l.store, tables, to); len(got) != len(want)+2 || !slices.Contains(got, "after") || !slices.Contains(got, "new") {
			t.Errorf("%s: %d rows by listing, want %d", format, len(got), len(want)+2)
		}
		// A part of it.
		to = "part-" + to
		l.convert("s3://"+tables+"/"+to, "--inventory", report, "s3://"+l.bucket+"/10009/")
		if got := tableIDs(t, l.store, tables, to); len(got) == 0 || len(got) >= len(want) {
			t.Errorf("%s: %d rows of a prefix of %d", format, len(got), len(want))
		}
	}
	other := s3compact("convert", "--schema", schemaFile(t, logSchema), "--to", "s3://"+tables+"/other/", "--inventory", at["CSV"], "s3://"+tables+"/x/")
	if other.code != exitUsage || !strings.Contains(other.stderr, "the inventory report is of the bucket "+l.bucket) {
		t.Errorf("a report of another bucket: %+v", other)
	}
	bare := s3compact("convert", "--to", "s3://"+tables+"/bare/", "--inventory", at["CSV"])
	if bare.code == exitDone || !strings.Contains(bare.stderr, "a new table needs --schema") {
		t.Errorf("without a schema: %+v", bare)
	}
}

// TestConvertOtherFormats: CSV as it is, as gzip and as zstd, by extension and by
// pattern.
func TestConvertOtherFormats(t *testing.T) {
	l := newLake(t)
	tables := s3test.Start(t).Bucket(t)
	schema := schemaFile(t, `
version: 1
format: csv
columns:
  - {name: request_id, type: string, required: true}
  - {name: ts, type: timestamp, time: "%Y-%m-%d %H:%M:%S"}
partitions:
  - {name: dt, type: date, expr: "cast(ts as date)"}
  - {name: app, type: int64, expr: "cast(app as int64)"}
`)
	header := "request_id,ts,app\r\n"
	record := func(id string) string { return id + ",2026-01-01 02:03:04,7\r\n" }
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	zipped := w.EncodeAll([]byte(header+record("c1")), nil)
	zipped = w.EncodeAll([]byte(record("\"c\n2\"")+header+record("c3")), zipped)
	l.put("csv/a.csv", []byte(header+record("a1")+record("\"a\"2")+record("a3")))
	l.put("csv/c.csv.zst", zipped)
	l.put("csv/d.csv.zst", zipped[:len(zipped)-1])
	l.put("csv/e.txt", []byte(header+record("e1")))
	convert := func(to string, args ...string) []string {
		t.Helper()
		r := s3compact(append([]string{"convert", "--schema", schema, "--to", "s3://" + tables + "/" + to, "--output", "json", "s3://" + l.bucket + "/csv/"}, args...)...)
		if r.code > exitRefused {
			t.Fatalf("%+v", r)
		}
		for _, line := range r.lines(t, "refused") {
			if line["key"] != "csv/d.csv.zst" || line["reason"] != "truncated" {
				t.Errorf("refused %v", line)
			}
		}
		return tableIDs(t, l.store, tables, to)
	}
	if got := convert("t/"); !slices.Equal(got, []string{"a1", "a3", "c\n2", "c1", "c3"}) {
		t.Errorf("by extension: %q", got)
	}
	if got := convert("u/", "--match", "*.txt"); !slices.Equal(got, []string{"e1"}) {
		t.Errorf("by name: %q", got)
	}
	if got := convert("v/", "--match", "csv/{a,e}*"); !slices.Equal(got, []string{"a1", "a3", "e1"}) {
		t.Errorf("by key: %q", got)
	}
}

func TestConvertRefusesBadSources(t *testing.T) {
	good, folder := schemaFile(t, logSchema), t.TempDir()
	text := filepath.Join(folder, "text")
	if err := os.WriteFile(text, []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"a plan and a source":       {[]string{"--plan", text, folder}, "give --plan or"},
		"a plan and a report":       {[]string{"--plan", text, "--inventory", "s3://b/r/"}, "give --plan or --inventory"},
		"no plan":                   {[]string{"--plan", text}, "--plan: "},
		"no glob":                   {[]string{"--match", "[", folder}, "--match \"[\" is no valid glob"},
		"no report":                 {[]string{"--inventory", "s3:///daily/"}, "--inventory: "},
		"a report of local sources": {[]string{"--inventory", folder, folder}, "is local"},
	} {
		r := s3compact(append([]string{"convert", "--schema", good, "--to", filepath.Join(folder, "table")}, c.args...)...)
		if r.code != exitUsage || !strings.Contains(r.stderr, c.says) {
			t.Errorf("%s: %+v", name, r)
		}
	}
}
