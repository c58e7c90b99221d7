package fault

import (
	"bytes"
	"net/http"
	"time"
)

// Fault decides what becomes of a request: whether and when it is forwarded,
// and what the client is told. No answer (nil) is a connection that ends.
type Fault func(*Exchange) *Answer

// Rule is a fault for some of the requests.
type Rule struct {
	Match func(*Request) bool // nil: every request; must not call the proxy
	Nth   int                 // the first of the matching requests that it hits, from 1; 0: the first
	Times int                 // how many it hits from there on; 0: one, less: all
	Fault Fault

	seen, fired int
}

func (r *Rule) hits(q *Request) bool {
	if r.Match != nil && !r.Match(q) {
		return false
	}
	r.seen++
	first := max(1, r.Nth)
	return r.seen >= first && (r.Times < 0 || r.seen < first+max(1, r.Times))
}

// Add adds a rule. Where several hit a request, the one that was added first holds.
func (p *Proxy) Add(r *Rule) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = append(p.rules, r)
}

// Fired is how many requests the rule has disturbed.
func (p *Proxy) Fired(r *Rule) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return r.fired
}

// Clear drops all rules.
func (p *Proxy) Clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = nil
}

// LoseRequest ends the connection before anything reaches the server.
func LoseRequest() Fault { return func(*Exchange) *Answer { return nil } }

// LoseAnswer ends the connection when the server has done what was asked.
func LoseAnswer() Fault {
	return func(x *Exchange) *Answer {
		x.Forward()
		return nil
	}
}

// Refuse answers with an error; nothing reaches the server.
func Refuse(status int, code string) Fault {
	return func(*Exchange) *Answer { return Error(status, code) }
}

// Late forwards the request after a time, even if its client has gone meanwhile.
func Late(d time.Duration) Fault {
	return func(x *Exchange) *Answer {
		time.Sleep(d)
		return x.Forward()
	}
}

// Before calls f, then forwards the request.
func Before(f func(*Exchange)) Fault {
	return func(x *Exchange) *Answer {
		f(x)
		return x.Forward()
	}
}

// After forwards the request, then calls f, then gives the answer.
func After(f func(*Exchange)) Fault {
	return func(x *Exchange) *Answer {
		a := x.Forward()
		f(x)
		return a
	}
}

// CutBody ends the connection in the middle of the answer's body.
func CutBody() Fault {
	return func(x *Exchange) *Answer {
		a := *x.Forward()
		if a.CutAt = len(a.Body) / 2; a.CutAt == 0 {
			return nil // there is nothing to cut but the answer itself
		}
		return &a
	}
}

// FlipBody inverts one bit in the middle of the answer's body.
func FlipBody() Fault {
	return func(x *Exchange) *Answer {
		a := *x.Forward()
		if n := len(a.Body); n > 0 {
			a.Body = bytes.Clone(a.Body)
			a.Body[n/2] ^= 0x10
		}
		return &a
	}
}

// ErrorIn200 answers 200 with an error as its body, as a completion or a copy
// may. carriedOut: the server has done what was asked all the same.
// API: CompleteMultipartUpload, "processing ... could take several minutes".
func ErrorIn200(code string, carriedOut bool) Fault {
	return func(x *Exchange) *Answer {
		if carriedOut {
			x.Forward()
		}
		return Error(http.StatusOK, code)
	}
}

// Every picks every n-th of the keys of a batch, from the first.
func Every(n int) func(i int) bool { return func(i int) bool { return i%n == 0 } }

// RefuseKeys makes a DeleteObjects answer with an error for the keys that are
// picked, which stay. It needs EnforceETags, since it changes the request.
func RefuseKeys(code string, pick func(i int) bool) Fault {
	return func(x *Exchange) *Answer {
		d, err := parseDelete(x.Body)
		if err != nil {
			return Error(http.StatusBadRequest, "MalformedXML")
		}
		var refused []deleteError
		var rest []deleteObject
		for i, o := range d.Objects {
			if pick(i) {
				refused = append(refused, deleteError{Key: o.Key, Code: code, Message: "a fault of the test"})
				continue
			}
			rest = append(rest, o)
		}
		d.Objects = rest
		x.Body = d.encode()
		return editDeleted(x.Forward(), func(r *deleteResult) { r.Errors = append(r.Errors, refused...) })
	}
}

// OmitKeys leaves the picked keys out of the answer to a DeleteObjects that was carried out.
func OmitKeys(pick func(i int) bool) Fault {
	return func(x *Exchange) *Answer {
		return editDeleted(x.Forward(), func(r *deleteResult) {
			var left []deletedKey
			for i, d := range r.Deleted {
				if !pick(i) {
					left = append(left, d)
				}
			}
			r.Deleted = left
		})
	}
}
