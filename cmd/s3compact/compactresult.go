package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/dustin/go-humanize"

	"github.com/s3compact/s3compact/compactor"
)

// compactOutput renders the results on stdout.
type compactOutput struct {
	refusals
	p      *program
	dryRun bool
	table  *tabwriter.Writer

	contentOnly bool // originals are deleted of which only the content is kept
}

func newCompactOutput(p *program, asJSON, dryRun bool) *compactOutput {
	return &compactOutput{refusals: newRefusals(p, asJSON), p: p, dryRun: dryRun, table: tabwriter.NewWriter(p.stdout, 0, 4, 2, ' ', 0)}
}

func (o *compactOutput) refused(r compactor.Refused) {
	line, name := refusedLine{Type: "refused", Key: &r.Key, Reason: r.Reason, Detail: r.Detail}, r.Key
	if r.Group {
		line.Key, line.Prefix = nil, &r.Prefix
		name = r.Prefix + " (the group)"
	}
	o.tell(line, name, r.Reason, r.Detail)
}

// outputLine tells of an output whose originals are deleted, or kept as asked.
type outputLine struct {
	Type    string `json:"type"` // "output"
	Bucket  string `json:"bucket"`
	Key     string `json:"key"`
	Bytes   int64  `json:"bytes"`
	Members int    `json:"members"`
	CRC64   string `json:"crc64nvme"`
	Gzip    string `json:"gzip,omitempty"` // the output's form, where it is not gzip members one behind another
}

func (o *compactOutput) output(x compactor.Joined) {
	if o.json {
		o.lines.write(outputLine{"output", x.Bucket, x.Key, x.Bytes, x.Members, x.CRC64, x.Gzip})
	}
}

func (o *compactOutput) preview(g compactor.GroupPreview) {
	if o.json {
		o.lines.write(struct {
			Type string `json:"type"`
			compactor.GroupPreview
		}{"group", g})
		return
	}
	fmt.Fprintf(o.table, "%s\t%s\t%s\t-> %s\t%s ignored\n", orRoot(g.Prefix), count(g.Objects, "object"), humanize.IBytes(uint64(g.Bytes)), count(g.Outputs, "output"), humanize.Comma(g.Ignored))
}

func orRoot(prefix string) string {
	if prefix == "" {
		return "(root)"
	}
	return prefix
}

func (o *compactOutput) summary(s compactor.Summary, cost spent) {
	if o.json {
		o.lines.write(struct {
			Type string `json:"type"`
			compactor.Summary
			spent
		}{"summary", s, cost})
		return
	}
	o.end()
	o.lines.flush(o.table)
	ignored := humanize.Comma(s.ObjectsIgnored)
	if s.ObjectsTooYoung > 0 {
		ignored += fmt.Sprintf(" (%s younger than --min-age)", humanize.Comma(s.ObjectsTooYoung))
	}
	what := fmt.Sprintf("%s (%s) of %s into %s (%s)", count(s.ObjectsIn, "object"), humanize.IBytes(uint64(s.BytesIn)), count(s.Groups, "group"), count(s.Outputs, "output"), humanize.IBytes(uint64(s.BytesOut)))
	if o.contentOnly {
		fmt.Fprintln(o.p.stdout, "--accept-content-only: originals can not be restored byte for byte from outputs that are compressed anew")
	}
	if o.dryRun {
		fmt.Fprintf(o.p.stdout, "would join %s; refused %s, ignored %s\n", what, humanize.Comma(s.ObjectsRefused), ignored)
	} else {
		if s.OutputsAbsorbed > 0 {
			what += fmt.Sprintf("; compacted %s again", count(s.OutputsAbsorbed, "output"))
		}
		fmt.Fprintf(o.p.stdout, "joined %s; deleted %s, refused %s, ignored %s\n", what, humanize.Comma(s.ObjectsDeleted), humanize.Comma(s.ObjectsRefused), ignored)
	}
	fmt.Fprintln(o.p.stdout, cost)
}
