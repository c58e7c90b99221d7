package orc

import (
	"errors"
	"fmt"
)

const (
	// maxValueBytes bounds one string or binary value, and the values of a dictionary together.
	maxValueBytes = 256 << 20
	// maxEntries bounds the number of values of a dictionary.
	maxEntries = 64 << 20
	// enoughBytes of strings are a batch, if they are in memory already: no more are decompressed for it.
	enoughBytes = 64 << 10
)

var errLengths = errors.New("the lengths of the values do not add up to the bytes stored")

// stringState is what is known of the next values of a column of strings that are stored one behind the other.
type stringState struct {
	lengths []int64
	used    int // of lengths, by the last batch
	offsets []uint32
}

func (s *stringState) reset() { s.lengths, s.used = s.lengths[:0], 0 }

// fit returns how many of the next n rows, at least one, make a batch: their strings lie in memory one behind the other, which
// bounds that memory to a chunk and the larger of enoughBytes and one value.
func (c *column) fit(n int) (int, error) {
	s := &c.strings
	values := c.values(n)
	s.lengths = s.lengths[:copy(s.lengths, s.lengths[s.used:])]
	s.used = 0
	if from := len(s.lengths); from < values {
		if cap(s.lengths) < values {
			s.lengths = append(make([]int64, 0, batchRows), s.lengths...)
		}
		s.lengths = s.lengths[:values]
		if _, err := c.more.read(s.lengths[from:]); err != nil {
			return 0, fail(&c.more.stream, streamLength, err)
		}
		for _, length := range s.lengths[from:] {
			if uint64(length) > maxValueBytes {
				return 0, fail(&c.more.stream, streamLength, fmt.Errorf("a value of %d bytes exceeds the limit of %d", uint64(length), maxValueBytes))
			}
		}
	}
	total := int64(0)
	for _, length := range s.lengths[:values] {
		total += length
	}
	if err := c.raw.need(int(min(total, enoughBytes))); err != nil {
		return 0, fail(&c.raw.stream, streamData, err)
	}
	there := int64(len(c.raw.unread()))
	if there >= total {
		return n, nil
	}
	fits := 0
	for rest := there; s.lengths[fits] <= rest; fits++ {
		rest -= s.lengths[fits]
	}
	if fits == 0 {
		if err := c.raw.need(int(s.lengths[0])); err != nil {
			return 0, fail(&c.raw.stream, streamData, err)
		}
		fits = 1
		if there = int64(len(c.raw.unread())); there < s.lengths[0] {
			return 0, errLengths
		}
	}
	if !c.nullable {
		return fits, nil
	}
	rows := 0
	for _, present := range c.flags {
		if present {
			if fits == 0 {
				break
			}
			fits--
		}
		rows++
	}
	return rows, nil
}

// readStrings takes the next n rows, which were found to fit.
func (c *column) readStrings(n, values int) {
	v, s := &c.vector, &c.strings
	v.Dictionary, v.Codes = false, nil
	if cap(s.offsets) < n+1 {
		s.offsets = make([]uint32, batchRows+1)
	}
	offsets := s.offsets[:n+1]
	lengths := s.lengths[:values]
	end := uint32(0)
	offsets[0] = 0
	if v.Present == nil {
		for i, length := range lengths {
			end += uint32(length)
			offsets[i+1] = end
		}
	} else {
		for i, present := range v.Present {
			if present {
				end += uint32(lengths[0])
				lengths = lengths[1:]
			}
			offsets[i+1] = end
		}
	}
	v.Offsets = offsets
	v.Data = c.raw.unread()[:end:end]
	c.raw.stream.next += int(end)
	s.used = values
	c.group.addSum(int64(end))
}

// dictionary holds the values of a column in a stripe that are stored once each.
type dictionary struct {
	loaded  bool
	data    rawReader
	offsets []uint32
	bytes   []byte
}

// loadDictionary reads the dictionary of a stripe.
func (c *column) loadDictionary() error {
	d := &c.dictionary
	size := c.encoding.dictionarySize
	if size > maxEntries {
		return fmt.Errorf("a dictionary of %d entries exceeds the limit of %d", size, maxEntries)
	}
	d.offsets = append(d.offsets[:0], 0)
	end := int64(0)
	c.scratch = room(c.scratch, batchRows)
	for len(d.offsets) <= size {
		lengths := c.scratch[:min(batchRows, size+1-len(d.offsets))]
		if _, err := c.more.read(lengths); err != nil {
			return fail(&c.more.stream, streamLength, err)
		}
		for _, length := range lengths {
			if uint64(length) > maxValueBytes || end+length > maxValueBytes {
				return fmt.Errorf("dictionary of %d entries: the lengths of the values exceed the limit of %d bytes", size, maxValueBytes)
			}
			end += length
			d.offsets = append(d.offsets, uint32(end))
		}
	}
	if err := c.more.end(); err != nil {
		return fail(&c.more.stream, streamLength, err)
	}
	if err := d.data.need(int(end) + 1); err != nil {
		return fail(&d.data.stream, streamDictionaryData, err)
	}
	if d.bytes = d.data.unread(); int64(len(d.bytes)) != end {
		return fmt.Errorf("dictionary of %d entries: %w", size, errLengths)
	}
	d.loaded = true
	return nil
}

// readCodes decodes values that are named by their number in the dictionary.
func (c *column) readCodes(n, values int) (constant bool, err error) {
	d, v := &c.dictionary, &c.vector
	if !d.loaded {
		if err := c.loadDictionary(); err != nil {
			return false, err
		}
	}
	v.Dictionary, v.Data, v.Offsets = true, d.bytes, d.offsets
	c.scratch = room(c.scratch, values)
	if constant, err = c.ints.read(c.scratch); err != nil {
		return false, fail(&c.ints.stream, streamData, err)
	}
	if values == 0 {
		v.Codes = c.codes.fill(v.Codes[:cap(v.Codes)], 0, n)
		return true, nil
	}
	if low, high := extent(c.scratch); low < 0 || high >= int64(len(d.offsets)-1) {
		return false, fail(&c.ints.stream, streamData, fmt.Errorf("values from %d to %d are to be entries of a dictionary of %d", low, high, len(d.offsets)-1))
	}
	if constant && values == n {
		code := c.scratch[0]
		v.Codes = c.codes.fill(v.Codes[:cap(v.Codes)], uint32(code), n)
		c.group.addSum(int64(n) * int64(d.offsets[code+1]-d.offsets[code]))
		return true, nil
	}
	c.codes.n = 0
	v.Codes = room(v.Codes, n)
	if v.Present == nil {
		c.group.addSum(d.codesOf(v.Codes, c.scratch))
	} else {
		c.group.addSum(d.spreadCodes(v.Codes, c.scratch, v.Present))
	}
	return false, nil
}

// codesOf sets dst to codes, which are entries of the dictionary, and returns the length of all values together in bytes.
func (d *dictionary) codesOf(dst []uint32, codes []int64) (bytes int64) {
	dst = dst[:len(codes)]
	for i, code := range codes {
		dst[i] = uint32(code)
		bytes += int64(d.offsets[code+1] - d.offsets[code])
	}
	return bytes
}

// spreadCodes is codesOf where some rows have no value. It has no branches, which nulls here and there would make slow.
func (d *dictionary) spreadCodes(dst []uint32, codes []int64, present []bool) (bytes int64) {
	dst = dst[:len(present)]
	next, last := 0, len(codes)-1
	for i, p := range present {
		one := int64(0)
		if p {
			one = 1
		}
		code := codes[min(next, last)]
		next += int(one)
		dst[i] = uint32(code * one)
		bytes += int64(d.offsets[code+1]-d.offsets[code]) * one
	}
	return bytes
}
