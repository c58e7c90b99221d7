package main

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/s3compact/s3compact/internal/price"
	"github.com/s3compact/s3compact/inventory"
)

// reportTarget is the file of --report; "" is none.
type reportTarget string

func readReportTarget(s string) (reportTarget, error) {
	switch {
	case inventory.IsS3(s):
		return "", usageError("--report %s: name a local file, such as hotspots.html", s)
	case strings.HasSuffix(s, "/"):
		return "", usageError("--report %s is a folder: name a file in it, such as %shotspots.html", s, s)
	}
	return reportTarget(s), nil
}

// reportMark is what every report has in its first bytes: no other file is replaced.
const reportMark = `<meta name="generator" content="s3compact`

// check finds, before the work, what would make the report unwritable after it.
func (t reportTarget) check() error {
	if t == "" {
		return nil
	}
	if info, err := os.Stat(filepath.Dir(string(t))); err != nil {
		return fmt.Errorf("write the report: its folder: %w", err)
	} else if !info.IsDir() {
		return fmt.Errorf("write the report: %s is no folder", filepath.Dir(string(t)))
	}
	info, err := os.Stat(string(t))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("write the report: %w", err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("write the report: %s is there and is no regular file", t)
	case info.Size() == 0:
		return nil
	}
	f, err := os.Open(string(t))
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	defer f.Close()
	start, err := io.ReadAll(io.LimitReader(f, 1024))
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if !strings.Contains(string(start), reportMark) {
		return fmt.Errorf("write the report: %s is there and is no report of s3compact: it is not overwritten; name another file", t)
	}
	return nil
}

// write writes the report; what was there is replaced in one step.
func (t reportTarget) write(ctx context.Context, r *hotspotsResult) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if err := replaceFile(string(t), r.printHTML); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

//go:embed hotspots.html.tmpl
var reportText string

var reportTemplate = template.Must(template.New("hotspots").Funcs(template.FuncMap{
	"comma": humanize.Comma, "size": sizeOf, "usd": dollars, "known": known, "counts": countsOf, "prefix": prefixOf,
	"date": func(t time.Time) string { return t.Format(time.DateOnly) },
	"when": func(t time.Time) string { return t.Format("2006-01-02 15:04 MST") },
	"id":   func(figure string) string { return "f-" + strings.ReplaceAll(figure, ".", "-") },
	"sum":  sumOf,
	"code": codeSpans,
}).Parse(reportText))

// codeSpans marks what stands between backquotes as code.
func codeSpans(s string) template.HTML {
	var b strings.Builder
	for i, part := range strings.Split(s, "`") {
		part = template.HTMLEscapeString(part)
		if i%2 == 1 {
			part = "<code>" + part + "</code>"
		}
		b.WriteString(part)
	}
	return template.HTML(b.String()) // of the program's own texts, and escaped
}

// reportRows bounds the hotspots of a report: a page of a million rows opens in
// no browser.
const reportRows = 1000

// reportPage is what the template shows.
type reportPage struct {
	Tool   string
	Header *inventory.PlanHeader
	Total  *inventory.Estimate
	None   []string // why there is no hotspot

	Command  string // what to call next; "" for nothing
	HasPlan  bool   // whether the plan that it names was written
	CatchAll bool   // every name matches, though compact takes *.gz only
	Hint     string // of outputs that are too small; "" for none

	Refused []refusedRow
	Bars    []histogramBar
	Rows    iter.Seq2[*inventory.Hotspot, *inventory.Estimate]
	Shown   int64 // rows
	Prices  *price.List
	Classes []pricedClass // of the prices, those that the hotspots have

	GroupFigures, EstimateFigures []figure
	NotInReports, Unreported      string
}

type refusedRow struct {
	Reason, Text string
	Objects      int64
}

type pricedClass struct {
	Name string
	price.Class
}

// histogramBar is one size of the histogram of all objects of the hotspots.
type histogramBar struct {
	Label   string
	Objects int64
	Percent float64 // of the longest bar
}

// printHTML writes the report.
func (r *hotspotsResult) printHTML(w io.Writer) error {
	f := r.forecast
	page := reportPage{
		Tool: toolVersion(), Header: &f.PlanHeader, Total: &f.Total, Prices: f.Prices, NotInReports: notInReports, Unreported: unreportedText(f),
		GroupFigures: groupFigures, EstimateFigures: estimateFigures,
		Shown: min(f.Totals.Hotspots, reportRows), Rows: firstHotspots(f, reportRows), CatchAll: f.Thresholds.Match == "*",
	}
	if f.Totals.Hotspots == 0 {
		page.None = whyNone(f)
	}
	if f.Total.Joins() {
		page.Command, page.HasPlan = nextCommand(r.target)
	}
	for _, reason := range slices.Sorted(maps.Keys(f.Total.Refused)) {
		page.Refused = append(page.Refused, refusedRow{reason, reasonTexts[reason], f.Total.Refused[reason]})
	}
	page.Hint = coarserHint(f)
	page.Bars, page.Classes = r.histogramAndClasses()
	buffered := bufio.NewWriter(w)
	if err := reportTemplate.Execute(buffered, &page); err != nil {
		return err
	}
	return buffered.Flush()
}

// histogramAndClasses sums the histograms of all hotspots up, and finds the prices
// of their storage classes.
func (r *hotspotsResult) histogramAndClasses() (bars []histogramBar, classes []pricedClass) {
	var sum [inventory.SizeBuckets]int64
	there := map[string]bool{price.Standard: true}
	for h := range r.forecast.Survey.Hotspots() {
		for i, n := range h.SizeHistogram {
			sum[i] += n
		}
		for class := range h.StorageClasses {
			there[class] = true
		}
	}
	longest := slices.Max(sum[:])
	for i, n := range sum {
		b := histogramBar{Label: bucketLabel(i), Objects: n}
		if longest > 0 {
			b.Percent = float64(n) / float64(longest) * 100
		}
		bars = append(bars, b)
	}
	for _, name := range slices.Sorted(maps.Keys(there)) {
		if c, ok := r.forecast.Prices.Class(name); ok {
			classes = append(classes, pricedClass{name, c})
		}
	}
	return bars, classes
}

// bucketLabel names a count of a size histogram.
func bucketLabel(i int) string {
	bounds := inventory.SizeBounds
	switch {
	case i == 0:
		return "empty"
	case i < len(bounds):
		return "below " + sizeOf(bounds[i])
	}
	return "from " + sizeOf(bounds[len(bounds)-1])
}
