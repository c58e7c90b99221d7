package main

import (
	"context"
	"runtime"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/inventory"
)

func (p *program) hotspotsCommand() *cli.Command {
	return &cli.Command{
		Name:  "hotspots",
		Usage: "find the prefixes that hold many small objects, and plan what to join",
		Description: "Reads an S3 Inventory report (ORC or CSV), or lists a prefix, and shows the groups of objects\n" +
			"worth compacting, most objects first. Nothing is changed. With --plan the groups are written\n" +
			"down for s3compact compact.\n\n" + examples(
			"# the newest report of an inventory configuration",
			"s3compact hotspots --inventory s3://reports/logs-bucket/daily/",
			"# one report, on a local disk, as CSV",
			"s3compact hotspots --inventory reports/logs-bucket/daily/2026-10-04T01-00Z/manifest.json --output csv",
			"# without a report: one LIST request for each 1,000 objects",
			"s3compact hotspots --listing s3://logs-bucket/14184/ --match '*.gz' --plan plan.jsonl",
			"# first segments with at least 8 objects and less than 1 GiB in all, whatever the objects' sizes",
			"s3compact hotspots --inventory s3://reports/logs-bucket/daily/ --group-by depth=1 --small-size none --max-total 1GiB",
		),
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "inventory", Usage: "`LOCATION` of an S3 Inventory report: a manifest.json, or the folder of a configuration, whose newest complete report is taken; s3:// or a local path", Category: "source"},
			&cli.StringFlag{Name: "listing", Usage: "list `s3://BUCKET/PREFIX/` instead", Category: "source"},
			&cli.BoolFlag{Name: "verify-checksums", Usage: "hold large ORC files against the manifest's MD5 too, which reads them twice (all others always are)", Category: "source"},
			&cli.IntFlag{Name: "concurrency", Value: max(2, runtime.GOMAXPROCS(0)), DefaultText: "number of CPUs", Usage: "read `N` files or parts of files at once", Category: "run"},
			&cli.StringFlag{Name: "plan", Usage: "write the plan to this `FILE` or s3://BUCKET/KEY", Category: "output"},
			&cli.IntFlag{Name: "top", Value: 20, Usage: "show the first `N` hotspots in the table; 0: all", Category: "output"},
			outputFlag("table", "json", "csv"),
		}, selectionFlags("*")...),
		Action: p.hotspots,
	}
}

// hotspotsFlags are the command's flags, read.
type hotspotsFlags struct {
	report      string           // --inventory, or "" for
	listing     s3store.Location // --listing
	sel         inventory.Selection
	plan        planTarget
	output      string
	concurrency int
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
		report: c.String("inventory"), output: c.String("output"), concurrency: c.Int("concurrency"),
		verify: c.Bool("verify-checksums"), top: c.Int("top"),
	}
	listing := c.String("listing")
	switch {
	case f.report == "" && listing == "":
		return f, usageError("name the source: --inventory LOCATION of a report, or --listing s3://bucket/prefix/")
	case f.report != "" && listing != "":
		return f, usageError("--inventory and --listing exclude one another: name one source")
	case f.concurrency < 1 || f.concurrency > inventory.MaxConcurrency:
		return f, usageError("--concurrency %d: from 1 to %d", f.concurrency, inventory.MaxConcurrency)
	case f.top < 0:
		return f, usageError("--top %d: 0 (all) or more", f.top)
	}
	if f.sel, err = selectionOf(c); err != nil {
		return f, err
	}
	if f.report != "" {
		if err := inventory.ValidateLocation(f.report); err != nil {
			return f, usageError("--inventory: %v", err)
		}
	} else if f.listing, err = readListing(listing, f.sel); err != nil {
		return f, err
	}
	f.plan, err = readPlanTarget(c.String("plan"))
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
	ctx := c.Context
	var store *s3store.Client
	if f.report == "" || inventory.IsS3(f.report) || f.plan.onS3() {
		if store, err = openStore(ctx, c, f.concurrency); err != nil {
			return err
		}
	}
	if err := f.plan.check(); err != nil {
		return err
	}
	plan, err := p.findHotspots(ctx, c, store, f)
	if err != nil {
		return err
	}
	if err := f.plan.write(ctx, store, plan); err != nil {
		return err
	}
	var requests s3store.Requests
	if store != nil {
		requests = store.Requests()
	}
	r := hotspotsResult{plan: plan, target: f.plan, spent: spentSince(start, requests)}
	return r.print(p.stdout, f.output, f.top)
}

// findHotspots reads the source.
func (p *program) findHotspots(ctx context.Context, c *cli.Context, store *s3store.Client, f hotspotsFlags) (*inventory.Plan, error) {
	bar, above := p.withProgress(c, "hotspots")
	defer bar.Close()
	log, err := above.logger(c)
	if err != nil {
		return nil, err
	}
	if f.report == "" {
		return inventory.FromListing(ctx, store, f.listing.Bucket, f.listing.Key, f.sel, inventory.ListingOptions{Progress: bar})
	}
	return inventory.FromReport(ctx, store, f.report, f.sel, inventory.ReportOptions{
		VerifyChecksums: f.verify, Concurrency: f.concurrency, Progress: bar, Log: log,
	})
}
