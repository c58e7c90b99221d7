package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func sampleReport() *report {
	return &report{
		Machine: machine{Date: "2026-11-24", CPU: "a processor", Cores: 2, MemoryGB: 24, Kernel: "Linux 6", Go: "1.26", Versions: []string{"s3compact 1", "chdb 4"}, Load: "0 0 0"},
		Size:    full,
		Results: []result{
			{Section: "orc", Input: "keys of 45 bytes", Contender: "s3compact hotspots", Ours: true, Work: 4, Repeats: 5, Rate: 12.345, RateLow: 9.9996, RateHigh: 1234.5, CPUSeconds: 0.25, WallSeconds: 0.14, StartCPUSeconds: 0.01, PeakBytes: 70 << 20, Ratio: 1.5},
			{Section: "orc", Input: "keys of 45 bytes", Contender: "chDB", Work: 4, Repeats: 5, Missing: "no | python\nat all"},
			{Section: "listing", Input: "a tree", Contender: "serial", ByWall: true, Repeats: 3, Rate: 50000, RateLow: 49000, RateHigh: 51000, CPUSeconds: 1, WallSeconds: 8, Requests: 400, PeakBytes: 20 << 20},
		},
		Verdicts: []verdict{{Input: "keys of 45 bytes", Goal: "1.25 × the fastest peer", Value: "1.50 ×", Met: true}, {Input: "a tree", Goal: "8.00 ×", Value: "7.00 ×"}, {Input: "logs", Goal: "1.00 ×, at least 0.85 ×", Value: "0.90 ×", Enough: true}},
	}
}

const sampleMarkdown = `Measured 2026-11-24 on a processor, 2 cores, 24 GiB, Linux 6, Go 1.26; load averages before the first run 0 0 0.
Versions: s3compact 1; chdb 4.

### Goals

| measured | goal | found | |
|---|---|---:|---|
| keys of 45 bytes | 1.25 × the fastest peer | 1.50 × | met |
| a tree | 8.00 × | 7.00 × | **not met** |
| logs | 1.00 ×, at least 0.85 × | 0.90 × | not met, but the least is |

### The reference query over ORC inventories

Rates are M rows a CPU-second, net of start-up; the ratio is to the fastest peer. Median of 5 runs, lowest and highest in brackets; seconds and memory are of the whole process.

| keys of 45 bytes | rate | ratio | CPU s | wall s | start-up CPU s | peak MiB |
|---|---:|---:|---:|---:|---:|---:|
| **s3compact hotspots** | 12.3 (10.00–1234) | 1.50 | 0.25 | 0.14 | 0.01 | 70 |
| chDB | not measured: no / python | | | | | |

### Listing a bucket that is 20 ms away

Rates are keys a second of wall-clock time; the ratio is to the faster serial listing. Median of 3 runs, lowest and highest in brackets; seconds and memory are of the whole process.

| a tree | rate | ratio | CPU s | wall s | requests | peak MiB |
|---|---:|---:|---:|---:|---:|---:|
| serial | 50000 (49000–51000) |  | 1.00 | 8.00 | 400 | 20 |
`

func TestMarkdown(t *testing.T) {
	var b bytes.Buffer
	sampleReport().markdown(&b)
	if d := cmp.Diff(sampleMarkdown, b.String()); d != "" {
		t.Error(d)
	}
}

func TestWriteInto(t *testing.T) {
	path := filepath.Join(t.TempDir(), "benchmarks.md")
	write := func(s string) {
		if err := os.WriteFile(path, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("before\n" + tableBegin + "old\n" + tableEnd + "after\n")
	want := "before\n" + tableBegin + "\n" + sampleMarkdown + "\n" + tableEnd + "after\n"
	for range 2 { // the second time changes nothing
		if err := sampleReport().writeInto(path); err != nil {
			t.Fatal(err)
		}
		if b, _ := os.ReadFile(path); string(b) != want {
			t.Errorf("written:\n%s", b)
		}
	}
	write("no marks")
	if err := sampleReport().writeInto(path); err == nil {
		t.Error("a document without marks was written to")
	}
}
