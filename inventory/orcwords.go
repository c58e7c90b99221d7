package inventory

import (
	"github.com/s3compact/s3compact/inventory/orc"
)

// checkBucket holds the column bucket against the bucket of the report.
func (r *orcReader) checkBucket(v *orc.Vector, bucket string) error {
	if v == nil || bucket == "" {
		return nil
	}
	if v.Dictionary && v.Present == nil && onlyEntry(v, bucket) {
		return nil
	}
	for i := range r.batch.rows {
		if word := v.Bytes(i); string(word) != bucket {
			return wrongBucket(r.batch.first+int64(i), word, bucket)
		}
		if v.Constant {
			break
		}
	}
	return nil
}

// onlyEntry says whether all entries of a dictionary are this word.
func onlyEntry(v *orc.Vector, word string) bool {
	for c := range v.Entries() {
		if string(v.Entry(c)) != word {
			return false
		}
	}
	return true
}

// fillKinds gives the rows of the batch their kinds: by the columns that are the
// same in all rows first, so that only the others cost something for each.
func (r *orcReader) fillKinds(in *orc.Batch, w *worker) error {
	for c := colClass; c <= colReplication; c++ {
		if r.columns[c] < 0 || !in.Columns[r.columns[c]].Constant {
			continue
		}
		code, err := w.code(c.attribute(), in.Columns[r.columns[c]].Bytes(0))
		if err != nil {
			return err
		}
		if err := w.setAll(&r.batch, c.attribute(), code); err != nil {
			return err
		}
	}
	for c := colClass; c <= colReplication; c++ {
		if r.columns[c] < 0 || in.Columns[r.columns[c]].Constant {
			continue
		}
		a, v := c.attribute(), in.Columns[r.columns[c]]
		var err error
		if v.Dictionary {
			err = r.fillFromDictionary(v, w, a)
		} else if err = r.fillCodes(v, func(word []byte) (uint16, error) { return w.code(a, word) }); err == nil {
			err = w.set(&r.batch, a, r.codes, &r.kinds)
		}
		if err != nil {
			return err
		}
	}
	return r.fillLocks(in, w)
}

// noCode marks a dictionary's entry that no row has named so far.
const noCode = 1<<16 - 1

// fillFromDictionary gives the rows the words of one column with a dictionary. It
// is fillCodes and kindTable.set in one pass.
func (r *orcReader) fillFromDictionary(v *orc.Vector, w *worker, a attribute) (err error) {
	b := &r.batch
	r.entries = r.entries[:0]
	for range v.Entries() {
		r.entries = append(r.entries, noCode)
	}
	w.eachKind(b, &r.kinds)
	entries, kinds, next := r.entries, b.kinds, w.next[a]
	for i, entry := range v.Codes[:b.rows] {
		var code uint16
		if (v.Present == nil || v.Present[i]) && (b.live == nil || b.live[i]) {
			if code = entries[entry]; code == noCode {
				if code, err = w.code(a, v.Entry(int(entry))); err != nil {
					return err
				}
				entries[entry] = code
			}
		}
		if at := int(kinds[i])*wordCodes + int(code); at < len(next) && next[at] > 0 {
			kinds[i] = next[at] - 1
			continue
		}
		if kinds[i], err = w.with(kinds[i], a, code); err != nil {
			return err
		}
		next = w.next[a]
	}
	return nil
}

// fillLocks finds which objects are locked, by any of the three columns.
func (r *orcReader) fillLocks(in *orc.Batch, w *worker) error {
	var some bool
	r.locks = r.locks[:0]
	is, err := w.code(attrLock, []byte(lockedWord))
	if err != nil {
		return err
	}
	for c := colLockMode; c <= colLegalHold; c++ {
		if r.columns[c] < 0 {
			continue
		}
		v := in.Columns[r.columns[c]]
		if v.Constant && (v.IsNull(0) || c != colLockUntil && !locked(c, v.Bytes(0))) {
			continue
		}
		if !some {
			some = true
			r.locks = append(r.locks, make([]uint16, in.Rows)...)
		}
		if c == colLockUntil {
			for i := range r.locks {
				if !v.IsNull(i) {
					r.locks[i] = is
				}
			}
			continue
		}
		err := r.fillCodes(v, func(word []byte) (uint16, error) {
			if locked(c, word) {
				return is, nil
			}
			return 0, nil
		})
		if err != nil {
			return err
		}
		for i, code := range r.codes {
			if code > 0 {
				r.locks[i] = is
			}
		}
	}
	return w.set(&r.batch, attrLock, r.locks, &r.kinds)
}

// fillCodes makes r.codes of a column: code of the word of each row, 0 where it
// has none. Neighbours with the same word are asked for once.
func (r *orcReader) fillCodes(v *orc.Vector, code func(word []byte) (uint16, error)) error {
	r.codes = r.codes[:0]
	var last []byte
	lastCode, err := code(nil)
	if err != nil {
		return err
	}
	for i := range r.batch.rows {
		if r.batch.live != nil && !r.batch.live[i] {
			r.codes = append(r.codes, 0)
			continue
		}
		if word := v.Bytes(i); string(word) != string(last) {
			if lastCode, err = code(word); err != nil {
				return err
			}
			last = word
		}
		r.codes = append(r.codes, lastCode)
	}
	return nil
}
