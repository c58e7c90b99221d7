package main

import "fmt"

// lifecycle: a rule, or a tidy worker, aborts an upload that is not completed.
func lifecycle(s *state, e emit) {
	if s.crashes == 0 {
		return
	}
	for a, o := range s.out {
		if o.stage == uploaded {
			n := *s
			n.crashes--
			n.out[a] = output{stage: expired}
			e(n, fmt.Sprintf("upload %d is aborted", a))
		}
	}
}

// network: a commit request sent earlier arrives now.
func network(s *state, i int, e emit) {
	if !s.w[i].flying {
		return
	}
	n := *s
	w := &n.w[i]
	base, c := w.flyBase, entry{kind: commit, att: w.flyAtt, mem: w.flyMem, abs: w.flyAbs, keep: w.flyKeep}
	w.land()
	n.append(base, c)
	e(n, fmt.Sprintf("net: commit of worker %d arrives", i))
}

func (w *worker) land() {
	w.flying, w.flyBase, w.flyAtt, w.flyMem, w.flyAbs, w.flyKeep = false, 0, 0, 0, 0, false
}

func crash(s *state, i int, e emit) {
	if s.crashes == 0 || s.w[i].pc == idle {
		return
	}
	n := *s
	n.crashes--
	n.w[i].stop()
	e(n, fmt.Sprintf("w%d: crash", i))
}
