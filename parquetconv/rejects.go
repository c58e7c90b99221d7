package parquetconv

import (
	"encoding/json"
	"fmt"
	"os"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"

	"github.com/s3compact/s3compact/parquetconv/rows"
)

// origin names an original as it was first stored.
type origin struct{ bucket, key, etag string }

// sourceKey is what its rows, and rejects, tell of it: the key, or the path of a local file.
func (o origin) sourceKey() string {
	if o.bucket == "" {
		return "/" + o.key
	}
	return o.key
}

// rejectWriter writes the rejected rows of a batch as gzip JSON lines.
type rejectWriter struct {
	temp *os.File
	gz   *gzip.Writer
	json *json.Encoder
	rows int64
	// first tells of the first reject, for people.
	first string
}

// rejectLine is a rejected row.
type rejectLine struct {
	Bucket string `json:"bucket,omitempty"`
	Key    string `json:"key"`
	ETag   string `json:"etag"`
	Offset int64  `json:"offset"` // of the row in the uncompressed original
	Column string `json:"column,omitempty"`
	Reason string `json:"reason"`
	Detail string `json:"detail"`
	// Raw is the row's text, at most rows.MaxRawBytes of it; RawBytes, base64,
	// stands in its place where it is not UTF-8.
	Raw      string `json:"raw,omitempty"`
	RawBytes []byte `json:"raw_base64,omitempty"`
}

func (w *rejectWriter) add(from origin, rejects []rows.Reject) error {
	if len(rejects) == 0 {
		return nil
	}
	if w.temp == nil {
		var err error
		if w.temp, err = newTempFile(); err != nil {
			return err
		}
		w.gz, _ = gzip.NewWriterLevel(w.temp, gzip.BestSpeed)
		w.json = json.NewEncoder(w.gz)
		w.json.SetEscapeHTML(false)
	}
	if w.rows == 0 {
		r := rejects[0]
		w.first = fmt.Sprintf("%s at byte %d: %s", name(from.bucket, from.key), r.Offset, r.Reason)
		if r.Column != "" {
			w.first += fmt.Sprintf(" in column %q", r.Column)
		}
		w.first += ": " + r.Detail
	}
	for _, r := range rejects {
		line := rejectLine{Bucket: from.bucket, Key: from.sourceKey(), ETag: from.etag, Offset: r.Offset, Column: r.Column, Reason: r.Reason, Detail: r.Detail}
		if utf8.Valid(r.Raw) {
			line.Raw = string(r.Raw)
		} else {
			line.RawBytes = r.Raw
		}
		if err := w.json.Encode(line); err != nil {
			return err
		}
		w.rows++
	}
	return nil
}

// close finishes the file and says how long it is.
func (w *rejectWriter) close() (sizeBytes int64, err error) {
	if w.gz == nil {
		return 0, nil
	}
	if err := w.gz.Close(); err != nil {
		return 0, err
	}
	i, err := w.temp.Stat()
	if err != nil {
		return 0, err
	}
	return i.Size(), nil
}

// free gives the temporary file back.
func (w *rejectWriter) free() error {
	if w.temp == nil {
		return nil
	}
	return w.temp.Close()
}

// newTempFile makes a file that is gone when it is closed, however the process ends.
func newTempFile() (*os.File, error) {
	f, err := os.CreateTemp("", "s3compact-*")
	if err != nil {
		return nil, fmt.Errorf("make a temporary file (TMPDIR says where): %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, fmt.Errorf("unlink a temporary file: %w", err)
	}
	return f, nil
}
