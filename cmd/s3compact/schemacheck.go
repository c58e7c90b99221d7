package main

import (
	"github.com/urfave/cli/v2"

	"github.com/s3compact/s3compact/parquetconv/infer"
)

func (p *program) schemaCheckCommand() *cli.Command {
	return &cli.Command{
		Name:      "check",
		Usage:     "tell from a sample what a conversion with a schema would reject, and into which partitions it would write",
		ArgsUsage: "SCHEMA SOURCE…",
		Description: "SCHEMA is a file or an s3:// location; sources are those of convert. Nothing is written. Exits 3 when rows\n" +
			"would be rejected or sources refused.\n\n" +
			examples(
				"s3compact schema check logs.yaml s3://my-logs/app/",
				"s3compact schema check logs.yaml ./logs --partition-by dt --output json",
			),
		Flags: append(sampleFlags(),
			&cli.StringFlag{Name: "partition-by", Usage: "partition by these columns or partitions of the schema, `NAME[,NAME]`, instead of its own", Category: "what"},
			deadlineFlag(),
			outputFlag("table", "json"),
		),
		Action: p.schemaCheck,
	}
}

func (p *program) schemaCheck(c *cli.Context) error {
	s, ctx, err := p.begin(c, "sample")
	if err != nil {
		return err
	}
	defer s.end()
	if c.NArg() == 0 {
		return usageError("check what? Give a schema and one or more sources; see: s3compact schema check --help")
	}
	o, err := sampleOptions(c, c.Args().Tail())
	if err != nil {
		return err
	}
	sch, _, err := readSchema(ctx, c, c.Args().First(), names(c.String("partition-by")))
	if err != nil {
		return stopped(ctx, err)
	}
	o.Progress, o.Format = s.bar, sch.Format
	sample, store, err := readSample(ctx, c, o)
	if err != nil {
		return stopped(ctx, err)
	}
	report, err := infer.Check(sample, sch)
	s.bar.Close()
	if err != nil {
		return err
	}
	out := &schemaOutput{lines: newLines(p.stdout), to: p.stdout, sample: sample, report: report, schema: sch, cost: spentSince(s.start, store)}
	if s.json {
		out.json()
	} else {
		out.table()
	}
	switch {
	case out.lines.err != nil:
		return out.lines.err
	case !report.Clean():
		return silent{errRefused}
	}
	return nil
}
