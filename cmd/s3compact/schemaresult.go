package main

import (
	"fmt"
	"io"
	"strconv"

	"github.com/dustin/go-humanize"

	"github.com/s3compact/s3compact/parquetconv/infer"
	"github.com/s3compact/s3compact/parquetconv/schema"
)

// schemaOutput renders what schema check found.
type schemaOutput struct {
	lines  *lines
	to     io.Writer
	sample *infer.Sample
	report *infer.Report
	schema *schema.Schema
	cost   spent
}

// shownPartitions is how many partitions are listed, those with most rows.
const shownPartitions = 5

// findingLine tells of rows that would be rejected, or of values that would become null.
type findingLine struct {
	Type   string `json:"type"` // "reject" or "null"
	Reason string `json:"reason"`
	Column string `json:"column,omitempty"`
	Count  int64  `json:"count"`
	Stops  bool   `json:"stops,omitempty"` // on_bad: fail
	Key    string `json:"key"`             // of the example
	Offset int64  `json:"offset"`
	Text   string `json:"text"`
	Detail string `json:"detail,omitempty"`
}

func (o *schemaOutput) json() {
	finding := func(kind string, f infer.Finding) {
		o.lines.write(findingLine{kind, f.Reason, f.Column, f.Count, f.Stops, f.Source, f.Offset, f.Text, f.Detail})
	}
	for _, t := range o.report.Refused {
		key := t.Source.String()
		o.lines.write(refusedLine{Type: "refused", Key: &key, Reason: string(t.Reason), Detail: t.Detail})
	}
	for _, f := range o.report.Rejects {
		finding("reject", f)
	}
	for _, f := range o.report.Nulls {
		finding("null", f)
	}
	for _, u := range o.report.Unread {
		o.lines.write(struct {
			Type    string `json:"type"`
			Path    string `json:"path"`
			Count   int64  `json:"count"`
			Example string `json:"example,omitempty"`
			Fate    string `json:"fate"` // keep, ignore or reject
		}{"unknown_field", u.Path, u.Count, u.Example, o.fate(u)})
	}
	for _, p := range o.report.Partitions[:min(len(o.report.Partitions), shownPartitions)] {
		o.lines.write(struct {
			Type string `json:"type"`
			Path string `json:"path"`
			Rows int64  `json:"rows"`
		}{"partition", p.Path, p.Rows})
	}
	for _, w := range o.report.Warnings {
		o.lines.write(struct {
			Type string `json:"type"`
			Text string `json:"text"`
		}{"warning", w})
	}
	o.lines.write(struct {
		Type           string `json:"type"`
		SourcesSampled int    `json:"sources_sampled"`
		Sources        int64  `json:"sources"`
		SourcesRefused int    `json:"sources_refused"` // of those sampled
		Ignored        int64  `json:"objects_ignored"`
		TextBytes      int64  `json:"text_bytes"`
		RowsIn         int64  `json:"rows_in"`
		RowsOut        int64  `json:"rows_out"`
		RowsRejected   int64  `json:"rows_rejected"`
		ValuesNull     int64  `json:"values_null"` // that their columns cannot hold
		Partitions     int    `json:"partitions"`
		spent
	}{
		"summary", len(o.sample.Texts), o.sample.Sources, len(o.report.Refused), o.sample.Ignored, o.report.TextBytes,
		o.report.RowsIn, o.report.RowsIn - o.report.RowsRejected, o.report.RowsRejected, total(o.report.Nulls), len(o.report.Partitions), o.cost,
	})
}

func total(findings []infer.Finding) (n int64) {
	for _, f := range findings {
		n += f.Count
	}
	return n
}

// fate is what becomes of a member that no column keeps.
func (o *schemaOutput) fate(u infer.Unread) string {
	if u.Inside {
		return string(schema.UnknownIgnore)
	}
	return string(o.schema.Unknown)
}

func (o *schemaOutput) table() {
	r := o.report
	for _, t := range r.Refused {
		fmt.Fprintf(o.to, "refused   %s: %s: %s\n", t.Source, t.Reason, t.Detail)
	}
	for _, f := range r.Rejects {
		o.finding("rejected", count(f.Count, "row"), f)
	}
	for _, f := range r.Nulls {
		o.finding("null", count(f.Count, "value"), f)
	}
	for _, u := range r.Unread {
		fmt.Fprintf(o.to, "%-8s  %s in %s: %s\n", o.fateWord(u), u.Path, count(u.Count, "place"), u.Example)
	}
	if len(o.schema.Partitions) > 0 {
		for i, p := range r.Partitions {
			if i == shownPartitions {
				fmt.Fprintf(o.to, "… and %s more partitions\n", humanize.Comma(int64(len(r.Partitions)-i)))
				break
			}
			fmt.Fprintf(o.to, "partition %s: %s\n", p.Path, count(p.Rows, "row"))
		}
	}
	for _, w := range r.Warnings {
		fmt.Fprintf(o.to, "warning   %s\n", w)
	}
	fmt.Fprintf(o.to, "of %s in the sample (%s of %d of %s) %s would be loaded into %s, %s rejected; %s would become null\n",
		count(r.RowsIn, "row"), humanize.IBytes(uint64(r.TextBytes)), len(o.sample.Texts), count(o.sample.Sources, "source"),
		humanize.Comma(r.RowsIn-r.RowsRejected), count(int64(len(r.Partitions)), "partition"), humanize.Comma(r.RowsRejected), count(total(r.Nulls), "value"))
	fmt.Fprintln(o.to, o.cost)
}

func (o *schemaOutput) fateWord(u infer.Unread) string {
	switch o.fate(u) {
	case string(schema.UnknownKeep):
		return "kept"
	case string(schema.UnknownReject):
		return "rejected"
	}
	return "ignored"
}

func (o *schemaOutput) finding(what, counted string, f infer.Finding) {
	of := f.Reason
	if f.Column != "" {
		of += " in column " + strconv.Quote(f.Column)
	}
	fmt.Fprintf(o.to, "%-8s  %s: %s: %s\n", what, counted, of, f.Detail)
	fmt.Fprintf(o.to, "          e.g. %s at byte %d: %s\n", f.Source, f.Offset, strconv.QuoteToGraphic(f.Text))
}
