package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"

	"github.com/s3compact/s3compact/compactor"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/inventory"
	"github.com/s3compact/s3compact/jobs"
	"github.com/s3compact/s3compact/validate"
)

func (p *program) compactCommand() *cli.Command {
	return &cli.Command{
		Name:      "compact",
		Usage:     "join the small gzip objects of each group into few large ones, prove them, delete the originals",
		ArgsUsage: "--plan FILE|s3://… | s3://bucket/prefix/",
		Description: "Carries out a plan of hotspots, or compacts the hotspots under a prefix as a listing shows them.\n" +
			"Originals are deleted only after every byte of them is proven to be in a finished output that a\n" +
			"durable receipt names. A run that was stopped or killed goes on when it is started again.\n\n" +
			examples(
				"s3compact compact --plan plan.jsonl --dry-run",
				"s3compact compact --plan s3://my-logs/_plans/october.jsonl --yes --shard 3/16",
				"s3compact compact s3://my-logs/app/ --min-age 6h",
			),
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "plan", Usage: "the plan that hotspots wrote: `FILE` or s3:// location", Category: "what"},
			&cli.StringFlag{Name: "state", Usage: "`LOCATION` of receipts and logs (default s3://BUCKET/_s3compact/)", Category: "what"},
			&cli.StringFlag{Name: "dest", Usage: "put outputs under this s3:// `LOCATION` instead of beside their members", Category: "what"},
			&cli.StringFlag{Name: "shard", Usage: "this process's share, `I/N` from 0 (default: from the array job's environment)", Category: "run"},
			&cli.BoolFlag{Name: "dry-run", Usage: "list what would be done; read, write and ask nothing", Category: "run"},
			&cli.BoolFlag{Name: "yes", Usage: "do not ask", Category: "run"},
			&cli.DurationFlag{Name: "min-age", Value: time.Hour, Usage: "leave objects younger than this `DURATION`", Category: "what"},
			&cli.BoolFlag{Name: "keep-originals", Usage: "delete nothing; without --dest readers then see every record twice", Category: "what"},
			&cli.StringFlag{Name: "content", Value: string(validate.ContentNDJSON), Usage: "`KIND` of text: ndjson (each member begins as a JSON object) or lines (any text without header lines)", Category: "what"},
			&cli.StringFlag{Name: "verify", Value: "checksum", Usage: "`HOW` outputs are proven: checksum (as S3 stored it) or readback", Category: "run"},
			&cli.IntFlag{Name: "concurrency", Value: 64, Usage: "objects read at once", Category: "run"},
			&cli.StringFlag{Name: "memory", Value: "512MiB", Usage: "bound of the buffers", Category: "run"},
			&cli.BoolFlag{Name: "assume-alone", Usage: "do not wait until requests of earlier runs have run out: no other worker is left, not even a paused one", Category: "recovery"},
			&cli.BoolFlag{Name: "accept-loss", Usage: "go on where an output and originals that it held are both gone", Category: "recovery"},
			deadlineFlag(),
			outputFlag("table", "json"),
		}, selectionFlags("*.gz")...),
		Action: p.compact,
	}
}

// compactWork is what one call of compact is to do.
type compactWork struct {
	options compactor.Options
	groups  []string // of this shard
	objects int64    // in them, as the plan or the listing has it
	bytes   int64
	notHot  []string // groups with a log that are no hotspots: they are finished and reported, no more
}

func (p *program) compact(c *cli.Context) error {
	start := time.Now()
	bar, above := p.withProgress(c, "compact")
	defer bar.Close()
	log, err := above.logger(c)
	if err != nil {
		return err
	}
	if err := checkOutput(c, "table", "json"); err != nil {
		return err
	}
	dryRun := c.Bool("dry-run")
	if !dryRun && !c.Bool("yes") && !p.stdinTerminal {
		return usageError("compact deletes originals and there is no terminal to ask on: give --yes, or look first with --dry-run")
	}
	options, err := compactOptions(c)
	if err != nil {
		return err
	}
	shard, err := jobs.ParseShard(c.String("shard"), lookupEnv)
	if err != nil {
		return usageError("%v", err)
	}
	ctx, cancel := withDeadline(c)
	defer cancel()
	store, err := openStore(ctx, c, options.Concurrency)
	if err != nil {
		return err
	}
	work, err := p.compactWork(ctx, c, store, options, shard)
	if err != nil {
		return asUsage(stopped(ctx, err))
	}
	out := newCompactOutput(p, c.String("output") == "json", dryRun)
	work.options.Log, work.options.OnRefused = log, out.refused

	var sum compactor.Summary
	if dryRun {
		sum, err = compactor.Preview(ctx, store, work.options, work.groups, out.preview)
	} else {
		if !c.Bool("yes") {
			if err := p.confirm(ctx, work); err != nil {
				return err
			}
		}
		bar.Total(work.objects, work.bytes)
		work.options.Progress = bar
		sum, err = compactor.Run(ctx, store, work.options, append(work.groups, work.notHot...))
		if err == nil {
			if _, serr := compactor.Sweep(ctx, store, work.options, work.groups); serr != nil {
				log.Warn("uploads that a dead worker left were not looked for; they cost storage until they are aborted", "error", serr)
			}
		}
		bar.Close()
	}
	out.summary(sum, spentSince(start, store.Requests()))
	return compactResult(sum, stopped(ctx, err), out)
}

// compactResult is the error that decides the exit code.
func compactResult(sum compactor.Summary, err error, out *compactOutput) error {
	switch {
	case err != nil && errors.Is(err, compactor.ErrWaiting):
		return fmt.Errorf("%w: %w", err, errSettling)
	case err != nil:
		return asUsage(err)
	case out.lines.err != nil:
		return out.lines.err
	case sum.ObjectsRefused > 0:
		return silent{errRefused}
	}
	return nil
}

// asUsage gives a contradiction between flags and state the exit code of a wrong call.
func asUsage(err error) error {
	if errors.Is(err, compactor.ErrUsage) || errors.Is(err, inventory.ErrPlan) {
		return usageError("%v", err)
	}
	return err
}

func compactOptions(c *cli.Context) (compactor.Options, error) {
	o := compactor.Options{
		MinAge: c.Duration("min-age"), Keep: c.Bool("keep-originals"),
		Concurrency: c.Int("concurrency"), AssumeAlone: c.Bool("assume-alone"), AcceptLoss: c.Bool("accept-loss"),
		Tool: toolVersion(),
	}
	var err error
	if o.Content, err = validate.ParseContent(c.String("content")); err != nil {
		return o, usageError("--content: %v", err)
	}
	switch c.String("verify") {
	case "checksum":
	case "readback":
		o.ReadBack = true
	default:
		return o, usageError("--verify %q: write checksum or readback", c.String("verify"))
	}
	if o.Concurrency < 1 {
		return o, usageError("--concurrency %d: at least 1", o.Concurrency)
	}
	if o.MinAge < 0 {
		return o, usageError("--min-age %s: not below zero", o.MinAge)
	}
	if o.MemoryBytes, err = sizeFlag(c, "memory", false); err != nil {
		return o, err
	}
	if o.MemoryBytes < 128<<20 {
		return o, usageError("--memory %s: at least 128MiB", c.String("memory"))
	}
	if dest := c.String("dest"); dest != "" {
		l, err := directory("--dest", dest)
		if err != nil {
			return o, err
		}
		o.Dest = &l
	}
	if state := c.String("state"); state != "" {
		if o.State, err = directory("--state", state); err != nil {
			return o, err
		}
		if err := compactor.CheckState(o.State); err != nil {
			return o, asUsage(err)
		}
	}
	return o, nil
}

// directory reads an s3:// location that stands for everything below it.
func directory(flag, value string) (s3store.Location, error) {
	l, err := s3store.ParseLocation(value)
	if err != nil {
		return l, usageError("%s: %v", flag, err)
	}
	if l.Key != "" && !strings.HasSuffix(l.Key, "/") {
		return l, usageError("%s %s: a prefix ends in a slash: %s/", flag, value, value)
	}
	return l, nil
}

// compactWork finds the groups of this shard: from the plan, or from a listing.
func (p *program) compactWork(ctx context.Context, c *cli.Context, store *s3store.Client, o compactor.Options, shard jobs.Shard) (compactWork, error) {
	w := compactWork{options: o}
	var plan *inventory.Plan
	var err error
	switch location := c.String("plan"); {
	case location != "" && c.NArg() > 0:
		return w, usageError("give --plan or a prefix, not both")
	case location != "":
		for _, name := range selectionNames {
			if c.IsSet(name) {
				return w, usageError("--%s stands beside --plan, but the plan's own thresholds rule: make another plan with hotspots", name)
			}
		}
		if plan, err = inventory.LoadPlan(ctx, store, location); err != nil {
			return w, err
		}
	case c.NArg() == 1:
		if plan, err = p.planFromPrefix(ctx, c, store); err != nil {
			return w, err
		}
	default:
		return w, usageError("compact what? Give --plan FILE, or one s3://bucket/prefix/; see: s3compact compact --help")
	}
	w.options.Bucket, w.options.Scope = plan.Bucket, plan.Scope
	w.options.Selection, w.options.PlanID = plan.Thresholds, plan.ID
	if w.options.State.Bucket == "" {
		w.options.State = compactor.DefaultState(plan.Bucket)
	}
	if err := w.take(plan, shard, c.String("plan") != ""); err != nil {
		return w, err
	}
	if c.String("plan") == "" && !c.Bool("dry-run") {
		all := make([]string, len(plan.Hotspots))
		for i, h := range plan.Hotspots {
			all[i] = h.Prefix
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

func (p *program) planFromPrefix(ctx context.Context, c *cli.Context, store *s3store.Client) (*inventory.Plan, error) {
	l, err := directory("prefix", c.Args().First())
	if err != nil {
		return nil, err
	}
	sel, err := selectionOf(c)
	if err != nil {
		return nil, err
	}
	if err := sel.ValidateScope(l.Key); err != nil {
		return nil, usageError("%v", err)
	}
	return inventory.FromListing(ctx, store, l.Bucket, l.Key, sel, nil)
}

// take keeps the hotspots of the shard: balanced where all shards have the
// same plan, by hash where each lists for itself.
func (w *compactWork) take(plan *inventory.Plan, shard jobs.Shard, balanced bool) error {
	var mine []int
	if balanced {
		work := make([]jobs.Work, len(plan.Hotspots))
		for i, h := range plan.Hotspots {
			work[i] = jobs.Work{Key: h.Prefix, Objects: h.Objects, Bytes: h.Bytes}
		}
		shares, err := jobs.Split(work, shard.Count)
		if err != nil {
			return err
		}
		mine = shares[shard.Index]
	} else {
		for i, h := range plan.Hotspots {
			if shard.OwnsHash(h.Prefix) {
				mine = append(mine, i)
			}
		}
	}
	for _, i := range mine {
		h := &plan.Hotspots[i]
		w.groups = append(w.groups, h.Prefix)
		w.objects += h.Objects
		w.bytes += h.Bytes
	}
	return nil
}

// confirm shows what will be done and asks.
func (p *program) confirm(ctx context.Context, w compactWork) error {
	what := "delete the originals"
	if w.options.Keep {
		what = "keep the originals"
	}
	fmt.Fprintf(p.stderr, "Bucket %s: join up to %s objects (%s) in %s groups, then %s. State: %s\nGo on? [y/N] ",
		w.options.Bucket, humanize.Comma(w.objects), humanize.IBytes(uint64(w.bytes)), humanize.Comma(int64(len(w.groups))), what, w.options.State)
	answers := make(chan string, 1)
	go func() {
		answer, _ := bufio.NewReader(p.stdin).ReadString('\n')
		answers <- strings.ToLower(strings.TrimSpace(answer))
	}()
	select {
	case answer := <-answers:
		if answer == "y" || answer == "yes" {
			return nil
		}
		return usageError("not confirmed; nothing was done")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// compactOutput renders the results on stdout.
type compactOutput struct {
	p      *program
	lines  *lines
	json   bool
	dryRun bool
	table  *tabwriter.Writer
	shown  int // refusals in the table
	hidden int
}

// maxShownRefusals bounds the refusals that a table names; JSON has them all.
const maxShownRefusals = 50

func newCompactOutput(p *program, asJSON, dryRun bool) *compactOutput {
	return &compactOutput{p: p, lines: newLines(p.stdout), json: asJSON, dryRun: dryRun, table: tabwriter.NewWriter(p.stdout, 0, 4, 2, ' ', 0)}
}

func (o *compactOutput) refused(r compactor.Refused) {
	line := refusedLine{Type: "refused", Key: &r.Key, Reason: r.Reason, Detail: r.Detail}
	if r.Group {
		line.Key, line.Prefix = nil, &r.Prefix
	}
	switch {
	case o.json:
		o.lines.write(line)
	case o.shown < maxShownRefusals:
		o.shown++
		name := r.Key
		if r.Group {
			name = r.Prefix + " (the group)"
		}
		fmt.Fprintf(o.p.stdout, "refused  %s: %s: %s\n", name, r.Reason, r.Detail)
	default:
		o.hidden++
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
	fmt.Fprintf(o.table, "%s\t%s objects\t%s\t-> %s outputs\t%s ignored\n", orRoot(g.Prefix), humanize.Comma(g.Objects), humanize.IBytes(uint64(g.Bytes)), humanize.Comma(g.Outputs), humanize.Comma(g.Ignored))
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
	if o.hidden > 0 {
		fmt.Fprintf(o.p.stdout, "… and %d more refused; --output json lists them all\n", o.hidden)
	}
	if err := o.table.Flush(); err != nil && o.lines.err == nil {
		o.lines.err = err
	}
	verb := "joined"
	if o.dryRun {
		verb = "would join"
	}
	fmt.Fprintf(o.p.stdout, "%s %s objects (%s) of %s groups into %s outputs (%s); deleted %s, refused %s, ignored %s\n",
		verb, humanize.Comma(s.ObjectsIn), humanize.IBytes(uint64(s.BytesIn)), humanize.Comma(s.Groups), humanize.Comma(s.Outputs), humanize.IBytes(uint64(s.BytesOut)),
		humanize.Comma(s.ObjectsDeleted), humanize.Comma(s.ObjectsRefused), humanize.Comma(s.ObjectsIgnored))
	r := cost.Requests
	fmt.Fprintf(o.p.stdout, "%s requests (%d GET, %d PUT, %d LIST, %d HEAD, %d DELETE), $%.4f, %.2f s\n",
		humanize.Comma(r.Total()), r.Get, r.Put, r.List, r.Head, r.Delete, cost.CostUSD, cost.Seconds)
}
