package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/urfave/cli/v2"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/parquetconv"
	"github.com/s3compact/s3compact/parquetconv/ddl"
	catalog "github.com/s3compact/s3compact/parquetconv/glue"
)

// registration is where a table is to be registered when it is converted.
type registration struct {
	target catalog.Target
	api    *glue.Client
}

// openRegistration reads --register; nil where it is not given. Glue's endpoint
// is that of the AWS configuration (AWS_ENDPOINT_URL_GLUE), since --endpoint-url is S3's.
func openRegistration(c *cli.Context, store *s3store.Client, table s3store.Location) (*registration, error) {
	text := c.String("register")
	if text == "" {
		return nil, nil
	}
	target, err := catalog.ParseTarget(text)
	if err != nil {
		return nil, usageError("--register %v", err)
	}
	if table.Bucket == "" {
		return nil, usageError("--register %s: Glue knows tables on S3 only, and --to is a local folder", text)
	}
	return &registration{target, glue.NewFromConfig(store.AWSConfig())}, nil
}

// register makes the catalogue agree with what runs have made of the table.
func (r *registration) register(ctx context.Context, o *parquetconv.Options) error {
	d, err := parquetconv.Describe(ctx, o.Stores, o.Table, o.State, nil)
	if errors.Is(err, parquetconv.ErrNoTable) {
		return nil // no source had anything to convert
	}
	if err != nil {
		return err
	}
	t := ddl.New("", "s3://"+o.Table.Bucket+"/"+o.Table.Key, d.Schema, d.Folders)
	did, err := catalog.Register(ctx, r.api, r.target, t, d.Folders)
	if err != nil {
		return fmt.Errorf("the files are in place, but the catalogue does not know all of them; mend it and run again: %w", err)
	}
	o.Log.Info("the catalogue knows the table", "table", r.target.String(), "created", did.Created, "columns_added", did.ColumnsAdded, "partitions_added", did.PartitionsAdded)
	return nil
}
