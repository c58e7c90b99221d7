package inventory

import (
	"bytes"
	"strings"
	"testing"
)

// FuzzPrefixes holds what looks at eight bytes at a time against what looks at
// strings: keys between others, in memory that ends with them or does not.
func FuzzPrefixes(f *testing.F) {
	f.Add("before", "a/b/c", "", uint8(1))
	f.Add("", "12345678/x", "/", uint8(1))
	f.Add("", "1234567/x", "", uint8(2))
	f.Add("", "/", "", uint8(3))
	f.Add("x", "aaaaaaaa/bbbbbbbb/cc/d", "y/", uint8(3))
	f.Add("", "\xaf\xaf/\x2e\x2f\x30", "", uint8(1))
	g := newGroups(selection(nil), "", reportTime)
	f.Fuzz(func(t *testing.T, before, key, behind string, depth uint8) {
		keys := []byte(before + key + behind)
		start, end := uint32(len(before)), uint32(len(before)+len(key))
		n := int(depth%5) + 1
		length, whole := segments(keys, start, end, n)
		if want := (Grouping{Depth: n}).Group(key); key[:length] != want || whole != (strings.Count(want, "/") == n) {
			t.Errorf("depth %d of %q: %q, whole %v", n, key, key[:length], whole)
		}
		if got, want := key[:directory(keys, start, end)], (Grouping{}).Group(key); got != want {
			t.Errorf("directory of %q: %q", key, got)
		}
		alone := bytes.Clone(keys[start:end])
		if g.hash64(keys, start, end) != g.hash64(alone, 0, uint32(len(alone))) {
			t.Errorf("%q has two hashes", key)
		}
		var table table
		place, err := table.group(7, keys, start, end)
		if err != nil {
			return // longer than a key, or no UTF-8
		}
		if again, err := table.group(7, alone, 0, uint32(len(alone))); err != nil || again != place || string(table.prefix(place)) != key {
			t.Errorf("%q is at %d and at %d as %q, error %v", key, place, again, table.prefix(place), err)
		}
		if other, err := table.group(7, []byte(key+"/"), 0, end-start+1); err == nil && other == place {
			t.Errorf("%q is taken for %q", key+"/", key)
		}
	})
}
