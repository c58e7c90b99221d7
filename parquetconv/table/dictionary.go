package table

import "hash/maphash"

// entries are the texts of a dictionary by code, as far as it had grown when
// they were taken.
type entries struct {
	offsets []int32
	data    []byte
}

func (e entries) text(code uint32) []byte { return e.data[e.offsets[code]:e.offsets[code+1]] }

func (e entries) len() int { return max(0, len(e.offsets)-1) }

// dictionary gives the strings of a column codes, over a whole batch. It only
// grows, so entries taken earlier stay as they are.
type dictionary struct {
	entries
	table []slot
	// full says that it may not grow any more: blocks that need entries it
	// doesn't have bring their text as it is.
	full bool
}

type slot struct {
	hash uint32
	code int32 // plus one; 0 is empty
}

// maxEntries bounds a dictionary beside the bytes that all may take. A row
// group with more different strings is hardly smaller with a dictionary.
const maxEntries = 1 << 20

const noCode = -1 // of a null entry

// sizeBytes is what it takes in memory.
func (d *dictionary) sizeBytes() int64 {
	return int64(cap(d.data)) + 4*int64(cap(d.offsets)) + 8*int64(len(d.table))
}

// code is the string's code. It is not ok when the dictionary is full.
func (d *dictionary) code(seed maphash.Seed, s []byte) (code int32, ok bool) {
	if d.table == nil {
		d.table = make([]slot, 64)
		d.offsets = make([]int32, 1, 64)
	}
	hash := uint32(maphash.Bytes(seed, s))
	mask := uint32(len(d.table) - 1)
	at := hash & mask
	for ; d.table[at].code != 0; at = (at + 1) & mask {
		if e := d.table[at]; e.hash == hash && string(d.text(uint32(e.code-1))) == string(s) {
			return e.code - 1, true
		}
	}
	if d.full || d.len() == maxEntries || len(d.data)+len(s) > maxDictionaryBytes {
		d.full = true
		return 0, false
	}
	code = int32(d.len())
	d.data = append(d.data, s...)
	d.offsets = append(d.offsets, int32(len(d.data)))
	d.table[at] = slot{hash, code + 1}
	if 2*d.len() > len(d.table) {
		d.grow()
	}
	return code, true
}

// maxDictionaryBytes keeps offsets in 32 bits.
const maxDictionaryBytes = 1 << 30

func (d *dictionary) grow() {
	old := d.table
	d.table = make([]slot, 4*len(old))
	mask := uint32(len(d.table) - 1)
	for _, e := range old {
		if e.code != 0 {
			at := e.hash & mask
			for d.table[at].code != 0 {
				at = (at + 1) & mask
			}
			d.table[at] = e
		}
	}
}

// codeWidth is how many bytes the codes given so far need.
func (d *dictionary) codeWidth() int {
	switch {
	case d.len() <= 1<<8:
		return 1
	case d.len() <= 1<<16:
		return 2
	}
	return 4
}

// remap translates the codes of one producer's dictionary of a column.
type remap struct {
	number int
	codes  []int32
}

type remapKey struct{ producer, column int }

// extend codes the texts from the n-th on, where n are in codes. It is not ok
// when the dictionary is full.
func (d *dictionary) extend(codes []int32, from entries, isNull func(int) bool, seed maphash.Seed) ([]int32, bool) {
	for i := len(codes); i < from.len(); i++ {
		if isNull(i) {
			codes = append(codes, noCode)
			continue
		}
		code, ok := d.code(seed, from.text(uint32(i)))
		if !ok {
			return codes, false
		}
		codes = append(codes, code)
	}
	return codes, true
}
