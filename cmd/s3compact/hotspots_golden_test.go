package main

import (
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/s3compact/s3compact/internal/price"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/inventory"
)

// update rewrites the files that the tests compare with:
// go test ./cmd/s3compact -run Golden -update
var update = flag.Bool("update", false, "rewrite golden files and generated parts of documents")

// hostile is a prefix that is markup, a command for the terminal and a formula at once.
const hostile = `=1+<script>alert("1")</script>&amp;'` + "\x1b[31m/"

// mixedFields and mixedRows are a report with something of everything.
const mixedFields = "Bucket, Key, Size, LastModifiedDate, StorageClass, IntelligentTieringAccessTier, EncryptionStatus, ChecksumAlgorithm, ReplicationStatus"

func mixedRows() string {
	var b strings.Builder
	add := func(prefix string, n int, size int64, days int, rest ...string) {
		modified := time.Date(2026, 10, 4, 1, 0, 0, 0, time.UTC).AddDate(0, 0, -days)
		for i := range n {
			key := strings.ReplaceAll(url.QueryEscape(fmt.Sprintf("%s%03d.json.gz", prefix, i)), "%2F", "/")
			fmt.Fprintf(&b, `"logs","%s","%d","%s","%s"`+"\n", key, size+int64(i), modified.Add(time.Duration(i)*time.Hour).Format(time.RFC3339), strings.Join(rest, `","`))
		}
	}
	add("app/2026/10/03/", 1200, 40<<10, 60, "STANDARD", "", "SSE-S3", "CRC64NVME", "")
	add("app/2026/10/02/", 900, 3<<20, 70, "STANDARD", "", "SSE-S3", "CRC64NVME", "")
	add("app/2026/10/02/large-", 2, 2<<30, 70, "STANDARD", "", "SSE-S3", "CRC64NVME", "")
	add("archive/", 40, 1<<20, 400, "GLACIER", "", "SSE-S3", "", "")
	add("cold/", 30, 64<<10, 12, "STANDARD_IA", "", "SSE-S3", "", "")
	add("cold/ir/", 20, 500, 30, "GLACIER_IR", "", "SSE-S3", "", "")
	add("kms/", 9, 1<<10, 60, "STANDARD", "", "SSE-C", "", "")
	add("kms/x", 9, 1<<10, 60, "STANDARD", "", "SSE-S3", "", "")
	add("tiered/", 10, 200<<10, 200, "INTELLIGENT_TIERING", "DEEP_ARCHIVE", "SSE-S3", "", "")
	add("tiered/y", 12, 200<<10, 200, "INTELLIGENT_TIERING", "FREQUENT", "SSE-S3", "", "")
	add("copied/", 11, 9<<10, 60, "STANDARD", "", "SSE-S3", "", "PENDING")
	add("AWSLogs/123456789012/CloudTrail/eu-west-1/2026/10/03/", 14, 9<<10, 60, "STANDARD", "", "SSE-S3", "", "")
	add("field/", 13, 9<<10, 60, "SNOW", "", "NOT-SSE", "", "")
	add("_temporary/", 15, 9<<10, 60, "STANDARD", "", "SSE-S3", "", "")
	add(hostile, 16, 9<<10, 60, "STANDARD", "", "SSE-S3", "", "")
	add("", 17, 9<<10, 60, "STANDARD", "", "SSE-S3", "", "")
	add("few/", 3, 9<<10, 60, "STANDARD", "", "SSE-S3", "", "")
	return b.String()
}

// mixedResult is the result of a call on the mixed report, with everything in it
// fixed that differs from run to run.
func mixedResult(t *testing.T, sel inventory.Selection) *hotspotsResult {
	t.Helper()
	manifest := writeReportOf(t, "CSV", mixedFields, reportFile{name: "1.csv", content: mixedRows()})
	survey, err := inventory.SurveyReport(t.Context(), nil, manifest, sel, inventory.ReportOptions{Concurrency: 2})
	if err != nil {
		t.Fatal(err)
	}
	survey.ID, survey.Created = "0123456789abcdef0123456789abcdef", time.Date(2026, 10, 4, 8, 0, 0, 0, time.UTC)
	survey.Source.Report = "s3://reports/logs/daily/2026-10-04T01-00Z/manifest.json"
	return &hotspotsResult{
		forecast: inventory.NewForecast(survey, price.Default()), target: planTarget{file: "plan of today.jsonl"}, top: 20,
		spent: spent{Requests: s3store.Requests{Get: 3, Head: 1}, CostUSD: 0.0000016, Seconds: 0.25},
	}
}

func defaultSelection() inventory.Selection {
	return inventory.Selection{SmallSizeBytes: 64 << 20, MinObjects: 8, Match: "*", TargetSizeBytes: 1 << 30}
}

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; go test -run Golden -update writes it", err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
		t.Errorf("%s (-golden +now; go test -run Golden -update rewrites it):\n%s", name, d)
	}
}

func printed(t *testing.T, r *hotspotsResult, form string) string {
	t.Helper()
	var b strings.Builder
	if err := r.print(&b, form); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestHotspotsGolden(t *testing.T) {
	r := mixedResult(t, defaultSelection())
	golden(t, "hotspots.txt", printed(t, r, "table"))
	golden(t, "hotspots.jsonl", printed(t, r, "json"))
	golden(t, "hotspots.csv", printed(t, r, "csv"))

	r.columns, r.top = 72, 3
	golden(t, "hotspots-narrow.txt", printed(t, r, "table"))
	for line := range strings.Lines(strings.SplitN(printed(t, r, "table"), "\nand ", 2)[0]) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 72 {
			t.Errorf("a line of %d characters on a terminal of 72:\n%s", n, line)
		}
	}

	var html strings.Builder
	if err := r.printHTML(&html); err != nil {
		t.Fatal(err)
	}
	golden(t, "hotspots.html", strings.ReplaceAll(html.String(), toolVersion(), "VERSION"))
}

// TestHotspotsGoldenNone says why there is none, for each reason.
func TestHotspotsGoldenNone(t *testing.T) {
	for name, change := range map[string]func(*inventory.Selection){
		"min-objects": func(s *inventory.Selection) { s.MinObjects = 5000 },
		"max-total":   func(s *inventory.Selection) { s.MinObjects, s.MaxTotalBytes = 100, 1<<20 },
		"match":       func(s *inventory.Selection) { s.Match = "*.parquet" },
		"small-size":  func(s *inventory.Selection) { s.SmallSizeBytes = 100 },
	} {
		sel := defaultSelection()
		change(&sel)
		r := mixedResult(t, sel)
		golden(t, "none-"+name+".txt", printed(t, r, "table"))
		var html strings.Builder
		if err := r.printHTML(&html); err != nil {
			t.Fatal(err)
		}
		checkPage(t, html.String())
	}
}

// TestNothingToJoin has hotspots of which all objects would be refused.
func TestNothingToJoin(t *testing.T) {
	sel := defaultSelection()
	sel.Match = "archive/**"
	r := mixedResult(t, sel)
	table := printed(t, r, "table")
	for _, want := range []string{"of which compact would join none", "  all  ", "archived", "-  "} {
		if !strings.Contains(table, want) {
			t.Errorf("the table does not say %q:\n%s", want, table)
		}
	}
	if strings.Contains(table, "Next") || strings.Contains(table, "Compacting:") {
		t.Errorf("there is nothing to do next:\n%s", table)
	}
	var html strings.Builder
	if err := r.printHTML(&html); err != nil {
		t.Fatal(err)
	}
	checkPage(t, html.String())
	if !strings.Contains(html.String(), "compact would join nothing of these hotspots") {
		t.Error("the page does not say that nothing would be joined")
	}
}

// TestHotspotsPage looks at the page as a browser's parser would.
func TestHotspotsPage(t *testing.T) {
	var html strings.Builder
	if err := mixedResult(t, defaultSelection()).printHTML(&html); err != nil {
		t.Fatal(err)
	}
	page := html.String()
	checkPage(t, page)
	if strings.Contains(page, "<script>alert") || strings.Contains(page, "\x1b") || !strings.Contains(page, "&lt;script&gt;alert(") {
		t.Error("the hostile prefix is not shown as text")
	}
	if n := strings.Count(page, "<script"); n != 1 {
		t.Errorf("%d scripts", n)
	}
	if n := strings.Count(page, "<tr><td data-value="); n != 13 {
		t.Errorf("%d hotspots in the page, want 13", n)
	}
}

// checkPage says what is wrong with a page: it is well-formed XML as well, needs
// nothing from elsewhere, its ids are there once and its references lead to them,
// and its tables have heads.
func checkPage(t *testing.T, page string) {
	t.Helper()
	if !strings.HasPrefix(page, "<!DOCTYPE html>\n<html lang=\"en\">") || !strings.Contains(page[:1024], reportMark) {
		t.Errorf("the page begins %.300s", page)
	}
	dec := xml.NewDecoder(strings.NewReader(page))
	dec.Strict = true
	ids, refs := map[string]bool{}, map[string]bool{}
	elements := map[string]int{}
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the page is not well-formed: %v", err)
		}
		e, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		elements[e.Name.Local]++
		attributes := map[string]string{}
		for _, a := range e.Attr {
			attributes[a.Name.Local] = a.Value
		}
		if id := attributes["id"]; id != "" {
			if ids[id] {
				t.Errorf("the id %s is there twice", id)
			}
			ids[id] = true
		}
		for _, name := range []string{"href", "src", "action", "srcset", "data"} {
			v, there := attributes[name]
			if there && !strings.HasPrefix(v, "#") {
				t.Errorf("<%s %s=%q> leads out of the page", e.Name.Local, name, v)
			}
			if there {
				refs[strings.TrimPrefix(v, "#")] = true
			}
		}
		if id := attributes["aria-labelledby"]; id != "" {
			refs[id] = true
		}
		if e.Name.Local == "th" && attributes["scope"] == "" {
			t.Errorf("a head of a table without scope: %v", e.Attr)
		}
		if e.Name.Local == "svg" && attributes["aria-label"] == "" {
			t.Error("a drawing without a label")
		}
	}
	for id := range refs {
		if !ids[id] {
			t.Errorf("#%s leads nowhere", id)
		}
	}
	if elements["h1"] != 1 || elements["main"] != 1 || elements["title"] != 1 || elements["caption"] != elements["table"] || elements["thead"] != elements["table"] {
		t.Errorf("elements %v", elements)
	}
	style := page[strings.Index(page, "<style>"):strings.Index(page, "</style>")]
	if regexp.MustCompile(`url\(|@import`).MatchString(style) {
		t.Error("the styles load something")
	}
	for _, want := range []string{"prefers-color-scheme: dark", "@media print"} {
		if !strings.Contains(style, want) {
			t.Errorf("the styles have no %s", want)
		}
	}
}

// TestReportIsReplacedByReportsOnly writes it twice, and not over another file.
func TestReportIsReplacedByReportsOnly(t *testing.T) {
	manifest := writeReport(t, "CSV", reportFile{name: "1.csv", content: sampleRows()})
	file := filepath.Join(t.TempDir(), "hotspots.html")
	for range 2 {
		code, _, stderr := runHotspots(t, "--inventory", manifest, "--report", file)
		if code != exitDone || !strings.Contains(stderr, "the report is written") || !strings.Contains(stderr, file) {
			t.Fatalf("exit %d, stderr:\n%s", code, stderr)
		}
	}
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	checkPage(t, string(page))
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(file), ".*")); err != nil || len(left) != 0 {
		t.Errorf("left beside the report: %v, error %v", left, err)
	}
}

// TestPricesOfOnesOwn has other prices, without one for a class that is there.
func TestPricesOfOnesOwn(t *testing.T) {
	manifest := writeReportOf(t, "CSV", mixedFields, reportFile{name: "1.csv", content: mixedRows()})
	file := filepath.Join(t.TempDir(), "own.json")
	err := os.WriteFile(file, []byte(`{"version": 1, "region": "my-cellar", "date": "2026-01-31", "source": "contract", "currency": "USD",
		"list_per_million": 0, "delete_per_million": 0, "storage_classes": {"STANDARD": {"put_per_million": 0, "get_per_million": 1000000,
		"retrieval_per_gb": 0, "storage_per_gb_month": 0, "min_days": 0, "min_billable_bytes": 0}}}`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	code, out, stderr := runHotspots(t, "--inventory", manifest, "--prices", file, "--match", "{app,cold}/**")
	if code != exitDone {
		t.Fatalf("exit %d, errors:\n%s", code, stderr)
	}
	for _, want := range []string{
		"one full scan: price  $2,100?  $4.00?\n", "Prices: my-cellar, 2026-01-31", // a dollar for each GET
		"No price is known for GLACIER_IR=20 STANDARD_IA=30: their dollars are missing above (?). Give them by --prices.\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the table does not say %q:\n%s", want, out)
		}
	}
}

// TestManySmallGroups has 100 groups that a coarser grouping would serve better.
func TestManySmallGroups(t *testing.T) {
	var b strings.Builder
	for g := range manyHotspots {
		for i := range 9 {
			fmt.Fprintf(&b, `"logs","app/%d/%d.json.gz","1000","2026-10-02T01:02:03.000Z","STANDARD","true","false"`+"\n", g, i)
		}
	}
	manifest := writeReport(t, "CSV", reportFile{name: "1.csv", content: b.String()})
	const hint = "The outputs will hold 8.8 KiB on average: a coarser --group-by"
	page := filepath.Join(t.TempDir(), "hotspots.html")
	_, fine, _ := runHotspots(t, "--inventory", manifest, "--report", page)
	_, coarse, _ := runHotspots(t, "--inventory", manifest, "--group-by", "depth=1")
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(fine, hint) || !strings.Contains(string(text), hint) || strings.Contains(coarse, hint) {
		t.Errorf("by directory:\n%s\nby depth:\n%s", fine, coarse)
	}
}

func TestFittingTheTerminal(t *testing.T) {
	widths := make([]int, len(tableColumns))
	for i, c := range tableColumns {
		widths[i] = len(c.head) + 2
	}
	for _, columns := range []int{0, 10, 40, 60, 80, 100, 120, 300} {
		show, left := fitColumns(widths, 200, columns)
		used := left
		for i := range show {
			if show[i] {
				used += widths[i] + columnGap
			}
		}
		if columns == 0 && left != 0 || columns >= 40 && (used != columns || left < leastPrefixLen) || !show[0] {
			t.Errorf("%d columns: %v, %d left for the prefix", columns, show, left)
		}
	}
	for _, tc := range []struct {
		prefix string
		length int
		want   string
	}{{"a/b/", 4, "a/b/"}, {"ab/cd/ef/", 5, "ab…f/"}, {"ab/cd/ef/", -7, "a…/"}, {"日本語/語/", 5, "日本…語/"}} {
		if got := shorten(tc.prefix, tc.length); got != tc.want {
			t.Errorf("%q in %d characters is %q, want %q", tc.prefix, tc.length, got, tc.want)
		}
	}
}
