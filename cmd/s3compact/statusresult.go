package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/s3compact/s3compact/compactor"
)

// statusOutput renders a state's status on stdout.
type statusOutput struct {
	p               *program
	lines           *lines
	json            bool
	groups, refused bool // list each
	shown, hidden   int  // groups in the table that are not done
}

// maxShownGroups bounds the groups that a table names unasked; JSON has them all.
const maxShownGroups = 50

// groupLine is how far one group is.
type groupLine struct {
	Type        string               `json:"type"` // "group"
	Prefix      string               `json:"prefix"`
	State       compactor.GroupState `json:"state"`
	Detail      string               `json:"detail,omitempty"`
	Head        string               `json:"head,omitempty"`
	Entry       int                  `json:"entry,omitempty"`
	Since       *time.Time           `json:"since,omitempty"`
	Settles     *time.Time           `json:"settles,omitempty"`
	Outputs     int64                `json:"outputs"`
	OutputBytes int64                `json:"output_bytes"`
	OutputsDead int64                `json:"outputs_dead,omitempty"`
	Kept        int64                `json:"objects_kept,omitempty"`
	Refused     int64                `json:"objects_refused"`
	Reasons     map[string]int64     `json:"reasons,omitempty"`
}

// The states of a plan's group that has no log.
const (
	groupUnstarted compactor.GroupState = "unstarted"
	groupNothing   compactor.GroupState = "nothing" // its shard came to its end: nothing to join, or refused as a whole
)

func (o *statusOutput) group(g *compactor.GroupStatus) {
	o.line(groupLine{
		Prefix: g.Prefix, State: g.State, Detail: g.Detail, Head: string(g.Head), Entry: g.Entry, Since: timeOrNil(g.Since), Settles: timeOrNil(g.SettlesAt),
		Outputs: g.Outputs, OutputBytes: g.OutputBytes, OutputsDead: g.Dead, Kept: g.Kept, Refused: g.Refused, Reasons: g.Reasons,
	})
	if !o.refused {
		return
	}
	for _, r := range g.Refusals {
		if o.json {
			o.lines.write(refusedLine{Type: "refused", Key: &r.Key, Reason: r.Reason, Detail: r.Detail})
		} else {
			fmt.Fprintf(o.p.stdout, "refused  %s: %s: %s\n", r.Key, r.Reason, r.Detail)
		}
	}
}

func (o *statusOutput) notStarted(prefix string, nothing bool) {
	l := groupLine{Prefix: prefix, State: groupUnstarted, Detail: "no run has reached it, or it is at work"}
	if nothing {
		l.State, l.Detail = groupNothing, "a run has reached it and found nothing to join, or refused it as a whole"
	}
	o.line(l)
}

func (o *statusOutput) line(l groupLine) {
	l.Type = "group"
	quiet := l.State == compactor.GroupDone || l.State == groupNothing
	switch {
	case o.json:
		o.lines.write(l)
	case !o.groups && quiet:
	case !o.groups && o.shown == maxShownGroups:
		o.hidden++
	default:
		o.shown++
		about := l.Detail
		if quiet && l.Outputs > 0 {
			about = fmt.Sprintf("%s (%s)", count(l.Outputs, "output"), humanize.IBytes(uint64(l.OutputBytes)))
		}
		if l.Since != nil && !quiet {
			about += "; since " + l.Since.Format(time.RFC3339)
		}
		if l.Settles != nil {
			about += ", settles at " + l.Settles.Format(time.RFC3339)
		}
		if l.Refused > 0 {
			about += "; refused " + reasonsOf(l.Reasons)
		}
		fmt.Fprintf(o.p.stdout, "%-10s %s: %s\n", l.State, orRoot(l.Prefix), strings.TrimPrefix(about, "; "))
	}
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Second)
	return &t
}

// shardLine is how far one shard of a plan is.
type shardLine struct {
	Type             string     `json:"type"` // "shard"
	Plan             string     `json:"plan"`
	Shard            string     `json:"shard"` // I/N
	Groups           int64      `json:"groups"`
	GroupsDone       int64      `json:"groups_done"`
	GroupsNothing    int64      `json:"groups_nothing"`
	GroupsOpen       int64      `json:"groups_open"`
	GroupsUnstarted  int64      `json:"groups_unstarted"`
	GroupsUnreadable int64      `json:"groups_unreadable"`
	Outputs          int64      `json:"outputs"`
	OutputBytes      int64      `json:"output_bytes"`
	ObjectsRefused   int64      `json:"objects_refused"`
	Started          *time.Time `json:"started,omitempty"`
	Finished         *time.Time `json:"finished,omitempty"`
}

func (o *statusOutput) plan(p *planStatus) {
	table := tabwriter.NewWriter(o.p.stdout, 0, 4, 2, ' ', 0)
	if !o.json {
		fmt.Fprintf(table, "plan %s\tgroups\tdone\topen\tunstarted\toutputs\tbytes\trefused\tlast start\tlast end\n", p.id)
	}
	for i, s := range p.shards {
		name := fmt.Sprintf("%d/%d", i, len(p.shards))
		if o.json {
			o.lines.write(shardLine{
				Type: "shard", Plan: p.id, Shard: name, Groups: s.Groups, GroupsDone: s.Done, GroupsNothing: s.Nothing, GroupsOpen: s.Open,
				GroupsUnstarted: s.Unstarted, GroupsUnreadable: s.Unreadable, Outputs: s.Outputs, OutputBytes: s.Bytes, ObjectsRefused: s.Refused,
				Started: timeOrNil(s.Started), Finished: timeOrNil(s.Finished),
			})
			continue
		}
		fmt.Fprintf(table, "  shard %s\t%d\t%d\t%d\t%d\t%d\t%s\t%d\t%s\t%s\n", name, s.Groups, s.Done+s.Nothing, s.Open+s.Unreadable, s.Unstarted,
			s.Outputs, humanize.IBytes(uint64(s.Bytes)), s.Refused, clock(s.Started), clock(s.Finished))
	}
	o.lines.flush(table)
}

func clock(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

// statusSummary closes the status.
type statusSummary struct {
	compactor.StatusSummary
	GroupsUnstarted int64  `json:"groups_unstarted"`
	Plans           int    `json:"plans"`
	Bucket          string `json:"bucket"`
	Closed          bool   `json:"closed"`
}

func (o *statusOutput) summary(s statusSummary, cost spent) {
	if o.json {
		o.lines.write(struct {
			Type string `json:"type"`
			statusSummary
			spent
		}{"summary", s, cost})
		return
	}
	if o.hidden > 0 {
		fmt.Fprintf(o.p.stdout, "… and %d more groups; --groups lists them all\n", o.hidden)
	}
	closed := ""
	if s.Closed {
		closed = " (closed)"
	}
	fmt.Fprintf(o.p.stdout, "bucket %s%s: %s with a log: %d done, %d open, %d unreadable; %d of plans not started; %s (%s); refused %s\n",
		s.Bucket, closed, count(s.Groups, "group"), s.GroupsDone, s.GroupsOpen, s.GroupsUnreadable, s.GroupsUnstarted,
		count(s.Outputs, "output"), humanize.IBytes(uint64(s.OutputBytes)), reasonsOf(s.Reasons))
	if s.ObjectsKept > 0 {
		fmt.Fprintf(o.p.stdout, "%s kept beside their outputs, as they were committed\n", count(s.ObjectsKept, "original"))
	}
	fmt.Fprintln(o.p.stdout, cost)
}

// reasonsOf is "3 (2 bad_crc, 1 format)", or 0.
func reasonsOf(reasons map[string]int64) string {
	var total int64
	var each []string
	for _, r := range slices.Sorted(maps.Keys(reasons)) {
		total += reasons[r]
		each = append(each, fmt.Sprintf("%d %s", reasons[r], r))
	}
	if total == 0 {
		return "0"
	}
	return fmt.Sprintf("%s (%s)", humanize.Comma(total), strings.Join(each, ", "))
}
