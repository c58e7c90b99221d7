package orc

import (
	"errors"
	"fmt"
	"math"
)

var errMark = errors.New("the row index points elsewhere than at the start of a run")

// position is where a row group begins in a stream (specification, "Row Index").
type position struct {
	chunk   int64 // offset in the stored stream of the compression chunk; without compression of the byte
	inChunk int   // bytes in the decompressed chunk
	values  int   // values in the run that begins there
	bits    int   // bits in the byte behind those, for streams of booleans
}

// stream gives the decompressed bytes of one stream of a stripe, chunk by chunk, as they are needed. Its memory, one or two
// chunks, is used again for the next stripe.
//
// Places in it are counted in decompressed bytes since the reading began. The places of row groups become known as their
// chunks are read.
type stream struct {
	kind         streamKind
	exists       bool
	decompressor *decompressor
	src          source

	buf  []byte
	next int   // buf[next:] is still to be used
	base int64 // place of buf[0]

	positions []position // of all row groups of the stripe; nil where they are not known
	places    []int64    // by row group, for those below located
	located   int        // number of row groups whose place is known, or that were passed over
}

// reset goes back to the start of the stream.
func (s *stream) reset() {
	s.src.offset, s.src.current, s.src.wanted = s.src.start, segment{}, s.src.wanted[:0]
	s.buf, s.next, s.base = s.buf[:0], 0, 0
	s.located = 0
}

// clear makes the stream one that doesn't exist, which is empty.
func (s *stream) clear() {
	s.exists = false
	s.src.start, s.src.end = 0, 0
	s.positions = s.positions[:0]
	s.reset()
}

// unread returns the bytes that are there to be used.
func (s *stream) unread() []byte { return s.buf[s.next:] }

// place returns where the unread bytes begin.
func (s *stream) place() int64 { return s.base + int64(s.next) }

// ended reports whether all of the stream is in memory.
func (s *stream) ended() bool { return s.src.offset >= s.src.end }

// need makes at least n bytes unread, fewer only where the stream ends.
func (s *stream) need(n int) error {
	for len(s.buf)-s.next < n && !s.ended() {
		if err := s.fill(); err != nil {
			return err
		}
	}
	return nil
}

// fill adds a chunk to the unread bytes, which move.
func (s *stream) fill() error {
	if s.next > 0 {
		n := copy(s.buf, s.buf[s.next:])
		s.base += int64(s.next)
		s.buf, s.next = s.buf[:n], 0
	}
	at := s.src.offset - s.src.start
	from := len(s.buf)
	if s.decompressor.kind == compressionNone {
		b, err := s.src.piece()
		if err != nil {
			return err
		}
		s.buf = append(s.buf, b...)
	} else {
		n, original, err := s.src.chunkHeader()
		if err != nil {
			return err
		}
		b, err := s.src.take(n)
		if err != nil {
			return err
		}
		if s.buf, err = s.decompressor.appendChunk(s.buf, b, original); err != nil {
			return fmt.Errorf("the chunk at byte %d: %w", at, err)
		}
	}
	return s.locate(at, s.base+int64(from), len(s.buf)-from)
}

// locate notes the places of the row groups that begin in the chunk at the given offset of the stored stream, whose n bytes
// are at the given place.
func (s *stream) locate(chunk, place int64, n int) error {
	for ; s.located < len(s.positions); s.located++ {
		p := &s.positions[s.located]
		if s.decompressor.kind == compressionNone {
			if p.chunk >= chunk+int64(n) {
				return nil
			}
			s.places[s.located] = place + p.chunk - chunk
			continue
		}
		if p.chunk > chunk {
			return nil
		}
		if p.chunk < chunk || p.inChunk > n {
			return fmt.Errorf("row group %d: the row index points into no chunk", s.located)
		}
		s.places[s.located] = place + int64(p.inChunk)
	}
	return nil
}

// groupPlace returns the place where row group g begins, math.MaxInt64 while its chunk is not the next at the latest.
func (s *stream) groupPlace(g int) int64 {
	if g < s.located {
		return s.places[g]
	}
	if p := &s.positions[g]; p.chunk == s.src.offset-s.src.start {
		return s.base + int64(len(s.buf)) + int64(p.inChunk)
	}
	return math.MaxInt64
}

// seek moves on to the byte where row group g begins. What lies between is not decompressed.
func (s *stream) seek(g int) error {
	if g >= s.located {
		p := &s.positions[g]
		if p.chunk > s.src.end-s.src.start {
			return fmt.Errorf("row group %d: the row index points beyond the end", g)
		}
		s.base += int64(len(s.buf))
		s.buf, s.next = s.buf[:0], 0
		s.src.offset = s.src.start + p.chunk
		s.located = g
		if s.ended() {
			if p.inChunk != 0 {
				return fmt.Errorf("row group %d: the row index points beyond the end", g)
			}
			return nil
		}
		if err := s.fill(); err != nil {
			return err
		}
	}
	if s.places[g] < s.place() {
		return fmt.Errorf("row group %d: the row index points backwards", g)
	}
	s.next = int(s.places[g] - s.base)
	return nil
}

// end checks that nothing is left of the stream.
func (s *stream) end() error {
	for s.next == len(s.buf) && !s.ended() {
		if err := s.fill(); err != nil {
			return err
		}
	}
	if n := len(s.buf) - s.next; n > 0 {
		return errTrailing(n)
	}
	return nil
}
