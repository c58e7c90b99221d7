// Package fault puts a proxy before an S3 server that disturbs chosen
// requests: refuses them, loses them or their answers, damages bodies, or lets
// something happen before or after them, such as the end of the process that
// asked.
package fault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// Proxy is a way to a server. It passes requests on as they are, so a signature
// over the host holds: clients sign for the proxy's address and send it as
// Host, which is what the server sees. Bodies are held in memory whole, up to
// maxBody each way.
type Proxy struct {
	// Endpoint is where clients find the server, http://127.0.0.1:PORT.
	Endpoint string

	target string // host:port
	client *http.Client
	server *http.Server

	alone   sync.RWMutex                    // held for reading while the server works on a request; guards
	forward func(*Request) (*Answer, error) // what sends it there
	live    sync.WaitGroup

	mu       sync.Mutex // guards what follows
	rules    []*Rule
	requests []Request
	errs     []error
}

// maxBody bounds a request's or an answer's body.
const maxBody = 64 << 20

// Start starts a proxy to the server at an endpoint (http://HOST:PORT). It
// disturbs nothing until rules are added.
func Start(endpoint string) (*Proxy, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" || u.Host == "" {
		return nil, fmt.Errorf("proxy to %q: write http://HOST:PORT", endpoint)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("proxy to %s: %w", endpoint, err)
	}
	p := &Proxy{Endpoint: "http://" + l.Addr().String(), target: u.Host}
	p.client = &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	p.forward = p.pass
	p.server = &http.Server{Handler: p, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	go func() { _ = p.server.Serve(l) }() // ends with Close
	return p, nil
}

// Close ends the proxy and its connections, when the requests under way are done.
func (p *Proxy) Close() error {
	err := p.server.Close()
	p.live.Wait()
	p.client.CloseIdleConnections()
	p.mu.Lock()
	defer p.mu.Unlock()
	return errors.Join(append(p.errs, err)...)
}

// Wait returns when no request is under way: what a process that was killed
// had sent has reached the server by then, or never will.
func (p *Proxy) Wait() { p.live.Wait() }

// Requests are the requests so far, without their bodies.
func (p *Proxy) Requests() []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Request(nil), p.requests...)
}

// ServeHTTP takes one request, finds the rule that is due, and answers.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.live.Add(1)
	defer p.live.Done()
	body, err := readBody(r.Body)
	if err != nil {
		return // the client went, or broke its request off: nothing reaches the server
	}
	req := newRequest(r, body)
	x := &Exchange{Request: req, p: p, ctx: context.WithoutCancel(r.Context())}
	fault := p.due(req)
	var a *Answer
	if fault != nil {
		a = fault(x)
	} else {
		a = x.Forward()
	}
	p.send(w, r, a)
}

// due records the request and is the fault for it, nil for none.
func (p *Proxy) due(r *Request) Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	r.N = len(p.requests) + 1
	bare := *r
	bare.Body = nil
	p.requests = append(p.requests, bare)
	var fault Fault
	for _, rule := range p.rules {
		if rule.hits(r) && fault == nil {
			rule.fired++
			fault = rule.Fault
		}
	}
	return fault
}

// pass sends a request to the server.
func (p *Proxy) pass(r *Request) (*Answer, error) {
	u := *r.url
	u.Scheme, u.Host = "http", p.target
	out, err := http.NewRequest(r.Method, u.String(), bytes.NewReader(r.Body))
	if err != nil {
		return nil, err
	}
	out.URL = &u // as the client has encoded it
	out.Host, out.Header, out.ContentLength = r.host, r.Header.Clone(), int64(len(r.Body))
	if len(r.Body) == 0 {
		out.Body = http.NoBody
	}
	out.Header.Del("Connection")
	out.Header.Del("Expect") // the body is here already
	resp, err := p.client.Do(out)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := readBody(resp.Body)
	if err != nil {
		return nil, err
	}
	resp.Header.Del("Connection")
	return &Answer{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

// send gives the answer to the client; none is the end of the connection.
func (p *Proxy) send(w http.ResponseWriter, r *http.Request, a *Answer) {
	if a == nil {
		panic(http.ErrAbortHandler) // how net/http is told to break off
	}
	for name, values := range a.Header {
		w.Header()[name] = values
	}
	cut := a.CutAt > 0 && a.CutAt < len(a.Body)
	bodiless := r.Method == http.MethodHead || a.Status == http.StatusNoContent || a.Status == http.StatusNotModified
	if !bodiless {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.Body)))
	}
	w.WriteHeader(a.Status)
	if bodiless {
		return
	}
	body := a.Body
	if cut {
		body = body[:a.CutAt]
	}
	_, err := w.Write(body)
	if cut && err == nil {
		err = http.NewResponseController(w).Flush()
	}
	if cut || err != nil {
		panic(http.ErrAbortHandler)
	}
}

func (p *Proxy) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.errs = append(p.errs, err)
}

func readBody(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxBody+1))
	if err == nil && len(b) > maxBody {
		err = fmt.Errorf("a body of more than %d bytes", maxBody)
	}
	return b, err
}

// Exchange is one request and what is done with it.
type Exchange struct {
	*Request
	p      *Proxy
	ctx    context.Context
	answer *Answer
}

// Forward sends the request to the server, once: a second call returns the
// same answer.
func (x *Exchange) Forward() *Answer {
	if x.answer != nil {
		return x.answer
	}
	x.p.alone.RLock()
	defer x.p.alone.RUnlock()
	a, err := x.p.forward(x.Request)
	if err != nil {
		x.p.fail(fmt.Errorf("%s %s/%s: the server behind the proxy: %w", x.Op, x.Bucket, x.Key, err))
		a = Error(http.StatusBadGateway, "BadGateway")
	}
	x.answer = a
	return a
}

// Alone calls f while the server works on no other request that came through
// this proxy.
func (x *Exchange) Alone(f func()) {
	x.p.alone.Lock()
	defer x.p.alone.Unlock()
	f()
}

// Answer is what the client is told.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	CutAt  int // bytes of the body after which the connection ends; 0: not
}

// Error is an answer in S3's form, dated now.
// API: "Error responses" of the S3 API reference.
func Error(status int, code string) *Answer {
	h := http.Header{}
	h.Set("Content-Type", "application/xml")
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	return &Answer{Status: status, Header: h, Body: errorBody(code)}
}

func errorBody(code string) []byte {
	return []byte(xmlHeader + "<Error><Code>" + code + "</Code><Message>a fault of the test</Message><RequestId>0</RequestId></Error>")
}

const xmlHeader = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
