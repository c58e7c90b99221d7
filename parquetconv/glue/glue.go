// Package glue registers a table of Parquet files in the AWS Glue Data Catalog.
package glue

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/s3compact/s3compact/parquetconv/ddl"
)

// Client is what is asked of Glue; *glue.Client is one.
type Client interface {
	GetTable(context.Context, *glue.GetTableInput, ...func(*glue.Options)) (*glue.GetTableOutput, error)
	CreateTable(context.Context, *glue.CreateTableInput, ...func(*glue.Options)) (*glue.CreateTableOutput, error)
	UpdateTable(context.Context, *glue.UpdateTableInput, ...func(*glue.Options)) (*glue.UpdateTableOutput, error)
	GetPartitions(context.Context, *glue.GetPartitionsInput, ...func(*glue.Options)) (*glue.GetPartitionsOutput, error)
	BatchCreatePartition(context.Context, *glue.BatchCreatePartitionInput, ...func(*glue.Options)) (*glue.BatchCreatePartitionOutput, error)
}

// Target names a table in the catalogue.
type Target struct{ Database, Table string }

// ParseTarget reads glue://database/table.
func ParseTarget(s string) (Target, error) {
	rest, ok := strings.CutPrefix(s, "glue://")
	database, table, ok2 := strings.Cut(rest, "/")
	if !ok || !ok2 || database == "" || table == "" || strings.Contains(table, "/") {
		return Target{}, fmt.Errorf("%q: write glue://database/table", s)
	}
	return Target{database, table}, nil
}

func (t Target) String() string { return "glue://" + t.Database + "/" + t.Table }

// Result is what registering did.
type Result struct {
	Created         bool
	ColumnsAdded    int
	PartitionsAdded int
}

// Register makes the catalogue agree with a table: it creates the table or adds
// the columns that it lacks, and adds the partitions that it lacks, by their
// folders, such as "dt=2026-01-02/bucket=7". It takes nothing away. A table of
// that name at another location, with other partitions, or with a column of
// another type is left alone, and the error says what to do. Workers may
// register the same table at once.
func Register(ctx context.Context, c Client, target Target, t ddl.Table, folders []string) (Result, error) {
	var r Result
	want, err := tableInput(target, t)
	if err != nil {
		return r, fmt.Errorf("register %s: %w", target, err)
	}
	there, err := settleTable(ctx, c, target, want, &r)
	if err != nil {
		return r, fmt.Errorf("register %s: %w", target, err)
	}
	if len(t.Partitions) > 0 {
		if r.PartitionsAdded, err = addPartitions(ctx, c, target, there, folders); err != nil {
			return r, fmt.Errorf("register the partitions of %s: %w", target, err)
		}
	}
	return r, nil
}

// maxTries bounds how often a table is looked at again because others change it.
const maxTries = 10

// settleTable creates or extends the table, and returns its storage descriptor.
func settleTable(ctx context.Context, c Client, target Target, want *types.TableInput, r *Result) (*types.StorageDescriptor, error) {
	for range maxTries {
		got, err := c.GetTable(ctx, &glue.GetTableInput{DatabaseName: &target.Database, Name: &target.Table})
		var missing *types.EntityNotFoundException
		if errors.As(err, &missing) {
			_, err := c.CreateTable(ctx, &glue.CreateTableInput{DatabaseName: &target.Database, TableInput: want})
			var exists *types.AlreadyExistsException
			switch {
			case errors.As(err, &exists):
				continue
			case errors.As(err, &missing):
				return nil, fmt.Errorf("the database %q does not exist: create it first (aws glue create-database --database-input Name=%s): %w", target.Database, target.Database, err)
			case err != nil:
				return nil, err
			}
			r.Created = true
			return want.StorageDescriptor, nil
		}
		if err != nil {
			return nil, err
		}
		added, err := missingColumns(got.Table, want)
		if err != nil || len(added) == 0 {
			return got.Table.StorageDescriptor, err
		}
		update := inputOf(got.Table)
		update.StorageDescriptor.Columns = append(update.StorageDescriptor.Columns, added...)
		_, err = c.UpdateTable(ctx, &glue.UpdateTableInput{DatabaseName: &target.Database, TableInput: update, VersionId: got.Table.VersionId})
		var concurrent *types.ConcurrentModificationException
		switch {
		case errors.As(err, &concurrent):
			continue
		case err != nil:
			return nil, err
		}
		r.ColumnsAdded = len(added)
		return update.StorageDescriptor, nil
	}
	return nil, errors.New("others keep changing it; run again")
}

// missingColumns are the wanted columns that a table lacks, or why the two don't agree.
func missingColumns(there *types.Table, want *types.TableInput) ([]types.Column, error) {
	if there.StorageDescriptor == nil {
		return nil, errors.New("it is no table of files: choose another name")
	}
	at, here := aws.ToString(there.StorageDescriptor.Location), aws.ToString(want.StorageDescriptor.Location)
	if strings.TrimSuffix(at, "/") != strings.TrimSuffix(here, "/") {
		return nil, fmt.Errorf("its location is %s, and this table is %s: choose another name", at, here)
	}
	if a, b := listed(there.PartitionKeys), listed(want.PartitionKeys); a != b {
		return nil, fmt.Errorf("it is partitioned by (%s), and this table by (%s): drop it in the catalogue, the files stay, and register again", a, b)
	}
	kinds := map[string]string{}
	for _, c := range there.StorageDescriptor.Columns {
		kinds[strings.ToLower(aws.ToString(c.Name))] = aws.ToString(c.Type)
	}
	var added []types.Column
	for _, c := range want.StorageDescriptor.Columns {
		name := strings.ToLower(aws.ToString(c.Name))
		switch t, ok := kinds[name]; {
		case !ok:
			added = append(added, c)
		case t != aws.ToString(c.Type):
			return nil, fmt.Errorf("its column %s is a %s, and here a %s: drop it in the catalogue, the files stay, and register again", name, t, aws.ToString(c.Type))
		}
	}
	return added, nil
}

func listed(columns []types.Column) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = strings.ToLower(aws.ToString(c.Name)) + " " + aws.ToString(c.Type)
	}
	return strings.Join(parts, ", ")
}

// inputOf is a table as it is sent back.
func inputOf(t *types.Table) *types.TableInput {
	return &types.TableInput{
		Name: t.Name, Description: t.Description, Owner: t.Owner, Parameters: t.Parameters, PartitionKeys: t.PartitionKeys,
		Retention: t.Retention, StorageDescriptor: t.StorageDescriptor, TableType: t.TableType, TargetTable: t.TargetTable,
		ViewExpandedText: t.ViewExpandedText, ViewOriginalText: t.ViewOriginalText,
		LastAccessTime: t.LastAccessTime, LastAnalyzedTime: t.LastAnalyzedTime,
	}
}

// tableInput is the table as Hive describes one of Parquet files.
func tableInput(target Target, t ddl.Table) (*types.TableInput, error) {
	columns := make([]types.Column, 0, len(t.Columns))
	for _, c := range t.Columns {
		column, err := columnOf(c)
		if err != nil {
			return nil, err
		}
		columns = append(columns, column)
	}
	keys := make([]types.Column, 0, len(t.Partitions))
	for _, p := range t.Partitions {
		key, err := columnOf(p.Column)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return &types.TableInput{
		Name: aws.String(target.Table), TableType: aws.String("EXTERNAL_TABLE"), PartitionKeys: keys,
		Parameters: map[string]string{"EXTERNAL": "TRUE", "classification": "parquet"},
		StorageDescriptor: &types.StorageDescriptor{
			Columns: columns, Location: aws.String(t.Location),
			InputFormat:  aws.String("org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"),
			OutputFormat: aws.String("org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"),
			SerdeInfo: &types.SerDeInfo{
				SerializationLibrary: aws.String("org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"),
				Parameters:           map[string]string{"serialization.format": "1"},
			},
		},
	}, nil
}

func columnOf(c ddl.Column) (types.Column, error) {
	word, err := ddl.Hive(c.Type)
	if err != nil {
		return types.Column{}, fmt.Errorf("column %q: %w", c.Name, err)
	}
	return types.Column{Name: aws.String(c.Name), Type: aws.String(word)}, nil
}
