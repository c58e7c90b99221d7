package inventory

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// batchRows is the number of rows that a reader hands over at once.
const batchRows = 4096

// batch is a run of rows that are live objects, column by column. Its memory
// is used again for the next batch, but for keys: what is kept of a key is
// cloned.
type batch struct {
	keys     string   // all keys, one after the other
	ends     []int    // where each key ends in keys
	sizes    []int64  // bytes
	modified []int64  // last modified, Unix time in microseconds
	classes  []string // storage classes, "" where the source names none
	ignored  int64    // rows left out, since they are no live object
}

// reset empties the batch and keeps its memory.
func (b *batch) reset() {
	b.keys, b.ends, b.sizes, b.modified, b.classes, b.ignored = "", b.ends[:0], b.sizes[:0], b.modified[:0], b.classes[:0], 0
}

// rows is the number of rows that the batch stands for, those left out included.
func (b *batch) rows() int64 { return int64(len(b.ends)) + b.ignored }

// live says whether a row is an object that a GET of its key would return. A
// report of all versions has rows of old versions and of delete markers, and a
// delete marker has no size.
func live(latest, deleteMarker, hasSize bool) bool { return latest && !deleteMarker && hasSize }

// counters sum up the small matching objects of one group.
type counters struct {
	prefix         string
	objects, bytes int64
	oldest, newest int64   // Unix time in microseconds
	classes        []int64 // objects of each storage class, by its number in groups.classes
}

// groups sums up rows by group. Its memory grows with the number of groups
// (about 150 bytes and the prefix each), not with the number of rows. It is
// for one goroutine.
type groups struct {
	sel      Selection
	byPrefix map[string]*counters
	last     *counters // of the row before: neighbours mostly share a group
	classes  []string  // storage classes seen

	objects, bytes, ignored int64 // of all groups, whatever the size of the objects
}

func newGroups(sel Selection) *groups {
	return &groups{sel: sel, byPrefix: map[string]*counters{}}
}

// maxStorageClasses bounds what a damaged report can make of the storage
// classes; S3 has a dozen.
const maxStorageClasses = 64

func (g *groups) add(b *batch) error {
	g.ignored += b.ignored
	start := 0
	for i, end := range b.ends {
		key := b.keys[start:end]
		start = end
		size := b.sizes[i]
		if key == "" || size < 0 {
			return fmt.Errorf("a row with key %q and a size of %d bytes: no object can have them", key, size)
		}
		c, err := g.counters(g.sel.GroupBy.Group(key))
		if err != nil {
			return err
		}
		if err := g.count(1, size); err != nil {
			return err
		}
		if !g.sel.Small(size) || !g.sel.Matches(key) {
			continue
		}
		class, err := g.class(b.classes[i])
		if err != nil {
			return err
		}
		c.add(1, size, b.modified[i], b.modified[i], class, 1)
	}
	return nil
}

// count adds to the totals. No group has more bytes than all together, so that
// none overflows when they do not.
func (g *groups) count(objects, bytes int64) error {
	if bytes > math.MaxInt64-g.bytes {
		return errors.New("the sizes of all objects exceed 2^63 bytes: this is no report of S3")
	}
	g.objects += objects
	g.bytes += bytes
	return nil
}

func (c *counters) add(objects, bytes, oldest, newest int64, class int, ofClass int64) {
	if c.objects == 0 || oldest < c.oldest {
		c.oldest = oldest
	}
	if c.objects == 0 || newest > c.newest {
		c.newest = newest
	}
	c.objects += objects
	c.bytes += bytes
	if class < 0 {
		return
	}
	for len(c.classes) <= class {
		c.classes = append(c.classes, 0)
	}
	c.classes[class] += ofClass
}

func (g *groups) counters(prefix string) (*counters, error) {
	if g.last != nil && prefix == g.last.prefix {
		return g.last, nil
	}
	c, ok := g.byPrefix[prefix]
	if !ok {
		if !utf8.ValidString(prefix) {
			return nil, fmt.Errorf("a key below %q: the keys of S3 are UTF-8, this is none", prefix)
		}
		c = &counters{prefix: strings.Clone(prefix)} // a part of keys would keep all of it in memory
		g.byPrefix[c.prefix] = c
	}
	g.last = c
	return c, nil
}

// class is the number of a storage class, or -1 for none.
func (g *groups) class(name string) (int, error) {
	if name == "" {
		return -1, nil
	}
	for i, c := range g.classes {
		if c == name {
			return i, nil
		}
	}
	if len(g.classes) == maxStorageClasses || len(name) > 64 || !isWord(name) {
		return 0, fmt.Errorf("storage class %.80q after %d others: this is no report of S3", name, len(g.classes))
	}
	g.classes = append(g.classes, strings.Clone(name))
	return len(g.classes) - 1, nil
}

// isWord says whether a name is of visible ASCII: fit for a terminal, and to
// stand beside others with spaces between.
func isWord(name string) bool {
	return !strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c > '~' })
}

// merge adds what o has summed up. o is not to be used afterwards.
func (g *groups) merge(o *groups) error {
	if err := g.count(o.objects, o.bytes); err != nil {
		return err
	}
	g.ignored += o.ignored
	number := make([]int, len(o.classes))
	for i, name := range o.classes {
		n, err := g.class(name)
		if err != nil {
			return err
		}
		number[i] = n
	}
	for prefix, from := range o.byPrefix {
		c, ok := g.byPrefix[prefix]
		if !ok {
			c = &counters{prefix: prefix}
			g.byPrefix[prefix] = c
		}
		if from.objects == 0 {
			continue
		}
		c.add(from.objects, from.bytes, from.oldest, from.newest, -1, 0)
		for i, n := range from.classes {
			if n > 0 {
				c.add(0, 0, from.oldest, from.newest, number[i], n)
			}
		}
	}
	return nil
}

// hotspots are the groups that the selection calls hot, most objects first,
// then by prefix.
func (g *groups) hotspots() []Hotspot {
	hot := []Hotspot{}
	for prefix, c := range g.byPrefix {
		if !g.sel.Hot(c.objects, c.bytes) {
			continue
		}
		classes := map[string]int64{}
		for i, n := range c.classes {
			if n > 0 {
				classes[g.classes[i]] = n
			}
		}
		hot = append(hot, Hotspot{
			Type: "hotspot", Prefix: prefix, Objects: c.objects, Bytes: c.bytes, Outputs: g.sel.Outputs(c.bytes),
			Oldest: time.UnixMicro(c.oldest).UTC(), Newest: time.UnixMicro(c.newest).UTC(), StorageClasses: classes,
		})
	}
	slices.SortFunc(hot, func(a, b Hotspot) int {
		if a.Objects != b.Objects {
			return int(min(max(b.Objects-a.Objects, -1), 1))
		}
		return strings.Compare(a.Prefix, b.Prefix)
	})
	return hot
}
