package main

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

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
	Requests s3store.Requests `json:"requests"`
	CostUSD  float64          `json:"cost_usd"`
	Seconds  float64          `json:"seconds"`
}

// String is the line that a table ends with.
func (s spent) String() string {
	r := s.Requests
	return fmt.Sprintf("%s (%d GET, %d PUT, %d LIST, %d HEAD, %d DELETE), $%.4f, %.2f s",
		count(r.Total(), "request"), r.Get, r.Put, r.List, r.Head, r.Delete, s.CostUSD, s.Seconds)
}

func spentSince(start time.Time, r s3store.Requests) spent {
	return spent{Requests: r, CostUSD: price.Default().Requests(r), Seconds: time.Since(start).Round(time.Millisecond).Seconds()}
}
