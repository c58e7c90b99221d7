package scan

import (
	"fmt"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/s3compact/s3compact/parquetconv/schema"
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

// Take returns the block and begins the next one.
func (s *Scanner) Take() *Block {
	out := s.block
	out.Columns = make([]arrow.Array, len(s.columns))
	out.Dictionaries = make([]int, len(s.columns))
	for i, c := range s.columns {
		out.SizeBytes += c.sizeBytes()
		out.Columns[i], out.Dictionaries[i] = c.take(s.options.BlockRows)
	}
	s.block = Block{BadValues: make([]int64, len(s.columns)), texts: out.texts[:0], textEnds: out.textEnds[:0]}
	s.beginRun()
	return &out
}

// badValue applies a column's on_bad; the caller puts a null in its place.
func (s *Scanner) badValue(c *column, bad *value.Bad) {
	switch {
	case c.inner:
		if s.nested == nil {
			s.nested = bad
		}
	case c.onBad == schema.OnBadReject:
		s.setReject(Reject{Column: c.name, Reason: bad.Reason, Detail: bad.Detail})
	case c.onBad == schema.OnBadFail:
		if s.fail == nil {
			s.fail = &FailError{Column: c.name, Bad: bad}
		}
	default:
		s.bad = append(s.bad, c.index)
	}
}

// setReject keeps the first reason why the row is rejected.
func (s *Scanner) setReject(r Reject) {
	if s.reject == nil {
		s.reject = &r
	}
}

// addReject records that the row text[start:end] is not loaded, and takes back
// what of it is in the columns.
func (s *Scanner) addReject(r Reject, text []byte, start, end int) {
	s.rollback()
	r.Offset = s.offset + int64(start)
	r.FaultAt = max(r.FaultAt, r.Offset)
	r.Raw = append([]byte(nil), cutText(text[start:end], MaxRawBytes)...)
	s.block.RowsIn++
	s.block.TextBytes += int64(end - start)
	s.block.Rejects = append(s.block.Rejects, r)
}

func (s *Scanner) rollback() {
	for _, c := range s.columns {
		c.truncate(s.block.Rows)
	}
	s.reject, s.fail = nil, nil
}

// commit adds the row text[start:end], whose values are in the columns.
func (s *Scanner) commit(text []byte, start, end int) {
	b := &s.block
	for _, c := range s.bad {
		b.BadValues[c]++
	}
	b.Offsets = append(b.Offsets, s.offset+int64(start))
	b.Lengths = append(b.Lengths, int32(end-start))
	if s.options.KeepTexts {
		b.texts = append(b.texts, cutText(text[start:end], MaxRawBytes)...)
		b.textEnds = append(b.textEnds, int32(len(b.texts)))
	}
	b.TextBytes += int64(end - start)
	b.RowsIn++
	b.Rows++
}

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
