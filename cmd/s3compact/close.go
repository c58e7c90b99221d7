package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/s3compact/s3compact/compactor"
)

func (p *program) closeCommand() *cli.Command {
	return &cli.Command{
		Name:      "close",
		Usage:     "end the use of a state, so that another one may compact the bucket",
		ArgsUsage: "--state s3://bucket/_s3compact/",
		Description: "After it nothing is compacted with the state any more. What earlier runs have committed is finished,\n" +
			"outputs that were given up are deleted, and the claim on the bucket is given back. Receipts and outputs\n" +
			"stay, for verify and for copies of originals (restore --to). Needed to group a prefix otherwise.\n" +
			"Originals that --keep-originals left beside their outputs have to be deleted first (compact --delete-kept), or\n" +
			"their outputs (restore).\n" +
			"It takes two calls: requests of earlier workers need 17 minutes to run out, until then it exits 75;\n" +
			"three where a commit turns out to be one that can't be carried out.\n\n" +
			examples(
				"s3compact close --state s3://my-logs/_s3compact/ --yes",
				"s3compact close --state s3://my-logs/_s3compact/ --yes --assume-alone",
			),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "state", Usage: "`LOCATION` of the receipts and logs", Category: "what"},
			&cli.BoolFlag{Name: "yes", Usage: "do not ask", Category: "run"},
			&cli.IntFlag{Name: "concurrency", Value: 64, Usage: "send `N` requests at once", Category: "run"},
			&cli.BoolFlag{Name: "assume-alone", Usage: "do not wait until requests of earlier runs have run out: no other worker is left, not even a paused one", Category: "recovery"},
			&cli.BoolFlag{Name: "accept-loss", Usage: "go on where an output and originals that it held are both gone", Category: "recovery"},
			deadlineFlag(),
			outputFlag("table", "json"),
		},
		Action: p.close,
	}
}

func (p *program) close(c *cli.Context) error {
	s, ctx, err := p.begin(c, "close")
	if err != nil {
		return err
	}
	defer s.end()
	if c.NArg() > 0 || c.String("state") == "" {
		return usageError("close what? Give --state s3://bucket/_s3compact/ and nothing else")
	}
	o := compactor.Options{
		Concurrency: c.Int("concurrency"), AssumeAlone: c.Bool("assume-alone"), AcceptLoss: c.Bool("accept-loss"),
		Log: s.log, Tool: toolVersion(),
	}
	if o.Concurrency < 1 || o.Concurrency > compactor.MaxConcurrency {
		return usageError("--concurrency %d: from 1 to %d", o.Concurrency, compactor.MaxConcurrency)
	}
	if o.State, err = directory("--state", c.String("state")); err != nil {
		return err
	}
	if !c.Bool("yes") && !p.stdinTerminal {
		return usageError("close ends the use of a state for good and there is no terminal to ask on: give --yes, or look first with status")
	}
	store, err := openStore(ctx, c, o.Concurrency)
	if err != nil {
		return err
	}
	if !c.Bool("yes") {
		if err := p.ask(ctx, fmt.Sprintf("Close the state %s for good: nothing more is compacted with it.", o.State)); err != nil {
			return err
		}
	}
	sum, err := compactor.Close(ctx, store, o)
	s.bar.Close()
	out, cost := newLines(p.stdout), spentSince(s.start, store)
	if s.json {
		out.write(struct {
			Type string `json:"type"`
			compactor.CloseSummary
			spent
		}{"summary", sum, cost})
	} else if err == nil {
		claim := "the claim on the bucket is given back"
		if !sum.ClaimDeleted {
			claim = "it held no claim any more"
		}
		fmt.Fprintf(p.stdout, "%s is closed: %s finished, %s aborted; %s\n%s\n", o.State, count(sum.GroupsFinished, "group"), count(sum.UploadsAborted, "upload"), claim, cost)
	}
	switch err = stopped(ctx, err); {
	case errors.Is(err, compactor.ErrWaiting):
		return fmt.Errorf("%w: %w", err, errSettling)
	case err != nil:
		return asUsage(err)
	}
	return out.err
}
