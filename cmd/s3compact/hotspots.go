package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/s3compact/s3compact/internal/price"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/inventory"
)

func (p *program) hotspotsCommand() *cli.Command {
	return &cli.Command{
		Name:  "hotspots",
		Usage: "find the prefixes that hold many small objects, and plan what to join",
		Description: "Reads an S3 Inventory report, or lists a prefix, and shows the groups of objects worth\n" +
			"compacting, most objects first: what a full scan of them costs now and afterwards, what compacting\n" +
			"takes, and what it will refuse. Nothing is changed. With --plan the groups are written down for\n" +
			"s3compact compact. docs/hotspots.md says how each figure is made.\n\n" + examples(
			"# the newest report of an inventory configuration",
			"s3compact hotspots --inventory s3://reports/logs-bucket/daily/",
			"# one report, on a local disk, as CSV",
			"s3compact hotspots --inventory reports/logs-bucket/daily/2026-10-04T01-00Z/manifest.json --output csv",
			"# without a report: about one LIST request for each 1,000 objects, 32 at once",
			"s3compact hotspots --listing s3://logs-bucket/14184/ --match '*.gz' --plan plan.jsonl",
			"# a page for others to read, at prices of your own",
			"s3compact hotspots --inventory s3://reports/logs-bucket/daily/ --match '*.gz' --prices eu.json --report hotspots.html",
			"# first segments with at least 8 objects and less than 1 GiB in all, whatever the objects' sizes",
			"s3compact hotspots --inventory s3://reports/logs-bucket/daily/ --group-by depth=1 --small-size none --max-total 1GiB",
		),
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "inventory", Usage: "`LOCATION` of an S3 Inventory report: a manifest.json, or the folder of a configuration, whose newest complete report is taken; s3:// or a local path", Category: "source"},
			&cli.StringFlag{Name: "listing", Usage: "list `s3://BUCKET/PREFIX/` instead", Category: "source"},
			&cli.BoolFlag{Name: "verify-checksums", Usage: "hold large ORC and Parquet files against the manifest's MD5 too, which reads them twice (CSV and files up to 8 MiB always are)", Category: "source"},
			&cli.IntFlag{Name: "concurrency", Value: max(2, runtime.GOMAXPROCS(0)), DefaultText: "number of CPUs; 32 for a listing", Usage: "read `N` files or parts of files at once, or send N LIST requests", Category: "run"},
			&cli.StringFlag{Name: "memory", Value: "512MiB", Usage: "keep within this `SIZE`; groups that do not fit are an error that names a coarser grouping", Category: "run"},
			&cli.StringFlag{Name: "plan", Usage: "write the plan to this `FILE` or s3://BUCKET/KEY", Category: "output"},
			&cli.StringFlag{Name: "report", Usage: "write a report to read and print to this `FILE`.html: one page that needs no other file", Category: "output"},
			&cli.StringFlag{Name: "prices", Usage: "reckon with the prices in this `FILE`; without it with those of " + price.Default().Region, Category: "output"},
			&cli.IntFlag{Name: "top", Value: 20, Usage: "show the first `N` hotspots in the table; 0: all", Category: "output"},
			outputFlag("table", "json", "csv"),
		}, selectionFlags("*")...),
		Action: p.hotspots,
	}
}

// hotspotsFlags are the command's flags, read.
type hotspotsFlags struct {
	inventory   string           // --inventory, or "" for
	listing     s3store.Location // --listing
	sel         inventory.Selection
	plan        planTarget
	report      reportTarget
	prices      *price.List
	output      string
	concurrency int
	memoryBytes int64
	verify      bool
	top         int
}

func readHotspotsFlags(c *cli.Context) (f hotspotsFlags, err error) {
	if c.Args().Present() {
		return f, usageError("hotspots takes no arguments, but there is %q: name the source by --inventory or --listing", c.Args().First())
	}
	if err := checkOutput(c, "table", "json", "csv"); err != nil {
		return f, err
	}
	f = hotspotsFlags{
		inventory: c.String("inventory"), output: c.String("output"), concurrency: c.Int("concurrency"),
		verify: c.Bool("verify-checksums"), top: c.Int("top"),
	}
	listing := c.String("listing")
	switch {
	case f.inventory == "" && listing == "":
		return f, usageError("name the source: --inventory LOCATION of a report, or --listing s3://bucket/prefix/")
	case f.inventory != "" && listing != "":
		return f, usageError("--inventory and --listing exclude one another: name one source")
	case f.concurrency < 1 || f.concurrency > inventory.MaxConcurrency:
		return f, usageError("--concurrency %d: from 1 to %d", f.concurrency, inventory.MaxConcurrency)
	case f.top < 0:
		return f, usageError("--top %d: 0 (all) or more", f.top)
	}
	if f.sel, err = selectionOf(c); err != nil {
		return f, err
	}
	if f.inventory != "" {
		if err := inventory.ValidateLocation(f.inventory); err != nil {
			return f, usageError("--inventory: %v", err)
		}
	} else if f.listing, err = readListing(listing, f.sel); err != nil {
		return f, err
	}
	if f.inventory == "" && !c.IsSet("concurrency") {
		f.concurrency = inventory.DefaultListConcurrency
	}
	if f.memoryBytes, err = sizeFlag(c, "memory", false); err != nil {
		return f, err
	}
	if f.memoryBytes < inventory.MinMemoryBytes {
		return f, usageError("--memory %s: at least %dMiB", c.String("memory"), inventory.MinMemoryBytes>>20)
	}
	if f.plan, err = readPlanTarget(c.String("plan")); err != nil {
		return f, err
	}
	if f.report, err = readReportTarget(c.String("report")); err != nil {
		return f, err
	}
	if f.report != "" && f.plan.file != "" && filepath.Clean(string(f.report)) == filepath.Clean(f.plan.file) {
		return f, usageError("--plan and --report both name %s: name two files", f.report)
	}
	f.prices, err = readPrices(c.String("prices"))
	return f, err
}

// readListing reads the bucket and prefix to list.
func readListing(s string, sel inventory.Selection) (s3store.Location, error) {
	l, err := s3store.ParseLocation(s)
	if err != nil {
		return l, usageError("--listing: %v", err)
	}
	if l.Key != "" && !strings.HasSuffix(s, "/") {
		return l, usageError("--listing %s: a prefix ends in a slash: write %s/", s, s)
	}
	if err := sel.ValidateScope(l.Key); err != nil {
		return l, usageError("--listing: %v", err)
	}
	return l, nil
}

func (p *program) hotspots(c *cli.Context) error {
	start := time.Now()
	f, err := readHotspotsFlags(c)
	if err != nil {
		return err
	}
	f.plan.keep = p.keepPlan
	// The runtime does not count the code, nor what it gives back late.
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(f.memoryBytes - inventory.ProgramBytes))
	ctx := c.Context
	var store *s3store.Client
	if f.inventory == "" || inventory.IsS3(f.inventory) || f.plan.onS3() {
		if store, err = openStore(ctx, c, f.concurrency); err != nil {
			return err
		}
	}
	if err := errors.Join(f.plan.check(), f.report.check()); err != nil {
		return err
	}
	survey, err := p.survey(ctx, c, store, f)
	if err != nil {
		return err
	}
	r := &hotspotsResult{forecast: inventory.NewForecast(survey, f.prices), target: f.plan, top: f.top, columns: terminalColumns(p.stdout)}
	if f.report != "" {
		if err := f.report.write(ctx, r); err != nil {
			return err
		}
		log, err := p.logger(c)
		if err != nil {
			return err
		}
		log.Info("the report is written: open it in a browser", "file", string(f.report))
	}
	if err := f.plan.write(ctx, store, r.forecast.Write); err != nil {
		return err
	}
	r.spent = spentSince(start, store)
	return r.print(p.stdout, f.output)
}

// readPrices reads a list of prices; "" is the one that is built in.
func readPrices(file string) (*price.List, error) {
	if file == "" {
		return price.Default(), nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, usageError("--prices: %v", err)
	}
	l, err := price.Parse(b)
	if err == nil {
		err = inventory.CheckPrices(l)
	}
	if err != nil {
		return nil, usageError("--prices %s: %v; docs/hotspots.md has an example", file, err)
	}
	return l, nil
}

// survey reads the source.
func (p *program) survey(ctx context.Context, c *cli.Context, store *s3store.Client, f hotspotsFlags) (*inventory.Survey, error) {
	bar, above := p.withProgress(c, "hotspots")
	defer bar.Close()
	log, err := above.logger(c)
	if err != nil {
		return nil, err
	}
	if f.inventory == "" {
		return inventory.SurveyListing(ctx, store, f.listing.Bucket, f.listing.Key, f.sel, inventory.ListingOptions{Concurrency: f.concurrency, MemoryBytes: f.memoryBytes, Progress: bar})
	}
	return inventory.SurveyReport(ctx, store, f.inventory, f.sel, inventory.ReportOptions{
		VerifyChecksums: f.verify, Concurrency: f.concurrency, MemoryBytes: f.memoryBytes, Progress: bar, Log: log,
	})
}
