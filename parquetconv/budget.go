package parquetconv

import "runtime"

// budget divides Options.MemoryBytes, M, among the buffers of a batch:
//
//	M/4   sources: stored bytes that were fetched, and what each big source works on
//	M/16  text of small sources, one buffer for each scan
//	M/8   blocks of rows on their way to the table's writer
//	M/2   the table's writer: rows gathered, row groups being encoded
//
// The last sixteenth is for what does not grow with the data: the scanners'
// dictionaries (2 MiB a text column at most), the parts of uploads (8 MiB for
// each of uploadsAtOnce), buffers of connections. A row may take up to 8 MiB
// more in a scanner, whatever M is.
type budget struct {
	scans      int   // at once
	tasks      int   // that are scanned, or wait for their turn to be collected
	blockBytes int   // of a block
	tableBytes int64 // of the table's writer

	sourceBytes int64 // of all sources in memory
	taskBytes   int64 // stored bytes of small sources that are scanned as one task
	wholeBytes  int64 // the largest source that is read whole before it is scanned; others are big
	wholeText   int   // the most that one of them may inflate to; more is scanned piece by piece

	// A big source holds at most about 4 segments with their text and 4 texts
	// that are scanned: bigBytes.
	bigBytes     int64
	bigWeight    int64 // what it takes of sourceBytes: no more of them at once than scans
	segmentBytes int   // stored bytes of members that are inflated at once
	segmentText  int   // what they may inflate to; more is inflated one member after another
	chunkText    int   // text of a member that is scanned at once
	// unitBlocks is how many blocks such a text makes: it is scanned to its end
	// also while nobody collects them, so that no scanner is held for that.
	unitBlocks int
}

const (
	maxTaskBytes  = 4 << 20
	maxWholeBytes = 2 << 20
	maxBlockBytes = 8 << 20
	maxBigBytes   = 64 << 20
	minPieceBytes = 16 << 10 // of any buffer
	// blocksPerTask are the one that is scanned, one that waits and one that is sent.
	blocksPerTask = 3

	uploadPartBytes = 8 << 20
	uploadsAtOnce   = 4
)

func newBudget(memoryBytes int64) budget {
	scans := runtime.GOMAXPROCS(0)
	b := budget{scans: scans, tasks: 2 * scans, sourceBytes: memoryBytes / 4, tableBytes: memoryBytes / 2}
	b.blockBytes = pieceBytes(memoryBytes/8/int64(blocksPerTask*b.tasks), maxBlockBytes)
	b.taskBytes = min(maxTaskBytes, b.sourceBytes/4)
	b.wholeBytes = min(maxWholeBytes, b.taskBytes/2)
	b.wholeText = pieceBytes(memoryBytes/16/int64(scans), 16*maxWholeBytes)
	b.bigBytes = min(maxBigBytes, b.sourceBytes/2)
	b.bigWeight = max(b.bigBytes, b.sourceBytes/int64(scans))
	b.segmentBytes = pieceBytes(b.bigBytes/64, maxBigBytes)
	b.segmentText = pieceBytes(b.bigBytes/8, maxBigBytes)
	b.chunkText = pieceBytes(b.bigBytes/16, maxBigBytes)
	b.unitBlocks = b.segmentText/b.blockBytes + 2
	return b
}

func pieceBytes(share int64, most int) int {
	return int(max(minPieceBytes, min(share, int64(most))))
}
