package s3store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/s3compact/s3compact/internal/s3test"
)

const slowDown = `<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>`

// TestMetricsCountWhatWasSent: each try, the bytes both ways, and for a meter only what is under its context.
func TestMetricsCountWhatWasSent(t *testing.T) {
	tries := map[string]int{}
	c := scriptedTries(t, 4, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		what := r.Method + " " + r.URL.Path
		tries[what]++
		switch {
		case what == "GET /b/busy" && tries[what] < 3:
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprint(w, slowDown)
		case what == "HEAD /b/limited" && tries[what] < 2:
			w.WriteHeader(http.StatusTooManyRequests)
		case r.Method == http.MethodGet:
			fmt.Fprint(w, strings.Repeat("x", 1000))
		}
	})
	ctx := context.Background()
	var own Meter
	mine := WithMeter(ctx, &own)
	body, _, err := c.Get(mine, "b", "busy", GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, body)
	_ = body.Close()
	if _, err := c.Head(ctx, "b", "limited"); err != nil {
		t.Error(err)
	}
	if _, err := c.Put(mine, "b", "new", make([]byte, 700), PutOptions{}); err != nil {
		t.Error(err)
	}
	if err := c.Delete(ctx, "b", "new", ""); err != nil {
		t.Error(err)
	}
	all, part := c.Metrics(), own.Metrics()
	if want := (Requests{Get: 3, Put: 1, Head: 2, Delete: 1}); all.Requests != want || c.Requests() != want {
		t.Errorf("requests %+v, want %+v", all.Requests, want)
	}
	if want := (Requests{Get: 3, Put: 1}); part.Requests != want {
		t.Errorf("requests under the meter %+v, want %+v", part.Requests, want)
	}
	if all.Retries != 3 || all.Throttles != 3 || part.Retries != 2 || part.Throttles != 2 {
		t.Errorf("retries %d and %d, throttles %d and %d", all.Retries, part.Retries, all.Throttles, part.Throttles)
	}
	if read := int64(1000 + 2*len(slowDown)); all.BytesRead != read || part.BytesRead != read || all.BytesWritten != 700 || part.BytesWritten != 700 {
		t.Errorf("bytes read %d and %d, want %d; written %d and %d", all.BytesRead, part.BytesRead, read, all.BytesWritten, part.BytesWritten)
	}
	if all.Waited <= 0 || part.Waited > all.Waited {
		t.Errorf("waited %s and %s", all.Waited, part.Waited)
	}
	if d := c.Metrics().Sub(all); d != (Metrics{}) {
		t.Errorf("%+v since then", d)
	}
}

// scriptedTries is scripted with several tries of each request, short waits between them.
func scriptedTries(t *testing.T, tries int, handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_ENDPOINT_URL_S3", "")
	c, err := Open(context.Background(), Options{EndpointURL: server.URL, MaxAttempts: tries, MaxBackoff: 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestWhatLowersTheBound: refusals for load and silence, not other errors.
func TestWhatLowersTheBound(t *testing.T) {
	for _, tt := range []struct {
		name    string
		status  int
		body    string
		lowered bool
	}{
		{"SlowDown", 503, slowDown, true},
		{"a plain 503", 503, "", true},
		{"429", 429, "", true},
		{"an internal error", 500, "", false},
		{"a missing key", 404, "", false},
		{"no permission", 403, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := scripted(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tt.status)
				fmt.Fprint(w, tt.body)
			})
			_, _, err := c.Get(context.Background(), "b", "k", GetOptions{})
			if err == nil {
				t.Fatal("no error")
			}
			if lowered := c.limiter.bound < float64(c.limiter.largest); lowered != tt.lowered {
				t.Errorf("bound %v of %d", c.limiter.bound, c.limiter.largest)
			}
			if c.limiter.underWay != 0 {
				t.Errorf("%d under way", c.limiter.underWay)
			}
		})
	}
	t.Run("a key of a batch", func(t *testing.T) {
		c := scripted(t, func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `<?xml version="1.0"?><DeleteResult><Error><Key>k</Key><Code>SlowDown</Code><Message>m</Message></Error></DeleteResult>`)
		})
		if errs, err := c.DeleteBatch(context.Background(), "b", []KeyETag{{"k", "x"}}); err != nil || errs[0] == nil {
			t.Fatal(errs, err)
		}
		if c.limiter.bound == float64(c.limiter.largest) || c.Metrics().Throttles != 1 {
			t.Errorf("bound %v, %d throttles", c.limiter.bound, c.Metrics().Throttles)
		}
	})
}

// TestAnOpenBodyHoldsNoTurn: an upload that is fed from a body that is being
// read must be sent even where one request at a time is allowed.
func TestAnOpenBodyHoldsNoTurn(t *testing.T) {
	c := scripted(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.Method == http.MethodGet {
			fmt.Fprint(w, strings.Repeat("x", 1<<20))
		}
	})
	c.limiter.largest, c.limiter.bound = 1, 1
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	body, _, err := c.Get(ctx, "b", "k", GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if _, err := c.Put(ctx, "b", "new", []byte("x"), PutOptions{}); err != nil {
		t.Error(err)
	}
}

// TestACancelledRequestStopsWaiting: for its turn, for its prefix's rate, and between tries.
func TestACancelledRequestStopsWaiting(t *testing.T) {
	for _, tt := range []struct {
		name    string
		prepare func(*Client)
	}{
		{"for a turn", func(c *Client) {
			for range c.limiter.largest {
				if _, err := c.limiter.acquire(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
		}},
		{"for the rate", func(c *Client) { c.rates.reserve("b", "k", false, 10_000_000) }},
		{"between tries", func(*Client) {}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
			defer server.Close()
			t.Setenv("AWS_ACCESS_KEY_ID", "id")
			t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
			c, err := Open(context.Background(), Options{EndpointURL: server.URL, MaxAttempts: 1000, MaxBackoff: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			tt.prepare(c)
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan error)
			go func() { _, err := c.Head(ctx, "b", "k"); done <- err }()
			time.AfterFunc(50*time.Millisecond, cancel)
			select {
			case err := <-done:
				if !errors.Is(err, context.Canceled) {
					t.Errorf("stopped with %v", err)
				}
			case <-time.After(time.Minute):
				t.Error("it waits on")
			}
		})
	}
}

// TestABusyServerLosesNoRequest: before the real server stands one that refuses
// what is more than it bears at once. Everything is served in the end, with few
// refusals for the number of requests, and when the server bears more again,
// more is sent.
func TestABusyServerLosesNoRequest(t *testing.T) {
	real := s3test.Start(t)
	real.Setenv(t)
	to, err := url.Parse(real.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	var bears, underWay, most atomic.Int64
	bears.Store(4)
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to); r.Out.Host = r.In.Host }}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := underWay.Add(1)
		defer underWay.Add(-1)
		if n > bears.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprint(w, slowDown)
			return
		}
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(2 * time.Millisecond) // so that requests overlap
		forward.ServeHTTP(w, r)
	}))
	defer server.Close()
	bucket := real.Bucket(t)
	c, err := Open(context.Background(), Options{EndpointURL: server.URL, Concurrency: 24, MaxAttempts: 20, MaxBackoff: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	const objects = 600
	put := func() {
		var all sync.WaitGroup
		work := make(chan int)
		for range 32 {
			all.Go(func() {
				for i := range work {
					if _, err := c.Put(context.Background(), bucket, fmt.Sprintf("k%03d", i), []byte("body"), PutOptions{}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for i := range objects {
			work <- i
		}
		close(work)
		all.Wait()
	}
	put()
	busy := c.Metrics()
	if busy.Throttles == 0 || busy.Throttles > objects/2 {
		t.Errorf("%d refusals for %d requests that a server of %d at once got from 32", busy.Throttles, objects, bears.Load())
	}
	if c.limiter.bound > 12 {
		t.Errorf("bound %v before a server that bears %d", c.limiter.bound, bears.Load())
	}
	bears.Store(1000)
	most.Store(0)
	put()
	put()
	if c.limiter.bound < 24 || most.Load() < 8 {
		t.Errorf("bound %v, at most %d at once, after the server bears everything", c.limiter.bound, most.Load())
	}
	if again := c.Metrics().Sub(busy); again.Throttles != 0 {
		t.Errorf("%d refusals by a server that refuses nothing", again.Throttles)
	}
	n := 0
	err = c.List(context.Background(), bucket, ListOptions{}, func(p Page) error { n += len(p.Objects); return nil })
	if err != nil || n != objects {
		t.Errorf("%d objects, %v", n, err)
	}
}
