package expr

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/s3compact/s3compact/parquetconv/value"
)

// buildJSONExtract is the string, number or boolean at a path, as text; null
// where there is none, or where an object, an array or null is.
func buildJSONExtract(c *checker, s *syntax, args []*node) (*node, error) {
	x := args[0]
	if x.t.Kind != value.JSON && x.t.Kind != value.Null {
		return nil, c.errorf(s.operands[0], "%s needs json here, not %s", s.text, x.t)
	}
	text, err := c.constantText(s, 1, args[1], "path")
	if err != nil {
		return nil, err
	}
	path, err := parseJSONPath(text)
	if err != nil {
		return nil, c.errorf(s.operands[1], "path %q: %v; write $.name, $.\"a name\" or $.name[0]", text, err)
	}
	if x.t.Kind == value.Null {
		return constantNode(value.Type{Kind: value.String}, value.NullValue), nil
	}
	var to = value.Type{Kind: value.String}
	return converting(to, x, func(f *frame, v vector) vector {
		var arena, name []byte
		return each(x.t, to, func(j value.Value) (out value.Value, bad *value.Bad) {
			var raw []byte
			raw, name = findJSON(j.Bytes, path, name)
			if raw == nil || raw[0] == '{' || raw[0] == '[' || raw[0] == 'n' {
				return value.NullValue, nil
			}
			out, arena, bad = value.CastJSON(raw, to, arena[:0])
			return out, bad
		})(f, v)
	}), nil
}

// jsonStep is a member's name, or an index from 0 where the name is nil.
type jsonStep struct {
	name  []byte
	index int
}

func parseJSONPath(s string) ([]jsonStep, error) {
	rest, ok := strings.CutPrefix(s, "$")
	if !ok {
		return nil, errors.New("it does not begin with $")
	}
	var path []jsonStep
	for rest != "" {
		switch {
		case strings.HasPrefix(rest, `."`):
			name, after, ok := quotedName(rest[2:])
			if !ok {
				return nil, errors.New("a quote is never closed")
			}
			path, rest = append(path, jsonStep{name: name}), after
		case rest[0] == '.':
			name := rest[1:]
			if end := strings.IndexAny(name, `.["]`); end >= 0 {
				name = name[:end]
			}
			if name == "" {
				return nil, errors.New("a name is empty")
			}
			path, rest = append(path, jsonStep{name: []byte(name)}), rest[1+len(name):]
		default:
			digits, after, ok := strings.Cut(strings.TrimPrefix(rest, "["), "]")
			index, err := strconv.ParseUint(digits, 10, 31)
			if !ok || rest[0] != '[' || err != nil {
				return nil, fmt.Errorf("unexpected %q", rest)
			}
			path, rest = append(path, jsonStep{index: int(index)}), after
		}
	}
	return path, nil
}

// quotedName reads a name from behind a quote to the next one; a backslash
// stands before a quote or a backslash in it.
func quotedName(s string) (name []byte, after string, ok bool) {
	name = []byte{} // a member's name, be it empty
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return name, s[i+1:], true
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		name = append(name, s[i])
	}
	return nil, "", false
}

// findJSON is the value at a path in a valid JSON text; nil if there is none.
// scratch is for names with escapes, and returned grown.
func findJSON(b []byte, path []jsonStep, scratch []byte) (raw, grown []byte) {
	b = trimJSON(b)
	for _, step := range path {
		isObject := step.name != nil
		if len(b) == 0 || isObject && b[0] != '{' || !isObject && b[0] != '[' {
			return nil, scratch
		}
		b = trimJSON(b[1:])
		found := false
		for k := 0; len(b) > 0 && b[0] != '}' && b[0] != ']' && !found; k++ {
			found = k == step.index
			if isObject {
				n := jsonLength(b)
				found, scratch = sameName(b[:n], step.name, scratch)
				b = trimJSON(b[n:])
				b = trimJSON(b[1:]) // the colon
			}
			if found {
				break
			}
			if b = trimJSON(b[jsonLength(b):]); len(b) > 0 && b[0] == ',' {
				b = trimJSON(b[1:])
			}
		}
		if !found {
			return nil, scratch
		}
	}
	if len(b) == 0 {
		return nil, scratch
	}
	return b[:jsonLength(b)], scratch
}

// sameName compares a quoted name with one that is not.
func sameName(raw, name, scratch []byte) (bool, []byte) {
	text, scratch, bad := value.CastJSON(raw, value.Type{Kind: value.String}, scratch[:0])
	return bad == nil && string(text.Bytes) == string(name), scratch
}

func trimJSON(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t' || b[0] == '\n' || b[0] == '\r') {
		b = b[1:]
	}
	return b
}

// jsonLength is the length of the value at the beginning of a valid text.
func jsonLength(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return min(i+1, len(b))
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			} else if depth < 0 {
				return i
			}
		case ',', ' ', '\t', '\n', '\r', ':':
			if depth == 0 {
				return i
			}
		}
	}
	return len(b)
}
