package main

import "fmt"

// guards are the rules of the protocol; each can be removed to see what it prevents.
var guards = allGuards()

type guardSet struct {
	createOnly, finishFirst, deleteAfterCommit, completeFirst, etagDelete, checkHead,
	settle, relist, putBackCreateOnly, deadBeforeDelete, voidFirst, compareAgain, keepUnsure,
	keptLeftOut, keptNotAbsorbed, keptCarried bool
}

func allGuards() guardSet {
	return guardSet{true, true, true, true, true, true, true, true, true, true, true, true, true, true, true, true}
}

// emit receives a successor state and the name of the step that led to it.
type emit func(next state, step string)

// next calls emit for every step that is possible in s.
func next(s *state, e emit) {
	application(s, e)
	lifecycle(s, e)
	for i := range s.w {
		network(s, i, e)
		crash(s, i, e)
		work(s, i, e)
	}
}

func work(s *state, i int, e emit) {
	name := func(f string, a ...any) string { return fmt.Sprintf("w%d: ", i) + fmt.Sprintf(f, a...) }
	switch s.w[i].pc {
	case idle:
		n := *s
		n.begin(i)
		e(n, name("read log (%d)", s.logLen))
		beginRestore(s, i, e)
		beginEnd(s, i, e)
	case listing:
		list(s, i, e)
	case listed:
		n := *s
		w := &n.w[i]
		ok := true
		for k, c := range w.snap {
			ok = ok && (c == 0 || c == s.src[k])
		}
		for a := range s.out {
			ok = ok && (w.abs&(1<<a) == 0 || s.out[a].stage == live)
		}
		if ok {
			w.pc = read
			e(n, name("read members"))
		} else {
			w.stop()
			e(n, name("a member changed: start again"))
		}
	case read:
		publish(s, i, e)
	case published:
		n := *s
		w := &n.w[i]
		w.pc = relisted
		for k, c := range w.snap {
			if c != 0 && c != s.src[k] && guards.relist {
				w.pc = lost
			}
		}
		e(n, name("list again"))
		if !guards.deleteAfterCommit {
			n := *s
			w := &n.w[i]
			for k, c := range w.snap {
				if c != 0 && n.src[k] == c {
					n.src[k] = 0
				}
			}
			w.pc = relisted
			e(n, name("delete members before the commit"))
		}
	case relisted:
		commitStep(s, i, e, name)
	case unsure:
		n := *s
		w := &n.w[i]
		switch {
		case s.logLen > w.base && s.log[w.base].kind == commit && s.log[w.base].att == w.att:
			w.own()
			w.auth = false // what came after it is not known yet: check the head first
			e(n, name("the commit was applied"))
		case s.logLen > w.base:
			w.pc = lost
			e(n, name("the slot went to someone else"))
		default: // ask again, or give up: the commit may still arrive, and then needs the upload
			if w.stop(); !guards.keepUnsure {
				w.pc, w.att = lost, s.w[i].att
			}
			e(n, name("give up on the commit"))
		}
	case lost:
		n := *s
		if o := &n.out[n.w[i].att]; o.stage == uploaded {
			*o = output{stage: aborted}
		}
		n.w[i].stop()
		e(n, name("abort the upload"))
	case deleting:
		deleteStep(s, i, e, name)
	case puttingBack:
		putBackStep(s, i, e, name)
	case collecting:
		n := *s
		n.remove(n.w[i].junk)
		n.w[i].stop()
		e(n, name("remove dead outputs"))
	case voiding:
		n := *s
		w := &n.w[i]
		h := s.log[w.base-1]
		n.append(w.base, entry{kind: void, att: h.att, mem: h.mem, abs: h.abs, wait: true, open: w.ok, keep: h.keep})
		w.stop()
		e(n, name("void"))
	case resolving:
		resolve(s, i, e, name)
	case ending:
		end(s, i, e, name)
	}
}

func (w *worker) members() (m recs) {
	for k, c := range w.snap {
		if c != 0 {
			m |= rec(k, c)
		}
	}
	return m
}

// own: the commit at base+1 is ours, and we know it.
func (w *worker) own() {
	w.pc, w.base, w.auth = deleting, w.base+1, true
	w.todo, w.snap = w.members(), [keys]uint8{}
	if w.keep {
		w.todo = 0
	}
}

// stop forgets everything but a request in the network.
func (w *worker) stop() {
	*w = worker{flying: w.flying, flyBase: w.flyBase, flyAtt: w.flyAtt, flyMem: w.flyMem, flyAbs: w.flyAbs, flyKeep: w.flyKeep}
}

// begin reads the log and decides what is to be done first.
func (s *state) begin(i int) {
	w := &s.w[i]
	w.base = s.logLen
	switch h := s.head(); {
	case h.wait && !s.settled():
		w.stop()
	case h.kind.free(), !guards.finishFirst && h.kind == commit:
		w.pc = listing
	case h.kind == commit:
		w.pc, w.auth, w.att, w.todo, w.abs = deleting, true, h.att, h.mem, h.abs
		if w.keep = h.keep; h.keep {
			w.todo = 0
		}
		switch o := &s.out[h.att]; {
		case o.stage != uploaded && o.stage != live:
			s.missing(i)
		case o.stage == uploaded && !s.allThere(h): // a member changed before it was completed
			if !guards.voidFirst { // its abort, whose answer nobody may ever see
				*o = output{stage: aborted}
			}
			s.giveUp(i, true)
		}
	case h.kind == void: // whoever had authority before it has lost it: compare once and for all
		there := s.allThere(h)
		w.pc, w.att, w.ok = resolving, h.att, !there && s.out[h.att].stage == live && guards.compareAgain
		if !there && !w.ok && !h.open && guards.compareAgain {
			w.stop()
			s.loss(h.att)
		}
	case h.kind == restore:
		w.pc, w.auth, w.att, w.todo, w.abs = puttingBack, true, h.att, h.mem, h.abs
		if s.out[h.att].stage != live {
			s.wrong = stuck
		}
	}
}
