package scan

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/s3compact/s3compact/parquetconv/schema"
	"github.com/s3compact/s3compact/parquetconv/value"
)

var byteOrderMark = []byte("\xef\xbb\xbf")

// rows reads rows that stand one behind the other, as lines or as documents.
func (s *Scanner) rows(b []byte, last bool) (int, error) {
	i, wait := s.beginning(b, last)
	if wait {
		return 0, nil
	}
	for !s.Full() {
		if s.skipping {
			var found bool
			if i, found = s.resume(b, i); !found {
				return i, nil
			}
		}
		for i < len(b) && isSpace(b[i]) {
			i++
		}
		if i == len(b) {
			return i, nil
		}
		next, wait, err := s.next(b, i, last)
		if err != nil || wait {
			return i, err
		}
		i = next
	}
	return i, nil
}

// beginning skips a byte order mark. wait: the text is too short to tell.
func (s *Scanner) beginning(b []byte, last bool) (i int, wait bool) {
	switch {
	case s.offset > 0:
	case bytes.HasPrefix(b, byteOrderMark):
		return len(byteOrderMark), false
	case !last && len(b) < len(byteOrderMark) && bytes.HasPrefix(byteOrderMark, b):
		return 0, true
	}
	return 0, false
}

// resume finds where reading goes on after an error. Where it is not found,
// all of the text is done with.
func (s *Scanner) resume(b []byte, i int) (at int, found bool) {
	if s.options.Layout != schema.LayoutLines {
		return len(b), false
	}
	n := bytes.IndexByte(b[i:], '\n')
	if n < 0 {
		return len(b), false
	}
	s.skipping = false
	return i + n, true
}

// next reads the row at b[i]. wait: more text is needed.
func (s *Scanner) next(b []byte, start int, last bool) (next int, wait bool, err error) {
	end, wait := s.row(b, start, last)
	switch {
	case wait:
		return start, true, nil
	case end < 0:
		next, wait = s.rejectRest(s.rejection(start), b, start, s.fault.at, last)
		return next, wait, nil
	case s.fail != nil:
		return start, false, s.failure(start)
	case s.reject != nil:
		s.addReject(*s.reject, b, start, end)
		return end, false, nil
	}
	next = end
	if s.options.Layout == schema.LayoutLines {
		// What stands behind the row on its line must be another one.
		for next < len(b) && b[next] != '\n' && isSpace(b[next]) {
			next++
		}
		switch {
		case next < len(b) && b[next] != '\n' && b[next] != '{':
			r := Reject{Reason: ReasonInvalidJSON, FaultAt: s.offset + int64(next), Detail: fmt.Sprintf("unexpected %q after the object", cutText(b[next:min(len(b), next+20)], 10))}
			next, wait = s.rejectRest(r, b, start, next, last)
			return next, wait, nil
		case next == len(b) && !last && next-start <= s.options.MaxRowBytes:
			s.rollback()
			return start, true, nil
		}
	}
	s.finish(b, start, end)
	return next, false, nil
}

// row reads the value at b[start], which should be an object, into the columns.
// Where it is none, or not valid, end is failed. wait: more text is needed.
func (s *Scanner) row(b []byte, start int, last bool) (end int, wait bool) {
	s.bad, s.extras, s.filled = s.bad[:0], s.extras[:0], 0
	s.reject, s.fail, s.nested = nil, nil, nil
	s.names.reset()
	within := s.within(b, start)
	if b[start] == '{' {
		end = s.object(within, start, s.root, s.depth)
	} else if end = s.skip(within, start, nil, s.depth-1); end >= 0 {
		s.setReject(Reject{Reason: ReasonNoObject, Detail: "the row is no JSON object"})
		if s.options.Layout == schema.LayoutLines { // the line is to blame
			s.fault = fault{kind: noObject, at: start}
			end = failed
		}
	}
	if end < 0 {
		wait = s.cutOff(b, within, last)
	}
	return end, wait
}

// within is the text that the item at start may take.
func (s *Scanner) within(b []byte, start int) []byte {
	if len(b)-start > s.options.MaxRowBytes {
		return b[:start+s.options.MaxRowBytes]
	}
	return b
}

// cutOff tells text that is too long from text that is to be continued.
func (s *Scanner) cutOff(b, within []byte, last bool) (wait bool) {
	switch {
	case s.fault.kind != cut:
		return false
	case len(within) < len(b):
		s.fault.kind = long
		return false
	}
	if !last {
		s.rollback()
	}
	return !last
}

// rejectRest rejects the row at start, and with it what follows it up to where
// reading can go on. fault is where it is known to be at fault. wait: nothing is
// done yet, because more of the row's text is needed for the reject.
func (s *Scanner) rejectRest(r Reject, b []byte, start, fault int, last bool) (next int, wait bool) {
	s.skipping = true
	next, found := s.resume(b, fault)
	if !found && !last && len(b)-start < MaxRawBytes+utf8.UTFMax {
		s.skipping = false
		s.rollback()
		return start, true
	}
	s.addReject(r, b, start, next)
	return next, false
}

// finish adds what was collected of the row at b[start:end], and commits it.
func (s *Scanner) finish(b []byte, start, end int) {
	if s.extra != nil && len(s.extras) > 0 {
		s.extras = append(s.extras, '}')
		s.extra.add(value.Value{Bytes: s.extras})
		s.filled++
	}
	s.gathered.finish(b, start, end)
}
