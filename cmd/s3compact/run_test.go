package main

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRunDoesOnlyWhatIsNew carries a pipeline out, again, and once more after a
// day with new objects.
func TestRunDoesOnlyWhatIsNew(t *testing.T) {
	l := newPipelineLake(t)
	before, ids := l.data(), l.requestIDs()

	first := l.run("--yes")
	if got := first.codes(); first.code != exitRefused || got != "hotspots=0 compact=3 convert=3" {
		t.Fatalf("exit %d, steps %s: %s", first.code, got, tail(first.stderr))
	}
	if s := first.of("compact"); s["objects_in"] != 60.0 || s["objects_deleted"] != 60.0 {
		t.Errorf("compact: %v", s)
	}
	l.checkCompacted(before)
	if got := tableIDs(t, l.store, l.tables, "app/"); !slices.Equal(got, ids) {
		t.Errorf("the table has %d records, want %d", len(got), len(ids))
	}
	plans := l.plans()
	if len(plans) != 1 || !strings.HasPrefix(filepath.Base(plans[0]), "20261004T010000.000Z-") {
		t.Fatalf("plans %v", plans)
	}
	if steps := first.ending().Steps; steps[0].PlanReused || steps[0].Plan != "s3://"+l.bucket+"/"+plans[0] || steps[1].Plan != steps[0].Plan {
		t.Errorf("steps %+v", steps)
	}

	settled := l.data()
	second := l.run("--yes")
	if got := second.codes(); second.code != exitRefused || got != "hotspots=0 compact=3 convert=3" {
		t.Fatalf("again: exit %d, steps %s: %s", second.code, got, tail(second.stderr))
	}
	if steps := second.ending().Steps; !steps[0].PlanReused || len(second.lines(t, "plan")) != 0 {
		t.Errorf("the plan was not used again: %+v", steps)
	}
	if s := second.of("compact"); s["objects_in"] != 0.0 {
		t.Errorf("compact again: %v", s)
	}
	if s := second.of("convert"); s["rows_in"] != 0.0 || s["batches"] != 0.0 {
		t.Errorf("convert again: %v", s)
	}
	if !maps.Equal(settled, l.data()) || !slices.Equal(plans, l.plans()) {
		t.Error("a second run has changed something")
	}

	// One prefix is new; the report of the next day knows it.
	l.add("20001/", 12)
	l.report()
	third := l.run("--yes", "--refusals-ok")
	if got := third.codes(); third.code != exitDone || got != "hotspots=0 compact=0 convert=3" {
		t.Errorf("the next day: exit %d, steps %s: %s", third.code, got, tail(third.stderr))
	}
	if s := third.of("hotspots"); s["hotspots"] != 1.0 {
		t.Errorf("hotspots of the next day: %v", s)
	}
	if s := third.of("compact"); s["objects_in"] != 12.0 {
		t.Errorf("compact of the next day: %v", s)
	}
	if s := third.of("convert"); s["rows_in"] != 12.0 {
		t.Errorf("convert of the next day: %v", s)
	}
	plans = l.plans()
	if len(plans) != 2 {
		t.Fatalf("plans %v", plans)
	}
	if steps := l.run("--only", "compact", "--dry-run").ending().Steps; steps[0].Plan != "s3://"+l.bucket+"/"+plans[1] {
		t.Errorf("compact alone took another plan than the newest: %+v", steps)
	}
	if got := tableIDs(t, l.store, l.tables, "app/"); len(got) != len(ids)+12 {
		t.Errorf("the table has %d records, want %d", len(got), len(ids)+12)
	}
}

func TestRunDryChangesNothing(t *testing.T) {
	l := newPipelineLake(t)
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	page := filepath.Join(t.TempDir(), "page.html")
	t.Setenv("S3COMPACT_REPORT", page)
	before := l.keys()
	r := l.run("--dry-run")
	if got := r.codes(); r.code != exitDone || got != "hotspots=0 compact=0 convert=0" {
		t.Fatalf("exit %d, steps %s: %s", r.code, got, tail(r.stderr))
	}
	if s := r.of("compact"); s["objects_in"].(float64) < 60 || s["outputs"] != 3.0 {
		t.Errorf("compact would: %v", s)
	}
	if len(r.lines(t, "batch")) == 0 {
		t.Errorf("convert shows no batch: %s", r.stdout)
	}
	if d := cmp.Diff(before, l.keys()); d != "" {
		t.Errorf("a dry run changed (-before +after):\n%s", d)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("a dry run left %v (%v)", left, err)
	}
	if _, err := os.Stat(page); err == nil {
		t.Error("a dry run wrote the report of hotspots")
	}

	// The plan that is there is used by a dry run too.
	if made := l.run("--only", "hotspots"); made.code != exitDone {
		t.Fatalf("%+v", made)
	}
	before = l.keys()
	for _, args := range [][]string{{"--dry-run"}, {"--dry-run", "--only", "compact"}} {
		r := l.run(args...)
		for _, s := range r.ending().Steps {
			if s.Step != "convert" && s.Plan != "s3://"+l.bucket+"/"+l.plans()[0] {
				t.Errorf("%v: %+v", args, s)
			}
		}
		if d := cmp.Diff(before, l.keys()); r.code != exitDone || d != "" {
			t.Errorf("%v: exit %d, changed (-before +after):\n%s", args, r.code, d)
		}
	}
}

// TestRunByShardsAtOnce: whoever comes first makes the plan, and all carry out that one.
func TestRunByShardsAtOnce(t *testing.T) {
	l := newPipelineLake(t)
	before, ids := l.data(), l.requestIDs()
	results := make([]ran, 3)
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() {
			results[i] = ran{t, process("run", l.file, "--yes", "--output", "json", "--shard", []string{"0/3", "1/3", "2/3"}[i])}
		})
	}
	wg.Wait()
	in, rows := 0.0, 0.0
	for i, r := range results {
		if r.code != exitRefused && r.code != exitDone {
			t.Fatalf("shard %d: exit %d, %s", i, r.code, tail(r.stderr))
		}
		in += r.of("compact")["objects_in"].(float64)
		rows += r.of("convert")["rows_in"].(float64)
	}
	if in != 60 || rows != float64(len(ids)) || len(l.plans()) != 1 {
		t.Errorf("%v objects, %v rows of %d, plans %v", in, rows, len(ids), l.plans())
	}
	l.checkCompacted(before)
	if got := tableIDs(t, l.store, l.tables, "app/"); !slices.Equal(got, ids) {
		t.Errorf("the table has %d records, want %d", len(got), len(ids))
	}
	// Of the plan that was carried out there is one, too.
	carried := slices.DeleteFunc(slices.Collect(maps.Keys(l.list())), func(key string) bool {
		return !strings.HasPrefix(key, "_s3compact/plans/") || !strings.HasSuffix(key, ".jsonl")
	})
	if len(carried) != 1 {
		t.Errorf("carried out were %v", carried)
	}
}

func TestRunOnlyCompactNeedsThePlan(t *testing.T) {
	l := newPipelineLake(t)
	before := l.keys()
	r := l.run("--only", "compact", "--yes")
	if r.code != exitFailed || !strings.Contains(r.stderr, "call run --only hotspots first") {
		t.Errorf("exit %d, %s", r.code, tail(r.stderr))
	}
	if d := cmp.Diff(before, l.keys()); d != "" {
		t.Errorf("changed (-before +after):\n%s", d)
	}
	// Each step by itself is the whole, and a plan of other thresholds is another plan.
	for _, step := range stepNames {
		r := l.run("--only", step, "--yes", "--refusals-ok")
		if r.code != exitDone {
			t.Fatalf("%s: exit %d, %s", step, r.code, tail(r.stderr))
		}
	}
	l.edit(`match: "*.gz"`, "match: \"*.gz\"\n  min-objects: 30")
	if r := l.run("--only", "compact", "--yes"); r.code != exitFailed || !strings.Contains(r.stderr, "no plan of these hotspots") {
		t.Errorf("with other thresholds: exit %d, %s", r.code, tail(r.stderr))
	}
}

func TestRunAsksOnce(t *testing.T) {
	l := newPipelineLake(t)
	before := l.keys()
	run := func(answer string, terminal bool) (int, string) {
		var out, log bytes.Buffer
		p := &program{stdin: strings.NewReader(answer), stdout: &out, stderr: &log, stdinTerminal: terminal}
		return p.run([]string{"s3compact", "run", l.file}), log.String()
	}
	if code, log := run("", false); code != exitUsage || !strings.Contains(log, "give --yes") {
		t.Errorf("without a terminal: exit %d, %s", code, log)
	}
	if d := cmp.Diff(before, l.keys()); d != "" {
		t.Errorf("without a terminal something was done (-before +after):\n%s", d)
	}
	data := l.data()
	if code, log := run("n\n", true); code != exitUsage || strings.Count(log, "Go on?") != 1 || !maps.Equal(data, l.data()) {
		t.Errorf("refused: exit %d, %s", code, log)
	}
	if code, log := run("y\n", true); code != exitRefused || strings.Count(log, "Go on?") != 1 {
		t.Errorf("agreed: exit %d, %s", code, log)
	}
}

func TestRunStops(t *testing.T) {
	l := newPipelineLake(t)
	before := l.keys()
	if r := l.run("--yes", "--deadline", "2026-01-01T00:00:00Z"); r.code != exitResumable {
		t.Errorf("after the deadline: exit %d, %s", r.code, tail(r.stderr))
	}
	if d := cmp.Diff(before, l.keys()); d != "" {
		t.Errorf("after the deadline something was done (-before +after):\n%s", d)
	}
	// A step that fails keeps the next one from running.
	l.edit("min-age: 0s", "dest: s3://"+l.bucket+"-is-not-there/")
	r := l.run("--yes")
	if got := r.codes(); r.code == exitDone || r.code == exitRefused || strings.Contains(got, "convert") {
		t.Errorf("exit %d, steps %s", r.code, got)
	}
}

// TestRunOfLocalFiles needs no S3, and shows its steps as a table.
func TestRunOfLocalFiles(t *testing.T) {
	t.Setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
	folder := t.TempDir()
	manifest := writeReport(t, "CSV", reportFile{name: "1.csv", content: sampleRows()})
	source := filepath.Join(folder, "logs.ndjson")
	if err := os.WriteFile(source, []byte("{\"a\":1}\nnot\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "pipeline.yaml")
	text := "version: 1\nname: local\nhotspots:\n  inventory: " + manifest + "\nconvert:\n  sources: " + source + "\n  to: " + filepath.Join(folder, "table") + "\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r := s3compact("run", file, "--dry-run")
	if r.code != exitDone {
		t.Errorf("dry: exit %d, %s", r.code, r.stderr)
	}
	if _, err := os.Stat(filepath.Join(folder, "table")); err == nil {
		t.Error("a dry run made the table")
	}
	r = s3compact("run", file, "--deadline", "2026-01-01T00:00:00Z")
	if r.code != exitResumable || strings.Contains(r.stdout, "== hotspots") {
		t.Errorf("after the deadline: exit %d, %s", r.code, r.stdout)
	}
	r = s3compact("run", file)
	if r.code != exitRefused || !strings.Contains(r.stdout, "== hotspots\n") || !strings.Contains(r.stdout, "convert   done, but some were refused, ") {
		t.Errorf("exit %d, %s\n%s", r.code, r.stdout, r.stderr)
	}
}
