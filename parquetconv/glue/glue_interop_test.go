//go:build interop

package glue

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/s3compact/s3compact/internal/interop"
	"github.com/s3compact/s3compact/parquetconv/ddl"
	"github.com/s3compact/s3compact/parquetconv/schema"
)

func startMoto(t *testing.T) *glue.Client {
	t.Helper()
	url := interop.StartMoto(t, "")
	return glue.New(glue.Options{Region: "eu-west-1", BaseEndpoint: aws.String(url), Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
}

func tableOf(t *testing.T, location, columns string, folders ...string) ddl.Table {
	t.Helper()
	s, err := schema.Parse([]byte("version: 1\ncolumns: [{name: ts, type: timestamp}, "+columns+"]\npartitions: [{name: dt, type: date, expr: 'cast(ts as date)'}, {name: app, type: string, expr: \"concat('a', 'b')\"}]\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return ddl.New("", location, s, folders)
}

func TestRegister(t *testing.T) {
	ctx := context.Background()
	api := startMoto(t)
	target := Target{"logs", "requests"}
	one := "{name: status, type: int32}"
	var folders []string
	for i := range 249 {
		folders = append(folders, fmt.Sprintf("dt=%04d-01-01/app=a%%2Fb %%C3%%A9", 1777+i))
	}
	folders = append(folders, "dt=__HIVE_DEFAULT_PARTITION__/app=x")
	first := tableOf(t, "s3://my-tables/logs/", one)

	if _, err := Register(ctx, api, target, first, folders); err == nil || !strings.Contains(err.Error(), "create it first") {
		t.Fatalf("without a database: %v", err)
	}
	if _, err := api.CreateDatabase(ctx, &glue.CreateDatabaseInput{DatabaseInput: &types.DatabaseInput{Name: aws.String("logs")}}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name    string
		table   ddl.Table
		folders []string
		want    Result
	}{
		{"a new table", first, folders[:120], Result{Created: true, PartitionsAdded: 120}},
		{"the same again", first, folders[:120], Result{}},
		{"more partitions", first, folders, Result{PartitionsAdded: 130}},
		{"a column more", tableOf(t, "s3://my-tables/logs/", one+", {name: tags, type: 'list<string>'}"), folders, Result{ColumnsAdded: 1}},
		{"an older schema", first, folders, Result{}},
	} {
		got, err := Register(ctx, api, target, step.table, step.folders)
		if err != nil || got != step.want {
			t.Errorf("%s: %+v, %v, expected %+v", step.name, got, err, step.want)
		}
	}
	for says, table := range map[string]ddl.Table{
		"its location is s3://my-tables/logs/":        tableOf(t, "s3://my-tables/other/", one),
		"its column status is a int, and here a bigi": tableOf(t, "s3://my-tables/logs/", "{name: status, type: int64}"),
		"it is partitioned by (dt date, app string)":  {Location: "s3://my-tables/logs/", Columns: first.Columns},
	} {
		if _, err := Register(ctx, api, target, table, nil); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, expected %q", err, says)
		}
	}

	got, err := api.GetTable(ctx, &glue.GetTableInput{DatabaseName: aws.String("logs"), Name: aws.String("requests")})
	if err != nil {
		t.Fatal(err)
	}
	if c := listed(got.Table.StorageDescriptor.Columns); c != "ts timestamp, status int, tags array<string>" {
		t.Errorf("columns: %s", c)
	}
	part, err := api.GetPartition(ctx, &glue.GetPartitionInput{DatabaseName: aws.String("logs"), TableName: aws.String("requests"), PartitionValues: []string{"1777-01-01", "a/b é"}})
	if err != nil {
		t.Fatal(err)
	}
	if at := aws.ToString(part.Partition.StorageDescriptor.Location); at != "s3://my-tables/logs/dt=1777-01-01/app=a%2Fb %C3%A9/" {
		t.Errorf("a partition's location: %s", at)
	}
}

// TestWorkersRegisterAtOnce: each of them succeeds, and nothing is there twice.
func TestWorkersRegisterAtOnce(t *testing.T) {
	ctx := context.Background()
	api := startMoto(t)
	if _, err := api.CreateDatabase(ctx, &glue.CreateDatabaseInput{DatabaseInput: &types.DatabaseInput{Name: aws.String("logs")}}); err != nil {
		t.Fatal(err)
	}
	table := tableOf(t, "s3://my-tables/logs/", "{name: status, type: int32}")
	folders := []string{"dt=2026-01-01/app=a", "dt=2026-01-02/app=a"}
	var workers sync.WaitGroup
	for range 6 {
		workers.Go(func() {
			if _, err := Register(ctx, api, Target{"logs", "t"}, table, folders); err != nil {
				t.Error(err)
			}
		})
	}
	workers.Wait()
	got, err := api.GetPartitions(ctx, &glue.GetPartitionsInput{DatabaseName: aws.String("logs"), TableName: aws.String("t")})
	if err != nil || len(got.Partitions) != 2 {
		t.Errorf("%d partitions, %v", len(got.Partitions), err)
	}
}
