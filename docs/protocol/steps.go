package main

import "fmt"

// guards are the rules of the protocol; each can be removed to see what it prevents.
var guards = allGuards()

type guardSet struct {
	createOnly, finishFirst, deleteAfterCommit, completeFirst, etagDelete, checkHead,
	settle, relist, putBackCreateOnly, deadBeforeDelete, voidFirst, compareAgain, keepUnsure bool
}

func allGuards() guardSet {
	return guardSet{true, true, true, true, true, true, true, true, true, true, true, true, true}
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
	base, c := w.flyBase, entry{kind: commit, att: w.flyAtt, mem: w.flyMem, abs: w.flyAbs}
	w.land()
	n.append(base, c)
	e(n, fmt.Sprintf("net: commit of worker %d arrives", i))
}

func (w *worker) land() {
	w.flying, w.flyBase, w.flyAtt, w.flyMem, w.flyAbs = false, 0, 0, 0, 0
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

// stop forgets everything but a request in the network.
func (w *worker) stop() {
	*w = worker{flying: w.flying, flyBase: w.flyBase, flyAtt: w.flyAtt, flyMem: w.flyMem, flyAbs: w.flyAbs}
}

func work(s *state, i int, e emit) {
	name := func(f string, a ...any) string { return fmt.Sprintf("w%d: ", i) + fmt.Sprintf(f, a...) }
	switch s.w[i].pc {
	case idle:
		n := *s
		n.begin(i)
		e(n, name("read log (%d)", s.logLen))
		beginRestore(s, i, e)
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
		n.append(w.base, entry{kind: void, att: h.att, mem: h.mem, abs: h.abs, wait: true, open: w.ok})
		w.stop()
		e(n, name("void"))
	case resolving:
		resolve(s, i, e, name)
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

// beginRestore starts at a free head, or at a commit whose deletes are refused for good:
// then the entry carries the outputs that the commit absorbed.
func beginRestore(s *state, i int, e emit) {
	h := s.head()
	if s.undo == 0 || !h.kind.free() && h.kind != commit {
		return
	}
	for a := range s.out {
		if s.out[a].stage != live || !s.committed(a, s.logLen) || s.out[a].recs == 0 || h.kind == commit && int(h.att) != a {
			continue
		}
		n := *s
		n.undo--
		r := entry{kind: restore, att: uint8(a), mem: s.out[a].recs, wait: true}
		if h.kind == commit {
			r.abs = h.abs
		}
		if n.append(s.logLen, r) {
			e(n, fmt.Sprintf("w%d: restore output %d", i, a))
		}
	}
}

// list takes the snapshot of sources and outputs.
func list(s *state, i int, e emit) {
	n := *s
	n.w[i].snap = s.src
	n.choose(i)
	e(n, fmt.Sprintf("w%d: list", i))
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
	var sum recs
	for k, c := range w.snap {
		if c != 0 {
			sum |= rec(k, c)
		}
	}
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
	if n.append(w.base, entry{kind: commit, att: w.att, mem: w.members(), abs: w.abs}) {
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
		f.pc, f.flying, f.flyBase, f.flyAtt, f.flyMem, f.flyAbs = unsure, true, w.base, w.att, w.members(), w.abs
		e(n, name("commit sent, no answer"))
	}
}

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
		next = entry{kind: commit, att: h.att, mem: h.mem, abs: h.abs, wait: true}
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
		n.append(w.base, entry{kind: commit, att: w.att, mem: s.head().mem, abs: w.abs, wait: true})
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
