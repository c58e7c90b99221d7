// Package table gathers rows by partition and writes them as Parquet files,
// in bounded memory.
package table

import "github.com/apache/arrow-go/v18/arrow"

// Block is a run of rows in the order of their source, column by column, as
// the files hold them.
type Block struct {
	Rows int
	// Columns are the file's columns, of Rows values each. A text column may be
	// an *array.Dictionary with int32 indices.
	Columns []arrow.Array
	// Dictionaries tells, for a column that is an *array.Dictionary, which of
	// its producer's dictionaries it refers to, from 1: of two blocks of one
	// producer with the same number, the later one's dictionary begins with the
	// earlier one's. 0 says that the dictionary is this block's own.
	Dictionaries []int
	Producer     int // who numbered the dictionaries

	Partitions []string // paths of the partitions that occur, name=value/name=value; "" without partitions
	Partition  []int32  // of each row, an index of Partitions
}
