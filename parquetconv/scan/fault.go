package scan

import (
	"fmt"
	"strconv"

	"github.com/s3compact/s3compact/parquetconv/schema"
)

// fault is why and where text is not valid. The functions that read text
// return failed and leave it in the scanner.
type fault struct {
	kind   faultKind
	at     int // index in the text
	detail string
}

type faultKind uint8

const (
	cut       faultKind = iota // the text ends here; more of it may mend it
	syntax                     // not JSON
	encoding                   // not UTF-8
	duplicate                  // a name twice in an object
	noObject                   // JSON, but no row
	long                       // longer than MaxRowBytes
)

// failed is what stands in for the index of the next byte.
const failed = -1

func (s *Scanner) cut(at int) int {
	s.fault = fault{kind: cut, at: at}
	return failed
}

// invalid is a byte that may not stand where it does.
func (s *Scanner) invalid(b []byte, at int, where string) int {
	if at >= len(b) {
		return s.cut(len(b))
	}
	if b[at] == '\n' && s.options.Layout == schema.LayoutLines {
		s.fault = fault{kind: syntax, at: at, detail: "the line ends inside the row"}
		return failed
	}
	s.fault = fault{kind: syntax, at: at, detail: "invalid character " + strconv.QuoteRuneToASCII(rune(b[at])) + " " + where}
	return failed
}

func (s *Scanner) malformed(at int, detail string) int {
	s.fault = fault{kind: syntax, at: at, detail: detail}
	return failed
}

func (s *Scanner) duplicateName(name []byte, at int) int {
	s.fault = fault{kind: duplicate, at: at, detail: fmt.Sprintf("duplicate name %q", cutText(name, maxQuotedName))}
	return failed
}

const maxQuotedName = 100

// rejection is the reject for the fault in a row that begins at start.
func (s *Scanner) rejection(start int) Reject {
	r := Reject{Reason: ReasonInvalidJSON, FaultAt: s.offset + int64(s.fault.at)}
	detail := s.fault.detail
	switch s.fault.kind {
	case cut:
		detail = "the text ends inside the row"
	case encoding:
		r.Reason = ReasonInvalidUTF8
	case duplicate:
		r.Reason = ReasonDuplicateName
	case noObject:
		return *s.reject
	case long:
		return Reject{Reason: ReasonTooLong, Detail: fmt.Sprintf("the row has more than %d bytes", s.options.MaxRowBytes)}
	}
	r.Detail = fmt.Sprintf("at byte %d of the row: %s", s.fault.at-start, detail)
	return r
}
