package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/s3compact/s3compact/internal/buildcache"
)

//go:embed peers/convert.py
var convertProgram string

//go:embed peers/convert.txt
var convertRequirements []byte

//go:embed peers/convert.yaml
var convertSchema string

// convertTrials turn 1,000 MB of JSON behind 169 MB of gzip into a table of zstd
// Parquet by day and bucket: from many small objects and from few large ones,
// into 16 partitions, and the small ones into 176 and 660 too.
func (b *bench) convertTrials(ctx context.Context) ([]trial, error) {
	objects := logObjects
	if b.size == quick {
		objects /= quickShare
	}
	var trials []trial
	named := func(layout string, objects, buckets int) string {
		return fmt.Sprintf("%d %s objects, %d partitions", objects, layout, buckets)
	}
	for _, v := range []struct {
		layout  string
		objects int
		buckets int
		goal    float64
	}{{"small", objects, 16, 2}, {"big", bigLogObjects, 16, 1.5}, {"small", objects, 176, 0}, {"small", objects, 660, 0}} {
		t := trial{
			Section: "convert", Input: named(v.layout, v.objects, v.buckets),
			Unit: "MB of JSON", Goal: v.goal, MostBytes: 1 << 30, Few: true,
		}
		if v.goal > 0 {
			t.MostCPU = 0.5
		} else {
			t.LeastOfBase, t.Base = 0.7, named(v.layout, v.objects, 16)
		}
		if !b.wants(&t) {
			continue
		}
		data, err := makeJSONLogs(ctx, objects)
		if err != nil {
			return nil, err
		}
		var sizes logSizes
		if err := readJSON(filepath.Join(data, "sizes.json"), &sizes); err != nil {
			return nil, err
		}
		t.Work = float64(sizes.JSONBytes) / 1e6
		if t.Contenders, err = b.converters(ctx, filepath.Join(data, v.layout), sizes, v.buckets); err != nil {
			return nil, err
		}
		trials = append(trials, t)
	}
	return trials, nil
}

// converters are the ways. All are timed by the clock, with both cores to
// themselves; CPU time stands beside it.
func (b *bench) converters(ctx context.Context, source string, sizes logSizes, buckets int) ([]contender, error) {
	py, err := buildcache.Python(ctx, "bench/convert-", convertRequirements, func(string) { say("installing the peers of convert (once, 2 GB)") })
	if err != nil {
		return nil, fmt.Errorf("the peers from PyPI (they need python3 with its venv module): %w", err)
	}
	program, schema, table := filepath.Join(b.tmp, "convert.py"), filepath.Join(b.tmp, fmt.Sprintf("convert-%d.yaml", buckets)), filepath.Join(b.tmp, "table")
	for name, text := range map[string]string{program: convertProgram, schema: fmt.Sprintf(convertSchema, buckets)} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	contend := func(name string, argv ...string) contender {
		return contender{
			Name: name, Run: argv, ByWall: true,
			Prepare: func(context.Context) error { return os.RemoveAll(table) },
			Check:   func() error { return checkTable(ctx, py, program, table, sizes) },
		}
	}
	own := contend("s3compact convert", b.s3compact, "convert", "--to", table, "--schema", schema, source)
	own.Ours = true
	all := []contender{own}
	for _, peer := range []struct{ name, engine string }{{"chDB", "chdb"}, {"DuckDB", "duckdb"}, {"Polars", "polars"}, {"Spark", "spark"}} {
		c := contend(peer.name, py, program, peer.engine, source, table, strconv.Itoa(buckets))
		if peer.engine == "spark" {
			if _, err := exec.LookPath("java"); err != nil {
				c.Missing = whyMissing("Spark", err)
			} else if buckets > 16 {
				// After six minutes of 660 partitions it had written 50,000 files.
				c.Missing = "it writes a file for each task and partition, tens of thousands of them"
			}
		}
		all = append(all, c)
	}
	return all, nil
}

// checkTable holds a table against what went in.
func checkTable(ctx context.Context, py, program, table string, sizes logSizes) error {
	out, err := output(ctx, py, program, "check", table)
	if err != nil {
		return err
	}
	var got logSizes
	var files int
	if _, err := fmt.Sscan(out, &got.Rows, &got.SumBytes, &got.SumStatus, &files); err != nil {
		return fmt.Errorf("what the table holds: %q: %w", out, err)
	}
	got.JSONBytes, got.StoredBytes = sizes.JSONBytes, sizes.StoredBytes
	if got != sizes {
		return fmt.Errorf("the table holds %+v, the source %+v", got, sizes)
	}
	return nil
}

func readJSON(path string, v any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}
