// Package orc reads Apache ORC v1 files column by column.
//
// A [File] is opened over any [io.ReaderAt]. A [Reader] decodes chosen top-level columns of one [Span] after the other, a part
// of a stripe or all of one, in batches of at most 4096 rows. The format is that of the ORC v1 specification
// (https://orc.apache.org/specification/ORCv1/); where the specification is silent, the behaviour of Apache's Java and C++
// readers is followed and named in a comment.
//
//	r, err := f.NewReader("key", "size")
//	err = r.Open(ctx, orc.Span{Stripe: i, To: f.RowGroups(i)}, nil)
//	for {
//		b, err := r.Next(ctx) // io.EOF at the end
//	}
//
// What is read: compression none, zlib, snappy, lz4 and zstd; run length encodings v1 and v2; dictionary and direct
// strings; every primitive type; row indexes and statistics. Columns of nested types (struct, list, map, union) can be left
// out of a projection but not read. LZO compression and encrypted columns are refused with an error that names them.
//
// # Parallel work
//
// A File may be used by many goroutines, a Reader by one. The unit of work is the span. Where a stripe has a row index, its row
// groups are found by that, so that several Readers can share a stripe; without one, a stripe is one row group.
//
// # Columns left unread
//
// The caller of [Reader.Open] is shown the statistics of each row group, and may leave columns unread there. Compression chunks
// that hold nothing else are neither asked for nor decompressed.
//
// # Input and output
//
// Only the byte ranges of the chosen columns are read, neighbours at once, up to 512 KiB of others along with them: in one
// call for a stripe of up to 256 KiB, otherwise one for the stripe's footer, one for the row indexes if they are needed, and one
// or two for each column. What a Reader knows of a stripe serves all spans of it that it opens in turn.
//
// # Damage
//
// Decoding is exact. Every length is checked against what holds it, the rows of all stripes must add up to the rows of the
// file, each row group must end where the row index says that the next one begins, and each stream of a stripe with its
// last value. The number of values, the sum and the range of integers, dates and times, the total length of strings and the
// number of true booleans must be those that the row index says of each row group, where it is read, and those that the
// stripe statistics say, where a span is a whole stripe. Where row groups are described to the caller, what is said of
// them, of their stripe and of the file must agree, or else is an error if the values differ and is not shown if one is
// missing. An error names the stripe and the column. It comes with the end of a span at the latest: what was read of the span
// before is not to be relied on.
//
// ORC itself stores no checksums, so a byte changed inside a value, which leaves all of these as they were, cannot be noticed
// by any reader.
//
// # Memory
//
// A Reader holds, and uses again from span to span: at most 8 MiB of the file, or 2 MiB for each stream (one to three a
// column) of the chosen columns where a span needs more; for each stream one decompressed chunk (256 KiB in most files, 8 MiB
// at most) and what was left of the one before; for each column the values of a batch, and the dictionary of the stripe. A
// chunk is decompressed when a row needs it. Strings are not copied: a batch ends where those in memory do, after
// 64 KiB at least. One value larger than that, and a dictionary, is held whole; more than 256 MiB are refused.
// Once all buffers have grown, reading on allocates nothing.
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
