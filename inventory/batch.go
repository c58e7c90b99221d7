package inventory

// batchRows is the number of rows that a source hands over at once.
const batchRows = 4096

// batch is a run of rows, column by column, as every source hands them to a
// [worker]. The worker keeps nothing of it: a source uses its memory again.
type batch struct {
	rows  int   // that each slice below has, where it is set
	first int64 // number of the first row in its file or unit, for messages

	// Keys one after the other: where the first begins, and where each ends. Not
	// set where known is.
	keys  []byte
	start uint32
	ends  []uint32

	// ETags in the same way, from 0; only where groups.each is set.
	etags    []byte
	etagEnds []uint32

	// known says that all rows belong to the group prefix, and all match, so that
	// no key is needed.
	known  bool
	prefix []byte

	sizes    []int64 // bytes
	modified []int64 // last modified, Unix time in milliseconds, rounded down

	// kinds are the rows' numbers in the worker's kindTable, which sets them; nil
	// says that all rows are of kind. Number 0 is a row without attributes.
	kinds []uint16
	kind  uint16

	// live says which rows are objects that a GET of their key would return; nil:
	// all. The others (see isLive) are counted and otherwise ignored; what they
	// have in the other columns is not looked at.
	live []bool
}

// reset empties the batch and keeps its memory, for the rows from first on.
func (b *batch) reset(first int64) {
	*b = batch{
		first: first, keys: b.keys[:0], ends: b.ends[:0], etags: b.etags[:0], etagEnds: b.etagEnds[:0], prefix: b.prefix[:0],
		sizes: b.sizes[:0], modified: b.modified[:0],
	}
}

// isLive says whether a row is an object that a GET of its key would return. A
// report of all versions has rows of old versions and of delete markers, and a
// delete marker has no size.
func isLive(latest, deleteMarker, hasSize bool) bool { return latest && !deleteMarker && hasSize }
