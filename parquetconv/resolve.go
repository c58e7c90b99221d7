package parquetconv

import (
	"cmp"
	"context"
	"fmt"

	"github.com/s3compact/s3compact/internal/s3store"
)

func compareIDs(a, b objectID) int {
	return cmp.Or(cmp.Compare(a.bucket, b.bucket), cmp.Compare(a.key, b.key))
}

// resolveOutputs takes the outputs of compaction out of the listing, and the
// originals that they stand for, so that each original is loaded exactly once
// whatever is visible: it returns a line for each output that holds originals
// which no earlier list and no other output does. compacted are the originals
// of earlier lists that compaction has taken since: an object that now has
// such a key is another one.
func (r *run) resolveOutputs(ctx context.Context, listing *listing, loaded *loaded) (sources []planSource, compacted map[objectID]bool, err error) {
	compacted = map[objectID]bool{}
	seen := map[string]bool{}
	for _, s := range r.Sources {
		if seen[s.Bucket] {
			continue
		}
		seen[s.Bucket] = true
		l, err := r.lineageOf(ctx, s.Bucket)
		if err != nil {
			return nil, nil, err
		}
		if l == nil {
			continue
		}
		err = l.eachLog(ctx, r.Concurrency, func(g *groupLog) error {
			lines, err := r.resolveGroup(ctx, l, g, listing, loaded, compacted)
			sources = append(sources, lines...)
			return err
		})
		if err != nil {
			return nil, nil, fmt.Errorf("read the logs of compaction at %s: %w", l.state, err)
		}
	}
	return sources, compacted, nil
}

func (r *run) resolveGroup(ctx context.Context, l *lineage, g *groupLog, listing *listing, loaded *loaded, compacted map[objectID]bool) ([]planSource, error) {
	have := map[origin]bool{} // originals that an earlier list or a line of this one holds
	for i := range g.outputs {
		id := g.outputs[i].id
		_, there := listing.objects[id]
		for _, before := range loaded.outputs[id] {
			for _, o := range g.originals(i) {
				if covered(before.except, o.offset, o.rangeBytes()) || !loaded.keeps(o.origin, before.plan) {
					continue
				}
				have[o.origin] = true
				if refused, ok := loaded.refused[o.origin]; ok && refused.plan == before.plan && there {
					r.refuse(refused.Refusal)
				}
			}
		}
	}
	var lines []planSource
	for i := range g.outputs { // the newest first: it may hold the older ones
		out := &g.outputs[i]
		object, listed := listing.objects[out.id]
		delete(listing.objects, out.id)
		if listed && out.dead {
			listing.ignored++
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
			compacted[id] = compacted[id] || loaded.originals[id].etag == o.etag
			if loaded.holds(o.origin) || have[o.origin] || !listed && !r.inSources(id) {
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
				return nil, err
			}
			object = info.Object
		}
		if object.SizeBytes != out.size {
			r.refuse(Refusal{Bucket: out.id.bucket, Key: out.id.key, ETag: object.ETag, Reason: reasonChanged, Detail: fmt.Sprintf("it has %d bytes, not the %d of its receipt", object.SizeBytes, out.size)})
			continue
		}
		line.ETag = object.ETag
		for _, o := range fresh {
			have[o] = true
		}
		lines = append(lines, line)
	}
	for o := range have {
		if id := (objectID{o.bucket, o.key}); listing.objects[id].ETag == o.etag {
			delete(listing.objects, id)
		}
	}
	return lines, nil
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
