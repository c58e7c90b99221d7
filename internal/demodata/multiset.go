package demodata

import (
	"bytes"
	"io"
)

// Multiset is the fingerprint of a number of records in any order: two equal
// ones mean the same records, each the same number of times (but for a chance
// of 2^-64). The zero value is that of no records.
type Multiset struct {
	Records int64  `json:"records"`
	Sum     uint64 `json:"sum"` // of the records' hashes, modulo 2^64
}

// Add adds one record, without its newline.
func (m *Multiset) Add(record []byte) {
	m.Records++
	m.Sum += hash(record)
}

// Merge adds all records of another set.
func (m *Multiset) Merge(o Multiset) {
	m.Records += o.Records
	m.Sum += o.Sum
}

// AddLines adds every line of r. A last line without a newline is a record; an
// empty line is one too, so an invented newline shows.
func (m *Multiset) AddLines(r io.Reader) error {
	buf := make([]byte, 0, 256<<10)
	for {
		if len(buf) == cap(buf) { // a line longer than the buffer
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		rest := buf
		for {
			line, after, found := bytes.Cut(rest, []byte("\n"))
			if !found {
				break
			}
			m.Add(line)
			rest = after
		}
		buf = buf[:copy(buf[:len(rest)], rest)]
		if err == io.EOF {
			if len(buf) > 0 {
				m.Add(buf)
			}
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// hash is FNV-1a, then the last step of splitmix64, so that sums do not show
// how alike records are.
func hash(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	h ^= h >> 30
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 27
	h *= 0x94d049bb133111eb
	return h ^ h>>31
}
