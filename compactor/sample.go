package compactor

import (
	"container/heap"
	"encoding/binary"
	"math"

	"crypto/sha256"

	"github.com/s3compact/s3compact/internal/receipt"
)

// Sample says which outputs are verified. The zero value is all of them.
// The same seed chooses the same outputs as long as they are there; another
// seed chooses others, so that runs with a new seed each see all of them in time.
type Sample struct {
	Prefix string  // only groups whose prefix begins so
	Share  float64 // of the outputs, above 0 and up to 1; 0: all
	Count  int     // so many of the outputs, or all where there are fewer; 0: all. Share is not looked at then
	Seed   uint64
}

// rank is an output's place in the order in which the seed takes them, evenly spread.
func (s Sample) rank(ref receipt.OutputRef) uint64 {
	b := binary.BigEndian.AppendUint64(nil, s.Seed)
	b = append(b, ref.Bucket...)
	b = append(b, '/')
	sum := sha256.Sum256(append(b, ref.Key...))
	return binary.BigEndian.Uint64(sum[:8])
}

// has says whether an output belongs to the share. A sample of a number is drawn by a lot.
func (s Sample) has(ref receipt.OutputRef) bool {
	return s.Count > 0 || s.Share <= 0 || s.Share >= 1 || float64(s.rank(ref)) < s.Share*math.MaxUint64
}

// ticket is an output that takes part in a draw.
type ticket struct {
	rank uint64
	gid  string
	head int // of its log, as it was read
	ref  receipt.OutputRef
}

// lot draws the outputs of least rank. Memory: about 400 bytes for each that is drawn.
type lot struct {
	size  int
	drawn tickets // a heap, its last one on top
	left  int64   // not drawn
}

func (l *lot) put(t ticket) {
	if heap.Push(&l.drawn, t); len(l.drawn) > l.size {
		heap.Pop(&l.drawn)
		l.left++
	}
}

// groupWork is what was drawn of one group.
type groupWork struct {
	head int
	refs []receipt.OutputRef
}

// byGroup is what was drawn, and how many were not.
func (l *lot) byGroup() (work map[string]groupWork, left int64) {
	work = map[string]groupWork{}
	for _, t := range l.drawn {
		w := work[t.gid]
		w.head, w.refs = t.head, append(w.refs, t.ref)
		work[t.gid] = w
	}
	return work, l.left
}

type tickets []ticket

func (t tickets) Len() int           { return len(t) }
func (t tickets) Less(i, j int) bool { return t[i].rank > t[j].rank }
func (t tickets) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *tickets) Push(x any)        { *t = append(*t, x.(ticket)) }
func (t *tickets) Pop() any {
	last := (*t)[len(*t)-1]
	*t = (*t)[:len(*t)-1]
	return last
}
