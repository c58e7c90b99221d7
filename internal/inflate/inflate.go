// Package inflate decodes DEFLATE (RFC 1951), gzip (RFC 1952) and zlib (RFC 1950) from memory: a whole stream into a buffer
// that grows ([Decoder]), or through a window of fixed size, whatever the stream inflates to ([Window]).
package inflate

import (
	"errors"
	"fmt"
	"slices"
)

var (
	// ErrTruncated says that the data ends before its last block does.
	ErrTruncated = errors.New("the data ends before the deflate stream does")
	// ErrTooLong says that the stream inflates to more bytes than the limit.
	ErrTooLong = errors.New("the deflate stream is longer than its limit")
)

// CorruptError is invalid deflate data.
type CorruptError struct {
	Offset int64  // bytes from the beginning of the stream up to where the fault shows, that byte included
	Detail string // for people; not stable
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("invalid deflate data at byte %d: %s", e.Offset, e.Detail)
}

// End is where a DEFLATE stream ends.
type End struct {
	SizeBytes int64 // of the stream, with the byte in which it ends
	// FinalBit is the bit of the stream that says that the last block is the last one (BFINAL): bit FinalBit%8, from the
	// lowest, of byte FinalBit/8. Cleared, another block may follow.
	FinalBit int64
	LastBits int // bits of the last byte that belong to the stream, 1 to 8; the rest is padding
}

// Append appends what the DEFLATE stream at the beginning of src inflates to, at most limitBytes, to dst, and says where the
// stream ends; what follows it in src is not looked at.
//
// Where the capacity of dst does not do, dst grows in steps up to the limit. Bytes between its new length and its
// capacity may be overwritten. The last few hundred bytes of the capacity are slower to fill.
//
// The error is ErrTruncated, ErrTooLong or a [*CorruptError]. dst is then returned as it was, but for bytes behind its length.
func (d *Decoder) Append(dst, src []byte, limitBytes int) ([]byte, End, error) {
	d.reset()
	start := len(dst)
	c := cursor{src: src, dst: room(dst, start, limitBytes), start: start, n: start}
	for {
		switch why := d.decode(&c); why {
		case stopDone:
			return c.dst[:c.n], d.end(&c), nil
		case stopInput:
			return dst, End{}, ErrTruncated
		case stopOutput:
			if c.n-start >= limitBytes {
				return dst, End{}, ErrTooLong
			}
			more := max(c.n-start, 4*(len(src)-c.pos), 512)
			c.dst = room(slices.Grow(c.dst[:c.n], min(more, limitBytes-(c.n-start))), start, limitBytes)
		default:
			return dst, End{}, d.corrupt(&c, why)
		}
	}
}

// room is dst up to its capacity, and to limitBytes bytes behind start.
func room(dst []byte, start, limitBytes int) []byte {
	return dst[:start+min(cap(dst)-start, max(limitBytes, 0))]
}

func (d *Decoder) end(c *cursor) End {
	return End{SizeBytes: d.at + int64(c.pos), FinalBit: d.finalBit, LastBits: 8 - int(d.left)}
}

func (d *Decoder) corrupt(c *cursor, why stop) error {
	return &CorruptError{(d.usedBits(c) + 7) / 8, faults[why]}
}
