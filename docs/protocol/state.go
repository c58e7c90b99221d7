// Package main checks the compaction protocol of one group exhaustively: every
// interleaving of two workers, an application that writes the same keys, crashes,
// requests that are applied late, commits that are given up, and a restore. See README.md.
package main

import "math/bits"

// Bounds of the model. A key holds content 0 (absent) or 1..versions; the ETag is the
// content, so writing the same content again gives the same ETag, as S3 does.
const (
	keys     = 2
	versions = 2
	workers  = 2
	attempts = 4  // outputs that can ever be published
	logSlots = 12 // entries in the group's log
)

// recs is a set of records; record (key, content) has bit key*versions + content-1.
type recs uint8

// atts is a set of attempts; attempt i has bit i.
type atts uint8

func rec(key int, content uint8) recs { return 1 << (key*versions + int(content) - 1) }

func (r recs) each(f func(key int, content uint8)) {
	for b := range keys * versions {
		if r&(1<<b) != 0 {
			f(b/versions, uint8(b%versions)+1)
		}
	}
}

// kind of a log entry. none marks a slot that is still free.
type kind uint8

const (
	none     kind = iota
	commit        // att holds mem (source members) and what abs held: the members may be deleted
	done          // the entry before is finished: nothing of it is left to delete
	void          // the commit before is given up, unless a comparison says otherwise once this has settled
	restore       // originals of att are being put back
	restored      // they are back; nothing new starts before old requests have run out
)

type entry struct {
	kind kind
	att  uint8
	mem  recs // commit: members to delete; restore: records to put back
	wait bool // act on it only when requests authorised by earlier heads have run out
	abs  atts // commit: outputs that att absorbed
	dead atts // done: outputs that are dead from here on
	open bool // void: its upload was seen open, so nothing had been deleted for it
	keep bool // commit: its members stay; void, restore: so they do for the commit before
}

// stage is how far one attempt's output has come. Only a live one can be seen by readers.
type stage uint8

const (
	unused   stage = iota
	taken          // an attempt has this number
	uploaded       // parts uploaded, not completed
	live           // completed
	removed        // was live
	aborted        // was uploaded, aborted by a worker; can never be completed
	expired        // the same, by a rule or an operator
)

type output struct {
	stage stage
	recs  recs
}

// pc is where a worker stands.
type pc uint8

const (
	idle        pc = iota
	listing        // log read up to base, next: list
	listed         // snapshot taken, next: read each member on its ETag
	read           // members read, next: publish
	published      // output uploaded under a new name, next: list again
	relisted       // members unchanged, next: commit
	unsure         // commit sent, answer lost
	lost           // the upload is not needed: abort it
	deleting       // commit is ours or found: complete its output, then delete members on their ETag
	puttingBack    // originals being put back
	collecting     // removing outputs that the log declares dead
	voiding        // the commit can't or should not be carried out, next: void
	resolving      // a settled void was compared, next: the entry that follows it
	ending         // the log names an output whose members were kept, next: list what of them is to be deleted
)

type worker struct {
	pc    pc
	base  uint8 // log length this worker acts on
	auth  bool  // it saw the head at base a short time ago, so a delete may be under way
	att   uint8
	snap  [keys]uint8 // listing
	recs  recs        // what the output will hold
	todo  recs
	taken bool // restore: a key holds something newer
	abs   atts
	junk  atts
	keep  bool // the members of its attempt stay
	ok    bool // voiding: the upload was seen open; resolving: the commit holds again
	// a commit request in the network, applied at any later time or never
	flying  bool
	flyBase uint8
	flyAtt  uint8
	flyMem  recs
	flyAbs  atts
	flyKeep bool
}

type state struct {
	src     [keys]uint8
	out     [attempts]output
	log     [logSlots]entry
	logLen  uint8
	w       [workers]worker
	must    recs // records the application may rely on
	may     recs // must, and records whose fate the application raced with
	again   recs // content written a second time while an output still holds the first
	apps    uint8
	crashes uint8
	undo    uint8 // restores left
	keeps   uint8 // attempts left whose members stay
	wrong   uint8 // index into violations, set by an action that saw one
}

func (s *state) srcRecs() (r recs) {
	for k, c := range s.src {
		if c != 0 {
			r |= rec(k, c)
		}
	}
	return r
}

// outputs returns the records held in live outputs.
func (s *state) outputs() (r recs) {
	for _, o := range s.out {
		if o.stage == live {
			r |= o.recs
		}
	}
	return r
}

// copies counts how many live objects hold each record: in once the records held at
// least once, in twice those held more often. A source whose record is in an output with
// keep is counted once with it.
func (s *state) copies() (once, twice recs) {
	add := func(r recs) { twice |= once & r; once |= r }
	src, kept := s.srcRecs(), s.kept(s.logLen)
	add(src)
	for i := range s.out {
		switch {
		case s.out[i].stage != live:
		case kept&(1<<i) != 0:
			add(s.out[i].recs &^ src)
		default:
			add(s.out[i].recs)
		}
	}
	return once, twice
}

func (s *state) head() entry {
	if s.logLen == 0 {
		return entry{kind: none}
	}
	return s.log[s.logLen-1]
}

func (k kind) free() bool { return k == none || k == done }

// allThere says whether everything that the entry's output holds is still there by itself.
func (s *state) allThere(e entry) bool {
	ok := e.mem&^s.srcRecs() == 0
	for a := range s.out {
		ok = ok && (e.abs&(1<<a) == 0 || s.out[a].stage == live)
	}
	return ok
}

// loss: an output is neither there nor can it be completed, and members are missing, too.
// Nobody can tell whether they were deleted for it, so the group stops with an alarm.
func (s *state) loss(a uint8) {
	switch s.out[a].stage {
	case removed:
		s.wrong = stuck
	case aborted:
		s.wrong = falseAlarm
	} // expired: somebody else's doing, and an operator's to judge
}

// append takes slot base+1 of the log if it is free (PUT If-None-Match: *).
func (s *state) append(base uint8, e entry) bool {
	if s.logLen != base && guards.createOnly {
		return false
	}
	if s.logLen == logSlots {
		s.wrong = edge // of the model
		return false
	}
	if s.logLen > 0 && guards.createOnly { // what has no effect from here on makes no further states
		h := &s.log[s.logLen-1]
		h.mem, h.abs, h.wait, h.open = 0, 0, false, false
		for i := range s.w {
			if w := &s.w[i]; w.flying && w.flyBase <= s.logLen {
				w.land()
			}
		}
	}
	s.log[s.logLen] = e
	s.logLen++
	return true
}

// committed says whether the first n entries commit attempt a and none declares it dead.
func (s *state) committed(a int, n uint8) bool {
	ok := false
	for _, e := range s.log[:n] {
		if e.kind == commit && int(e.att) == a {
			ok = true
		}
		if e.dead&(1<<a) != 0 {
			ok = false
		}
	}
	return ok
}

// kept are the outputs whose members stay, as the first n entries have it. A later commit
// that names one of them again without keep ends that.
func (s *state) kept(n uint8) (r atts) {
	for _, e := range s.log[:n] {
		switch {
		case e.kind == commit && e.keep:
			r |= 1 << e.att
		case e.kind == commit:
			r &^= 1 << e.att
		}
		r &^= e.dead
	}
	return r
}

// keptRecs are the records of the live ones among them.
func (s *state) keptRecs(n uint8) (r recs) {
	kept := s.kept(n)
	for a, o := range s.out {
		if kept&(1<<a) != 0 && o.stage == live {
			r |= o.recs
		}
	}
	return r
}

// declaredDead: outputs that the first n entries declare dead.
func (s *state) declaredDead(n uint8) (r atts) {
	for _, e := range s.log[:n] {
		r |= e.dead
	}
	return r
}

// remove deletes live outputs; their names are never used again.
func (s *state) remove(a atts) {
	for i := range s.out {
		if a&(1<<i) != 0 {
			s.out[i] = output{stage: removed}
		}
	}
}

func (a atts) count() int { return bits.OnesCount8(uint8(a)) }
