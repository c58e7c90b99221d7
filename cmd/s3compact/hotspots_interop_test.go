//go:build interop

package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3compact/s3compact/internal/interop"
)

// referenceQuery is the query that the tool's reference flags stand for, over
// the CSV data files of a report.
const referenceQuery = `
import json, sys
import duckdb

print(json.dumps(duckdb.execute("""
    WITH inventory AS (
        SELECT url_decode(replace(column1, '+', ' ')) AS key, column2::BIGINT AS size
        FROM read_csv(?, header = false, all_varchar = true, delim = ',', quote = '"', escape = '"')
    )
    SELECT split_part(key, '/', 1) AS prefix, COUNT(*) AS objects, SUM(size)::BIGINT AS bytes
    FROM inventory
    WHERE contains(key, '/')
    GROUP BY 1
    HAVING SUM(size) < 1024 * 1024 * 1024 AND COUNT(*) >= 8
    ORDER BY objects DESC, prefix
""", [sys.argv[1:]]).fetchall()))
`

// referenceRows have groups on both sides of each bound of the reference query.
func referenceRows() (rows []string) {
	add := func(key string, size int64) {
		rows = append(rows, fmt.Sprintf(`"logs","%s","%d","2026-10-03T01:02:03.000Z","STANDARD","true","false"`, url.QueryEscape(key), size))
	}
	random := rand.New(rand.NewPCG(7, 14184))
	for g := range 400 {
		for i := range 1 + random.IntN(60) {
			add(fmt.Sprintf("%05d/%d/%s-%d.json.gz", 10000+g, i%3, []string{"edge", "ü +%", "a,\"b\""}[g%3], i), random.Int64N(40<<20))
		}
	}
	const gib = 1 << 30
	for i := range int64(8) { // a group of eight, and of exactly 1 GiB, and of one byte less
		add(fmt.Sprintf("eight/%d", i), i)
		add(fmt.Sprintf("gib/%d", i), gib/8)
		add(fmt.Sprintf("less/%d", i), gib/8-i/7)
		add(fmt.Sprintf("_s3compact/groups/%d/x", i), 100)
		add(fmt.Sprintf("/leading/%d", i), 1)
		add(fmt.Sprintf("twice//%d", i), 1)
		add(fmt.Sprintf("日本/%d", i), 1)
		add(fmt.Sprintf("no-slash-%d", i), 1)
	}
	for i := range 7 {
		add(fmt.Sprintf("seven/%d", i), 1)
	}
	random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	return rows
}

// TestReferenceQueryEqualsDuckDB asks the reference query of the tool and of DuckDB.
func TestReferenceQueryEqualsDuckDB(t *testing.T) {
	rows := referenceRows()
	var compressed bytes.Buffer
	w := gzip.NewWriter(&compressed)
	_, _ = w.Write([]byte(strings.Join(rows[:2000], "\n") + "\n")) // a bytes.Buffer takes all
	_ = w.Close()
	manifest := writeReport(t, "CSV",
		reportFile{name: "1.csv.gz", content: compressed.String()}, reportFile{name: "2.csv", content: strings.Join(rows[2000:], "\n") + "\n"})

	type group struct {
		Prefix         string
		Objects, Bytes int64
	}
	var want []group
	var answer [][]any
	dir := filepath.Dir(manifest)
	out := interop.Run(t, interop.Python(t), referenceQuery, filepath.Join(dir, "1.csv.gz"), filepath.Join(dir, "2.csv"))
	decoder := json.NewDecoder(bytes.NewReader(out))
	decoder.UseNumber()
	if err := decoder.Decode(&answer); err != nil {
		t.Fatal(err)
	}
	number := func(v any) int64 {
		n, err := v.(json.Number).Int64()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, r := range answer {
		want = append(want, group{r[0].(string) + "/", number(r[1]), number(r[2])})
	}

	code, stdout, stderr := runHotspots(t, "--inventory", manifest, "--group-by", "depth=1", "--small-size", "none",
		"--max-total", "1GiB", "--min-objects", "8", "--output", "json")
	if code != exitDone {
		t.Fatalf("exit %d, errors:\n%s", code, stderr)
	}
	lines := strings.SplitAfter(strings.TrimSuffix(stdout, "\n"), "\n")
	plan, err := readPlan(strings.NewReader(strings.Join(lines[:len(lines)-1], "")))
	if err != nil {
		t.Fatal(err)
	}
	var got []group
	for _, h := range plan.Hotspots {
		if h.Prefix != "" { // the keys without a slash, which the query leaves out
			got = append(got, group{h.Prefix, h.Objects, h.Bytes})
		}
	}
	if len(want) < 100 || len(want) > 400 {
		t.Errorf("DuckDB finds %d groups: the rows do not cover the bounds", len(want))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("groups (-DuckDB +hotspots):\n%s", d)
	}
}
