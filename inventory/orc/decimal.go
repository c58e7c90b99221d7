package orc

import (
	"errors"
	"fmt"
	"math/bits"
)

const (
	// maxDecimalDigits is the largest precision and scale of a decimal.
	maxDecimalDigits = 38
	// maxDecimal64Digits is the largest precision that file version 1.9999 stores as a 64 bit integer.
	maxDecimal64Digits = 18
)

var (
	errDecimalRange = errors.New("a value exceeds 128 bits")
	errDecimalScale = errors.New("a value has more digits behind the point than its column declares")
)

// readDecimals decodes unscaled integers as varints, with a scale for each (specification, "Decimal Columns"), and brings
// them to one scale, exactly.
func (c *column) readDecimals(n, values int) error {
	v := &c.vector
	v.Scale = c.info.scale
	v.Decimal = room(v.Decimal, n)
	c.scratch = room(c.scratch, values)
	if c.decimal64 {
		if _, err := c.ints.read(c.scratch); err != nil {
			return fail(&c.ints.stream, streamData, err)
		}
		for i, n := range c.scratch {
			v.Decimal[i] = Int128{Hi: n >> 63, Lo: uint64(n)}
		}
		spread(v.Decimal, values, v.Present)
		return nil
	}
	scales := c.scratch
	if _, err := c.more.read(scales); err != nil {
		return fail(&c.more.stream, streamSecondary, err)
	}
	for _, scale := range scales {
		if scale < -maxDecimalDigits || scale > maxDecimalDigits {
			return fail(&c.more.stream, streamSecondary, fmt.Errorf("a value has a scale of %d", scale))
		}
		if c.info.precision == 0 {
			v.Scale = max(v.Scale, int(scale))
		}
	}
	for i := range v.Decimal[:values] {
		d, err := c.readDecimal()
		if err == nil && int(scales[i]) != v.Scale {
			d, err = d.rescale(v.Scale - int(scales[i]))
		}
		if err != nil {
			return fail(&c.raw.stream, streamData, err)
		}
		v.Decimal[i] = d
	}
	spread(v.Decimal, values, v.Present)
	return nil
}

// readDecimal decodes the next unscaled integer.
func (c *column) readDecimal() (Int128, error) {
	for {
		d, size, err := varint128(c.raw.unread())
		if err == nil {
			c.raw.stream.next += size
			return d, nil
		}
		if !errors.Is(err, errShort) || c.raw.ended() {
			return d, err
		}
		if err := c.raw.fill(); err != nil {
			return d, err
		}
	}
}

// varint128 decodes a zigzag encoded varint of at most 128 bits and returns its length in bytes.
func varint128(b []byte) (Int128, int, error) {
	var hi, lo uint64
	for i, c := range b {
		part := uint64(c & 0x7f)
		switch shift := uint(7 * i); {
		case shift < 64:
			lo |= part << shift
			hi |= part >> (64 - shift) // 0 for a shift of 0
		case shift > 128-7 && part>>(128-shift) != 0:
			return Int128{}, 0, errDecimalRange
		default:
			hi |= part << (shift - 64)
		}
		if c < 0x80 {
			sign := -(lo & 1)
			return Int128{Hi: int64(hi>>1 ^ sign), Lo: (lo>>1 | hi<<63) ^ sign}, i + 1, nil
		}
		if i == 18 {
			return Int128{}, 0, errDecimalRange
		}
	}
	return Int128{}, 0, errShort
}

// rescale multiplies d by ten to the given power, which may be negative. A division must leave no remainder.
func (d Int128) rescale(power int) (Int128, error) {
	hi, lo := uint64(d.Hi), d.Lo
	if d == (Int128{}) {
		return d, nil
	}
	negative := d.Hi < 0
	if negative {
		var borrow uint64
		lo, borrow = bits.Sub64(0, lo, 0)
		hi, _ = bits.Sub64(0, hi, borrow)
	}
	for ; power > 0; power-- {
		over, carry := bits.Mul64(lo, 10)
		top, high := bits.Mul64(hi, 10)
		lo = carry
		var c uint64
		hi, c = bits.Add64(high, over, 0)
		if top != 0 || c != 0 {
			return d, errDecimalRange
		}
	}
	for ; power < 0; power++ {
		var remainder uint64
		hi, remainder = hi/10, hi%10
		lo, remainder = bits.Div64(remainder, lo, 10)
		if remainder != 0 {
			return d, errDecimalScale
		}
	}
	if hi>>63 != 0 {
		return d, errDecimalRange
	}
	if negative {
		var borrow uint64
		lo, borrow = bits.Sub64(0, lo, 0)
		hi, _ = bits.Sub64(0, hi, borrow)
	}
	return Int128{Hi: int64(hi), Lo: lo}, nil
}
