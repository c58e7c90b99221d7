package scan

import (
	"fmt"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/s3compact/s3compact/parquetconv/value"
)

// Block is a run of rows, column by column, with what became of the rows
// between them. Its memory is its own, but for the rows' texts; the scanner
// never writes to it again.
type Block struct {
	RowsIn  int64 // rows read: those of Columns and the rejects
	Rows    int   // rows in Columns
	Columns []arrow.Array
	// Dictionaries tells, for a column that is an array.Dictionary, which of
	// the column's dictionaries it refers to: of two blocks of one scanner with
	// the same number, the later one's dictionary begins with the earlier one's.
	// It is 0 for a column that is none.
	Dictionaries []int

	Offsets []int64 // of each row's first byte in its source
	Lengths []int32 // of each row's text, in bytes
	Sources []SourceRows

	texts    []byte // with KeepTexts
	textEnds []int32

	Rejects []Reject // in the order of the source
	// BadValues counts, by column, the values of Columns that became null
	// because their column could not hold them.
	BadValues []int64

	SizeBytes int64 // what Columns take in memory, without dictionaries
	TextBytes int64 // what was read for the block
}

// Text is the text of a row, at most MaxRawBytes of it, until the scanner goes
// on; nil without KeepTexts.
func (b *Block) Text(row int) []byte {
	if b.textEnds == nil {
		return nil
	}
	start := int32(0)
	if row > 0 {
		start = b.textEnds[row-1]
	}
	return b.texts[start:b.textEnds[row]]
}

// SourceRows is a run of rows and rejects of one source in a block; it ends
// where the next one begins.
type SourceRows struct {
	Source      int // as Begin was told
	FirstRow    int
	FirstReject int
}

// Reject is a row that is not loaded.
type Reject struct {
	Offset  int64  // of the row's first byte in the source
	FaultAt int64  // of the byte where the text stops being valid; Offset for other reasons
	Column  string // whose value is to blame; empty where the row is
	Reason  string // stable word
	Detail  string
	Raw     []byte // the row's text, at most MaxRawBytes of it
}

// MaxRawBytes is how much of a rejected row's text is kept.
const MaxRawBytes = 4 << 10

// The reasons of rejects beside those of package value.
const (
	ReasonInvalidJSON   = "invalid_json"
	ReasonInvalidUTF8   = "invalid_utf8"
	ReasonDuplicateName = "duplicate_name"
	ReasonNoObject      = "no_object"     // something else than an object
	ReasonNoRows        = "no_rows"       // a document without the array that holds the rows
	ReasonMissing       = "missing"       // a required value is absent or null
	ReasonUnknownField  = "unknown_field" // unknown_fields: reject
	ReasonTooLong       = "too_long"      // a row of more than MaxRowBytes
)

// FailError is a bad value in a column with on_bad: fail.
type FailError struct {
	Source int   // as Begin was told
	Offset int64 // of the row's first byte in the source
	Column string
	Bad    *value.Bad
}

func (e *FailError) Error() string {
	return fmt.Sprintf("row at byte %d: column %q: %v (its on_bad is fail)", e.Offset, e.Column, e.Bad)
}

// Unwrap is the bad value.
func (e *FailError) Unwrap() error { return e.Bad }

// cutText cuts text to at most n bytes, between two characters.
func cutText(b []byte, n int) []byte {
	if len(b) <= n {
		return b
	}
	for end := n; end > n-utf8.UTFMax; end-- {
		if utf8.RuneStart(b[end]) {
			return b[:end]
		}
	}
	return b[:n] // no UTF-8
}
