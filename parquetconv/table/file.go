package table

import (
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/parquet/file"
)

// tableFile is a Parquet file being written. It holds the metadata of its row
// groups until it is closed.
type tableFile struct {
	out    spoolFile
	sink   *sink
	writer *file.Writer
	rows   int64
	// metadataBytes is about what it holds until it is closed.
	metadataBytes int64
}

// sink buffers what a Parquet writer writes; its buffer is lent for a row group.
type sink struct {
	out *spoolFile
	buf []byte
}

const sinkBytes = 1 << 20

func (s *sink) Write(b []byte) (int, error) {
	s.buf = append(s.buf, b...)
	if len(s.buf) >= sinkBytes {
		return len(b), s.flush()
	}
	return len(b), nil
}

func (s *sink) flush() error {
	if len(s.buf) == 0 {
		return nil
	}
	err := s.out.append(s.buf)
	s.buf = s.buf[:0]
	return err
}

func newTableFile(f *format, out *spool, encodings []encoding, buf []byte) (*tableFile, error) {
	t := &tableFile{out: spoolFile{spool: out}}
	t.sink = &sink{out: &t.out, buf: buf}
	var err error
	t.writer, err = file.NewParquetWriterWithError(t.sink, f.root.Root(), file.WithWriterProps(f.properties(encodings)))
	if err != nil {
		return nil, err
	}
	return t, t.sink.flush()
}

// size is what was written so far.
func (t *tableFile) size() int64 { return t.out.size + int64(len(t.sink.buf)) }

// close writes the footer and reads it back.
func (t *tableFile) close() error {
	if err := t.writer.Close(); err != nil {
		return err
	}
	if err := t.sink.flush(); err != nil {
		return err
	}
	t.writer = nil
	r, err := file.NewParquetReader(io.NewSectionReader(&t.out, 0, t.out.size))
	if err != nil {
		return fmt.Errorf("read back its footer: %w", err)
	}
	rows := int64(0)
	for i := range r.NumRowGroups() {
		rows += r.MetaData().RowGroups[i].NumRows
	}
	if rows != t.rows || r.NumRows() != t.rows {
		return fmt.Errorf("its footer says %d rows, its row groups %d, where %d were written", r.NumRows(), rows, t.rows)
	}
	return nil
}
