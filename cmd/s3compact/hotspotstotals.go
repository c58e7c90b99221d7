package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/s3compact/s3compact/inventory"
)

// reasonTexts say what stands behind a reason that a report shows.
var reasonTexts = map[string]string{
	"archived":      "Glacier Flexible Retrieval, Deep Archive, or an archive tier: restore them first",
	"storage_class": "Standard-IA, One Zone-IA, Glacier Instant Retrieval: reading and early deletes cost extra",
	"encryption":    "SSE-C: a key that only its owner has",
	"locked":        "the bucket has object lock: every group of it is refused",
	"replication":   "PENDING or FAILED: the replica may lack what would be deleted",
	"managed":       "CloudTrail validates its log files one by one: joined they would not validate",
}

// notInReports says what the forecast of refusals can't know.
const notInReports = "Not in any report, so found only when objects are read: tags, metadata, ACLs, broken gzip, other text than JSON lines."

// unreportedText says which of the fields that decide about refusals and prices
// the source does not have; "" where it has all.
func unreportedText(f *inventory.Forecast) string {
	if len(f.Source.Unreported) == 0 {
		return ""
	}
	source, cure := "The report", "add these fields to the inventory configuration"
	if f.Source.Kind == "listing" {
		source, cure = "A listing", "read an inventory report with these fields"
	}
	priced := ""
	if slices.Contains(f.Source.Unreported, "StorageClass") {
		priced = ", and all objects are priced as STANDARD"
	}
	return fmt.Sprintf("%s does not show %s: compact may refuse more than is said here%s. To see it, %s.", source, strings.Join(f.Source.Unreported, ", "), priced, cure)
}

func (r *hotspotsResult) printTotals(w io.Writer) error {
	var b strings.Builder
	r.writeSummary(&b)
	r.writeBeforeAndAfter(&b)
	r.writeCompacting(&b)
	r.writeRefusals(&b)
	r.writeSource(&b)
	r.writeNext(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

// writeSummary is the one line that says it all.
func (r *hotspotsResult) writeSummary(b *strings.Builder) {
	t := r.forecast.Totals
	fmt.Fprintf(b, "%s of %s: %s of %s (%s of %s)", count(t.Hotspots, "hotspot"), count(t.Groups, "group"),
		humanize.Comma(t.HotspotObjects), count(t.Objects, "object"), sizeOf(t.HotspotBytes), sizeOf(t.Bytes))
	if t.Hotspots > 0 {
		if r.forecast.Total.Joins() {
			fmt.Fprintf(b, ", to be joined into %s", humanize.Comma(t.Outputs))
		} else {
			fmt.Fprint(b, ", of which compact would join none")
		}
	}
	b.WriteString(".\n")
}

func (r *hotspotsResult) writeBeforeAndAfter(b *strings.Builder) {
	e := &r.forecast.Total
	b.WriteByte('\n')
	table := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight) // a strings.Builder takes all
	row := func(name, now, after string) { fmt.Fprintf(table, "%s\t%s\t%s\t\n", pad(name), now, after) }
	row("", "NOW", "AFTER")
	row("objects", humanize.Comma(e.Before.Objects), humanize.Comma(e.After.Objects))
	row("mean size", sizeOf(e.Before.MeanBytes), sizeOf(e.After.MeanBytes))
	row("one full scan: GET", humanize.Comma(e.Before.Get), humanize.Comma(e.After.Get))
	row("one full scan: LIST", humanize.Comma(e.Before.List), humanize.Comma(e.After.List))
	row("one full scan: price", known(e.Before.USD, e), known(e.After.USD, e))
	_ = table.Flush()
}

// pad makes a name of a row as wide as the widest, so that it stands left of
// right-aligned numbers.
func pad(name string) string { return fmt.Sprintf("%-20s", name) }

func (r *hotspotsResult) writeCompacting(b *strings.Builder) {
	e := &r.forecast.Total
	b.WriteByte('\n')
	c := &e.Compacting
	if e.Joins() {
		fmt.Fprintf(b, "Compacting: %s and %s (%s GET, %s PUT, %s LIST, %s HEAD)", known(c.USD, e), count(c.Get+c.Put+c.List+c.Head, "request"),
			humanize.Comma(c.Get), humanize.Comma(c.Put), humanize.Comma(c.List), humanize.Comma(c.Head))
		if c.EarlyDeleteUSD > 0 {
			fmt.Fprintf(b, ", %s of it for deletes before the minimum duration", dollars(c.EarlyDeleteUSD))
		}
		if e.PaybackScans > 0 {
			fmt.Fprintf(b, "; paid for by %s full scans", humanize.FtoaWithDigits(e.PaybackScans, 2))
		}
		b.WriteString(".\n")
	}
	if e.WastedBytes > 0 {
		fmt.Fprintf(b, "Wasted: %s are billed for objects below the minimum size of their class, 128 KiB: %s a month.\n", sizeOf(e.WastedBytes), dollars(e.WastedUSDMonth))
	}
	if len(e.Unpriced) > 0 {
		fmt.Fprintf(b, "No price is known for %s: their dollars are missing above (?). Give them by --prices.\n", countsOf(e.Unpriced))
	}
	p := r.forecast.Prices
	fmt.Fprintf(b, "Prices: %s, %s, in US dollars.\n", p.Region, p.Date)
}

func (r *hotspotsResult) writeRefusals(b *strings.Builder) {
	e, t := &r.forecast.Total, r.forecast.Totals
	if n := sumOf(e.Refused); n > 0 {
		fmt.Fprintf(b, "\ncompact will refuse %s of these objects, and leave them as they are:\n", humanize.Comma(n))
		for _, reason := range slices.Sorted(maps.Keys(e.Refused)) {
			fmt.Fprintf(b, "%*s  %-13s  %s\n", len(humanize.Comma(t.HotspotObjects)), humanize.Comma(e.Refused[reason]), reason, reasonTexts[reason])
		}
		fmt.Fprintln(b, notInReports)
	}
	if e.Cold != nil {
		fmt.Fprintf(b, "Joining the %s refused as storage_class too (compact --storage-classes) would cost %s: %s for retrieval, %s for deletes before the minimum duration.\n",
			humanize.Comma(e.Cold.Objects), dollars(e.Cold.USD), dollars(e.Cold.RetrievalUSD), dollars(e.Cold.EarlyDeleteUSD))
	}
	if e.Ignored > 0 {
		fmt.Fprintf(b, "compact will pass over %s: below a name that begins with _ or a dot, or alone of their class.\n", count(e.Ignored, "object"))
	}
	if hint := coarserHint(r.forecast); hint != "" {
		fmt.Fprintln(b, hint)
	}
	if text := unreportedText(r.forecast); text != "" {
		fmt.Fprintln(b, text)
	}
	if r.forecast.Thresholds.Match == "*" {
		b.WriteString("Every object counts here, whatever its name; compact joins *.gz only: --match '*.gz' shows these alone.\n")
	}
}

const (
	manyHotspots  = 100     // from so many on a coarser grouping is worth a word
	smallOutputs  = 8 << 20 // where the outputs are below this on average, in bytes
	coarserAdvice = "The outputs will hold %s on average: a coarser --group-by, such as depth=N, would make fewer and larger ones."
)

// coarserHint says that the groups are too small to be worth much; "" where they are not.
func coarserHint(f *inventory.Forecast) string {
	c := &f.Total.Compacting
	if f.Totals.Hotspots < manyHotspots || c.Outputs == 0 || c.Bytes/c.Outputs >= smallOutputs {
		return ""
	}
	return fmt.Sprintf(coarserAdvice, sizeOf(c.Bytes/c.Outputs))
}

func (r *hotspotsResult) writeSource(b *strings.Builder) {
	s := r.forecast.Source
	fmt.Fprintf(b, "\nSource: %s %s of %s", s.Kind, s.Report, s.Created.Format("2006-01-02 15:04 MST"))
	if s.Ignored > 0 {
		fmt.Fprintf(b, "; left out: %s of old versions, delete markers or without a size", count(s.Ignored, "row"))
	}
	fmt.Fprintf(b, ".\nThis run: %s to S3 (%s), %s.\n", count(r.spent.Requests.Total(), "request"), dollars(r.spent.CostUSD), durationOf(time.Duration(r.spent.Seconds*float64(time.Second))))
}

func (r *hotspotsResult) writeNext(b *strings.Builder) {
	if !r.forecast.Total.Joins() {
		return
	}
	command, made := nextCommand(r.target)
	if made {
		fmt.Fprintf(b, "\nThe plan is in %s. Next, to see what would be done:\n   %s\n", r.target, command)
	} else {
		fmt.Fprintf(b, "\nNext: add --plan plan.jsonl, and then, to see what would be done:\n   %s\n", command)
	}
}

// nextCommand is what to call next; made says that there is a plan for it.
func nextCommand(target planTarget) (command string, made bool) {
	plan := target.String()
	if plan == "" {
		return "s3compact compact --plan plan.jsonl --dry-run", false
	}
	return "s3compact compact --plan " + shellWord(plan) + " --dry-run", true
}

// printNone says why there is no hotspot, and what to change.
func (r *hotspotsResult) printNone(w io.Writer) error {
	var b strings.Builder
	r.writeSummary(&b)
	for _, line := range whyNone(r.forecast) {
		fmt.Fprintln(&b, line)
	}
	r.writeSource(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

// nearest bounds the groups that are named where none is a hotspot.
const nearest = 3

// whyNone says why no group of a survey is a hotspot, and what to change.
func whyNone(f *inventory.Forecast) (lines []string) {
	sel := f.Thresholds
	if f.Totals.Objects == 0 {
		return []string{"There is no object at all: is the source the right one, and its prefix spelt right?"}
	}
	var most []inventory.Hotspot // by objects, of those with few
	var tooLarge int64           // groups with enough objects, and too many bytes
	var leastBytes int64
	var small, below int64
	for h := range f.Groups() {
		small += h.Objects
		for i, n := range h.SizeHistogram[:inventory.SizeBuckets-1] {
			if sel.SmallSizeBytes == 0 || inventory.SizeBounds[i] <= sel.SmallSizeBytes {
				below += n
			}
		}
		if h.Objects >= sel.MinObjects {
			tooLarge++
			if leastBytes == 0 || h.Bytes < leastBytes {
				leastBytes = h.Bytes
			}
			continue
		}
		at, _ := slices.BinarySearchFunc(most, h, func(a inventory.Hotspot, h *inventory.Hotspot) int {
			if a.Objects != h.Objects {
				return int(min(max(h.Objects-a.Objects, -1), 1))
			}
			return strings.Compare(a.Prefix, h.Prefix)
		})
		if h.Objects > 0 && at < nearest {
			most = slices.Insert(most, at, inventory.Hotspot{Prefix: h.Prefix, Objects: h.Objects, Bytes: h.Bytes})
			most = most[:min(len(most), nearest)]
		}
	}
	switch {
	case small == 0 && below == 0:
		return []string{fmt.Sprintf("No object is below %s: a larger --small-size takes more for small.", sizeOf(sel.SmallSizeBytes))}
	case small == 0:
		return []string{fmt.Sprintf("No small object matches %s: look at --match (quote it for the shell), or leave it out.", shellWord(sel.Match))}
	}
	if tooLarge > 0 {
		lines = append(lines, fmt.Sprintf("%s have enough objects, but too much in all for --max-total %s, the least %s: raise it, or leave it out.",
			count(tooLarge, "group"), sizeOf(sel.MaxTotalBytes), sizeOf(leastBytes)))
	}
	if len(most) > 0 {
		lines = append(lines, fmt.Sprintf("No %sgroup has the %s that --min-objects asks for. Those with the most:", other(tooLarge), count(sel.MinObjects, "small object")))
		for i := range most {
			lines = append(lines, fmt.Sprintf("%9s  %8s  %s", humanize.Comma(most[i].Objects), sizeOf(most[i].Bytes), prefixOf(&most[i])))
		}
		lines = append(lines, fmt.Sprintf("A lower --min-objects shows them; a coarser --group-by, such as depth=1, makes larger groups (%s in all).", count(small, "small object")))
	}
	return lines
}

func other(groups int64) string {
	if groups > 0 {
		return "other "
	}
	return ""
}
