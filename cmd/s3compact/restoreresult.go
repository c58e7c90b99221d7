package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/s3compact/s3compact/compactor"
)

// restoreOutput renders what a restore does: results on stdout, waits on stderr.
type restoreOutput struct {
	refusals
	p              *program
	s              *session
	stderr         io.Writer // above the progress
	copies, dryRun bool
	table          *tabwriter.Writer
	told           time.Duration // what was left of the wait when the log was told last
}

func newRestoreOutput(p *program, s *session, copies, dryRun bool) *restoreOutput {
	return &restoreOutput{
		refusals: newRefusals(p, s.json), p: p, s: s, stderr: s.bar.LogWriter(p.stderr), copies: copies, dryRun: dryRun,
		table: tabwriter.NewWriter(p.stdout, 0, 4, 2, ' ', 0),
	}
}

func (o *restoreOutput) refused(r compactor.Refused) {
	o.tell(refusedLine{Type: "refused", Key: &r.Key, Reason: r.Reason, Detail: r.Detail}, r.Key, r.Reason, r.Detail)
}

// restoredLine tells of an output that was taken apart and deleted, or whose
// originals were copied.
type restoredLine struct {
	Type      string `json:"type"` // "output"
	Bucket    string `json:"bucket"`
	Key       string `json:"key"`
	Bytes     int64  `json:"bytes"`
	Originals int    `json:"originals"`
}

func (o *restoreOutput) restored(r compactor.Restored) {
	if o.json {
		o.lines.write(restoredLine{"output", r.Bucket, r.Key, r.Bytes, r.Originals})
	}
}

func (o *restoreOutput) group(g compactor.RestorePreview) {
	if o.json {
		o.lines.write(struct {
			Type string `json:"type"`
			compactor.RestorePreview
		}{"group", g})
		return
	}
	note := ""
	if g.Refused > 0 {
		note = fmt.Sprintf("%s refused", humanize.Comma(g.Refused))
	}
	if g.Open {
		note += " (open: what was begun is finished first)"
	}
	fmt.Fprintf(o.table, "%s\t%s\t-> %s\t%s\t%s\n", orRoot(g.Prefix), count(g.Outputs, "output"), count(g.Originals-g.There, "object"), humanize.IBytes(uint64(g.Bytes)), note)
}

// tellWaitEvery is how often a log without a terminal tells of a wait.
const tellWaitEvery = 5 * time.Minute

// waiting counts down on a terminal, and tells a log now and then.
func (o *restoreOutput) waiting(w compactor.Waiting) {
	what := "until requests of earlier runs have run out"
	left := w.Left.Round(time.Second)
	switch {
	case o.p.stderrTerminal && left == 0:
		fmt.Fprint(o.stderr, "\r\x1b[K")
	case o.p.stderrTerminal:
		fmt.Fprintf(o.stderr, "\r\x1b[K%s waits %s %s\r", count(int64(w.Groups), "group"), left, what)
	case left > 0 && (o.told == 0 || o.told-left >= tellWaitEvery):
		o.told = left
		o.s.log.Info("waiting "+what, "groups", w.Groups, "left", left.String())
	case left == 0:
		o.told = 0
	}
}

func (o *restoreOutput) summary(s compactor.RestoreSummary, cost spent) {
	if o.json {
		o.lines.write(struct {
			Type string `json:"type"`
			compactor.RestoreSummary
			spent
		}{"summary", s, cost})
		return
	}
	o.end()
	o.lines.flush(o.table)
	verb, outputs := "put back", "deleted %s"
	switch {
	case o.dryRun:
		verb, outputs = "would put back", "delete %s"
	case o.copies:
		verb, outputs = "copied", "from %s"
	}
	fmt.Fprintf(o.p.stdout, "%s %s (%s) of %s; %s were there; %s; refused %s\n", verb, count(s.ObjectsRestored, "object"), humanize.IBytes(uint64(s.Bytes)),
		count(s.Groups, "group"), humanize.Comma(s.ObjectsThere), fmt.Sprintf(outputs, count(s.Outputs, "output")), humanize.Comma(s.ObjectsRefused))
	fmt.Fprintln(o.p.stdout, cost)
}
