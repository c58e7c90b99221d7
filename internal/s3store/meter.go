package s3store

import (
	"context"
	"io"
	"sync/atomic"
	"time"
)

// Metrics is what was sent, and what it took.
type Metrics struct {
	Requests     Requests
	BytesRead    int64         // of the bodies of answers
	BytesWritten int64         // of the bodies of requests, as often as they were sent
	Retries      int64         // requests that were sent again
	Throttles    int64         // answers that the server is too busy: 503 and 429
	Waited       time.Duration // before requests, of all together: for their turn, for S3's rates, between retries
}

// Sub is what was sent since before.
func (m Metrics) Sub(before Metrics) Metrics {
	return Metrics{
		Requests: m.Requests.Sub(before.Requests), BytesRead: m.BytesRead - before.BytesRead, BytesWritten: m.BytesWritten - before.BytesWritten,
		Retries: m.Retries - before.Retries, Throttles: m.Throttles - before.Throttles, Waited: m.Waited - before.Waited,
	}
}

// Meter counts what is sent under a context. It is safe for concurrent use.
type Meter struct {
	requests                 [kinds]atomic.Int64
	read, written            atomic.Int64
	retries, throttles, wait atomic.Int64
}

type meterKey struct{}

// WithMeter makes requests under ctx count in the meter too, beside their
// client's own. A meter that ctx carried already does not see them.
func WithMeter(ctx context.Context, m *Meter) context.Context {
	return context.WithValue(ctx, meterKey{}, m)
}

// Metrics is what was counted so far.
func (m *Meter) Metrics() Metrics {
	r := &m.requests
	return Metrics{
		Requests: Requests{
			Get: r[kindGet].Load(), Put: r[kindPut].Load(), List: r[kindList].Load(), Head: r[kindHead].Load(), Delete: r[kindDelete].Load(),
		},
		BytesRead: m.read.Load(), BytesWritten: m.written.Load(),
		Retries: m.retries.Load(), Throttles: m.throttles.Load(), Waited: time.Duration(m.wait.Load()),
	}
}

// meters are those that a request counts in: its client's, and its context's where there is one.
type meters struct{ client, own *Meter }

func (c *Client) meters(ctx context.Context) meters {
	own, _ := ctx.Value(meterKey{}).(*Meter)
	return meters{c.meter, own}
}

func (m meters) each(count func(*Meter)) {
	count(m.client)
	if m.own != nil {
		count(m.own)
	}
}

// meteredBody counts the bytes of an answer as they are read.
type meteredBody struct {
	io.ReadCloser
	meters meters
}

func (b *meteredBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.meters.each(func(m *Meter) { m.read.Add(int64(n)) })
	}
	return n, err
}
