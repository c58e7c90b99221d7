package inventory

import (
	"bytes"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test"
)

// openStore is a client of the test's server.
func openStore(t *testing.T, server *s3test.Server) *s3store.Client {
	t.Helper()
	server.Setenv(t)
	store, err := s3store.Open(t.Context(), s3store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func put(t *testing.T, server *s3test.Server, bucket, key string, body []byte) {
	t.Helper()
	_, err := server.Client().PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body)})
	if err != nil {
		t.Fatalf("put %s/%s: %v", bucket, key, err)
	}
}

// upload puts a tree into a bucket.
func upload(t *testing.T, server *s3test.Server, bucket string, tr *tree) {
	t.Helper()
	err := filepath.WalkDir(tr.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		key, err := filepath.Rel(tr.root, path)
		if err == nil {
			put(t, server, bucket, filepath.ToSlash(key), b)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestReportsAndListingOnS3MakeEqualPlans(t *testing.T) {
	server := s3test.Start(t)
	store := openStore(t, server)
	source := server.Bucket(t)
	for i := range 40 {
		put(t, server, source, fmt.Sprintf("app/%d/%02d +%%=ü.gz", i%3, i), bytes.Repeat([]byte{'x'}, i))
	}
	put(t, server, source, "_s3compact/claim.json", []byte("{}"))
	put(t, server, source, "root", []byte("x"))

	sel := selection(func(s *Selection) { s.MinObjects = 2 })
	want, err := planOfListing(t.Context(), store, source, "", sel, ListingOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if want.Totals.Objects != 42 || want.Totals.Hotspots != 3 || want.Totals.Groups != 5 {
		t.Fatalf("totals of the listing: %+v", want.Totals)
	}
	var objects []object
	err = store.List(t.Context(), source, s3store.ListOptions{}, func(p s3store.Page) error {
		for _, o := range p.Objects {
			objects = append(objects, object{key: o.Key, size: o.SizeBytes, modified: o.LastModified, class: o.StorageClass})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"ORC", "CSV"} {
		files := [][]byte{orcData(t, source, objects[:20], 9), orcData(t, source, objects[20:], 100)}
		if format == "CSV" {
			files = [][]byte{gzipped(csvDataOf(source, objects[:20])), csvDataOf(source, objects[20:])}
		}
		tr := newTree(t, format, files...)
		reports := server.Bucket(t)
		tr.manifest.SourceBucket = source
		tr.manifest.DestinationBucket = "arn:aws:s3:::" + reports
		tr.writeManifest(reportName)
		tr.write(configFolder+"/2026-10-09T01-00Z/"+manifestName, []byte("not finished"))
		upload(t, server, reports, tr)

		config := "s3://" + reports + "/" + configFolder + "/"
		var log bytes.Buffer
		got, err := planOfReport(t.Context(), store, config, sel, ReportOptions{Concurrency: 3, Log: slog.New(slog.NewTextHandler(&log, nil)), VerifyChecksums: true})
		if err != nil {
			t.Errorf("%s: %v", format, err)
			continue
		}
		if report := config + reportName + "/" + manifestName; got.Source.Report != report || got.Source.ID != "daily" {
			t.Errorf("%s: source %+v, want the report %s", format, got.Source, report)
		}
		if !strings.Contains(log.String(), "2026-10-09T01-00Z") {
			t.Errorf("%s: no warning of the unfinished report:\n%s", format, log.String())
		}
		got.Source, got.ID, got.Created = want.Source, want.ID, want.Created
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-listing +report):\n%s", format, d)
		}

		// A copy of the manifest elsewhere finds its data files in the destination bucket.
		elsewhere := server.Bucket(t)
		b, err := os.ReadFile(tr.manifestPath())
		if err != nil {
			t.Fatal(err)
		}
		put(t, server, elsewhere, manifestName, b)
		got, err = planOfReport(t.Context(), store, "s3://"+elsewhere+"/"+manifestName, sel, ReportOptions{})
		if err != nil || got.Totals != want.Totals {
			t.Errorf("%s, manifest copied: plan %v, error %v", format, got, err)
		}
	}
}

func TestSurveyReportOnS3Refuses(t *testing.T) {
	server := s3test.Start(t)
	store := openStore(t, server)
	objects := sampleObjects()
	tr := newTree(t, "ORC", orcData(t, "source", objects, 100))
	tr.remove(configFolder + "/data")
	reports := server.Bucket(t)
	tr.manifest.DestinationBucket = reports
	tr.writeManifest(reportName)
	upload(t, server, reports, tr)
	for location, want := range map[string]string{
		"s3://" + reports + "/" + configFolder + "/":      "it is missing",
		"s3://" + reports + "/" + configFolder + "/data/": "no complete report",
		"s3://" + reports + "/manifest.json":              "NoSuchKey",
		"s3://no-such-bucket-anywhere/daily/":             "check the bucket's name",
	} {
		p, err := planOfReport(t.Context(), store, location, selection(nil), ReportOptions{})
		if p != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: plan %v, error %v, want one that says %q", location, p, err, want)
		}
	}
	if _, err := planOfListing(t.Context(), store, "no-such-bucket-anywhere", "", selection(nil), ListingOptions{}); err == nil || !strings.Contains(err.Error(), "check the bucket's name") {
		t.Errorf("listing of an unknown bucket: error %v", err)
	}
}

func TestLoadPlanFromS3(t *testing.T) {
	server := s3test.Start(t)
	store := openStore(t, server)
	bucket, want := server.Bucket(t), samplePlan(t)
	key := "plans/" + url.PathEscape("a b") + ".jsonl"
	put(t, server, bucket, key, []byte(written(t, want)))
	got, err := loadPlan(t, store, "s3://"+bucket+"/"+key)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("plan (-put +loaded):\n%s", d)
	}
}
