package report

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/s3compact/s3compact/internal/demodata"
	"github.com/s3compact/s3compact/inventory"
	"github.com/s3compact/s3compact/inventory/orc"
)

var created = time.Date(2026, 10, 11, 4, 30, 59, 0, time.UTC)

var testRows = []Row{
	{Bucket: "logs", Key: "a/plain.json.gz", IsLatest: true, VersionID: "v2", SizeBytes: 40_000, LastModified: created.Add(-time.Hour), ETag: "0123", StorageClass: "STANDARD", EncryptionStatus: "SSE-S3", ChecksumAlgorithm: "CRC64NVME"},
	{Bucket: "logs", Key: "a/ü +%\"',\n.json.gz", VersionID: "v1", SizeBytes: 1 << 40, LastModified: created.Add(123 * time.Millisecond), ETag: "0123-7", StorageClass: "GLACIER", IsMultipart: true, LockRetainUntil: created.AddDate(1, 0, 0), LockMode: "GOVERNANCE", LockLegalHold: "ON"},
	{Bucket: "logs", Key: "a/gone.json.gz", IsLatest: true, IsDeleteMarker: true, VersionID: "v9", SizeBytes: 5, LastModified: created},
}

type tree map[string][]byte

func (t tree) put(_ context.Context, key string, body []byte) error {
	t[key] = bytes.Clone(body)
	return nil
}

func testReport(f Format, versions bool) Report {
	return Report{SourceBucket: "logs", DestinationBucket: "reports", Prefix: "inv", ConfigID: "daily", Format: f, Created: created, Versions: versions, RowsPerFile: 2, RowsPerStripe: 1}
}

func writeReport(t *testing.T, r Report) (tree, manifest) {
	t.Helper()
	files := tree{}
	key, err := r.Write(t.Context(), Rows(testRows...), files.put)
	if err != nil {
		t.Fatal(err)
	}
	if want := "inv/logs/daily/2026-10-11T04-30Z/manifest.json"; key != want {
		t.Fatalf("the manifest's key is %s, want %s", key, want)
	}
	var m manifest
	if err := json.Unmarshal(files[key], &m); err != nil {
		t.Fatal(err)
	}
	return files, m
}

func TestLayout(t *testing.T) {
	for _, format := range []Format{ORC, CSV} {
		files, m := writeReport(t, testReport(format, false))
		if len(m.Files) != 2 || len(files) != 5 {
			t.Fatalf("%s: %d data files, %d files", format, len(m.Files), len(files))
		}
		if m.SourceBucket != "logs" || m.DestinationBucket != "arn:aws:s3:::reports" || m.CreationTimestamp != "1791693059000" || m.FileFormat != format {
			t.Errorf("%s: manifest %+v", format, m)
		}
		links := ""
		for _, f := range m.Files {
			body := files[f.Key]
			if int64(len(body)) != f.SizeBytes || md5Hex(body) != f.MD5Checksum {
				t.Errorf("%s: %s is not what the manifest says", format, f.Key)
			}
			if suffix := map[Format]string{ORC: ".orc", CSV: ".csv.gz"}[format]; !strings.HasPrefix(f.Key, "inv/logs/daily/data/") || !strings.HasSuffix(f.Key, suffix) {
				t.Errorf("%s: a data file at %s", format, f.Key)
			}
			links += "s3://reports/" + f.Key + "\n"
		}
		if got := string(files["inv/logs/daily/hive/dt=2026-10-11-04-30/symlink.txt"]); got != links {
			t.Errorf("%s: symlink.txt holds %q, want %q", format, got, links)
		}
		manifestBody := files["inv/logs/daily/2026-10-11T04-30Z/manifest.json"]
		if got := string(files["inv/logs/daily/2026-10-11T04-30Z/manifest.checksum"]); got != md5Hex(manifestBody)+"\n" {
			t.Errorf("%s: manifest.checksum holds %q", format, got)
		}
	}
}

// TestSchemas holds the schemas against the examples of the User Guide,
// "Locating your inventory list".
func TestSchemas(t *testing.T) {
	const wantCSV = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag, StorageClass, IsMultipartUploaded, ReplicationStatus, EncryptionStatus, ObjectLockRetainUntilDate, ObjectLockMode, ObjectLockLegalHoldStatus, IntelligentTieringAccessTier, BucketKeyStatus, ChecksumAlgorithm, ObjectAccessControlList, ObjectOwner"
	const wantORC = "struct<bucket:string,key:string,version_id:string,is_latest:boolean,is_delete_marker:boolean,size:bigint,last_modified_date:timestamp,e_tag:string,storage_class:string,is_multipart_uploaded:boolean,replication_status:string,encryption_status:string,object_lock_retain_until_date:timestamp,object_lock_mode:string,object_lock_legal_hold_status:string,intelligent_tiering_access_tier:string,bucket_key_status:string,checksum_algorithm:string,object_access_control_list:string,object_owner:string>"
	if _, m := writeReport(t, testReport(CSV, true)); m.FileSchema != wantCSV {
		t.Errorf("CSV: %s", m.FileSchema)
	}
	if _, m := writeReport(t, testReport(ORC, true)); m.FileSchema != wantORC {
		t.Errorf("ORC: %s", m.FileSchema)
	}
	withoutVersions := strings.Replace(wantCSV, " VersionId, IsLatest, IsDeleteMarker,", "", 1)
	if _, m := writeReport(t, testReport(CSV, false)); m.FileSchema != withoutVersions {
		t.Errorf("CSV without versions: %s", m.FileSchema)
	}
}

func TestCSVRows(t *testing.T) {
	files, m := writeReport(t, testReport(CSV, true))
	var text strings.Builder
	for _, f := range m.Files {
		zip, err := gzip.NewReader(bytes.NewReader(files[f.Key]))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(&text, zip); err != nil {
			t.Fatal(err)
		}
	}
	const want = `"logs","a/plain.json.gz","v2","true","false","40000","2026-10-11T03:30:59.000Z","0123","STANDARD","false","","SSE-S3","","","","","","CRC64NVME","",""
"logs","a/%C3%BC+%2B%25%22%27%2C%0A.json.gz","v1","false","false","1099511627776","2026-10-11T04:30:59.123Z","0123-7","GLACIER","true","","","2027-10-11T04:30:59.000Z","GOVERNANCE","ON","","","","",""
"logs","a/gone.json.gz","v9","true","true","","2026-10-11T04:30:59.000Z","","","","","","","","","","","","",""
`
	if text.String() != want {
		t.Errorf("the data files hold\n%s\nwant\n%s", text.String(), want)
	}
	records, err := csv.NewReader(strings.NewReader(text.String())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, record := range records {
		if key, err := url.QueryUnescape(record[1]); err != nil || key != testRows[i].Key {
			t.Errorf("row %d: key %q (%v), want %q", i, key, err, testRows[i].Key)
		}
	}
}

func TestORCRows(t *testing.T) {
	files, m := writeReport(t, testReport(ORC, true))
	i := 0
	for _, file := range m.Files {
		body := files[file.Key]
		f, err := orc.Open(bytes.NewReader(body), int64(len(body)))
		if err != nil {
			t.Fatal(err)
		}
		r, err := f.NewReader("key", "size", "is_delete_marker", "last_modified_date", "object_owner")
		if err != nil {
			t.Fatal(err)
		}
		for stripe := range f.NumStripes() {
			if err := r.Open(t.Context(), orc.Span{Stripe: stripe, To: f.RowGroups(stripe)}, nil); err != nil {
				t.Fatal(err)
			}
			b, err := r.Next(t.Context()) // the stripes are as short as a batch
			if err != nil {
				t.Fatal(err)
			}
			for row := range b.Rows {
				want := testRows[i]
				i++
				if got := string(b.Columns[0].Bytes(row)); got != want.Key {
					t.Errorf("key %q, want %q", got, want.Key)
				}
				if b.Columns[1].IsNull(row) != want.IsDeleteMarker || b.Columns[2].Bool[row] != want.IsDeleteMarker {
					t.Errorf("%s: size null: %v, delete marker: %v", want.Key, b.Columns[1].IsNull(row), b.Columns[2].Bool[row])
				}
				if !want.IsDeleteMarker && b.Columns[1].Int64[row] != want.SizeBytes {
					t.Errorf("%s: size %d", want.Key, b.Columns[1].Int64[row])
				}
				if got := time.Unix(b.Columns[3].Seconds[row], int64(b.Columns[3].Nanos[row])); !got.Equal(want.LastModified) {
					t.Errorf("%s: last modified %v", want.Key, got)
				}
				if !b.Columns[4].IsNull(row) {
					t.Errorf("%s: an owner that nobody gave", want.Key)
				}
			}
		}
	}
	if i != len(testRows) {
		t.Errorf("%d rows, want %d", i, len(testRows))
	}
}

// TestReportOfDemoData reads both formats back, from a local folder, with the
// product's own reader and holds the sums against the truth.
func TestReportOfDemoData(t *testing.T) {
	spec := demodata.Small(3, 10, 2000)
	spec.Prefixes[0].Extra = demodata.LeftAlone
	truth, err := spec.Generate(t.Context(), func(context.Context, string, []byte) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	selection := inventory.Selection{MinObjects: 5, Match: "*.gz", TargetSizeBytes: 1 << 30}
	for _, format := range []Format{ORC, CSV} {
		dir := t.TempDir()
		r := Report{SourceBucket: "logs", DestinationBucket: "reports", ConfigID: "daily", Format: format, Created: created}
		key, err := r.Write(t.Context(), RowsOf(truth, "logs", created), r.ToFolder(dir))
		if err != nil {
			t.Fatal(err)
		}
		survey, err := inventory.SurveyReport(t.Context(), nil, filepath.Join(dir, "reports", key), selection, inventory.ReportOptions{Concurrency: 2, VerifyChecksums: true})
		if err != nil {
			t.Fatal(err)
		}
		if n := survey.Totals.Hotspots; n != 3 {
			t.Fatalf("%s: %d hotspots, want 3", format, n)
		}
		for h := range survey.Hotspots() {
			want := truth.Good(h.Prefix)
			objects := want.Objects
			if h.Prefix == "10001/" {
				objects++ // the empty object matches too
			}
			if h.Objects != objects || h.Bytes != want.SizeBytes {
				t.Errorf("%s: %s has %d objects and %d bytes, want %d and %d", format, h.Prefix, h.Objects, h.Bytes, objects, want.SizeBytes)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	broken := errors.New("broken")
	fails := func(yield func(Row, error) bool) { _ = yield(testRows[0], nil) && yield(Row{}, broken) }
	files := tree{}
	if _, err := testReport(ORC, false).Write(t.Context(), fails, files.put); !errors.Is(err, broken) {
		t.Errorf("rows that cannot be read: %v", err)
	}
	for key := range files {
		if strings.HasSuffix(key, "manifest.json") {
			t.Error("a manifest of rows that could not be read")
		}
	}
	full := func(context.Context, string, []byte) error { return broken }
	if _, err := testReport(CSV, false).Write(t.Context(), Rows(testRows...), full); !errors.Is(err, broken) {
		t.Errorf("files that cannot be stored: %v", err)
	}
	if _, err := testReport("XML", false).Write(t.Context(), Rows(), files.put); err == nil {
		t.Error("a report as XML is written")
	}
}

func TestEmptyBucket(t *testing.T) {
	files := tree{}
	key, err := testReport(ORC, false).Write(t.Context(), Rows(), files.put)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(files[key], []byte(`"files": []`)) {
		t.Errorf("manifest of an empty bucket: %s", files[key])
	}
}

func TestToFolder(t *testing.T) {
	dir := t.TempDir()
	if err := testReport(ORC, false).ToFolder(dir)(t.Context(), "a/b", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "reports", "a", "b")); err != nil || string(b) != "x" {
		t.Errorf("%q, %v", b, err)
	}
}
