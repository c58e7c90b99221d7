package schema

import (
	"fmt"
	"strconv"
	"strings"
)

// Step is one step of a path: into an object's member or an array's element.
type Step struct {
	Name  string
	Index int // of an element, from 0; -1 for a member
}

// Path leads from a row to a value. It has at least one step. In JSON the first
// is a member; in delimited text it is the only one, a field's name or number.
type Path []Step

// String is the form that ParsePath reads.
func (p Path) String() string {
	var b strings.Builder
	b.WriteByte('$')
	for _, s := range p {
		switch {
		case s.Index >= 0:
			fmt.Fprintf(&b, "[%d]", s.Index)
		case plainName(s.Name):
			b.WriteString("." + s.Name)
		default:
			b.WriteString("." + quoteName(s.Name))
		}
	}
	return b.String()
}

// maxPathIndex bounds the index of an element.
const maxPathIndex = 1_000_000

// ParsePath reads $.a.b, $."a b".c and $.a[0]. In a quoted name a backslash
// stands before a quote or a backslash.
func ParsePath(s string) (Path, error) {
	path, err := parsePath(s)
	if err == nil && path[0].Index >= 0 {
		return nil, fmt.Errorf("path %q: it must begin with a member of the row; write $.name, $.\"a name\" or $.name[0]", s)
	}
	return path, err
}

// parsePath is ParsePath for paths that may begin with an index.
func parsePath(s string) (Path, error) {
	fault := func(format string, args ...any) (Path, error) {
		return nil, fmt.Errorf("path %q: %s; write $.name, $.\"a name\" or $.name[0]", s, fmt.Sprintf(format, args...))
	}
	rest, ok := strings.CutPrefix(s, "$")
	if !ok {
		return fault("it does not begin with $")
	}
	var path Path
	for rest != "" {
		switch {
		case strings.HasPrefix(rest, `."`):
			name, n, ok := quotedName(rest[1:])
			if !ok {
				return fault("a quote is never closed")
			}
			path = append(path, Step{Name: name, Index: -1})
			rest = rest[1+n:]
		case rest[0] == '.':
			end := strings.IndexAny(rest[1:], `.["]`)
			if end < 0 {
				end = len(rest) - 1
			}
			name := rest[1 : 1+end]
			if name == "" {
				return fault("a name is empty")
			}
			path = append(path, Step{Name: name, Index: -1})
			rest = rest[1+end:]
		case rest[0] == '[':
			digits, after, ok := strings.Cut(rest[1:], "]")
			n, err := strconv.Atoi(digits)
			if !ok || err != nil || n < 0 || n > maxPathIndex || digits[0] == '+' {
				return fault("what stands in brackets is no index from 0 to %d", maxPathIndex)
			}
			path = append(path, Step{Index: n})
			rest = after
		default:
			return fault("unexpected %q", rest)
		}
	}
	if len(path) == 0 {
		return fault("it must begin with a member of the row")
	}
	return path, nil
}

func quotedName(s string) (name string, n int, ok bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), i + 1, true
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
		}
		b.WriteByte(s[i])
	}
	return "", 0, false
}

func quoteName(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func plainName(s string) bool { return s != "" && !strings.ContainsAny(s, `.["]\`) }
