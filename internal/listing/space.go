package listing

import (
	"math/bits"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"
)

// top stands behind the characters that keys are made of, but for those outside
// the Basic Multilingual Plane. It only chooses where a range is cut, so a key
// behind it is listed like any other.
const top = "\uFFFD"

const (
	maxPlaces  = 32      // of a key that are looked at
	maxSamples = 24      // keys of a page that are looked at
	enough     = 1 << 44 // numbers that the places of a space tell apart
)

// space maps the keys between two keys to numbers from 0 to 1, in their order,
// as if all keys that can be written with the characters seen were there. A key
// is a number whose digits are its characters behind what all keys between the
// two have in common: keys with counters, dates or random hex digits lie evenly
// in it, in which bytes would leave gaps.
type space struct {
	common string
	digits [][]rune // the characters of each place behind common, in order
}

// newSpace makes the space of the keys from last to upper; the sample is of keys
// up to last.
func newSpace(sample []string, last, upper string) space {
	s := space{common: commonPrefix(last, upper)}
	rows := [][]rune{firstRunes(last[len(s.common):])}
	for _, key := range sample {
		if rest, ok := strings.CutPrefix(key, s.common); ok {
			rows = append(rows, firstRunes(rest))
		}
	}
	longest := 1
	for _, row := range rows {
		longest = max(longest, len(row))
	}
	told := 1
	for place := 0; place < longest && told < enough; place++ {
		set := charactersAt(place, rows)
		if place == 0 {
			if r, n := utf8.DecodeRuneInString(upper[len(s.common):]); n > 0 && string(r) != top {
				set.add(r)
			}
		}
		digits := set.completed()
		s.digits = append(s.digits, digits)
		told *= len(digits)
	}
	return s
}

// charactersAt are the characters that the rows have at a place: where it lies
// in a word of letters and digits, those of all places of the word that vary.
func charactersAt(place int, rows [][]rune) characters {
	var set characters
	for _, row := range rows {
		if place < len(row) {
			set.add(row[place])
		}
	}
	last := rows[0]
	if place >= len(last) || !isAlphanumeric(last[place]) {
		return set
	}
	from, to := place, place+1
	for from > 0 && isAlphanumeric(last[from-1]) {
		from--
	}
	for to < len(last) && isAlphanumeric(last[to]) {
		to++
	}
	for p := from; p < to; p++ {
		var here characters
		for _, row := range rows {
			if p < len(row) && isAlphanumeric(row[p]) {
				here.add(row[p])
			}
		}
		if here.len() > 1 {
			set.ascii[0] |= here.ascii[0]
			set.ascii[1] |= here.ascii[1]
		}
	}
	return set
}

// characters is a set of characters.
type characters struct {
	ascii  [2]uint64
	others []rune // each once, in no order
}

func (c *characters) add(r rune) {
	switch {
	case r < 128:
		c.ascii[r>>6] |= 1 << (r & 63)
	case !slices.Contains(c.others, r):
		c.others = append(c.others, r)
	}
}

func (c *characters) len() int {
	return bits.OnesCount64(c.ascii[0]) + bits.OnesCount64(c.ascii[1]) + len(c.others)
}

// within are how many of the set lie from first to last, and the greatest of them.
func (c *characters) within(first, last rune) (n int, greatest rune) {
	for r := first; r <= last; r++ {
		if c.ascii[r>>6]>>(r&63)&1 > 0 {
			n, greatest = n+1, r
		}
	}
	return n, greatest
}

// completed are the characters in order, with those that likely occur with them:
// a digit stands for all digits, two letters for all, up to f where none is
// beyond.
func (c *characters) completed() []rune {
	all := *c
	for _, class := range []struct{ first, hex, last rune }{{'0', '9', '9'}, {'A', 'F', 'Z'}, {'a', 'f', 'z'}} {
		n, greatest := c.within(class.first, class.last)
		if n == 0 || n == 1 && c.len() == 1 && class.first != '0' {
			continue
		}
		end := class.last
		if greatest <= class.hex {
			end = class.hex
		}
		for r := class.first; r <= end; r++ {
			all.add(r)
		}
	}
	sorted := make([]rune, 0, all.len())
	for half, set := range all.ascii {
		for ; set > 0; set &= set - 1 {
			sorted = append(sorted, rune(half<<6+bits.TrailingZeros64(set)))
		}
	}
	slices.Sort(all.others)
	return append(sorted, all.others...)
}

// number is the place of a key in the space.
func (s *space) number(key string) float64 {
	rest, ok := strings.CutPrefix(key, s.common)
	if !ok {
		if key < s.common {
			return 0
		}
		return 1
	}
	sum, unit, place := 0.0, 1.0, 0
	for _, r := range rest {
		if place == len(s.digits) {
			break
		}
		digits := s.digits[place]
		n, found := slices.BinarySearch(digits, r)
		unit /= float64(len(digits))
		sum += float64(n) * unit
		if !found {
			break
		}
		place++
	}
	return min(sum, 1)
}

// key is the shortest key whose number is at most n, and more than n-step.
func (s *space) key(n, step float64) string {
	var b strings.Builder
	b.WriteString(s.common)
	unit := 1.0
	for _, digits := range s.digits {
		if unit <= step/16 {
			break
		}
		unit /= float64(len(digits))
		d := min(max(int(n/unit), 0), len(digits)-1)
		n -= float64(d) * unit
		b.WriteRune(digits[d])
	}
	return b.String()
}

// firstRunes are the characters of a key that are looked at.
func firstRunes(s string) []rune {
	out := make([]rune, 0, maxPlaces)
	for _, r := range s {
		if len(out) == maxPlaces {
			break
		}
		out = append(out, r)
	}
	return out
}

// commonPrefix is what two keys begin with, in whole characters.
func commonPrefix(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	for n > 0 && n < len(a) && !utf8.RuneStart(a[n]) {
		n--
	}
	return a[:n]
}

// dirOf is the directory of a key, with its slash, or "".
func dirOf(key string) string { return key[:strings.LastIndexByte(key, '/')+1] }

func isAlphanumeric(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// evenly chooses n of the elements, or all where there are not more, so that
// the gaps between them are even.
func evenly(all []string, n int) []string {
	if len(all) <= n {
		return all
	}
	chosen := make([]string, 0, n)
	for i := 1; i <= n; i++ {
		chosen = append(chosen, all[i*(len(all)+1)/(n+1)-1])
	}
	return chosen
}

// between are the strings of a sorted list in (after, upto).
func between(all []string, after, upto string) []string {
	from := sort.Search(len(all), func(i int) bool { return all[i] > after })
	to := max(from, sort.SearchStrings(all, upto))
	return all[from:to:to]
}
