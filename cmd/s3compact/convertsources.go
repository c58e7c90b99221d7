package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/inventory"
	"github.com/s3compact/s3compact/parquetconv"
)

// sourceFlags name the sources of a conversion in other ways than by arguments.
func sourceFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "plan", Usage: "convert the groups of this plan of hotspots: `FILE` or s3:// location, in place of sources", Category: "what"},
		&cli.StringFlag{Name: "inventory", Usage: "take what there is from an S3 Inventory report at this `LOCATION` (as for hotspots) in place of listing; without sources, its whole bucket", Category: "what"},
		matchFlag(),
	}
}

func matchFlag() cli.Flag {
	return &cli.StringFlag{Name: "match", Usage: "`GLOB` of the objects that are read: without a slash it is held against the name, ** crosses directories (default: known extensions)", Category: "what"}
}

// readSources reads what is to be converted.
func readSources(ctx context.Context, c *cli.Context, o *parquetconv.Options) (err error) {
	plan, report, arguments := c.String("plan"), c.String("inventory"), c.Args().Slice()
	switch {
	case plan != "" && len(arguments) > 0:
		return usageError("a plan names the sources: give --plan or %s, not both", arguments[0])
	case plan != "" && report != "":
		return usageError("give --plan or --inventory, not both")
	case plan == "" && report == "" && len(arguments) == 0:
		return usageError("convert what? Give one or more sources: s3://bucket/prefix/, an object, a file or a folder; or --plan or --inventory; see: s3compact convert --help")
	}
	if o.Match, err = matchOf(c); err != nil {
		return err
	}
	for _, s := range arguments {
		source, err := sourceLocation(s)
		if err != nil {
			return err
		}
		o.Sources = append(o.Sources, source)
	}
	switch {
	case plan != "":
		o.Sources, err = planSources(ctx, c, plan)
	case report != "" && len(arguments) == 0:
		o.Sources, err = reportSources(ctx, c, report)
	}
	return err
}

// matchOf reads the glob; nil for none.
func matchOf(c *cli.Context) (func(key string) bool, error) {
	glob := c.String("match")
	if glob == "" {
		return nil, nil
	}
	s := inventory.Selection{Match: glob}
	if err := s.ValidateMatch(); err != nil {
		return nil, usageError("--%v", err)
	}
	return s.Matches, nil
}

// storeOf opens what is needed to read a location; nil for a local one.
func storeOf(ctx context.Context, c *cli.Context, location string) (*s3store.Client, error) {
	if !inventory.IsS3(location) {
		return nil, nil
	}
	return openStore(ctx, c, 1)
}

// planSources are the groups of a plan.
func planSources(ctx context.Context, c *cli.Context, plan string) (sources []parquetconv.Source, err error) {
	store, err := storeOf(ctx, c, plan)
	if err != nil {
		return nil, err
	}
	var prefixes []string
	header, err := inventory.LoadPlan(ctx, store, plan, func(h *inventory.Hotspot) error {
		prefixes = append(prefixes, h.Prefix)
		return nil
	})
	if errors.Is(err, inventory.ErrPlan) {
		return nil, usageError("--plan: %v", err)
	}
	if err != nil {
		return nil, err
	}
	for _, p := range prefixes {
		sources = append(sources, parquetconv.Source{Location: s3store.Location{Bucket: header.Bucket, Key: p}, Flat: header.Thresholds.GroupBy.Flat(p)})
	}
	return sources, nil
}

// reportSources are all objects of the bucket that a report is of.
func reportSources(ctx context.Context, c *cli.Context, report string) ([]parquetconv.Source, error) {
	if err := inventory.ValidateLocation(report); err != nil {
		return nil, usageError("--inventory: %v", err)
	}
	store, err := storeOf(ctx, c, report)
	if err != nil {
		return nil, err
	}
	found, err := inventory.FindReport(ctx, reportStore(store), report, nil)
	if err != nil {
		return nil, err
	}
	return []parquetconv.Source{{Location: s3store.Location{Bucket: found.Bucket}}}, nil
}

// reportStore is a store to read reports from; none for local ones.
func reportStore(store *s3store.Client) inventory.Store {
	if store == nil {
		return nil
	}
	return store
}

// useReport has the objects of a report taken for those that there are.
func useReport(c *cli.Context, store *s3store.Client, o *parquetconv.Options) error {
	report := c.String("inventory")
	if report == "" {
		return nil
	}
	if err := inventory.ValidateLocation(report); err != nil {
		return usageError("--inventory: %v", err)
	}
	for _, s := range o.Sources {
		if s.Bucket == "" {
			return usageError("--inventory lists objects in S3; the source %s is local", "/"+s.Key)
		}
	}
	reading := inventory.ReportOptions{Concurrency: o.Concurrency, MemoryBytes: o.MemoryBytes, Log: o.Log}
	sources := o.Sources
	o.List = func(ctx context.Context, page func(bucket string, objects []s3store.Object) error) error {
		checked := false
		_, err := inventory.EachObject(ctx, reportStore(store), report, reading, func(bucket string, objects []s3store.Object) error {
			for _, s := range sources {
				if !checked && s.Bucket != bucket {
					return usageError("the inventory report is of the bucket %s: it does not tell what is in %s", bucket, s.Location)
				}
			}
			checked = true
			return page(bucket, objects)
		})
		return err
	}
	o.Infer = func(context.Context) ([]byte, error) {
		return nil, fmt.Errorf("a new table needs --schema, since no sources are listed to infer one from; make one from some of them: s3compact schema infer SOURCE… > schema.yaml")
	}
	return nil
}
