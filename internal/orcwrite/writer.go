// Package orcwrite writes ORC files for tests and the demo: flat tables of a
// few types, in the shape that Apache's writer gives an S3 Inventory report
// (version 0.12, RLE version 2, blocks of 256 KiB, writer time zone UTC). The
// format is the ORC v1 specification, https://orc.apache.org/specification/ORCv1/.
//
// It is not part of the product, and leaves out bloom filters, encryption and
// nested types.
package orcwrite

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// Kind is a column's type; the values are those of the format's Type.Kind.
type Kind uint64

// The types that can be written.
const (
	Boolean   Kind = 0
	Int       Kind = 3
	Long      Kind = 4
	String    Kind = 7
	Timestamp Kind = 9
)

// kindStruct is the type of the root, whose fields are the columns.
const kindStruct = 12

// Compression is a block compression; the values are those of CompressionKind.
type Compression uint64

// The compressions that can be written. Zlib is what S3 Inventory uses.
const (
	None   Compression = 0
	Zlib   Compression = 1
	Snappy Compression = 2
)

// Field is one column of the table.
type Field struct {
	Name string
	Kind Kind
}

// Column holds the values of one field for the rows of a stripe. The slice
// that belongs to the field's kind has one value for each row; values of nulls
// are not looked at.
type Column struct {
	Present []bool // nil: no nulls
	Bools   []bool
	Ints    []int64 // Int and Long
	Strings []string
	Times   []time.Time
}

// Options are the choices of a file.
type Options struct {
	Compression Compression
	BlockBytes  int // largest block before compression; 0: 256 KiB
	// RowIndexStride is the number of rows of a row group; 0: no row indexes.
	RowIndexStride int
	// EarlyPositions makes the row index name an earlier run than the one in
	// which a row group begins, and the end of a block rather than the start of
	// the next, as Apache's writers do now and then.
	EarlyPositions bool
}

const (
	magic            = "ORC"
	defaultBlock     = 256 << 10
	maxBlock         = 1<<23 - 1 // the length field of a block has 23 bits
	writerVersion    = 6         // statistics of timestamps are in UTC since this version
	writerTimezone   = "UTC"
	postScriptMagic  = 8000
	maxPostScriptLen = 255
)

// Writer writes a file, one stripe at a time.
type Writer struct {
	out     io.Writer
	fields  []Field
	block   blockWriter
	stride  int
	early   bool
	offset  uint64
	rows    uint64
	stripes []stripeInformation
	perFile []statistics   // of the columns
	stats   [][]statistics // stripe, column
	err     error          // the first failed write; the file is then of no use
}

type stripeInformation struct {
	offset, indexLength, dataLength, footerLength, rows uint64
}

// NewWriter begins a file on out.
func NewWriter(out io.Writer, fields []Field, o Options) (*Writer, error) {
	if o.BlockBytes == 0 {
		o.BlockBytes = defaultBlock
	}
	if o.BlockBytes < 1 || o.BlockBytes > maxBlock {
		return nil, fmt.Errorf("orc: block of %d bytes: 1 to %d", o.BlockBytes, maxBlock)
	}
	if o.RowIndexStride < 0 {
		return nil, fmt.Errorf("orc: row groups of %d rows", o.RowIndexStride)
	}
	block, err := newBlockWriter(o.Compression, o.BlockBytes)
	if err != nil {
		return nil, err
	}
	w := &Writer{out: out, fields: slices.Clone(fields), block: block, stride: o.RowIndexStride, early: o.EarlyPositions, perFile: make([]statistics, len(fields))}
	for i, f := range fields {
		switch f.Kind {
		case Boolean, Int, Long, String, Timestamp:
			w.perFile[i].kind = f.Kind
		default:
			return nil, fmt.Errorf("orc: column %q: kind %d cannot be written", f.Name, f.Kind)
		}
	}
	w.write([]byte(magic))
	return w, w.err
}

// WriteStripe writes the rows of one stripe: a column for each field, in order.
func (w *Writer) WriteStripe(rows int, columns []Column) error {
	if w.err != nil {
		return w.err
	}
	if len(columns) != len(w.fields) {
		return fmt.Errorf("orc: %d columns for %d fields", len(columns), len(w.fields))
	}
	for i := range columns {
		if err := columns[i].check(w.fields[i].Kind, rows); err != nil {
			return fmt.Errorf("orc: column %q: %w", w.fields[i].Name, err)
		}
	}
	stripe, err := w.encode(rows, columns)
	if err != nil {
		return w.fail(err)
	}
	start := w.offset
	w.write(stripe.index)
	w.write(stripe.data)
	w.write(stripe.footer)
	w.stripes = append(w.stripes, stripeInformation{start, uint64(len(stripe.index)), uint64(len(stripe.data)), uint64(len(stripe.footer)), uint64(rows)})
	w.stats = append(w.stats, stripe.stats)
	for i := range stripe.stats {
		w.perFile[i].merge(stripe.stats[i])
	}
	w.rows += uint64(rows)
	return w.err
}

// encodedStripe is a stripe as it stands in the file.
type encodedStripe struct {
	index, data, footer []byte
	stats               []statistics
}

func (w *Writer) encode(rows int, columns []Column) (s encodedStripe, err error) {
	var footer, dataStreams []byte
	encodings := appendMessage(nil, 2, appendUint(nil, 1, encodingDirect)) // of the root
	addStream := func(streams []byte, kind uint64, column, length int) []byte {
		m := appendUint(nil, 1, kind)
		m = appendUint(m, 2, uint64(column))
		return appendMessage(streams, 1, appendUint(m, 3, uint64(length)))
	}
	addIndex := func(column int, entries []byte) error {
		block, _, err := w.block.compress(entries)
		s.index = append(s.index, block...)
		footer = addStream(footer, streamRowIndex, column, len(block))
		return err
	}
	if w.stride > 0 {
		if err := addIndex(0, w.rootIndex(rows)); err != nil {
			return s, err
		}
	}
	for i := range columns {
		kind := w.fields[i].Kind
		encoded := encodeColumn(kind, rows, &columns[i])
		x := newIndexer(w, kind, rows, &columns[i])
		for _, st := range encoded.streams {
			block, starts, err := w.block.compress(st.data)
			if err != nil {
				return s, err
			}
			s.data = append(s.data, block...)
			dataStreams = addStream(dataStreams, st.kind, i+1, len(block)) // column 0 is the root
			x.add(&st, starts)
		}
		if w.stride > 0 {
			if err := addIndex(i+1, x.entries()); err != nil {
				return s, err
			}
		}
		m := appendUint(nil, 1, encoded.encoding)
		if encoded.encoding == encodingDictionaryV2 {
			m = appendUint(m, 2, uint64(encoded.dictionarySize))
		}
		encodings = appendMessage(encodings, 2, m)
		s.stats = append(s.stats, columnStatistics(kind, 0, rows, &columns[i]))
	}
	footer = append(append(footer, dataStreams...), encodings...)
	s.footer, _, err = w.block.compress(appendBytes(footer, 3, []byte(writerTimezone)))
	return s, err
}

// Close writes the file's metadata, footer and postscript. It does not close
// the underlying writer.
func (w *Writer) Close() error {
	if w.err != nil {
		return w.err
	}
	content := w.offset - uint64(len(magic))
	metadata, _, err := w.block.compress(w.metadata())
	if err != nil {
		return w.fail(err)
	}
	footer, _, err := w.block.compress(w.footer(content))
	if err != nil {
		return w.fail(err)
	}
	w.write(metadata)
	w.write(footer)
	ps := appendUint(nil, 1, uint64(len(footer)))
	ps = appendUint(ps, 2, uint64(w.block.kind))
	if w.block.kind != None {
		ps = appendUint(ps, 3, uint64(w.block.size))
	}
	ps = appendPacked(ps, 4, []uint64{0, 12})
	ps = appendUint(ps, 5, uint64(len(metadata)))
	ps = appendUint(ps, 6, writerVersion)
	ps = appendBytes(ps, postScriptMagic, []byte(magic))
	if len(ps) > maxPostScriptLen {
		return w.fail(fmt.Errorf("orc: a postscript of %d bytes", len(ps)))
	}
	w.write(append(ps, byte(len(ps))))
	if w.err == nil {
		w.err = errors.New("orc: the file is closed")
		return nil
	}
	return w.err
}

func (w *Writer) metadata() []byte {
	var b []byte
	for i, stripe := range w.stats {
		m := appendMessage(nil, 1, rootStatistics(w.stripes[i].rows))
		for _, s := range stripe {
			m = appendMessage(m, 1, s.message())
		}
		b = appendMessage(b, 1, m)
	}
	return b
}

func (w *Writer) footer(contentLength uint64) []byte {
	b := appendUint(nil, 1, uint64(len(magic)))
	b = appendUint(b, 2, contentLength)
	for _, s := range w.stripes {
		m := appendUint(nil, 1, s.offset)
		m = appendUint(m, 2, s.indexLength)
		m = appendUint(m, 3, s.dataLength)
		m = appendUint(m, 4, s.footerLength)
		m = appendUint(m, 5, s.rows)
		b = appendMessage(b, 3, m)
	}
	root := appendUint(nil, 1, kindStruct)
	subtypes := make([]uint64, len(w.fields))
	for i := range subtypes {
		subtypes[i] = uint64(i + 1)
	}
	root = appendPacked(root, 2, subtypes)
	for _, f := range w.fields {
		root = appendBytes(root, 3, []byte(f.Name))
	}
	b = appendMessage(b, 4, root)
	for _, f := range w.fields {
		b = appendMessage(b, 4, appendUint(nil, 1, uint64(f.Kind)))
	}
	b = appendUint(b, 6, w.rows)
	b = appendMessage(b, 7, rootStatistics(w.rows))
	for _, s := range w.perFile {
		b = appendMessage(b, 7, s.message())
	}
	return appendUint(b, 8, uint64(w.stride))
}

func (w *Writer) write(b []byte) {
	if w.err != nil {
		return
	}
	n, err := w.out.Write(b)
	w.offset += uint64(n)
	w.err = err
}

func (w *Writer) fail(err error) error {
	w.err = err
	return err
}

// check says whether the column holds a value of its kind for each row.
func (c *Column) check(kind Kind, rows int) error {
	n := 0
	switch kind {
	case Boolean:
		n = len(c.Bools)
	case Int, Long:
		n = len(c.Ints)
	case String:
		n = len(c.Strings)
	case Timestamp:
		n = len(c.Times)
	}
	if n != rows {
		return fmt.Errorf("%d values for %d rows", n, rows)
	}
	if c.Present != nil && len(c.Present) != rows {
		return fmt.Errorf("%d flags of presence for %d rows", len(c.Present), rows)
	}
	return nil
}

func (c *Column) present(row int) bool { return c.Present == nil || c.Present[row] }

func (c *Column) hasNull() bool { return slices.Contains(c.Present, false) }

// The messages of the format are few and flat enough to be written by hand.

func appendUint(b []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

func appendSint(b []byte, field protowire.Number, v int64) []byte {
	return appendUint(b, field, protowire.EncodeZigZag(v))
}

func appendBytes(b []byte, field protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), v)
}

func appendMessage(b []byte, field protowire.Number, m []byte) []byte {
	return appendBytes(b, field, m)
}

func appendPacked(b []byte, field protowire.Number, vs []uint64) []byte {
	var packed []byte
	for _, v := range vs {
		packed = protowire.AppendVarint(packed, v)
	}
	return appendBytes(b, field, packed)
}
