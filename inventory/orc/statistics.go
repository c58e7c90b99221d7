package orc

import (
	"bytes"
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Statistics is what a file says of the values of one column in a row group (specification, "Column Statistics"). Nulls are
// not among the values.
type Statistics struct {
	// Known is false where the file says nothing, or nothing that may be relied on. All else is zero then.
	Known bool
	// Values is the number of rows that have a value.
	Values int64
	// HasRange tells that no value lies below the minimum or above the maximum: Min and Max for strings (string, char and
	// varchar columns), compared byte by byte, MinInt and MaxInt for integers, dates (days since 1970) and timestamps
	// (milliseconds since 1970, rounded down; see Vector.Seconds for what they mean).
	//
	// The range of strings is one that no single damaged place can make too narrow. Where the row groups of a stripe are
	// sorted it reaches to the end of that of the row group before, and to the start of that of the one behind; elsewhere it is
	// that of the whole stripe. Other ranges are as stored; of theirs only the ends that are those of the stripe, too, are
	// known from more than one place.
	HasRange bool
	// Exact tells that both ends of the range are values of the row group. Otherwise it was widened, or a writer cut
	// long strings.
	Exact          bool
	Min, Max       []byte
	MinInt, MaxInt int64
	// HasSum tells that Sum is the sum of integers, the total length in bytes of strings and binary values, or the number of
	// true values of a boolean column.
	HasSum bool
	Sum    int64
}

// parseStatistics decodes the statistics of a column of the given kind. The range of strings is memory of b.
func parseStatistics(b []byte, kind Kind) (Statistics, error) {
	var s Statistics
	if kind.Nested() {
		kind = KindStruct // of which there is nothing to say but the number
	}
	err := walk(b, func(f field) error {
		if f.number == 1 {
			s.Known = true
			return f.int64(&s.Values)
		}
		if f.wire != protowire.BytesType {
			return nil
		}
		switch {
		case f.number == 2 && kind.integer():
			return s.parseRange(f.bytes, true)
		case f.number == 4 && kind.text():
			return s.parseStrings(f.bytes)
		case f.number == 5 && kind == KindBoolean:
			return s.parseBooleans(f.bytes)
		case f.number == 7 && kind == KindDate:
			return s.parseRange(f.bytes, false)
		case f.number == 8 && kind == KindBinary:
			return s.parseBinary(f.bytes)
		case f.number == 9 && (kind == KindTimestamp || kind == KindTimestampInstant):
			return s.parseTimestamps(f.bytes)
		}
		return nil
	})
	if err != nil || !s.Known || s.Values == 0 {
		return Statistics{Known: s.Known}, err
	}
	if s.HasRange && (s.MinInt > s.MaxInt || bytes.Compare(s.Min, s.Max) > 0) {
		return s, errors.New("the minimum lies above the maximum")
	}
	return s, nil
}

func (k Kind) integer() bool { return k == KindByte || k == KindShort || k == KindInt || k == KindLong }
func (k Kind) text() bool    { return k == KindString || k == KindVarchar || k == KindChar }

// signed sets dst to the field's zigzag encoded number.
func (f field) signed(dst *int64) error {
	var v uint64
	err := f.uint(&v, math.MaxUint64)
	*dst = unzigzag(v)
	return err
}

// parseRange decodes minimum, maximum and, for integers, sum.
func (s *Statistics) parseRange(b []byte, hasSum bool) error {
	var ends int
	err := walk(b, func(f field) error {
		switch f.number {
		case 1:
			ends |= 1
			return f.signed(&s.MinInt)
		case 2:
			ends |= 2
			return f.signed(&s.MaxInt)
		case 3:
			s.HasSum = hasSum
			return f.signed(&s.Sum)
		}
		return nil
	})
	s.HasRange = ends == 3
	s.Exact = s.HasRange
	return err
}

// parseStrings decodes the statistics of strings, whose ends of the range are the values themselves or, where those are
// long, bounds.
func (s *Statistics) parseStrings(b []byte) error {
	var ends [6]bool
	err := walk(b, func(f field) error {
		var err error
		switch f.number {
		case 1, 4:
			s.Min, err = f.message()
			ends[f.number] = true
		case 2, 5:
			s.Max, err = f.message()
			ends[f.number] = true
		case 3:
			s.HasSum = true
			err = f.signed(&s.Sum)
		}
		return err
	})
	s.HasRange = (ends[1] || ends[4]) && (ends[2] || ends[5])
	s.Exact = ends[1] && ends[2] && !ends[4] && !ends[5]
	if !s.HasRange {
		s.Min, s.Max = nil, nil
	}
	return err
}

func (s *Statistics) parseBooleans(b []byte) error {
	return walk(b, func(f field) error {
		if f.number != 1 || s.HasSum {
			return nil
		}
		return f.repeated(func(v uint64) error {
			if !s.HasSum {
				s.HasSum, s.Sum = true, int64(v)
			}
			return nil
		})
	})
}

func (s *Statistics) parseBinary(b []byte) error {
	return walk(b, func(f field) error {
		if f.number != 1 {
			return nil
		}
		s.HasSum = true
		return f.signed(&s.Sum)
	})
}

// parseTimestamps takes the range in UTC. Old writers stored it in their own time zone instead, in other fields.
func (s *Statistics) parseTimestamps(b []byte) error {
	var ends int
	err := walk(b, func(f field) error {
		switch f.number {
		case 3:
			ends |= 1
			return f.signed(&s.MinInt)
		case 4:
			ends |= 2
			return f.signed(&s.MaxInt)
		}
		return nil
	})
	s.HasRange = ends == 3
	s.Exact = s.HasRange
	return err
}

// add makes s, which stands for some rows, stand for those of o too. Before the first it is Statistics{Known: true}.
func (s *Statistics) add(o *Statistics) {
	if !s.Known || !o.Known {
		*s = Statistics{}
		return
	}
	if o.Values == 0 {
		return
	}
	if s.Values == 0 {
		*s = *o
		return
	}
	if s.Values > math.MaxInt64-o.Values {
		*s = Statistics{}
		return
	}
	s.Values += o.Values
	s.HasRange = s.HasRange && o.HasRange
	s.Exact = s.Exact && o.Exact
	if bytes.Compare(o.Min, s.Min) < 0 {
		s.Min = o.Min
	}
	if bytes.Compare(o.Max, s.Max) > 0 {
		s.Max = o.Max
	}
	s.MinInt, s.MaxInt = min(s.MinInt, o.MinInt), max(s.MaxInt, o.MaxInt)
	sum := s.Sum + o.Sum
	s.HasSum = s.HasSum && o.HasSum && (sum < s.Sum) == (o.Sum < 0)
	s.Sum = sum
}

// compare returns an error unless s and o, which stand for the same rows, agree in all that both say.
func (s *Statistics) compare(o *Statistics) error {
	switch {
	case !s.Known || !o.Known:
		return nil
	case s.Values != o.Values:
		return fmt.Errorf("%d values and %d", s.Values, o.Values)
	case s.HasRange && o.HasRange && (s.MinInt != o.MinInt || s.MaxInt != o.MaxInt):
		return fmt.Errorf("values from %d to %d and from %d to %d", s.MinInt, s.MaxInt, o.MinInt, o.MaxInt)
	case s.HasRange && o.HasRange && !(bytes.Equal(s.Min, o.Min) && bytes.Equal(s.Max, o.Max)):
		return fmt.Errorf("values from %q to %q and from %q to %q", s.Min, s.Max, o.Min, o.Max)
	case s.HasSum && o.HasSum && s.Sum != o.Sum:
		return fmt.Errorf("a sum of %d and of %d", s.Sum, o.Sum)
	}
	return nil
}

// trusted returns the part of s that may be relied on where the statistics of all levels agree.
func (s Statistics) trusted(kind Kind, utc bool) Statistics {
	switch {
	case kind.text():
		// Java's writers put U+FFFD for what is not UTF-8, and Apache's C++ writer compares up to the first NUL only.
		for _, end := range [...][]byte{s.Min, s.Max} {
			if bytes.IndexByte(end, 0) >= 0 || bytes.Contains(end, []byte("\uFFFD")) {
				s.HasRange = false
			}
		}
	case kind == KindTimestamp || kind == KindTimestampInstant:
		// The times of a clock in another zone, and how a writer rounds before 1970, are left out.
		s.HasRange = s.HasRange && s.MinInt >= 0 && (utc || kind == KindTimestampInstant)
	}
	if !s.HasRange {
		s.Min, s.Max, s.MinInt, s.MaxInt, s.Exact = nil, nil, 0, 0, false
	}
	return s
}
