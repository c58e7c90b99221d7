package compactor

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test/model"
)

// oracle holds every change that a worker makes against the protocol: what it
// may write, complete and delete, and under which authority.
type oracle struct {
	ledger *model.Ledger
	state  s3store.Location

	mu     sync.Mutex                // guards what follows
	logs   map[string][]*logged      // by gid
	closed map[string]time.Time      // by state id: when a closed layout was written
	lax    bool                      // only damage counts
	alone  bool                      // entries need not settle
	there  map[string]*model.Version // by bucket and key, of what workers completed
}

// otherState is where a second state of the bucket lies.
const otherState = "_other/"

// logged is an entry of a log as it was written.
type logged struct {
	*receipt.Entry
	at time.Time
}

func newOracle(l *model.Ledger, state s3store.Location) *oracle {
	return &oracle{ledger: l, state: state, logs: map[string][]*logged{}, closed: map[string]time.Time{}, there: map[string]*model.Version{}}
}

func (o *oracle) damageOnly(only bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lax = only
}

func (o *oracle) unsettled() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.alone = true
}

// see takes note of a change, and of what is wrong with it.
func (o *oracle) see(e model.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	at := e.Bucket + "/" + e.Key
	defer func() {
		if e.After != nil {
			o.there[at] = e.After
		} else {
			delete(o.there, at)
		}
	}()
	if e.Client == appName || e.Client == model.RotClient || strings.HasPrefix(e.Key, "_s3compact/canary/") {
		return
	}
	wrong := func(what string) {
		o.ledger.Violate("%s: %s of %s by %s (signed %s, at %s)", what, e.Call.Op, at, e.Client, e.Call.Signed.Format(time.TimeOnly), e.At.Format(time.TimeOnly))
	}
	if e.Before != nil && e.After != nil {
		wrong("an object was overwritten")
		return
	}
	if e.After == nil {
		o.deleted(e, wrong)
		return
	}
	if !e.Call.Create && !o.lax {
		wrong("a write that is not create-only")
	}
	_, _, output := receipt.ParseOutputName(e.Key)
	switch {
	case e.Bucket == o.state.Bucket && (strings.HasPrefix(e.Key, receipt.GroupsPrefix(o.state.Key)) || strings.HasPrefix(e.Key, receipt.GroupsPrefix(otherState))):
		o.entry(e, wrong)
	case e.Bucket == o.state.Bucket && strings.Contains(e.Key, "/layout/"):
		o.layout(e, wrong)
	case e.Bucket == o.state.Bucket && strings.HasPrefix(e.Key, o.state.Key), e.Key == receipt.ClaimKey:
	case strings.HasPrefix(e.Key, otherState):
	case output && e.Call.Op == "complete":
		o.completed(e, wrong)
	case o.putBack(e):
	default:
		wrong("a write of what is neither state nor output nor put back")
	}
}

func (o *oracle) entry(e model.Event, wrong func(string)) {
	entry, err := receipt.Decode(bytes.NewReader(e.After.Body))
	if err != nil {
		wrong("an entry that can't be read")
		return
	}
	log := o.logs[entry.GID]
	if entry.Number != len(log)+1 {
		wrong("an entry that leaves a gap")
	}
	var head *logged
	if len(log) > 0 {
		head = log[len(log)-1]
	}
	switch {
	case head == nil || head.Kind == receipt.Done:
		if entry.Kind == receipt.Void {
			wrong("a void behind no commit")
		}
	case head.Kind == receipt.Commit && entry.Kind == receipt.Commit, head.Kind == receipt.Restore && entry.Kind == receipt.Void:
		wrong("an entry that leaves the head unfinished")
	}
	if head != nil && head.Wait && !o.alone && !o.lax && e.At.Sub(head.at) < MaxSettle {
		wrong("an entry behind one that has not settled")
	}
	if at, was := o.closed[entry.StateID]; was && entry.Kind == receipt.Commit && (head == nil || head.Kind == receipt.Done) && e.At.Sub(at) > MaxSettle && !o.lax {
		wrong("a new commit in a state that was closed long before")
	}
	o.logs[entry.GID] = append(log, &logged{entry, e.At})
}

func (o *oracle) layout(e model.Event, wrong func(string)) {
	var l receipt.Layout
	if err := json.Unmarshal(e.After.Body, &l); err != nil {
		wrong("a layout that can't be read")
		return
	}
	if _, was := o.closed[l.StateID]; was {
		wrong("a layout behind the one that closes the state")
	}
	if l.Closed {
		o.closed[l.StateID] = e.At
	}
}

// released checks that a claim goes only when its state is closed, that has
// settled, and nothing of it is open.
func (o *oracle) released(e model.Event, wrong func(string)) {
	var held receipt.Claim
	if err := json.Unmarshal(e.Before.Body, &held); err != nil {
		wrong("a delete of a claim that can't be read")
		return
	}
	at, was := o.closed[held.StateID]
	if !o.lax && (!was || !o.alone && e.At.Sub(at) < MaxSettle) {
		wrong("the claim of a state that is not closed, or has not settled, is deleted")
	}
	for _, log := range o.logs {
		if head := log[len(log)-1]; head.StateID == held.StateID && !head.Free() {
			wrong("the claim of a state with an open head is deleted")
		}
	}
}

// MaxSettle is when the last request that an entry's predecessor allowed is refused.
const MaxSettle = model.MaxSignatureAge

// allowed says whether a request was signed while an entry was the head.
func (o *oracle) allowed(log []*logged, n int, c model.Call) bool {
	return o.lax || c.Fixed && (n+1 >= len(log) || !c.Signed.After(log[n+1].at))
}

func (o *oracle) completed(e model.Event, wrong func(string)) {
	gid, _, _ := receipt.ParseOutputName(e.Key)
	named := false
	for n, entry := range o.logs[gid] {
		for _, out := range entry.Outputs {
			if entry.Kind != receipt.Commit || out.Bucket != e.Bucket || out.Key != e.Key || out.UploadID != e.Call.Upload {
				continue
			}
			named = true
			if o.allowed(o.logs[gid], n, e.Call) {
				return
			}
		}
	}
	if named {
		wrong("a completion without authority")
		return
	}
	if !o.lax {
		wrong("a completion that no commit names")
	}
}

// deleted checks that what goes was a member of a commit whose output is there,
// or an output that the log has given up.
func (o *oracle) deleted(e model.Event, wrong func(string)) {
	if e.Call.ETag == "" && !o.lax {
		wrong("a delete without a condition")
	}
	if e.Before == nil {
		return // a delete marker over nothing
	}
	if e.Key == receipt.ClaimKey {
		o.released(e, wrong)
		return
	}
	if e.Bucket == o.state.Bucket && strings.HasPrefix(e.Key, o.state.Key) {
		wrong("a delete of the state")
		return
	}
	why := "a delete of what is not ours to delete"
	for _, log := range o.logs {
		for n, entry := range log {
			for _, dead := range entry.Dead {
				if dead.Bucket != e.Bucket || dead.Key != e.Key || e.Before.Writer == appName {
					continue
				}
				if o.allowed(log, n, e.Call) {
					return
				}
				why = "a delete of a dead output without authority"
			}
			if entry.Kind != receipt.Commit || entry.Keep {
				continue
			}
			for i := range entry.Members {
				m := &entry.Members[i]
				if m.Key != e.Key || m.ETag != e.Before.ETag || m.Bucket != "" && m.Bucket != e.Bucket {
					continue
				}
				out := entry.Outputs[m.Output]
				v := o.there[out.Bucket+"/"+out.Key]
				switch {
				case v == nil || !holdsMember(&out, v.Body, describedBy(log, &out, m), e.Before.Body):
					why = "a delete of a member whose output is not there or is not right"
				case !o.allowed(log, n, e.Call):
					why = "a delete of a member without authority"
				default:
					return
				}
			}
		}
	}
	wrong(why)
}

// putBack says whether a restore entry that is a head puts this key back.
func (o *oracle) putBack(e model.Event) bool {
	for _, log := range o.logs {
		for n, entry := range log {
			if entry.Kind == receipt.Restore && o.allowed(log, n, e.Call) {
				return true
			}
		}
	}
	return false
}

// live are the outputs that the logs name, by bucket and key, and whether a head is open.
func (o *oracle) live() (named map[string]bool, open bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	named = map[string]bool{}
	for _, log := range o.logs {
		head := log[len(log)-1]
		open = open || !head.Free()
		for _, out := range head.Live {
			named[out.Bucket+"/"+out.Key] = true
		}
	}
	return named, open
}
