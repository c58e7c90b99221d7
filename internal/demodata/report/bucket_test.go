package report

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/s3compact/s3compact/internal/demodata"
	"github.com/s3compact/s3compact/internal/s3test"
)

// TestListedRows stores objects of every kind on a real server and holds its
// listing against the truth.
func TestListedRows(t *testing.T) {
	server := s3test.Start(t)
	bucket := server.Bucket(t)
	spec := demodata.Small(2, 5, 2000)
	spec.Prefixes[0].Extra = slices.Concat(demodata.Broken, demodata.LeftAlone)
	truth, err := spec.Generate(t.Context(), demodata.ToBucket(server.Client(), bucket))
	if err != nil {
		t.Fatal(err)
	}
	var rows []Row
	for row, err := range List(t.Context(), server.Client(), bucket, false) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	if len(rows) != len(truth.Objects) {
		t.Fatalf("%d objects listed, %d made", len(rows), len(truth.Objects))
	}
	for i, o := range truth.Objects {
		row := rows[i]
		if row.Key != o.Key || row.SizeBytes != o.SizeBytes || row.ETag != o.MD5 || row.Bucket != bucket || !row.IsLatest || row.LastModified.IsZero() {
			t.Errorf("listed %+v, made %+v", row, o)
		}
	}
}

func TestListedVersions(t *testing.T) {
	server := s3test.Start(t)
	bucket := server.VersionedBucket(t)
	put := demodata.ToBucket(server.Client(), bucket)
	for _, body := range []string{"one", "three"} {
		if err := put(t.Context(), "a/x", []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := server.Client().DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &bucket, Key: aws.String("a/x")}); err != nil {
		t.Fatal(err)
	}
	latest, sizes, markers := 0, int64(0), 0
	for row, err := range List(t.Context(), server.Client(), bucket, true) {
		if err != nil {
			t.Fatal(err)
		}
		if row.VersionID == "" {
			t.Errorf("a version without an id: %+v", row)
		}
		if row.IsLatest {
			latest++
		}
		if row.IsDeleteMarker {
			markers++
		}
		sizes += row.SizeBytes
	}
	if latest != 1 || markers != 1 || sizes != 8 {
		t.Errorf("%d latest versions, %d delete markers, %d bytes; want 1, 1, 8", latest, markers, sizes)
	}
}

func TestListOfAMissingBucket(t *testing.T) {
	client := s3test.Start(t).Client()
	for _, versions := range []bool{false, true} {
		for row, err := range List(t.Context(), client, "no-such-bucket", versions) {
			if err == nil {
				t.Errorf("a row of a bucket that is not there: %+v", row)
			}
		}
	}
}
