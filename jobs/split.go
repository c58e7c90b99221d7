package jobs

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// objectCostBytes is what handling one object costs apart from its bytes, in
// bytes whose handling costs the same: a GET takes about 0.7 ms of CPU, in
// which some 64 KiB of gzip are inflated and checked; a DELETE comes on top.
const objectCostBytes = 64 << 10

// Work is one indivisible piece of work, such as a plan's hotspot.
type Work struct {
	Key            string // names the piece: its prefix
	Objects, Bytes int64
}

// cost is what the piece costs, in bytes (see objectCostBytes). It is at least
// 1, so that pieces without objects are spread too, and never overflows.
func (w Work) cost() int64 {
	o, b := max(w.Objects, 0), max(w.Bytes, 1)
	if o > (math.MaxInt64-b)/objectCostBytes {
		return math.MaxInt64
	}
	return o*objectCostBytes + b
}

// Split divides the work into n shards of nearly equal cost and returns, for
// each, the indexes of its pieces, ascending. Every piece is in exactly one
// shard, and whoever calls with the same pieces gets the same division, in
// whatever order they are given.
//
// Longest processing time first: the pieces by falling cost, equals by key,
// each to the shard with the least so far, equals to the lowest. The most
// loaded shard is then at most 4/3 − 1/(3n) of the best possible (Graham 1969).
// It takes O(w log w + w log n) time and about 40 bytes a piece.
func Split(work []Work, n int) ([][]int, error) {
	if n < 1 || n > MaxShards {
		return nil, fmt.Errorf("divide the work into %d shards: the number of shards is from 1 to %d", n, MaxShards)
	}
	type piece struct {
		cost  int64
		index int
	}
	order := make([]piece, len(work))
	for i, w := range work {
		order[i] = piece{w.cost(), i}
	}
	slices.SortFunc(order, func(a, b piece) int {
		if c := cmp.Compare(b.cost, a.cost); c != 0 {
			return c
		}
		if c := cmp.Compare(work[a.index].Key, work[b.index].Key); c != 0 {
			return c
		}
		return cmp.Compare(a.index, b.index)
	})
	shards := make([][]int, n)
	loads := make(loadHeap, n) // all zero, so already a heap with the lowest shard on top
	for i := range loads {
		loads[i].shard = i
	}
	for _, p := range order {
		least := &loads[0]
		shards[least.shard] = append(shards[least.shard], p.index)
		least.cost += min(p.cost, math.MaxInt64-least.cost)
		loads.settle()
	}
	for _, s := range shards {
		slices.Sort(s)
	}
	return shards, nil
}

// Of returns the indexes of the pieces that are the shard's share, ascending.
func (s Shard) Of(work []Work) ([]int, error) {
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("shard %s: %w", s, err)
	}
	shards, err := Split(work, s.Count)
	if err != nil {
		return nil, err
	}
	return shards[s.Index], nil
}

type load struct {
	cost  int64
	shard int
}

// loadHeap is a binary heap with the least loaded shard on top.
type loadHeap []load

func (h loadHeap) less(i, j int) bool {
	return h[i].cost < h[j].cost || h[i].cost == h[j].cost && h[i].shard < h[j].shard
}

// settle restores the heap after its top has grown.
func (h loadHeap) settle() {
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h); child++ {
			if h.less(child, least) {
				least = child
			}
		}
		if least == i {
			return
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}
