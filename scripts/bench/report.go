package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
)

// report is all that a run found.
type report struct {
	Machine  machine   `json:"machine"`
	Size     size      `json:"size"`
	Results  []result  `json:"results"`
	Verdicts []verdict `json:"verdicts"`
	Cost     *cost     `json:"cost,omitempty"`
}

// sections are the parts of the report, in order.
var sections = []struct{ name, title, what string }{
	{"inflate", "Inflate", "MB of inflated data a CPU-second; the ratio is to the faster libdeflate"},
	{"orc", "The reference query over ORC inventories", "M rows a CPU-second, net of start-up; the ratio is to the fastest peer"},
	{"large", "A large inventory end to end", "M rows a CPU-second, net of start-up; the ratio is to the fastest peer"},
	{"listing", "Listing a bucket that is 20 ms away", "keys a second of wall-clock time; the ratio is to the faster serial listing"},
	{"compact", "Joining one prefix: CPU", "objects a CPU-second of the client; the ratio is to the bare GET"},
	{"compact-wall", "Joining one prefix: time", "objects a second of wall-clock time; the ratio is to the shell's way"},
	{"convert", "Converting logs to a table", "MB of JSON a second of wall-clock time; the ratio is to the fastest peer"},
}

// markdown writes the tables.
func (r *report) markdown(w io.Writer) {
	fmt.Fprintf(w, "Measured %s on %s, %d cores, %d GiB, %s, Go %s; load averages before the first run %s.\n", r.Machine.Date, r.Machine.CPU, r.Machine.Cores, r.Machine.MemoryGB, r.Machine.Kernel, r.Machine.Go, r.Machine.Load)
	if r.Size == quick {
		fmt.Fprint(w, "\n**Quick sizes: these numbers show only that everything works, and no goal is judged by them.**\n")
	}
	fmt.Fprintf(w, "Versions: %s.\n", strings.Join(r.Machine.Versions, "; "))
	if len(r.Verdicts) > 0 {
		fmt.Fprint(w, "\n### Goals\n\n| measured | goal | found | |\n|---|---|---:|---|\n")
		for _, v := range r.Verdicts {
			met := "**not met**"
			switch {
			case v.Met:
				met = "met"
			case v.Enough:
				met = "not met, but the least is"
			}
			what := v.Input
			if v.Part != "" {
				what += ": " + v.Part
			}
			fmt.Fprintf(w, "| %s | %s | %s | %s |\n", what, v.Goal, v.Value, met)
		}
	}
	for _, s := range sections {
		r.section(w, s.name, s.title, s.what)
	}
	scaling(w, r.Results)
	if r.Cost != nil {
		r.Cost.markdown(w)
	}
}

func (r *report) section(w io.Writer, name, title, what string) {
	input := ""
	for _, x := range r.Results {
		if x.Section != name {
			continue
		}
		if input == "" {
			fmt.Fprintf(w, "\n### %s\n\nRates are %s. Median of %d runs, lowest and highest in brackets; seconds and memory are of the whole process.\n", title, what, x.Repeats)
		}
		if x.Input != input {
			input = x.Input
			last := "start-up CPU s"
			if x.ByWall {
				last = "requests"
			}
			fmt.Fprintf(w, "\n| %s | rate | ratio | CPU s | wall s | %s | peak MiB |\n|---|---:|---:|---:|---:|---:|---:|\n", input, last)
		}
		contender := x.Contender
		if x.Ours {
			contender = "**" + contender + "**"
		}
		if x.Missing != "" {
			fmt.Fprintf(w, "| %s | not measured: %s | | | | | |\n", contender, oneLine(x.Missing))
			continue
		}
		ratio := ""
		if x.Ratio > 0 {
			ratio = fmt.Sprintf("%.2f", x.Ratio)
		}
		last := fmt.Sprintf("%.2f", x.StartCPUSeconds)
		if x.ByWall {
			last = "" // nobody counted
		}
		if x.Requests > 0 {
			last = strconv.FormatInt(x.Requests, 10)
		}
		fmt.Fprintf(w, "| %s | %s (%s–%s) | %s | %.2f | %.2f | %s | %d |\n", contender,
			digits3(x.Rate), digits3(x.RateLow), digits3(x.RateHigh), ratio, x.CPUSeconds, x.WallSeconds, last, x.PeakBytes>>20)
	}
}

// digits3 shows three significant digits or all before the point.
func digits3(f float64) string {
	if f <= 0 {
		return "0"
	}
	return fmt.Sprintf("%.*f", max(0, 2-int(math.Floor(math.Log10(f)))), f)
}

func oneLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return strings.ReplaceAll(s, "|", "/")
}

// The table in docs/benchmarks.md lies between these lines.
const (
	tableBegin = "<!-- begin: written by make bench -->\n"
	tableEnd   = "<!-- end: written by make bench -->\n"
)

// writeInto puts the tables between the marks of a document.
func (r *report) writeInto(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok := bytes.Cut(b, []byte(tableBegin))
	_, after, ok2 := bytes.Cut(rest, []byte(tableEnd))
	if !ok || !ok2 {
		return fmt.Errorf("%s has no lines %q and %q to put the tables between", path, tableBegin, tableEnd)
	}
	var out bytes.Buffer
	out.Write(before)
	out.WriteString(tableBegin + "\n")
	r.markdown(&out)
	out.WriteString("\n" + tableEnd)
	out.Write(after)
	return os.WriteFile(path, out.Bytes(), 0o644)
}
