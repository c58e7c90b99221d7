package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/parquetconv"
	"github.com/s3compact/s3compact/parquetconv/infer"
	"github.com/s3compact/s3compact/parquetconv/schema"
)

func (p *program) schemaCommand() *cli.Command {
	return &cli.Command{
		Name:  "schema",
		Usage: "make the schema file of a table from a sample of its sources, and try one on a sample",
		Description: examples(
			"s3compact schema infer s3://my-logs/app/ > logs.yaml",
			"s3compact schema check logs.yaml s3://my-logs/app/",
		),
		Subcommands: []*cli.Command{
			p.schemaInferCommand(),
			p.schemaCheckCommand(),
		},
	}
}

func (p *program) schemaInferCommand() *cli.Command {
	return &cli.Command{
		Name:      "infer",
		Usage:     "write a schema file that fits a sample of the sources, on stdout",
		ArgsUsage: "SOURCE…",
		Description: "SOURCE is s3://bucket/prefix/, an S3 object, or a local file or folder, as for convert. The first bytes of\n" +
			"some sources, spread evenly over all, are read. Comments say what was seen: shares, ranges, examples, mixed types.\n\n" +
			examples(
				"s3compact schema infer s3://my-logs/app/ > logs.yaml",
				"s3compact schema infer ./logs --partition-by dt --sample-sources 500",
				"s3compact schema infer ./exports --format csv > exports.yaml",
			),
		Flags: append(sampleFlags(),
			&cli.StringFlag{Name: "format", Value: string(schema.FormatNDJSON), Usage: "what the sources hold: `ndjson|csv`", Category: "what"},
			&cli.StringFlag{Name: "partition-by", Usage: "put these of the partitions that would be suggested in force, `NAME[,NAME]`", Category: "what"},
			deadlineFlag(),
		),
		Action: p.schemaInfer,
	}
}

func (p *program) schemaInfer(c *cli.Context) error {
	const noForm = "" // there is no --output: a schema file is what it is
	s, ctx, err := p.begin(c, "sample", noForm)
	if err != nil {
		return err
	}
	defer s.end()
	o, err := sampleOptions(c, c.Args().Slice())
	if err != nil {
		return err
	}
	switch o.Format = schema.Format(c.String("format")); o.Format {
	case schema.FormatNDJSON, schema.FormatCSV:
	default:
		return usageError("--format %q: write ndjson or csv", o.Format)
	}
	o.Progress = s.bar
	sample, _, err := readSample(ctx, c, o)
	if err != nil {
		return stopped(ctx, err)
	}
	text, err := infer.Schema(sample, names(c.String("partition-by")))
	s.bar.Close()
	if err != nil {
		return fmt.Errorf("infer a schema: %w", err)
	}
	_, err = p.stdout.Write(text)
	return err
}

// sampleFlags say how large a sample is.
func sampleFlags() []cli.Flag {
	return []cli.Flag{
		matchFlag(),
		&cli.IntFlag{Name: "sample-sources", Value: infer.DefaultSources, Usage: "look at `N` sources, spread evenly over all", Category: "run"},
		&cli.StringFlag{Name: "sample-bytes", Value: "1MiB", Usage: "look at the first `SIZE` of the text of each", Category: "run"},
		&cli.IntFlag{Name: "concurrency", Value: 16, Usage: "read `N` sources at once", Category: "run"},
	}
}

// maxSampleBytes bounds the memory of a sample.
const maxSampleBytes = 4 << 30

func sampleOptions(c *cli.Context, sources []string) (infer.Options, error) {
	o := infer.Options{MaxSources: c.Int("sample-sources"), Concurrency: c.Int("concurrency")}
	if len(sources) == 0 {
		return o, usageError("a sample of what? Give one or more sources: s3://bucket/prefix/, an object, a file or a folder; see: s3compact %s --help", c.Command.FullName())
	}
	if o.Concurrency < 1 || o.Concurrency > parquetconv.MaxConcurrency {
		return o, usageError("--concurrency %d: from 1 to %d", o.Concurrency, parquetconv.MaxConcurrency)
	}
	if o.MaxSources < 1 {
		return o, usageError("--sample-sources %d: at least 1", o.MaxSources)
	}
	var err error
	if o.MaxBytes, err = sizeFlag(c, "sample-bytes", false); err != nil {
		return o, err
	}
	if o.MaxBytes > maxSampleBytes/int64(o.MaxSources) {
		return o, usageError("--sample-sources %d × --sample-bytes %s: a sample is kept in memory, so 4 GiB at most", o.MaxSources, c.String("sample-bytes"))
	}
	if o.Match, err = matchOf(c); err != nil {
		return o, err
	}
	for _, s := range sources {
		source, err := sourceLocation(s)
		if err != nil {
			return o, err
		}
		o.Sources = append(o.Sources, source)
	}
	return o, nil
}

// readSample opens the stores and reads the sample.
func readSample(ctx context.Context, c *cli.Context, o infer.Options) (*infer.Sample, *s3store.Client, error) {
	opened := parquetconv.Options{Sources: o.Sources, Concurrency: o.Concurrency}
	store, err := openStores(ctx, c, &opened)
	if err != nil {
		return nil, nil, err
	}
	o.Stores = opened.Stores
	sample, err := infer.Read(ctx, o)
	return sample, store, err
}

// names takes a list apart: a,b.
func names(list string) (out []string) {
	if list == "" {
		return nil
	}
	for name := range strings.SplitSeq(list, ",") {
		out = append(out, strings.TrimSpace(name))
	}
	return out
}
