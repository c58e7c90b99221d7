package slow

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestProxyDelaysAndPassesOn(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789abcdef"), 100_000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("X-Host", r.Host)
		_, _ = w.Write(append(in, body...)) // the client compares
	}))
	defer server.Close()
	const roundTrip = 30 * time.Millisecond
	p, err := Start(server.URL, roundTrip)
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range []string{"", "hello", strings.Repeat("x", 1<<20)} {
		start := time.Now()
		resp, err := http.Post(p.Endpoint, "text/plain", strings.NewReader(in))
		if err != nil {
			t.Fatal(err)
		}
		out, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close() // it was read
		if err != nil || string(out) != in+string(body) {
			t.Errorf("%d bytes, %v; want %d", len(out), err, len(in)+len(body))
		}
		if d := time.Since(start); d < roundTrip {
			t.Errorf("an answer after %v, a round trip takes %v", d, roundTrip)
		}
		if host := resp.Header.Get("X-Host"); "http://"+host != p.Endpoint {
			t.Errorf("the server saw the host %s, not %s", host, p.Endpoint)
		}
	}
	if p.Bytes() < 3*int64(len(body)) {
		t.Errorf("%d bytes were counted", p.Bytes())
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if c, err := net.Dial("tcp", strings.TrimPrefix(p.Endpoint, "http://")); err == nil {
		_ = c.Close() // it should not be there
		t.Error("a closed proxy answers")
	}
}

func TestStartRefuses(t *testing.T) {
	for _, endpoint := range []string{"", "127.0.0.1:80", "https://127.0.0.1:80", "http://"} {
		if _, err := Start(endpoint, 0); err == nil {
			t.Errorf("a proxy to %q", endpoint)
		}
	}
}
