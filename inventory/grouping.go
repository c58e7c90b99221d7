// Package inventory knows which objects exist: it reads S3 Inventory reports
// and listings, groups their rows, finds the hotspots and writes the plan.
package inventory

import (
	"fmt"
	"strconv"
	"strings"
)

// Grouping says which objects may be joined with each other: those of one
// directory, or all those under the first Depth segments.
type Grouping struct {
	Depth int // 0: one directory
}

// ParseGrouping reads "dir" or "depth=N" with N ≥ 1.
func ParseGrouping(s string) (Grouping, error) {
	if s == "dir" {
		return Grouping{}, nil
	}
	if n, ok := strings.CutPrefix(s, "depth="); ok {
		if d, err := strconv.Atoi(n); err == nil && d >= 1 && strconv.Itoa(d) == n {
			return Grouping{Depth: d}, nil
		}
	}
	return Grouping{}, fmt.Errorf("grouping %q: write dir, or depth=N with N of at least 1", s)
}

// String is the form that ParseGrouping reads.
func (g Grouping) String() string {
	if g.Depth == 0 {
		return "dir"
	}
	return "depth=" + strconv.Itoa(g.Depth)
}

// Group is the prefix of the group that a key belongs to, with its closing
// slash, or "" for the root. A key with fewer than Depth segments before its
// name belongs to its directory.
func (g Grouping) Group(key string) string {
	if g.Depth > 0 {
		end := 0
		for range g.Depth {
			i := strings.IndexByte(key[end:], '/')
			if i < 0 {
				return key[:end]
			}
			end += i + 1
		}
		return key[:end]
	}
	return key[:strings.LastIndexByte(key, '/')+1]
}

// Flat says whether the group of this prefix holds only the keys directly in
// its directory, and none below.
func (g Grouping) Flat(prefix string) bool {
	return g.Depth == 0 || strings.Count(prefix, "/") < g.Depth
}

// MarshalText writes the form that ParseGrouping reads.
func (g Grouping) MarshalText() ([]byte, error) { return []byte(g.String()), nil }

// UnmarshalText reads it.
func (g *Grouping) UnmarshalText(b []byte) error {
	v, err := ParseGrouping(string(b))
	*g = v
	return err
}
