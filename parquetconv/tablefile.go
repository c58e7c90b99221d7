package parquetconv

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// tableFile is a Parquet file being written, in a temporary file without a name.
type tableFile struct {
	temp   *os.File
	writer *pqarrow.FileWriter
	sink   *sink
	closed bool
	rows   int64 // by its footer, once that is written
}

// sink counts what is written and keeps the Parquet writer from closing the file.
type sink struct {
	file  *os.File
	bytes int64
}

func (s *sink) Write(b []byte) (int, error) {
	n, err := s.file.Write(b)
	s.bytes += int64(n)
	return n, err
}

// Engines agree on: zstd, INT64 timestamps adjusted to UTC (of the Arrow type;
// INT96 is off by default), dictionaries where they pay, statistics of each
// column chunk.
var writerProperties = parquet.NewWriterProperties(
	parquet.WithCompression(compress.Codecs.Zstd),
	parquet.WithCompressionLevel(1),
	parquet.WithStats(true),
	parquet.WithMaxRowGroupLength(1<<40), // row groups are bounded by their bytes
	parquet.WithCreatedBy("s3compact"),
)

func newTableFile(s *arrow.Schema) (*tableFile, error) {
	temp, err := newTempFile()
	if err != nil {
		return nil, err
	}
	f := &tableFile{temp: temp, sink: &sink{file: temp}}
	f.writer, err = pqarrow.NewFileWriter(s, f.sink, writerProperties, pqarrow.DefaultWriterProps())
	if err != nil {
		return nil, errors.Join(err, temp.Close())
	}
	return f, nil
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

// size is the bytes written so far.
func (f *tableFile) size() int64 { return f.sink.bytes }

func (f *tableFile) close() error {
	if f.closed {
		return nil
	}
	f.closed = true
	return f.writer.Close()
}

// footerRows reads the number of rows back from the file as it was written.
func (f *tableFile) footerRows() (int64, error) {
	r, err := file.NewParquetReader(io.NewSectionReader(f.temp, 0, f.sink.bytes))
	if err != nil {
		return 0, err
	}
	var rows int64
	for i := range r.NumRowGroups() {
		rows += r.MetaData().RowGroups[i].NumRows
	}
	if rows != r.NumRows() {
		return 0, fmt.Errorf("the footer says %d rows, its row groups %d", r.NumRows(), rows)
	}
	return rows, nil
}
