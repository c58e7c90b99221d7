//go:build interop

package main

import (
	"context"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/s3compact/s3compact/internal/interop"
)

// TestConvertRegisters: the catalogue knows the table and its partitions, and
// what a later run adds to them.
func TestConvertRegisters(t *testing.T) {
	ctx := context.Background()
	url := interop.StartMoto(t, "")
	l := newLake(t)
	t.Setenv("AWS_ENDPOINT_URL_GLUE", url)
	api := glue.New(glue.Options{Region: "us-east-1", BaseEndpoint: aws.String(url), Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	if _, err := api.CreateDatabase(ctx, &glue.CreateDatabaseInput{DatabaseInput: &types.DatabaseInput{Name: aws.String("logs")}}); err != nil {
		t.Fatal(err)
	}
	table := "s3://" + l.bucket + "/table/"
	run := func(source string) result {
		return s3compact("convert", "--to", table, "--schema", schemaFile(t, logSchema), "--register", "glue://logs/requests", "s3://"+l.bucket+"/"+source)
	}
	registered := func() (partitions []string) {
		out, err := api.GetPartitions(ctx, &glue.GetPartitionsInput{DatabaseName: aws.String("logs"), TableName: aws.String("requests")})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range out.Partitions {
			partitions = append(partitions, aws.ToString(p.StorageDescriptor.Location))
		}
		slices.Sort(partitions)
		return partitions
	}
	folders := func() (all []string) {
		seen := map[string]bool{}
		for key := range l.list() {
			folder := path.Dir(key) + "/"
			if strings.HasPrefix(folder, "table/dt=") && !seen[folder] {
				seen[folder] = true
				all = append(all, "s3://"+l.bucket+"/"+folder)
			}
		}
		slices.Sort(all)
		return all
	}
	prefix := path.Dir(l.truth.Objects[0].Key) + "/"
	if r := run(prefix); r.code != 0 && r.code != 3 {
		t.Fatalf("exit %d\n%s", r.code, r.stderr)
	}
	first := registered()
	if want := folders(); len(first) == 0 || !slices.Equal(first, want) {
		t.Errorf("registered are\n%q\nthe table has\n%q", first, want)
	}
	if r := run(""); r.code != 3 { // the whole lake, with its broken objects
		t.Fatalf("exit %d\n%s", r.code, r.stderr)
	}
	if got, want := registered(), folders(); len(got) <= len(first) || !slices.Equal(got, want) {
		t.Errorf("registered are\n%q\nthe table has\n%q", got, want)
	}
	if r := s3compact("convert", "--to", t.TempDir(), "--schema", schemaFile(t, logSchema), "--register", "glue://logs/local", t.TempDir()); r.code != 2 {
		t.Errorf("a local table: exit %d, %s", r.code, r.stderr)
	}
}
