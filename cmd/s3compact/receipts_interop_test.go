//go:build interop

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/s3compact/s3compact/internal/interop"
	"github.com/s3compact/s3compact/internal/receipt"
)

// runQueries runs SQL statements and prints the rows of each query by its name.
const runQueries = `
import duckdb, json, sys
db = duckdb.connect()
results = {}
for name, sql in json.load(open(sys.argv[1])):
    rows = db.execute(sql).fetchall()
    results[name] = [[v if v is None or isinstance(v, (int, str)) else str(v) for v in row] for row in rows]
print(json.dumps(results))
`

// documentedQueries are the named SQL blocks of docs/receipts.md, in their order.
func documentedQueries(t *testing.T, receipts string) (all [][2]string) {
	t.Helper()
	doc, err := os.ReadFile("../../docs/receipts.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?s)```sql\n-- name: (\\w+)\n(.*?)```").FindAllStringSubmatch(string(doc), -1) {
		all = append(all, [2]string{m[1], strings.ReplaceAll(m[2], "s3://my-logs/_s3compact/groups", receipts)})
	}
	if n := strings.Count(string(doc), "```sql"); n != len(all) || n < 7 {
		t.Fatalf("%d of %d SQL blocks have a name, want 7 or more", len(all), n)
	}
	return all
}

// TestDocumentedQueries compacts a bucket, adds objects and compacts it again,
// so that outputs are absorbed, and runs the documented queries on the receipts
// as they lie there.
func TestDocumentedQueries(t *testing.T) {
	w := newWorld(t, variant{name: "queries", second: true})
	p := w.proxy()
	if r := startWorker(t, w.server.Env(), p, w.command()...).wait(); r.code != exitRefused {
		t.Fatalf("%+v", r)
	}
	receipts := t.TempDir()
	for key := range w.objects(w.bucket) {
		if below, ok := strings.CutPrefix(key, "_s3compact/groups/"); ok {
			file := filepath.Join(receipts, filepath.FromSlash(below))
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, w.read(w.bucket, key), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	queries, err := json.Marshal(documentedQueries(t, receipts))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "queries.json")
	if err := os.WriteFile(file, queries, 0o600); err != nil {
		t.Fatal(err)
	}
	var got map[string][][]any
	dec := json.NewDecoder(bytes.NewReader(interop.Run(t, interop.Python(t), runQueries, file)))
	dec.UseNumber()
	if err := dec.Decode(&got); err != nil {
		t.Fatal(err)
	}
	delete(got, "views")

	want := map[string][][]any{"open": {}, "refused": {{"bad_crc", num(1), "app/bad.json.gz"}}}
	type sums struct{ originals, bytes, uncompressed int }
	groups := map[string]*sums{"app/": {}, "web/2026/": {}}
	outputs := map[string]map[string]bool{"app/": {}, "web/2026/": {}}
	days := map[string]*sums{}
	originals := map[string][]byte{} // as the application wrote them; their text is in w.current
	for _, e := range w.entries() {
		if e.Kind != receipt.Commit {
			continue
		}
		for _, m := range e.Members {
			if m.Absorbed() {
				continue
			}
			g := groups[e.Group]
			g.originals, g.bytes, g.uncompressed = g.originals+1, g.bytes+int(m.Size), g.uncompressed+int(m.UncompressedBytes)
			day := m.LastModified.UTC().Format(time.DateOnly)
			if days[day] == nil {
				days[day] = &sums{}
			}
			days[day].originals, days[day].bytes = days[day].originals+1, days[day].bytes+int(m.Size)
			outputs[e.Group][e.Outputs[m.Output].Key] = true
			originals[m.Key] = nil
		}
	}
	for _, name := range []string{"app/", "web/2026/"} {
		g := groups[name]
		want["groups"] = append(want["groups"], []any{name, num(g.originals), num(g.bytes), num(len(outputs[name])), num(g.uncompressed)})
	}
	for _, day := range slices.Sorted(maps.Keys(days)) {
		want["days"] = append(want["days"], []any{day, num(days[day].originals), num(days[day].bytes)})
	}
	live := w.liveOutputs("after two compactions")
	for key := range live {
		want["outputs"] = append(want["outputs"], []any{w.bucket, key, num(len(w.read(w.bucket, key)))})
	}
	slices.SortFunc(want["outputs"], func(a, b []any) int { return strings.Compare(a[1].(string), b[1].(string)) })
	places := got["places"]
	delete(got, "places")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the queries say otherwise: %s", diff)
	}

	if len(originals) != 40 || len(places) != len(originals) {
		t.Errorf("%d places of %d originals, want 40", len(places), len(originals))
	}
	for _, place := range places {
		key, output := place[0].(string), place[2].(string)
		var at, size int
		if _, err := fmt.Sscan(fmt.Sprint(place[3])+" "+fmt.Sprint(place[4]), &at, &size); err != nil {
			t.Fatal(err)
		}
		lines, err := gunzip(w.read(w.bucket, output)[at : at+size])
		if err != nil || len(lines) != 3 || live[output] == "" {
			t.Errorf("the place of %s (%s, %d bytes from %d) holds %d records, %v", key, output, size, at, len(lines), err)
			continue
		}
		for _, line := range lines {
			if w.current[line] != key {
				t.Errorf("the place of %s holds %s", key, line)
			}
		}
	}
}

// num is a number as a decoder of JSON gives it.
func num(n int) json.Number { return json.Number(fmt.Sprint(n)) }
