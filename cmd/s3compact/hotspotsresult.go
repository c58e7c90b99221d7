package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/s3compact/s3compact/internal/price"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/inventory"
)

// hotspotsResult is what the command shows.
type hotspotsResult struct {
	plan   *inventory.Plan
	target planTarget
	spent  spent
}

func (r *hotspotsResult) print(w io.Writer, form string, top int) error {
	buffered := bufio.NewWriter(w)
	var err error
	switch form {
	case "json":
		err = r.printJSON(buffered)
	case "csv":
		err = r.printCSV(buffered)
	default:
		err = r.printTable(buffered, top)
	}
	if err == nil {
		err = buffered.Flush()
	}
	if err != nil {
		return fmt.Errorf("write the results: %w", err)
	}
	return nil
}

// hotspotsSummary is the last line of --output json.
type hotspotsSummary struct {
	Type string `json:"type"` // "summary"
	inventory.Totals
	Ignored int64 `json:"ignored"`
	spent
}

func (r *hotspotsResult) printJSON(w io.Writer) error {
	if err := r.plan.Write(w); err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(hotspotsSummary{Type: "summary", Totals: r.plan.Totals, Ignored: r.plan.Source.Ignored, spent: r.spent})
}

func (r *hotspotsResult) printCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	_ = out.Write([]string{"prefix", "objects", "bytes", "mean_bytes", "outputs", "oldest", "newest", "storage_classes"}) // Error tells
	for i := range r.plan.Hotspots {
		h := &r.plan.Hotspots[i]
		n := func(v int64) string { return strconv.FormatInt(v, 10) }
		_ = out.Write([]string{
			h.Prefix, n(h.Objects), n(h.Bytes), n(h.Bytes / h.Objects), n(h.Outputs),
			h.Oldest.Format(time.RFC3339Nano), h.Newest.Format(time.RFC3339Nano), classesOf(h),
		})
	}
	out.Flush()
	return out.Error()
}

// classesOf are the storage classes with their objects, as STANDARD=12 GLACIER_IR=3.
func classesOf(h *inventory.Hotspot) string {
	var s []string
	for class, n := range h.StorageClasses {
		s = append(s, fmt.Sprintf("%s=%d", class, n))
	}
	slices.Sort(s)
	return strings.Join(s, " ")
}

// unusualClasses names the storage classes of a hotspot that is not all STANDARD.
func unusualClasses(h *inventory.Hotspot) string {
	if len(h.StorageClasses) == 0 || h.StorageClasses["STANDARD"] == h.Objects {
		return ""
	}
	return "  (" + classesOf(h) + ")"
}

func (r *hotspotsResult) printTable(w io.Writer, top int) error {
	hot := r.plan.Hotspots
	if top > 0 && len(hot) > top {
		hot = hot[:top]
	}
	if len(hot) > 0 {
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(table, "OBJECTS\tSIZE\tMEAN\tOUTPUTS\tOLDEST\tNEWEST\t  PREFIX")
		for i := range hot {
			h := &hot[i]
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t  %s%s\n", humanize.Comma(h.Objects), sizeOf(h.Bytes), sizeOf(h.Bytes/h.Objects),
				humanize.Comma(h.Outputs), h.Oldest.Format(time.DateOnly), h.Newest.Format(time.DateOnly), prefixOf(h), unusualClasses(h))
		}
		if err := table.Flush(); err != nil {
			return err
		}
		if left := len(r.plan.Hotspots) - len(hot); left > 0 {
			fmt.Fprintf(w, "and %s more: --top 0 shows all, and so do the plan, --output json and --output csv\n", count(int64(left), "hotspot"))
		}
		fmt.Fprintln(w)
	}
	return r.printTotals(w)
}

func (r *hotspotsResult) printTotals(w io.Writer) error {
	t, s := r.plan.Totals, r.plan.Source
	fmt.Fprintf(w, "%s of %s: %s of %s (%s of %s)", count(t.Hotspots, "hotspot"), count(t.Groups, "group"),
		humanize.Comma(t.HotspotObjects), count(t.Objects, "object"), sizeOf(t.HotspotBytes), sizeOf(t.Bytes))
	if t.Hotspots > 0 {
		reads := s3store.Requests{Get: t.HotspotObjects}
		fmt.Fprintf(w, ", to be joined into %s.\nReading them all once takes %s (%s); afterwards %s",
			humanize.Comma(t.Outputs), count(t.HotspotObjects, "request"), dollars(price.Default().Requests(reads)), humanize.Comma(t.Outputs))
	}
	fmt.Fprintf(w, ".\nSource: %s %s of %s", s.Kind, s.Report, s.Created.Format("2006-01-02 15:04 MST"))
	if s.Ignored > 0 {
		fmt.Fprintf(w, "; left out: %s of old versions, delete markers or without a size", count(s.Ignored, "row"))
	}
	_, err := fmt.Fprintf(w, ".\nThis run: %s to S3 (%s), %s.\n", count(r.spent.Requests.Total(), "request"), dollars(r.spent.CostUSD), durationOf(time.Duration(r.spent.Seconds*float64(time.Second))))
	if err != nil || t.Hotspots == 0 {
		return err
	}
	if plan := r.target.String(); plan != "" {
		_, err = fmt.Fprintf(w, "\nThe plan is in %s. Next, to see what would be done:\n   s3compact compact --plan %s --dry-run\n", plan, shellWord(plan))
	} else {
		_, err = fmt.Fprint(w, "\nNext: add --plan plan.jsonl, and then, to see what would be done:\n   s3compact compact --plan plan.jsonl --dry-run\n")
	}
	return err
}

// prefixOf shows a prefix so that it cannot be mistaken, and cannot command the terminal.
func prefixOf(h *inventory.Hotspot) string {
	if h.Prefix == "" {
		return "(root)"
	}
	for _, c := range h.Prefix {
		if !strconv.IsPrint(c) {
			return strconv.Quote(h.Prefix)
		}
	}
	return h.Prefix
}

func sizeOf(bytes int64) string { return humanize.IBytes(uint64(max(0, bytes))) }

// count is "1 object", "1,234 objects".
func count(n int64, noun string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(noun, "ch"):
		noun += "es"
	default:
		noun += "s"
	}
	return humanize.Comma(n) + " " + noun
}

// dollars shows small sums with two digits that say something.
func dollars(usd float64) string {
	switch {
	case usd == 0:
		return "$0"
	case usd < 0.01:
		return "$" + strconv.FormatFloat(usd, 'f', 1+int(math.Ceil(-math.Log10(usd))), 64)
	}
	return fmt.Sprintf("$%.2f", usd)
}

// shellWord quotes an argument for a POSIX shell where that is needed.
func shellWord(s string) string {
	plain := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-_./:=@%+,", c)
	}
	if s != "" && strings.IndexFunc(s, func(c rune) bool { return !plain(c) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
