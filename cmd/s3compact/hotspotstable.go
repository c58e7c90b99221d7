package main

import (
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dustin/go-humanize"
	"golang.org/x/term"

	"github.com/s3compact/s3compact/inventory"
)

// tableColumn is a column of the table, but for the prefix, which comes last.
type tableColumn struct {
	head   string
	figure string // what it shows
	rank   int    // on a narrow terminal those of the highest rank are left out first
	value  func(h *inventory.Hotspot, e *inventory.Estimate) string
}

var tableColumns = []tableColumn{
	{"OBJECTS", "objects", 0, func(h *inventory.Hotspot, _ *inventory.Estimate) string { return humanize.Comma(h.Objects) }},
	{"SIZE", "bytes", 1, func(h *inventory.Hotspot, _ *inventory.Estimate) string { return sizeOf(h.Bytes) }},
	{"MEAN", "mean_bytes", 6, func(h *inventory.Hotspot, _ *inventory.Estimate) string { return sizeOf(h.Bytes / h.Objects) }},
	{"OUTPUTS", "outputs", 2, func(h *inventory.Hotspot, _ *inventory.Estimate) string { return humanize.Comma(h.Outputs) }},
	{"SCAN", "before.usd", 5, func(_ *inventory.Hotspot, e *inventory.Estimate) string { return known(e.Before.USD, e) }},
	{"AFTER", "after.usd", 5, func(_ *inventory.Hotspot, e *inventory.Estimate) string { return known(e.After.USD, e) }},
	{"COMPACT", "compacting.usd", 4, func(_ *inventory.Hotspot, e *inventory.Estimate) string {
		if !e.Joins() {
			return "-"
		}
		return known(e.Compacting.USD, e)
	}},
	{"REFUSED", "refused", 3, func(h *inventory.Hotspot, e *inventory.Estimate) string {
		switch n := sumOf(e.Refused); {
		case e.Ignored == h.Objects:
			return "ignored"
		case n == 0:
			return "-"
		case n == h.Objects:
			return "all"
		default:
			return humanize.Comma(n)
		}
	}},
	{"OLDEST", "oldest", 8, func(h *inventory.Hotspot, _ *inventory.Estimate) string { return h.Oldest.Format(time.DateOnly) }},
	{"NEWEST", "newest", 7, func(h *inventory.Hotspot, _ *inventory.Estimate) string { return h.Newest.Format(time.DateOnly) }},
}

// known marks dollars from which those of a class without a price are missing.
func known(usd float64, e *inventory.Estimate) string {
	if len(e.Unpriced) > 0 {
		return dollars(usd) + "?"
	}
	return dollars(usd)
}

const (
	columnGap      = 2
	leastPrefixLen = 20 // characters that a terminal has for prefixes before columns are left out
)

// terminalColumns is the width of the terminal that w is, 0 for none.
func terminalColumns(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// shown are the hotspots of the table.
func (r *hotspotsResult) shown() iter.Seq2[*inventory.Hotspot, *inventory.Estimate] {
	return firstHotspots(r.forecast, r.top)
}

// firstHotspots are the first n hotspots; 0: all.
func firstHotspots(f *inventory.Forecast, n int) iter.Seq2[*inventory.Hotspot, *inventory.Estimate] {
	return func(yield func(*inventory.Hotspot, *inventory.Estimate) bool) {
		left := n
		for h, e := range f.Hotspots() {
			if !yield(h, e) {
				return
			}
			if left--; left == 0 {
				return
			}
		}
	}
}

// printTable writes the table, its totals, and what to do next. It goes through
// the hotspots twice: for the widths, and to write them.
func (r *hotspotsResult) printTable(w io.Writer) error {
	if r.forecast.Totals.Hotspots == 0 {
		return r.printNone(w)
	}
	if err := r.printHotspots(w); err != nil {
		return err
	}
	return r.printTotals(w)
}

func (r *hotspotsResult) printHotspots(w io.Writer) error {
	widths := make([]int, len(tableColumns))
	for i, c := range tableColumns {
		widths[i] = len(c.head)
	}
	prefix := len("PREFIX")
	for h, e := range r.shown() {
		for i, c := range tableColumns {
			widths[i] = max(widths[i], len(c.value(h, e)))
		}
		prefix = max(prefix, utf8.RuneCountInString(prefixOf(h))+len(unusualClasses(h)))
	}
	show, left := fitColumns(widths, prefix, r.columns)
	line := func(value func(i int) string, prefix, remark string) error {
		var b strings.Builder
		for i := range tableColumns {
			if show[i] {
				fmt.Fprintf(&b, "%*s%*s", columnGap*min(1, b.Len()), "", widths[i], value(i))
			}
		}
		if left > 0 {
			prefix = shorten(prefix, left-len(remark))
		}
		_, err := fmt.Fprintf(w, "%s%*s%s%s\n", b.String(), columnGap, "", prefix, remark)
		return err
	}
	if err := line(func(i int) string { return tableColumns[i].head }, "PREFIX", ""); err != nil {
		return err
	}
	n := int64(0)
	for h, e := range r.shown() {
		n++
		if err := line(func(i int) string { return tableColumns[i].value(h, e) }, prefixOf(h), unusualClasses(h)); err != nil {
			return err
		}
	}
	if more := r.forecast.Totals.Hotspots - n; more > 0 {
		fmt.Fprintf(w, "and %s more: --top 0 shows all, and so do the plan, --output json and --output csv\n", count(more, "hotspot"))
	}
	_, err := fmt.Fprintln(w)
	return err
}

// unusualClasses names the storage classes of a hotspot that is not all STANDARD.
func unusualClasses(h *inventory.Hotspot) string {
	if len(h.StorageClasses) == 0 || h.StorageClasses["STANDARD"] == h.Objects {
		return ""
	}
	return "  (" + countsOf(h.StorageClasses) + ")"
}

// fitColumns chooses the columns that a terminal has room for, and the width that
// they leave for prefixes: 0 is no bound. columns 0 is no terminal.
func fitColumns(widths []int, prefix, columns int) (show []bool, left int) {
	show = make([]bool, len(widths))
	for i := range show {
		show[i] = true
	}
	if columns == 0 {
		return show, 0
	}
	for {
		left = columns
		worst := 0 // the highest rank that is shown; 0 is never left out
		for i, c := range tableColumns {
			if show[i] {
				left -= widths[i] + columnGap
				worst = max(worst, c.rank)
			}
		}
		if left >= min(prefix, leastPrefixLen) || worst == 0 {
			return show, max(left, 1)
		}
		for i, c := range tableColumns {
			if c.rank == worst {
				show[i] = false
			}
		}
	}
}

// shorten cuts the middle of a prefix that is longer than so many characters, but
// leaves at least three.
func shorten(prefix string, length int) string {
	runes := []rune(prefix)
	length = max(length, 3)
	if len(runes) <= length {
		return prefix
	}
	head := (length - 1) / 2
	return string(runes[:head]) + "…" + string(runes[len(runes)-(length-1-head):])
}
