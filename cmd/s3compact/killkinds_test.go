package main

import (
	"net/http"
	"strings"
	"time"

	"github.com/s3compact/s3compact/internal/s3test/fault"
)

// kind is a kind of fault.
type kind struct {
	name    string
	often   float64 // how often it is chosen beside the others, 0: once
	applies func(op, purpose string) bool
	times   int                            // how many requests of the target it hits: 0 one, -1 all
	all     bool                           // from that request on it hits every request
	fault   func(s *disturbed) fault.Fault // of one run
	killed  bool                           // the run ends by SIGKILL
	told    bool                           // the run ends by SIGTERM: exit 75 in time
}

func (k *kind) weight() float64 {
	if k.often > 0 {
		return k.often
	}
	return 1
}

// termTime is what a run may take to end after SIGTERM.
const termTime = 20 * time.Second

// disturbed is one run with a fault.
type disturbed struct {
	w     *world
	ready chan struct{} // closed when the worker has started
	me    *worker
	other func() // lets another worker run to its end
}

func (d *disturbed) worker() *worker {
	<-d.ready
	return d.me
}

func always(string, string) bool { return true }

// ofWork are the requests for the data, not those by which the program looks around before.
func ofWork(_, purpose string) bool {
	switch purpose {
	case "group", "member", "members", "output", "commit", "done", "void", "restore", "log":
		return true
	}
	return false
}

// isWrite says whether the request changes what is there.
func isWrite(op, _ string) bool {
	switch op {
	case "PutObject", "DeleteObject", "DeleteObjects", "CreateMultipartUpload", "UploadPart", "UploadPartCopy", "CompleteMultipartUpload", "AbortMultipartUpload":
		return true
	}
	return false
}

func refusedWith(status int, code string) func(*disturbed) fault.Fault {
	return func(*disturbed) fault.Fault { return fault.Refuse(status, code) }
}

func simply(f func() fault.Fault) func(*disturbed) fault.Fault {
	return func(*disturbed) fault.Fault { return f() }
}

func is(want string) func(op, purpose string) bool {
	return func(op, purpose string) bool { return op+" "+purpose == want || op == want }
}

// changed makes a fault of what the application does to the source at hand,
// while no other request is under way.
func changed(when func(func(*fault.Exchange)) fault.Fault, change func(w *world, key string)) func(*disturbed) fault.Fault {
	return func(d *disturbed) fault.Fault {
		return when(func(x *fault.Exchange) {
			key := d.w.victim()
			if d.w.isSource(x.Key) {
				key = x.Key
			}
			x.Alone(func() { change(d.w, key) })
		})
	}
}

var kinds = []*kind{
	{name: "request lost", applies: always, fault: simply(fault.LoseRequest)},
	{name: "answer lost", applies: always, fault: simply(fault.LoseAnswer)},
	{name: "answer lost thrice", applies: isWrite, times: 3, fault: simply(fault.LoseAnswer)},
	{name: "500", applies: always, fault: refusedWith(http.StatusInternalServerError, "InternalError")},
	{name: "503", applies: always, fault: refusedWith(http.StatusServiceUnavailable, "SlowDown")},
	{name: "403 ExpiredToken", applies: always, fault: refusedWith(http.StatusForbidden, "ExpiredToken")},
	{name: "403 ExpiredToken from then on", applies: always, all: true, fault: refusedWith(http.StatusForbidden, "ExpiredToken")},
	{name: "403 RequestTimeTooSkewed", applies: always, fault: refusedWith(http.StatusForbidden, "RequestTimeTooSkewed")},
	{name: "409", applies: isWrite, fault: refusedWith(http.StatusConflict, "ConditionalRequestConflict")},
	{name: "body cut", applies: func(op, _ string) bool { return op == "GetObject" || strings.HasPrefix(op, "List") }, fault: simply(fault.CutBody)},
	{name: "body flipped", applies: func(op, purpose string) bool {
		return op == "GetObject" && (purpose == "member" || purpose == "log" || purpose == "output")
	}, fault: simply(fault.FlipBody)},
	{name: "200 with an error", applies: is("CompleteMultipartUpload"), fault: simply(func() fault.Fault { return fault.ErrorIn200("InternalError", false) })},
	{name: "200 with an error, carried out", applies: is("CompleteMultipartUpload"), fault: simply(func() fault.Fault { return fault.ErrorIn200("InternalError", true) })},
	{name: "keys refused", applies: is("DeleteObjects members"), fault: simply(func() fault.Fault { return fault.RefuseKeys("SlowDown", fault.Every(3)) })},
	{name: "keys denied", applies: is("DeleteObjects members"), fault: simply(func() fault.Fault { return fault.RefuseKeys("AccessDenied", fault.Every(3)) })},
	{name: "keys unanswered", applies: is("DeleteObjects members"), fault: simply(func() fault.Fault { return fault.OmitKeys(fault.Every(3)) })},
	{name: "killed before", often: 3, applies: always, killed: true, fault: func(d *disturbed) fault.Fault {
		return func(*fault.Exchange) *fault.Answer {
			d.worker().kill()
			return nil
		}
	}},
	{name: "killed after", often: 3, applies: always, killed: true, fault: func(d *disturbed) fault.Fault {
		return fault.After(func(*fault.Exchange) { d.worker().kill() })
	}},
	{name: "killed, request late", applies: isWrite, killed: true, fault: func(d *disturbed) fault.Fault {
		return fault.Before(func(*fault.Exchange) {
			d.worker().kill()
			d.other()
		})
	}},
	{name: "paused, request late", applies: ofWork, fault: func(d *disturbed) fault.Fault {
		return fault.Before(func(*fault.Exchange) {
			d.worker().pause()
			d.other()
			d.me.resume()
		})
	}},
	{name: "paused, answer late", applies: ofWork, fault: func(d *disturbed) fault.Fault {
		return fault.After(func(*fault.Exchange) {
			d.worker().pause()
			d.other()
			d.me.resume()
		})
	}},
	{name: "overtaken", applies: ofWork, fault: func(d *disturbed) fault.Fault {
		return fault.Before(func(*fault.Exchange) { d.other() })
	}},
	{name: "source replaced before", applies: ofWork, fault: changed(fault.Before, (*world).replaced)},
	{name: "source replaced after", applies: ofWork, fault: changed(fault.After, (*world).replaced)},
	{name: "source removed before", applies: ofWork, fault: changed(fault.Before, (*world).removed)},
	{name: "source removed after", applies: ofWork, fault: changed(fault.After, (*world).removed)},
	{name: "source added", applies: ofWork, fault: changed(fault.Before, func(w *world, _ string) { w.added() })},
	{name: "terminated, answer hangs", applies: always, told: true, fault: func(d *disturbed) fault.Fault {
		return fault.Before(func(*fault.Exchange) {
			d.worker().terminate()
			<-d.me.exited
		})
	}},
	{name: "terminated, 503 from then on", applies: always, all: true, told: true, fault: func(d *disturbed) fault.Fault {
		return func(*fault.Exchange) *fault.Answer {
			d.worker().terminate()
			return fault.Error(http.StatusServiceUnavailable, "SlowDown")
		}
	}},
}
