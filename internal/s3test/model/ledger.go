package model

import (
	"fmt"
	"maps"
	"slices"
	"sync"
)

// Ledger knows for each record in how many objects that readers see it is, and
// which records the application counts on. What it finds wrong is a violation.
type Ledger struct {
	// Records are the records of an object; an object without any that can be
	// told apart is one record, its bytes. Objects that readers skip have none.
	Records func(key string, body []byte) []string
	// Own says whether a client is the application.
	Own func(client string) bool

	mu         sync.Mutex // guards what follows
	places     map[string]int
	wanted     map[string]bool     // true: an object that the application wrote last holds it
	by         map[string][]string // records by bucket and key, of what the application wrote last
	cache      map[*Version][]string
	violations []string
}

// NewLedger is an empty ledger.
func NewLedger(records func(key string, body []byte) []string, own func(client string) bool) *Ledger {
	return &Ledger{Records: records, Own: own, places: map[string]int{}, wanted: map[string]bool{}, by: map[string][]string{}, cache: map[*Version][]string{}}
}

// See takes note of a change.
func (l *Ledger) See(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := e.Bucket + "/" + e.Key
	if l.Own(e.Client) {
		for _, r := range l.by[at] {
			l.wanted[r] = false
		}
		delete(l.by, at)
		if e.After != nil {
			l.by[at] = l.records(e.After)
			for _, r := range l.by[at] {
				l.wanted[r] = true
			}
		}
	}
	if e.After != nil {
		for _, r := range l.records(e.After) {
			l.places[r]++
			if _, known := l.wanted[r]; !known {
				l.violate("record %s was invented in %s by %s", r, at, e.Client)
			}
		}
	}
	if e.Before != nil {
		for _, r := range l.records(e.Before) {
			if l.places[r]--; l.places[r] == 0 && l.wanted[r] {
				l.violate("record %s is lost: the %s of %s by %s removed its last copy", r, e.Call.Op, at, e.Client)
			}
		}
		delete(l.cache, e.Before)
	}
}

func (l *Ledger) records(v *Version) []string {
	r, ok := l.cache[v]
	if !ok {
		r = l.Records(v.Key, v.Body)
		l.cache[v] = r
	}
	return r
}

func (l *Ledger) violate(format string, a ...any) {
	l.violations = append(l.violations, fmt.Sprintf(format, a...))
}

// Violate adds what another watcher has found wrong.
func (l *Ledger) Violate(format string, a ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.violate(format, a...)
}

// Violations is what was wrong so far.
func (l *Ledger) Violations() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.violations)
}

// Settle is what is wrong when all work has ended: each record that the
// application counts on must be in exactly one object, or in as many as most
// says, and what it gave up in at most one.
func (l *Ledger) Settle(most int) (wrong []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range slices.Sorted(maps.Keys(l.wanted)) {
		switch n := l.places[r]; {
		case l.wanted[r] && n == 0:
			wrong = append(wrong, fmt.Sprintf("record %s is lost", r))
		case n > most:
			wrong = append(wrong, fmt.Sprintf("record %s is there %d times", r, n))
		}
	}
	return wrong
}

// Count is the number of objects in which readers see a record.
func (l *Ledger) Count(record string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.places[record]
}
