package main

import "fmt"

// beginEnd: a worker finds a free head, and an output whose members were kept. It will
// name the output again in a commit that deletes what is there of them.
func beginEnd(s *state, i int, e emit) {
	if h := s.head(); !h.kind.free() || h.wait && !s.settled() {
		return
	}
	kept := s.kept(s.logLen)
	for a, o := range s.out {
		if kept&(1<<a) == 0 || o.stage != live {
			continue
		}
		n := *s
		w := &n.w[i]
		w.pc, w.base, w.att = ending, s.logLen, uint8(a)
		e(n, fmt.Sprintf("w%d: read log (%d), to delete what output %d has kept", i, s.logLen, a))
	}
}

// end lists which of the kept members are still what the output holds.
func end(s *state, i int, e emit, name func(string, ...any) string) {
	n := *s
	w := &n.w[i]
	s.out[w.att].recs.each(func(k int, c uint8) {
		if s.src[k] == c {
			w.snap[k] = c
		}
	})
	w.pc = relisted
	e(n, name("list what output %d has kept", w.att))
}

// wasKept says whether the members that a worker is about to delete are to stay: those of a
// commit that follows a void or a restore of an output with keep.
func (s *state) wasKept(w worker) bool {
	return w.base > 0 && s.log[w.base-1].wait && s.kept(w.base-1)&(1<<w.att) != 0
}
