package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/inventory"
	"github.com/s3compact/s3compact/jobs"
	"github.com/s3compact/s3compact/parquetconv"
	"github.com/s3compact/s3compact/parquetconv/infer"
	"github.com/s3compact/s3compact/parquetconv/localdir"
	"github.com/s3compact/s3compact/parquetconv/schema"
)

func (p *program) convertCommand() *cli.Command {
	return &cli.Command{
		Name:      "convert",
		Usage:     "turn logs in JSON or CSV into a Hive-partitioned Parquet table, in batches that can be resumed",
		ArgsUsage: "[SOURCE…]",
		Description: "SOURCE is s3://bucket/prefix/, an S3 object, or a local file or folder. Each source is loaded once:\n" +
			"run convert again to add what is new, or to go on after a stop. Sources that were compacted meanwhile\n" +
			"are the same data and are not loaded again.\n\n" +
			examples(
				"s3compact convert --schema logs.yaml --to s3://my-tables/logs/ s3://my-logs/app/ --dry-run",
				"s3compact convert --schema logs.yaml --to s3://my-tables/logs/ s3://my-logs/app/ --shard 3/16",
				"s3compact convert --schema logs.yaml --to s3://my-tables/logs/ --inventory s3://my-inventory/my-logs/daily/ s3://my-logs/app/",
				"s3compact convert --to ./table --partition-by dt ./logs",
			),
		Flags: append(sourceFlags(),
			&cli.StringFlag{Name: "to", Usage: "the table: s3://bucket/table/ or a local `LOCATION`", Category: "what"},
			&cli.StringFlag{Name: "schema", Usage: "schema (YAML): `FILE` or s3:// location (default: the table's own; for a new table one is inferred and shown)", Category: "what"},
			&cli.StringFlag{Name: "partition-by", Usage: "partition by these columns or partitions of the schema, `NAME[,NAME]`, instead of its own", Category: "what"},
			&cli.StringFlag{Name: "state", Usage: "`LOCATION` of the lists of batches and commits (default _s3compact/ in the table)", Category: "what"},
			&cli.StringFlag{Name: "batch-size", Value: "4GiB", Usage: "stored `SIZE` of a batch", Category: "run"},
			&cli.StringFlag{Name: "shard", Usage: "this process's share, `I/N` from 0 (default: from the array job's environment)", Category: "run"},
			&cli.BoolFlag{Name: "dry-run", Usage: "list the batches that would be converted; write nothing", Category: "run"},
			&cli.StringFlag{Name: "register", Usage: "create or update the table and its partitions in the Glue Data Catalog: `glue://DATABASE/TABLE`", Category: "what"},
			&cli.StringFlag{Name: "max-rejects", Usage: "stop when more rows are rejected: `N|P%` of those that this run has read (default: no limit)", Category: "run"},
			&cli.StringFlag{Name: "on-changed", Value: "skip", Usage: "a source that changed after it was converted: `fail|skip` (stop before anything is converted, or list it and go on)", Category: "run"},
			&cli.IntFlag{Name: "max-open-partitions", Usage: "write files of at most `N` partitions at once; rows of others wait on disk", Value: 1000, Category: "run"},
			&cli.IntFlag{Name: "concurrency", Value: 16, Usage: "send `N` requests for sources at once", Category: "run"},
			&cli.StringFlag{Name: "memory", Value: "1GiB", Usage: "bound the memory by about this `SIZE`", Category: "run"},
			deadlineFlag(),
			outputFlag("table", "json"),
		),
		Action: p.convert,
	}
}

func (p *program) convert(c *cli.Context) error {
	s, ctx, err := p.begin(c, "convert")
	if err != nil {
		return err
	}
	defer s.end()
	options, err := convertOptions(ctx, c)
	if err != nil {
		return stopped(ctx, err)
	}
	store, err := openStores(ctx, c, &options)
	if err != nil {
		return stopped(ctx, err)
	}
	catalogue, err := openRegistration(c, store, options.Table)
	if err != nil {
		return err
	}
	out := newConvertOutput(p, s.json, options.DryRun)
	options.Log, options.Progress = s.log, s.bar
	options.Infer = inferring(options)
	if err := useReport(c, store, &options); err != nil {
		return err
	}
	options.Inferred = func(text []byte) {
		fmt.Fprintf(s.bar.LogWriter(p.stderr), "# The schema of the table, inferred since none was given; --schema takes a file like this one.\n%s", text)
	}
	options.Refused, options.Planned = out.refused, out.planned
	// The garbage collector works harder as the memory nears what was allowed.
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(options.MemoryBytes))
	sum, err := parquetconv.Run(ctx, options)
	s.bar.Close()
	if err == nil && catalogue != nil && !options.DryRun {
		err = catalogue.register(ctx, &options)
	}
	out.summary(sum, spentSince(s.start, store))
	switch {
	case err != nil:
		return stopped(ctx, err)
	case out.lines.err != nil:
		return out.lines.err
	case sum.Incomplete():
		return silent{errRefused}
	}
	return nil
}

// minConvertMemory is the least that leaves each buffer a useful size.
const minConvertMemory = 64 << 20

func convertOptions(ctx context.Context, c *cli.Context) (parquetconv.Options, error) {
	o := parquetconv.Options{Concurrency: c.Int("concurrency"), DryRun: c.Bool("dry-run"), Tool: toolVersion()}
	if c.String("to") == "" {
		return o, usageError("convert to where? Give --to s3://bucket/table/ or --to FOLDER; see: s3compact convert --help")
	}
	if o.Concurrency < 1 || o.Concurrency > parquetconv.MaxConcurrency {
		return o, usageError("--concurrency %d: from 1 to %d", o.Concurrency, parquetconv.MaxConcurrency)
	}
	var err error
	if o.BatchBytes, err = sizeFlag(c, "batch-size", false); err != nil {
		return o, err
	}
	if o.MemoryBytes, err = sizeFlag(c, "memory", false); err != nil {
		return o, err
	}
	if o.MemoryBytes < minConvertMemory {
		return o, usageError("--memory %s: at least 64MiB", c.String("memory"))
	}
	if err := convertLimits(c, &o); err != nil {
		return o, err
	}
	shard, err := jobs.ParseShard(c.String("shard"), lookupEnv)
	if err != nil {
		return o, usageError("%v", err)
	}
	o.Shard, o.Shards = shard.Index, shard.Count
	o.PartitionBy = names(c.String("partition-by"))
	if path := c.String("schema"); path != "" {
		if o.Schema, o.SchemaText, err = readSchema(ctx, c, path, o.PartitionBy); err != nil {
			return o, err
		}
	}
	if o.Table, err = tableLocation(c.String("to")); err != nil {
		return o, err
	}
	o.State = s3store.Location{Bucket: o.Table.Bucket, Key: o.Table.Key + parquetconv.StateFolder}
	if state := c.String("state"); state != "" {
		if o.State, err = stateLocation(state); err != nil {
			return o, err
		}
	}
	if o.State.Bucket != "" && !strings.Contains("/"+o.State.Key, "/_") {
		return o, usageError("--state s3://%s/%s: engines would read it as data; choose a location with a segment that begins with _", o.State.Bucket, o.State.Key)
	}
	err = readSources(ctx, c, &o)
	return o, err
}

// convertLimits reads what a run does not put up with.
func convertLimits(c *cli.Context, o *parquetconv.Options) (err error) {
	if limit := c.String("max-rejects"); limit != "" {
		if o.MaxRejects, err = parquetconv.ParseRejectLimit(limit); err != nil {
			return usageError("--max-rejects %v", err)
		}
	}
	switch choice := c.String("on-changed"); choice {
	case "skip":
	case "fail":
		o.FailOnChanged = true
	default:
		return usageError("--on-changed %q: write fail or skip", choice)
	}
	if o.MaxOpenPartitions = c.Int("max-open-partitions"); o.MaxOpenPartitions < 1 {
		return usageError("--max-open-partitions %d: at least 1", o.MaxOpenPartitions)
	}
	return nil
}

// maxSchemaBytes bounds a schema file.
const maxSchemaBytes = 4 << 20

func readSchema(ctx context.Context, c *cli.Context, path string, partitionBy []string) (*schema.Schema, []byte, error) {
	text, err := readSchemaText(ctx, c, path)
	if err != nil {
		return nil, nil, err
	}
	if len(text) > maxSchemaBytes {
		return nil, nil, usageError("schema %s: more than 4 MiB", path)
	}
	s, err := schema.Parse(text, partitionBy)
	if err != nil {
		return nil, nil, usageError("schema %s: %v", path, err)
	}
	return s, text, nil
}

// inferring makes the schema of a new table from a sample of its sources.
func inferring(o parquetconv.Options) func(context.Context) ([]byte, error) {
	return func(ctx context.Context) ([]byte, error) {
		sample, err := infer.Read(ctx, infer.Options{
			Stores: o.Stores, Sources: o.Sources, State: o.State, Match: o.Match,
			MaxSources: infer.DefaultSources, MaxBytes: infer.DefaultBytes, Concurrency: o.Concurrency,
		})
		if err != nil {
			return nil, err
		}
		return infer.Schema(sample, o.PartitionBy)
	}
}

// readSchemaText reads the file, or the object where the children of an array job find it.
func readSchemaText(ctx context.Context, c *cli.Context, path string) ([]byte, error) {
	if !inventory.IsS3(path) {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, usageError("schema: %v", err)
		}
		return text, nil
	}
	l, err := s3store.ParseLocation(path)
	if err != nil {
		return nil, usageError("schema: %v", err)
	}
	store, err := openStore(ctx, c, 1)
	if err != nil {
		return nil, err
	}
	text, _, err := store.ReadAll(ctx, l.Bucket, l.Key, maxSchemaBytes)
	if err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}
	return text, nil
}

// tableLocation is a folder; one in S3 ends in a slash.
func tableLocation(s string) (s3store.Location, error) {
	l, err := folder("--to", s)
	if err == nil && l.Bucket != "" && l.Key == "" {
		return l, usageError("--to %s: give the table a prefix of its own, such as %s", s, "s3://"+l.Bucket+"/table/")
	}
	return l, err
}

func stateLocation(s string) (s3store.Location, error) { return folder("--state", s) }

func folder(flag, s string) (s3store.Location, error) {
	if strings.HasPrefix(s, "s3://") {
		return directory(flag, s)
	}
	key, err := localdir.Key(s)
	if err != nil {
		return s3store.Location{}, usageError("%s: %v", flag, err)
	}
	if info, err := os.Stat(s); err == nil && !info.IsDir() {
		return s3store.Location{}, usageError("%s %s: this is a file; name a folder", flag, s)
	}
	return s3store.Location{Key: strings.TrimSuffix(key, "/") + "/"}, nil
}

func sourceLocation(s string) (parquetconv.Source, error) {
	if strings.HasPrefix(s, "s3://") {
		l, err := s3store.ParseLocation(s)
		if err != nil {
			return parquetconv.Source{}, usageError("source: %v", err)
		}
		return parquetconv.Source{Location: l, Single: l.Key != "" && !strings.HasSuffix(l.Key, "/")}, nil
	}
	info, err := os.Stat(s)
	if err != nil {
		return parquetconv.Source{}, fmt.Errorf("source: %w", err)
	}
	key, err := localdir.Key(s)
	if err != nil {
		return parquetconv.Source{}, err
	}
	switch {
	case info.IsDir():
		return parquetconv.Source{Location: s3store.Location{Key: strings.TrimSuffix(key, "/") + "/"}}, nil
	case info.Mode().IsRegular():
		return parquetconv.Source{Location: s3store.Location{Key: key}, Single: true}, nil
	}
	return parquetconv.Source{}, usageError("source %s: neither a file nor a folder", s)
}

// openStores opens what the locations need; the S3 client is nil where all are local.
func openStores(ctx context.Context, c *cli.Context, o *parquetconv.Options) (*s3store.Client, error) {
	o.Stores.Local = localdir.New(o.Table.Key + parquetconv.StateFolder + "tmp")
	buckets := []string{o.Table.Bucket, o.State.Bucket}
	for _, s := range o.Sources {
		buckets = append(buckets, s.Bucket)
	}
	if strings.Join(buckets, "") == "" {
		return nil, nil
	}
	store, err := openStore(ctx, c, o.Concurrency)
	if err != nil {
		return nil, err
	}
	o.Stores.S3 = store
	return store, checkSources(ctx, store, o.Sources)
}

// checkSources finds a prefix without its slash, which would be taken for an object.
func checkSources(ctx context.Context, store *s3store.Client, sources []parquetconv.Source) error {
	for _, s := range sources {
		if s.Bucket == "" || !s.Single {
			continue
		}
		_, err := store.Head(ctx, s.Bucket, s.Key)
		if errors.Is(err, s3store.ErrNotFound) && !errors.Is(err, s3store.ErrNoBucket) {
			return usageError("source %s: there is no such object; for all objects under a prefix write %s/", s.Location, s.Location)
		}
		if err != nil {
			return fmt.Errorf("source: %w", err)
		}
	}
	return nil
}
