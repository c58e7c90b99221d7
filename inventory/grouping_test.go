package inventory

import (
	"strings"
	"testing"
)

func TestGroup(t *testing.T) {
	for _, tc := range []struct{ key, dir, depth1, depth2 string }{
		{"", "", "", ""},
		{"key", "", "", ""},
		{"a/key", "a/", "a/", "a/"},
		{"a/b/key", "a/b/", "a/", "a/b/"},
		{"a/b/c/key", "a/b/c/", "a/", "a/b/"},
		{"a/", "a/", "a/", "a/"},
		{"/key", "/", "/", "/"},
		{"a//key", "a//", "a/", "a//"},
		{"//key", "//", "/", "//"},
		{"ä/日本/キー", "ä/日本/", "ä/", "ä/日本/"},
	} {
		for g, want := range map[Grouping]string{{}: tc.dir, {Depth: 1}: tc.depth1, {Depth: 2}: tc.depth2} {
			got := g.Group(tc.key)
			if got != want {
				t.Errorf("%s: group of %q is %q, want %q", g, tc.key, got, want)
			}
			if again := g.Group(got); again != got {
				t.Errorf("%s: the group %q lies in another group, %q", g, got, again)
			}
		}
	}
}

func TestParseGrouping(t *testing.T) {
	for _, s := range []string{"dir", "depth=1", "depth=12"} {
		if g, err := ParseGrouping(s); err != nil || g.String() != s {
			t.Errorf("%q reads as %q, error %v", s, g, err)
		}
	}
	for _, s := range []string{"", "Dir", "depth", "depth=", "depth=0", "depth=-1", "depth=1.5", "depth=x"} {
		if g, err := ParseGrouping(s); err == nil || !strings.Contains(err.Error(), "dir, or depth=N") {
			t.Errorf("%q reads as %q, error %v", s, g, err)
		}
	}
}

func TestFlat(t *testing.T) {
	for _, tc := range []struct {
		depth  int
		prefix string
		want   bool
	}{
		{0, "", true}, {0, "a/b/", true},
		{1, "", true}, {1, "a/", false},
		{2, "a/", true}, {2, "a/b/", false},
	} {
		if got := (Grouping{Depth: tc.depth}).Flat(tc.prefix); got != tc.want {
			t.Errorf("depth %d, prefix %q: flat is %v, want %v", tc.depth, tc.prefix, got, tc.want)
		}
	}
}
