package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

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
				"s3compact compact s3://my-logs/web/ --match '*.log' --content lines --plain-text",
			),
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "plan", Usage: "the plan that hotspots wrote: `FILE` or s3:// location", Category: "what"},
			&cli.StringFlag{Name: "state", Usage: "`LOCATION` of receipts and logs (default s3://BUCKET/_s3compact/)", Category: "what"},
			&cli.StringFlag{Name: "dest", Usage: "put outputs under this s3:// `LOCATION` instead of beside their members", Category: "what"},
			&cli.StringFlag{Name: "shard", Usage: "this process's share, `I/N` from 0 (default: from the array job's environment)", Category: "run"},
			&cli.BoolFlag{Name: "dry-run", Usage: "list what would be done; read, write and ask nothing", Category: "run"},
			&cli.BoolFlag{Name: "yes", Usage: "do not ask", Category: "run"},
			&cli.StringFlag{Name: "min-age", Value: "1h", Usage: "leave objects younger than this `DURATION`, such as 90m or 1d", Category: "what"},
			&cli.BoolFlag{Name: "keep-originals", Usage: "delete nothing, now or in later runs; without --dest readers then see every record twice", Category: "what"},
			&cli.BoolFlag{Name: "delete-kept", Usage: "first delete the originals that earlier runs with --keep-originals have left, on their ETags", Category: "what"},
			&cli.StringFlag{Name: "content", Value: string(validate.ContentNDJSON), Usage: "`KIND` of text: ndjson (each member begins as a JSON object) or lines (any text without header lines)", Category: "what"},
			&cli.StringSliceFlag{Name: "storage-classes", Usage: "join objects of these `CLASSES` too, whose reading and early deletion cost extra: " + strings.Join(compactor.PricedClasses(), ", "), Category: "what"},
			&cli.StringFlag{Name: "gzip", Value: "multi", Usage: "`FORM` of outputs: multi (the members as they are, one behind another) or single (one gzip member, for readers that stop at a member's end)", Category: "what"},
			&cli.BoolFlag{Name: "plain-text", Usage: "join text that is not gzip as well, as gzip, such as --match '*.json' --plain-text (or a plan that was made so); slow: it is compressed", Category: "what"},
			&cli.IntFlag{Name: "recompress", Usage: "compress outputs anew with `LEVEL` 1 to 9, as one gzip member each; slow, and originals can't be given back byte for byte: needs --keep-originals or --accept-content-only", Category: "what"},
			&cli.BoolFlag{Name: "accept-content-only", Usage: "delete originals of which a recompressed output holds the content, not the bytes: restore can't bring them back", Category: "what"},
			&cli.StringFlag{Name: "verify", Value: "checksum", Usage: "`HOW` outputs are proven: checksum (as S3 stored it) or readback", Category: "run"},
			&cli.IntFlag{Name: "concurrency", Value: 64, Usage: "read `N` objects at once", Category: "run"},
			&cli.StringFlag{Name: "memory", Value: "512MiB", Usage: "bound the buffers by this `SIZE`", Category: "run"},
			&cli.BoolFlag{Name: "assume-alone", Usage: "do not wait until requests of earlier runs have run out: no other worker is left, not even a paused one", Category: "recovery"},
			&cli.BoolFlag{Name: "accept-loss", Usage: "go on where an output and originals that it held are both gone", Category: "recovery"},
			deadlineFlag(),
			outputFlag("table", "json"),
		}, selectionFlags("*.gz")...),
		Action: p.compact,
	}
}

func (p *program) compact(c *cli.Context) error {
	s, ctx, err := p.begin(c, "compact")
	if err != nil {
		return err
	}
	defer s.end()
	options, err := compactOptions(c)
	if err != nil {
		return err
	}
	shard, err := jobs.ParseShard(c.String("shard"), lookupEnv)
	if err != nil {
		return usageError("%v", err)
	}
	if err := checkCompactSource(c); err != nil {
		return err
	}
	dryRun := c.Bool("dry-run")
	if !dryRun && !c.Bool("yes") && !p.stdinTerminal {
		return usageError("compact deletes originals and there is no terminal to ask on: give --yes, or look first with --dry-run")
	}
	store, err := openStore(ctx, c, options.Concurrency)
	if err != nil {
		return err
	}
	work, err := p.compactWork(ctx, c, store, options, shard)
	if err != nil {
		return asUsage(stopped(ctx, err))
	}
	out := newCompactOutput(p, s.json, dryRun)
	out.contentOnly = work.options.AcceptContentOnly
	work.options.Log, work.options.OnRefused, work.options.OnOutput = s.log, out.refused, out.output
	if out.contentOnly {
		s.log.Warn("--accept-content-only: restore will not give back originals that are deleted for outputs that are compressed anew: those hold their content alone")
	}
	if work.empty {
		s.log.Warn("there is no object under this prefix: is it spelt right?", "prefix", c.Args().First())
	}

	var sum compactor.Summary
	if dryRun {
		sum, err = compactor.Preview(ctx, store, work.options, work.groups, out.preview)
	} else {
		if !c.Bool("yes") && len(work.groups)+len(work.notHot) > 0 {
			if err := p.ask(ctx, work.question()); err != nil {
				return err
			}
		}
		s.bar.Total(work.objects, work.bytes)
		work.options.Progress = s.bar
		groups := slices.Concat(work.groups, work.notHot)
		sum, err = compactor.Run(ctx, store, work.options, groups)
		if err == nil {
			if ferr := work.record.finish(ctx, sum); ferr != nil {
				s.log.Warn("status will not know that this shard has come to its end", "error", ferr)
			}
			if _, serr := compactor.Sweep(ctx, store, work.options, groups); serr != nil {
				s.log.Warn("uploads that a dead worker left were not looked for; they cost storage until they are aborted", "error", serr)
			}
		}
		s.bar.Close()
	}
	if !errors.Is(err, compactor.ErrUsage) || sum.GroupsDone > 0 {
		out.summary(sum, spentSince(s.start, store))
	}
	return compactResult(sum, stopped(ctx, err), out)
}

// compactResult is the error that decides the exit code.
func compactResult(sum compactor.Summary, err error, out *compactOutput) error {
	switch {
	case err != nil && errors.Is(err, compactor.ErrWaiting):
		return fmt.Errorf("%w: %w", err, errSettling)
	case err != nil:
		return asUsageOf(err, sum.Outputs > 0 || sum.ObjectsDeleted > 0)
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

// asUsageOf is asUsage for a run over many groups: where objects were touched, it
// was no wrong call but has failed for some of the groups.
func asUsageOf(err error, touched bool) error {
	if touched {
		return err
	}
	return asUsage(err)
}

func compactOptions(c *cli.Context) (compactor.Options, error) {
	o := compactor.Options{
		Keep:        c.Bool("keep-originals"),
		Concurrency: c.Int("concurrency"), AssumeAlone: c.Bool("assume-alone"), AcceptLoss: c.Bool("accept-loss"),
		Tool: toolVersion(),
	}
	if o.DeleteKept = c.Bool("delete-kept"); o.DeleteKept && o.Keep {
		return o, usageError("--delete-kept and --keep-originals contradict each other")
	}
	if o.DeleteKept && c.Bool("dry-run") {
		return o, usageError("--delete-kept has no --dry-run, which reads no receipts: status says how many originals were kept")
	}
	var err error
	if o.Content, err = validate.ParseContent(c.String("content")); err != nil {
		return o, usageError("--content: %v", err)
	}
	switch c.String("gzip") {
	case "multi":
	case "single":
		o.Single = true
	default:
		return o, usageError("--gzip %q: write multi or single", c.String("gzip"))
	}
	if err := formOptions(c, &o); err != nil {
		return o, err
	}
	for _, class := range c.StringSlice("storage-classes") {
		if !slices.Contains(compactor.PricedClasses(), class) {
			return o, usageError("--storage-classes %q: write one of %s", class, strings.Join(compactor.PricedClasses(), ", "))
		}
		o.StorageClasses = append(o.StorageClasses, class)
	}
	switch c.String("verify") {
	case "checksum":
	case "readback":
		o.ReadBack = true
	default:
		return o, usageError("--verify %q: write checksum or readback", c.String("verify"))
	}
	if o.Concurrency < 1 || o.Concurrency > compactor.MaxConcurrency {
		return o, usageError("--concurrency %d: from 1 to %d", o.Concurrency, compactor.MaxConcurrency)
	}
	if o.MinAge, err = durationFlag(c, "min-age"); err != nil {
		return o, err
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

// formOptions reads the slow choices of what outputs are made of.
func formOptions(c *cli.Context, o *compactor.Options) error {
	o.PlainText, o.Recompress, o.AcceptContentOnly = c.Bool("plain-text"), c.Int("recompress"), c.Bool("accept-content-only")
	switch {
	case o.PlainText && c.String("plan") == "" && !c.IsSet("match"):
		return usageError("--plain-text joins what --match names beside gzip: give it, such as --match '*.json'")
	case o.PlainText && o.Single:
		return usageError("--plain-text does not go with --gzip single; --recompress makes outputs of one gzip member, too")
	case c.IsSet("recompress") && (o.Recompress < 1 || o.Recompress > 9):
		return usageError("--recompress %d: a level from 1 to 9", o.Recompress)
	case o.Recompress > 0 && o.Single:
		return usageError("--recompress makes outputs of one gzip member by itself: leave out --gzip single")
	case o.AcceptContentOnly && o.Keep:
		return usageError("--accept-content-only is about deleting originals, and --keep-originals keeps them")
	case o.AcceptContentOnly && o.Recompress == 0 && !o.DeleteKept:
		return usageError("--accept-content-only goes with --recompress, or with --delete-kept after it")
	case o.Recompress > 0 && !o.Keep && !o.AcceptContentOnly:
		return usageError("--recompress: restore can't give originals back byte for byte from such outputs. Keep them with --keep-originals, or give --accept-content-only to delete them once their content is proven")
	}
	return nil
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

// question says what a compaction will do.
func (w *compactWork) question() string {
	o := &w.options
	what := "delete the originals"
	switch {
	case o.Keep:
		what = "keep the originals"
	case o.Recompress > 0:
		what = "delete the originals, which can NOT be restored byte for byte: only their content is kept"
	}
	first := ""
	if o.DeleteKept {
		first = "first delete the originals that earlier runs with --keep-originals have left there"
		if o.AcceptContentOnly {
			first += ", also those that can NOT be restored byte for byte"
		}
		first += "; "
	}
	return fmt.Sprintf("Bucket %s: %sjoin up to %s objects (%s) in %s, then %s. State: %s",
		o.Bucket, first, humanize.Comma(w.objects), humanize.IBytes(uint64(w.bytes)), count(int64(len(w.groups)), "group"), what, o.State)
}

// ask says what will be done and goes on only with a yes.
func (p *program) ask(ctx context.Context, what string) error {
	fmt.Fprintf(p.stderr, "%s\nGo on? [y/N] ", what)
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
