package scan

import "github.com/s3compact/s3compact/parquetconv/schema"

// envelope is how far the documents around the rows were read.
type envelope struct {
	state envelopeState
	first bool // nothing stands before it in its object or array
	begun int64
	found bool // the document's array

	open      []map[string]struct{} // the names of each object that is open
	nameBytes int                   // of those
}

type envelopeState uint8

const (
	atDocument envelopeState = iota
	atMember
	afterMember
	atElement
	afterElement
)

func (e *envelope) reset() { *e = envelope{open: e.open[:0]} }

// array reads rows that are the elements of an array.
func (s *Scanner) array(b []byte, last bool) (int, error) {
	i, wait := s.beginning(b, last)
	if wait {
		return 0, nil
	}
	for !s.Full() {
		if s.skipping {
			return len(b), nil
		}
		if i = s.space(b, i); i == len(b) {
			if last && s.envelope.state != atDocument {
				s.envelope.reset()
				s.fault = fault{kind: cut, at: i}
				s.addReject(s.rejection(i), b, i, i)
			}
			return i, nil
		}
		next, wait, err := s.step(b, i, last)
		if err != nil || wait {
			return i, err
		}
		i = next
	}
	return i, nil
}

// step reads what stands at b[i]: a row, or a piece of what is around it.
func (s *Scanner) step(b []byte, i int, last bool) (next int, wait bool, err error) {
	e := &s.envelope
	switch c := b[i]; {
	case e.state == atDocument:
		return s.document(b, i, last)
	case e.state == atMember && !(c == '}' && e.first):
		return s.member(b, i, last)
	case e.state == atElement && !(c == ']' && e.first):
		return s.element(b, i, last)
	case e.state == afterMember && c == ',':
		e.state, e.first = atMember, false
	case e.state == afterElement && c == ',':
		e.state, e.first = atElement, false
	case (e.state == atMember || e.state == afterMember) && c == '}':
		e.open = e.open[:len(e.open)-1]
		s.closed()
	case (e.state == atElement || e.state == afterElement) && c == ']':
		s.closed()
	case e.state == afterMember:
		return s.broken(s.invalid(b, i, "after object value (expecting ',' or '}')"), b, i, b, last)
	default:
		return s.broken(s.invalid(b, i, "after array element (expecting ',' or ']')"), b, i, b, last)
	}
	return i + 1, false, nil
}

// closed goes on behind a bracket or brace.
func (s *Scanner) closed() {
	e := &s.envelope
	if len(e.open) > 0 {
		e.state = afterMember
		return
	}
	if !e.found {
		s.addReject(s.noRows(), nil, 0, 0)
		r := &s.block.Rejects[len(s.block.Rejects)-1]
		r.Offset, r.FaultAt = e.begun, e.begun
	}
	e.reset()
}

func (s *Scanner) noRows() Reject {
	at := schema.Path{}
	for _, name := range s.options.RowsAt {
		at = append(at, schema.Step{Name: name, Index: -1})
	}
	return Reject{Reason: ReasonNoRows, Detail: "the document has no array at " + at.String()}
}

// document begins a document.
func (s *Scanner) document(b []byte, i int, last bool) (next int, wait bool, err error) {
	e := &s.envelope
	e.reset()
	e.begun, e.first = s.offset+int64(i), true
	switch {
	case b[i] == '[' && len(s.options.RowsAt) == 0:
		e.found, e.state = true, atElement
		return i + 1, false, nil
	case b[i] == '{' && len(s.options.RowsAt) > 0:
		s.descend()
		return i + 1, false, nil
	}
	within := s.within(b, i)
	s.names.reset()
	end := s.skip(within, i, nil, 0)
	if end < 0 {
		return s.broken(end, b, i, within, last)
	}
	s.addReject(s.noRows(), b, i, end)
	return end, false, nil
}

// descend goes into an object of the envelope.
func (s *Scanner) descend() {
	e := &s.envelope
	e.open = append(e.open, map[string]struct{}{})
	e.state, e.first = atMember, true
}

// member reads a member of the envelope.
func (s *Scanner) member(b []byte, i int, last bool) (next int, wait bool, err error) {
	e := &s.envelope
	within := s.within(b, i)
	if b[i] != '"' {
		return s.broken(s.invalid(b, i, "in object (expecting a name in quotes)"), b, i, within, last)
	}
	end, escaped := s.text(within, i+1)
	if end < 0 {
		return s.broken(end, b, i, within, last)
	}
	name := within[i+1 : end]
	if escaped {
		s.scratch = appendUnescaped(s.scratch[:0], name)
		name = s.scratch
	}
	at := s.space(within, end+1)
	if at >= len(within) || within[at] != ':' {
		return s.broken(s.invalid(within, at, "after object name (expecting ':')"), b, i, within, last)
	}
	if at = s.space(within, at+1); at >= len(within) {
		return s.broken(s.cut(at), b, i, within, last)
	}
	level := len(e.open) - 1
	names := e.open[level]
	if _, again := names[string(name)]; again {
		return s.broken(s.duplicateName(name, i), b, i, within, last)
	}
	ours := string(name) == s.options.RowsAt[level]
	deepest := level == len(s.options.RowsAt)-1
	into := ours && (deepest && within[at] == '[' || !deepest && within[at] == '{')
	if !into {
		s.names.reset()
		if end = s.skip(within, at, nil, level+1); end < 0 {
			return s.broken(end, b, i, within, last)
		}
	}
	if e.nameBytes += len(name); e.nameBytes > s.options.MaxRowBytes {
		s.fault = fault{kind: long, at: i}
		return s.broken(failed, b, i, within, last)
	}
	names[string(name)] = struct{}{}
	switch {
	case !into:
		e.state = afterMember
		return end, false, nil
	case deepest:
		e.found, e.state, e.first = true, atElement, true
	default:
		s.descend()
	}
	return at + 1, false, nil
}

// broken rejects the rest of the source, from the item at i, for what the
// scanner's fault says. within is what was read of b.
func (s *Scanner) broken(_ int, b []byte, i int, within []byte, last bool) (next int, wait bool, err error) {
	if s.cutOff(b, within, last) {
		return i, true, nil
	}
	next, wait = s.rejectRest(s.rejection(i), b, i, s.fault.at, last)
	return next, wait, nil
}

// element reads a row.
func (s *Scanner) element(b []byte, i int, last bool) (next int, wait bool, err error) {
	next, wait, err = s.next(b, i, last)
	if err == nil && !wait {
		s.envelope.state = afterElement
	}
	return next, wait, err
}
