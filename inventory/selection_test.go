package inventory

import (
	"math"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestMatches(t *testing.T) {
	for _, tc := range []struct {
		match, key string
		want       bool
	}{
		{"*", "a/b", true},
		{"*", "", true},
		{"*.gz", "a/b.gz", true},
		{"*.gz", "a/b.gz.tmp", false},
		{"*.gz", "a.gz/b", false},
		{"?.gz", "x/ü.gz", true},
		{"*.{gz,json}", "x/1.json", true},
		{"a/*.gz", "a/1.gz", true},
		{"a/*.gz", "a/b/1.gz", false},
		{"a/**/*.gz", "a/b/c/1.gz", true},
		{"a/**/*.gz", "a/1.gz", true},
		{"**/*.gz", "1.gz", true},
		{"**", "a/b", true},
		{"*", "*", true},
		{"abc", "abc", true},
		{"abc", "xabc", false},
		{"a.gz", "x/a.gz", true},
		{`*\.gz`, "a.gz", true},
		{`*.\gz`, `a.\gz`, false},
		{"*]", "a]", true},
		{"*.gz", ".gz", true},
		{"*.gz", "a/.gz", true},
		{"*ü", "a/ü", true},
		{"*.[gx]z", "a.xz", true},
		{"*a?", "a/aa", true},
		{"*x*", "a/bxc", true},
	} {
		m := newMatcher(tc.match)
		if got := m.matches([]byte(tc.key)); got != tc.want {
			t.Errorf("%q matches the bytes %q: %v, want %v", tc.match, tc.key, got, tc.want)
		}
		if got := (Selection{Match: tc.match}).Matches(tc.key); got != tc.want {
			t.Errorf("%q matches %q: %v, want %v", tc.match, tc.key, got, tc.want)
		}
	}
}

func TestSelectionBounds(t *testing.T) {
	s := Selection{SmallSizeBytes: 10, MinObjects: 2, MaxTotalBytes: 100, TargetSizeBytes: 40}
	for size, want := range map[int64]bool{0: true, 9: true, 10: false} {
		if s.Small(size) != want {
			t.Errorf("%d bytes are small: %v", size, !want)
		}
	}
	for _, tc := range []struct {
		objects, bytes int64
		want           bool
	}{{1, 1, false}, {2, 99, true}, {2, 100, false}} {
		if s.Hot(tc.objects, tc.bytes) != tc.want {
			t.Errorf("%d objects of %d bytes are hot: %v", tc.objects, tc.bytes, !tc.want)
		}
	}
	for bytes, want := range map[int64]int64{0: 1, 1: 1, 40: 1, 41: 2, 80: 2, 81: 3, math.MaxInt64: math.MaxInt64/40 + 1} {
		if got := s.Outputs(bytes); got != want {
			t.Errorf("%d bytes become %d outputs, want %d", bytes, got, want)
		}
	}
}

func TestSelectionValidate(t *testing.T) {
	if err := selection(nil).Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	for want, change := range map[string]func(*Selection){
		"below zero":    func(s *Selection) { s.SmallSizeBytes = -1 },
		"min-objects 0": func(s *Selection) { s.MinObjects = 0 },
		"target-size":   func(s *Selection) { s.TargetSizeBytes = 1 << 20 },
		`match "["`:     func(s *Selection) { s.Match = "[" },
		`match ""`:      func(s *Selection) { s.Match = "" },
	} {
		if err := selection(change).Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that says %q", err, want)
		}
	}
}

func TestValidateScope(t *testing.T) {
	for _, tc := range []struct {
		group, prefix string
		ok            bool
	}{
		{"dir", "", true}, {"dir", "a/b/", true}, {"dir", "a", false},
		{"depth=1", "", true}, {"depth=1", "a/", true}, {"depth=1", "a/b/", false}, {"depth=3", "a/b/", true},
	} {
		g, err := ParseGrouping(tc.group)
		if err != nil {
			t.Fatal(err)
		}
		if err := (Selection{GroupBy: g}).ValidateScope(tc.prefix); (err == nil) != tc.ok {
			t.Errorf("%s under %q: error %v", tc.group, tc.prefix, err)
		}
	}
}

// FuzzMatcher holds the matching of bytes against that of strings.
func FuzzMatcher(f *testing.F) {
	f.Add("*.gz", "a/b.gz")
	f.Add("*.{gz,x}", "a/b.x")
	f.Add(`*\\`, `a\`)
	f.Add("a/**/x", "a/b/c/x")
	f.Fuzz(func(t *testing.T, match, key string) {
		sel := selection(func(s *Selection) { s.Match = match })
		if sel.Validate() != nil || !utf8.ValidString(key) { // no key is otherwise
			return
		}
		m := newMatcher(match)
		if got, want := m.matches([]byte(key)), sel.Matches(key); got != want {
			t.Errorf("%q matches %q as bytes: %v, as a string: %v", match, key, got, want)
		}
	})
}
