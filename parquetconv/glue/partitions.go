package glue

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
)

// partitionsAtOnce is how many BatchCreatePartition takes (Glue API reference).
const partitionsAtOnce = 100

// addPartitions adds the partitions of folders that the catalogue lacks.
func addPartitions(ctx context.Context, c Client, target Target, table *types.StorageDescriptor, folders []string) (added int, err error) {
	there := map[string]bool{}
	pages := glue.NewGetPartitionsPaginator(c, &glue.GetPartitionsInput{
		DatabaseName: &target.Database, TableName: &target.Table, ExcludeColumnSchema: aws.Bool(true),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, err
		}
		for _, p := range page.Partitions {
			there[strings.Join(p.Values, "\x00")] = true
		}
	}
	var inputs []types.PartitionInput
	for _, folder := range folders {
		values, err := valuesOf(folder)
		if err != nil {
			return added, err
		}
		if there[strings.Join(values, "\x00")] {
			continue
		}
		descriptor := *table
		descriptor.Location = aws.String(strings.TrimSuffix(aws.ToString(table.Location), "/") + "/" + folder + "/")
		inputs = append(inputs, types.PartitionInput{Values: values, StorageDescriptor: &descriptor})
		if len(inputs) == partitionsAtOnce {
			if err := createPartitions(ctx, c, target, inputs); err != nil {
				return added, err
			}
			added, inputs = added+len(inputs), nil
		}
	}
	if len(inputs) > 0 {
		if err := createPartitions(ctx, c, target, inputs); err != nil {
			return added, err
		}
	}
	return added + len(inputs), nil
}

func createPartitions(ctx context.Context, c Client, target Target, inputs []types.PartitionInput) error {
	out, err := c.BatchCreatePartition(ctx, &glue.BatchCreatePartitionInput{DatabaseName: &target.Database, TableName: &target.Table, PartitionInputList: inputs})
	if err != nil {
		return err
	}
	for _, e := range out.Errors {
		if d := e.ErrorDetail; d != nil && aws.ToString(d.ErrorCode) != "AlreadyExistsException" { // another worker was faster
			return fmt.Errorf("partition %q: %s: %s", e.PartitionValues, aws.ToString(d.ErrorCode), aws.ToString(d.ErrorMessage))
		}
	}
	return nil
}

// valuesOf are the values in a folder's name, without the escapes of Hive.
func valuesOf(folder string) ([]string, error) {
	var values []string
	for segment := range strings.SplitSeq(folder, "/") {
		_, escaped, ok := strings.Cut(segment, "=")
		value, err := url.PathUnescape(escaped)
		if !ok || err != nil {
			return nil, fmt.Errorf("the folder %q is no partition (name=value)", folder)
		}
		values = append(values, value)
	}
	return values, nil
}
