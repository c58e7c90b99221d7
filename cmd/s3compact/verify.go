package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"

	"github.com/s3compact/s3compact/compactor"
)

// errUnproven is the failure of a verification that found bad outputs.
var errUnproven = errors.New("some outputs are not what their receipts say; the lines above name them")

// errUnread is the failure of one that found none, but could not read all.
var errUnread = errors.New("some outputs could not be read, so nothing is known of them; the lines above name them")

func (p *program) verifyCommand() *cli.Command {
	return &cli.Command{
		Name:      "verify",
		Usage:     "read every output back and prove it against its receipt",
		ArgsUsage: "[--state s3://bucket/_s3compact/] [s3://bucket/prefix/]",
		Description: "Needs nothing but the state, and writes nothing: each output's length and CRC-64/NVME, each member's\n" +
			"checksum at its offset, and each member's gzip data down to its CRC-32 and length. With a prefix it looks\n" +
			"at the groups below it; with --sample at some of the outputs, which the seed chooses.\n\n" +
			examples(
				"s3compact verify --state s3://my-logs/_s3compact/",
				"s3compact verify s3://my-logs/app/",
				"s3compact verify --state s3://my-logs/_s3compact/ --sample 5% --deadline 1h",
			),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "state", Usage: "`LOCATION` of the receipts (default s3://BUCKET/_s3compact/ of the prefix)", Category: "what"},
			&cli.StringFlag{Name: "sample", Usage: "read only this `SHARE` of the outputs, such as 5%, or so many, such as 100", Category: "what"},
			&cli.Int64Flag{Name: "seed", Usage: "choose the sample of this `NUMBER`, to repeat one (default: a new one, which is printed)", Category: "what"},
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
	Unread  bool   `json:"unread,omitempty"`
	Members int    `json:"members"`
	Bytes   int64  `json:"bytes"`
	Detail  string `json:"detail,omitempty"`
}

// sampledBy is told in the summary of a verification of a sample.
type sampledBy struct {
	Sample string  `json:"sample,omitempty"`
	Seed   *uint64 `json:"seed,omitempty"` // nil where there is no sample
}

func (p *program) verify(c *cli.Context) error {
	s, ctx, err := p.begin(c, "verify")
	if err != nil {
		return err
	}
	defer s.end()
	o, sample, err := verifyOptions(c)
	if err != nil {
		return err
	}
	o.Log, o.Progress = s.log, s.bar
	store, err := openStore(ctx, c, o.Concurrency)
	if err != nil {
		return err
	}
	out := newLines(p.stdout)
	sum, err := compactor.VerifySample(ctx, store, o, sample, func(v compactor.Verified) {
		line := verifiedLine{Type: "output", Key: v.Key, Bucket: v.Bucket, OK: v.Err == nil, Unread: v.Unread, Members: v.Members, Bytes: v.Bytes}
		verdict := "BAD"
		if v.Unread {
			verdict = "UNREAD"
		}
		if v.Err != nil {
			line.Detail = v.Err.Error()
		}
		switch {
		case s.json:
			out.write(line)
		case v.Err != nil:
			fmt.Fprintf(p.stdout, "%s  s3://%s/%s: %v\n", verdict, v.Bucket, v.Key, v.Err)
		}
	})
	s.bar.Close()
	cost := spentSince(s.start, store)
	by := sampledBy{Sample: c.String("sample")}
	if by.Sample != "" {
		by.Seed = &sample.Seed
	}
	if s.json {
		out.write(struct {
			Type string `json:"type"`
			compactor.VerifySummary
			sampledBy
			spent
		}{"summary", sum, by, cost})
	} else if err == nil || sum.Groups > 0 {
		p.verifySummary(sum, by, cost)
	}
	if err == nil && sum.Outputs == 0 && by.Sample != "" && sum.OutputsSkipped > 0 {
		s.log.Warn("the sample holds no output, so nothing was proven: take a larger one, or a number of outputs", "sample", by.Sample)
	}
	switch {
	case err != nil:
		return asUsage(stopped(ctx, err))
	case sum.Groups == 0 && sample.Prefix != "":
		return usageError("no group of the state %s lies below %s: is it spelt right?", o.State, c.Args().First())
	case sum.OutputsBad > 0:
		return errUnproven
	case sum.OutputsUnread > 0:
		return errUnread
	}
	return out.err
}

func (p *program) verifySummary(sum compactor.VerifySummary, by sampledBy, cost spent) {
	fmt.Fprintf(p.stdout, "%s of %s outputs proven: %s members, %s, in %s (%d open)",
		humanize.Comma(sum.Outputs-sum.OutputsBad-sum.OutputsUnread), humanize.Comma(sum.Outputs), humanize.Comma(sum.Members), humanize.IBytes(uint64(sum.Bytes)),
		count(sum.Groups, "group"), sum.GroupsOpen)
	if sum.OutputsSkipped > 0 {
		fmt.Fprintf(p.stdout, "; %s not looked at", humanize.Comma(sum.OutputsSkipped))
	}
	if by.Sample != "" {
		fmt.Fprintf(p.stdout, " (--sample %s --seed %d)", by.Sample, *by.Seed)
	}
	fmt.Fprintf(p.stdout, "\n%s\n", cost)
}

func verifyOptions(c *cli.Context) (o compactor.Options, sample compactor.Sample, err error) {
	o.Concurrency = c.Int("concurrency")
	switch {
	case c.NArg() > 1, c.NArg() == 0 && c.String("state") == "":
		return o, sample, usageError("verify what? Give --state s3://bucket/_s3compact/ or one s3://bucket/prefix/, or both")
	case o.Concurrency < 1 || o.Concurrency > compactor.MaxConcurrency:
		return o, sample, usageError("--concurrency %d: from 1 to %d", o.Concurrency, compactor.MaxConcurrency)
	case c.IsSet("seed") && c.String("sample") == "":
		return o, sample, usageError("--seed chooses a sample: give --sample too")
	case c.Int64("seed") < 0:
		return o, sample, usageError("--seed %d: not below zero", c.Int64("seed"))
	}
	if sample, err = parseSample(c.String("sample")); err != nil {
		return o, sample, err
	}
	sample.Seed = uint64(c.Int64("seed"))
	if !c.IsSet("seed") {
		sample.Seed = uint64(time.Now().Unix())
	}
	if c.NArg() > 0 {
		l, err := directory("prefix", c.Args().First())
		if err != nil {
			return o, sample, err
		}
		o.Bucket, sample.Prefix, o.State = l.Bucket, l.Key, compactor.DefaultState(l.Bucket)
	}
	if state := c.String("state"); state != "" {
		if o.State, err = directory("--state", state); err != nil {
			return o, sample, err
		}
	}
	return o, sample, nil
}

// parseSample reads a share, "5%", or a number of outputs.
func parseSample(v string) (s compactor.Sample, err error) {
	if v == "" {
		return s, nil
	}
	if percent, ok := strings.CutSuffix(v, "%"); ok {
		f, err := strconv.ParseFloat(percent, 64)
		if err != nil || !(f > 0 && f <= 100) {
			return s, usageError("--sample %s: from above 0%% to 100%%", v)
		}
		s.Share = f / 100
		return s, nil
	}
	if s.Count, err = strconv.Atoi(v); err != nil || s.Count < 1 || s.Count > maxSample {
		return s, usageError("--sample %s: write a share such as 5%%, or a number of outputs from 1 to %d", v, maxSample)
	}
	return s, nil
}

// maxSample bounds the memory for a sample of a number, some 400 bytes each.
const maxSample = 1_000_000
