package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/s3compact/s3compact/parquetconv"
)

// convertOutput renders the results of convert on stdout.
type convertOutput struct {
	refusals
	p      *program
	dryRun bool
}

func newConvertOutput(p *program, asJSON, dryRun bool) *convertOutput {
	return &convertOutput{refusals: newRefusals(p, asJSON), p: p, dryRun: dryRun}
}

func (o *convertOutput) refused(r parquetconv.Refusal) {
	if r.Bucket == "" {
		r.Key = "/" + r.Key // a local path
	}
	o.tell(struct {
		Type string `json:"type"`
		parquetconv.Refusal
	}{"refused", r}, r.Key, r.Reason, r.Detail)
}

func (o *convertOutput) planned(b parquetconv.PlannedBatch) {
	if o.json {
		o.lines.write(struct {
			Type string `json:"type"`
			parquetconv.PlannedBatch
		}{"batch", b})
		return
	}
	fmt.Fprintf(o.p.stdout, "batch %d-%d  %s  %s  %s … %s\n", b.Plan, b.Batch, count(int64(b.Sources), "source"), humanize.IBytes(uint64(b.SizeBytes)), b.First, b.Last)
}

func (o *convertOutput) summary(s parquetconv.Summary, cost spent) {
	if o.json {
		o.lines.write(struct {
			Type string `json:"type"`
			parquetconv.Summary
			spent
		}{"summary", s, cost})
		return
	}
	o.end()
	if o.dryRun {
		fmt.Fprintf(o.p.stdout, "would convert %s (%s) in %s; refused %s, ignored %s\n",
			count(s.Sources, "source"), humanize.IBytes(uint64(s.BytesIn)), count(s.Batches, "batch"), humanize.Comma(s.Refused), humanize.Comma(s.Ignored))
	} else {
		fmt.Fprintf(o.p.stdout, "converted %s of %s (%s) into %s in %s (%s), %s; rejected %s, refused %s, ignored %s\n",
			count(s.RowsIn, "row"), count(s.Sources, "source"), humanize.IBytes(uint64(s.BytesIn)), count(s.RowsOut, "row"), count(s.Files, "file"),
			humanize.IBytes(uint64(s.BytesOut)), count(s.Batches, "batch"), count(s.RowsRejected, "row"), count(s.Refused, "source"), humanize.Comma(s.Ignored))
		tellCounts(o.p.stdout, "rows rejected", s.Rejects)
		tellCounts(o.p.stdout, "values that became null, as their column can't hold them", s.BadValues)
		if s.RejectedBefore > 0 {
			fmt.Fprintf(o.p.stdout, "rejected by earlier runs: %s\n", count(s.RejectedBefore, "row"))
		}
	}
	fmt.Fprintln(o.p.stdout, cost)
}

// tellCounts writes counts by name, the largest first.
func tellCounts(w io.Writer, what string, counts map[string]int64) {
	if len(counts) == 0 {
		return
	}
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%s %s", name, humanize.Comma(counts[name]))
	}
	fmt.Fprintf(w, "%s: %s\n", what, strings.Join(names, ", "))
}
