package inventory

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	pqfile "github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/schema"
)

const (
	// parquetBufferBytes is read of a column at once, or all of it where it is less:
	// three columns of a report are large.
	parquetBufferBytes = 2 << 20
	// maxPageBytes bounds a page, of which each column has one in memory. S3's have
	// 1 MiB.
	maxPageBytes = 64 << 20
)

// parquetFile is a Parquet data file. Its units are row groups.
//
// S3 writes the columns as optional UTF8, INT64, BOOLEAN and INT64
// (TIMESTAMP_MILLIS), with Snappy. Source: Amazon S3 User Guide, "Locating your
// inventory list", the fileSchema of a Parquet report. Other writers' widths and
// units of these types are read as well.
type parquetFile struct {
	source    io.ReaderAt
	sizeBytes int64
	meta      *metadata.FileMetaData
	columns   // places of the leaves in the file
	names     [numColumns]string
	perMilli  [2]int64 // units of colModified and colLockUntil in a millisecond
	starts    []int64  // number of the first row of each row group, and the end
}

// openParquet opens a Parquet data file of a report with this schema.
func openParquet(r io.ReaderAt, sizeBytes int64, fields fileSchema, etags bool) (*parquetFile, error) {
	f := &parquetFile{source: r, sizeBytes: sizeBytes}
	in, err := f.open(nil)
	if err != nil {
		return nil, err
	}
	f.meta = in.MetaData()
	if err := f.bind(fields, etags); err != nil {
		return nil, err
	}
	return f, f.checkRowGroups()
}

// open makes a reader of the file, for one goroutine; with the metadata, where
// they were read before.
func (f *parquetFile) open(meta *metadata.FileMetaData) (in *pqfile.Reader, err error) {
	props := parquet.NewReaderProperties(memory.DefaultAllocator)
	props.BufferedStreamEnabled, props.BufferSize = true, parquetBufferBytes
	props.MaxCompressedPageSize, props.MaxUncompressedPageSize = maxPageBytes, maxPageBytes
	options := []pqfile.ReadOption{pqfile.WithReadProps(props)}
	if meta != nil {
		options = append(options, pqfile.WithMetadata(meta))
	}
	err = arrowGo(func() error {
		in, err = pqfile.NewParquetReader(io.NewSectionReader(f.source, 0, f.sizeBytes), options...)
		return err
	})
	return in, err
}

// arrowGo calls arrow-go, which panics on some damaged files; that is an error here.
func arrowGo(call func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the file is damaged: %v", r)
		}
	}()
	return call()
}

// bind finds the columns and checks their types.
func (f *parquetFile) bind(fields fileSchema, etags bool) error {
	names := make([]string, f.meta.Schema.NumColumns())
	for i := range names {
		names[i] = f.meta.Schema.Column(i).Path() // with dots, where it lies in another one
	}
	var err error
	if f.columns, err = bindColumns(names, etags); err != nil {
		return err
	}
	for c, place := range f.columns {
		if place < 0 {
			continue
		}
		f.names[c] = names[place]
		d := f.meta.Schema.Column(place)
		want := f.checkType(column(c), d)
		switch {
		case want == "":
		case column(c) > colBucket:
			f.columns[c] = -1 // AWS may write it in another way some day: nothing is known of it then
		default:
			return fmt.Errorf("column %s is of type %s, expected %s: this is no S3 Inventory report", names[place], typeOf(d), want)
		}
	}
	return fields.check(names, &f.columns)
}

func typeOf(d *schema.Column) string {
	s := d.PhysicalType().String()
	if l := d.LogicalType(); l != nil && !l.IsNone() {
		s += " (" + l.String() + ")"
	}
	if d.MaxRepetitionLevel() > 0 {
		s = "list of " + s
	}
	return s
}

// checkType says what a column should be, "" where it is.
func (f *parquetFile) checkType(c column, d *schema.Column) (want string) {
	flat := d.MaxRepetitionLevel() == 0 && d.MaxDefinitionLevel() <= 1
	physical := d.PhysicalType()
	switch c {
	case colSize:
		if want = "INT64"; flat && (physical == parquet.Types.Int64 || physical == parquet.Types.Int32) {
			want = ""
		}
	case colModified, colLockUntil:
		want = "INT64 (Timestamp) or INT96"
		if flat && physical == parquet.Types.Int96 {
			return ""
		}
		if t, ok := d.LogicalType().(schema.TimestampLogicalType); ok && flat && physical == parquet.Types.Int64 {
			units := map[schema.TimeUnitType]int64{schema.TimeUnitMillis: 1, schema.TimeUnitMicros: 1e3, schema.TimeUnitNanos: 1e6}
			if n := units[t.TimeUnit()]; n > 0 {
				f.perMilli[timeIndex(c)], want = n, ""
			}
		}
	case colLatest, colMarker:
		if want = "BOOLEAN"; flat && physical == parquet.Types.Boolean {
			want = ""
		}
	default:
		if want = "BYTE_ARRAY"; flat && physical == parquet.Types.ByteArray {
			want = ""
		}
	}
	return want
}

// timeIndex is the place in perMilli.
func timeIndex(c column) int {
	if c == colModified {
		return 0
	}
	return 1
}

// checkRowGroups holds what the footer says of the row groups and their columns
// against each other and against the file.
func (f *parquetFile) checkRowGroups() error {
	f.starts = make([]int64, 1, f.meta.NumRowGroups()+1)
	var rows int64
	for i := range f.meta.NumRowGroups() {
		g := f.meta.RowGroup(i)
		if g.NumRows() < 0 || g.NumRows() > f.meta.NumRows-rows {
			return fmt.Errorf("row group %d has %d rows, but the file has %d: it is damaged", i, g.NumRows(), f.meta.NumRows)
		}
		rows += g.NumRows()
		f.starts = append(f.starts, rows)
		for c, place := range f.columns {
			if place < 0 {
				continue
			}
			if err := f.checkChunk(g, place); err != nil {
				return fmt.Errorf("row group %d, column %s: %w", i, f.names[c], err)
			}
		}
	}
	if rows != f.meta.NumRows {
		return fmt.Errorf("the row groups have %d rows, but the file has %d: it is damaged", rows, f.meta.NumRows)
	}
	return nil
}

// checkChunk checks the place of a column of a row group, and its number of values.
func (f *parquetFile) checkChunk(g *metadata.RowGroupMetaData, place int) error {
	if place >= g.NumColumns() {
		return errors.New("the row group has no such column: the file is damaged")
	}
	var chunk *metadata.ColumnChunkMetaData
	err := arrowGo(func() (err error) {
		chunk, err = g.ColumnChunk(place)
		return err
	})
	if err != nil {
		return err
	}
	if chunk.NumValues() != g.NumRows() {
		return fmt.Errorf("%d values in %d rows: the file is damaged", chunk.NumValues(), g.NumRows())
	}
	start := chunk.DataPageOffset()
	if d := chunk.DictionaryPageOffset(); chunk.HasDictionaryPage() && d > 0 {
		start = min(start, d)
	}
	if n := chunk.TotalCompressedSize(); start < 0 || n < 0 || n > f.sizeBytes || start > f.sizeBytes-n {
		return fmt.Errorf("%d bytes from byte %d on, but the file has %d: it is damaged", n, start, f.sizeBytes)
	}
	return nil
}

func (f *parquetFile) units() int { return f.meta.NumRowGroups() }

func (f *parquetFile) reader() (unitReader, error) {
	in, err := f.open(f.meta)
	if err != nil {
		return nil, err
	}
	return &parquetReader{parquetFile: f, in: in}, nil
}

// storedBytes is the share of a row group in the file.
func (f *parquetFile) storedBytes(unit int) int64 {
	part := func(row int64) int64 {
		return int64(float64(f.sizeBytes) * float64(row) / float64(max(1, f.meta.NumRows)))
	}
	return part(f.starts[unit+1]) - part(f.starts[unit])
}

// parquetReader makes batches of the rows of a Parquet file.
type parquetReader struct {
	*parquetFile
	in     *pqfile.Reader
	chunks [numColumns]pqfile.ColumnChunkReader // of the row group; nil where there is no such column

	batch        batch
	absent       []absent
	latest       []bool
	marker       []bool
	live         []bool
	codes, locks []uint16
	kinds        []uint16
	anyLock      bool
	lockRow      int // the next row of colLockUntil
	levels       [parquetRun]int16
	words        [parquetRun]parquet.ByteArray
	numbers      [parquetRun]int64
	shortNumbers [parquetRun]int32
	oldTimes     [parquetRun]parquet.Int96
	booleans     [parquetRun]bool
}

// parquetRun is how many rows of a column are read at once; they never cross
// pages.
const parquetRun = 1024

// absent says what a row has no value of.
type absent uint8

const (
	noKey absent = 1 << iota
	noSize
	noTime
)

func (r *parquetReader) read(ctx context.Context, unit int, w *worker, progress Progress) (err error) {
	defer func() {
		if e := r.close(); err == nil {
			err = e
		}
		if err != nil {
			err = fmt.Errorf("row group %d: %w", unit, err)
		}
	}()
	for c, place := range r.columns {
		if place < 0 {
			continue
		}
		err := arrowGo(func() (err error) {
			r.chunks[c], err = r.in.RowGroup(unit).Column(place)
			return err
		})
		if err != nil {
			return fmt.Errorf("column %s: %w", r.names[c], err)
		}
	}
	for row, end := r.starts[unit], r.starts[unit+1]; row < end; row += int64(r.batch.rows) {
		if err := ctx.Err(); err != nil {
			return err
		}
		r.batch.reset(row)
		r.batch.rows = int(min(batchRows, end-row))
		if err := r.fill(w); err != nil {
			return err
		}
		if err := w.add(&r.batch); err != nil {
			return err
		}
		progress.Add(int64(r.batch.rows), 0)
	}
	if err := r.checkEnds(); err != nil {
		return err
	}
	progress.Add(0, r.storedBytes(unit))
	return nil
}

// close closes the columns of a row group.
func (r *parquetReader) close() error {
	var errs []error
	for c, chunk := range r.chunks {
		if chunk != nil {
			if err := arrowGo(chunk.Close); err != nil {
				errs = append(errs, fmt.Errorf("column %s: %w", r.names[c], err))
			}
		}
		r.chunks[c] = nil
	}
	return errors.Join(errs...)
}

// checkEnds looks for values behind the last row.
func (r *parquetReader) checkEnds() error {
	for c, chunk := range r.chunks {
		if chunk == nil {
			continue
		}
		err := arrowGo(func() error {
			if chunk.HasNext() {
				return errors.New("it has more values than the row group has rows: the file is damaged")
			}
			return chunk.Err()
		})
		if err != nil {
			return fmt.Errorf("column %s: %w", r.names[c], err)
		}
	}
	return nil
}
