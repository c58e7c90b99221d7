package inventory

import (
	"fmt"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Selection says which objects count as small and which groups are hotspots.
type Selection struct {
	GroupBy         Grouping `json:"group_by"`
	SmallSizeBytes  int64    `json:"small_size"`  // objects below it are small; 0: every object is
	MinObjects      int64    `json:"min_objects"` // a hotspot has at least so many small objects
	MaxTotalBytes   int64    `json:"max_total"`   // and together they are below this; 0: no bound
	Match           string   `json:"match"`       // glob of the keys that count, see Matches
	TargetSizeBytes int64    `json:"target_size"` // wanted size of an output
}

// Validate says what is wrong with the selection.
func (s Selection) Validate() error {
	switch {
	case s.SmallSizeBytes < 0, s.MaxTotalBytes < 0:
		return fmt.Errorf("a size below zero")
	case s.MinObjects < 1:
		return fmt.Errorf("min-objects %d: at least 1", s.MinObjects)
	case s.TargetSizeBytes < 5<<20:
		return fmt.Errorf("target-size %d bytes: at least 5 MiB", s.TargetSizeBytes)
	}
	return s.ValidateMatch()
}

// ValidateMatch says what is wrong with the glob alone.
func (s Selection) ValidateMatch() error {
	if !doublestar.ValidatePattern(s.Match) || s.Match == "" {
		return fmt.Errorf("match %q is no valid glob", s.Match)
	}
	return nil
}

// Matches says whether the key fits the glob. A pattern without a slash is
// held against the name behind the last slash, one with a slash against the
// whole key; * and ? stay within a segment, ** crosses them.
func (s Selection) Matches(key string) bool {
	if s.Match == "*" {
		return true
	}
	if !strings.Contains(s.Match, "/") {
		key = key[strings.LastIndexByte(key, '/')+1:]
	}
	return doublestar.MatchUnvalidated(s.Match, key)
}

// Small says whether an object of this size counts as small.
func (s Selection) Small(sizeBytes int64) bool {
	return s.SmallSizeBytes == 0 || sizeBytes < s.SmallSizeBytes
}

// Hot says whether a group of so many small objects and bytes is a hotspot.
func (s Selection) Hot(objects, bytes int64) bool {
	return objects >= s.MinObjects && (s.MaxTotalBytes == 0 || bytes < s.MaxTotalBytes)
}

// Outputs is the number of outputs that so many bytes are joined into.
func (s Selection) Outputs(bytes int64) int64 {
	return max(0, bytes-1)/s.TargetSizeBytes + 1
}
