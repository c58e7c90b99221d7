package listing

import (
	"math"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/s3compact/s3compact/internal/s3store"
)

// keyRange is a part of the keys that one worker lists: those behind after, up
// to upto. All ranges together hold every key under the prefix once: a range is
// only ever cut in two, at a key that its worker has not passed.
type keyRange struct {
	after     string
	upto      string // included
	unbounded bool   // there is no upto but the end of the prefix
	last      string // the last key listed, or after

	page   []s3store.Object // the last page, as far as it lies in the range
	pages  int
	listed int     // keys since it last passed a cut
	left   float64 // estimate of the keys that it still has
	known  bool    // left is for what the range now is
	// small is the number of pages at which little seemed to be left; 0: it does not.
	small int

	// cuts are the beginnings of directories in (last, upto) that a LIST with a
	// delimiter has shown, at most maxCuts of them.
	cuts   []string
	perCut float64 // keys of one such directory, about; 0: unknown
	// The directories above explored were listed with the delimiter, from where
	// the range was then to their end. Where pure, they held directories alone and
	// all of them are known, so that what lies behind all cuts does so within
	// the directory that the range has reached.
	explored  string
	pure      bool
	wide      bool     // directories behind the last cut are not known
	exploring int      // such requests under way
	found     []string // by them
	impure    bool     // by them: there are objects among the directories
	cut       bool     // by them: there are more directories than one answer has

	galloped bool // it was cut at the ends of what its keys had in common
}

const (
	maxCuts     = 1024 // bounds a range's memory
	maxExplored = 8    // directories on the way to a key that are listed at once
	maxGallop   = 12   // places at which what keys have in common may end
)

// upper is a key behind all keys that the range may still have.
func (r *keyRange) upper(prefix string) string {
	upper := r.upto
	if r.unbounded {
		upper = prefix + top
	}
	if r.pure && len(r.cuts) == 0 {
		for _, dir := range dirsOf(prefix, r.last) {
			if r.knows(dir) {
				rest := r.last[len(dir):]
				if i := strings.IndexByte(rest, '/'); i >= 0 {
					upper = min(upper, dir+rest[:i+1]+top)
				}
			}
		}
	}
	return upper
}

// knows says whether the directories in dir behind the last key are known.
func (r *keyRange) knows(dir string) bool {
	return len(dir) < len(r.explored) && strings.HasPrefix(r.explored, dir)
}

// unexplored are the directories on the way to the last key in which further
// directories of the range may lie that are not known, from the outermost on.
func (r *keyRange) unexplored(prefix string) []string {
	least := len(dirOf(commonPrefix(r.last, r.upper(prefix))))
	var dirs []string
	for _, dir := range dirsOf(prefix, r.last) {
		if len(dir) >= least && !r.knows(dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// dirsOf are the prefix and the directories below it on the way to a key, but
// for the one that holds the key itself.
func dirsOf(prefix, key string) []string {
	var dirs []string
	for at := len(prefix); ; {
		i := strings.IndexByte(key[min(at, len(key)):], '/')
		if i < 0 {
			return dirs
		}
		dirs = append(dirs, key[:at])
		at += i + 1
	}
}

// take adds a page to what is known of the range and cuts off what lies behind
// its end; passed says that the end was reached.
func (r *keyRange) take(p s3store.Page) (objects []s3store.Object, passed bool) {
	objects = p.Objects
	if !r.unbounded {
		n := sort.Search(len(objects), func(i int) bool { return objects[i].Key > r.upto })
		passed = n < len(objects) || n > 0 && objects[n-1].Key == r.upto
		objects = objects[:n]
	}
	if len(objects) == 0 {
		return objects, passed
	}
	r.page, r.last, r.known = objects, objects[len(objects)-1].Key, false
	r.pages++
	r.listed += len(objects)
	if n := sort.Search(len(r.cuts), func(i int) bool { return r.cuts[i] > r.last }); n > 0 {
		r.perCut = float64(r.listed) / float64(n)
		r.listed = 0
		r.cuts = r.cuts[n:]
	}
	return objects, passed
}

// sample is some keys of the last page.
func (r *keyRange) sample() []string {
	step := len(r.page)/maxSamples + 1
	var keys []string
	for i := 0; i < len(r.page); i += step {
		keys = append(keys, r.page[i].Key)
	}
	return keys
}

// remaining estimates how many keys the range still has.
func (r *keyRange) remaining(prefix string, pageKeys int) float64 {
	if !r.known {
		r.left, r.known = r.estimate(prefix, pageKeys), true
	}
	return r.left
}

func (r *keyRange) estimate(prefix string, pageKeys int) float64 {
	worth := worthPages * float64(pageKeys)
	left := r.reckon(prefix, pageKeys)
	if left >= worth {
		r.small = 0
		return left
	}
	if r.small == 0 {
		r.small = r.pages
	}
	if r.pages-r.small < doubtfulPages {
		return left
	}
	// It goes on and on, though little was left: that reckoning is wrong.
	r.galloped, r.small, r.perCut = false, 0, 0
	return max(r.reckon(prefix, pageKeys), 4*worth)
}

const (
	worthPages    = 1.5 // that must be left of a range for a part of it to be worth a request more
	doubtfulPages = 2   // more than were left
)

// reckon takes the range's directories to be like those that it has passed, or
// where that says nothing its keys to lie evenly.
func (r *keyRange) reckon(prefix string, pageKeys int) float64 {
	if r.perCut > 0 && !r.wide && len(r.unexplored(prefix)) == 0 {
		return r.perCut*float64(len(r.cuts)+1) - float64(r.listed)
	}
	upper := r.upper(prefix)
	if upper <= r.last {
		return 0
	}
	s := newSpace(r.sample(), r.last, upper)
	from := sort.Search(len(r.page), func(i int) bool { return r.page[i].Key >= s.common })
	keys := float64(len(r.page) - from - 1)
	if keys < 1 {
		return float64(pageKeys) // nothing to reckon with yet
	}
	first, now, end := s.number(r.page[from].Key), s.number(r.last), s.number(upper)
	switch {
	case end <= now:
		return 0
	case now <= first:
		return math.MaxInt32
	}
	return min((end-now)/(now-first)*keys, math.MaxInt32)
}

// pieces are up to n keys to cut the range at: in order, behind the last key
// and before the range's end.
func (r *keyRange) pieces(prefix string, n int) []string {
	upper := r.upper(prefix)
	keys := between(r.cuts, r.last, upper)
	if len(keys) == 0 && !r.galloped {
		r.galloped = true
		keys = r.ends(upper)
	}
	if len(keys) == 0 {
		s := newSpace(r.sample(), r.last, upper)
		now, end := s.number(r.last), s.number(upper)
		step := (end - now) / float64(n+1)
		for i := 1; i <= n && step > 0; i++ {
			keys = append(keys, s.key(now+float64(i)*step, step))
		}
		slices.Sort(keys)
		keys = between(slices.Compact(keys), r.last, upper)
	}
	return evenly(keys, n)
}

// ends are keys behind all those that have so much in common with the last one
// as the keys of its page have: a page of 0001 to 0999 has 0…, 00… and 000….
func (r *keyRange) ends(upper string) []string {
	if len(r.page) == 0 {
		return nil
	}
	least := len(commonPrefix(r.last, upper))
	var ends []string
	inWord := false
	for i, c := range commonPrefix(r.page[0].Key, r.last) {
		end := i + utf8.RuneLen(c)
		letter := isAlphanumeric(c) && c > '9'
		if end > least && isAlphanumeric(c) && !(letter && inWord) {
			ends = append(ends, r.last[:end]+top)
		}
		inWord = letter
	}
	slices.Sort(ends)
	return evenly(between(ends, r.last, upper), maxGallop)
}

// cutAt makes ranges of what lies behind each of these keys, and leaves r what
// lies before the first.
func (r *keyRange) cutAt(keys []string) []*keyRange {
	var parts []*keyRange
	for i, key := range keys {
		p := &keyRange{
			after: key, last: key, upto: r.upto, unbounded: r.unbounded,
			perCut: r.perCut, explored: r.explored, pure: r.pure, wide: r.wide, galloped: r.galloped,
		}
		if i+1 < len(keys) {
			p.upto, p.unbounded, p.wide = keys[i+1], false, false
		}
		for _, cut := range r.cuts {
			if cut > p.after && (p.unbounded || cut < p.upto) {
				p.cuts = append(p.cuts, cut)
			}
		}
		parts = append(parts, p)
	}
	if len(keys) > 0 {
		r.known = false
		r.cuts = between(r.cuts, r.last, keys[0])
		r.upto, r.unbounded, r.wide = keys[0], false, false
	}
	return parts
}

// learn adds what LISTs of directories with the delimiter have shown.
func (r *keyRange) learn(pageKeys int) {
	cuts := append(slices.Clone(r.cuts), r.found...)
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	upto := r.upto
	if r.unbounded && len(cuts) > 0 {
		upto = cuts[len(cuts)-1] + "\x00"
	}
	cuts = between(cuts, r.last, upto)
	r.wide = r.cut && len(cuts) > 0 && cuts[len(cuts)-1] == slices.Max(r.found)
	r.pure = !r.impure && !r.cut
	r.found, r.impure, r.cut, r.known = nil, false, false, false
	dirs := 1
	for i := 1; i < len(r.page); i++ {
		if dirOf(r.page[i].Key) != dirOf(r.page[i-1].Key) {
			dirs++
		}
	}
	perCut := float64(len(r.page)) / float64(dirs)
	if len(cuts) == 0 || r.wide && perCut*float64(len(cuts)) < narrowPages*float64(pageKeys) {
		return
	}
	r.perCut = perCut * max(1, float64(len(cuts))/maxCuts)
	r.cuts = slices.Clone(evenly(cuts, maxCuts))
	r.galloped = false
}

// narrowPages is what directories must hold that are the first of many more, for
// the range to be cut at them rather than evenly.
const narrowPages = 8
