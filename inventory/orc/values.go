package orc

import (
	"encoding/binary"
	"fmt"
	"math"
)

// room returns a slice of length n, at most batchRows, in the memory of s where that suffices.
func room[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, batchRows)[:n]
	}
	return s[:n]
}

// filled remembers that the first n elements of a slice are value, so that they need not be set again.
type filled[T comparable] struct {
	value T
	n     int
}

// fill returns s, or new memory, with n elements of the given value.
func (f *filled[T]) fill(s []T, value T, n int) []T {
	if cap(s) >= n && f.n >= n && f.value == value {
		return s[:n]
	}
	s = room(s, n)
	for i := range s {
		s[i] = value
	}
	f.value, f.n = value, n
	return s
}

func (c *column) readIntegers(n, values int, least, most int64) (constant bool, err error) {
	v := &c.vector
	v.Int64 = room(v.Int64, n)
	if constant, err = c.ints.read(v.Int64[:values]); err != nil {
		return false, fail(&c.ints.stream, streamData, err)
	}
	if values > 0 {
		if constant {
			c.group.addConstant(v.Int64[0], values)
		} else {
			c.group.addInts(v.Int64[:values])
		}
		if c.group.min < least || c.group.max > most {
			return false, fmt.Errorf("%v stream: values from %d to %d do not fit in kind %v", streamData, c.group.min, c.group.max, v.Kind)
		}
	}
	spreadInts(v.Int64, values, v.Present)
	return constant, nil
}

func (c *column) readBooleans(n, values int) (constant bool, err error) {
	v := &c.vector
	v.Bool = room(v.Bool, n)
	trues, err := c.bits.read(v.Bool[:values])
	if err != nil {
		return false, fail(&c.bits.bytes.stream, streamData, err)
	}
	c.group.addSum(int64(trues))
	spread(v.Bool, values, v.Present)
	return trues == 0 || trues == values, nil
}

func (c *column) readBytes(n, values int) (constant bool, err error) {
	c.packed = room(c.packed, values)
	if constant, err = c.bytes.read(c.packed); err != nil {
		return false, fail(&c.bytes.stream, streamData, err)
	}
	v := &c.vector
	v.Int64 = room(v.Int64, n)
	for i, b := range c.packed {
		v.Int64[i] = int64(int8(b))
	}
	c.group.addInts(v.Int64[:values])
	spreadInts(v.Int64, values, v.Present)
	return constant, nil
}

// readFloats decodes IEEE 754 numbers of 4 or 8 bytes, little endian.
func (c *column) readFloats(n, values, size int) error {
	if err := c.raw.need(values * size); err != nil {
		return fail(&c.raw.stream, streamData, err)
	}
	b := c.raw.unread()
	if len(b) < values*size {
		return fail(&c.raw.stream, streamData, errShort)
	}
	c.raw.stream.next += values * size
	v := &c.vector
	v.Float64 = room(v.Float64, n)
	if size == 4 {
		for i := range v.Float64[:values] {
			v.Float64[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:])))
		}
	} else {
		for i := range v.Float64[:values] {
			v.Float64[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
		}
	}
	spread(v.Float64, values, v.Present)
	return nil
}
