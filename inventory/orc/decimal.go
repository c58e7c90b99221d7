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

// decodeDecimals decodes unscaled integers as varints, with a scale for each (specification, "Decimal Columns"), and brings
// them to one scale, exactly.
func (r *Reader) decodeDecimals(c *columnReader, enc encoding, values int) error {
	v := &c.vector
	v.Scale = c.info.scale
	if r.file.version == unstablePre2 && c.info.precision > 0 && c.info.precision <= maxDecimal64Digits {
		return r.decodeDecimals64(c, values)
	}
	if err := r.decodeRLE(c, streamSecondary, &r.ints, values, values, enc.kind.v2(), true); err != nil {
		return err
	}
	scales := r.ints
	for i, scale := range scales {
		if scale < -maxDecimalDigits || scale > maxDecimalDigits {
			return fmt.Errorf("%v stream: value %d has a scale of %d", streamSecondary, i, scale)
		}
		if c.info.precision == 0 {
			v.Scale = max(v.Scale, int(scale))
		}
	}
	b, err := r.stream(c, streamData, values)
	if err != nil {
		return err
	}
	if err := checkRoom(values, len(b), 1); err != nil {
		return fmt.Errorf("%v stream: %w", streamData, err)
	}
	v.Decimal = resize(v.Decimal, r.batch.Rows)
	for i := range v.Decimal[:values] {
		d, n, err := varint128(b)
		if err == nil && int(scales[i]) != v.Scale {
			d, err = d.rescale(v.Scale - int(scales[i]))
		}
		if err != nil {
			return fmt.Errorf("%v stream: value %d: %w", streamData, i, err)
		}
		v.Decimal[i] = d
		b = b[n:]
	}
	if len(b) > 0 {
		return fmt.Errorf("%v stream: %w", streamData, errTrailing(len(b)))
	}
	spread(v.Decimal, values, v.Present)
	return nil
}

// decodeDecimals64 decodes decimals that are stored as integers of the declared scale.
func (r *Reader) decodeDecimals64(c *columnReader, values int) error {
	if err := r.decodeRLE(c, streamData, &r.ints, values, values, true, true); err != nil {
		return err
	}
	v := &c.vector
	v.Decimal = resize(v.Decimal, r.batch.Rows)
	for i, n := range r.ints {
		v.Decimal[i] = Int128{Hi: n >> 63, Lo: uint64(n)}
	}
	spread(v.Decimal, values, v.Present)
	return nil
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
