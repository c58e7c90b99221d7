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

// fillKinds gives the rows of the batch their kinds.
func (r *orcReader) fillKinds(in *orc.Batch, w *worker) error {
	for c := colClass; c <= colReplication; c++ {
		if r.columns[c] < 0 {
			continue
		}
		a := c.attribute()
		if err := r.fillCodes(in.Columns[r.columns[c]], func(word []byte) (uint16, error) { return w.code(a, word) }); err != nil {
			return err
		}
		if err := w.set(&r.batch, a, r.codes, &r.kinds); err != nil {
			return err
		}
	}
	return r.fillLocks(in, w)
}

// fillLocks finds which objects are locked, by any of the three columns.
func (r *orcReader) fillLocks(in *orc.Batch, w *worker) error {
	var any bool
	r.locks = append(r.locks[:0], make([]uint16, in.Rows)...)
	is, err := w.code(attrLock, []byte(lockedWord))
	if err != nil {
		return err
	}
	for c := colLockMode; c <= colLegalHold; c++ {
		if r.columns[c] < 0 {
			continue
		}
		v := in.Columns[r.columns[c]]
		if c == colLockUntil {
			for i := range r.locks {
				if !v.IsNull(i) {
					r.locks[i], any = is, true
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
				r.locks[i], any = is, true
			}
		}
	}
	if !any {
		return nil
	}
	return w.set(&r.batch, attrLock, r.locks, &r.kinds)
}

// fillCodes makes r.codes of a column: code of the word of each row, 0 where it
// has none. code is not called for each row.
func (r *orcReader) fillCodes(v *orc.Vector, code func(word []byte) (uint16, error)) error {
	r.codes = r.codes[:0]
	if v.Dictionary {
		return r.fillDictionaryCodes(v, code)
	}
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

// noCode marks a dictionary's entry that no row has named so far.
const noCode = 1<<16 - 1

func (r *orcReader) fillDictionaryCodes(v *orc.Vector, code func(word []byte) (uint16, error)) (err error) {
	r.entries = r.entries[:0]
	for range v.Entries() {
		r.entries = append(r.entries, noCode)
	}
	for i, entry := range v.Codes[:r.batch.rows] {
		if r.batch.live != nil && !r.batch.live[i] || v.IsNull(i) {
			r.codes = append(r.codes, 0)
			continue
		}
		c := r.entries[entry]
		if c == noCode {
			if c, err = code(v.Entry(int(entry))); err != nil {
				return err
			}
			r.entries[entry] = c
		}
		r.codes = append(r.codes, c)
	}
	return nil
}
