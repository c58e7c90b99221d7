package orc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// columnReader decodes one column. Its buffers are used again from stripe to stripe.
type columnReader struct {
	name   string
	id     int
	info   typeInfo
	vector Vector

	streams [streamKinds][]byte // as stored, in the present stripe
	has     [streamKinds]bool
	buffers [streamKinds][]byte // memory for the decompressed streams
	present []bool              // memory for vector.Present
}

// stream returns the decompressed contents of one stream, which a column with values must have.
func (r *Reader) stream(c *columnReader, kind streamKind, values int) ([]byte, error) {
	if !c.has[kind] {
		if values == 0 {
			return nil, nil
		}
		return nil, fmt.Errorf("the %v stream is missing", kind)
	}
	b, err := r.decompressor.decompress(&c.buffers[kind], c.streams[kind], maxStreamBytes)
	if err != nil {
		return nil, fmt.Errorf("%v stream: %w", kind, err)
	}
	return b, nil
}

// checkRoom refuses a number of values that a stream of n bytes can't hold, before memory for them is allocated.
func checkRoom(values, n, perByte int) error {
	if values > n*perByte {
		return fmt.Errorf("%d bytes are too few for %d values", n, values)
	}
	return nil
}

// decodePresent sets c.vector.Present for the given number of rows and returns how many have a value.
func (r *Reader) decodePresent(c *columnReader, rows int) (values int, err error) {
	c.vector.Present = nil
	if !c.has[streamPresent] {
		return rows, nil
	}
	b, err := r.stream(c, streamPresent, rows)
	if err != nil {
		return 0, err
	}
	if err := checkRoom(rows, len(b), maxBoolsPerByte); err != nil {
		return 0, fmt.Errorf("%v stream: %w", streamPresent, err)
	}
	c.present = resize(c.present, rows)
	if values, err = decodeBools(c.present, b, &r.packed); err != nil {
		return 0, fmt.Errorf("%v stream: %w", streamPresent, err)
	}
	if values < rows {
		c.vector.Present = c.present
	}
	return values, nil
}

// decodeColumn decodes column c of a stripe. rootPresent tells which rows are null as a whole, nil if none is; rootValues is
// the number of the others, for which alone the column stores anything.
func (r *Reader) decodeColumn(c *columnReader, stripe int, rootPresent []bool, rootValues int) error {
	values, err := r.decodePresent(c, rootValues)
	if err != nil {
		return err
	}
	if stored := r.file.tail.storedValues(stripe, c.id); stored >= 0 && stored != int64(values) {
		return fmt.Errorf("it has %d values, but the stripe statistics count %d", values, stored)
	}
	rows := r.batch.Rows
	if rootPresent != nil {
		all := c.vector.Present == nil
		c.present = resize(c.present, rootValues)
		c.present = append(c.present, make([]bool, rows-rootValues)...)
		if all {
			for i := range c.present[:rootValues] {
				c.present[i] = true
			}
		}
		spread(c.present, rootValues, rootPresent)
		c.vector.Present = c.present
	}

	enc := r.footer.encodings[c.id]
	switch c.info.kind {
	case KindString, KindVarchar, KindChar:
		if enc.kind.dictionary() {
			return r.decodeDictionary(c, enc, values)
		}
		return r.decodeStrings(c, enc, values)
	}
	if enc.kind.dictionary() {
		return fmt.Errorf("a column of kind %v is dictionary encoded", c.info.kind)
	}
	switch c.info.kind {
	case KindBoolean:
		return r.decodeBooleans(c, values)
	case KindByte:
		return r.decodeBytes(c, values)
	case KindShort:
		return r.decodeIntegers(c, enc, values, math.MinInt16, math.MaxInt16)
	case KindInt, KindDate:
		return r.decodeIntegers(c, enc, values, math.MinInt32, math.MaxInt32)
	case KindLong:
		return r.decodeIntegers(c, enc, values, math.MinInt64, math.MaxInt64)
	case KindFloat:
		return r.decodeFloats(c, values, 4)
	case KindDouble:
		return r.decodeFloats(c, values, 8)
	case KindBinary:
		return r.decodeStrings(c, enc, values)
	case KindTimestamp, KindTimestampInstant:
		return r.decodeTimestamps(c, enc, values)
	case KindDecimal:
		return r.decodeDecimals(c, enc, values)
	}
	return fmt.Errorf("columns of kind %v cannot be read", c.info.kind)
}

// decodeRLE decodes the integers of one stream into memory of dst that has room for size values, at least the given number.
func (r *Reader) decodeRLE(c *columnReader, kind streamKind, dst *[]int64, values, size int, v2, signed bool) error {
	b, err := r.stream(c, kind, values)
	if err != nil {
		return err
	}
	if err := checkRoom(values, len(b), maxIntsPerByte); err != nil {
		return fmt.Errorf("%v stream: %w", kind, err)
	}
	*dst = resize(*dst, size)
	if err := decodeInts((*dst)[:values], b, v2, signed); err != nil {
		return fmt.Errorf("%v stream: %w", kind, err)
	}
	return nil
}

func (r *Reader) decodeIntegers(c *columnReader, enc encoding, values int, least, most int64) error {
	v := &c.vector
	if err := r.decodeRLE(c, streamData, &v.Int64, values, r.batch.Rows, enc.kind.v2(), true); err != nil {
		return err
	}
	if least != math.MinInt64 {
		lo, hi := int64(0), int64(0)
		for _, n := range v.Int64[:values] {
			lo, hi = min(lo, n), max(hi, n)
		}
		if lo < least || hi > most {
			return fmt.Errorf("%v stream: values from %d to %d do not fit in kind %v", streamData, lo, hi, v.Kind)
		}
	}
	spread(v.Int64, values, v.Present)
	return nil
}

func (r *Reader) decodeBooleans(c *columnReader, values int) error {
	b, err := r.stream(c, streamData, values)
	if err != nil {
		return err
	}
	if err := checkRoom(values, len(b), maxBoolsPerByte); err != nil {
		return fmt.Errorf("%v stream: %w", streamData, err)
	}
	v := &c.vector
	v.Bool = resize(v.Bool, r.batch.Rows)
	if _, err := decodeBools(v.Bool[:values], b, &r.packed); err != nil {
		return fmt.Errorf("%v stream: %w", streamData, err)
	}
	spread(v.Bool, values, v.Present)
	return nil
}

func (r *Reader) decodeBytes(c *columnReader, values int) error {
	b, err := r.stream(c, streamData, values)
	if err != nil {
		return err
	}
	if err := checkRoom(values, len(b), maxBytesPerByte); err != nil {
		return fmt.Errorf("%v stream: %w", streamData, err)
	}
	r.packed = resize(r.packed, values)
	if err := decodeByteRLE(r.packed, b); err != nil {
		return fmt.Errorf("%v stream: %w", streamData, err)
	}
	v := &c.vector
	v.Int64 = resize(v.Int64, r.batch.Rows)
	for i, b := range r.packed {
		v.Int64[i] = int64(int8(b))
	}
	spread(v.Int64, values, v.Present)
	return nil
}

// decodeFloats decodes IEEE 754 numbers of 4 or 8 bytes, little endian.
func (r *Reader) decodeFloats(c *columnReader, values, size int) error {
	b, err := r.stream(c, streamData, values)
	if err != nil {
		return err
	}
	if len(b) != values*size {
		return fmt.Errorf("%v stream: it has %d bytes, %d values take %d", streamData, len(b), values, values*size)
	}
	v := &c.vector
	v.Float64 = resize(v.Float64, r.batch.Rows)
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

var errLengths = errors.New("the lengths of the values do not add up to the bytes stored")

// decodeStrings decodes values that are stored one behind the other.
func (r *Reader) decodeStrings(c *columnReader, enc encoding, values int) error {
	if err := r.decodeRLE(c, streamLength, &r.ints, values, values, enc.kind.v2(), false); err != nil {
		return err
	}
	var err error
	v := &c.vector
	v.Dictionary, v.Codes = false, v.Codes[:0]
	if v.Data, err = r.stream(c, streamData, 0); err != nil { // absent where all values are empty
		return err
	}
	v.Offsets = resize(v.Offsets, r.batch.Rows+1)
	if v.Present == nil {
		return setOffsets(v.Offsets, r.ints, len(v.Data))
	}
	lengths := r.ints
	end := uint64(0)
	v.Offsets[0] = 0
	for i, present := range v.Present {
		if present {
			length := uint64(lengths[0])
			if length > uint64(len(v.Data))-end {
				return errLengths
			}
			end += length
			lengths = lengths[1:]
		}
		v.Offsets[i+1] = uint32(end)
	}
	if end != uint64(len(v.Data)) {
		return errLengths
	}
	return nil
}

// setOffsets turns lengths into offsets, of which there is one more, and checks that they add up to size.
func setOffsets(offsets []uint32, lengths []int64, size int) error {
	end := uint64(0)
	offsets[0] = 0
	for i, n := range lengths {
		if uint64(n) > uint64(size)-end {
			return errLengths
		}
		end += uint64(n)
		offsets[i+1] = uint32(end)
	}
	if end != uint64(size) {
		return errLengths
	}
	return nil
}

// decodeDictionary decodes values that are stored once each and named by their number in each row.
func (r *Reader) decodeDictionary(c *columnReader, enc encoding, values int) error {
	var err error
	v := &c.vector
	size := enc.dictionarySize
	if err := r.decodeRLE(c, streamLength, &r.ints, size, size, enc.kind.v2(), false); err != nil {
		return err
	}
	v.Dictionary = true
	if v.Data, err = r.stream(c, streamDictionaryData, 0); err != nil { // absent where all entries are empty
		return err
	}
	v.Offsets = resize(v.Offsets, size+1)
	if err := setOffsets(v.Offsets, r.ints, len(v.Data)); err != nil {
		return fmt.Errorf("dictionary of %d entries: %w", size, err)
	}
	if err := r.decodeRLE(c, streamData, &r.ints, values, values, enc.kind.v2(), false); err != nil {
		return err
	}
	v.Codes = resize(v.Codes, r.batch.Rows)
	for i, code := range r.ints {
		if uint64(code) >= uint64(size) {
			return fmt.Errorf("%v stream: value %d is entry %d of a dictionary of %d", streamData, i, uint64(code), size)
		}
		v.Codes[i] = uint32(code)
	}
	spread(v.Codes, values, v.Present)
	return nil
}
