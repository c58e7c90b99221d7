package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/s3compact/s3compact/inventory"
)

// hotspotsResult is what the command shows. It goes through the hotspots anew
// for each form, and holds none of them.
type hotspotsResult struct {
	forecast *inventory.Forecast
	target   planTarget
	spent    spent
	top      int // hotspots in the table; 0: all
	columns  int // width of the terminal in characters; 0: no terminal
}

func (r *hotspotsResult) print(w io.Writer, form string) error {
	buffered := bufio.NewWriter(w)
	var err error
	switch form {
	case "json":
		err = r.printJSON(buffered)
	case "csv":
		err = r.printCSV(buffered)
	default:
		err = r.printTable(buffered)
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
	Ignored  int64               `json:"ignored"`
	Estimate *inventory.Estimate `json:"estimate"` // of all hotspots
	spent
}

func (r *hotspotsResult) printJSON(w io.Writer) error {
	f := r.forecast
	if err := f.Write(w); err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(hotspotsSummary{
		Type: "summary", Totals: f.Totals, Ignored: f.Source.Ignored, Estimate: &f.Total, spent: r.spent,
	})
}

// countsOf are words with their counts, as STANDARD=12 GLACIER_IR=3.
func countsOf(counts map[string]int64) string {
	var s []string
	for _, word := range slices.Sorted(maps.Keys(counts)) {
		s = append(s, fmt.Sprintf("%s=%d", word, counts[word]))
	}
	return strings.Join(s, " ")
}

// sumOf is the sum of counts.
func sumOf(counts map[string]int64) (sum int64) {
	for _, n := range counts {
		sum += n
	}
	return sum
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
	case usd < 0:
		return "-" + dollars(-usd)
	case usd < 0.01:
		return "$" + strconv.FormatFloat(usd, 'f', 1+int(math.Ceil(-math.Log10(usd))), 64)
	case usd < 1000:
		return fmt.Sprintf("$%.2f", usd)
	}
	return "$" + humanize.Comma(int64(math.Round(usd)))
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
