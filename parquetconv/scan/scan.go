// Package scan reads JSON text straight into Arrow columns, in one pass, with
// no tree in between and no allocation for a row.
//
// Valid is what RFC 8259 and RFC 7493 call valid, and what the module
// github.com/go-json-experiment/json calls valid with its default options:
// UTF-8 only, no name twice in an object at any depth, at most 10,000 levels.
// Text that no column wants is skipped, but held to the same rules.
package scan

import (
	"fmt"

	"github.com/s3compact/s3compact/parquetconv/schema"
	"github.com/s3compact/s3compact/parquetconv/value"
)

// Column is a column whose values stand at a path in the row.
type Column struct {
	Name     string
	Type     value.Type
	Path     schema.Path
	Time     schema.TimeFormat // how a timestamp is written
	OnBad    schema.OnBad
	Required bool // a row without a value, or with null, is rejected
	// Extra takes the members of the row that no other column reads, as a JSON
	// object; the column has no path. It needs UnknownKeep.
	Extra bool
}

// Options of a Scanner. The zero value of each has a default.
type Options struct {
	Unknown schema.UnknownFields // default UnknownIgnore
	Layout  schema.Layout        // default LayoutLines
	// RowsAt names the members that lead to the array whose elements are the
	// rows, for LayoutArray: {"Records"} for {"Records":[{…},{…}]}; none where
	// the document is the array.
	RowsAt []string
	// MaxRowBytes is the longest row that is read; a longer one is rejected.
	MaxRowBytes int
	// A block is full when it has BlockRows rows, or when its columns and the
	// text of its rows take about BlockBytes.
	BlockRows  int
	BlockBytes int
	// KeepTexts puts the rows' texts into the blocks, at most MaxRawBytes of
	// each, for rows that are rejected later on.
	KeepTexts bool
}

// The defaults of Options.
const (
	DefaultMaxRowBytes = 8 << 20
	DefaultBlockRows   = 64 << 10
	DefaultBlockBytes  = 32 << 20
	// maxBlockBytes keeps the offsets of a block's text within 31 bits.
	maxBlockBytes = 1 << 30
)

// withDefaults fills in the defaults.
func (o Options) withDefaults() (Options, error) {
	if o.Unknown == "" {
		o.Unknown = schema.UnknownIgnore
	}
	if o.Layout == "" {
		o.Layout = schema.LayoutLines
	}
	if o.MaxRowBytes == 0 {
		o.MaxRowBytes = DefaultMaxRowBytes
	}
	if o.BlockRows == 0 {
		o.BlockRows = DefaultBlockRows
	}
	if o.BlockBytes == 0 {
		o.BlockBytes = DefaultBlockBytes
	}
	if o.MaxRowBytes < 0 || o.MaxRowBytes > maxBlockBytes/2 || o.BlockBytes < 0 || o.BlockBytes > maxBlockBytes/2 || o.BlockRows < 0 {
		return o, fmt.Errorf("scan: rows of %d bytes, blocks of %d bytes or %d rows are out of range", o.MaxRowBytes, o.BlockBytes, o.BlockRows)
	}
	return o, nil
}

// maxDepth is how many arrays and objects may stand in each other.
const maxDepth = 10_000

// Scanner reads sources one after another into blocks of columns. It is not
// safe for concurrent use.
//
// It holds the block at hand, at most about BlockBytes, with KeepTexts twice
// that, and one row of MaxRowBytes, the dictionaries (dictionary.go has their bounds), and the
// names that it has learned (names.go).
type Scanner struct {
	gathered
	extra *column
	root  *shape

	skipping bool // what stands up to the next row belongs to a reject
	depth    int  // of a row, counting what stands around it
	envelope envelope

	// What is known of the row at hand, beside what gathered has.
	fault   fault // why the text is not valid
	nested  *value.Bad
	extras  []byte // unknown members, verbatim
	scratch []byte // text without its escapes
	arena   []byte // of package value

	serial  uint64 // of the object that was begun last; never 0
	learned int    // fields that were learned, in all shapes
	names   nameSet
}

// New makes a scanner for the columns, which blocks hold in the same order.
func New(columns []Column, options Options) (*Scanner, error) {
	o, err := options.withDefaults()
	if err != nil {
		return nil, err
	}
	if len(o.RowsAt) > 0 && o.Layout != schema.LayoutArray || len(o.RowsAt) > schema.MaxRowsAt {
		return nil, fmt.Errorf("scan: rows at %q need the layout of an array, and at most 16 names", o.RowsAt)
	}
	s := &Scanner{gathered: newGathered(o), serial: 1, depth: 1}
	if o.Layout == schema.LayoutArray {
		s.depth = len(o.RowsAt) + 2
	}
	s.names.seed = s.seed
	s.root = s.newShape()
	if o.Unknown != schema.UnknownIgnore {
		s.root.unknown = opUnknown
	}
	root := &place{members: s.root}
	for i := range columns {
		c, err := s.newColumn(columns[i], i)
		if err != nil {
			return nil, err
		}
		if err := s.prepare(c); err != nil {
			return nil, fmt.Errorf("scan: column %q: %w", c.name, err)
		}
		s.addColumn(c, columns[i].Required)
		if columns[i].Extra {
			if o.Unknown != schema.UnknownKeep || s.extra != nil || c.kind != value.JSON {
				return nil, fmt.Errorf("scan: column %q cannot take the unknown fields", c.name)
			}
			s.extra = c
			continue
		}
		s.lead(root, columns[i].Path, c)
	}
	s.begin()
	s.envelope.reset()
	return s, nil
}

// Begin says that the text that comes next is that of another source, from its
// byte at an offset. source is a number of the caller's choice, which blocks
// repeat: a block may hold rows of several sources.
func (s *Scanner) Begin(source int, offset int64) {
	s.gathered.Begin(source, offset)
	s.skipping = false
	s.envelope.reset()
}

// Scan reads rows from the beginning of the text, until the block is full or
// the text ends. It returns how many bytes it is done with. When the block is
// not full the rest is the beginning of a row, and must come again with what
// follows it in the source; the next text should be at least twice as long,
// since a row is read anew. last says that the source ends with the text: then
// an unfinished row is rejected, and the source is done with when the block is
// not full, so after Take Scan is to be called again, be it without text.
//
// The text is not kept. The only error is a *FailError, and the scanner goes on
// with another Begin.
func (s *Scanner) Scan(text []byte, last bool) (int, error) {
	var n int
	var err error
	if s.options.Layout == schema.LayoutArray {
		n, err = s.array(text, last)
	} else {
		n, err = s.rows(text, last)
	}
	s.offset += int64(n)
	return n, err
}
