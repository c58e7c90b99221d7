package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/internal/s3store"
)

// TestConvertReadsItsSchemaFromS3: the children of an array job have no files of their own.
func TestConvertReadsItsSchemaFromS3(t *testing.T) {
	l := newLake(t)
	if _, err := l.store.Put(context.Background(), l.bucket, "_schemas/logs.yaml", []byte(logSchema), s3store.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	to, source := filepath.Join(t.TempDir(), "table"), "s3://"+l.bucket+"/"
	r := s3compact("convert", "--to", to, "--schema", "s3://"+l.bucket+"/_schemas/logs.yaml", "--output", "json", source)
	if r.code != exitRefused || r.summary(t)["rows_in"] != float64(l.truth.Good("").Content.Records) {
		t.Errorf("%+v", r)
	}
	r = s3compact("convert", "--to", to, "--schema", "s3://"+l.bucket+"/_schemas/none.yaml", source)
	if r.code != exitFailed || !strings.Contains(r.stderr, "none.yaml") {
		t.Errorf("a missing schema: %+v", r)
	}
}
