package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"

	"github.com/s3compact/s3compact/compactor"
	"github.com/s3compact/s3compact/internal/s3store"
)

func (p *program) restoreCommand() *cli.Command {
	return &cli.Command{
		Name:      "restore",
		Usage:     "put the originals back, byte for byte, and delete the outputs that held them",
		ArgsUsage: "s3://bucket/prefix/ | --state s3://… --all | --key KEY…",
		Description: "Needs nothing but the state and the outputs. Originals come back under their keys with headers, user\n" +
			"metadata, tags, storage class and encryption; nothing is ever overwritten. The unit is an output: all of\n" +
			"its originals come back, and then it is deleted. With --to copies are written instead, and nothing else\n" +
			"is changed. A restore waits some 17 minutes until requests of earlier runs have run out; it may be\n" +
			"stopped and started again at any time.\n\n" +
			examples(
				"s3compact restore s3://my-logs/app/2024/ --dry-run",
				"s3compact restore s3://my-logs/app/2024/ --yes",
				"s3compact restore --state s3://my-logs/_s3compact/ --all --to /mnt/copies",
				"s3compact restore --key s3://my-logs/app/2024/10/03/edge-7.json.gz --to .",
			),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "state", Usage: "`LOCATION` of receipts and logs (default s3://BUCKET/_s3compact/)", Category: "what"},
			&cli.BoolFlag{Name: "all", Usage: "all that the state knows", Category: "what"},
			&cli.StringSliceFlag{Name: "key", Usage: "the original of this `KEY`, or s3://bucket/KEY; may be repeated", Category: "what"},
			&cli.BoolFlag{Name: "whole-outputs", Usage: "with --key: put back all originals of the outputs that hold the keys", Category: "what"},
			&cli.StringFlag{Name: "to", Usage: "only write copies, under this s3:// `LOCATION` or into this local folder", Category: "what"},
			&cli.BoolFlag{Name: "dry-run", Usage: "list what would be done; change and ask nothing", Category: "run"},
			&cli.BoolFlag{Name: "yes", Usage: "do not ask", Category: "run"},
			&cli.IntFlag{Name: "concurrency", Value: 64, Usage: "write `N` originals at once", Category: "run"},
			&cli.StringFlag{Name: "memory", Value: "512MiB", Usage: "bound the buffers by this `SIZE`", Category: "run"},
			&cli.BoolFlag{Name: "assume-alone", Usage: "do not wait until requests of earlier runs have run out: no other worker is left, not even a paused one", Category: "recovery"},
			deadlineFlag(),
			outputFlag("table", "json"),
		},
		Action: p.restore,
	}
}

func (p *program) restore(c *cli.Context) error {
	s, ctx, err := p.begin(c, "restore")
	if err != nil {
		return err
	}
	defer s.end()
	o, err := restoreOptions(c)
	if err != nil {
		return err
	}
	copies, dryRun := c.String("to") != "", c.Bool("dry-run")
	if !copies && !dryRun && !c.Bool("yes") && !p.stdinTerminal {
		return usageError("restore deletes the outputs and there is no terminal to ask on: give --yes, or look first with --dry-run")
	}
	store, err := openStore(ctx, c, o.Concurrency)
	if err != nil {
		return err
	}
	out := newRestoreOutput(p, s, copies, dryRun)
	o.Log, o.OnRefused, o.OnRestored, o.OnWaiting = s.log, out.refused, out.restored, out.waiting
	var sum compactor.RestoreSummary
	switch {
	case copies:
		o.Progress = s.bar
		sum, err = extract(ctx, c, store, o)
	case dryRun:
		o.OnGroup = out.group
		sum, err = compactor.PreviewRestore(ctx, store, o)
	default:
		sum, err = p.putBack(ctx, c, s, store, o)
	}
	s.bar.Close()
	if !errors.Is(err, compactor.ErrUsage) || sum.GroupsDone > 0 {
		out.summary(sum, spentSince(s.start, store))
	}
	switch err = stopped(ctx, err); {
	case err != nil:
		return asUsageOf(err, !dryRun && touchedByRestore(sum))
	case out.lines.err != nil:
		return out.lines.err
	case sum.ObjectsRefused > 0:
		return silent{errRefused}
	}
	return nil
}

// touchedByRestore says whether a restore wrote or deleted something.
func touchedByRestore(sum compactor.RestoreSummary) bool {
	return sum.ObjectsRestored > 0 || sum.Outputs > 0
}

// putBack shows what will be done, asks, and does it.
func (p *program) putBack(ctx context.Context, c *cli.Context, s *session, store *s3store.Client, o compactor.RestoreOptions) (compactor.RestoreSummary, error) {
	quiet := o
	quiet.OnRefused, quiet.OnGroup = nil, nil
	would, err := compactor.PreviewRestore(ctx, store, quiet)
	if err != nil {
		return compactor.RestoreSummary{}, err
	}
	if !c.Bool("yes") && would.Outputs > 0 {
		if err := p.ask(ctx, restoreQuestion(would, &o)); err != nil {
			return compactor.RestoreSummary{}, err
		}
	}
	s.bar.Total(would.ObjectsRestored, would.Bytes)
	o.Progress = s.bar
	return compactor.Restore(ctx, store, o)
}

// restoreQuestion says what a restore will do.
func restoreQuestion(would compactor.RestoreSummary, o *compactor.RestoreOptions) string {
	settle := "waiting about 17 minutes until requests of earlier runs have run out"
	if o.AssumeAlone {
		settle = "at once, since no other worker is left (--assume-alone)"
	}
	what := fmt.Sprintf("Put %s (%s) of %s back under their keys, %s, then delete %s. State: %s",
		count(would.ObjectsRestored, "object"), humanize.IBytes(uint64(would.Bytes)), count(would.Groups, "group"), settle, count(would.Outputs, "output"), o.State)
	if n := would.ObjectsRefused; n > 0 {
		what += fmt.Sprintf("\nOutputs that hold originals which can't come back (%s: something newer has the key, or only their content was kept) stay as they are; --dry-run lists them.", humanize.Comma(n))
	}
	return what
}

// extract writes copies to S3 or into a folder.
func extract(ctx context.Context, c *cli.Context, store *s3store.Client, o compactor.RestoreOptions) (sum compactor.RestoreSummary, err error) {
	to := c.String("to")
	if !strings.HasPrefix(to, "s3://") {
		folder, err := compactor.OpenFolderCopies(to)
		if err != nil {
			return sum, fmt.Errorf("--to: %w", err)
		}
		defer func() { err = errors.Join(err, folder.Close()) }()
		return compactor.Extract(ctx, store, o, folder)
	}
	location, err := directory("--to", to)
	if err != nil {
		return sum, err
	}
	layout, err := compactor.Layout(ctx, store, o.State)
	if err != nil {
		return sum, err
	}
	if err := compactor.CheckCopies(layout, location); err != nil {
		return sum, fmt.Errorf("--to: %w", err)
	}
	return compactor.Extract(ctx, store, o, &compactor.S3Copies{Store: store, To: location})
}

// restoreOptions reads the flags, and what is wanted: a prefix, all, or keys.
func restoreOptions(c *cli.Context) (compactor.RestoreOptions, error) {
	var o compactor.RestoreOptions
	keys, all := c.StringSlice("key"), c.Bool("all")
	switch n := c.NArg(); {
	case n+btoi(all)+btoi(len(keys) > 0) != 1:
		return o, usageError("restore what? Give one s3://bucket/prefix/, or --all, or --key KEY; see: s3compact restore --help")
	case n == 1:
		l, err := directory("prefix", c.Args().First())
		if err != nil {
			return o, err
		}
		o.Bucket, o.Under = l.Bucket, l.Key
	}
	for _, k := range keys {
		if strings.HasPrefix(k, "s3://") {
			l, err := s3store.ParseLocation(k)
			if err != nil {
				return o, usageError("--key: %v", err)
			}
			if o.Bucket != "" && l.Bucket != o.Bucket {
				return o, usageError("--key: the keys are of the buckets %s and %s: restore each by itself", o.Bucket, l.Bucket)
			}
			o.Bucket, k = l.Bucket, l.Key
		}
		if k == "" {
			return o, usageError("--key: write the key of an original")
		}
		o.Keys = append(o.Keys, k)
	}
	switch to, whole := c.String("to"), c.Bool("whole-outputs"); {
	case len(keys) > 0 && to == "" && !whole:
		return o, usageError("--key alone would leave the record in its output as well, so that readers see it twice: write a copy of the original with --to FOLDER or --to s3://…, or put back all originals of its output with --whole-outputs")
	case whole && (len(keys) == 0 || to != ""):
		return o, usageError("--whole-outputs goes with --key, and not with --to")
	case to != "" && c.Bool("dry-run"):
		return o, usageError("--to changes nothing but where the copies go: it has no --dry-run")
	}
	switch state := c.String("state"); {
	case state != "":
		var err error
		if o.State, err = directory("--state", state); err != nil {
			return o, err
		}
		if err := compactor.CheckState(o.State); err != nil {
			return o, asUsage(err)
		}
	case o.Bucket == "":
		return o, usageError("of which state? Give --state s3://bucket/_s3compact/")
	default:
		o.State = compactor.DefaultState(o.Bucket)
	}
	o.Concurrency, o.AssumeAlone, o.Tool = c.Int("concurrency"), c.Bool("assume-alone"), toolVersion()
	if o.Concurrency < 1 || o.Concurrency > compactor.MaxConcurrency {
		return o, usageError("--concurrency %d: from 1 to %d", o.Concurrency, compactor.MaxConcurrency)
	}
	var err error
	if o.MemoryBytes, err = sizeFlag(c, "memory", false); err != nil {
		return o, err
	}
	if o.MemoryBytes < 128<<20 {
		return o, usageError("--memory %s: at least 128MiB", c.String("memory"))
	}
	return o, nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
