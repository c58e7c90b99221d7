package parquetconv

import (
	"fmt"

	"github.com/s3compact/s3compact/parquetconv/schema"
)

// checkTable compares this run with a list. One that is not done is carried out
// with its own schema and no other; behind one that is done, the table may go on
// with a schema that extends its schema.
func (r *run) checkTable(h *planHeader, done bool) error {
	table := name(r.Table.Bucket, r.Table.Key)
	switch {
	case h.Table != table:
		return fmt.Errorf("this state belongs to the table %s, not %s: give each table a state of its own with --state", h.Table, table)
	case h.SchemaHash == r.Schema.Hash:
		return nil
	case h.Schema == "":
		return fmt.Errorf("the table %s was begun with another schema or other partitions (%s, now %s): use that schema, or convert into a new table", table, h.SchemaHash, r.Schema.Hash)
	case !done:
		return fmt.Errorf("list %d of the table %s was made with another schema and is not done: finish it first, without --schema and --partition-by, then run with the new one", h.Number, table)
	}
	old, err := schema.Parse([]byte(h.Schema), h.PartitionBy)
	if err != nil {
		return fmt.Errorf("the schema that list %d of the table %s keeps: %w", h.Number, table, err)
	}
	if err := r.Schema.Extends(old); err != nil {
		return fmt.Errorf("the table %s: %w", table, err)
	}
	return nil
}
