package table

import (
	"io"

	"github.com/apache/arrow-go/v18/arrow"
)

// Options of a Writer. The zero value of each number has a default.
type Options struct {
	// Schema is that of the files, without partition columns. Text columns are
	// String or Binary here, also where blocks bring dictionaries.
	Schema *arrow.Schema

	// MemoryBytes bounds what the writer holds, beside the block that Add was
	// given: rows gathered, dictionaries, and what the encoders work on.
	// Default 512 MiB; less than 16 MiB counts as 16 MiB.
	MemoryBytes int64
	// Writers is how many row groups are encoded at once. Default GOMAXPROCS.
	Writers int

	// RowGroupBytes is how much a row group's rows take in memory, uncompressed
	// and with dictionary codes in place of text, before it is written.
	// Default 128 MiB.
	RowGroupBytes int64
	// FileBytes is the size past which a file is closed and another one begun
	// for the partition. Default 512 MiB.
	FileBytes int64

	// SortBy orders the rows of a partition within its files, and from one file
	// to the next; rows that are equal stay in the order of Add.
	SortBy []Sort
	// Bloom are the columns that get a bloom filter.
	Bloom []int

	// MaxOpenPartitions bounds the partitions that have an unfinished file at
	// once; rows of others wait on disk. Default 1000.
	MaxOpenPartitions int
	// TempDir is where temporary files are made; the system's default if empty.
	TempDir string
}

// Sort is a key that rows are sorted by. Nulls come first, also where values
// are descending; NaN is greater than all numbers, text is compared by bytes.
type Sort struct {
	Column     int
	Descending bool
}

// File is a finished Parquet file in temporary storage. It can be read, by
// several goroutines, until the Writer is closed.
type File struct {
	Partition string // path, as in Block.Partitions
	Rows      int64  // by the footer, as it was read back
	SizeBytes int64
	io.ReaderAt
}
