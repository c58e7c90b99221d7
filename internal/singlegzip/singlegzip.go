// Package singlegzip joins gzip objects into one gzip member without compressing anything again, for readers that stop
// silently at the end of the first member, and gives each original back byte for byte.
//
// What an output of one member is made of, in order:
//
//   - a gzip header of 10 bytes ([Begin]);
//   - for each original, the deflate data of each of its gzip members (RFC 1952 section 2.2), one after another, without
//     their headers and trailers ([Joiner]). Its last block is no longer marked as the last one (RFC 1951 section 3.2.3),
//     and where it does not end on a whole byte, an empty stored block (section 3.2.4) follows, which does;
//   - behind an original that does not end its last line, a stored block of one byte, "\n" ([AddNewline]);
//   - an empty final block, the combined CRC-32 and the length modulo 2^32 ([Finish]).
//
// Deflate data refers to nothing in front of it, so that each original lies in a range of whole bytes of its own. What is
// missing there of the original, its headers and trailers and a few bits, is in a record for the receipt, [Pieces]; from both a
// [Restorer] gives back the original, and the [Joiner] has tried that by the time it is done.
package singlegzip

import (
	"errors"
	"fmt"
)

// ErrMismatch says that bytes are not what the record or the proof says of them: they were damaged or exchanged, or the
// record was. An error of the reader that delivers them is never of this kind.
var ErrMismatch = errors.New("the bytes are not those of the record")

// Piece is what an output of one gzip member does not hold of one gzip member of an original. Its JSON form takes some
// 100 bytes with a header of 10 bytes.
type Piece struct {
	Header   []byte `json:"header"`    // as stored
	FinalBit int64  `json:"final_bit"` // bit of the deflate data that marks its last block: FinalBit%8, from the lowest, of byte FinalBit/8
	Bits     int64  `json:"bits"`      // length of the deflate data in bits
	Padding  byte   `json:"padding,omitempty"`
	// Padding: what is left of the last byte of the deflate data, shifted down.

	CRC32 uint32 `json:"crc32"` // of the trailer
	ISIZE uint32 `json:"isize"` // of the trailer: the uncompressed length in bytes, modulo 2^32
}

// Pieces is the record of one original: its gzip members in their order, at least one.
type Pieces []Piece

// Sizes of the parts of a gzip member (RFC 1952 section 2.3), in bytes.
const (
	minHeaderBytes = 10
	trailerBytes   = 8
)

const (
	minBlockBits = 3 + 7   // the shortest block: fixed codes and nothing but the end
	maxBits      = 1 << 53 // more than an object of S3 can have, and sums of them stay far below 2^63
)

// deflateBytes is the length of the deflate data, with the byte in which it ends.
func (p *Piece) deflateBytes() int64 { return (p.Bits + 7) / 8 }

// paddingBits is how many bits of the last byte of the deflate data are padding, 0 to 7.
func (p *Piece) paddingBits() int { return int(-p.Bits & 7) }

// alignment is what follows the deflate data in an output: what does not fit into its last byte of an empty stored block,
// which is 3 bits of zero, zeros up to a whole byte, the length 0 and its complement.
func (p *Piece) alignment() []byte {
	switch n := p.paddingBits(); {
	case n == 0:
		return nil
	case n >= 3:
		return emptyStored[1:]
	}
	return emptyStored[:]
}

var emptyStored = [...]byte{0, 0, 0, 0xff, 0xff}

func (p *Piece) originalBytes() int64 { return int64(len(p.Header)) + p.deflateBytes() + trailerBytes }
func (p *Piece) joinedBytes() int64   { return p.deflateBytes() + int64(len(p.alignment())) }

func (p *Piece) check() error {
	switch {
	case len(p.Header) < minHeaderBytes || p.Header[0] != 0x1f || p.Header[1] != 0x8b || p.Header[2] != 8:
		return errors.New("no gzip header")
	case p.FinalBit < 0 || p.FinalBit > p.Bits-minBlockBits:
		return fmt.Errorf("the last block begins at bit %d of %d", p.FinalBit, p.Bits)
	case p.Padding>>p.paddingBits() != 0:
		return fmt.Errorf("padding 0x%02x where %d bits are left of the last byte", p.Padding, p.paddingBits())
	}
	return nil
}

// Check says whether this can be the record of an original. The error is ErrMismatch with what is wrong.
func (p Pieces) Check() error {
	if len(p) == 0 {
		return fmt.Errorf("%w: no gzip members in the record", ErrMismatch)
	}
	left := int64(maxBits)
	for i := range p {
		err := p[i].check()
		if err == nil && p[i].Bits > left {
			err = errors.New("more deflate data than an object can have")
		}
		left -= p[i].Bits
		if err != nil {
			return fmt.Errorf("%w: record of gzip member %d: %w", ErrMismatch, i+1, err)
		}
	}
	return nil
}

// OriginalBytes is the size of the original. The pieces must have passed Check.
func (p Pieces) OriginalBytes() int64 {
	sum := int64(0)
	for i := range p {
		sum += p[i].originalBytes()
	}
	return sum
}

// JoinedBytes is the size of the original's range of an output, without a newline behind it. The pieces must have passed
// Check.
func (p Pieces) JoinedBytes() int64 {
	sum := int64(0)
	for i := range p {
		sum += p[i].joinedBytes()
	}
	return sum
}

// RecordBytes bounds the size of the pieces in bytes, as JSON and in memory, for whoever bounds the sum of many.
func (p Pieces) RecordBytes() int {
	sum := 0
	for i := range p {
		sum += recordBytes(len(p[i].Header))
	}
	return sum
}

// recordBytes bounds the size of one piece: the JSON of the longest numbers, and base64.
func recordBytes(headerBytes int) int { return 160 + (headerBytes+2)/3*4 }
