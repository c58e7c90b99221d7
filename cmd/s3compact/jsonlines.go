package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/s3compact/s3compact/internal/price"
	"github.com/s3compact/s3compact/internal/s3store"
)

// lines writes JSON lines, one value each, from many goroutines.
type lines struct {
	mu  sync.Mutex
	enc *json.Encoder
	err error // the first
}

func newLines(w io.Writer) *lines {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return &lines{enc: enc}
}

func (l *lines) write(v any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.enc.Encode(v); err != nil && l.err == nil {
		l.err = err
	}
}

// flush ends a table that goes where the lines go.
func (l *lines) flush(table *tabwriter.Writer) {
	if err := table.Flush(); err != nil && l.err == nil {
		l.err = err
	}
}

// refusedLine tells that an object, or a group when it has a prefix, was left as it is.
type refusedLine struct {
	Type   string  `json:"type"` // "refused"
	Key    *string `json:"key,omitempty"`
	Prefix *string `json:"prefix,omitempty"`
	Reason string  `json:"reason"`
	Detail string  `json:"detail,omitempty"`
}

// spent is what a command cost, as every summary tells it.
type spent struct {
	Requests      s3store.Requests `json:"requests"`
	BytesRead     int64            `json:"bytes_read"`
	BytesWritten  int64            `json:"bytes_written"`
	Retries       int64            `json:"retries"`
	Throttles     int64            `json:"throttles"`
	WaitedSeconds float64          `json:"waited_seconds"` // of all requests together, side by side
	CostUSD       float64          `json:"cost_usd"`
	Seconds       float64          `json:"seconds"`
}

// String is the line that a table ends with.
func (s spent) String() string {
	r := s.Requests
	line := fmt.Sprintf("%s (%d GET, %d PUT, %d LIST, %d HEAD, %d DELETE), read %s, wrote %s, %s, %.2f s",
		count(r.Total(), "request"), r.Get, r.Put, r.List, r.Head, r.Delete,
		humanize.IBytes(uint64(s.BytesRead)), humanize.IBytes(uint64(s.BytesWritten)), cost(s.CostUSD), s.Seconds)
	if s.Retries > 0 {
		line += fmt.Sprintf("\n%d of the requests were sent again, %d because S3 was busy; requests waited %.2f s, all together", s.Retries, s.Throttles, s.WaitedSeconds)
	}
	return line
}

// cost shows a sum with four decimals, and says where these would be none.
func cost(usd float64) string {
	if usd > 0 && usd < 0.00005 {
		return "< $0.0001"
	}
	return fmt.Sprintf("$%.4f", usd)
}

// spentSince is what a command that began at start has spent. Without a store
// nothing was sent.
func spentSince(start time.Time, store *s3store.Client) spent {
	var m s3store.Metrics
	if store != nil {
		m = store.Metrics()
	}
	return spent{
		Requests: m.Requests, BytesRead: m.BytesRead, BytesWritten: m.BytesWritten,
		Retries: m.Retries, Throttles: m.Throttles, WaitedSeconds: seconds(m.Waited),
		CostUSD: math.Round(price.Default().Requests(m.Requests)*1e10) / 1e10, Seconds: seconds(time.Since(start)),
	}
}

func seconds(d time.Duration) float64 { return d.Round(time.Millisecond).Seconds() }
