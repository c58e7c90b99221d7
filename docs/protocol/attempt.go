package main

import "fmt"

// list takes the snapshot of sources and outputs.
func list(s *state, i int, e emit) {
	n := *s
	n.w[i].snap = s.src
	n.choose(i)
	e(n, fmt.Sprintf("w%d: list", i))
	// the same, keeping the members
	if s.keeps > 0 {
		n = *s
		n.w[i].snap = s.src
		n.choose(i)
		if n.w[i].pc == listed {
			n.keeps--
			n.w[i].keep = true
			e(n, fmt.Sprintf("w%d: list, to keep the members", i))
		}
	}
	// the same, absorbing the committed outputs (compacting them again)
	n = *s
	n.w[i].snap = s.src
	if abs := s.absorbable(s.w[i].base); abs.count() > 0 && s.srcRecs() != 0 {
		n.w[i].abs = abs
		n.choose(i)
		if n.w[i].pc == listed {
			e(n, fmt.Sprintf("w%d: list, absorb outputs", i))
		}
	}
}

func (s *state) absorbable(n uint8) (r atts) {
	for a := range s.out {
		if s.out[a].stage == live && s.committed(a, n) {
			r |= 1 << a
		}
	}
	if guards.keptNotAbsorbed {
		r &^= s.kept(n)
	}
	return r
}

// choose decides on a listing: collect the dead, report success, or start an attempt.
func (s *state) choose(i int) {
	w := &s.w[i]
	var dead, unknown atts
	for a, o := range s.out {
		switch {
		case o.stage != live || s.committed(a, w.base):
		case s.declaredDead(w.base)&(1<<a) != 0:
			dead |= 1 << a
		default:
			unknown |= 1 << a // committed since the log was read
		}
	}
	if guards.keptLeftOut {
		s.keptRecs(w.base).each(func(k int, c uint8) {
			if w.snap[k] == c {
				w.snap[k] = 0
			}
		})
	}
	sum := w.members()
	switch {
	case unknown != 0:
		w.stop()
	case dead != 0:
		w.pc, w.junk = collecting, dead
	case sum == 0:
		if s.logLen == w.base && s.head().kind.free() { // head read again: nothing moved meanwhile
			if once, twice := s.copies(); s.must&^once != 0 || twice&^s.again != 0 || once&^(s.may|s.must) != 0 {
				s.wrong = notOnce
			} else {
				s.wrong = success
			}
		}
		w.stop()
	default:
		for a := range s.out {
			if s.out[a].stage == unused {
				s.out[a].stage = taken
				w.pc, w.att, w.recs = listed, uint8(a), sum
				return
			}
		}
		w.stop() // out of attempts: edge of the model
		s.wrong = edge
	}
}

func publish(s *state, i int, e emit) {
	n := *s
	w := &n.w[i]
	for a := range s.out {
		if w.abs&(1<<a) != 0 {
			w.recs |= s.out[a].recs
		}
	}
	n.out[w.att] = output{stage: uploaded, recs: w.recs}
	w.pc, w.recs = published, 0
	e(n, fmt.Sprintf("w%d: upload output %d", i, w.att))
}

func commitStep(s *state, i int, e emit, name func(string, ...any) string) {
	w := s.w[i]
	n := *s
	if n.append(w.base, entry{kind: commit, att: w.att, mem: w.members(), abs: w.abs, keep: w.keep}) {
		n.w[i].base = n.logLen - 1
		n.w[i].own()
		e(n, name("commit at slot %d", n.logLen))
	} else {
		n.w[i].pc = lost
		e(n, name("slot taken"))
	}
	if !w.flying && s.crashes > 0 { // a lost answer counts as a fault of the network
		n = *s
		n.crashes--
		f := &n.w[i]
		f.pc, f.flying, f.flyBase, f.flyAtt, f.flyMem, f.flyAbs, f.flyKeep = unsure, true, w.base, w.att, w.members(), w.abs, w.keep
		e(n, name("commit sent, no answer"))
	}
}
