package scan

import (
	"fmt"

	"github.com/s3compact/s3compact/parquetconv/value"
)

// addJSON reads one JSON value, held to the rules of Scanner's, into a column,
// as it is written but for white space around it. Its null is null.
func (f *Fields) addJSON(c *column, raw []byte) {
	s := f.json
	s.names.reset()
	start, end := s.space(raw, 0), failed
	if start == len(raw) {
		s.cut(start)
	} else if end = s.skip(raw, start, nil, 0); end >= 0 {
		if next := s.space(raw, end); next < len(raw) {
			end = s.invalid(raw, next, "after the value")
		}
	}
	switch {
	case end < 0:
		detail := s.fault.detail
		if s.fault.kind == cut {
			detail = "the text ends inside the value"
		}
		f.badValue(c, value.NewBad(value.ReasonSyntax, "no JSON: at byte %d of the field: %s", s.fault.at, detail))
		c.addNull()
	case raw[start] == 'n':
		c.addNull()
	default:
		c.texts.add(raw[start:end])
		c.n++
	}
}

// checkField says which columns fields have no values of.
func checkField(from *Column) error {
	if k := from.Type.Kind; from.Type.Nested() || k == value.Null || from.Extra && k != value.JSON {
		return fmt.Errorf("scan: column %q: a field holds no %s", from.Name, from.Type)
	}
	return nil
}
