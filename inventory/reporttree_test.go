package inventory

import (
	"bytes"
	"compress/gzip"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/s3compact/s3compact/internal/orcwrite"
)

// object is one row of a report of all versions.
type object struct {
	key                 string
	size                int64
	modified            time.Time
	class               string
	old, marker, noSize bool
	etag                string
}

// tag is the object's ETag, which most tests do not care about.
func (o object) tag() string {
	if o.etag == "" {
		return "d41d8"
	}
	return o.etag
}

// csvFields is fileSchema as S3 writes it, with columns that nobody asked for.
const csvFields = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag, StorageClass, IsMultipartUploaded, SomethingNew"

func csvData(objects []object) []byte { return csvDataOf("source", objects) }

func csvDataOf(bucket string, objects []object) []byte {
	var b bytes.Buffer
	for _, o := range objects {
		size := strconv.FormatInt(o.size, 10)
		if o.marker || o.noSize {
			size = ""
		}
		fmt.Fprintf(&b, `"%s","%s","v1","%t","%t","%s","%s","%s","%s","false","a ""new"" field, with a comma"`+"\n",
			bucket, url.QueryEscape(o.key), !o.old, o.marker, size, o.modified.UTC().Format("2006-01-02T15:04:05.000Z"), o.tag(), o.class)
	}
	return b.Bytes()
}

func gzipped(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b) // a bytes.Buffer takes all
	_ = w.Close()
	return out.Bytes()
}

// orcData writes the objects with so many rows a stripe.
func orcData(t testing.TB, bucket string, objects []object, stripeRows int) []byte {
	t.Helper()
	return orcIndexed(t, bucket, objects, stripeRows, 0)
}

// orcIndexed writes them with so many rows a row group as well.
func orcIndexed(t testing.TB, bucket string, objects []object, stripeRows, stride int) []byte {
	t.Helper()
	var out bytes.Buffer
	fields := []orcwrite.Field{
		{Name: "bucket", Kind: orcwrite.String}, {Name: "key", Kind: orcwrite.String}, {Name: "version_id", Kind: orcwrite.String},
		{Name: "is_latest", Kind: orcwrite.Boolean}, {Name: "is_delete_marker", Kind: orcwrite.Boolean}, {Name: "size", Kind: orcwrite.Long},
		{Name: "last_modified_date", Kind: orcwrite.Timestamp}, {Name: "e_tag", Kind: orcwrite.String}, {Name: "storage_class", Kind: orcwrite.String},
		{Name: "something_new", Kind: orcwrite.Long},
	}
	w, err := orcwrite.NewWriter(&out, fields, orcwrite.Options{Compression: orcwrite.Zlib, BlockBytes: 4 << 10, RowIndexStride: stride})
	if err != nil {
		t.Fatal(err)
	}
	for len(objects) > 0 {
		n := min(stripeRows, len(objects))
		c := make([]orcwrite.Column, len(fields))
		for _, o := range objects[:n] {
			for i, s := range []string{bucket, o.key, "v1"} {
				c[i].Strings = append(c[i].Strings, s)
			}
			c[3].Bools = append(c[3].Bools, !o.old)
			c[4].Bools = append(c[4].Bools, o.marker)
			c[5].Present = append(c[5].Present, !o.marker && !o.noSize)
			c[5].Ints = append(c[5].Ints, o.size)
			c[6].Times = append(c[6].Times, o.modified)
			c[7].Strings = append(c[7].Strings, o.tag())
			c[8].Strings = append(c[8].Strings, o.class)
			c[9].Ints = append(c[9].Ints, 7)
		}
		if err := w.WriteStripe(n, c); err != nil {
			t.Fatal(err)
		}
		objects = objects[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// tree is a copy of a report's bucket in a folder, in S3's layout.
type tree struct {
	t        testing.TB
	root     string // the bucket's folder
	manifest manifest
}

const (
	configFolder = "reports/source/daily"
	reportName   = "2026-10-04T01-00Z"
)

// newTree writes a report of these data files.
func newTree(t testing.TB, format string, files ...[]byte) *tree {
	t.Helper()
	tr := &tree{t: t, root: t.TempDir()}
	tr.manifest = manifest{
		SourceBucket: "source", DestinationBucket: "arn:aws:s3:::reports", CreationTimestamp: "1791075600000", FileFormat: format,
		FileSchema: csvFields, Files: []dataFile{},
	}
	for i, b := range files {
		sum := md5.Sum(b)
		f := dataFile{Key: fmt.Sprintf("%s/data/%d.%s", configFolder, i, strings.ToLower(format)), SizeBytes: int64(len(b)), MD5: hex.EncodeToString(sum[:])}
		tr.write(f.Key, b)
		tr.manifest.Files = append(tr.manifest.Files, f)
	}
	tr.write(configFolder+"/hive/dt=2026-10-04-01-00/symlink.txt", nil)
	tr.writeManifest(reportName)
	return tr
}

func (tr *tree) path(name string) string { return filepath.Join(tr.root, filepath.FromSlash(name)) }

func (tr *tree) write(name string, b []byte) {
	tr.t.Helper()
	if err := os.MkdirAll(filepath.Dir(tr.path(name)), 0o755); err != nil {
		tr.t.Fatal(err)
	}
	if err := os.WriteFile(tr.path(name), b, 0o600); err != nil {
		tr.t.Fatal(err)
	}
}

func (tr *tree) remove(name string) {
	tr.t.Helper()
	if err := os.RemoveAll(tr.path(name)); err != nil {
		tr.t.Fatal(err)
	}
}

// writeManifest writes the manifest and its checksum into the folder of a report.
func (tr *tree) writeManifest(report string) {
	tr.t.Helper()
	b, err := json.MarshalIndent(&tr.manifest, "", "  ")
	if err != nil {
		tr.t.Fatal(err)
	}
	sum := md5.Sum(b)
	tr.write(configFolder+"/"+report+"/"+manifestName, b)
	tr.write(configFolder+"/"+report+"/"+checksumName, []byte(hex.EncodeToString(sum[:])+"\n"))
}

// config is the folder of the configuration, manifestPath the report's manifest.
func (tr *tree) config() string { return tr.path(configFolder) }
func (tr *tree) manifestPath() string {
	return tr.path(configFolder + "/" + reportName + "/" + manifestName)
}

// sampleObjects have everything that a report of all versions has.
func sampleObjects() []object {
	at := func(m int) time.Time { return time.Date(2026, 10, 3, 12, m, 0, 123e6, time.UTC) }
	var all []object
	for i := range 30 {
		all = append(all, object{key: fmt.Sprintf("app/logs/%02d.json.gz", i), size: int64(1000 + i), modified: at(i), class: "STANDARD"})
	}
	for i := range 12 {
		all = append(all, object{key: fmt.Sprintf("räume +%%20/日本//%d&=\".gz", i), size: 77, modified: at(i), class: "GLACIER_IR"})
	}
	return append(all,
		object{key: "app/large.gz", size: 1 << 40, modified: at(1), class: "STANDARD"},
		object{key: "root.gz", size: 5, modified: at(2), class: "STANDARD"},
		object{key: "app/logs/00.json.gz", size: 999, modified: at(0), class: "STANDARD", old: true},
		object{key: "app/logs/gone.gz", modified: at(3), marker: true},
		object{key: "app/logs/was.gz", modified: at(3), marker: true, old: true},
		object{key: "app/logs/unknown.gz", modified: at(3), noSize: true},
		object{key: "app/", modified: at(4), class: "STANDARD"},
	)
}
