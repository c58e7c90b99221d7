package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/s3compact/s3compact/internal/demodata"
	"github.com/s3compact/s3compact/internal/demodata/report"
)

// The demo's buckets.
const (
	logsBucket    = "logs-demo"
	reportsBucket = "logs-demo-inventory"
	tablesBucket  = "tables-demo" // for the tables that convert makes
)

// fill makes the logs and a report of them in each format. What is true of
// every object is written to truth.json beside the server's state.
func (d *demo) fill(ctx context.Context, spec demodata.Spec, stdout io.Writer) error {
	server, err := d.server(ctx)
	if err != nil {
		return err
	}
	client := server.Client()
	for _, bucket := range []string{logsBucket, reportsBucket, tablesBucket} {
		if err := emptyBucket(ctx, client, bucket); err != nil {
			return err
		}
	}
	began := time.Now()
	truth, err := spec.Generate(ctx, demodata.ToBucket(client, logsBucket))
	if err != nil {
		return err
	}
	if err := d.saveTruth(truth); err != nil {
		return err
	}
	stored := int64(0)
	for _, o := range truth.Objects {
		stored += o.SizeBytes
	}
	good := truth.Good("")
	d.say("made %d objects, %.1f MB, %d log records, in %.1f s; %d of the objects are broken on purpose",
		len(truth.Objects), float64(stored)/1e6, good.Content.Records, time.Since(began).Seconds(), len(truth.Refused("")))
	now := time.Now()
	for _, r := range []report.Report{
		{ConfigID: "daily-orc", Format: report.ORC},
		{ConfigID: "daily-csv", Format: report.CSV},
	} {
		r.SourceBucket, r.DestinationBucket, r.Created = logsBucket, reportsBucket, now
		manifest, err := r.Write(ctx, report.List(ctx, client, logsBucket, false), demodata.ToBucket(client, reportsBucket))
		if err != nil {
			return err
		}
		d.say("wrote the %s inventory report", r.Format)
		fmt.Fprintf(stdout, "s3://%s/%s\n", reportsBucket, manifest)
	}
	return nil
}

// emptyBucket makes the bucket, or sees that it is there and empty.
func emptyBucket(ctx context.Context, client *s3.Client, bucket string) error {
	list, err := client.ListBuckets(ctx, &s3.ListBucketsInput{})
	if err != nil {
		return fmt.Errorf("list buckets: %w", err)
	}
	for _, b := range list.Buckets {
		if aws.ToString(b.Name) != bucket {
			continue
		}
		objects, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket, MaxKeys: aws.Int32(1)})
		if err != nil {
			return fmt.Errorf("list bucket %s: %w", bucket, err)
		}
		if len(objects.Contents) > 0 {
			return fmt.Errorf("the bucket %s is filled already; remove everything with: go run ./scripts/demo clean", bucket)
		}
		return nil
	}
	if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		return fmt.Errorf("create bucket %s: %w", bucket, err)
	}
	return nil
}

func (d *demo) saveTruth(m *demodata.Manifest) error {
	b, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(d.dir, "truth.json"), b, 0o644); err != nil {
		return fmt.Errorf("write the truth about the demo's objects: %w", err)
	}
	return nil
}
