package compactor

import (
	"context"

	"golang.org/x/sync/semaphore"
)

// budget bounds what all groups hold at once: a quarter of the memory is for the
// bodies of members, half of it for the buffers of parts. The rest is left for
// listings and receipts.
type budget struct {
	bodies, parts         *semaphore.Weighted // bytes
	bodyLimit, partsLimit int64
	readers               *semaphore.Weighted
}

const (
	leastPartBytes = 8 << 20 // S3 takes 5 MiB and more, but for the last part
	maxPartBytes   = 48 << 20
)

func newBudget(memoryBytes int64, readers int) *budget {
	b := &budget{
		bodyLimit: max(memoryBytes/4, holdBytes), partsLimit: max(memoryBytes/2, 2*leastPartBytes),
		readers: semaphore.NewWeighted(int64(readers)),
	}
	b.bodies, b.parts = semaphore.NewWeighted(b.bodyLimit), semaphore.NewWeighted(b.partsLimit)
	return b
}

func (b *budget) acquire(ctx context.Context, n int64) error {
	return b.bodies.Acquire(ctx, min(n, b.bodyLimit))
}
func (b *budget) release(n int64) { b.bodies.Release(min(n, b.bodyLimit)) }

// acquireParts waits for the memory of an output writer's buffers, in bytes. A
// group asks for it while it holds none, so that no two wait for one another.
func (b *budget) acquireParts(ctx context.Context, n int64) error {
	return b.parts.Acquire(ctx, min(n, b.partsLimit))
}

// tryParts takes the memory of a further output writer, if there is some.
func (b *budget) tryParts(n int64) bool { return b.parts.TryAcquire(min(n, b.partsLimit)) }

func (b *budget) releaseParts(n int64) { b.parts.Release(min(n, b.partsLimit)) }

// partBuffers is how large the parts of an output of at most so many bytes are,
// and how many buffers it needs. Each part is a PUT that is paid: an output that
// fits into the memory of two buffers goes in one.
func (r *run) partBuffers(outputBytes int64) (partBytes, buffers int64) {
	switch {
	case r.o.PartBytes > 0:
		return r.o.PartBytes, partsUnderWay + 1
	case r.o.PlainText, r.o.Recompress > 0: // what will come of the bytes is not known
		return partBytesFor(outputBytes, 0), partsUnderWay + 1
	}
	most := min(maxPartBytes, r.budget.partsLimit/(partsUnderWay+1))
	if outputBytes < (partsUnderWay+1)*most {
		return outputBytes + 1, 1 // a buffer that is never full
	}
	return max(most, partBytesFor(outputBytes, 0)), partsUnderWay + 1
}
