package inventory

import (
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

const (
	shardBits = 4
	numShards = 1 << shardBits
)

// groups sum up all rows of a source by group. Workers add to them at the same
// time: the groups are shared out over shards by their hash, each with a lock.
type groups struct {
	sel    Selection
	bucket string // that the rows are of
	at     int64  // when they were true, Unix milliseconds
	seed   uint64
	kinds  *kindNumbers
	shards [numShards]shard
	// each, where it is set, is given the batches of every worker instead.
	each func(*batch) error

	boundBytes int64        // of the memory of the process; 0: none
	limitBytes int64        // of it for the shards
	usedBytes  atomic.Int64 // by them
	// How much of the source was read, where that is known.
	totalBytes, readBytes atomic.Int64
	tooManyOnce           sync.Once
	tooManyErr            error

	mu                      sync.Mutex
	objects, bytes, ignored int64 // of all groups, whatever the size of the objects
}

type shard struct {
	mu sync.Mutex
	table
	fetched   uint64 // see table.fetch
	accounted int64  // bytes of the table that usedBytes has
}

// newGroups makes the sums of the rows of a bucket as it was at a time. Without a
// bound of their memory they may be any number; see bound.
func newGroups(sel Selection, bucket string, at time.Time) *groups {
	return &groups{sel: sel, bucket: bucket, at: at.UnixMilli(), seed: rand.Uint64(), kinds: newKindNumbers()}
}

// bound bounds the memory of the process, with readers of so many bytes each (see
// shareMemory), and says how many workers there may be. boundBytes 0 is no bound.
func (g *groups) bound(boundBytes int64, workers int, readerBytes int64) int {
	g.boundBytes = boundBytes
	workers, g.limitBytes = shareMemory(boundBytes, workers, readerBytes)
	return workers
}

// worker makes the worker of a goroutine. It must flush what it summed up.
func (g *groups) worker() *worker {
	w := &worker{kindTable: *newKindTable(g.kinds), shared: g, by: g.sel.GroupBy, match: newMatcher(g.sel.Match), smallBytes: math.MaxUint64, limit: workerGroups}
	if g.sel.SmallSizeBytes > 0 {
		w.smallBytes = uint64(g.sel.SmallSizeBytes)
	}
	return w
}

// merge adds what a worker has summed up. That the groups are too many is said
// when they are all there: the bound is passed by less than a worker's table.
func (g *groups) merge(t *table, objects, bytes, ignored int64) error {
	g.mu.Lock()
	if bytes > math.MaxInt64-g.bytes {
		g.mu.Unlock()
		return errTooManyBytes
	}
	g.objects += objects
	g.bytes += bytes
	g.ignored += ignored
	g.mu.Unlock()
	if err := g.mergeGroups(t); err != nil {
		return err
	}
	if g.limitBytes > 0 && g.usedBytes.Load() > g.limitBytes {
		g.tooManyOnce.Do(func() { g.tooManyErr = g.tooMany() })
		return g.tooManyErr
	}
	return nil
}

// mergeGroups adds the groups of a worker's table, those of one shard after
// another.
func (g *groups) mergeGroups(t *table) error {
	var end [numShards]int // of each shard's slots in sorted
	for _, slot := range t.slots {
		if slot != 0 {
			end[slot>>(64-shardBits)]++
		}
	}
	for i := 1; i < numShards; i++ {
		end[i] += end[i-1]
	}
	next := end
	sorted := make([]uint64, t.n)
	for _, slot := range t.slots {
		if slot != 0 {
			n := &next[slot>>(64-shardBits)]
			*n--
			sorted[*n] = slot
		}
	}
	for i := range g.shards {
		if err := g.mergeShard(&g.shards[i], t, sorted[next[i]:end[i]]); err != nil {
			return err
		}
	}
	return nil
}

func (g *groups) mergeShard(s *shard, t *table, slots []uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var runs [runsAtOnce]run
	for len(slots) > 0 {
		n := min(len(slots), len(runs))
		for i, slot := range slots[:n] {
			runs[i].hash = uint32(slot >> 32)
			s.fetched += t.look(uint32(slot) - 1)
		}
		if s.n > 0 {
			s.fetched += s.fetch(runs[:n])
		}
		for _, slot := range slots[:n] {
			m := uint32(slot) - 1
			prefix := t.prefix(m)
			place, err := s.group(uint32(slot>>32), prefix, 0, uint32(len(prefix)))
			if err != nil {
				return err
			}
			s.add(place, t, m)
		}
		slots = slots[n:]
		g.account(s)
	}
	return nil
}

// account counts the memory of a shard that may have grown. The survey will have
// a number for each group, see Survey.hot.
func (g *groups) account(s *shard) {
	now := s.bytes() + int64(s.n)*8
	g.usedBytes.Add(now - s.accounted)
	s.accounted = now
}

// add adds the group at from in t to the one at a place.
func (s *shard) add(place uint32, t *table, from uint32) {
	to, g := s.at(place), t.at(from)
	for i, objects := range g.sizes {
		sum := uint64(to.sizes[i]) + uint64(objects)
		to.sizes[i] = uint32(sum)
		if sum > math.MaxUint32 {
			s.carry(place, i, 1)
		}
		if t.carries != nil {
			if times := t.carries[carry{from, i}]; times > 0 {
				s.carry(place, i, times)
			}
		}
	}
	to.bytes += g.bytes
	if g.first.objects == 0 {
		return
	}
	if to.first.objects == 0 {
		to.oldest, to.newest = g.oldest, g.newest
	}
	to.oldest, to.newest = min(to.oldest, g.oldest), max(to.newest, g.newest)
	for c := range t.kinds(g) {
		sum := s.kind(to, c.kind)
		sum.objects += c.objects
		sum.bytes += c.bytes
		sum.shortBytes += c.shortBytes
		sum.kibibyteDays += c.kibibyteDays
	}
}
