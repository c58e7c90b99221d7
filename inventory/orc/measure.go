package orc

import (
	"fmt"
	"math/bits"
)

// measure is what was found of the values of a column, to be compared with what the file says of them.
type measure struct {
	values   int64
	min, max int64 // of integers, dates and timestamps
	hasRange bool
	sum      Int128 // of integers; of the lengths of strings and binary values; of true booleans
}

// addSum adds n to the sum.
func (m *measure) addSum(n int64) {
	var carry uint64
	m.sum.Lo, carry = bits.Add64(m.sum.Lo, uint64(n), 0)
	m.sum.Hi += n>>63 + int64(carry)
}

func (m *measure) addRange(low, high int64) {
	if !m.hasRange {
		m.min, m.max, m.hasRange = low, high, true
		return
	}
	m.min, m.max = min(m.min, low), max(m.max, high)
}

// smallBits bounds values whose sum over a batch can't exceed 64 bits.
const smallBits = 50

// addInts takes in the values of integers.
func (m *measure) addInts(values []int64) {
	if len(values) == 0 {
		return
	}
	low, high, sum := values[0], values[0], int64(0)
	for _, v := range values {
		low, high = min(low, v), max(high, v)
		sum += v
	}
	m.addRange(low, high)
	if low >= -1<<smallBits && high <= 1<<smallBits {
		m.addSum(sum)
		return
	}
	for _, v := range values {
		m.addSum(v)
	}
}

// addConstant takes in n integers of one value.
func (m *measure) addConstant(value int64, n int) {
	m.addRange(value, value)
	if value >= -1<<smallBits && value <= 1<<smallBits {
		m.addSum(value * int64(n))
		return
	}
	for range n {
		m.addSum(value)
	}
}

// add takes in what was found in other rows.
func (m *measure) add(o *measure) {
	m.values += o.values
	if o.hasRange {
		m.addRange(o.min, o.max)
	}
	var carry uint64
	m.sum.Lo, carry = bits.Add64(m.sum.Lo, o.sum.Lo, 0)
	m.sum.Hi += o.sum.Hi + int64(carry)
}

// compare returns an error unless what was found agrees with s. utc tells whether the range of timestamps is comparable.
func (m *measure) compare(s *Statistics, kind Kind, utc bool) error {
	if !s.Known {
		return nil
	}
	if s.Values != m.values {
		return fmt.Errorf("%d values were found, %d are counted", m.values, s.Values)
	}
	timestamps := kind == KindTimestamp || kind == KindTimestampInstant
	if timestamps && (!utc && kind == KindTimestamp || s.MinInt < 0 || m.min < 0) {
		return nil
	}
	if s.HasRange && m.hasRange && (s.MinInt != m.min || s.MaxInt != m.max) {
		return fmt.Errorf("values from %d to %d were found, they are to be from %d to %d", m.min, m.max, s.MinInt, s.MaxInt)
	}
	if s.HasSum && (m.sum.Hi != int64(m.sum.Lo)>>63 || int64(m.sum.Lo) != s.Sum) {
		return fmt.Errorf("the sum that was found is %d, it is to be %d", int64(m.sum.Lo), s.Sum)
	}
	return nil
}
