package inventory

import (
	"bytes"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/bmatcuk/doublestar/v4"
)

// matcher is a glob (see [Selection.Matches]) made ready for many keys. It
// allocates nothing for a key.
type matcher struct {
	all     bool // every key matches
	suffix  []byte
	glob    string // where neither says it
	onNames bool   // hold the glob against the name behind the last slash
}

func newMatcher(glob string) matcher {
	m := matcher{glob: glob, onNames: !strings.Contains(glob, "/")}
	switch {
	case glob == "*":
		m.all = true
	case m.onNames && strings.HasPrefix(glob, "*") && utf8.ValidString(glob) && !strings.ContainsAny(glob[1:], `*?[]{}\`):
		m.suffix = []byte(glob[1:]) // it has no slash, so it lies in the name
	}
	return m
}

func (m *matcher) matches(key []byte) bool {
	if m.all {
		return true
	}
	if m.suffix != nil {
		return bytes.HasSuffix(key, m.suffix)
	}
	if m.onNames {
		key = key[bytes.LastIndexByte(key, '/')+1:]
	}
	return doublestar.MatchUnvalidated(m.glob, unsafe.String(unsafe.SliceData(key), len(key))) // nothing keeps it
}
