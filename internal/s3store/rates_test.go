package s3store

import (
	"fmt"
	"testing"
	"time"
)

// fakeClock stands still until it is told to go on.
type fakeClock struct{ t time.Time }

func newFakeClock() *fakeClock { return &fakeClock{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)} }

func (c *fakeClock) now() time.Time { return c.t }

func TestRatesStayBelowTheLimits(t *testing.T) {
	for _, tt := range []struct {
		name   string
		write  bool
		units  int
		limit  float64
		offset int
	}{
		{"reads", false, 1, readsPerSecond, 0},
		{"writes", true, 1, writesPerSecond, 0},
		{"batches of 250 deletes", true, 250, writesPerSecond, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clock := newFakeClock()
			r := newRates(clock.now)
			start := clock.t
			sent := 0
			for sent < 20_000 { // one after another, each sent when it may be
				clock.t = clock.t.Add(r.reserve("b", "p/k", tt.write, tt.units))
				sent += tt.units
			}
			rate := float64(sent) / clock.t.Sub(start).Seconds()
			if rate > tt.limit*0.9 || rate < tt.limit*0.7 {
				t.Errorf("%.0f a second, the limit is %.0f", rate, tt.limit)
			}
		})
	}
}

func TestRatesAreOfAPrefixAndAKind(t *testing.T) {
	clock := newFakeClock()
	r := newRates(clock.now)
	for range 10_000 {
		r.reserve("b", "p/k", false, 1)
	}
	if d := r.reserve("b", "p/other", false, 1); d < time.Second {
		t.Errorf("a read of the same prefix waits %s after 10,000", d)
	}
	for _, other := range []struct {
		bucket, key string
		write       bool
	}{{"b", "q/k", false}, {"b", "p/k", true}, {"c", "p/k", false}, {"", "", false}} {
		if d := r.reserve(other.bucket, other.key, other.write, 1); d != 0 {
			t.Errorf("%+v waits %s for the reads of another prefix", other, d)
		}
	}
	// What was not used is made up for, but not for longer than the burst.
	clock.t = clock.t.Add(time.Hour)
	n := 0
	for r.reserve("b", "p/k", false, 1) == 0 {
		n++
	}
	if want := int(readsPerSecond * rateShare * rateBurst.Seconds()); n < want || n > want+2 {
		t.Errorf("%d at once after an hour, want %d", n, want)
	}
}

func TestRatesForgetIdlePrefixes(t *testing.T) {
	clock := newFakeClock()
	r := newRates(clock.now)
	for i := range 10 * maxRateParts {
		r.reserve("b", fmt.Sprintf("p%d/k", i), false, 1)
		clock.t = clock.t.Add(time.Millisecond)
	}
	if len(r.next) > maxRateParts+1 {
		t.Errorf("%d prefixes are remembered", len(r.next))
	}
}
