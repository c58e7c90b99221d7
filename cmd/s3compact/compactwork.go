package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"github.com/s3compact/s3compact/compactor"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/inventory"
	"github.com/s3compact/s3compact/jobs"
)

// compactWork is what one call of compact is to do.
type compactWork struct {
	options compactor.Options
	groups  []string // of this shard
	objects int64    // in them, as the plan or the listing has it
	bytes   int64
	empty   bool        // the listing found no object at all
	notHot  []string    // groups with a log that are no hotspots: they are finished and reported, no more
	record  *planRecord // of the plan in the state; nil without a plan
}

// compactWork finds the groups of this shard: from the plan, or from a listing.
func (p *program) compactWork(ctx context.Context, c *cli.Context, store *s3store.Client, o compactor.Options, shard jobs.Shard) (compactWork, error) {
	w := compactWork{options: o}
	// Of a plan of a million hotspots no more is kept than this.
	var hot []jobs.Work
	keep := func(h *inventory.Hotspot) error {
		hot = append(hot, jobs.Work{Key: h.Prefix, Objects: h.Objects, Bytes: h.Bytes})
		return nil
	}
	var plan *inventory.PlanHeader
	var err error
	fromPlan := c.String("plan") != ""
	if fromPlan {
		plan, err = inventory.LoadPlan(ctx, store, c.String("plan"), keep)
	} else {
		plan, err = p.planFromPrefix(ctx, c, store, keep)
	}
	if err != nil {
		return w, err
	}
	if fromPlan && o.PlainText && plan.Thresholds.Match == "*" {
		return w, usageError("--plain-text joins what --match names beside gzip, and this plan was made for every object: make one that names the text, such as hotspots --match '*.json'")
	}
	w.empty = !fromPlan && plan.Totals.Objects == 0
	w.options.Bucket, w.options.Scope = plan.Bucket, plan.Scope
	w.options.Selection, w.options.PlanID = plan.Thresholds, plan.ID
	if w.options.State.Bucket == "" {
		w.options.State = compactor.DefaultState(plan.Bucket)
	}
	if err := w.take(hot, shard, fromPlan); err != nil {
		return w, err
	}
	if fromPlan {
		w.record = &planRecord{store: store, location: c.String("plan"), id: plan.ID, shard: shard, state: w.options.State}
		w.options.Opened = w.record.begin
	}
	if !fromPlan && !c.Bool("dry-run") {
		all := make([]string, len(hot))
		for i, h := range hot {
			all[i] = h.Key
		}
		known, err := compactor.KnownGroups(ctx, store, w.options, plan.Scope, all)
		if err != nil {
			return w, err
		}
		for _, g := range known {
			if shard.OwnsHash(g) {
				w.notHot = append(w.notHot, g)
			}
		}
	}
	return w, nil
}

// checkCompactSource says what is wrong with the plan or prefix, before anything is asked of S3.
func checkCompactSource(c *cli.Context) error {
	switch plan := c.String("plan"); {
	case plan != "" && c.NArg() > 0:
		return usageError("give --plan or a prefix, not both")
	case plan != "":
		for _, name := range selectionNames {
			if c.IsSet(name) {
				return usageError("--%s stands beside --plan, but the plan's own thresholds rule: make another plan with hotspots", name)
			}
		}
		return nil
	case c.NArg() != 1:
		return usageError("compact what? Give --plan FILE, or one s3://bucket/prefix/; see: s3compact compact --help")
	}
	l, err := directory("prefix", c.Args().First())
	if err != nil {
		return err
	}
	sel, err := selectionOf(c)
	if err != nil {
		return err
	}
	if err := sel.ValidateScope(l.Key); err != nil {
		return usageError("%v", err)
	}
	return nil
}

// planFromPrefix lists the prefix and hands its hotspots to keep.
func (p *program) planFromPrefix(ctx context.Context, c *cli.Context, store *s3store.Client, keep func(*inventory.Hotspot) error) (*inventory.PlanHeader, error) {
	l, err := directory("prefix", c.Args().First())
	if err != nil {
		return nil, err
	}
	sel, err := selectionOf(c)
	if err != nil {
		return nil, err
	}
	memory, err := sizeFlag(c, "memory", false)
	if err != nil {
		return nil, err
	}
	survey, err := inventory.SurveyListing(ctx, store, l.Bucket, l.Key, sel, inventory.ListingOptions{Concurrency: c.Int("concurrency"), MemoryBytes: memory})
	if err != nil {
		return nil, err
	}
	for h := range survey.Hotspots() {
		if err := keep(h); err != nil {
			return nil, err
		}
	}
	return &survey.PlanHeader, nil
}

// take keeps the hotspots of the shard: balanced where all shards have the
// same plan, by hash where each lists for itself.
func (w *compactWork) take(hot []jobs.Work, shard jobs.Shard, balanced bool) error {
	var mine []int
	if balanced {
		shares, err := jobs.Split(hot, shard.Count)
		if err != nil {
			return err
		}
		mine = shares[shard.Index]
	} else {
		for i, h := range hot {
			if shard.OwnsHash(h.Key) {
				mine = append(mine, i)
			}
		}
	}
	for _, i := range mine {
		w.groups = append(w.groups, hot[i].Key)
		w.objects += hot[i].Objects
		w.bytes += hot[i].Bytes
	}
	return nil
}
