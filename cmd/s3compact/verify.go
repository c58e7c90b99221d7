package main

import (
	"errors"
	"fmt"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"

	"github.com/s3compact/s3compact/compactor"
)

// errUnproven is the failure of a verification that found bad outputs.
var errUnproven = errors.New("some outputs are not what their receipts say; the lines above name them")

func (p *program) verifyCommand() *cli.Command {
	return &cli.Command{
		Name:      "verify",
		Usage:     "read every output back and prove it against its receipt",
		ArgsUsage: "--state s3://bucket/_s3compact/",
		Description: "Needs nothing but the state, and writes nothing: each output's length and CRC-64/NVME, each member's\n" +
			"checksum at its offset, and each member's gzip data down to its CRC-32 and length.\n\n" +
			examples("s3compact verify --state s3://my-logs/_s3compact/"),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "state", Usage: "`LOCATION` of the receipts", Category: "what"},
			&cli.IntFlag{Name: "concurrency", Value: 8, Usage: "read `N` outputs at once", Category: "run"},
			deadlineFlag(),
			outputFlag("table", "json"),
		},
		Action: p.verify,
	}
}

// verifiedLine is the verdict on one output.
type verifiedLine struct {
	Type    string `json:"type"` // "output"
	Key     string `json:"key"`
	Bucket  string `json:"bucket"`
	OK      bool   `json:"ok"`
	Members int    `json:"members"`
	Bytes   int64  `json:"bytes"`
	Detail  string `json:"detail,omitempty"`
}

func (p *program) verify(c *cli.Context) error {
	s, ctx, err := p.begin(c, "verify")
	if err != nil {
		return err
	}
	defer s.end()
	if c.NArg() > 0 || c.String("state") == "" {
		return usageError("verify what? Give --state s3://bucket/_s3compact/ and nothing else")
	}
	o := compactor.Options{Concurrency: c.Int("concurrency"), Log: s.log, Progress: s.bar}
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
	out := newLines(p.stdout)
	sum, err := compactor.Verify(ctx, store, o, func(v compactor.Verified) {
		line := verifiedLine{Type: "output", Key: v.Key, Bucket: v.Bucket, OK: v.Err == nil, Members: v.Members, Bytes: v.Bytes}
		if v.Err != nil {
			line.Detail = v.Err.Error()
		}
		switch {
		case s.json:
			out.write(line)
		case v.Err != nil:
			fmt.Fprintf(p.stdout, "BAD  s3://%s/%s: %v\n", v.Bucket, v.Key, v.Err)
		}
	})
	s.bar.Close()
	cost := spentSince(s.start, store)
	if s.json {
		out.write(struct {
			Type string `json:"type"`
			compactor.VerifySummary
			spent
		}{"summary", sum, cost})
	} else if err == nil || sum.Groups > 0 {
		fmt.Fprintf(p.stdout, "%s of %s outputs proven: %s members, %s, in %s groups (%d open); $%.4f, %.2f s\n",
			humanize.Comma(sum.Outputs-sum.OutputsBad), humanize.Comma(sum.Outputs), humanize.Comma(sum.Members), humanize.IBytes(uint64(sum.Bytes)),
			humanize.Comma(sum.Groups), sum.GroupsOpen, cost.CostUSD, cost.Seconds)
	}
	switch {
	case err != nil:
		return stopped(ctx, err)
	case sum.OutputsBad > 0:
		return errUnproven
	}
	return out.err
}
