package main

import (
	"context"
	"errors"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/s3compact/s3compact/compactor"
	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/inventory"
	"github.com/s3compact/s3compact/jobs"
)

// What keeps status from exit code 0.
var (
	errUnfinished = errors.New("some groups are open or were not started; run compact again")
	errUnreadable = errors.New("some logs can't be read; the lines above name them")
)

func (p *program) statusCommand() *cli.Command {
	return &cli.Command{
		Name:      "status",
		Usage:     "how far each shard and group is, what was refused and why",
		ArgsUsage: "--state s3://bucket/_s3compact/",
		Description: "Reads the state and writes nothing: the plans that were carried out, and the log of each group.\n" +
			"What a listing alone shows, such as archived objects, is told by compact --dry-run.\n" +
			"Exit codes: 0 all is done; 75 some groups are open or were not started; 3 all is done, but some\n" +
			"objects were refused; 1 a log can't be read.\n\n" +
			examples(
				"s3compact status --state s3://my-logs/_s3compact/",
				"s3compact status --state s3://my-logs/_s3compact/ --refused --output json",
			),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "state", Usage: "`LOCATION` of the receipts and plans", Category: "what"},
			&cli.BoolFlag{Name: "refused", Usage: "list each refused object", Category: "output"},
			&cli.BoolFlag{Name: "groups", Usage: "list each group, not only those that are not done; JSON always does", Category: "output"},
			&cli.IntFlag{Name: "concurrency", Value: 32, Usage: "read `N` logs at once", Category: "run"},
			deadlineFlag(),
			outputFlag("table", "json"),
		},
		Action: p.status,
	}
}

func (p *program) status(c *cli.Context) error {
	s, ctx, err := p.begin(c, "status")
	if err != nil {
		return err
	}
	defer s.end()
	if c.NArg() > 0 || c.String("state") == "" {
		return usageError("status of what? Give --state s3://bucket/_s3compact/ and nothing else")
	}
	o := compactor.Options{Concurrency: c.Int("concurrency"), Log: s.log}
	if o.Concurrency < 1 || o.Concurrency > compactor.MaxConcurrency {
		return usageError("--concurrency %d: from 1 to %d", o.Concurrency, compactor.MaxConcurrency)
	}
	if o.State, err = directory("--state", c.String("state")); err != nil {
		return err
	}
	store, err := openStore(ctx, c, o.Concurrency)
	if err != nil {
		return err
	}
	layout, err := compactor.Layout(ctx, store, o.State)
	if err != nil {
		return stopped(ctx, err)
	}
	whole, err := readPlans(ctx, store, o.State, layout.StateID)
	if err != nil {
		return stopped(ctx, err)
	}
	out := &statusOutput{p: p, lines: newLines(p.stdout), json: s.json, groups: c.Bool("groups"), refused: c.Bool("refused")}
	sum, err := compactor.Status(ctx, store, o, func(g *compactor.GroupStatus) {
		whole.note(g)
		out.group(g)
		s.bar.Add(1, 0)
	})
	s.bar.Close()
	if err != nil {
		return stopped(ctx, err)
	}
	unstarted := whole.unstarted(out.notStarted)
	for _, plan := range whole.plans {
		out.plan(plan)
	}
	out.summary(statusSummary{StatusSummary: sum, Plans: len(whole.plans), GroupsUnstarted: unstarted, Bucket: layout.Bucket, Closed: layout.Closed}, spentSince(s.start, store))
	switch {
	case out.lines.err != nil:
		return out.lines.err
	case sum.GroupsOpen > 0 || unstarted > 0:
		return unfinished{}
	case sum.GroupsUnreadable > 0:
		return errUnreadable
	case sum.ObjectsRefused > 0:
		return silent{errRefused}
	}
	return nil
}

// unfinished is errUnfinished with the exit code of what is resumable, told by the summary already.
type unfinished struct{}

func (unfinished) Error() string   { return errUnfinished.Error() }
func (unfinished) Unwrap() []error { return []error{errUnfinished, errSettling, errSilent} }

// planned are the plans that a state holds, with the groups of each. Memory:
// about 200 bytes for each group of each plan.
type planned struct {
	stateID string
	plans   []*planStatus
	places  map[string][]place // of each group, by its id
}

// place is a group's place in a plan.
type place struct {
	plan  *planStatus
	shard int
}

// planStatus is how far a plan is.
type planStatus struct {
	id     string
	shards []shardStatus
	groups []planGroup
	seen   map[string]bool // ids of groups with a log
}

type planGroup struct {
	prefix string
	shard  int
}

// shardStatus is how far a shard is.
type shardStatus struct {
	compactor.ShardTimes
	Groups, Done, Open, Unreadable int64
	Unstarted                      int64 // without a log, in a shard that has not come to its end
	Nothing                        int64 // without a log, although the shard came to its end: nothing to join, or refused as a whole
	Outputs, Bytes, Refused        int64
}

// readPlans reads the plans of a state and divides each as its newest run did.
func readPlans(ctx context.Context, store *s3store.Client, state s3store.Location, stateID string) (*planned, error) {
	found, err := compactor.Plans(ctx, store, state)
	if err != nil {
		return nil, err
	}
	w := &planned{stateID: stateID, places: map[string][]place{}}
	for _, f := range found {
		if !f.Kept {
			continue // its shards were noted, the plan was not: a run that was killed in between puts it there when it goes on
		}
		var work []jobs.Work
		header, err := inventory.LoadPlan(ctx, store, f.Plan.String(), func(h *inventory.Hotspot) error {
			work = append(work, jobs.Work{Key: h.Prefix, Objects: h.Objects, Bytes: h.Bytes})
			return nil
		})
		if err != nil {
			return nil, err
		}
		if err := w.add(header.ID, f.Shards, work); err != nil {
			return nil, err
		}
	}
	return w, nil
}

func (w *planned) add(id string, times []compactor.ShardTimes, work []jobs.Work) error {
	if len(times) == 0 {
		times = make([]compactor.ShardTimes, 1)
	}
	shares, err := jobs.Split(work, len(times))
	if err != nil {
		return err
	}
	p := &planStatus{id: id, shards: make([]shardStatus, len(times)), seen: map[string]bool{}}
	for i, share := range shares {
		p.shards[i].ShardTimes, p.shards[i].Groups = times[i], int64(len(share))
		for _, n := range share {
			p.groups = append(p.groups, planGroup{work[n].Key, i})
			gid := receipt.GID(w.stateID, work[n].Key)
			w.places[gid] = append(w.places[gid], place{p, i})
		}
	}
	slices.SortFunc(p.groups, func(a, b planGroup) int {
		if a.prefix < b.prefix {
			return -1
		}
		return 1 // no prefix stands in a plan twice
	})
	w.plans = append(w.plans, p)
	return nil
}

// note adds a group with a log to the plans that name it.
func (w *planned) note(g *compactor.GroupStatus) {
	for _, at := range w.places[g.GID] {
		at.plan.seen[g.GID] = true
		s := &at.plan.shards[at.shard]
		switch g.State {
		case compactor.GroupDone:
			s.Done++
		case compactor.GroupOpen:
			s.Open++
		case compactor.GroupUnreadable:
			s.Unreadable++
		}
		s.Outputs += g.Outputs
		s.Bytes += g.OutputBytes
		s.Refused += g.Refused
	}
}

// unstarted counts the groups of the newest plan that names them that have no
// log and whose shard has not come to its end, and calls each with every group
// of the plans that has no log, once.
func (w *planned) unstarted(each func(prefix string, nothing bool)) (n int64) {
	told := map[string]bool{}
	for _, p := range slices.Backward(w.plans) {
		for _, g := range p.groups {
			gid := receipt.GID(w.stateID, g.prefix)
			if p.seen[gid] {
				continue
			}
			s := &p.shards[g.shard]
			nothing := !s.Finished.IsZero()
			if nothing {
				s.Nothing++
			} else {
				s.Unstarted++
			}
			if told[gid] {
				continue
			}
			told[gid] = true
			if !nothing {
				n++
			}
			each(g.prefix, nothing)
		}
	}
	return n
}
