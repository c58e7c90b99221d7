package compactor

import (
	"context"
	"time"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

// spending is what a run spends on one group, from one entry that closes a
// commit to the next. It is used from the one goroutine that works on the group.
type spending struct {
	meter s3store.Meter // the requests under begin's context
	told  s3store.Metrics
	since time.Time // of this machine's monotonic clock
}

// begin makes what is sent under the context count.
func (s *spending) begin(ctx context.Context) context.Context {
	s.since = time.Now()
	return s3store.WithMeter(ctx, &s.meter)
}

// tell puts what was spent since it was told last into the counts of an entry.
// The write of the entry itself is told by the next one.
func (s *spending) tell(c *receipt.Counts) {
	now, at := s.meter.Metrics(), time.Now()
	d := now.Sub(s.told)
	c.Requests, c.BytesRead, c.BytesWritten = &d.Requests, d.BytesRead, d.BytesWritten
	c.Seconds = at.Sub(s.since).Round(time.Millisecond).Seconds()
	s.told, s.since = now, at
}
