package scan

import (
	"fmt"
	"hash/maphash"

	"github.com/s3compact/s3compact/parquetconv/schema"
)

// object reads the object at b[i], the depth-th of those around it, into the
// columns of the shape. Without a shape it is skipped.
func (s *Scanner) object(b []byte, i int, sh *shape, depth int) int {
	if depth > maxDepth {
		return s.malformed(i, "exceeded max depth")
	}
	s.serial++
	serial := s.serial
	if i = s.space(b, i+1); i < len(b) && b[i] == '}' {
		return i + 1
	}
	var slot **field // where what comes next is remembered
	if sh != nil {
		slot = &sh.first
	}
	for {
		if i >= len(b) || b[i] != '"' {
			return s.noName(b, i, depth)
		}
	name:
		nameAt := i
		i++
		var f *field
		if slot != nil {
			if f = *slot; f != nil && !f.isAt(b, i) {
				// One that is not always there may have been left out.
				if f = f.next; f != nil && !f.isAt(b, i) {
					f = nil
				}
			}
		}
		if f != nil {
			if f.seen == serial {
				return s.duplicateName(f.name, nameAt)
			}
			i += len(f.text)
		} else {
			var end int
			if f, end = s.name(b, i, sh, serial); end < 0 {
				return failed
			}
			if i = s.space(b, end+1); i >= len(b) || b[i] != ':' {
				return s.invalid(b, i, "after object name (expecting ':')")
			}
			i++
			if f != nil && slot != nil {
				*slot = f
			}
		}
		var p *place
		do := opSkip
		if f != nil {
			f.seen = serial
			p, do, slot = &f.place, f.op, &f.next
		} else if slot = nil; sh != nil {
			do = sh.unknown
		}

		if i < len(b) && b[i] <= ' ' {
			i = s.space(b, i)
		}
		if i >= len(b) {
			return s.cut(len(b))
		}
		switch do {
		case opColumn:
			i = s.column(b, i, p.column, depth)
		case opSkip:
			if b[i] == '"' {
				if i, _ = s.text(b, i+1); i >= 0 {
					i++
				}
			} else {
				i = s.skip(b, i, p, depth)
			}
		case opLead:
			i = s.leadOn(b, i, p, depth)
		default:
			i = s.unknown(b, nameAt, i, p)
		}
		if i < 0 {
			return failed
		}

		// What mostly comes next.
		if i+1 < len(b) && b[i] == ',' && b[i+1] == '"' {
			i++
			goto name
		}
		if i < len(b) && b[i] <= ' ' {
			i = s.space(b, i)
		}
		switch {
		case i < len(b) && b[i] == ',':
			if i++; i < len(b) && b[i] <= ' ' {
				i = s.space(b, i)
			}
		case i < len(b) && b[i] == '}':
			return i + 1
		default:
			return s.invalid(b, i, "after object value (expecting ',' or '}')")
		}
	}
}

// name reads a name from behind its opening quote to its closing quote, and
// finds its field. One that has no field is nil, and not the second of its name.
func (s *Scanner) name(b []byte, i int, sh *shape, serial uint64) (f *field, end int) {
	end, escaped := s.text(b, i)
	if end < 0 {
		return nil, failed
	}
	name := b[i:end]
	if escaped {
		s.scratch = appendUnescaped(s.scratch[:0], name)
		name = s.scratch
	}
	hash := maphash.Bytes(s.seed, name)
	if sh != nil {
		if f = sh.find(name, hash); f != nil {
			if f.seen == serial {
				s.duplicateName(name, i-1)
				return nil, failed
			}
			return f, end
		}
		if f = s.learn(sh, name, hash); f != nil {
			return f, end
		}
	}
	if !s.names.add(serial, name, hash) {
		s.duplicateName(name, i-1)
		return nil, failed
	}
	return nil, end
}

// skip reads a value that no column wants; p keeps what is learned of it, or is nil.
func (s *Scanner) skip(b []byte, i int, p *place, depth int) int {
	switch c := b[i]; c {
	case '"':
		end, _ := s.text(b, i+1)
		if end < 0 {
			return failed
		}
		return end + 1
	case '{':
		var sh *shape
		if p != nil {
			if p.skipped == nil && s.learned < maxLearned {
				p.skipped = s.newShape()
			}
			sh = p.skipped
		}
		return s.object(b, i, sh, depth+1)
	case '[':
		return s.elements(b, i, p, depth+1)
	case 't':
		return s.literal(b, i, "true")
	case 'f':
		return s.literal(b, i, "false")
	case 'n':
		return s.literal(b, i, "null")
	default:
		if c == '-' || isDigit(c) {
			return s.number(b, i)
		}
	}
	return s.invalid(b, i, "at start of value")
}

func (s *Scanner) literal(b []byte, i int, word string) int {
	if len(b)-i >= len(word) && string(b[i:i+len(word)]) == word {
		return i + len(word)
	}
	for n := range len(word) {
		if i+n >= len(b) || b[i+n] != word[n] {
			return s.invalid(b, i+n, "in literal "+word)
		}
	}
	return i + len(word)
}

// elements skips an array. The objects in it are learned as one shape.
func (s *Scanner) elements(b []byte, i int, p *place, depth int) int {
	return s.each(b, i, depth, func(i, _ int) int { return s.skip(b, i, p, depth) })
}

// each calls value with the index of the first byte of each element of the
// array at b[i] and its number; it returns that of the next byte behind it.
func (s *Scanner) each(b []byte, i, depth int, value func(i, n int) int) int {
	if depth > maxDepth {
		return s.malformed(i, "exceeded max depth")
	}
	if i = s.space(b, i+1); i < len(b) && b[i] == ']' {
		return i + 1
	}
	for n := 0; ; n++ {
		if i >= len(b) {
			return s.cut(len(b))
		}
		if b[i] == ']' || b[i] == '}' {
			return s.invalid(b, afterComma(b, i), "in array")
		}
		if i = value(i, n); i < 0 {
			return failed
		}
		i = s.space(b, i)
		switch {
		case i < len(b) && b[i] == ',':
			i = s.space(b, i+1)
		case i < len(b) && b[i] == ']':
			return i + 1
		default:
			return s.invalid(b, i, "after array element (expecting ',' or ']')")
		}
	}
}

// noName is the fault of what stands at b[i] where a name should. A literal or
// number that is not valid itself is at fault where it is not.
func (s *Scanner) noName(b []byte, i, depth int) int {
	const where = "in object (expecting a name in quotes)"
	if i < len(b) && (b[i] == '-' || isDigit(b[i]) || b[i] >= 'a' && b[i] <= 'z') && s.skip(b, i, nil, depth) < 0 {
		return failed
	}
	return s.invalid(b, afterComma(b, i), where)
}

// afterComma is where the fault is when a bracket or brace stands at b[i]
// instead of a name or a value: the comma before it, if there is one, else i.
func afterComma(b []byte, i int) int {
	if i >= len(b) || b[i] != '}' && b[i] != ']' {
		return i
	}
	before := i - 1
	for isSpace(b[before]) {
		before--
	}
	if b[before] == ',' {
		return before
	}
	return i
}

// leadOn reads a value that several columns want, or that holds what they want.
// A path that leads into something else than it says finds nothing.
func (s *Scanner) leadOn(b []byte, i int, p *place, depth int) int {
	into := b[i] == '{' && p.members != nil || b[i] == '[' && p.elements != nil
	end := failed
	if !into || len(p.columns) > 0 {
		// Before any column takes it, so that an error is found where it is.
		if end = s.skip(b, i, p, depth); end < 0 {
			return failed
		}
	}
	for _, c := range p.columns {
		if s.column(b, i, c, depth) < 0 {
			return failed
		}
	}
	switch {
	case !into:
		return end
	case b[i] == '{':
		return s.object(b, i, p.members, depth+1)
	}
	return s.each(b, i, depth+1, func(i, n int) int {
		e := p.elements[n]
		switch {
		case e == nil:
			return s.skip(b, i, nil, depth+1)
		case e.op == opColumn:
			return s.column(b, i, e.column, depth+1)
		}
		return s.leadOn(b, i, e, depth+1)
	})
}

// unknown reads a member of the row that no column reads.
func (s *Scanner) unknown(b []byte, nameAt, i int, p *place) int {
	end := s.skip(b, i, p, s.depth)
	if end < 0 {
		return failed
	}
	if s.options.Unknown == schema.UnknownReject {
		name := b[nameAt+1 : i]
		nameEnd, escaped := s.text(name, 0)
		if name = name[:nameEnd]; escaped {
			name = appendUnescaped(nil, name)
		}
		s.setReject(Reject{Reason: ReasonUnknownField, Column: string(cutText(name, maxQuotedName)), Detail: fmt.Sprintf("no column reads this field of %d bytes", end-i)})
		return end
	}
	separator := byte(',')
	if len(s.extras) == 0 {
		separator = '{'
	}
	s.extras = append(append(s.extras, separator), b[nameAt:end]...)
	return end
}
