package s3store

import (
	"context"
	"maps"
	"strings"
	"sync"
	"time"
)

// S3's limits for one partition of a bucket's keys, of which this client takes
// rateShare: others read and write the same prefix, other shards among them.
// Source: Amazon S3 User Guide, "Best practices design patterns: optimizing
// Amazon S3 performance".
const (
	readsPerSecond  = 5500 // GET, HEAD, LIST
	writesPerSecond = 3500 // PUT, COPY, POST, DELETE; each key of a DeleteObjects counts
	rateShare       = 0.8
)

// rateBurst is how much unused time a prefix may make up for at once.
const rateBurst = 100 * time.Millisecond

// rates spaces requests so that none of the prefixes gets more than S3 serves
// in a second. S3 does not tell where it has parted a bucket's keys; a new
// bucket is one part, a busy one is parted by prefixes. So each bucket and
// first segment of the keys has its own rate: never too little where a bucket
// holds several data sets, and what is too much for a bucket that is not yet
// parted is refused by S3 (503) and makes the limiter give way.
//
// Requests of one prefix get their times in the order in which they come, so
// that a batch of 250 deletes waits no longer than what came before it.
type rates struct {
	now func() time.Time

	mu   sync.Mutex             // guards what follows
	next map[ratePart]time.Time // when its next request may be sent
}

type ratePart struct {
	bucket, segment string
	write           bool
}

// maxRateParts bounds the memory: with so many prefixes those that are idle are forgotten.
const maxRateParts = 4096

func newRates(now func() time.Time) *rates {
	return &rates{now: now, next: map[ratePart]time.Time{}}
}

// reserve books n requests at a key and says how long to wait before they are sent.
func (r *rates) reserve(bucket, key string, write bool, n int) time.Duration {
	if bucket == "" || n <= 0 {
		return 0
	}
	segment, _, _ := strings.Cut(key, "/")
	p := ratePart{bucket, segment, write}
	perSecond := readsPerSecond * rateShare
	if write {
		perSecond = writesPerSecond * rateShare
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	earliest := now.Add(-rateBurst)
	at, known := r.next[p]
	if !known {
		p.segment = strings.Clone(segment) // what it is a part of may be a whole listing
		if len(r.next) >= maxRateParts {
			maps.DeleteFunc(r.next, func(_ ratePart, next time.Time) bool { return next.Before(earliest) })
		}
	}
	if at.Before(earliest) {
		at = earliest
	}
	r.next[p] = at.Add(time.Duration(float64(n) / perSecond * float64(time.Second)))
	return max(0, at.Sub(now))
}

// pause waits, or ends with ctx.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
