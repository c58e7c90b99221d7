// Package slow puts a server on loopback as far away as it would be in a
// network: what it and its clients send arrives later, however much it is.
package slow

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// Proxy is a way to a server that takes a round trip longer. It passes bytes on
// as they are, so a signature over the host holds: clients sign for the proxy's
// address and send it as Host, which is what the server sees.
type Proxy struct {
	// Endpoint is where clients find the server, http://127.0.0.1:PORT.
	Endpoint string

	target    string
	roundTrip time.Duration
	listener  net.Listener
	sent      atomic.Int64

	mu     sync.Mutex
	open   map[net.Conn]bool
	closed bool
	pumps  sync.WaitGroup
}

// Start starts a proxy to the server at an endpoint (http://HOST:PORT). Half of
// the round trip passes before a request arrives, the other half before its
// answer does. Connections open at once.
func Start(endpoint string, roundTrip time.Duration) (*Proxy, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" || u.Host == "" {
		return nil, fmt.Errorf("proxy to %q: write http://HOST:PORT", endpoint)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("proxy to %s: %w", endpoint, err)
	}
	p := &Proxy{Endpoint: "http://" + l.Addr().String(), target: u.Host, roundTrip: roundTrip, listener: l, open: map[net.Conn]bool{}}
	p.pumps.Go(p.accept)
	return p, nil
}

// Close ends the proxy and its connections.
func (p *Proxy) Close() error {
	err := p.listener.Close()
	p.mu.Lock()
	p.closed = true
	for c := range p.open {
		_ = c.Close() // its pumps see it
	}
	p.mu.Unlock()
	p.pumps.Wait()
	return err
}

// Bytes is the number of bytes that servers have sent so far.
func (p *Proxy) Bytes() int64 { return p.sent.Load() }

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = client.Close() // the client sees it
			continue
		}
		if !p.track(client, server) {
			return
		}
		var unused atomic.Int64
		p.pumps.Go(func() { p.pump(server, client, &unused) })
		p.pumps.Go(func() { p.pump(client, server, &p.sent) })
	}
}

func (p *Proxy) track(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		if p.closed {
			_ = c.Close() // nobody waits for it
			continue
		}
		p.open[c] = true
	}
	return !p.closed
}

// delayed are bytes on their way.
type delayed struct {
	bytes []byte
	due   time.Time
}

// onTheWay bounds the pieces of 64 KiB or less that are under way in one direction.
const onTheWay = 128

// pump passes on what comes from one side, half a round trip later.
func (p *Proxy) pump(to, from net.Conn, count *atomic.Int64) {
	way := make(chan delayed, onTheWay)
	go func() {
		defer close(way)
		for {
			b := make([]byte, 64<<10)
			n, err := from.Read(b)
			if n > 0 {
				count.Add(int64(n))
				way <- delayed{b[:n], time.Now().Add(p.roundTrip / 2)}
			}
			if err != nil {
				return // its end, or the other pump's
			}
		}
	}()
	var err error
	for d := range way {
		if err != nil {
			continue // so that the reader is never stuck
		}
		time.Sleep(time.Until(d.due))
		_, err = to.Write(d.bytes)
	}
	if t, ok := to.(*net.TCPConn); ok && err == nil {
		err = t.CloseWrite()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		_, _ = to.Close(), from.Close() // both sides see that it is over
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, from)
	_ = from.Close() // nothing more comes from it
}
