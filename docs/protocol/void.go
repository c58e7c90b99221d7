package main

// missing: worker i finds its commit's output not there, and no upload to complete.
func (s *state) missing(i int) {
	w := &s.w[i]
	switch h := s.log[w.base-1]; {
	case s.logLen != w.base: // someone else has given the commit up, or finished it and gone on
		w.stop()
	case s.allThere(h):
		s.giveUp(i, false)
	default: // never delete on a receipt whose output is missing
		s.loss(w.att)
		w.stop()
	}
}

// giveUp: worker i will void the commit. Others with authority may still carry it out.
func (s *state) giveUp(i int, open bool) {
	w := &s.w[i]
	base, att := w.base, w.att
	w.stop()
	w.pc, w.base, w.att, w.ok = voiding, base, att, open
}

// resolve appends what follows a settled void: the commit again, where someone completed it
// after all and may have deleted members; else done. The upload is aborted last.
func resolve(s *state, i int, e emit, name func(string, ...any) string) {
	n := *s
	w := &n.w[i]
	h, again := s.log[w.base-1], w.ok
	next := entry{kind: done, dead: 1 << h.att}
	if again {
		next = entry{kind: commit, att: h.att, mem: h.mem, abs: h.abs, wait: true, keep: h.keep && guards.keptCarried}
	}
	ours := n.append(w.base, next)
	w.stop()
	if again {
		e(n, name("the commit holds again"))
		return
	}
	if ours && s.out[h.att].stage == uploaded {
		w.pc, w.att = lost, h.att
	}
	e(n, name("the commit is given up"))
}

// settled: every delete and put-back authorised by an earlier head has been answered or
// has expired. It is a wait by the clock, so it bounds only workers that check the head.
func (s *state) settled() bool {
	if !guards.settle || !guards.checkHead {
		return true
	}
	for _, w := range s.w {
		if (w.pc == deleting || w.pc == puttingBack) && w.auth && w.base < s.logLen {
			return false
		}
	}
	return true
}
