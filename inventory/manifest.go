package inventory

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Formats of a report's data files, as fileFormat in a manifest names them.
const (
	formatCSV     = "CSV"
	formatORC     = "ORC"
	formatParquet = "Parquet"
)

// manifest is a report's manifest.json. Source: Amazon S3 User Guide,
// "Locating your inventory list".
type manifest struct {
	SourceBucket      string     `json:"sourceBucket"`
	DestinationBucket string     `json:"destinationBucket"` // an ARN, or the bare name
	CreationTimestamp string     `json:"creationTimestamp"` // milliseconds since 1970, as text
	FileFormat        string     `json:"fileFormat"`
	FileSchema        string     `json:"fileSchema"` // CSV: the columns in order, with commas between; else see fileSchema
	Files             []dataFile `json:"files"`
}

// dataFile is what a manifest says of one data file.
type dataFile struct {
	Key       string `json:"key"` // in the destination bucket
	SizeBytes int64  `json:"size"`
	MD5       string `json:"MD5checksum"` // hex
}

// parseManifest reads a manifest and checks that it can be worked with.
func parseManifest(b []byte) (*manifest, error) {
	m := &manifest{}
	if err := json.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("no manifest of S3 Inventory: %w", err)
	}
	if m.SourceBucket == "" || m.FileFormat == "" {
		return nil, errors.New("no manifest of S3 Inventory: it lacks sourceBucket or fileFormat")
	}
	if m.Files == nil { // S3 writes an empty list for an empty bucket
		return nil, errors.New("no whole manifest of S3 Inventory: it has no list of files, not even an empty one; fetch the report again, or use another one")
	}
	switch m.FileFormat {
	case formatCSV, formatORC, formatParquet:
	default:
		return nil, fmt.Errorf("the report's format %q is unknown: reports in ORC, Parquet and CSV are read", m.FileFormat)
	}
	if _, err := m.created(); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for i, f := range m.Files {
		switch sum, err := hex.DecodeString(f.MD5); {
		case f.Key == "":
			return nil, fmt.Errorf("data file %d has no key", i+1)
		case seen[f.Key]:
			return nil, fmt.Errorf("data file %s is named twice: its objects would count twice", f.Key)
		case f.SizeBytes < 0:
			return nil, fmt.Errorf("data file %s has a size of %d bytes", f.Key, f.SizeBytes)
		case err != nil || len(sum) != md5.Size:
			return nil, fmt.Errorf("data file %s has the MD5checksum %q, which is no MD5 in hex", f.Key, f.MD5)
		}
		seen[f.Key] = true
	}
	return m, nil
}

// created is when S3 began to scan the bucket.
func (m *manifest) created() (time.Time, error) {
	ms, err := strconv.ParseInt(m.CreationTimestamp, 10, 64)
	if err != nil || ms < 0 || ms > 253402300799999 { // the end of year 9999, the last that JSON times can hold
		return time.Time{}, fmt.Errorf("creationTimestamp %q is not milliseconds since 1970", m.CreationTimestamp)
	}
	return time.UnixMilli(ms).UTC(), nil
}

// destination is the bare name of the bucket that the report was delivered to.
func (m *manifest) destination() string {
	return m.DestinationBucket[strings.LastIndexByte(m.DestinationBucket, ':')+1:]
}

// checkManifest holds a manifest against manifest.checksum: its MD5 in hex and
// a newline.
func checkManifest(manifest, checksum []byte) error {
	want := strings.TrimSpace(string(checksum))
	if got := hex.EncodeToString(md5Sum(manifest)); !strings.EqualFold(got, want) {
		return fmt.Errorf("the MD5 of manifest.json is %s, but manifest.checksum says %.40q: fetch the report again, or use another one", got, want)
	}
	return nil
}

func md5Sum(b []byte) []byte {
	sum := md5.Sum(b)
	return sum[:]
}
