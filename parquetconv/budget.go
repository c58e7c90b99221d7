package parquetconv

import "runtime"

// budget divides Options.MemoryBytes, M, among the buffers of a batch:
//
//	M/4  stored bytes of sources that are in memory at once
//	M/8  blocks of decoded rows on their way, two for each source being read
//	M/6  rows gathered by partition (their buffers may be twice as large, as they grow by doubling)
//	M/12 row groups that are being written (twice as large, likewise)
//
// Beside it there are, for each source being read, its lines (256 KiB, at
// most linerows.MaxRowBytes), and 8 MiB for each file being uploaded.
type budget struct {
	sourceBytes   int64 // of all sources in memory
	wholeBytes    int64 // the largest source that is read into memory; a larger one is read twice
	blockBytes    int64
	gatherBytes   int64
	rowGroupBytes int64
	writers       int
}

const (
	maxWholeBytes    = 32 << 20
	minBlockBytes    = 32 << 10
	maxBlockBytes    = 1 << 20
	maxRowGroupBytes = 128 << 20
	// targetFileBytes is the size at which a file of the table is closed and another one begun.
	targetFileBytes = 512 << 20
	uploadPartBytes = 8 << 20
	uploadsAtOnce   = 4
)

func newBudget(memoryBytes int64, concurrency int) budget {
	writers := runtime.GOMAXPROCS(0)
	return budget{
		sourceBytes:   memoryBytes / 4,
		wholeBytes:    min(maxWholeBytes, memoryBytes/8),
		blockBytes:    max(minBlockBytes, min(maxBlockBytes, memoryBytes/8/int64(2*concurrency))),
		gatherBytes:   memoryBytes / 6,
		rowGroupBytes: max(1, min(maxRowGroupBytes, memoryBytes/12/int64(writers))),
		writers:       writers,
	}
}
