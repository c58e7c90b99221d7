package compactor

import (
	"context"

	"golang.org/x/sync/semaphore"
)

// budget bounds what all groups hold at once. Half of the memory is for member
// bodies; the other half is for part buffers, which GroupsAtOnce bounds: each
// group has at most maxClasses outputs at work, of partsUnderWay + 1 buffers each.
type budget struct {
	bytes   *semaphore.Weighted
	limit   int64
	readers *semaphore.Weighted
}

func newBudget(memoryBytes int64, readers int) *budget {
	limit := max(memoryBytes/2, holdBytes)
	return &budget{bytes: semaphore.NewWeighted(limit), limit: limit, readers: semaphore.NewWeighted(int64(readers))}
}

func (b *budget) acquire(ctx context.Context, n int64) error {
	return b.bytes.Acquire(ctx, min(n, b.limit))
}
func (b *budget) release(n int64) { b.bytes.Release(min(n, b.limit)) }
