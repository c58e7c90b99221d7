package orc

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

const (
	// maxStripeRows bounds the decoded values of one column of a stripe: to 512 MiB, 1 GiB for decimals.
	maxStripeRows = 64 << 20
	// maxStreamBytes bounds one decompressed stream, so that offsets into it fit in 32 bits.
	maxStreamBytes = math.MaxInt32
)

// Reader decodes chosen columns, one stripe at a time, into memory that it uses again for the next. It is for one goroutine.
type Reader struct {
	file    *File
	columns []*columnReader
	root    *columnReader   // for its PRESENT stream only; nil if the root is itself a column
	byID    []*columnReader // by type id; nil for columns that aren't wanted
	zone    *time.Location  // the writer's, where a stripe names none

	decompressor *decompressor
	footer       stripeFooter
	footerBuf    []byte
	stored       []byte   // the stored bytes of the wanted streams
	wanted       []stream // the wanted streams in file order
	ints         []int64
	packed       []byte
	batch        Batch

	span        Span
	skips       [][]bool // by row group of the span and column
	whole, out  Batch
	group       RowGroup
	nextGroup   int
	row, endRow int
}

// NewReader returns a reader of the named top-level columns, each of which must exist once and be of a primitive kind.
// Without names it reads none, and batches have only their number of rows.
func (f *File) NewReader(columns ...string) (*Reader, error) {
	if !f.version.known() {
		return nil, fmt.Errorf("orc: format version %d.%d is not known: this reader knows ORC v1 (0.11 and 0.12)",
			f.version.major, f.version.minor)
	}
	r := &Reader{
		file:         f,
		byID:         make([]*columnReader, len(f.tail.types)),
		zone:         time.UTC,
		decompressor: newDecompressor(f.compression, f.blockBytes),
	}
	for _, name := range columns {
		c, err := r.newColumn(name)
		if err != nil {
			return nil, fmt.Errorf("orc: column %q: %w", name, err)
		}
		r.columns = append(r.columns, c)
		r.byID[c.id] = c
		r.batch.Columns = append(r.batch.Columns, &c.vector)
	}
	if f.tail.types[0].kind == KindStruct {
		r.root = &columnReader{name: "(root)"}
		r.byID[0] = r.root
	}
	return r, nil
}

func (r *Reader) newColumn(name string) (*columnReader, error) {
	var found *columnReader
	for i, column := range r.file.columns {
		if column.Name != name {
			continue
		}
		if found != nil {
			return nil, errors.New("the file has two columns of this name")
		}
		id := r.file.columnIDs[i]
		found = &columnReader{name: name, id: id, info: r.file.tail.types[id], vector: Vector{Kind: column.Kind}}
	}
	switch {
	case found == nil:
		return nil, fmt.Errorf("the file has no such column; it has %v", columnNames(r.file.columns))
	case r.byID[found.id] != nil:
		return nil, errors.New("it is named twice")
	case found.info.kind.Nested():
		return nil, fmt.Errorf("columns of kind %v cannot be read", found.info.kind)
	case r.file.tail.encrypted != nil && r.file.tail.encrypted[found.id]:
		return nil, errors.New("it is encrypted, and only a masked copy can be read without the key")
	}
	return found, nil
}

func columnNames(columns []Column) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	return names
}

// AssumeTimezone sets the time zone of the writer for stripes that name none, as in files of old writers. UTC
// is assumed otherwise. It matters where that zone is not as far from UTC as at the start of 2015, so in summer: from then,
// in that zone, the seconds are counted.
func (r *Reader) AssumeTimezone(writer *time.Location) { r.zone = writer }

// ReadStripe decodes stripe i. The batch is valid until the next call. An error names the stripe and the column; there are
// no partial answers.
func (r *Reader) ReadStripe(ctx context.Context, i int) (*Batch, error) {
	if i < 0 || i >= r.file.NumStripes() {
		return nil, fmt.Errorf("orc: stripe %d does not exist: the file has %d", i, r.file.NumStripes())
	}
	if err := r.readStripe(ctx, i); err != nil {
		return nil, fmt.Errorf("orc: stripe %d: %w", i, err)
	}
	return &r.batch, nil
}

func (r *Reader) readStripe(ctx context.Context, i int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if rows := r.file.tail.stripes[i].Rows; rows > maxStripeRows {
		return fmt.Errorf("it has %d rows, more than the limit of %d", rows, maxStripeRows)
	}
	r.batch.Rows = int(r.file.tail.stripes[i].Rows)
	if err := r.readStripeFooter(i); err != nil {
		return fmt.Errorf("stripe footer: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := r.readStreams(); err != nil {
		return err
	}
	var rootPresent []bool
	rootValues := r.batch.Rows
	if r.root != nil {
		var err error
		if rootValues, err = r.decodePresent(r.root, r.batch.Rows); err != nil {
			return fmt.Errorf("column %q: %w", r.root.name, err)
		}
		rootPresent = r.root.vector.Present
	}
	for _, c := range r.columns {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.decodeColumn(c, i, rootPresent, rootValues); err != nil {
			return fmt.Errorf("column %q: %w", c.name, err)
		}
	}
	return nil
}
