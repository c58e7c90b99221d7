package orc

import "math"

// maxRunBytes bounds the stored length of a run of integers: 512 values and 31 patches of 64 bits, and what is before them.
const maxRunBytes = 4 + 8 + maxRun*8 + 31*8

// readData reads what the columns need of the span's row groups, or the part of it that is read ahead, and makes the streams
// begin.
func (r *Reader) readData(groups int) error {
	r.ranges = r.ranges[:0]
	total := int64(0)
	for _, c := range r.byID {
		if c == nil {
			continue
		}
		needed := c.plan(r, groups)
		total += needed
	}
	for _, c := range r.byID {
		if c == nil {
			continue
		}
		for _, s := range c.streams {
			n := int64(0)
			for _, w := range s.src.wanted {
				n += w.end - w.offset
			}
			if total > maxAheadBytes && n > windowBytes {
				continue
			}
			for _, w := range s.src.wanted {
				if w.end > w.offset && r.small.find(w.offset, w.end-w.offset) == nil {
					r.ranges = append(r.ranges, w)
				}
			}
		}
	}
	if err := r.data.read(r.file, r.ranges); err != nil {
		return err
	}
	for _, c := range r.byID {
		if c != nil {
			c.reset(r.root)
		}
	}
	return nil
}

// plan sets which parts of the file the streams of the column will be asked for, and returns how many bytes these are.
func (c *column) plan(r *Reader, groups int) (needed int64) {
	for _, s := range c.streams {
		if c.dictionary.loaded && (s == &c.dictionary.data.stream || s == &c.more.stream) {
			continue // it was read in a span before
		}
		s.reset()
	}
	for g := r.span.From; g < r.span.To; {
		if c != r.root && r.skip(g)[c.number] {
			g++
			continue
		}
		from := g
		for g++; g < r.span.To && (c == r.root || !r.skip(g)[c.number]); g++ {
		}
		for _, s := range c.streams {
			needed += s.want(from, g, groups)
		}
	}
	return needed
}

// want notes the part of the file that holds the row groups [from, to) of the stream, and returns its length. The part is a
// good guess at least: where a run goes on behind the chunk in which it begins, more is read when it is needed.
func (s *stream) want(from, to, groups int) int64 {
	size := s.src.end - s.src.start
	w := byteRange{0, size}
	if len(s.positions) == groups {
		if from > 0 {
			w.offset = min(size, s.positions[from].chunk)
		}
		if to < groups {
			w.end = min(size, s.reach(to))
		}
	} else if len(s.src.wanted) > 0 {
		return 0 // a dictionary: all of it is wanted once
	}
	w.offset += s.src.start
	w.end += s.src.start
	if n := len(s.src.wanted); n > 0 && w.offset <= s.src.wanted[n-1].end {
		last := &s.src.wanted[n-1]
		grown := max(0, w.end-last.end)
		last.end += grown
		return grown
	}
	s.src.wanted = append(s.src.wanted, w)
	return w.end - w.offset
}

// lookAhead is how many row groups behind one are searched for the start of the next chunk, as a short cut.
const lookAhead = 64

// reach returns how far into the stored stream the values before row group g reach.
func (s *stream) reach(g int) int64 {
	p := &s.positions[g]
	if s.decompressor.kind == compressionNone {
		if p.values == 0 && p.bits == 0 {
			return p.chunk
		}
		return p.chunk + maxRunBytes
	}
	if p.inChunk == 0 && p.values == 0 && p.bits == 0 {
		return p.chunk
	}
	end := int64(math.MaxInt64)
	for _, later := range s.positions[g+1 : min(len(s.positions), g+1+lookAhead)] {
		if later.chunk > p.chunk {
			end = later.chunk
			break
		}
	}
	return min(end, p.chunk+3+int64(s.decompressor.blockBytes))
}
