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

// SlackBytes is how much more capacity than bytes to come lets Append stay fast up to the end.
const SlackBytes = fastOutputBytes

// Append appends what the DEFLATE stream at the beginning of src inflates to, at most limitBytes, to dst, and says where the
// stream ends; what follows it in src is not looked at.
//
// Where the capacity of dst does not do, dst grows in steps as data comes. Bytes between its new length and its capacity may
// be overwritten; a capacity of SlackBytes more than it takes is fastest.
//
// The error is ErrTruncated, ErrTooLong or a [*CorruptError]. dst is then returned as it was, but for bytes behind its length.
func (d *Decoder) Append(dst, src []byte, limitBytes int) ([]byte, End, error) {
	d.reset()
	start, limitBytes := len(dst), max(limitBytes, 0)
	c := cursor{src: src, dst: room(dst, start, limitBytes), start: start, n: start}
	for {
		why := d.decode(&c)
		left := limitBytes - (c.n - start)
		switch {
		case left < 0, left == 0 && why == stopOutput:
			return dst, End{}, ErrTooLong
		case why == stopDone:
			return c.dst[:c.n], d.end(&c), nil
		case why == stopInput:
			return dst, End{}, ErrTruncated
		case why == stopOutput:
			more := max(c.n-start, 4*(len(src)-c.pos), 512)
			c.dst = room(slices.Grow(c.dst[:c.n], min(more, left)+SlackBytes), start, limitBytes)
		default:
			return dst, End{}, d.corrupt(&c, why)
		}
	}
}

// room is dst up to its capacity, or to SlackBytes more than limitBytes behind start.
func room(dst []byte, start, limitBytes int) []byte {
	n := cap(dst) - start
	if limitBytes < n-SlackBytes {
		n = limitBytes + SlackBytes
	}
	return dst[:start+n]
}

func (d *Decoder) end(c *cursor) End {
	return End{SizeBytes: d.at + int64(c.pos), FinalBit: d.finalBit, LastBits: 8 - int(d.left)}
}

func (d *Decoder) corrupt(c *cursor, why stop) error {
	return &CorruptError{(d.usedBits(c) + 7) / 8, faults[why]}
}
