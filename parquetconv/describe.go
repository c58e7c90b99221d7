package parquetconv

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/parquetconv/schema"
)

// Description is what there is to know of a table without reading its rows.
type Description struct {
	Schema *schema.Schema
	// Folders are the partitions that hold files, name=value/name=value, sorted;
	// none where the table has no partitions.
	Folders []string
}

// ErrNoTable says that there is no table: no list of batches was made.
var ErrNoTable = errors.New("no table")

// Describe reads the schema of a table from its state and its partitions from a
// listing of its files. A schema that is given is taken instead. The error is
// ErrNoTable where the state holds no list of batches.
func Describe(ctx context.Context, stores Stores, table, state s3store.Location, given *schema.Schema) (Description, error) {
	r := &run{
		Options: Options{Stores: stores, Table: table, State: state, Schema: given},
		place:   place{store: stores.of(state.Bucket), bucket: state.Bucket, prefix: state.Key},
	}
	if given == nil {
		plans, err := r.planNumbers(ctx)
		if err != nil {
			return Description{}, err
		}
		if len(plans) == 0 {
			return Description{}, fmt.Errorf("%s holds no list of batches: %w", name(state.Bucket, state.Key), ErrNoTable)
		}
		if err := r.adoptSchema(ctx, plans[len(plans)-1]); err != nil {
			return Description{}, err
		}
	}
	d := Description{Schema: r.Schema}
	if len(d.Schema.Partitions) == 0 {
		return d, nil
	}
	seen := map[string]bool{}
	err := stores.of(table.Bucket).List(ctx, table.Bucket, s3store.ListOptions{Prefix: table.Key}, func(p s3store.Page) error {
		for _, o := range p.Objects {
			below := strings.TrimPrefix(o.Key, table.Key)
			folder, file, ok := cutLast(below)
			if !ok || !strings.HasSuffix(file, ".parquet") || strings.HasPrefix(below, "_") || strings.HasPrefix(file, "_") || seen[folder] {
				continue
			}
			seen[folder] = true
			d.Folders = append(d.Folders, folder)
		}
		return nil
	})
	slices.Sort(d.Folders)
	return d, err
}

// cutLast cuts a path before its last element.
func cutLast(path string) (folder, file string, ok bool) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path, false
	}
	return path[:i], path[i+1:], true
}
