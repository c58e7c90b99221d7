package main

import (
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/s3compact/s3compact/compactor"
)

func (p *program) doctorCommand() *cli.Command {
	return &cli.Command{
		Name:      "doctor",
		Usage:     "what compact would meet under a prefix: settings, permissions, what the endpoint enforces, what would be refused",
		ArgsUsage: "s3://bucket/prefix/",
		Description: "Reads what can be read of the bucket's settings, tries on objects of its own under _s3compact/canary/\n" +
			"what the endpoint enforces (they are removed again), lists a sample of the objects, and looks at some.\n" +
			"It ends with the least policy of AWS IAM that a worker needs. Originals are never touched.\n" +
			"Exit codes: 0 nothing would be refused; 3 something would.\n\n" +
			examples(
				"s3compact doctor s3://my-logs/app/",
				"s3compact doctor s3://my-logs/app/ --read-only --sample none --output json",
				"s3compact doctor s3://my-logs/app/ --output policy > policy.json",
			),
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "state", Usage: "`LOCATION` of receipts and logs (default s3://BUCKET/_s3compact/)", Category: "what"},
			&cli.StringFlag{Name: "dest", Usage: "outputs would go under this s3:// `LOCATION`", Category: "what"},
			&cli.BoolFlag{Name: "read-only", Usage: "write nothing at all: do not try what the endpoint enforces", Category: "run"},
			&cli.StringFlag{Name: "sample", Value: "100000", Usage: "list at most `N` objects for the forecast, in the order of their keys; none: all of them", Category: "run"},
			deadlineFlag(),
			outputFlag("table", "json", "policy"),
		}, selectionFlags("*.gz")...),
		Action: p.doctor,
	}
}

func (p *program) doctor(c *cli.Context) error {
	s, ctx, err := p.begin(c, "doctor", "policy")
	if err != nil {
		return err
	}
	defer s.end()
	o, err := doctorOptions(c)
	if err != nil {
		return err
	}
	store, err := openStore(ctx, c, 32)
	if err != nil {
		return err
	}
	out := &doctorOutput{p: p, lines: newLines(p.stdout), form: c.String("output")}
	o.Log, o.OnForecast = s.log, out.forecast
	keys, err := compactor.Doctor(ctx, store, o, out.finding)
	s.bar.Close()
	if err != nil {
		return stopped(ctx, err)
	}
	out.close(compactor.MinimalPolicy(o.Bucket, o.Scope, o.State, o.Dest, keys), spentSince(s.start, store))
	switch {
	case out.lines.err != nil:
		return out.lines.err
	case out.sum.Refusals > 0:
		return silent{errRefused}
	}
	return nil
}

func doctorOptions(c *cli.Context) (o compactor.DoctorOptions, err error) {
	if c.NArg() != 1 {
		return o, usageError("doctor of what? Give one s3://bucket/prefix/; see: s3compact doctor --help")
	}
	l, err := directory("prefix", c.Args().First())
	if err != nil {
		return o, err
	}
	o.Bucket, o.Scope, o.ReadOnly = l.Bucket, l.Key, c.Bool("read-only")
	if o.Selection, err = selectionOf(c); err != nil {
		return o, err
	}
	if err := o.Selection.ValidateScope(l.Key); err != nil {
		return o, usageError("%v", err)
	}
	if o.RequestPayer, err = requestPayer(c); err != nil {
		return o, err
	}
	if o.SampleObjects, err = countFlag(c, "sample"); err != nil {
		return o, err
	}
	o.State = compactor.DefaultState(o.Bucket)
	if state := c.String("state"); state != "" {
		if o.State, err = directory("--state", state); err != nil {
			return o, err
		}
	}
	if dest := c.String("dest"); dest != "" {
		d, err := directory("--dest", dest)
		if err != nil {
			return o, err
		}
		o.Dest = &d
	}
	return o, nil
}

// countFlag reads a number above zero, which may have separators, or none, which is 0.
func countFlag(c *cli.Context, name string) (int64, error) {
	v := c.String(name)
	if v == "none" {
		return 0, nil
	}
	n, err := strconv.ParseInt(strings.ReplaceAll(v, "_", ""), 10, 64)
	if err != nil || n <= 0 {
		return 0, usageError("--%s %q: write a number above zero, or none", name, v)
	}
	return n, nil
}
