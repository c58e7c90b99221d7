package inventory

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const sampleManifest = `{
  "sourceBucket": "logs",
  "destinationBucket": "arn:aws:s3:::reports",
  "version": "2016-11-30",
  "creationTimestamp": "1514944800000",
  "fileFormat": "CSV",
  "fileSchema": "Bucket, Key, Size, LastModifiedDate, StorageClass",
  "files": [
    {"key": "reports/logs/daily/data/1.csv.gz", "size": 2147483647, "MD5checksum": "f11166069f1990abeb9c97ace9cdfabc"}
  ]
}`

func TestParseManifest(t *testing.T) {
	m, err := parseManifest([]byte(sampleManifest))
	if err != nil {
		t.Fatal(err)
	}
	want := &manifest{
		SourceBucket: "logs", DestinationBucket: "arn:aws:s3:::reports", CreationTimestamp: "1514944800000", FileFormat: "CSV",
		FileSchema: "Bucket, Key, Size, LastModifiedDate, StorageClass",
		Files:      []dataFile{{"reports/logs/daily/data/1.csv.gz", 2147483647, "f11166069f1990abeb9c97ace9cdfabc"}},
	}
	if d := cmp.Diff(want, m); d != "" {
		t.Errorf("manifest (-want +got):\n%s", d)
	}
	if at, err := m.created(); err != nil || !at.Equal(time.Date(2018, 1, 3, 2, 0, 0, 0, time.UTC)) {
		t.Errorf("created %v, error %v", at, err)
	}
	for _, name := range []string{"arn:aws:s3:::reports", "arn:aws-cn:s3:::reports", "reports"} {
		if got := (&manifest{DestinationBucket: name}).destination(); got != "reports" {
			t.Errorf("%s is the bucket %q", name, got)
		}
	}
}

// TestManifestsSayThatTheyHaveNoFiles tells a report of an empty bucket from
// what is no report: no plan may call it empty.
func TestManifestsSayThatTheyHaveNoFiles(t *testing.T) {
	const rest = `"sourceBucket":"b","fileFormat":"ORC","creationTimestamp":"1"`
	for text, ok := range map[string]bool{
		`{` + rest + `,"files":[]}`:   true,
		`{` + rest + `}`:              false,
		`{` + rest + `,"files":null}`: false,
	} {
		if _, err := parseManifest([]byte(text)); (err == nil) != ok {
			t.Errorf("%s: error %v", text, err)
		}
	}
}

func FuzzParseManifest(f *testing.F) {
	f.Add([]byte(sampleManifest))
	f.Add([]byte(`{"sourceBucket":"b","fileFormat":"ORC","creationTimestamp":"-1"}`))
	f.Add([]byte(`{"sourceBucket":"b","fileFormat":"ORC","creationTimestamp":"1","files":[{"key":""}]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseManifest(b)
		if err != nil {
			return
		}
		// What was taken must be usable: its time can be written into a plan.
		at, err := m.created()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := json.Marshal(at); err != nil {
			t.Errorf("creationTimestamp %q: %v", m.CreationTimestamp, err)
		}
	})
}
