package main

import "fmt"

// application: writes, overwrites and deletes, as long as its budget lasts.
func application(s *state, e emit) {
	if s.apps == 0 {
		return
	}
	for k := range s.src {
		old := s.src[k]
		for c := uint8(1); c <= versions; c++ {
			if c == old || s.must&rec(k, c) != 0 {
				continue // nothing new, or the same object uploaded again while its record lives in an output
			}
			n := *s
			n.apps--
			if old != 0 {
				n.drop(k, old)
			}
			n.src[k] = c
			n.must |= rec(k, c)
			n.may |= rec(k, c)
			n.again |= rec(k, c) & s.outputs()
			e(n, fmt.Sprintf("app: write key %d content %d", k, c))
		}
		if old != 0 {
			n := *s
			n.apps--
			n.src[k] = 0
			n.drop(k, old)
			e(n, fmt.Sprintf("app: delete key %d", k))
		}
	}
}

// drop: the application overwrote or deleted a source. Where the record already is in an
// output whose members were found unchanged, the race is lost: both versions may stay.
func (s *state) drop(key int, content uint8) {
	s.must &^= rec(key, content)
	s.may &^= rec(key, content) &^ s.pastRelist(key)
}

// pastRelist: records of the key in outputs whose members were found unchanged and that may
// become live, and those that may be put back.
func (s *state) pastRelist(key int) (r recs) {
	mask := recs(1<<versions-1) << (key * versions)
	for a, o := range s.out {
		if o.stage == live || o.stage == uploaded && s.mayCommit(a) {
			r |= o.recs & mask
		}
	}
	for _, w := range s.w { // a put-back may be on its way
		if w.pc == puttingBack && w.auth {
			r |= w.todo & mask
		}
	}
	return r
}

// mayCommit: the attempt is committed, or about to be.
func (s *state) mayCommit(a int) bool {
	for _, w := range s.w {
		if int(w.att) == a && (w.pc == relisted || w.pc == unsure) || w.flying && int(w.flyAtt) == a {
			return true
		}
	}
	return s.committed(a, s.logLen)
}
