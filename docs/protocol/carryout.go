package main

// authority lets a worker delete or put back for a short time after it saw the head.
func authority(s *state, i int, e emit, name func(string, ...any) string) bool {
	if s.w[i].auth {
		if guards.checkHead {
			n := *s
			n.w[i].auth = false
			e(n, name("time passes"))
		}
		return true
	}
	n := *s
	if s.logLen == s.w[i].base {
		n.w[i].auth = true
		e(n, name("head unchanged"))
	} else {
		n.w[i].stop()
		e(n, name("head moved: stop"))
	}
	return false
}

func deleteStep(s *state, i int, e emit, name func(string, ...any) string) {
	w := s.w[i]
	if !authority(s, i, e, name) {
		return
	}
	switch s.out[w.att].stage {
	case uploaded:
		n := *s
		n.out[w.att].stage = live
		e(n, name("complete output %d", w.att))
		if s.crashes > 0 { // a refusal for good counts as a fault
			n = *s
			n.crashes--
			n.giveUp(i, true)
			e(n, name("output %d is refused", w.att))
		}
		if guards.completeFirst {
			return
		}
	case aborted, expired:
		n := *s
		n.missing(i)
		e(n, name("upload gone"))
		if guards.completeFirst {
			return
		}
	case removed:
		n := *s
		n.w[i].stop()
		e(n, name("output gone: stop"))
		return
	}
	w.todo.each(func(k int, c uint8) {
		n := *s
		m := &n.w[i]
		m.todo &^= rec(k, c)
		if s.wasKept(w) {
			n.wrong = keptDeleted
		}
		if s.src[k] == c || !guards.etagDelete {
			n.src[k] = 0
		} // 404: gone already; 412: changed, stays and is reported
		e(n, name("delete key %d content %d", k, c))
	})
	if w.todo != 0 {
		return
	}
	if w.abs != 0 {
		for a := range s.out {
			if w.abs&(1<<a) != 0 {
				n := *s
				n.remove(1 << a)
				n.w[i].abs &^= 1 << a
				e(n, name("remove absorbed output %d", a))
			}
		}
		return
	}
	n := *s
	n.append(w.base, entry{kind: done})
	n.w[i].stop()
	e(n, name("finish"))
}
