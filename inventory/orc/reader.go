package orc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// batchRows is the most rows of a batch.
const batchRows = 4096

// Reader decodes chosen columns of one span after the other, batch by batch, into memory that it uses again. It is for one
// goroutine.
type Reader struct {
	file    *File
	columns []*column
	root    *column   // for its PRESENT stream only; nil if the root is itself a column
	byID    []*column // by type id; nil for columns that aren't wanted
	zone    *time.Location

	decompressor *decompressor
	levels       []levels // by column; nil until they are needed

	// What belongs to one stripe, and is kept for the next span of it.
	stripe    int // -1: none
	footer    stripeFooter
	memory    []byte // of the decompressed footer
	stats     []Statistics
	utc       bool // whether the writer's zone is UTC
	hasIndex  bool // the row indexes were read
	small     storage
	footers   storage
	indexes   storage
	data      storage
	ranges    []byteRange
	described []Statistics // of each row group of the span and each column
	skips     []bool       // the same

	span  Span
	group RowGroup
	row   int64 // the next row in the stripe
	left  int64 // rows of the row group that are to come
	begun bool  // group is one of the span
	err   error // what Next returns from now on
	batch Batch
}

var errNotOpen = errors.New("orc: no span is open")

// NewReader returns a reader of the named top-level columns, each of which must exist once and be of a primitive kind.
// Without names it reads none, and batches have only their number of rows.
func (f *File) NewReader(columns ...string) (*Reader, error) {
	if !f.version.known() {
		return nil, fmt.Errorf("orc: format version %d.%d is not known: this reader knows ORC v1 (0.11 and 0.12)",
			f.version.major, f.version.minor)
	}
	r := &Reader{
		file:         f,
		byID:         make([]*column, len(f.tail.types)),
		zone:         time.UTC,
		decompressor: newDecompressor(f.compression, f.blockBytes),
		stripe:       -1,
		err:          errNotOpen,
	}
	for _, name := range columns {
		c, err := r.newColumn(name)
		if err != nil {
			return nil, fmt.Errorf("orc: column %q: %w", name, err)
		}
		c.number = len(r.columns)
		r.columns = append(r.columns, c)
		r.byID[c.id] = c
		r.batch.Columns = append(r.batch.Columns, &c.vector)
	}
	if f.tail.types[0].kind == KindStruct {
		r.root = &column{name: "(root)", info: f.tail.types[0]}
		r.byID[0] = r.root
	}
	return r, nil
}

func (r *Reader) newColumn(name string) (*column, error) {
	var found *column
	for i, described := range r.file.columns {
		if described.Name != name {
			continue
		}
		if found != nil {
			return nil, errors.New("the file has two columns of this name")
		}
		id := r.file.columnIDs[i]
		found = &column{name: name, id: id, info: r.file.tail.types[id], vector: Vector{Kind: described.Kind}}
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
	found.decimal64 = r.file.version == unstablePre2 && found.info.kind == KindDecimal &&
		found.info.precision > 0 && found.info.precision <= maxDecimal64Digits
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
func (r *Reader) AssumeTimezone(writer *time.Location) {
	r.zone = writer
	r.stripe = -1
}

// Next returns the next rows of the span, at most 4096 of one row group. After the last it returns [io.EOF], once all that
// can be checked of the span was found right: rows before that may be of a damaged file. The batch is valid until the next
// call of Next or Open. After an error, a span must be opened anew.
func (r *Reader) Next(ctx context.Context) (*Batch, error) {
	if r.err != nil {
		return nil, r.err
	}
	more, err := r.next(ctx)
	switch {
	case err != nil:
		r.err = fmt.Errorf("orc: stripe %d: %w", r.span.Stripe, err)
	case !more:
		r.err = io.EOF
	default:
		return &r.batch, nil
	}
	return nil, r.err
}

// next fills the batch, if there are more rows.
func (r *Reader) next(ctx context.Context) (more bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if r.left == 0 {
		if more, err := r.nextGroup(); err != nil || !more {
			return false, err
		}
	}
	return true, r.fill()
}

// fill reads the next rows of the present row group.
func (r *Reader) fill() error {
	n := int(min(batchRows, r.left))
	if r.root != nil {
		if err := r.root.ahead(n, nil); err != nil {
			return named(r.root, err)
		}
	}
	skip := r.skip(r.group.Index)
	for i, c := range r.columns {
		if skip[i] {
			continue
		}
		err := c.ahead(n, r.root)
		if err == nil && c.direct() {
			n, err = c.fit(n)
		}
		if err != nil {
			return named(c, err)
		}
	}
	if r.root != nil {
		values := r.root.values(n)
		r.root.use(n, values)
		r.root.group.values += int64(values)
	}
	for i, c := range r.columns {
		if skip[i] {
			c.vector.Skipped = true
			continue
		}
		if err := c.read(n); err != nil {
			return named(c, err)
		}
	}
	r.batch.Rows, r.batch.Group, r.batch.FirstRow = n, r.group, r.row
	r.row += int64(n)
	r.left -= int64(n)
	return nil
}

// direct tells whether the values are strings that are stored one behind the other.
func (c *column) direct() bool {
	return (c.info.kind.text() || c.info.kind == KindBinary) && !c.encoding.kind.dictionary()
}

// named names the column of an error.
func named(c *column, err error) error {
	return fmt.Errorf("column %q: %w", c.name, err)
}

// nextGroup ends the present row group and begins the next, or ends the span where there is none.
func (r *Reader) nextGroup() (more bool, err error) {
	g := r.span.From
	if r.begun {
		g = r.group.Index + 1
		if err := r.endGroup(); err != nil {
			return false, err
		}
	}
	if g == r.span.To {
		return false, r.endSpan()
	}
	r.group = r.describe(g)
	r.begun = true
	r.row, r.left = r.group.FirstRow, r.group.Rows
	if r.root != nil && r.root.present.bytes.exists {
		if err := r.root.seek(g); err != nil {
			return false, named(r.root, err)
		}
	}
	skip := r.skip(g)
	for i, c := range r.columns {
		if skip[i] {
			continue
		}
		if err := c.seek(g); err != nil {
			return false, named(c, err)
		}
	}
	return true, nil
}

// endGroup checks the present row group, all of which was read.
func (r *Reader) endGroup() error {
	last := r.group.Index+1 == r.file.RowGroups(r.span.Stripe)
	if r.root != nil {
		if err := r.root.endGroup(last, r.utc); err != nil {
			return named(r.root, err)
		}
	}
	skip := r.skip(r.group.Index)
	for i, c := range r.columns {
		if skip[i] {
			continue
		}
		if err := c.endGroup(last, r.utc); err != nil {
			return named(c, err)
		}
	}
	return nil
}

// endSpan checks what can be checked once all of a span was read.
func (r *Reader) endSpan() error {
	groups := r.file.RowGroups(r.span.Stripe)
	if r.span.To < groups {
		return nil
	}
	if r.root != nil {
		if err := r.root.end(); err != nil {
			return named(r.root, err)
		}
	}
	for i, c := range r.columns {
		if groups > 0 && c.next != groups {
			continue // the last row group was not read
		}
		if err := c.end(); err != nil {
			return named(c, err)
		}
		if c.begun < groups {
			continue
		}
		if err := c.before.compare(&r.stats[i], c.info.kind, r.utc); err != nil {
			return named(c, fmt.Errorf("it is not as the stripe statistics describe it: %w", err))
		}
	}
	return nil
}
