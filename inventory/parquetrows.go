package inventory

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/parquet"
	pqfile "github.com/apache/arrow-go/v18/parquet/file"
)

// fill makes the batch of the next rows. Which of them are live is read first.
func (r *parquetReader) fill(w *worker) error {
	b := &r.batch
	r.absent = append(r.absent[:0], make([]absent, b.rows)...)
	r.latest, r.marker, r.anyLock, r.lockRow = r.latest[:0], r.marker[:0], false, 0
	r.locks = append(r.locks[:0], make([]uint16, b.rows)...)
	for _, c := range [...]column{colSize, colLatest, colMarker} {
		if err := r.named(c, r.fillColumn(c, w)); err != nil {
			return err
		}
	}
	r.fillLive()
	for c := range numColumns {
		if c == colSize || c == colLatest || c == colMarker {
			continue
		}
		if err := r.named(c, r.fillColumn(c, w)); err != nil {
			return err
		}
	}
	for i, m := range r.absent {
		if m&(noKey|noTime) > 0 && (b.live == nil || b.live[i]) {
			return fmt.Errorf("row %d has a size but no key or no time", b.first+int64(i))
		}
	}
	if !r.anyLock {
		return nil
	}
	return w.set(b, attrLock, r.locks, &r.kinds)
}

// named adds the column's name to an error.
func (r *parquetReader) named(c column, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("column %s: %w", r.names[c], err)
}

// fillColumn reads the next rows of a column.
func (r *parquetReader) fillColumn(c column, w *worker) error {
	b := &r.batch
	switch in := r.chunks[c].(type) {
	case *pqfile.Int32ColumnChunkReader:
		return readRows(in, b.rows, r.shortNumbers[:], r.levels[:], func(v []int32, present []int16) error {
			return takeNumbers(r, w, c, v, present, func(v int32) int64 { return int64(v) })
		})
	case *pqfile.Int64ColumnChunkReader:
		each := int64(1)
		if c != colSize {
			each = r.perMilli[timeIndex(c)]
		}
		return readRows(in, b.rows, r.numbers[:], r.levels[:], func(v []int64, present []int16) error {
			return takeNumbers(r, w, c, v, present, func(v int64) int64 { return floorDiv(v, each) })
		})
	case *pqfile.Int96ColumnChunkReader:
		return readRows(in, b.rows, r.oldTimes[:], r.levels[:], func(v []parquet.Int96, present []int16) error {
			return takeNumbers(r, w, c, v, present, oldMillis)
		})
	case *pqfile.BooleanColumnChunkReader:
		to, byDefault := &r.latest, true
		if c == colMarker {
			to, byDefault = &r.marker, false
		}
		return readRows(in, b.rows, r.booleans[:], r.levels[:], func(v []bool, present []int16) error {
			if present == nil {
				*to = append(*to, v...)
			}
			for _, p := range present {
				is := byDefault
				if p > 0 {
					is, v = v[0], v[1:]
				}
				*to = append(*to, is)
			}
			return nil
		})
	case *pqfile.ByteArrayColumnChunkReader:
		return r.fillWords(c, in, w)
	}
	return nil // no such column
}

// floorDiv divides and rounds down.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// julianEpoch is 1970-01-01 as a Julian day.
const julianEpoch = 2440588

// oldMillis is a time of the type INT96, nanoseconds of a Julian day, in Unix
// milliseconds, rounded down.
func oldMillis(v parquet.Int96) int64 {
	nanos := binary.LittleEndian.Uint64(v[:8])
	if nanos >= dayMillis*1e6 {
		return impossibleMilli
	}
	return (int64(binary.LittleEndian.Uint32(v[8:]))-julianEpoch)*dayMillis + int64(nanos/1e6)
}

// takeNumbers takes sizes and times.
func takeNumbers[T any](r *parquetReader, w *worker, c column, values []T, present []int16, number func(T) int64) error {
	if c == colLockUntil {
		return r.lockUntil(len(values), present, w)
	}
	to, none := &r.batch.sizes, noSize
	if c == colModified {
		to, none = &r.batch.modified, noTime
	}
	if present == nil {
		for _, v := range values {
			*to = append(*to, number(v))
		}
	}
	for _, p := range present {
		if p == 0 {
			r.absent[len(*to)] |= none
			*to = append(*to, 0)
			continue
		}
		*to = append(*to, number(values[0]))
		values = values[1:]
	}
	return nil
}

// lockUntil takes the dates until which objects are locked.
func (r *parquetReader) lockUntil(values int, present []int16, w *worker) error {
	if values > 0 {
		is, err := w.code(attrLock, []byte(lockedWord))
		if err != nil {
			return err
		}
		r.anyLock = true
		if present == nil {
			for i := range values {
				r.locks[r.lockRow+i] = is
			}
		}
		for i, p := range present {
			if p > 0 {
				r.locks[r.lockRow+i] = is
			}
		}
	}
	r.lockRow += max(values, len(present))
	return nil
}

// fillLive marks the rows that are no live objects.
func (r *parquetReader) fillLive() {
	r.live = r.live[:0]
	all := true
	for i, m := range r.absent {
		latest, marker := true, false
		if len(r.latest) > 0 {
			latest = r.latest[i]
		}
		if len(r.marker) > 0 {
			marker = r.marker[i]
		}
		is := isLive(latest, marker, m&noSize == 0)
		r.live = append(r.live, is)
		all = all && is
	}
	if !all {
		r.batch.live = r.live
	}
}

// fillWords reads keys, bucket names and the words of attributes.
func (r *parquetReader) fillWords(c column, in *pqfile.ByteArrayColumnChunkReader, w *worker) error {
	b := &r.batch
	r.codes = r.codes[:0]
	row := 0
	var last []byte // the word before; its code
	var code uint16
	word := func(v []byte, is bool) error {
		defer func() { row++ }()
		switch {
		case c == colKey:
			if !is {
				r.absent[row] |= noKey
			}
			if len(v) > maxKeyBytes {
				return fmt.Errorf("row %d has a key of %d bytes, which no object has", b.first+int64(row), len(v))
			}
			b.keys = append(b.keys, v...)
			b.ends = append(b.ends, uint32(len(b.keys)))
			return nil
		case c == colBucket:
			if want := w.shared.bucket; want != "" && string(v) != want {
				return wrongBucket(b.first+int64(row), v, want)
			}
			return nil
		case c == colETag:
			b.etags = append(b.etags, v...)
			b.etagEnds = append(b.etagEnds, uint32(len(b.etags)))
			return nil
		case b.live != nil && !b.live[row]:
			r.codes = append(r.codes, 0)
			return nil
		}
		if string(v) != string(last) {
			var err error
			if code, err = r.codeOf(c, v, w); err != nil {
				return err
			}
			last = append(last[:0], v...)
		}
		r.codes = append(r.codes, code)
		return nil
	}
	err := readRows(in, b.rows, r.words[:], r.levels[:], func(v []parquet.ByteArray, present []int16) error {
		for i := range max(len(v), len(present)) {
			var err error
			if present != nil && present[i] == 0 {
				err = word(nil, false)
			} else {
				err = word(v[0], true)
				v = v[1:]
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || c == colKey || c == colBucket || c == colETag {
		return err
	}
	if c == colLockMode || c == colLegalHold {
		for i, code := range r.codes {
			if code > 0 {
				r.locks[i], r.anyLock = code, true
			}
		}
		return nil
	}
	return w.set(b, c.attribute(), r.codes, &r.kinds)
}

// codeOf is the code of a word of an attribute.
func (r *parquetReader) codeOf(c column, word []byte, w *worker) (uint16, error) {
	switch {
	case c != colLockMode && c != colLegalHold:
		return w.code(c.attribute(), word)
	case locked(c, word):
		return w.code(attrLock, []byte(lockedWord))
	}
	return 0, nil
}

// parquetChunk is a column of a row group.
type parquetChunk[T any] interface {
	pqfile.ColumnChunkReader
	ReadBatchInPage(rows int64, values []T, definitions, repetitions []int16) (levels int64, read int, err error)
}

var errEndsEarly = errors.New("it has fewer values than the row group has rows: the file is damaged")

// readRows reads the next rows of a column, run by run. take is given the values
// of a run and which of its rows have one: above 0; nil: all. They are valid
// until it returns.
func readRows[T any](in parquetChunk[T], rows int, values []T, levels []int16, take func(values []T, present []int16) error) error {
	optional := in.Descriptor().MaxDefinitionLevel() > 0
	for rows > 0 {
		var n int64
		var read int
		err := arrowGo(func() (err error) {
			n, read, err = in.ReadBatchInPage(int64(min(rows, len(values))), values, levels, nil)
			if err == nil {
				err = in.Err()
			}
			return err
		})
		switch {
		case err != nil:
			return err
		case n <= 0 || n > int64(rows) || !optional && int64(read) != n:
			return errEndsEarly
		}
		var present []int16
		if optional && int64(read) != n {
			present = levels[:n]
		}
		if optional {
			there := 0
			for _, l := range levels[:n] {
				if l != 0 && l != 1 {
					return fmt.Errorf("a definition level of %d where 1 is the highest: the file is damaged", l)
				}
				there += int(l)
			}
			if there != read {
				return fmt.Errorf("%d values for %d rows that have one: the file is damaged", read, there)
			}
		}
		if err := take(values[:read], present); err != nil {
			return err
		}
		rows -= int(n)
	}
	return nil
}
