package orc

import (
	"bytes"
	"fmt"
)

// levels says how far the statistics of a column may be relied on. Nothing in a file tells a damaged minimum from a sound
// one; but a file says the same thrice, of its row groups, of its stripes and of the whole, and what these levels say
// together must agree.
type levels struct {
	// file is what is said of the file and of all stripes together.
	file Statistics
	// stripe and groups are what is said of the present stripe, and of its row groups together.
	stripe, groups Statistics
	// sorted tells of strings that the ranges of the row groups follow one another, see widen.
	sorted bool
}

// checkLevels compares the statistics of the present stripe's row groups with those of the stripe, and those of all stripes
// with those of the file. If any of them do not agree the file is damaged.
func (r *Reader) checkLevels() error {
	if r.levels == nil {
		all := make([]levels, len(r.columns))
		if err := r.file.checkStatistics(all, r.columns); err != nil {
			return err
		}
		r.levels = all
	}
	for i, c := range r.columns {
		l := &r.levels[i]
		l.stripe = r.stats[i]
		l.groups = l.stripe
		if c.hasIndex {
			l.groups = c.index.total()
		}
		if err := l.groups.compare(&l.stripe); err != nil {
			return named(c, fmt.Errorf("the row index and the stripe statistics do not agree: %w", err))
		}
		l.sorted = c.hasIndex && c.info.kind.text() && c.index.sorted()
	}
	return nil
}

// widen makes the range of strings of row group g one that no single damaged place can make too narrow. What is said of a
// stripe is said twice: by its own statistics and by the row groups together. Where the row groups are sorted, the range
// reaches to the end of that of the row group before and to the start of that of the one behind, which changes little: they
// bound what lies between too. Elsewhere nothing but the ends of the whole stripe bounds what a row group holds, so that
// these become the range; without a row index it is those of the file.
func (l *levels) widen(s *Statistics, c *column, g int) {
	low, high := s.Min, s.Max
	switch {
	case !c.hasIndex:
		low, high = l.file.Min, l.file.Max
	case !l.sorted:
		low, high = l.stripe.Min, l.stripe.Max
	default:
		all := c.index.statistics
		if g > 0 {
			low = all[g-1].Max
		}
		if g+1 < len(all) {
			high = all[g+1].Min
		}
	}
	s.Exact = s.Exact && bytes.Equal(low, s.Min) && bytes.Equal(high, s.Max)
	s.Min, s.Max = low, high
}

// checkStatistics compares the statistics of the file with those of all stripes, and sets what is said of the file where they
// agree.
func (f *File) checkStatistics(all []levels, columns []*column) error {
	sums := make([]Statistics, len(columns))
	for i := range sums {
		sums[i].Known = true
	}
	var stripe []Statistics
	for i := range f.tail.stripes {
		var err error
		if stripe, err = f.stripeStatistics(stripe, i, columns); err != nil {
			return err
		}
		for j := range stripe {
			sums[j].add(&stripe[j])
		}
	}
	for i, c := range columns {
		file, err := f.fileStatistics(c)
		if err != nil {
			return err
		}
		if err := sums[i].compare(&file); err != nil {
			return named(c, fmt.Errorf("the stripe statistics and the file statistics do not agree: %w", err))
		}
		file.Known = file.Known && sums[i].Known
		file.HasRange = file.HasRange && sums[i].HasRange
		file.HasSum = file.HasSum && sums[i].HasSum
		all[i].file = file
	}
	return nil
}

// trusted returns the statistics of row group g of a column, as far as they may be relied on.
func (l *levels) trusted(r *Reader, c *column, g int) Statistics {
	if !l.file.Known || !l.stripe.Known || !l.groups.Known || !c.hasIndex && r.file.RowGroups(r.span.Stripe) != 1 {
		return Statistics{}
	}
	s := l.stripe
	if c.hasIndex {
		s = c.index.statistics[g]
	}
	s.HasRange = s.HasRange && l.file.HasRange && l.stripe.HasRange && l.groups.HasRange
	s.HasSum = s.HasSum && l.file.HasSum && l.stripe.HasSum && l.groups.HasSum
	if !s.HasSum {
		s.Sum = 0
	}
	if s.HasRange && c.info.kind.text() {
		l.widen(&s, c, g)
	}
	return s.trusted(c.info.kind, r.utc)
}

// writer is the software that wrote a file, by its number in the footer and the version it counts for itself.
type writer struct{ code, version int }

const (
	writerJava = 0
	// lastWriter is the last of Apache ORC's C++ writer, Presto's, one in Go, Trino's and RAPIDS cuDF's, which are numbered
	// from 1. All count their versions from 6.
	lastWriter        = 5
	firstOtherVersion = 6
	// versionHIVE8732 is the first version of the Java writer whose statistics of strings are right.
	versionHIVE8732 = 1
)

// strip removes the range of strings from statistics of a writer that isn't known to compute it rightly.
func (w writer) strip(s *Statistics, kind Kind) {
	known := w.code == writerJava && w.version >= versionHIVE8732 ||
		w.code > writerJava && w.code <= lastWriter && w.version >= firstOtherVersion
	if kind.text() && !known {
		s.HasRange, s.Exact, s.Min, s.Max = false, false, nil, nil
	}
}

// stripeStatistics returns what the stripe statistics say of the given columns, in the memory of dst.
func (f *File) stripeStatistics(dst []Statistics, stripe int, columns []*column) ([]Statistics, error) {
	dst = resize(dst, len(columns))
	clear(dst)
	if stripe >= len(f.tail.metadata) {
		return dst, nil
	}
	if f.tail.stripes[stripe].Rows == 0 {
		for i := range dst {
			dst[i].Known = true
		}
		return dst, nil
	}
	id, empty := 0, false
	err := walk(f.tail.metadata[stripe], func(fd field) error {
		if fd.number != 1 {
			return nil
		}
		b, err := fd.message()
		if err != nil {
			return err
		}
		if id == 0 {
			// Writers that build no indexes keep no statistics either, but some store empty ones: those count no rows.
			root, err := parseStatistics(b, KindStruct)
			if err != nil {
				return err
			}
			empty = root.Known && root.Values == 0
		}
		for i, c := range columns {
			if c.id == id && !empty {
				if dst[i], err = parseStatistics(b, c.info.kind); err != nil {
					return named(c, err)
				}
				f.tail.writer.strip(&dst[i], c.info.kind)
			}
		}
		id++
		return nil
	})
	if err != nil {
		return dst, fmt.Errorf("stripe statistics: %w", err)
	}
	return dst, nil
}

// fileStatistics returns what the statistics of the file say of a column.
func (f *File) fileStatistics(c *column) (Statistics, error) {
	if c.id >= len(f.tail.statistics) {
		return Statistics{}, nil
	}
	s, err := parseStatistics(f.tail.statistics[c.id], c.info.kind)
	if err != nil {
		return s, named(c, fmt.Errorf("file statistics: %w", err))
	}
	f.tail.writer.strip(&s, c.info.kind)
	return s, nil
}
