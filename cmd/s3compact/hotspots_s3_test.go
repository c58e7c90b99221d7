package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/s3compact/s3compact/internal/demodata"
	"github.com/s3compact/s3compact/internal/demodata/report"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test"
)

// publish writes reports of a bucket in both formats into a bucket of their
// own, and returns the folders of the two configurations.
func publish(t *testing.T, server *s3test.Server, source string, versions bool) map[string]string {
	t.Helper()
	reports := server.Bucket(t)
	at := map[string]string{}
	for _, format := range []report.Format{report.ORC, report.CSV} {
		r := report.Report{
			SourceBucket: source, DestinationBucket: reports, Prefix: "inventory", ConfigID: "daily-" + string(format), Format: format,
			Created: time.Date(2026, 10, 4, 1, 0, 0, 0, time.UTC), Versions: versions, RowsPerFile: 50, RowsPerStripe: 20,
		}
		key, err := r.Write(t.Context(), report.List(t.Context(), server.Client(), source, versions), demodata.ToBucket(server.Client(), reports))
		if err != nil {
			t.Fatal(err)
		}
		folder, _, ok := strings.Cut(key, "2026-10-04T01-00Z/")
		if !ok {
			t.Fatalf("manifest at %s", key)
		}
		at[string(format)] = "s3://" + reports + "/" + folder
	}
	return at
}

// planBy runs the command and returns the plan that it wrote to S3, which must
// be the one that it printed.
func planBy(t *testing.T, store *s3store.Client, location string, args ...string) *wholePlan {
	t.Helper()
	code, stdout, stderr := runHotspots(t, append(args, "--output", "json", "--plan", location)...)
	if code != exitDone {
		t.Fatalf("%v: exit %d, errors:\n%s", args, code, stderr)
	}
	plan, err := loadPlan(t, store, location)
	if err != nil {
		t.Fatal(err)
	}
	at, err := s3store.ParseLocation(location)
	if err != nil {
		t.Fatal(err)
	}
	text, _, err := store.ReadAll(t.Context(), at.Bucket, at.Key, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(stdout, string(text)+`{"type":"summary"`) {
		t.Errorf("%v: printed is not the plan that was written:\n%s", args, stdout)
	}
	return plan
}

// TestHotspotsOfReportsAndListingAreEqual holds the three sources against each
// other and against the truth about the data.
func TestHotspotsOfReportsAndListingAreEqual(t *testing.T) {
	server := s3test.Start(t)
	server.Setenv(t)
	store, err := s3store.Open(t.Context(), s3store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	source, plans := server.VersionedBucket(t), server.Bucket(t)
	spec := demodata.Small(4, 30, 2000)
	spec.Prefixes[0].Extra = append(append([]demodata.Kind{}, demodata.Broken...), demodata.LeftAlone...)
	spec.Prefixes[3].Objects = 5
	spec.Prefixes[3].NoFinalNewline, spec.Prefixes[3].TwoMembers = 0, 0
	put := demodata.ToBucket(server.Client(), source)
	truth, err := spec.Generate(t.Context(), put)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"_s3compact/claim.json", "10001/old versions/a b+c%.gz", "10001/old versions/a b+c%.gz", "10001/gone.gz"} {
		if err := put(t.Context(), key, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := server.Client().DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &source, Key: aws.String("10001/gone.gz")}); err != nil {
		t.Fatal(err)
	}

	flags := []string{"--match", "*.gz"}
	want := planBy(t, store, "s3://"+plans+"/listing", append(flags, "--listing", "s3://"+source+"/")...)
	if n := int64(len(truth.Objects) + 2); want.Totals.Objects != n || want.Totals.Hotspots != 3 {
		t.Errorf("totals %+v, want %d objects and 3 hotspots", want.Totals, n)
	}
	var bytes int64
	for _, o := range truth.Objects {
		bytes += o.SizeBytes
	}
	if want.Totals.Bytes != bytes+2 {
		t.Errorf("%d bytes, want %d", want.Totals.Bytes, bytes+2)
	}
	for format, config := range publish(t, server, source, true) {
		got := planBy(t, store, "s3://"+plans+"/"+format, append(flags, "--inventory", config)...)
		if got.Source.Ignored != 3 { // an old version, a delete marker, and the version below it
			t.Errorf("%s: %d rows ignored, want 3", format, got.Source.Ignored)
		}
		if got.ID == want.ID {
			t.Errorf("%s: two plans with the id %s", format, got.ID)
		}
		got.Source, got.ID, got.Created = want.Source, want.ID, want.Created
		if d := cmp.Diff(asListed(want), asListed(got)); d != "" {
			t.Errorf("%s (-listing +report):\n%s", format, d)
		}
	}

	scoped := planBy(t, store, "s3://"+plans+"/scoped", append(flags, "--listing", "s3://"+source+"/10002/")...)
	if scoped.Scope != "10002/" || len(scoped.Hotspots) != 1 || !cmp.Equal(scoped.Hotspots[0], want.Hotspots[1]) && !cmp.Equal(scoped.Hotspots[0], want.Hotspots[2]) {
		t.Errorf("plan of one prefix: %+v", scoped)
	}
}

// asListed is a plan without what a listing does not tell.
func asListed(p *wholePlan) *wholePlan {
	listed := *p
	listed.Hotspots = slices.Clone(p.Hotspots)
	for i := range listed.Hotspots {
		h := &listed.Hotspots[i]
		h.Encryption, h.Checksums, h.Kinds = nil, nil, nil
	}
	return &listed
}

func TestHotspotsOnS3Refuses(t *testing.T) {
	server := s3test.Start(t)
	server.Setenv(t)
	bucket := server.Bucket(t)
	manifest := writeReport(t, "CSV", reportFile{name: "1.csv", content: sampleRows()})
	for _, tc := range []struct {
		name string
		args []string
		want string
	}{
		{"unknown bucket of the listing", []string{"--listing", "s3://no-such-bucket-anywhere/"}, "check the bucket's name"},
		{"unknown bucket of the report", []string{"--inventory", "s3://no-such-bucket-anywhere/daily/"}, "check the bucket's name"},
		{"no report there", []string{"--inventory", "s3://" + bucket + "/daily/"}, "no complete report"},
		{"no manifest there", []string{"--inventory", "s3://" + bucket + "/daily/manifest.json"}, "404"},
		{"unknown bucket of the plan", []string{"--inventory", manifest, "--plan", "s3://no-such-bucket-anywhere/plan.jsonl"}, "check the bucket's name"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			code, stdout, stderr := runHotspots(t, tc.args...)
			if code != exitFailed || stdout != "" || !strings.Contains(stderr, tc.want) {
				t.Errorf("exit %d, output %q, errors:\n%s\nwant exit 1 and %q", code, stdout, stderr, tc.want)
			}
		})
	}
}
