package rows

import (
	"github.com/s3compact/s3compact/parquetconv/scan"
	"github.com/s3compact/s3compact/parquetconv/table"
)

// Block is a run of rows of one source or of several, in their order, with
// what became of the rows between them.
type Block struct {
	table.Block // the rows that go to the files, as Schema.Arrow has their columns

	RowsIn  int64        // rows read: Rows and Rejects
	Sources []SourceRows // in order; those that have rows or rejects in the block
	Rejects []Reject     // in the order of the sources, and of the rows in them
	// BadValues counts the values that became null because their column could
	// not hold them, by index of the schema's columns. A row that is rejected
	// for the sake of an expression counts too.
	BadValues []int64
}

// SourceRows is a run of rows of one source in a block.
type SourceRows struct {
	Source        int // as Begin was told
	RowsIn        int64
	Rows, Rejects int // of the block's rows and rejects, from where the run before it ends
}

// Reject is a row that is not loaded. FaultAt is Offset for what is no fault of
// the text.
type Reject = scan.Reject

// FailError is a bad value in a column with on_bad: fail.
type FailError = scan.FailError
