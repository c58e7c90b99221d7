package inventory

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
)

const (
	// MinMemoryBytes is the least that a source can be summed up in.
	MinMemoryBytes = 96 << 20

	// ProgramBytes is what a process takes besides what is counted here: its code,
	// the runtime, garbage, footers of files, what it shows.
	ProgramBytes = 40 << 20

	// readerBytes is what a reader of a data file takes at most, but for files of
	// unusual stripes: the stored bytes of a span, chunks, batches.
	readerBytes = 36 << 20
	// pageBytes is what a page of a listing takes.
	pageBytes = 1 << 20

	// workerGroups is how many groups a worker sums up before it flushes them.
	workerGroups = 64 << 10
	workerBytes  = workerGroups * 200
)

// shareMemory divides a bound of the memory of the process: so many of the
// wanted workers, each with a reader of so many bytes, that half of it is left
// for groups. Without a bound (0) there are all of the workers, and any number of
// groups (0).
func shareMemory(boundBytes int64, workers int, readerBytes int64) (n int, groupsBytes int64) {
	if boundBytes == 0 {
		return workers, 0
	}
	bound := max(boundBytes, MinMemoryBytes) - ProgramBytes
	each := readerBytes + workerBytes
	n = max(1, min(workers, int(bound/2/each)))
	return n, max(bound-int64(n)*each, bound/8)
}

// tooManyGroups says that the groups do not fit into the memory, and what would.
type tooManyGroups struct{ text string }

func (e *tooManyGroups) Error() string { return e.text }

// tooMany finds what would fit: the deepest grouping whose groups would, and the
// memory in which those of this one would, by the groups seen so far and the part
// of the source that was read.
func (g *groups) tooMany() error {
	all, deepest := g.distinct(maxDepth)
	part, far := 1.0, "so far"
	if total, read := g.totalBytes.Load(), g.readBytes.Load(); total > 0 {
		part = min(1, max(float64(read)/float64(total), 0.001))
		far = fmt.Sprintf("after %s %% of the report", strings.TrimSuffix(fmt.Sprintf("%.1f", 100*part), ".0"))
	}
	// What kinds and half-empty chunks add to the groups.
	more := max(1, float64(g.usedBytes.Load())/float64(all.bytes()))
	hint := ""
	for d := deepest - 1; d >= 1; d-- {
		coarse, _ := g.distinct(d)
		if float64(coarse.bytes())*more/part < float64(g.limitBytes) {
			hint = fmt.Sprintf("--group-by depth=%d would fit, with some %s groups; or ", d, humanize.Comma(int64(float64(coarse.groups())/part)))
			break
		}
	}
	needed := float64(g.boundBytes-g.limitBytes) + float64(all.bytes())*more/part
	memory := strings.ReplaceAll(humanize.IBytes(uint64(1.1*needed)), " ", "")
	return &tooManyGroups{fmt.Sprintf("%s there are %s groups of %s, more than fit into the memory: %s--memory %s would do, by what was read",
		far, humanize.Comma(all.groups()), g.sel.GroupBy, hint, memory)}
}

// maxDepth is more than the segments of any key.
const maxDepth = maxKeyBytes + 1

// distinct counts the groups that would be left of those seen by depth d, and
// finds the most segments of one.
func (g *groups) distinct(d int) (sample *sample, deepest int) {
	sample = newSample()
	for i := range g.shards {
		s := &g.shards[i]
		s.mu.Lock()
		for place := range s.all {
			prefix := s.prefix(place)
			n, whole := segments(prefix, 0, uint32(len(prefix)), d)
			sample.add(g.hash64(prefix, 0, uint32(n)), n)
			if !whole {
				deepest = max(deepest, bytes.Count(prefix, slash))
			}
		}
		s.mu.Unlock()
	}
	return sample, deepest
}

var slash = []byte("/")

// sample estimates how many different prefixes there are of many, and their
// lengths, from those whose hash has some bits zero: as few as are enough.
// Source: Gibbons, "Distinct sampling for highly-accurate answers to distinct
// values queries", VLDB 2001.
type sample struct {
	lengths map[uint64]int // by hash
	bits    int
}

// sampleSize bounds the sample: the estimate errs by some 2 %.
const sampleSize = 4096

func newSample() *sample { return &sample{lengths: map[uint64]int{}} }

func (s *sample) add(hash uint64, length int) {
	if hash<<(64-s.bits) != 0 {
		return
	}
	s.lengths[hash] = length
	for len(s.lengths) > sampleSize {
		s.bits++
		for h := range s.lengths {
			if h<<(64-s.bits) != 0 {
				delete(s.lengths, h)
			}
		}
	}
}

// groups is the number of different prefixes.
func (s *sample) groups() int64 { return int64(len(s.lengths)) << s.bits }

// bytes is the memory of their groups, of one kind each.
func (s *sample) bytes() int64 {
	const slotWords = 4 // when they have just been doubled
	var words int64
	for _, n := range s.lengths {
		words += int64(groupWords + wordsOf(n) + slotWords)
	}
	return words << s.bits * 8
}
