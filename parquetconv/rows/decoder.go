// Package rows turns text into the columns of a table, as a schema says: it
// has the text scanned into columns, computes the derived ones and the
// partitions over whole columns, and takes out the rows that are to be
// rejected. Nothing is done row by row but for those.
package rows

import (
	"errors"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/s3compact/s3compact/parquetconv/csv"
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
	// MaxPathBytes is the longest path of a partition, name=value/name=value,
	// that the table's place takes; rows of longer ones are rejected. 0: any.
	MaxPathBytes int
}

// Decoder reads sources one after another into blocks of rows. It is not safe
// for concurrent use. It holds what its Scanner does; Take needs about as much
// again for what it computes.
type Decoder struct {
	schema  *schema.Schema
	options Options
	scanner Scanner
	scanned []int // which of the schema's columns the scanner reads
	stored  []int // which of them are in the files
	batchID arrow.Array

	// The sources of the block at hand, and their numbers for the scanner: the
	// first one's and up.
	sources []numberedSource
	first   int
	begun   bool // text of the last one was read
}

type numberedSource struct {
	Source
	number int
}

// NewDecoder makes a decoder for the sources and the table of a schema.
func NewDecoder(s *schema.Schema, o Options) (*Decoder, error) {
	d := &Decoder{schema: s, options: o, batchID: stringArray([]string{o.BatchID})}
	_, d.stored = s.Arrow()
	for i, c := range s.Columns {
		if c.Expr == nil && c.Pseudo == schema.NoPseudo {
			d.scanned = append(d.scanned, i)
		}
	}
	var err error
	d.scanner, err = d.newScanner()
	return d, err
}

func (d *Decoder) newScanner() (Scanner, error) {
	s := d.schema
	columns := make([]scan.Column, len(d.scanned))
	for k, i := range d.scanned {
		c := &s.Columns[i]
		columns[k] = scan.Column{Name: c.Name, Type: c.Type, Path: c.Path, Time: c.Time, OnBad: c.OnBad, Required: c.Required, Extra: c.Extra}
	}
	o := scan.Options{Unknown: s.Unknown, Layout: s.Layout, RowsAt: s.RowsAt, BlockBytes: d.options.BlockBytes, KeepTexts: d.mayReject()}
	if s.Format == schema.FormatCSV {
		return csv.New(columns, s.CSV, o)
	}
	return scan.New(columns, o)
}

// mayReject says whether rows can be rejected after they were scanned. Then
// their texts must be kept for so long.
func (d *Decoder) mayReject() bool {
	for _, c := range d.schema.Columns {
		if c.Expr != nil && (c.Required || c.OnBad == schema.OnBadReject && !c.Expr.Certain()) {
			return true
		}
	}
	path := 0
	for i := range d.schema.Partitions {
		p := &d.schema.Partitions[i]
		if !p.Expr.Certain() || mayBeTooLong(p) {
			return true
		}
		path += longestOfOthers(p) + len("/")
	}
	return d.options.MaxPathBytes > 0 && path > d.options.MaxPathBytes
}

// Begin says that the text that comes next is that of another source. number
// is of the caller's choice; blocks and errors repeat it.
func (d *Decoder) Begin(number int, source Source) {
	switch {
	case d.scanner.Empty():
		d.sources = d.sources[:0]
	case !d.begun: // it had no text
		d.sources = d.sources[:len(d.sources)-1]
	}
	d.begun = false
	d.sources = append(d.sources, numberedSource{source, number})
	d.scanner.Begin(d.first+len(d.sources)-1, source.OffsetBytes)
}

// source is what Begin was told of a source with a number of the scanner's.
func (d *Decoder) source(scanners int) *numberedSource { return &d.sources[scanners-d.first] }

// Decode reads rows from the beginning of the text, until the block is full or
// the text ends, and returns how many bytes it is done with. When the block is
// not full the rest is the beginning of a row, and must come again with what
// follows it in the source, at least twice as much; when it is full, Take comes
// first. last says that the source ends with the text: it is done with when
// the block is not full. The text is not kept. The only error is a *FailError,
// after which another Begin must come.
func (d *Decoder) Decode(text []byte, last bool) (n int, err error) {
	n, err = d.scanner.Scan(text, last)
	d.begun = d.begun || n > 0
	var fail *FailError
	if errors.As(err, &fail) {
		fail.Source = d.source(fail.Source).number
	}
	return n, err
}

// Full says that the block is to be taken before more text is read.
func (d *Decoder) Full() bool { return d.scanner.Full() }

// Empty says that no row was read since the last block was taken.
func (d *Decoder) Empty() bool { return d.scanner.Empty() }

// Take returns the block and begins the next one. When a derived column says
// on_bad: fail, the error is a *FailError, and the block is lost.
func (d *Decoder) Take() (*Block, error) {
	t := &taken{Decoder: d, in: d.scanner.Take()}
	block, err := t.block()
	if n := len(d.sources); n > 0 {
		// The next block begins with the source that the last one ended with.
		d.first += n - 1
		d.sources = append(d.sources[:0], d.sources[n-1])
	}
	return block, err
}
