// Package orc reads Apache ORC v1 files column by column.
//
// A [File] is opened over any [io.ReaderAt]; a [Reader] decodes chosen top-level columns one stripe at a time into flat
// slices. Only the byte ranges of the chosen columns are read. The format is that of the ORC v1 specification
// (https://orc.apache.org/specification/ORCv1/); where the specification is silent, the behaviour of Apache's Java and C++
// readers is followed and named in a comment.
//
// What is read: compression none, zlib, snappy, lz4 and zstd; run length encodings v1 and v2; dictionary and direct
// strings; every primitive type. Columns of nested types (struct, list, map, union) can be left out of a projection but
// not read. LZO compression and encrypted columns are refused with an error that names them.
//
// # Damage
//
// Decoding is exact. Every length is checked against what holds it before memory is allocated, every stream must be
// consumed to its last byte, the rows of all stripes must add up to the rows of the file, and the number of non-null
// values must agree with the stripe statistics where the file has them. ORC itself stores no checksums, so a changed byte
// inside a value that is stored plainly cannot be noticed by any reader.
//
// # Memory
//
// A Reader holds, and reuses from stripe to stripe, the stored bytes of the chosen columns of one stripe, the same bytes
// decompressed, and the decoded values (1 to 16 bytes a row and column). A stripe with more than 64 Mi rows, or a stream of
// more than 2 GiB, is refused.
package orc

import (
	"fmt"
	"io"
	"math"
)

// Kind is the type of a column (specification, "Type Information").
type Kind int

// The kinds, numbered as in the file format.
const (
	KindBoolean Kind = iota
	KindByte
	KindShort
	KindInt
	KindLong
	KindFloat
	KindDouble
	KindString
	KindBinary
	KindTimestamp
	KindList
	KindMap
	KindStruct
	KindUnion
	KindDecimal
	KindDate
	KindVarchar
	KindChar
	KindTimestampInstant
	kindCount
)

var kindNames = [kindCount]string{
	"boolean", "tinyint", "smallint", "int", "bigint", "float", "double", "string", "binary", "timestamp",
	"array", "map", "struct", "uniontype", "decimal", "date", "varchar", "char", "timestamp with local time zone",
}

// String returns the name that ORC's schema text and Hive use, e.g. "bigint" for [KindLong].
func (k Kind) String() string {
	if k < 0 || k >= kindCount {
		return fmt.Sprintf("kind %d", int(k))
	}
	return kindNames[k]
}

// Nested reports whether values of this kind consist of other columns. Such columns cannot be read.
func (k Kind) Nested() bool {
	return k == KindList || k == KindMap || k == KindStruct || k == KindUnion
}

// Column describes one top-level column.
type Column struct {
	Name string
	Kind Kind
	// Precision and Scale are those declared for a decimal column, in decimal digits. Both are 0 in files of Hive 0.11 and
	// 0.12, where decimals had no declared size.
	Precision, Scale int
	// MaxLength is the declared length of a char or varchar column in characters.
	MaxLength int
}

// StripeInfo describes one stripe.
type StripeInfo struct {
	Rows int64
	// OffsetBytes is where the stripe begins in the file. The stripe's indexes, data and footer follow one another there.
	OffsetBytes int64
	// IndexBytes, DataBytes and FooterBytes are the stored (compressed) lengths of the three parts.
	IndexBytes, DataBytes, FooterBytes int64
}

// File is an open ORC file. It is not changed after [Open] and may be used by several goroutines, each with its own
// [Reader]. It does no I/O but ReadAt on the [io.ReaderAt] it was opened with, which the caller closes.
type File struct {
	r           io.ReaderAt
	sizeBytes   int64
	compression compressionKind
	blockBytes  int // the most that one compression chunk may expand to
	version     formatVersion
	tail        tail
	columns     []Column
	columnIDs   []int // type id of each of columns
}

// formatVersion is the version of the file format that a writer recorded: 0.11 and 0.12 are ORC v1; 1.9999 marks files of a
// v2 that was never released and differs in how short decimals are stored.
type formatVersion struct{ major, minor uint64 }

func (v formatVersion) known() bool {
	return v.major == 0 || v == unstablePre2
}

var unstablePre2 = formatVersion{1, 9999}

// Open reads the tail of the file of the given size in bytes: postscript, footer and stripe statistics, usually with one
// ReadAt. A file of zero bytes is an error: it has no columns that could be asked for.
func Open(r io.ReaderAt, size int64) (*File, error) {
	f := &File{r: r, sizeBytes: size}
	if err := f.readTail(); err != nil {
		return nil, fmt.Errorf("orc: open: %w", err)
	}
	root := f.tail.types[0]
	if root.kind != KindStruct {
		f.columns = []Column{root.column("")}
		f.columnIDs = []int{0}
		return f, nil
	}
	for i, id := range root.subtypes {
		f.columns = append(f.columns, f.tail.types[id].column(root.fieldNames[i]))
		f.columnIDs = append(f.columnIDs, id)
	}
	return f, nil
}

// Columns returns the columns of the root struct in file order. A file whose root is not a struct has one column with an
// empty name. The slice belongs to the File.
func (f *File) Columns() []Column { return f.columns }

// NumRows returns the number of rows in the file.
func (f *File) NumRows() int64 { return f.tail.rows }

// NumStripes returns the number of stripes.
func (f *File) NumStripes() int { return len(f.tail.stripes) }

// Stripe describes stripe i, which must be in [0, NumStripes).
func (f *File) Stripe(i int) StripeInfo { return f.tail.stripes[i] }

// readAt returns n bytes of the file at off, in buf if that is large enough.
func (f *File) readAt(buf []byte, off, n int64) ([]byte, error) {
	if off < 0 || n < 0 || n > math.MaxInt || off > f.sizeBytes-n {
		return nil, fmt.Errorf("bytes %d+%d lie outside the file of %d bytes", off, n, f.sizeBytes)
	}
	buf = resize(buf, int(n))
	got, err := f.r.ReadAt(buf, off)
	if got < len(buf) {
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("read %d bytes at %d: %w", n, off, err)
	}
	return buf, nil
}

// resize returns a slice of length n in the memory of s where that suffices. Its contents are undefined.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
