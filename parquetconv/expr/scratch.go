package expr

import "github.com/s3compact/s3compact/parquetconv/value"

// scratch is the memory of the vectors of one evaluation at a time, taken piece
// by piece, given back in the reverse order and used again. A step of an
// expression takes a few slices of as many values as its frame has positions;
// maxHeld bounds what the steps within it leave behind (node.go), so that all
// take as many as the expression nests, times maxHeld, and one or two for each
// argument of a function.
type scratch struct {
	bools   slabs[bool]
	ints    slabs[int64]
	floats  slabs[float64]
	decs    slabs[decimal]
	offsets slabs[int32] // codes and positions too
	texts   []*texts
	used    int // of texts
}

// held says how much of a scratch is taken: slices of each kind.
type held struct{ bools, ints, floats, decs, offsets, texts int }

func (h held) all() int { return h.bools + h.ints + h.floats + h.decs + h.offsets + h.texts }

func (s *scratch) held() held {
	return held{s.bools.used, s.ints.used, s.floats.used, s.decs.used, s.offsets.used, s.used}
}

// release gives back what was taken since.
func (s *scratch) release(h held) {
	s.bools.used, s.ints.used, s.floats.used, s.decs.used, s.offsets.used, s.used = h.bools, h.ints, h.floats, h.decs, h.offsets, h.texts
}

// slabs hands out slices, the same ones in the same order.
type slabs[T any] struct {
	all  [][]T
	used int
}

// take returns n values that may be anything.
func (s *slabs[T]) take(n int) []T {
	s.used++
	switch {
	case s.used > len(s.all):
		s.all = append(s.all, make([]T, n))
	case cap(s.all[s.used-1]) < n:
		s.all[s.used-1] = make([]T, n)
	}
	return s.all[s.used-1][:n]
}

// zeroed returns n values that are zero.
func (s *slabs[T]) zeroed(n int) []T {
	out := s.take(n)
	clear(out)
	return out
}

// texts are new texts, in the order of the positions.
type texts struct {
	starts, ends []int32
	data         []byte
}

// newTexts has room for n texts.
func (s *scratch) newTexts(n int) *texts {
	if s.used == len(s.texts) {
		s.texts = append(s.texts, &texts{})
	}
	t := s.texts[s.used]
	s.used++
	t.starts, t.ends, t.data = s.offsets.take(n), s.offsets.take(n), t.data[:0]
	return t
}

// The bounds of texts that are made: of one value, which a reader of the table
// must be able to hold, and of all of a vector, whose offsets have 31 bits. A
// block's text is far smaller, so that only values that grow many times over
// meet the second.
const (
	maxValueBytes  = 8 << 20
	maxVectorBytes = 1 << 30
)

var (
	tooLongText = value.NewBad(value.ReasonRange, "the text has more than %d bytes", maxValueBytes)
	tooMuchText = value.NewBad(value.ReasonRange, "the texts of these rows have more than %d bytes together", maxVectorBytes)
)

// end makes what stands in data from start on the text at position i.
func (t *texts) end(r *result, i, start int) {
	switch {
	case len(t.data)-start > maxValueBytes:
		t.data = t.data[:start]
		r.fail(i, tooLongText)
	case len(t.data) > maxVectorBytes:
		t.data = t.data[:start]
		r.fail(i, tooMuchText)
	default:
		t.starts[i], t.ends[i] = int32(start), int32(len(t.data))
	}
}
