// Package rows turns text into the columns of a table, as a schema says: it
// has the text scanned into columns, computes the derived ones and the
// partitions over whole columns, and takes out the rows that are to be
// rejected. Nothing is done row by row but for those.
package rows

import (
	"errors"

	"github.com/s3compact/s3compact/parquetconv/scan"
	"github.com/s3compact/s3compact/parquetconv/schema"
)

// Scanner reads the values at the paths of a schema's columns out of text, as
// *scan.Scanner does for JSON; its methods are described there. The blocks'
// columns are those of the schema that have a path or take the unknown fields,
// in their order.
type Scanner interface {
	Begin(source int, offsetBytes int64)
	Scan(text []byte, last bool) (n int, err error)
	Full() bool
	Empty() bool
	Take() *scan.Block
}

// Source is what the pseudo-columns tell of a source.
type Source struct {
	Key, ETag   string
	OffsetBytes int64 // where the text begins in the uncompressed source
}

// Options of a Decoder.
type Options struct {
	BatchID    string // for _batch_id
	Producer   int    // of the blocks, as table.Block has it
	BlockBytes int    // about how large a block is; default scan.DefaultBlockBytes
}

// Decoder reads sources one after another into blocks of rows. It is not safe
// for concurrent use. It holds what its Scanner does; Take needs about as much
// again for what it computes.
type Decoder struct {
	Scanner
}

// NewDecoder makes a decoder for the sources and the table of a schema.
func NewDecoder(s *schema.Schema, o Options) (*Decoder, error) { return nil, errors.ErrUnsupported }

// Begin says that the text that comes next is that of another source. number
// is of the caller's choice; blocks and errors repeat it.
func (d *Decoder) Begin(number int, source Source) {}

// Decode reads rows from the beginning of the text, until the block is full or
// the text ends, and returns how many bytes it is done with. When the block is
// not full the rest is the beginning of a row, and must come again with what
// follows it in the source, at least twice as much; when it is full, Take comes
// first. last says that the source ends with the text: it is done with when
// the block is not full. The text is not kept. The only error is a *FailError.
func (d *Decoder) Decode(text []byte, last bool) (n int, err error) { return 0, nil }

// Full says that the block is to be taken before more text is read.
func (d *Decoder) Full() bool { return false }

// Empty says that no row was read since the last block was taken.
func (d *Decoder) Empty() bool { return true }

// Take returns the block and begins the next one. The only error is a
// *FailError, of a derived column.
func (d *Decoder) Take() (*Block, error) { return &Block{}, nil }
