package table

import "runtime"

// Defaults of Options.
const (
	DefaultMemoryBytes       = 512 << 20
	DefaultRowGroupBytes     = 128 << 20
	DefaultFileBytes         = 512 << 20
	DefaultMaxOpenPartitions = 1000
)

const (
	minMemoryBytes   = 16 << 20
	maxRowGroupBytes = 1 << 30 // offsets have 32 bits
)

// withDefaults fills in what is zero.
func (o Options) withDefaults() Options {
	if o.MemoryBytes <= 0 {
		o.MemoryBytes = DefaultMemoryBytes
	}
	o.MemoryBytes = max(o.MemoryBytes, minMemoryBytes)
	if o.Writers <= 0 {
		o.Writers = runtime.GOMAXPROCS(0)
	}
	if o.RowGroupBytes <= 0 {
		o.RowGroupBytes = DefaultRowGroupBytes
	}
	o.RowGroupBytes = min(o.RowGroupBytes, maxRowGroupBytes)
	if o.FileBytes <= 0 {
		o.FileBytes = DefaultFileBytes
	}
	if o.MaxOpenPartitions <= 0 {
		o.MaxOpenPartitions = DefaultMaxOpenPartitions
	}
	return o
}

// budget divides Options.MemoryBytes, M:
//
//	M/8    the dictionaries of the columns, and what translates codes to them
//	M*7/8  rows gathered, until they are spilled, what row groups are encoded
//	       with, and the metadata of unfinished files
//	M*3/8  of that at most for encoding; while less is in use, rows have it
//
//	M/16   of that at most for blocks that wait to be gathered together
//
// Beside it there are the blocks that are gathered, in the order of their
// partitions, one column of them once more, and two chunks of chunkBytes while rows are spilled. With SortBy,
// an encoder that merges holds a chunk of sortedChunk for each time that rows
// were spilled.
type budget struct {
	dictionaries int64
	rows         int64
	encode       int64
	waiting      int64
	sortedChunk  int64
}

func newBudget(memoryBytes int64) budget {
	b := budget{dictionaries: memoryBytes / 8, rows: memoryBytes * 7 / 8, encode: memoryBytes * 3 / 8, waiting: min(memoryBytes/16, maxWaitingBytes)}
	b.sortedChunk = min(b.encode/128, chunkBytes)
	return b
}

const (
	// chunkBytes is about what a chunk of the spill file takes: it is read and
	// written at once.
	chunkBytes = 4 << 20
	// maxGroupRows bounds a row group of thin rows: levels and codes take
	// encodeRowBytes for each, however few bytes are gathered.
	maxGroupRows   = 4 << 20
	encodeRowBytes = 16
	// encodeCopies is how often a column is in memory while it is encoded: as it
	// was read, in one piece, sorted or without nulls.
	encodeCopies = 3
	// encodeBytes is what an encoder holds beside its column: pages and output.
	encodeBytes = 2 << 20
	// Metadata of a column chunk in an unfinished file: its statistics, and the
	// places and statistics of its pages.
	chunkMetadataBytes = 2 << 10
	pageMetadataBytes  = 256
)
