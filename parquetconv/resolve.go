package parquetconv

import (
	"cmp"
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/s3compact/s3compact/internal/s3store"
)

func compareIDs(a, b objectID) int {
	return cmp.Or(cmp.Compare(a.bucket, b.bucket), cmp.Compare(a.key, b.key))
}

// resolver takes the outputs of compaction out of a listing, and the originals
// that they stand for, so that each original is loaded exactly once whatever is
// visible.
type resolver struct {
	run     *run
	listing *listing
	loaded  *loaded

	// lines are one for each output that holds originals which no earlier list
	// and no other output does.
	lines []planSource
	// compacted are the originals of earlier lists that compaction has taken
	// since: an object that now has such a key is another one.
	compacted map[objectID]bool
	// apart are the originals that a list holds and a restore puts back or has
	// put back. They are known by their bytes: their ETags may be others then.
	apart map[content]bool
	// changed are the originals that are not loaded for what was loaded before
	// under their keys.
	changed map[objectID]bool
}

// content is what an original is, apart from its ETag.
type content struct {
	objectID
	size  int64
	crc64 string
}

func (o *original) content() content {
	return content{objectID{o.bucket, o.key}, o.size, o.storedCRC64}
}

// resolve goes through the logs of the buckets' states, the closed ones first:
// what a restore put back of their outputs may lie in an output of another state.
func (x *resolver) resolve(ctx context.Context) error {
	seen := map[string]bool{}
	for _, s := range x.run.Sources {
		if seen[s.Bucket] {
			continue
		}
		seen[s.Bucket] = true
		lineages, err := x.run.lineagesOf(ctx, s.Bucket, x.loaded.states[s.Bucket])
		if err != nil {
			return err
		}
		for _, l := range lineages {
			err := l.eachLog(ctx, x.run.Concurrency, func(g *groupLog) error { return x.group(ctx, l, g) })
			if err != nil {
				return fmt.Errorf("read the logs of compaction at %s: %w", l.state, err)
			}
		}
	}
	return nil
}

// group resolves the outputs that the log of a group names.
func (x *resolver) group(ctx context.Context, l *lineage, g *groupLog) error {
	have := x.groupHas(g) // originals that an earlier list or a line of this one holds
	held := func(o *original) bool { return x.loaded.holds(o.origin) || have[o.origin] }
	x.takenApart(g, held)
	for i := range g.outputs { // the newest first: it may hold the older ones
		out := &g.outputs[i]
		object, listed := x.listing.objects[out.id]
		delete(x.listing.objects, out.id)
		if listed && out.dead {
			x.listing.ignored++
		}
		if out.dead {
			continue
		}
		line := planSource{
			Bucket: out.id.bucket, Key: out.id.key,
			Receipt: &receiptRef{State: l.state.String(), GID: g.gid, Entry: out.entry},
		}
		var fresh []origin
		adjacent := false
		for _, o := range g.originals(i) {
			id := objectID{o.bucket, o.key}
			skip := held(&o) || x.apart[o.content()] || !listed && !x.run.inSources(id)
			if before, another := x.loaded.another(o.origin); !skip && another && !x.compacted[id] {
				x.isChanged(o.origin, before)
				skip = true
			}
			if skip {
				line.except(o.offset, o.rangeBytes(), adjacent)
				adjacent = true
				continue
			}
			adjacent = false
			line.Size += o.size
			fresh = append(fresh, o.origin)
		}
		if len(fresh) == 0 {
			continue
		}
		if !listed {
			info, err := l.store.Head(ctx, out.id.bucket, out.id.key)
			if gone(err) {
				continue // not completed yet, or compacted again
			}
			if err != nil {
				return err
			}
			object = info.Object
		}
		if object.SizeBytes != out.size {
			x.run.refuse(Refusal{Bucket: out.id.bucket, Key: out.id.key, ETag: object.ETag, Reason: reasonChanged, Detail: fmt.Sprintf("it has %d bytes, not the %d of its receipt", object.SizeBytes, out.size)})
			continue
		}
		line.ETag = object.ETag
		for _, o := range fresh {
			have[o] = true
		}
		x.lines = append(x.lines, line)
	}
	for o := range have {
		if id := (objectID{o.bucket, o.key}); x.listing.objects[id].ETag == o.etag {
			delete(x.listing.objects, id)
		}
	}
	return x.putBack(ctx, l, x.takenApart(g, held))
}

// groupHas are the originals that earlier lists hold as parts of the group's
// outputs. What of them was refused is told again.
func (x *resolver) groupHas(g *groupLog) map[origin]bool {
	have := map[origin]bool{}
	for i := range g.outputs {
		out := &g.outputs[i]
		_, there := x.listing.objects[out.id]
		originals := g.originals(i)
		for _, before := range x.loaded.outputs[out.id] {
			for _, o := range originals {
				if covered(before.except, o.offset, o.rangeBytes()) || !x.loaded.keeps(o.origin, before.plan) {
					continue
				}
				have[o.origin] = true
				if refused, ok := x.loaded.refused[o.origin]; ok && refused.plan == before.plan && there {
					x.run.refuse(refused.Refusal)
				}
			}
		}
		if out.dead {
			continue
		}
		for _, o := range originals {
			if id := (objectID{o.bucket, o.key}); x.loaded.originals[id].etag == o.etag {
				x.compacted[id] = true
			}
		}
	}
	return have
}

// takenApart adds to apart the originals of the group that are held and that a
// restore puts back. It returns those whose keys have objects of as many bytes
// and other ETags.
func (x *resolver) takenApart(g *groupLog, held func(*original) bool) (there []original) {
	for i := range g.outputs {
		if !g.outputs[i].apart {
			continue
		}
		for _, o := range g.originals(i) {
			if !held(&o) {
				continue
			}
			x.apart[o.content()] = true
			object, ok := x.listing.objects[objectID{o.bucket, o.key}]
			if ok && object.ETag != o.etag && object.SizeBytes == o.size {
				there = append(there, o)
			}
		}
	}
	return there
}

// putBack takes out of the listing the objects that are the originals, under
// other ETags.
func (x *resolver) putBack(ctx context.Context, l *lineage, originals []original) error {
	same := make([]bool, len(originals))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(x.run.Concurrency)
	for i := range originals {
		g.Go(func() error {
			o := &originals[i]
			info, err := l.store.Head(gctx, o.bucket, o.key)
			same[i] = err == nil && o.sameBytes(&info)
			if gone(err) {
				return nil
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i, o := range originals {
		if same[i] {
			delete(x.listing.objects, objectID{o.bucket, o.key})
		}
	}
	return ctx.Err()
}

// isChanged refuses an original because another one was loaded under its key: to
// load it would double the rows that it kept. While the other one's batch is not
// done, that batch is to refuse it, or an output holds it.
func (x *resolver) isChanged(o origin, before listed) {
	if !x.loaded.heads[before.batch].done {
		return
	}
	x.changed[objectID{o.bucket, o.key}] = true
	x.run.refuse(Refusal{Bucket: o.bucket, Key: o.key, ETag: o.etag, Reason: reasonChanged, Detail: "it was converted before, with ETag " + before.etag})
}

// except adds the range of an original that is not to be loaded; they come in
// their order. adjacent: the original before it is not to be loaded either.
func (s *planSource) except(offset, size int64, adjacent bool) {
	if n := len(s.Except); adjacent {
		s.Except[n-1][1] = offset + size - s.Except[n-1][0]
		return
	}
	s.Except = append(s.Except, byteRange{offset, size})
}

var _ Store = (*s3store.Client)(nil)
