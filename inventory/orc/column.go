package orc

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// groupReader is what the readers of the streams that a row index points into can do.
type groupReader interface {
	indexed() indexed
	// seek moves on to the first value of row group g.
	seek(g int) error
	// at checks that the next value is the first of row group g, by the row index.
	at(g int) error
	// end checks that no value is left.
	end() error
}

// column reads one column, row group by row group. Its memory is used again from span to span.
type column struct {
	name   string
	number int // in the order in which the columns were named
	id     int
	info   typeInfo
	// decimal64 tells that decimals are stored as integers of the declared scale, as in files of version 1.9999.
	decimal64 bool
	vector    Vector
	encoding  encoding

	// The readers of its streams. Those of no use for its kind and encoding stay empty.
	present    boolReader
	bits       boolReader // DATA of booleans
	bytes      byteReader // DATA of bytes
	ints       intReader  // DATA of integers, timestamps and dictionary encoded strings
	more       intReader  // LENGTH or SECONDARY
	raw        rawReader  // DATA of all else
	dictionary dictionary
	streams    []*stream     // those that the stripe has
	readers    []groupReader // those that the row index points into, in its order

	hasIndex bool
	index    rowIndex

	nullable bool
	flags    []bool // whether the next rows, as far as was looked, have a value
	trues    int    // how many of these have
	used     int    // how many of these the last batch had
	strings  stringState
	scratch  []int64
	packed   []byte
	codes    filled[uint32]
	nanos    filled[int32]

	zone *time.Location
	base int64 // seconds from 1970 to the start of 2015 in that zone

	next   int     // the row group that the readers are at
	begun  int     // row groups that were read in this span
	group  measure // of the present row group
	before measure // of the row groups before
}

// setUp chooses the readers for a stripe in which the column is encoded so.
func (c *column) setUp(enc encoding) error {
	c.encoding = enc
	c.streams, c.readers = c.streams[:0], append(c.readers[:0], &c.present)
	for _, s := range [...]*stream{&c.present.bytes.stream, &c.bits.bytes.stream, &c.bytes.stream, &c.ints.stream,
		&c.more.stream, &c.raw.stream, &c.dictionary.data.stream} {
		s.clear()
	}
	c.dictionary.loaded = false
	c.hasIndex = false
	v2 := enc.kind.v2()
	if enc.kind.dictionary() && !c.info.kind.text() {
		return fmt.Errorf("a column of kind %v is dictionary encoded", c.info.kind)
	}
	switch c.info.kind {
	case KindBoolean:
		c.readers = append(c.readers, &c.bits)
	case KindByte:
		c.readers = append(c.readers, &c.bytes)
	case KindShort, KindInt, KindLong, KindDate:
		c.ints.encoded(v2, true)
		c.readers = append(c.readers, &c.ints)
	case KindFloat, KindDouble:
		c.readers = append(c.readers, &c.raw)
	case KindString, KindVarchar, KindChar, KindBinary:
		c.more.encoded(v2, false)
		if enc.kind.dictionary() {
			c.ints.encoded(v2, false)
			c.readers = append(c.readers, &c.ints)
		} else {
			c.readers = append(c.readers, &c.raw, &c.more)
		}
	case KindTimestamp, KindTimestampInstant:
		c.ints.encoded(v2, true)
		c.more.encoded(v2, false)
		c.readers = append(c.readers, &c.ints, &c.more)
	case KindDecimal:
		if c.decimal64 {
			c.ints.encoded(true, true)
			c.readers = append(c.readers, &c.ints)
		} else {
			c.more.encoded(v2, true)
			c.readers = append(c.readers, &c.raw, &c.more)
		}
	}
	return nil
}

// streamOf returns the stream of the given kind, nil if the column has no use for it.
func (c *column) streamOf(kind streamKind) *stream {
	if kind == streamPresent {
		return &c.present.bytes.stream
	}
	switch c.info.kind {
	case KindBoolean:
		if kind == streamData {
			return &c.bits.bytes.stream
		}
	case KindByte:
		if kind == streamData {
			return &c.bytes.stream
		}
	case KindShort, KindInt, KindLong, KindDate:
		if kind == streamData {
			return &c.ints.stream
		}
	case KindFloat, KindDouble:
		if kind == streamData {
			return &c.raw.stream
		}
	case KindString, KindVarchar, KindChar, KindBinary:
		switch {
		case kind == streamLength:
			return &c.more.stream
		case kind == streamData && c.encoding.kind.dictionary():
			return &c.ints.stream
		case kind == streamData:
			return &c.raw.stream
		case kind == streamDictionaryData && c.encoding.kind.dictionary():
			return &c.dictionary.data.stream
		}
	case KindTimestamp, KindTimestampInstant, KindDecimal:
		switch {
		case kind == streamSecondary && !c.decimal64:
			return &c.more.stream
		case kind == streamData && (c.info.kind != KindDecimal || c.decimal64):
			return &c.ints.stream
		case kind == streamData:
			return &c.raw.stream
		}
	}
	return nil
}

// reset prepares for the first row group of a stripe. The streams were reset before.
func (c *column) reset(root *column) {
	c.present.reset()
	c.bits.reset()
	c.bytes.reset()
	c.ints.reset()
	c.more.reset()
	c.nullable = c.present.bytes.exists || root != nil && root != c && root.present.bytes.exists
	c.flags, c.trues, c.used = c.flags[:0], 0, 0
	c.strings.reset()
	c.next, c.begun = 0, 0
	c.group, c.before = measure{}, measure{}
}

// fail names the stream in which an error was found.
func fail(s *stream, kind streamKind, err error) error {
	if !s.exists && errors.Is(err, errShort) {
		return fmt.Errorf("the %v stream is missing", kind)
	}
	return fmt.Errorf("%v stream: %w", kind, err)
}

// seek moves on to row group g.
func (c *column) seek(g int) error {
	if g == c.next {
		return nil
	}
	if !c.hasIndex {
		return fmt.Errorf("it has no row index, so that row group %d cannot be found", g)
	}
	for _, r := range c.readers {
		if err := r.seek(g); err != nil {
			return fail(r.indexed().stream, r.indexed().stream.kind, err)
		}
	}
	c.next = g
	return nil
}

// endGroup checks what was read of row group g, which the row group after ends, if there is one.
func (c *column) endGroup(last, utc bool) error {
	g := c.next
	c.next++
	c.begun++
	if c.hasIndex {
		if err := c.group.compare(&c.index.statistics[g], c.info.kind, utc); err != nil {
			return fmt.Errorf("row group %d is not as the row index describes it: %w", g, err)
		}
	}
	c.before.add(&c.group)
	c.group = measure{}
	if last || !c.hasIndex {
		return nil
	}
	for _, r := range c.readers {
		if err := r.at(g + 1); err != nil {
			return fail(r.indexed().stream, r.indexed().stream.kind, err)
		}
	}
	return nil
}

// end checks that the last row group of the stripe ends where the streams do.
func (c *column) end() error {
	for _, r := range c.readers {
		if err := r.end(); err != nil {
			return fail(r.indexed().stream, r.indexed().stream.kind, err)
		}
	}
	return nil
}

// ahead looks which of the next n rows have a value. root, unless nil, tells which rows exist.
func (c *column) ahead(n int, root *column) error {
	if !c.nullable {
		return nil
	}
	if c.used > 0 {
		c.flags = c.flags[:copy(c.flags, c.flags[c.used:])]
		c.used = 0
	}
	from := len(c.flags)
	if from >= n {
		return nil
	}
	if cap(c.flags) < n {
		c.flags = append(make([]bool, 0, batchRows), c.flags...)
	}
	c.flags = c.flags[:n]
	rows := c.flags[from:]
	if root == nil || root == c || !root.nullable {
		trues, err := c.present.read(rows)
		c.trues += trues
		if err != nil {
			return fail(&c.present.bytes.stream, streamPresent, err)
		}
		return nil
	}
	exist := root.flags[from:n]
	if !c.present.bytes.exists {
		c.trues += countTrue(exist)
		copy(rows, exist)
		return nil
	}
	values := countTrue(exist)
	trues, err := c.present.read(rows[:values])
	c.trues += trues
	if err != nil {
		return fail(&c.present.bytes.stream, streamPresent, err)
	}
	spread(rows, values, exist)
	return nil
}

func countTrue(flags []bool) (n int) {
	for _, f := range flags {
		if f {
			n++
		}
	}
	return n
}

// values returns how many of the next n rows have a value.
func (c *column) values(n int) int {
	switch {
	case !c.nullable:
		return n
	case n == len(c.flags):
		return c.trues
	}
	return countTrue(c.flags[:n])
}

// use takes the flags of a batch of n rows, of which the given number have a value.
func (c *column) use(n, values int) {
	c.vector.Present = nil
	if values < n {
		c.vector.Present = c.flags[:n]
	}
	if c.nullable {
		c.used = n
		c.trues -= values
	}
}

// read decodes the next n rows.
func (c *column) read(n int) error {
	v := &c.vector
	values := c.values(n)
	c.use(n, values)
	c.group.values += int64(values)
	constant, err := c.readValues(n, values)
	v.Skipped = false
	v.Constant = constant && values == n || values == 0
	return err
}

func (c *column) readValues(n, values int) (constant bool, err error) {
	switch c.info.kind {
	case KindBoolean:
		return c.readBooleans(n, values)
	case KindByte:
		return c.readBytes(n, values)
	case KindShort:
		return c.readIntegers(n, values, math.MinInt16, math.MaxInt16)
	case KindInt, KindDate:
		return c.readIntegers(n, values, math.MinInt32, math.MaxInt32)
	case KindLong:
		return c.readIntegers(n, values, math.MinInt64, math.MaxInt64)
	case KindFloat:
		return false, c.readFloats(n, values, 4)
	case KindDouble:
		return false, c.readFloats(n, values, 8)
	case KindString, KindVarchar, KindChar, KindBinary:
		if c.encoding.kind.dictionary() {
			return c.readCodes(n, values)
		}
		c.readStrings(n, values)
		return false, nil
	case KindTimestamp, KindTimestampInstant:
		return c.readTimestamps(n, values)
	case KindDecimal:
		return false, c.readDecimals(n, values)
	}
	return false, fmt.Errorf("columns of kind %v cannot be read", c.info.kind)
}
