package main

import "fmt"

// beginRestore starts at a free head, or at a commit whose deletes are refused for good:
// then the entry carries the outputs that the commit absorbed.
func beginRestore(s *state, i int, e emit) {
	h := s.head()
	if s.undo == 0 || !h.kind.free() && h.kind != commit {
		return
	}
	for a := range s.out {
		if s.out[a].stage != live || !s.committed(a, s.logLen) || s.out[a].recs == 0 || h.kind == commit && (int(h.att) != a || h.keep) {
			continue
		}
		n := *s
		n.undo--
		r := entry{kind: restore, att: uint8(a), mem: s.out[a].recs, wait: true, keep: s.kept(s.logLen)&(1<<a) != 0}
		if h.kind == commit {
			r.abs = h.abs
		}
		if n.append(s.logLen, r) {
			e(n, fmt.Sprintf("w%d: restore output %d", i, a))
		}
	}
}

func putBackStep(s *state, i int, e emit, name func(string, ...any) string) {
	w := s.w[i]
	if !authority(s, i, e, name) {
		return
	}
	w.todo.each(func(k int, c uint8) {
		n := *s
		m := &n.w[i]
		m.todo &^= rec(k, c)
		switch {
		case s.src[k] == 0 || !guards.putBackCreateOnly:
			n.src[k] = c
		case s.src[k] != c:
			m.taken = true
		}
		e(n, name("put back key %d content %d", k, c))
	})
	if w.todo != 0 {
		return
	}
	n := *s
	m := &n.w[i]
	if s.logLen != w.base {
		m.stop()
		e(n, name("head moved: stop"))
		return
	}
	if w.taken {
		// A key is taken by something newer: keep the output, take back what was put back.
		n.append(w.base, entry{kind: commit, att: w.att, mem: s.head().mem, abs: w.abs, wait: true, keep: s.head().keep && guards.keptCarried})
		m.stop()
		e(n, name("restore given up: the output stays"))
		return
	}
	dead := 1<<w.att | w.abs
	if !guards.deadBeforeDelete {
		n.remove(dead)
		e(n, name("remove the output before saying so"))
	}
	n = *s
	m = &n.w[i]
	n.append(w.base, entry{kind: done, dead: dead, wait: true})
	m.stop()
	m.pc, m.junk = collecting, dead
	e(n, name("restored"))
}
