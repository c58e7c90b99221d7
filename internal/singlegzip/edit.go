package singlegzip

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// edit changes an original into its range of an output, or back, as the record says. Both ways are the same steps with
// the parts exchanged that are looked for and that are put in; what is looked for must be there. So whatever the one takes,
// the other gives back.
type edit struct {
	pieces  Pieces
	restore bool // back to the original

	trailer [trailerBytes]byte // of the piece at hand

	next  int // piece whose steps come when those at hand are done
	steps [4]step
	at    int   // step at hand; len(steps) when the piece is done
	n     int64 // bytes of that step which are done
	used  int64 // bytes of the source, for errors
}

// step is one step: copy bytes with changes, or put in bytes, or take away bytes.
type step struct {
	put     []byte
	take    []byte
	bytes   int64 // to copy
	changes [2]change
}

// change is bits of one byte that is copied, counted from the beginning of the step.
type change struct {
	at       int64
	mask     byte
	from, to byte // within mask
}

// reset begins an edit. The pieces must have passed Check.
func (e *edit) reset(pieces Pieces, restore bool) {
	*e = edit{pieces: pieces, restore: restore, at: len(e.steps)}
}

// begin makes the steps of the next piece.
func (e *edit) begin() {
	p := &e.pieces[e.next]
	e.next++
	e.at, e.n = 0, 0
	binary.LittleEndian.PutUint32(e.trailer[:], p.CRC32)
	binary.LittleEndian.PutUint32(e.trailer[4:], p.ISIZE)
	trailer := e.trailer[:]
	size, left := p.deflateBytes(), p.paddingBits()
	final, padding := byte(1)<<(p.FinalBit&7), p.Padding<<(8-left)
	deflate := step{bytes: size, changes: [2]change{
		{p.FinalBit / 8, final, final, 0},
		{size - 1, byte(0xff << (8 - left)), padding, 0},
	}}
	if !e.restore {
		e.steps = [4]step{{take: p.Header}, deflate, {put: p.alignment()}, {take: trailer}}
		return
	}
	for i := range deflate.changes {
		c := &deflate.changes[i]
		c.from, c.to = c.to, c.from
	}
	e.steps = [4]step{{put: p.Header}, deflate, {take: p.alignment()}, {put: trailer}}
}

// done says that the edit is complete. Before its beginning it is not.
func (e *edit) done() bool { return e.next == len(e.pieces) && e.at == len(e.steps) }

// run goes on until it is done, dst is full or src is used up. The error is ErrMismatch with what is wrong.
func (e *edit) run(dst, src []byte) (wrote, used int, err error) {
	for !e.done() {
		if e.at == len(e.steps) {
			e.begin()
		}
		s := &e.steps[e.at]
		switch {
		case e.n < s.bytes:
			n := int(min(s.bytes-e.n, int64(len(dst)-wrote), int64(len(src)-used)))
			if n == 0 {
				return wrote, used, nil
			}
			part := dst[wrote : wrote+n]
			copy(part, src[used:])
			if err := e.change(s, part); err != nil {
				return wrote, used, err
			}
			wrote, used = wrote+n, used+n
			e.used += int64(n)
			e.n += int64(n)
		case e.n < int64(len(s.put)):
			n := copy(dst[wrote:], s.put[e.n:])
			if n == 0 {
				return wrote, used, nil
			}
			wrote += n
			e.n += int64(n)
		case e.n < int64(len(s.take)):
			want := s.take[e.n:]
			want = want[:min(len(want), len(src)-used)]
			if len(want) == 0 {
				return wrote, used, nil
			}
			if !bytes.Equal(src[used:used+len(want)], want) {
				return wrote, used, e.mismatch("the header, the trailer or the end of the deflate data is another")
			}
			used += len(want)
			e.used += int64(len(want))
			e.n += int64(len(want))
		default:
			e.at++
			e.n = 0
		}
	}
	return wrote, used, nil
}

// change makes the step's changes in a part of what it copies, which begins at e.n.
func (e *edit) change(s *step, part []byte) error {
	for _, c := range s.changes {
		if c.at < e.n || c.at >= e.n+int64(len(part)) {
			continue
		}
		b := &part[c.at-e.n]
		if *b&c.mask != c.from {
			return e.mismatch("the bits at the end of the deflate data are others")
		}
		*b = *b&^c.mask | c.to
	}
	return nil
}

func (e *edit) mismatch(what string) error {
	return fmt.Errorf("%w: gzip member %d, near byte %d: %s", ErrMismatch, e.next, e.used, what)
}
