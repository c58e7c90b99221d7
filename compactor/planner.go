package compactor

import (
	"slices"
	"strings"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/validate"
)

// chunk is a planned output: at least two candidates, in key order, that may be
// joined by what their keys say.
type chunk struct {
	members   []s3store.Object
	extension string
}

// outputBytes is the largest size that the output can have.
func (c chunk) outputBytes() (n int64) {
	for _, o := range c.members {
		n += o.SizeBytes + int64(len(validate.NewlineMember))
	}
	return n
}

// keyClass is what members of one output agree in by what a listing shows.
type keyClass struct{ extension, storage, partition string }

func classOfKey(key, storageClass string) keyClass {
	return keyClass{extension(key), storageClass, partition(key)}
}

// classOf is the class of a candidate. Where plain text is joined, its output is
// gzip: a.json and b.json.gz are of one class, and their output ends in .json.gz.
func (p *planner) classOf(o s3store.Object) keyClass {
	k := classOfKey(o.Key, o.StorageClass)
	if p.plainText && !strings.HasSuffix(k.extension, gzipExtension) {
		k.extension += gzipExtension
	}
	return k
}

const gzipExtension = ".gz"

// maxPending bounds the candidates that a planner holds back.
const maxPending = 3 * maxMembers

// planner cuts candidates, which come in key order, into chunks: classes by
// extension, storage class and partition segments, each chunk at most about the
// target size. What is left at a class's end makes chunks of equal sizes;
// candidates that would be alone are left out, and chunks without anything fresh.
// Memory: maxPending candidates and the chunks that were not taken, which are
// fewer than that again; a candidate takes about 300 bytes.
type planner struct {
	targetBytes int64
	plainText   bool                      // text that is not gzip is joined
	fresh       func(s3store.Object) bool // not read before: a chunk of others is not worth an attempt

	open      map[keyClass]*pendingClass
	order     []keyClass // of open, as they began
	held      int        // candidates in open
	partition string     // of the last candidate
	ready     []chunk
	members   int // of ready
}

// pendingClass is a class that may go on.
type pendingClass struct {
	members []s3store.Object
	bytes   int64
}

func newPlanner(targetBytes int64, fresh func(s3store.Object) bool) *planner {
	return &planner{targetBytes: targetBytes, fresh: fresh, open: map[keyClass]*pendingClass{}}
}

// add takes the next candidate.
func (p *planner) add(o s3store.Object) {
	k := p.classOf(o)
	if k.partition != p.partition {
		p.partition = k.partition
		p.end(func(open keyClass) bool { return !strings.HasPrefix(o.Key, open.partition) })
	}
	c := p.open[k]
	if c == nil {
		c = &pendingClass{}
		p.open[k] = c
		p.order = append(p.order, k)
	}
	c.members = append(c.members, o)
	c.bytes += o.SizeBytes
	p.held++
	if c.bytes >= 2*p.targetBytes || len(c.members) >= 2*maxMembers {
		n := p.cut(k, c.members, p.targetBytes)
		p.held -= n
		for _, gone := range c.members[:n] {
			c.bytes -= gone.SizeBytes
		}
		c.members = slices.Clone(c.members[n:])
	}
	if p.held > maxPending {
		largest := k
		for _, open := range p.order {
			if len(p.open[open].members) > len(p.open[largest].members) {
				largest = open
			}
		}
		lone := len(p.open[largest].members) < 2 // then every class has but one
		p.end(func(open keyClass) bool { return lone || open == largest })
	}
}

// end ends classes: what is left of them makes chunks.
func (p *planner) end(ended func(keyClass) bool) {
	p.order = slices.DeleteFunc(p.order, func(k keyClass) bool {
		if !ended(k) {
			return false
		}
		c := p.open[k]
		outputs := max(1, (c.bytes+p.targetBytes-1)/p.targetBytes)
		share := (c.bytes + outputs - 1) / outputs
		for left := c.members; len(left) > 0; {
			left = left[p.cut(k, left, share):]
		}
		p.held -= len(c.members)
		delete(p.open, k)
		return true
	})
}

// endAll ends all classes.
func (p *planner) endAll() { p.end(func(keyClass) bool { return true }) }

// cut makes a chunk of the first members, and says of how many.
func (p *planner) cut(k keyClass, members []s3store.Object, shareBytes int64) (n int) {
	var bytes int64
	for n < len(members) && n < maxMembers && bytes < shareBytes {
		bytes += members[n].SizeBytes
		n++
	}
	if n >= 2 && slices.ContainsFunc(members[:n], p.fresh) {
		p.ready = append(p.ready, chunk{slices.Clone(members[:n]), k.extension})
		p.members += n
	}
	return n
}

// full says whether there is enough for an attempt.
func (p *planner) full() bool { return len(p.ready) >= maxChunks || p.members >= maxMembers }

// take is the chunks of one attempt, in the order in which they were planned.
func (p *planner) take() []chunk {
	n, members := 0, 0
	for n < len(p.ready) && n < maxChunks && (n == 0 || members+len(p.ready[n].members) <= maxMembers) {
		members += len(p.ready[n].members)
		n++
	}
	taken := p.ready[:n]
	p.ready, p.members = slices.Clone(p.ready[n:]), p.members-members
	return taken
}

// drop forgets all candidates.
func (p *planner) drop() {
	empty := newPlanner(p.targetBytes, p.fresh)
	empty.plainText = p.plainText
	*p = *empty
}

// extension is the last extension before .gz together with it, such as
// .json.gz, or .gz alone, or the last extension of another name. Only letters
// make an extension: numbers, dates and random ids before .gz differ from name to name.
func extension(key string) string {
	name := key[strings.LastIndexByte(key, '/')+1:]
	end := len(name)
	if strings.HasSuffix(name, ".gz") {
		end -= len(".gz")
	}
	if i := strings.LastIndexByte(name[:end], '.'); i > 0 && letters(name[i+1:end]) {
		return name[i:]
	}
	return name[end:]
}

// maxExtensionBytes bounds what counts as an extension: a longer tail is part of the name.
const maxExtensionBytes = 10

func letters(s string) bool {
	return s != "" && len(s) <= maxExtensionBytes && strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) < 0
}

// partition is the key down to its last name=value directory: members of
// different ones are never joined, and their output lies below it.
func partition(key string) string {
	dir := key[:strings.LastIndexByte(key, '/')+1]
	last := strings.LastIndexByte(dir, '=')
	if last < 0 {
		return ""
	}
	return dir[:last+strings.IndexByte(dir[last:], '/')+1]
}

// sharedDirectory is the deepest directory that all keys share, with its closing slash.
func sharedDirectory(keys []string) string {
	if len(keys) == 0 {
		return ""
	}
	dir := keys[0][:strings.LastIndexByte(keys[0], '/')+1]
	for _, k := range keys[1:] {
		for !strings.HasPrefix(k, dir) {
			dir = dir[:strings.LastIndexByte(dir[:len(dir)-1], '/')+1]
		}
	}
	return dir
}
