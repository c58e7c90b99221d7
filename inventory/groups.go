package inventory

import (
	"errors"
	"hash/maphash"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

const (
	shardBits = 4
	numShards = 1 << shardBits

	// workerGroups is how many groups a worker sums up before it flushes them: of
	// sorted rows that is seldom, and 64 Ki groups take some 13 MB.
	workerGroups = 64 << 10
	workerBytes  = workerGroups * 200
)

// groups sum up all rows of a source by group. Workers add to them at the same
// time: the groups are shared out over shards by their hash, each with a lock.
type groups struct {
	sel    Selection
	bucket string // that the rows are of
	at     int64  // when they were true, Unix milliseconds
	seed   maphash.Seed
	kinds  *kindNumbers
	shards [numShards]shard

	limitBytes int64        // of the shards' memory; 0: none
	usedBytes  atomic.Int64 // of it

	mu                      sync.Mutex
	objects, bytes, ignored int64 // of all groups, whatever the size of the objects
}

type shard struct {
	mu sync.Mutex
	table
	accounted int64 // bytes of the table that usedBytes has
}

// newGroups makes the sums of the rows of a bucket as it was at a time, which
// may take so much memory (0: any).
func newGroups(sel Selection, bucket string, at time.Time, limitBytes int64) *groups {
	return &groups{sel: sel, bucket: bucket, at: at.UnixMilli(), seed: maphash.MakeSeed(), kinds: newKindNumbers(), limitBytes: limitBytes}
}

// worker makes the worker of a goroutine. It must flush what it summed up.
func (g *groups) worker() *worker {
	w := &worker{kindTable: *newKindTable(g.kinds), shared: g, by: g.sel.GroupBy, match: newMatcher(g.sel.Match), smallBytes: math.MaxUint64, limit: workerGroups}
	if g.sel.SmallSizeBytes > 0 {
		w.smallBytes = uint64(g.sel.SmallSizeBytes)
	}
	return w
}

// merge adds what a worker has summed up.
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
	for _, slot := range t.slots {
		if slot == 0 {
			continue
		}
		if err := g.mergeGroup(t, uint32(slot>>32), uint32(slot)-1); err != nil {
			return err
		}
	}
	return nil
}

// mergeGroup adds one group of a worker's table.
func (g *groups) mergeGroup(t *table, hash, number uint32) error {
	from := t.groups.at(number)
	s := &g.shards[hash>>(32-shardBits)]
	s.mu.Lock()
	defer s.mu.Unlock()
	n, to, err := s.group(hash, t.prefix(from))
	if err != nil {
		return err
	}
	s.add(n, to, t, number, from)
	return g.account(s)
}

// account holds the memory of a shard that may have grown against the bound.
func (g *groups) account(s *shard) error {
	now := s.bytes()
	if now == s.accounted {
		return nil
	}
	used := g.usedBytes.Add(now - s.accounted)
	s.accounted = now
	if g.limitBytes > 0 && used > g.limitBytes {
		return errMemory
	}
	return nil
}

var errMemory = errors.New("the groups do not fit into the memory")

// add adds the group from, which has the number m in t, to the group to, which
// has the number n.
func (s *shard) add(n uint32, to *group, t *table, m uint32, from *group) {
	for i, objects := range from.sizes {
		sum := uint64(to.sizes[i]) + uint64(objects)
		to.sizes[i] = uint32(sum)
		if sum > math.MaxUint32 {
			s.carry(n, i, 1)
		}
		if t.carries != nil {
			if times := t.carries[carry{m, i}]; times > 0 {
				s.carry(n, i, times)
			}
		}
	}
	to.bytes += from.bytes
	if from.first == 0 {
		return
	}
	if to.first == 0 {
		to.oldest, to.newest = from.oldest, from.newest
	}
	to.oldest, to.newest = min(to.oldest, from.oldest), max(to.newest, from.newest)
	for i := from.first; i > 0; {
		c := t.counts.at(i - 1)
		sum := s.kind(to, c.kind)
		sum.objects += c.objects
		sum.bytes += c.bytes
		sum.shortBytes += c.shortBytes
		sum.kibibyteDays += c.kibibyteDays
		i = c.next
	}
}
