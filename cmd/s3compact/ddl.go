package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/parquetconv"
	"github.com/s3compact/s3compact/parquetconv/ddl"
	"github.com/s3compact/s3compact/parquetconv/localdir"
)

func (p *program) ddlCommand() *cli.Command {
	return &cli.Command{
		Name:      "ddl",
		Usage:     "print the statements that make a converted table known to Athena, Trino, Spark or DuckDB",
		ArgsUsage: "ENGINE TABLE",
		Description: "ENGINE is " + strings.Join(ddl.Engines(), ", ") + ". TABLE is the location that convert wrote to; its schema is the one\n" +
			"that its state keeps, its partitions those that have files.\n\n" +
			examples(
				"s3compact ddl athena s3://my-tables/logs/ --name logs.requests",
				"s3compact ddl trino s3://my-tables/logs/ --name hive.logs.requests",
				"s3compact ddl duckdb ./table --name requests",
			),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "name", Usage: "`NAME` of the table as the engine takes it (default: the location's last segment)", Category: "what"},
			&cli.StringFlag{Name: "state", Usage: "`LOCATION` of the table's state (default _s3compact/ in the table)", Category: "what"},
			&cli.StringFlag{Name: "schema", Usage: "take this schema, `FILE` or s3:// location, instead of the table's own", Category: "what"},
		},
		Action: p.ddl,
	}
}

func (p *program) ddl(c *cli.Context) error {
	const noForm = "" // there is no --output: statements are what they are
	s, ctx, err := p.begin(c, "ddl", noForm)
	if err != nil {
		return err
	}
	defer s.end()
	if c.NArg() != 2 {
		return usageError("ddl needs an engine (%s) and a table; see: s3compact ddl --help", strings.Join(ddl.Engines(), ", "))
	}
	engine, to := c.Args().Get(0), c.Args().Get(1)
	table, err := tableLocation(to)
	if err != nil {
		return err
	}
	d, err := describeTable(ctx, c, table)
	if err != nil {
		return stopped(ctx, err)
	}
	location := "/" + table.Key
	if table.Bucket != "" {
		location = "s3://" + table.Bucket + "/" + table.Key
	}
	name := c.String("name")
	if name == "" {
		name = lastSegment(table.Key)
	}
	text, err := ddl.Statements(engine, ddl.New(name, location, d.Schema, d.Folders))
	if err != nil {
		return usageError("%v", err)
	}
	_, err = fmt.Fprint(p.stdout, text)
	return err
}

// describeTable reads what the state and a listing tell of a table.
func describeTable(ctx context.Context, c *cli.Context, table s3store.Location) (parquetconv.Description, error) {
	state := s3store.Location{Bucket: table.Bucket, Key: table.Key + parquetconv.StateFolder}
	if at := c.String("state"); at != "" {
		var err error
		if state, err = stateLocation(at); err != nil {
			return parquetconv.Description{}, err
		}
	}
	stores := parquetconv.Stores{Local: localdir.New(table.Key + parquetconv.StateFolder + "tmp")}
	if table.Bucket+state.Bucket != "" {
		store, err := openStore(ctx, c, 1)
		if err != nil {
			return parquetconv.Description{}, err
		}
		stores.S3 = store
	}
	var d parquetconv.Description
	var err error
	if path := c.String("schema"); path != "" {
		if d.Schema, _, err = readSchema(ctx, c, path, nil); err != nil {
			return d, err
		}
	}
	d, err = parquetconv.Describe(ctx, stores, table, state, d.Schema)
	if errors.Is(err, parquetconv.ErrNoTable) {
		return d, usageError("%v: name the table that convert wrote with --to, and --state where it had one", err)
	}
	return d, err
}

// lastSegment is the last part of a path that ends in a slash.
func lastSegment(path string) string {
	path = strings.TrimSuffix(path, "/")
	return path[strings.LastIndexByte(path, '/')+1:]
}
