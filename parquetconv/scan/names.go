package scan

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"unicode/utf8"

	"github.com/s3compact/s3compact/parquetconv/schema"
)

// shape is what is known of the objects at one place of the rows: the fields
// that paths lead to or through, and those that were seen there.
//
// Members mostly come in the order in which they came before. So each field
// remembers which one followed it, and a name is compared with that one before
// it is looked up.
type shape struct {
	first   *field // what the last object began with
	table   []*field
	count   int
	learned int
	unknown op // what is done with a field that no path leads to
}

// field is a name at a place.
type field struct {
	name []byte // without escapes
	hash uint64
	// The name as it stands behind the opening quote, with the closing quote
	// and the colon; its first 16 bytes as two words under masks. Empty where
	// the name cannot be written without an escape.
	text  string
	words [2]uint64
	masks [2]uint64

	seen uint64 // the last object that had the field, by its serial
	next *field // what followed it
	place
}

// place is what stands at a field or an array's element.
type place struct {
	op       op
	column   *column        // whose path ends here, for opColumn
	columns  []*column      // all of those
	members  *shape         // where paths lead on into an object
	elements map[int]*place // where paths lead on into an array
	skipped  *shape         // what was seen of objects here that no path leads into
}

// op is what is done with the value at a place.
type op uint8

const (
	opSkip    op = iota
	opColumn     // one column takes it
	opLead       // several columns, or paths that lead on
	opUnknown    // a member of the row that no path leads to, where that matters
)

func (s *Scanner) newShape() *shape { return &shape{table: make([]*field, 16)} }

// What is learned of names that the schema does not have is bounded: fields in
// a shape, and in all of them, of about 200 bytes each beside names of at most
// maxLearnedName. A name beyond that is kept in a nameSet, which is slower.
const (
	maxLearnedInShape = 512
	maxLearned        = 8192
	maxLearnedName    = 256
)

func (sh *shape) find(name []byte, hash uint64) *field {
	mask := uint64(len(sh.table) - 1)
	for at := hash & mask; ; at = (at + 1) & mask {
		f := sh.table[at]
		if f == nil || f.hash == hash && bytes.Equal(f.name, name) {
			return f
		}
	}
}

func (sh *shape) insert(f *field) {
	if sh.count++; 2*sh.count > len(sh.table) {
		old := sh.table
		sh.table = make([]*field, 2*len(old))
		for _, g := range old {
			if g != nil {
				sh.put(g)
			}
		}
	}
	sh.put(f)
}

func (sh *shape) put(f *field) {
	mask := uint64(len(sh.table) - 1)
	at := f.hash & mask
	for sh.table[at] != nil {
		at = (at + 1) & mask
	}
	sh.table[at] = f
}

func (s *Scanner) newField(name []byte, hash uint64) *field {
	f := &field{name: bytes.Clone(name), hash: hash}
	if !utf8.Valid(name) {
		return f // of a path: no row has it
	}
	for _, c := range f.name {
		if c < ' ' || c == '"' || c == '\\' {
			return f
		}
	}
	f.text = string(f.name) + `":`
	for i := 0; i < len(f.text) && i < 16; i++ {
		f.words[i/8] |= uint64(f.text[i]) << (i % 8 * 8)
		f.masks[i/8] |= 0xff << (i % 8 * 8)
	}
	return f
}

// isAt says whether the field's name and a colon stand at b[i], behind a quote.
func (f *field) isAt(b []byte, i int) bool {
	if i <= len(b)-16 {
		w := (*[16]byte)(b[i:])
		if (binary.LittleEndian.Uint64(w[:8])^f.words[0])&f.masks[0]|(binary.LittleEndian.Uint64(w[8:])^f.words[1])&f.masks[1] != 0 {
			return false
		}
		if n := len(f.text); n <= 16 {
			return n > 0
		}
	}
	return f.isTextAt(b, i)
}

func (f *field) isTextAt(b []byte, i int) bool {
	return len(f.text) > 0 && len(b)-i >= len(f.text) && string(b[i:i+len(f.text)]) == f.text
}

// learn makes a field of a name that the shape does not have; nil where there
// is no room for more.
func (s *Scanner) learn(sh *shape, name []byte, hash uint64) *field {
	if sh.learned == maxLearnedInShape || s.learned == maxLearned || len(name) > maxLearnedName {
		return nil
	}
	sh.learned++
	s.learned++
	f := s.newField(name, hash)
	f.op = sh.unknown
	sh.insert(f)
	return f
}

// lead puts a column at the end of its path.
func (s *Scanner) lead(at *place, path schema.Path, c *column) {
	for i, step := range path {
		if i > 0 {
			at.op = opLead
		}
		if step.Index >= 0 {
			if at.elements == nil {
				at.elements = map[int]*place{}
			}
			if at.elements[step.Index] == nil {
				at.elements[step.Index] = &place{}
			}
			at = at.elements[step.Index]
			continue
		}
		if at.members == nil {
			at.members = s.newShape()
		}
		at = &s.fieldOf(at.members, step.Name).place
	}
	if at.columns = append(at.columns, c); len(at.columns) > 1 || at.op == opLead {
		at.op = opLead
	} else {
		at.op, at.column = opColumn, c
	}
}

// fieldOf is the shape's field of a name, which it gets if it has none.
func (s *Scanner) fieldOf(sh *shape, name string) *field {
	hash := maphash.String(s.seed, name)
	f := sh.find([]byte(name), hash)
	if f == nil {
		f = s.newField([]byte(name), hash)
		sh.insert(f)
	}
	return f
}

// nameSet holds the names that no shape knows, of all objects that are open: a
// table that is emptied by beginning another generation with each row. It takes
// about 60 bytes for each such name of a row, so its bound is that of rows.
type nameSet struct {
	seed       maphash.Seed
	table      []nameEntry
	count      int
	text       []byte
	generation uint64
}

type nameEntry struct {
	generation uint64
	object     uint64 // by its serial
	hash       uint64
	start, end int // in text
}

// keptNames is the table size that is kept from row to row.
const keptNames = 4096

func (n *nameSet) reset() {
	if n.generation++; len(n.table) > keptNames {
		n.table, n.text = nil, nil
	}
	n.count, n.text = 0, n.text[:0]
}

// add says whether the object did not have the name, and has it now.
func (n *nameSet) add(object uint64, name []byte, hash uint64) bool {
	if 2*(n.count+1) > len(n.table) {
		n.grow()
	}
	hash ^= object * 0x9e3779b97f4a7c15
	mask := uint64(len(n.table) - 1)
	at := hash & mask
	for ; n.table[at].generation == n.generation; at = (at + 1) & mask {
		e := &n.table[at]
		if e.hash == hash && e.object == object && bytes.Equal(n.text[e.start:e.end], name) {
			return false
		}
	}
	start := len(n.text)
	n.text = append(n.text, name...)
	n.table[at] = nameEntry{generation: n.generation, object: object, hash: hash, start: start, end: len(n.text)}
	n.count++
	return true
}

func (n *nameSet) grow() {
	old := n.table
	n.table = make([]nameEntry, max(64, 2*len(old)))
	mask := uint64(len(n.table) - 1)
	for _, e := range old {
		if e.generation != n.generation {
			continue
		}
		at := e.hash & mask
		for n.table[at].generation == n.generation {
			at = (at + 1) & mask
		}
		n.table[at] = e
	}
}
