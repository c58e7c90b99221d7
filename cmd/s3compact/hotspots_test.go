package main

import (
	"bytes"
	"crypto/md5"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3compact/s3compact/inventory"
)

// runHotspots runs the command as a user without a terminal does.
func runHotspots(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, log bytes.Buffer
	p := &program{stdin: strings.NewReader(""), stdout: &out, stderr: &log}
	code = p.run(append([]string{"s3compact", "hotspots"}, args...))
	return code, out.String(), log.String()
}

// reportFile is a data file of a report with what its manifest says of it.
type reportFile struct {
	name, content string
	md5           string // "": the right one
	absent        bool
}

// writeReport writes a report whose data files lie beside its manifest, and
// returns the manifest's path.
func writeReport(t *testing.T, format string, files ...reportFile) string {
	t.Helper()
	return writeReportOf(t, format, "Bucket, Key, Size, LastModifiedDate, StorageClass, IsLatest, IsDeleteMarker", files...)
}

// writeReportOf is writeReport with other fields.
func writeReportOf(t *testing.T, format, fields string, files ...reportFile) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var list []map[string]any
	for _, f := range files {
		if f.md5 == "" {
			sum := md5.Sum([]byte(f.content))
			f.md5 = hex.EncodeToString(sum[:])
		}
		if !f.absent {
			write(f.name, f.content)
		}
		list = append(list, map[string]any{"key": "reports/data/" + f.name, "size": len(f.content), "MD5checksum": f.md5})
	}
	m, err := json.Marshal(map[string]any{
		"sourceBucket": "logs", "destinationBucket": "arn:aws:s3:::reports", "version": "2016-11-30", "creationTimestamp": "1791075600000",
		"fileFormat": format, "fileSchema": fields, "files": list,
	})
	if err != nil {
		t.Fatal(err)
	}
	sum := md5.Sum(m)
	write("manifest.json", string(m))
	write("manifest.checksum", hex.EncodeToString(sum[:])+"\n")
	return filepath.Join(dir, "manifest.json")
}

// sampleRows have 30 groups of 10 to 39 objects, one of few, and a row of an old version.
func sampleRows() string {
	var b strings.Builder
	for g := range 30 {
		for i := range 10 + g {
			fmt.Fprintf(&b, `"logs","app-%02d%%2F%d.json.gz","%d","2026-10-%02dT01:02:03.000Z","STANDARD","true","false"`+"\n", g, i, 1000+i, 1+i%28)
		}
	}
	return b.String() + `"logs","few%2F1","5","2026-10-03T01:02:03.000Z","GLACIER","true","false"` + "\n" +
		`"logs","few%2F1","6","2026-10-02T01:02:03.000Z","STANDARD","false","false"` + "\n"
}

func TestHotspotsWritesThePlanAndShowsIt(t *testing.T) {
	manifest := writeReport(t, "CSV", reportFile{name: "1.csv", content: sampleRows()})
	plan := filepath.Join(t.TempDir(), "plan of today.jsonl")
	if err := os.WriteFile(plan, []byte(`{"type":"plan"}`), 0o600); err != nil {
		t.Fatal(err)
	}

	code, table, stderr := runHotspots(t, "--inventory", manifest, "--plan", plan)
	if code != exitDone || stderr != "" {
		t.Fatalf("exit %d, errors:\n%s", code, stderr)
	}
	for _, want := range []string{
		"OBJECTS    SIZE    MEAN  OUTPUTS       SCAN       AFTER    COMPACT  REFUSED      OLDEST      NEWEST  PREFIX\n",
		"     39  39 KiB  1019 B        1  $0.000021  $0.0000054  $0.000062        -  2026-10-01  2026-10-28  app-29/\n",
		"and 10 hotspots more: --top 0 shows all",
		"30 hotspots of 31 groups: 735 of 736 objects",
		"to be joined into 30.\n",
		"one full scan: GET         735        30\n",
		"Compacting: $0.0017 and 1,125 requests (735 GET, 150 PUT, 120 LIST, 120 HEAD); paid for by 6 full scans.\n",
		"left out: 1 row of",
		"0 requests to S3 ($0)",
		"s3compact compact --plan '" + plan + "' --dry-run",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("the table does not say %q:\n%s", want, table)
		}
	}
	if strings.Contains(table, "app-09/") || !strings.Contains(table, "app-10/") {
		t.Errorf("the table does not end with its 20th hotspot:\n%s", table)
	}
	p, err := loadPlan(t, nil, plan)
	if err != nil {
		t.Fatal(err)
	}
	if p.Bucket != "logs" || len(p.Hotspots) != 30 || p.Source.Ignored != 1 {
		t.Errorf("plan %+v of %d hotspots", p.PlanHeader, len(p.Hotspots))
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(plan), ".*")); err != nil || len(left) != 0 {
		t.Errorf("left beside the plan: %v, error %v", left, err)
	}

	code, all, _ := runHotspots(t, "--inventory", manifest, "--top", "0")
	if code != exitDone || strings.Count(all, "  app-") != 30 || !strings.Contains(all, "add --plan plan.jsonl") {
		t.Errorf("--top 0: exit %d:\n%s", code, all)
	}
}

func TestHotspotsAsJSONLines(t *testing.T) {
	manifest := writeReport(t, "CSV", reportFile{name: "1.csv", content: sampleRows()})
	code, out, stderr := runHotspots(t, "--inventory", manifest, "--output", "json", "--top", "1", "--min-objects", "20")
	if code != exitDone {
		t.Fatalf("exit %d, errors:\n%s", code, stderr)
	}
	lines := strings.SplitAfter(strings.TrimSuffix(out, "\n"), "\n")
	last := len(lines) - 1
	plan, err := readPlan(strings.NewReader(strings.Join(lines[:last], "")))
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Hotspots) != 20 || plan.Hotspots[0].Prefix != "app-29/" {
		t.Errorf("%d hotspots", len(plan.Hotspots))
	}
	var summary map[string]any
	if err := json.Unmarshal([]byte(lines[last]), &summary); err != nil {
		t.Fatal(err)
	}
	if s, ok := summary["seconds"].(float64); !ok || s < 0 {
		t.Errorf("seconds: %v", summary["seconds"])
	}
	delete(summary, "seconds")
	if e, ok := summary["estimate"].(map[string]any); !ok || e["before"].(map[string]any)["get"] != 590.0 {
		t.Errorf("estimate: %v", summary["estimate"])
	}
	delete(summary, "estimate")
	want := map[string]any{
		"type": "summary", "objects": 736.0, "bytes": float64(plan.Totals.Bytes), "groups": 31.0, "hotspots": 20.0,
		"hotspot_objects": 590.0, "hotspot_bytes": float64(plan.Totals.HotspotBytes), "outputs": 20.0, "ignored": 1.0, "cost_usd": 0.0,
		"requests":   map[string]any{"get": 0.0, "put": 0.0, "list": 0.0, "head": 0.0, "delete": 0.0},
		"bytes_read": 0.0, "bytes_written": 0.0, "retries": 0.0, "throttles": 0.0, "waited_seconds": 0.0,
	}
	if d := cmp.Diff(want, summary); d != "" {
		t.Errorf("summary (-want +got):\n%s", d)
	}
}

func TestHotspotsAsCSV(t *testing.T) {
	manifest := writeReport(t, "CSV", reportFile{name: "1.csv", content: sampleRows()})
	code, out, stderr := runHotspots(t, "--inventory", manifest, "--output", "csv", "--top", "1", "--min-objects", "1")
	if code != exitDone {
		t.Fatalf("exit %d, errors:\n%s", code, stderr)
	}
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 32 {
		t.Fatalf("%d rows, want a header and 31 hotspots", len(rows))
	}
	want := [][]string{ // of which the first eight are what earlier versions had
		{"prefix", "objects", "bytes", "mean_bytes", "outputs", "oldest", "newest", "storage_classes"},
		{"few/", "1", "5", "5", "0", "2026-10-03T01:02:03Z", "2026-10-03T01:02:03Z", "GLACIER=1"},
	}
	if d := cmp.Diff(want, [][]string{rows[0][:8], rows[31][:8]}); d != "" {
		t.Errorf("first and last row (-want +got):\n%s", d)
	}
}

func TestHotspotsWithoutHotspotsIsFine(t *testing.T) {
	manifest := writeReport(t, "CSV", reportFile{name: "1.csv", content: sampleRows()})
	plan := filepath.Join(t.TempDir(), "plan.jsonl")
	for _, form := range []string{"table", "json", "csv"} {
		code, out, stderr := runHotspots(t, "--inventory", manifest, "--min-objects", "1000", "--output", form, "--plan", plan)
		if code != exitDone || out == "" {
			t.Errorf("%s: exit %d, errors:\n%s", form, code, stderr)
		}
		if form == "table" && (!strings.HasPrefix(out, "0 hotspots of 31 groups: 0 of 736 objects") || strings.Contains(out, "Next")) {
			t.Errorf("table:\n%s", out)
		}
	}
	if p, err := loadPlan(t, nil, plan); err != nil || len(p.Hotspots) != 0 {
		t.Errorf("plan %v, error %v", p, err)
	}
}

// TestHotspotsSaysWhatTheReportDoesNotShow: what a report lacks hides refusals, so
// people and scripts are told.
func TestHotspotsSaysWhatTheReportDoesNotShow(t *testing.T) {
	rows := reportFile{name: "0.csv", content: sampleRows()}
	for fields, want := range map[string]string{
		"Bucket, Key, Size, LastModifiedDate, StorageClass, IsLatest, IsDeleteMarker": "The report does not show EncryptionStatus, IntelligentTieringAccessTier, ObjectLockMode, ReplicationStatus: compact may refuse more than is said here. To see it",
		"Bucket, Key, Size, LastModifiedDate, Unknown, IsLatest, IsDeleteMarker":      "does not show EncryptionStatus, IntelligentTieringAccessTier, ObjectLockMode, ReplicationStatus, StorageClass: compact may refuse more than is said here, and all objects are priced as STANDARD",
	} {
		page := filepath.Join(t.TempDir(), "page.html")
		code, stdout, stderr := runHotspots(t, "--inventory", writeReportOf(t, "CSV", fields, rows), "--report", page, "--plan", filepath.Join(filepath.Dir(page), "plan.jsonl"))
		plan, err := loadPlan(t, nil, filepath.Join(filepath.Dir(page), "plan.jsonl"))
		if err != nil || !strings.Contains(want, "does not show "+strings.Join(plan.Source.Unreported, ", ")+":") {
			t.Errorf("%s: the plan's source is %+v, error %v", fields, plan.Source, err)
		}
		html, err := os.ReadFile(page)
		if err != nil || code != 0 || !strings.Contains(stdout, want) || !strings.Contains(string(html), want) {
			t.Errorf("%s: code %d, error %v, want %q:\n%s%s", fields, code, err, want, stdout, stderr)
		}
	}
}

// TestHotspotsRefuses has bad input of every kind: exit code and message, nothing
// on stdout, and the plan that was there before is untouched.
func TestHotspotsRefuses(t *testing.T) {
	good := writeReport(t, "CSV", reportFile{name: "1.csv", content: sampleRows()})
	missing := writeReport(t, "ORC", reportFile{name: "1.orc", content: "ORC", absent: true})
	wrongSum := writeReport(t, "CSV", reportFile{name: "1.csv", content: sampleRows(), md5: "d41d8cd98f00b204e9800998ecf8427e"})
	corrupt := writeReport(t, "ORC", reportFile{name: "1.orc", content: strings.Repeat("no ORC file ", 100)})
	parquet := writeReport(t, "Parquet", reportFile{name: "1.parquet", content: "PAR1"})
	manifestSum := writeReport(t, "CSV", reportFile{name: "1.csv", content: sampleRows()})
	if err := os.WriteFile(filepath.Join(filepath.Dir(manifestSum), "manifest.checksum"), []byte("0000"), 0o600); err != nil {
		t.Fatal(err)
	}
	listing := []string{"--listing", "s3://logs/app/"}
	for _, tc := range []struct {
		name string
		args []string
		code int
		want []string
	}{
		{"data file missing", []string{"--inventory", missing}, 1, []string{missing, "reports/data/1.orc", "it is missing", "use a newer report"}},
		{"wrong MD5", []string{"--inventory", wrongSum}, 1, []string{wrongSum, "1.csv", "MD5", "fetch it again"}},
		{"corrupt ORC", []string{"--inventory", corrupt}, 1, []string{corrupt, "1.orc", "orc: open"}},
		{"corrupt Parquet", []string{"--inventory", parquet}, 1, []string{parquet, "1.parquet", "file too small"}},
		{"manifest checksum", []string{"--inventory", manifestSum}, 1, []string{manifestSum, "manifest.checksum", "fetch the report again"}},
		{"no such report", []string{"--inventory", good + "/daily/"}, 1, []string{"find the inventory report"}},
		{"another file", []string{"--inventory", filepath.Dir(good) + "/1.csv"}, 1, []string{"neither a manifest.json nor a folder"}},
		{"no source", nil, 2, []string{"--inventory LOCATION", "--listing"}},
		{"two sources", append([]string{"--inventory", good}, listing...), 2, []string{"exclude one another"}},
		{"no closing slash of a prefix", []string{"--listing", "s3://logs/app"}, 2, []string{"write s3://logs/app/"}},
		{"no closing slash of a configuration", []string{"--inventory", "s3://reports/daily"}, 2, []string{"close a folder with a slash"}},
		{"no bucket", []string{"--listing", "logs/app/"}, 2, []string{"s3://bucket/prefix/"}},
		{"prefix inside a group", []string{"--listing", "s3://logs/a/b/", "--group-by", "depth=1"}, 2, []string{`list "a/"`}},
		{"misspelt flag", append(listing, "--min-object", "3"), 2, []string{"--min-object", "s3compact hotspots --help"}},
		{"misspelt flag after an argument", []string{"argument", "--lisitng", "s3://logs/"}, 2, []string{"--lisitng"}},
		{"an argument", append(listing, "s3://logs/"), 2, []string{"takes no arguments"}},
		{"flag without value", []string{"--inventory"}, 2, []string{"--inventory needs a value"}},
		{"bad grouping", append(listing, "--group-by", "depth=0"), 2, []string{"depth=0", "dir, or depth=N"}},
		{"bad size", append(listing, "--small-size", "big"), 2, []string{`--small-size "big"`, "128MiB", "none"}},
		{"bad target", append(listing, "--target-size", "1MiB"), 2, []string{"target-size", "5 MiB"}},
		{"bad total", append(listing, "--max-total", "-1"), 2, []string{"--max-total"}},
		{"bad glob", append(listing, "--match", "["), 2, []string{"match"}},
		{"bad minimum", append(listing, "--min-objects", "0"), 2, []string{"min-objects"}},
		{"bad number", append(listing, "--min-objects", "many"), 2, []string{"min-objects"}},
		{"bad output", append(listing, "--output", "xml"), 2, []string{"table, json, csv"}},
		{"bad top", append(listing, "--top", "-1"), 2, []string{"--top"}},
		{"bad concurrency", append(listing, "--concurrency", "0"), 2, []string{"--concurrency"}},
		{"boundless concurrency", []string{"--inventory", good, "--concurrency", "9223372036854775807"}, 2, []string{"--concurrency", "from 1 to 1024"}},
		{"no such prices", append(listing, "--prices", good+".none"), 2, []string{"--prices", "no such file"}},
		{"bad prices", append(listing, "--prices", good), 2, []string{"--prices " + good, "not a usable list of prices", "docs/hotspots.md"}},
		{"report on S3", append(listing, "--report", "s3://reports/a.html"), 2, []string{"local file"}},
		{"plan and report in one file", append(listing, "--report", "./a.out", "--plan", "a.out"), 2, []string{"--plan and --report both name ./a.out"}},
		{"report is a folder", append(listing, "--report", "reports/"), 2, []string{"reports/hotspots.html"}},
		{"report is something else", []string{"--inventory", good, "--report", good}, 1, []string{"is no report of s3compact"}},
		{"report's folder missing", append(listing, "--report", filepath.Dir(good)+"/none/a.html"), 1, []string{"write the report", "none"}},
		{"plan is a folder on S3", append(listing, "--plan", "s3://plans/"), 2, []string{"s3://plans/plan.jsonl"}},
		{"plan's bucket missing", append(listing, "--plan", "s3:///plan"), 2, []string{"--plan"}},
		{"plan is a folder", append(listing, "--plan", "plans/"), 2, []string{"--plan plans/"}},
		{"plan's folder missing", append(listing, "--plan", filepath.Dir(good)+"/none/plan"), 1, []string{"write the plan", "none"}},
		{"plan is a directory", []string{"--inventory", good, "--plan", filepath.Dir(good)}, 1, []string{"no regular file"}},
		{"log level", append(listing, "--log-level", "loud"), 2, []string{"loud"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			plan := filepath.Join(t.TempDir(), "plan.jsonl")
			if err := os.WriteFile(plan, []byte(`{"type":"plan","note":"the plan before"}`), 0o600); err != nil {
				t.Fatal(err)
			}
			args := tc.args
			if !strings.Contains(strings.Join(args, " "), "--plan") && tc.name != "flag without value" {
				args = append([]string{"--plan", plan}, args...)
			}
			code, stdout, stderr := runHotspots(t, args...)
			if code != tc.code {
				t.Errorf("exit %d, want %d", code, tc.code)
			}
			for _, want := range tc.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("the message does not say %q:\n%s", want, stderr)
				}
			}
			if stdout != "" {
				t.Errorf("on stdout:\n%s", stdout)
			}
			if b, err := os.ReadFile(plan); err != nil || string(b) != `{"type":"plan","note":"the plan before"}` {
				t.Errorf("the plan is %q, error %v", b, err)
			}
		})
	}
}

func TestHotspotsFlagsFromTheEnvironment(t *testing.T) {
	t.Setenv("S3COMPACT_INVENTORY", writeReport(t, "CSV", reportFile{name: "1.csv", content: sampleRows()}))
	t.Setenv("S3COMPACT_MIN_OBJECTS", "39")
	code, out, stderr := runHotspots(t)
	if code != exitDone || !strings.Contains(out, "1 hotspot of 31 groups") {
		t.Errorf("exit %d, errors:\n%s\noutput:\n%s", code, stderr, out)
	}
}

// TestHotspotsOnATerminal logs as text there, and leaves the results alone.
func TestHotspotsOnATerminal(t *testing.T) {
	manifest := writeReport(t, "CSV", reportFile{name: "1.csv", content: sampleRows()})
	if err := os.Remove(filepath.Join(filepath.Dir(manifest), "manifest.checksum")); err != nil {
		t.Fatal(err)
	}
	for _, terminal := range []bool{false, true} {
		var out, log bytes.Buffer
		p := &program{stdin: strings.NewReader(""), stdout: &out, stderr: &log, stderrTerminal: terminal}
		if code := p.run([]string{"s3compact", "hotspots", "--inventory", manifest}); code != exitDone {
			t.Fatalf("exit %d, errors:\n%s", code, log.String())
		}
		want := `{"time":`
		if terminal {
			want = "level=WARN"
		}
		if !strings.Contains(log.String(), want) || !strings.Contains(log.String(), "manifest.checksum is missing") {
			t.Errorf("terminal %v: the log does not say %q and what is missing:\n%s", terminal, want, log.String())
		}
		if !strings.HasPrefix(strings.TrimSpace(out.String()), "OBJECTS") {
			t.Errorf("terminal %v: output:\n%s", terminal, out.String())
		}
	}
}

func TestShowingPrefixesAndSums(t *testing.T) {
	for prefix, want := range map[string]string{"": "(root)", "ö/日/": "ö/日/", "a\x1b[31m\n/": `"a\x1b[31m\n/"`} {
		if got := prefixOf(&inventory.Hotspot{Prefix: prefix}); got != want {
			t.Errorf("prefix %q is shown as %s, want %s", prefix, got, want)
		}
	}
	for usd, want := range map[float64]string{0: "$0", 0.0000004: "$0.00000040", 0.0049: "$0.0049", 0.01: "$0.01", 27.004: "$27.00"} {
		if got := dollars(usd); got != want {
			t.Errorf("%v dollars are shown as %s, want %s", usd, got, want)
		}
	}
	for arg, want := range map[string]string{"": "''", "s3://b/plan.jsonl": "s3://b/plan.jsonl", "it's here": `'it'\''s here'`, "a;b": "'a;b'"} {
		if got := shellWord(arg); got != want {
			t.Errorf("%q is quoted as %s, want %s", arg, got, want)
		}
	}
}
