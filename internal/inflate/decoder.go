package inflate

import (
	"bytes"
	"encoding/binary"
)

// Decoder decodes DEFLATE streams (RFC 1951). The zero value is ready; it is about 19 KiB and allocates nothing itself. It
// is not safe for concurrent use.
type Decoder struct {
	dist   [distEntries]uint64
	litlen [litlenEntries]uint32

	// Where the stream is between two calls of decode.
	phase    phase
	final    bool   // the block at hand is the last one
	bits     uint64 // read and not yet used, the next one lowest; what lies above left bits may be set or not
	left     uint64 // how many; less than 8 between two calls
	stored   int    // bytes of a stored block still to copy
	copyDist int    // of a match, copyLeft bytes of which are still to copy
	copyLeft int

	at       int64 // bytes of the stream before the source at hand
	finalBit int64 // where the header of the block at hand begins

	fixed   bool                       // the tables are those of the fixed codes
	lengths [numLitlen + numDist]uint8 // of their codewords
	// For block headers.
	precode [1 << precodeBits]uint32
	code    code
	symbols [numLitlen]uint16
	builder litlenBuilder

	framed bytes.Reader // what a gzip header is read from
}

type phase uint8

const (
	phaseHeader  phase = iota // before a block
	phaseStored               // in a stored block
	phaseHuffman              // in a compressed block
	phaseDone                 // behind the last block
)

// cursor is a place in a source and in a destination.
type cursor struct {
	src   []byte
	pos   int    // next byte of src to read
	dst   []byte // what is already decoded, dst[start:n], and the room behind it
	start int    // first byte of dst that belongs to the stream
	n     int
	early bool // stop with stopOutput as soon as there is too little room for fast
}

// stop says why decoding stopped.
type stop uint8

const (
	stopNone   stop = iota // nothing did
	stopDone               // the stream is complete
	stopInput              // the source ends
	stopOutput             // the room ends, or nearly so
	stopBlock              // a block or its header is complete

	// Faults of the data.
	stopBlockType
	stopStoredLength
	stopSymbols
	stopCodeLengths
	stopRepeat
	stopNoEnd
	stopNoCodeword
	stopTooFar
)

// faults says what is wrong.
var faults = [...]string{
	stopBlockType:    "reserved block type",
	stopStoredLength: "the length of a stored block and its complement do not match",
	stopSymbols:      "more symbols than there are",
	stopCodeLengths:  "codeword lengths that make no code",
	stopRepeat:       "codeword lengths repeated where there are none, or beyond the last one",
	stopNoEnd:        "a block without an end",
	stopNoCodeword:   "no symbol has this codeword",
	stopTooFar:       "a distance beyond the beginning",
}

func (d *Decoder) reset() {
	d.phase, d.final = phaseHeader, false
	d.bits, d.left = 0, 0
	d.stored, d.copyLeft = 0, 0
	d.at, d.finalBit = 0, 0
}

// decode goes on until something stops it. With stopInput what is left of the source, less than a block header, must come
// again in front of what follows.
func (d *Decoder) decode(c *cursor) stop {
	for {
		var why stop
		switch d.phase {
		case phaseHeader:
			why = d.header(c)
		case phaseStored:
			why = d.copyStored(c)
		case phaseHuffman:
			why = d.huffman(c)
		case phaseDone:
			why = stopDone
		}
		if why != stopBlock {
			// Whole bytes are given back: only what is left of one that was begun stays.
			d.left &= 63
			c.pos -= int(d.left >> 3)
			d.left &= 7
			d.bits &= 1<<d.left - 1
			return why
		}
	}
}

// usedBits is where in the stream the next bit is.
func (d *Decoder) usedBits(c *cursor) int64 { return (d.at+int64(c.pos))*8 - int64(d.left&63) }

// endBlock is what follows the end of a block.
func (d *Decoder) endBlock() stop {
	if d.final {
		d.phase = phaseDone
	} else {
		d.phase = phaseHeader
	}
	return stopBlock
}

// refill reads as many whole bytes as there are and as there is room for: after it there are at least 56 bits, or all.
func (d *Decoder) refill(c *cursor) {
	if len(c.src)-c.pos >= 8 {
		d.bits |= binary.LittleEndian.Uint64(c.src[c.pos:]) << (d.left & 63)
		c.pos += int(63-d.left) >> 3
		d.left |= 56
		return
	}
	d.bits &= 1<<d.left - 1
	for d.left < 56 && c.pos < len(c.src) {
		d.bits |= uint64(c.src[c.pos]) << (d.left & 63)
		c.pos++
		d.left += 8
	}
}

// use drops n bits, which must be there.
func (d *Decoder) use(n uint64) {
	d.bits >>= n & 63
	d.left -= n
}

// huffman decodes the symbols of a compressed block.
func (d *Decoder) huffman(c *cursor) stop {
	if d.copyLeft > 0 && !d.copyMatch(c) {
		return stopOutput
	}
	if littleEndian && len(c.src)-c.pos >= fastInputBytes && len(c.dst)-c.n >= fastOutputBytes {
		switch why := d.fast(c); why {
		case stopBlock:
			return d.endBlock()
		case stopNoCodeword, stopTooFar:
			return why
		}
	}
	if c.early && len(c.dst)-c.n < fastOutputBytes {
		return stopOutput
	}
	return d.careful(c)
}
