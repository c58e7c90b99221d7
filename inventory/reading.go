package inventory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
)

// openRows is a data file that is open. Its rows are read in units, several at
// the same time.
type openRows interface {
	units() int
	// unreported are the fields that a forecast needs and the file does not have.
	unreported() []string
	// reader makes what one goroutine reads units with, one after the other.
	reader() (unitReader, error)
}

// unitReader reads units of one data file for one goroutine.
type unitReader interface {
	// read hands all rows of a unit to w. It tells progress the rows, and how many
	// bytes of the file they took. An error says where in the file it is.
	read(ctx context.Context, unit int, w *worker, progress Progress) error
}

// reading is a report while it is read. Workers take units of the files that are
// open before they open another one, so that few files are open at a time and
// a large one keeps all workers busy.
type reading struct {
	*report
	groups   *groups
	workers  int
	verify   bool
	progress Progress

	mu      sync.Mutex
	change  sync.Cond // a file was opened, or not
	next    int       // the first file that nobody has opened
	opening int       // files that are being opened
	open    []*openData
	lacks   []string // fields that a forecast needs and some file does not have
}

// openData is a file that is open or done.
type openData struct {
	*dataFile
	rows  openRows
	next  int // the first unit that nobody has taken
	left  int // units that are not done
	close func() error
}

// run reads all files.
func (rd *reading) run(ctx context.Context) error {
	rd.change.L = &rd.mu
	eg, gctx := errgroup.WithContext(ctx)
	for range rd.workers {
		eg.Go(func() error { return rd.work(gctx) })
	}
	err := eg.Wait()
	for _, f := range rd.open { // those that an error left open
		_ = f.close() // only read
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// work is what each worker does.
func (rd *reading) work(ctx context.Context) error {
	w := rd.groups.worker()
	var file *openData
	var reader unitReader
	for {
		f, unit, err := rd.take(ctx)
		if err != nil {
			return err
		}
		if f == nil {
			if err := w.flush(); err != nil {
				return fmt.Errorf("%s: %w", rd.at(), err)
			}
			return nil
		}
		if f != file {
			file = f
			reader, err = f.rows.reader()
		}
		if err == nil {
			err = reader.read(ctx, unit, w, rd.progress)
		}
		if err != nil {
			return rd.failed(f.dataFile, err)
		}
		rd.done(f)
	}
}

func (rd *reading) failed(f *dataFile, err error) error {
	var tooMany *tooManyGroups
	if errors.As(err, &tooMany) { // the file is not to blame
		return fmt.Errorf("%s: %w", rd.at(), tooMany)
	}
	return fmt.Errorf("data file %s of %s: %w", f.Key, rd.at(), err)
}

// take returns the next unit to read, nil when there is none left.
func (rd *reading) take(ctx context.Context) (*openData, int, error) {
	rd.mu.Lock()
	defer rd.mu.Unlock()
	for {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		for _, f := range rd.open {
			if f.next < f.rows.units() {
				f.next++
				return f, f.next - 1, nil
			}
		}
		switch {
		case rd.next < len(rd.manifest.Files):
			df := &rd.manifest.Files[rd.next]
			rd.next++
			if err := rd.openNext(ctx, df); err != nil {
				return nil, 0, rd.failed(df, err)
			}
		case rd.opening > 0:
			rd.change.Wait()
		default:
			return nil, 0, nil
		}
	}
}

// openNext opens a file. rd.mu is held, but not while the file is opened.
func (rd *reading) openNext(ctx context.Context, df *dataFile) error {
	rd.opening++
	rd.mu.Unlock()
	f, err := rd.openFile(ctx, df)
	rd.mu.Lock()
	rd.opening--
	rd.change.Broadcast()
	if err != nil {
		return err
	}
	for _, name := range f.rows.unreported() {
		if !slices.Contains(rd.lacks, name) {
			rd.lacks = append(rd.lacks, name)
		}
	}
	if f.left == 0 {
		return f.close()
	}
	rd.open = append(rd.open, f)
	return nil
}

// done says that a unit of f was read.
func (rd *reading) done(f *openData) {
	rd.mu.Lock()
	defer rd.mu.Unlock()
	if f.left--; f.left > 0 {
		return
	}
	_ = f.close() // only read
	for i, o := range rd.open {
		if o == f {
			rd.open = append(rd.open[:i], rd.open[i+1:]...)
			break
		}
	}
}

// openFile opens a data file, and reads it whole when it is small.
func (rd *reading) openFile(ctx context.Context, df *dataFile) (o *openData, err error) {
	f, err := rd.place.open(ctx, rd.folder, rd.manifest, df.Key)
	if err != nil {
		if missing(err) {
			return nil, fmt.Errorf("it is missing; reports and their data files expire by lifecycle rules: use a newer report: %w", err)
		}
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = f.close() // only read
		}
	}()
	if f.sizeBytes != df.SizeBytes {
		return nil, fmt.Errorf("%s has %d bytes, but the manifest says %d: fetch it again, or use another report", f.name, f.sizeBytes, df.SizeBytes)
	}
	o = &openData{dataFile: df, close: f.close}
	switch {
	case rd.manifest.FileFormat == formatCSV:
		o.rows, err = newCSVFile(f, rd.manifest.FileSchema, df.MD5, rd.groups.each != nil)
	case f.sizeBytes <= wholeFileBytes:
		var b []byte
		if b, err = readChecked(ctx, f, df.MD5); err != nil {
			return nil, err
		}
		o.rows, err = rd.openColumnar(bytes.NewReader(b), df)
	default:
		if rd.verify {
			if err := verifyMD5(ctx, f, df.MD5); err != nil {
				return nil, err
			}
		}
		o.rows, err = rd.openColumnar(f, df)
	}
	if err != nil {
		return nil, err
	}
	o.left = o.rows.units()
	return o, nil
}

// openColumnar opens a file of columns. Where there are few files, each is read
// in several units, so that all workers have work.
func (rd *reading) openColumnar(r io.ReaderAt, df *dataFile) (openRows, error) {
	schema := parseFileSchema(rd.manifest.FileFormat, rd.manifest.FileSchema)
	if rd.manifest.FileFormat == formatParquet {
		return openParquet(r, df.SizeBytes, schema, rd.groups.each != nil)
	}
	files := len(rd.manifest.Files)
	return openORC(r, df.SizeBytes, schema, (unitsPerWorker*rd.workers+files-1)/files, rd.groups.each != nil)
}

// unitsPerWorker is how many units each worker should find at least: the more,
// the less they wait for the last one.
const unitsPerWorker = 4
