package main

import (
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/s3compact/s3compact/internal/s3test/fault"
)

// defaultSeed chooses the faults of a run of the tests that names no other seed.
const defaultSeed = 20261003

// number is an environment variable's, or the default.
func number(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// TestFaultsOnTheServer runs the program against the real server with one
// fault at a time: requests and answers lost, refused, late or damaged, the
// program killed, paused or terminated, another worker in between, sources
// changed at that moment. Afterwards nothing may be lost; after reruns without
// faults every record must be there exactly once, nothing left over and nothing
// of others touched; a restore must then bring every original back as it was.
// S3COMPACT_FAULTS and S3COMPACT_FAULT_SEED choose how many faults and which,
// and S3COMPACT_FAULT_ONLY tries of these only those whose name contains it.
func TestFaultsOnTheServer(t *testing.T) {
	seed, n := number(t, "S3COMPACT_FAULT_SEED", defaultSeed), int(number(t, "S3COMPACT_FAULTS", faultsTried))
	t.Logf("S3COMPACT_FAULT_SEED=%d S3COMPACT_FAULTS=%d", seed, n)
	var mu sync.Mutex
	var all []cell
	t.Run("undisturbed", func(t *testing.T) {
		for _, v := range variants {
			t.Run(v.name, func(t *testing.T) {
				t.Parallel()
				sent := undisturbed(t, v)
				mu.Lock()
				defer mu.Unlock()
				all = append(all, cells(v, sent)...)
			})
		}
	})
	if t.Failed() {
		return
	}
	if len(all) == 0 {
		t.Fatal("-run has left out the undisturbed runs, which the faults are chosen from: choose a fault with S3COMPACT_FAULT_ONLY")
	}
	sortCells(all)
	only := os.Getenv("S3COMPACT_FAULT_ONLY")
	picked := slices.DeleteFunc(chosen(all, n, seed), func(c cell) bool { return !strings.Contains(c.String(), only) })
	t.Run("fault", func(t *testing.T) {
		for _, c := range picked {
			t.Run(c.String(), func(t *testing.T) {
				t.Parallel()
				c.try(t)
			})
		}
	})
	t.Log(matrix(picked, all))
}

// undisturbed runs the program without a fault, and is what it sent.
func undisturbed(t *testing.T, v variant) map[string]int {
	w := newWorld(t, v)
	p := w.proxy()
	sent := map[string]int{}
	p.Add(&fault.Rule{Match: func(r *fault.Request) bool {
		sent[target(r)]++
		return false
	}})
	if r := startWorker(t, w.server.Env(), p, w.command()...).wait(); r.code != exitRefused {
		t.Fatalf("an undisturbed run: exit %d, %s", r.code, tail(r.stderr))
	}
	w.settledState("after an undisturbed run")
	w.hasItsParticulars(sent)
	w.finish(p)
	return sent
}

// hasItsParticulars says that the world shows what it is there for.
func (w *world) hasItsParticulars(sent map[string]int) {
	w.t.Helper()
	parts := 0
	for _, e := range w.entries() {
		for _, o := range e.Outputs {
			parts = max(parts, len(o.Parts))
		}
	}
	switch {
	case w.batch && sent["DeleteObjects members"] == 0:
		w.t.Errorf("no batch of members was deleted")
	case w.second && w.padBytes > 0 && (sent["UploadPartCopy output"] == 0 || parts < 2):
		w.t.Errorf("no output was copied by the server into one of several parts")
	case w.second && sent["GetObject output"]+sent["UploadPartCopy output"] == 0:
		w.t.Errorf("no output was absorbed")
	}
}

// try is one fault, from a fresh bucket to the last check.
func (c cell) try(t *testing.T) {
	w := newWorld(t, c.variant)
	p := w.proxy()
	d := &disturbed{w: w, ready: make(chan struct{}), other: sync.OnceFunc(func() {
		o := startWorker(t, w.server.Env(), w.proxy(), w.command()...).wait()
		if o.code != exitDone && o.code != exitRefused && o.code != exitResumable {
			t.Errorf("the other worker: exit %d, %s", o.code, tail(o.stderr))
		}
	})}
	disturb := c.kind.fault(d)
	rule := &fault.Rule{Match: func(r *fault.Request) bool { return target(r) == c.target }, Nth: c.nth, Times: c.kind.times, Fault: func(x *fault.Exchange) *fault.Answer {
		a := disturb(x)
		if a != nil && a.Status == http.StatusForbidden && x.Op == "GetObject" {
			w.denied(x.Key)
		}
		return a
	}}
	if c.kind.all {
		seen := 0
		rule.Match = func(r *fault.Request) bool {
			if target(r) == c.target {
				seen++
			}
			return seen >= c.nth
		}
		rule.Nth, rule.Times = 1, -1
	}
	p.Add(rule)
	d.me = startWorker(t, w.server.Env(), p, w.command()...)
	close(d.ready)
	r := d.me.wait()
	p.Wait()
	if p.Fired(rule) == 0 {
		t.Fatalf("the fault did not come about: exit %d, %s", r.code, tail(r.stderr))
	}
	c.checkEnd(t, d.me, r)
	if n := len(p.Requests()); n > maxRequests {
		t.Errorf("the run sent %d requests", n)
	}
	w.nothingLost("after the fault")
	if (r.code == exitDone || r.code == exitRefused) && !t.Failed() {
		w.exactlyOnce("after a run that says it is done")
	}
	w.finish(p)
	if t.Failed() {
		t.Logf("the run with the fault: exit %d, %s", r.code, tail(r.stderr))
	}
}

// checkEnd checks how the run with the fault ended.
func (c cell) checkEnd(t *testing.T, me *worker, r result) {
	t.Helper()
	switch {
	case c.kind.killed:
		if r.code != -1 {
			t.Errorf("a killed run ended with exit %d", r.code)
		}
	case c.kind.told:
		if r.code != exitResumable {
			t.Errorf("after SIGTERM: exit %d, %s", r.code, tail(r.stderr))
		}
		if d := me.endedAt.Sub(me.toldAt); d > termTime {
			t.Errorf("it took %v to end after SIGTERM", d)
		}
	case r.code != exitDone && r.code != exitRefused && r.code != exitFailed && r.code != exitResumable:
		t.Errorf("exit %d, %s", r.code, tail(r.stderr))
	}
}
