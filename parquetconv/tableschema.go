package parquetconv

import (
	"context"
	"fmt"

	"github.com/s3compact/s3compact/parquetconv/schema"
)

// settleSchema finds the schema of a run that was given none: the table's own,
// as its newest list keeps it, or for a new table an inferred one. inferred
// says the latter: it is the table's once a list with it is published.
func (r *run) settleSchema(ctx context.Context, plans []int) (inferred bool, err error) {
	switch {
	case r.Schema != nil:
		return false, nil
	case len(plans) > 0:
		r.Log.Info("no schema was given: the table's own is used", "list", plans[len(plans)-1])
		return false, r.adoptSchema(ctx, plans[len(plans)-1])
	case r.Infer == nil:
		return false, fmt.Errorf("no schema was given, and the table %s has none", name(r.Table.Bucket, r.Table.Key))
	}
	text, err := r.Infer(ctx)
	if err != nil {
		return false, fmt.Errorf("infer a schema: %w", err)
	}
	if r.Schema, err = schema.Parse(text, r.PartitionBy); err != nil {
		return false, fmt.Errorf("the inferred schema: %w", err)
	}
	r.SchemaText = text
	return true, nil
}

// adoptSchema takes the schema that a list keeps.
func (r *run) adoptSchema(ctx context.Context, plan int) error {
	var h planHeader
	err := r.readPlan(ctx, plan, func(ph *planHeader) error {
		h = *ph
		return errEnough
	}, nil)
	if err != nil {
		return err
	}
	key := name(r.place.bucket, r.place.prefix+planKey(plan))
	if h.Schema == "" {
		return fmt.Errorf("%s keeps no schema: give the one that the table was begun with by --schema", key)
	}
	by := r.PartitionBy
	if len(by) == 0 {
		by = h.PartitionBy
	}
	s, err := schema.Parse([]byte(h.Schema), by)
	if err != nil {
		return fmt.Errorf("the schema in %s: %w", key, err)
	}
	r.Schema, r.SchemaText, r.PartitionBy = s, []byte(h.Schema), by
	return nil
}

// tellInferred shows the inferred schema that the table has got.
func (r *run) tellInferred() {
	if r.Inferred != nil {
		r.Inferred(r.SchemaText)
	}
}
