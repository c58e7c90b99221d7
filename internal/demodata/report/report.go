// Package report writes S3 Inventory reports as Amazon S3 publishes them: the
// folders, manifest.json with its checksum, Hive's symlink.txt, and ORC or
// gzip CSV data files with all documented fields. The layout is that of the
// Amazon S3 User Guide, "Locating your inventory list"; the fields those of
// "Amazon S3 Inventory list".
package report

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/s3compact/s3compact/internal/demodata"
)

// Format is the format of the data files.
type Format string

// The formats that can be written, as manifest.json names them.
const (
	ORC Format = "ORC"
	CSV Format = "CSV"
)

// Report says which report to write.
type Report struct {
	SourceBucket      string
	DestinationBucket string
	Prefix            string // of all keys, without a closing slash; may be empty
	ConfigID          string
	Format            Format
	Created           time.Time // when the scan of the bucket began
	Versions          bool      // with the columns version_id, is_latest and is_delete_marker
	RowsPerFile       int       // 0: 100,000
	RowsPerStripe     int       // of ORC files; 0: 20,000
}

const (
	defaultRowsPerFile   = 100_000
	defaultRowsPerStripe = 20_000
	manifestVersion      = "2016-11-30" // of the format, as S3 writes it
)

type manifest struct {
	SourceBucket      string         `json:"sourceBucket"`
	DestinationBucket string         `json:"destinationBucket"` // as an ARN
	Version           string         `json:"version"`
	CreationTimestamp string         `json:"creationTimestamp"` // milliseconds since 1970, as text
	FileFormat        Format         `json:"fileFormat"`
	FileSchema        string         `json:"fileSchema"`
	Files             []manifestFile `json:"files"`
}

type manifestFile struct {
	Key         string `json:"key"`
	SizeBytes   int64  `json:"size"`
	MD5Checksum string `json:"MD5checksum"`
}

// Write writes the report of the rows and returns the key of its
// manifest.json, which comes after everything that it names; its checksum
// comes last. Memory: the rows of one data file.
func (r Report) Write(ctx context.Context, rows iter.Seq2[Row, error], put demodata.Put) (manifestKey string, err error) {
	if r.RowsPerFile == 0 {
		r.RowsPerFile = defaultRowsPerFile
	}
	if r.RowsPerStripe == 0 {
		r.RowsPerStripe = defaultRowsPerStripe
	}
	fields := fieldsOf(r.Versions)
	m := manifest{
		SourceBucket:      r.SourceBucket,
		DestinationBucket: "arn:aws:s3:::" + r.DestinationBucket,
		Version:           manifestVersion,
		CreationTimestamp: strconv.FormatInt(r.Created.UnixMilli(), 10),
		FileFormat:        r.Format,
		Files:             []manifestFile{},
	}
	var encode func([]field, []Row) ([]byte, error)
	var suffix string
	switch r.Format {
	case ORC:
		encode, suffix, m.FileSchema = r.encodeORC, ".orc", orcSchema(fields)
	case CSV:
		encode, suffix, m.FileSchema = encodeCSV, ".csv.gz", csvSchema(fields)
	default:
		return "", fmt.Errorf("inventory report: format %q cannot be written", r.Format)
	}
	flush := func(batch []Row) error {
		body, err := encode(fields, batch)
		if err != nil {
			return fmt.Errorf("inventory report: encode a data file: %w", err)
		}
		key := r.key("data", r.fileName(len(m.Files))+suffix)
		m.Files = append(m.Files, manifestFile{Key: key, SizeBytes: int64(len(body)), MD5Checksum: md5Hex(body)})
		return put(ctx, key, body)
	}
	var batch []Row
	for row, err := range rows {
		if err != nil {
			return "", fmt.Errorf("inventory report: read the rows: %w", err)
		}
		if batch = append(batch, row); len(batch) == r.RowsPerFile {
			if err := flush(batch); err != nil {
				return "", err
			}
			batch = batch[:0]
		}
	}
	if len(batch) > 0 {
		if err := flush(batch); err != nil {
			return "", err
		}
	}
	return r.publish(ctx, m, put)
}

// publish writes what makes the data files a report.
func (r Report) publish(ctx context.Context, m manifest, put demodata.Put) (manifestKey string, err error) {
	created := r.Created.UTC()
	var links strings.Builder
	for _, f := range m.Files {
		fmt.Fprintf(&links, "s3://%s/%s\n", r.DestinationBucket, f.Key)
	}
	body, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return "", err
	}
	manifestKey = r.key(created.Format("2006-01-02T15-04Z"), "manifest.json")
	for _, o := range []struct {
		key  string
		body []byte
	}{
		{r.key("hive", "dt="+created.Format("2006-01-02-15-04"), "symlink.txt"), []byte(links.String())},
		{manifestKey, body},
		{r.key(created.Format("2006-01-02T15-04Z"), "manifest.checksum"), []byte(md5Hex(body) + "\n")},
	} {
		if err := put(ctx, o.key, o.body); err != nil {
			return "", fmt.Errorf("inventory report: put %s: %w", o.key, err)
		}
	}
	return manifestKey, nil
}

func (r Report) key(names ...string) string {
	return path.Join(r.Prefix, r.SourceBucket, r.ConfigID, path.Join(names...))
}

// fileName is a UUID that follows from the report and the file's number, so
// that the same report has the same names.
func (r Report) fileName(number int) string {
	sum := md5.Sum(fmt.Appendf(nil, "%s %s %s %d %d", r.SourceBucket, r.ConfigID, r.Format, r.Created.UnixMilli(), number))
	sum[6], sum[8] = sum[6]&0x0f|0x40, sum[8]&0x3f|0x80
	h := hex.EncodeToString(sum[:])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}

func md5Hex(b []byte) string {
	sum := md5.Sum(b)
	return hex.EncodeToString(sum[:])
}

// ToFolder stores a report below a local folder that is named for its bucket,
// in the folder dir: the tree that a download of the bucket would be.
func (r Report) ToFolder(dir string) demodata.Put {
	return demodata.ToFolder(filepath.Join(dir, r.DestinationBucket))
}
