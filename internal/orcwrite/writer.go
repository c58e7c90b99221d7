// Package orcwrite writes ORC files for tests and the demo: flat tables of a
// few types, in the shape that Apache's writer gives an S3 Inventory report
// (version 0.12, RLE version 2, blocks of 256 KiB, writer time zone UTC). The
// format is the ORC v1 specification, https://orc.apache.org/specification/ORCv1/.
//
// It is not part of the product, and leaves out what no reader needs: row
// indexes, bloom filters, encryption, nested types.
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
	offset  uint64
	rows    uint64
	stripes []stripeInformation
	perFile []statistics   // of the columns
	stats   [][]statistics // stripe, column
	err     error          // the first failed write; the file is then of no use
}

type stripeInformation struct {
	offset, dataLength, footerLength, rows uint64
}

// NewWriter begins a file on out.
func NewWriter(out io.Writer, fields []Field, o Options) (*Writer, error) {
	if o.BlockBytes == 0 {
		o.BlockBytes = defaultBlock
	}
	if o.BlockBytes < 1 || o.BlockBytes > maxBlock {
		return nil, fmt.Errorf("orc: block of %d bytes: 1 to %d", o.BlockBytes, maxBlock)
	}
	block, err := newBlockWriter(o.Compression, o.BlockBytes)
	if err != nil {
		return nil, err
	}
	w := &Writer{out: out, fields: slices.Clone(fields), block: block, perFile: make([]statistics, len(fields))}
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
	start := w.offset
	stats := make([]statistics, len(columns))
	var footer []byte
	encodings := appendMessage(nil, 2, appendUint(nil, 1, encodingDirect)) // of the root
	for i := range columns {
		kind := w.fields[i].Kind
		encoded := encodeColumn(kind, rows, &columns[i])
		for _, s := range encoded.streams {
			block, err := w.block.compress(s.data)
			if err != nil {
				return w.fail(err)
			}
			w.write(block)
			m := appendUint(nil, 1, s.kind)
			m = appendUint(m, 2, uint64(i+1)) // column 0 is the root
			m = appendUint(m, 3, uint64(len(block)))
			footer = appendMessage(footer, 1, m)
		}
		m := appendUint(nil, 1, encoded.encoding)
		if encoded.encoding == encodingDictionaryV2 {
			m = appendUint(m, 2, uint64(encoded.dictionarySize))
		}
		encodings = appendMessage(encodings, 2, m)
		stats[i] = columnStatistics(kind, rows, &columns[i])
		w.perFile[i].merge(stats[i])
	}
	dataLength := w.offset - start
	footer = append(footer, encodings...)
	footer = appendBytes(footer, 3, []byte(writerTimezone))
	footer, err := w.block.compress(footer)
	if err != nil {
		return w.fail(err)
	}
	w.write(footer)
	w.stripes = append(w.stripes, stripeInformation{start, dataLength, uint64(len(footer)), uint64(rows)})
	w.stats = append(w.stats, stats)
	w.rows += uint64(rows)
	return w.err
}

// Close writes the file's metadata, footer and postscript. It does not close
// the underlying writer.
func (w *Writer) Close() error {
	if w.err != nil {
		return w.err
	}
	content := w.offset - uint64(len(magic))
	metadata, err := w.block.compress(w.metadata())
	if err != nil {
		return w.fail(err)
	}
	footer, err := w.block.compress(w.footer(content))
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
		m = appendUint(m, 2, 0) // no indexes
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
	return appendUint(b, 8, 0) // rowIndexStride 0: there are no indexes
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
