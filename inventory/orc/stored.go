package orc

import (
	"errors"
	"fmt"
	"slices"
)

const (
	// pieceBytes is how much of a stream is taken at once where there is no compression.
	pieceBytes = 64 << 10
	// maxGapBytes is how many unwanted bytes between two wanted ranges are read along rather than asked for anew: a request
	// to an object store takes longer to begin.
	maxGapBytes = 512 << 10
	// smallStripeBytes is the size of stripes that are read whole, which saves a call for the footer.
	smallStripeBytes = 256 << 10
	// maxRangeBytes bounds one ReadAt.
	maxRangeBytes = 16 << 20
	// maxAheadBytes bounds what is read before a span is decoded. Where the wanted columns need more, streams of more than
	// windowBytes are read by windows of that size as they are decoded.
	maxAheadBytes = 8 << 20
	windowBytes   = 2 << 20
)

// segment is a part of the file in memory.
type segment struct {
	offset int64
	bytes  []byte
}

func (s segment) end() int64 { return s.offset + int64(len(s.bytes)) }

// byteRange is a part of the file: the bytes from offset up to end, which is not included.
type byteRange struct{ offset, end int64 }

// merge joins ranges that lie close together, but for those that would become too long. The ranges change.
func merge(ranges []byteRange) []byteRange {
	slices.SortFunc(ranges, func(a, b byteRange) int { return int(min(1, max(-1, a.offset-b.offset))) })
	merged := ranges[:0]
	for _, r := range ranges {
		if n := len(merged); n > 0 {
			last := &merged[n-1]
			if r.offset-last.end <= maxGapBytes && (r.end <= last.end || r.end-last.offset <= maxRangeBytes) {
				last.end = max(last.end, r.end)
				continue
			}
		}
		merged = append(merged, r)
	}
	return merged
}

// storage holds parts of the file and the memory for them, which is used again.
type storage struct {
	segments []segment
	memory   []byte
}

// read replaces what s holds by the given ranges, read with as few calls as merge makes of them. The ranges change.
func (s *storage) read(f *File, ranges []byteRange) error {
	s.segments = s.segments[:0]
	ranges = merge(ranges)
	total := int64(0)
	for _, r := range ranges {
		total += r.end - r.offset
	}
	s.memory = resize(s.memory, int(total))
	rest := s.memory
	for _, r := range ranges {
		n := r.end - r.offset
		b, err := f.readAt(rest[:n:n], r.offset, n)
		if err != nil {
			s.segments = s.segments[:0]
			return err
		}
		s.segments = append(s.segments, segment{r.offset, b})
		rest = rest[n:]
	}
	return nil
}

// find returns n bytes of the file at offset, nil unless s holds all of them.
func (s *storage) find(offset, n int64) []byte {
	for _, g := range s.segments {
		if offset >= g.offset && offset+n <= g.end() {
			return g.bytes[offset-g.offset:][:n:n]
		}
	}
	return nil
}

// source gives the stored bytes of one stream in order. They come from what a Reader has read before, or else from the file,
// into memory of its own.
type source struct {
	file    *File
	held    []*storage
	start   int64 // of the stream in the file
	end     int64
	offset  int64       // of the next byte to take
	wanted  []byteRange // what will be taken, in order
	current segment
	memory  []byte
}

var errCut = errors.New("it is cut short")

// take returns the next n stored bytes, valid until the next call.
func (s *source) take(n int) ([]byte, error) {
	if int64(n) > s.end-s.offset {
		return nil, errCut
	}
	if s.offset < s.current.offset || s.offset+int64(n) > s.current.end() {
		if err := s.advance(int64(n)); err != nil {
			return nil, err
		}
	}
	at := s.offset - s.current.offset
	s.offset += int64(n)
	return s.current.bytes[at:][:n:n], nil
}

// advance makes current hold at least n bytes from offset.
func (s *source) advance(n int64) error {
	for _, h := range s.held {
		for _, g := range h.segments {
			if s.offset >= g.offset && s.offset+n <= g.end() {
				s.current = g
				return nil
			}
		}
	}
	size := max(n, min(windowBytes, s.planned()))
	var err error
	if s.memory, err = s.file.readAt(s.memory, s.offset, size); err != nil {
		s.current = segment{}
		return err
	}
	s.current = segment{s.offset, s.memory}
	return nil
}

// planned returns how many of the next bytes were known to be needed, 0 if the next is not.
func (s *source) planned() int64 {
	for _, w := range s.wanted {
		if s.offset >= w.offset && s.offset < w.end {
			return w.end - s.offset
		}
	}
	return 0
}

// piece takes some of the next bytes.
func (s *source) piece() ([]byte, error) {
	n := s.planned()
	if n == 0 {
		n = s.end - s.offset
	}
	return s.take(int(min(n, pieceBytes)))
}

// chunkHeader takes the header of a compression chunk (specification, "Compression").
func (s *source) chunkHeader() (n int, original bool, err error) {
	b, err := s.take(3)
	if errors.Is(err, errCut) {
		return 0, false, errors.New("the header of a compression chunk is cut short")
	}
	if err != nil {
		return 0, false, err
	}
	header := int(b[0]) | int(b[1])<<8 | int(b[2])<<16
	if n = header >> 1; int64(n) > s.end-s.offset {
		return 0, false, fmt.Errorf("a compression chunk of %d bytes has only %d", n, s.end-s.offset)
	}
	return n, header&1 == 1, nil
}
