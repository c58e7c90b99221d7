package parquetconv

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

// groupLog is the log of a compacted group, as far as it tells what outputs
// are made of.
type groupLog struct {
	gid     string
	bucket  string           // of the originals
	outputs []logOutput      // newest first
	givenUp []receipt.Output // of a void entry that nothing follows yet
}

// logOutput is an output that the log names.
type logOutput struct {
	id      objectID
	size    int64
	entry   int // number of its commit
	dead    bool
	apart   bool // a restore has begun to put its members back, maybe under other ETags
	text    bool // recompressed: the members lie in its text
	members []receipt.Member
	etag    string // once known
	places  map[origin]original
}

// readLog reads a group's log; one that does not exist is empty.
func (l *lineage) readLog(ctx context.Context, gid string) (*groupLog, error) {
	var keys []string
	err := l.store.List(ctx, l.state.Bucket, s3store.ListOptions{Prefix: receipt.LogPrefix(l.state.Key, gid)}, func(p s3store.Page) error {
		for _, o := range p.Objects {
			keys = append(keys, o.Key)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	log, err := l.decodeLog(ctx, gid, keys)
	if err != nil {
		return nil, err
	}
	if len(l.logs) >= maxCachedLogs {
		clear(l.logs)
	}
	l.logs[gid] = log
	return log, nil
}

// decodeLog reads the entries under the keys, which a listing gave.
func (l *lineage) decodeLog(ctx context.Context, gid string, keys []string) (*groupLog, error) {
	entries := map[int]*receipt.Entry{}
	for _, key := range keys {
		n, ok := receipt.EntryNumber(key)
		if !ok {
			continue
		}
		body, _, err := l.store.Get(ctx, l.state.Bucket, key, s3store.GetOptions{})
		if err != nil {
			return nil, err
		}
		e, err := receipt.Decode(body)
		_ = body.Close() // read to its end, or failed
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name(l.state.Bucket, key), err)
		}
		entries[n] = e
	}
	log := &groupLog{gid: gid}
	byID := map[objectID]*logOutput{}
	for n := 1; n <= len(entries); n++ {
		e := entries[n]
		if e == nil {
			return nil, fmt.Errorf("%s: entry %d is missing; s3compact verify says more", name(l.state.Bucket, receipt.LogPrefix(l.state.Key, gid)), n)
		}
		log.bucket = e.Bucket
		log.apply(e, n, byID)
	}
	for _, o := range byID {
		log.outputs = append(log.outputs, *o)
	}
	slices.SortFunc(log.outputs, func(a, b logOutput) int {
		if a.entry != b.entry {
			return b.entry - a.entry
		}
		return compareIDs(a.id, b.id)
	})
	return log, nil
}

// apply takes over what an entry says of outputs.
func (g *groupLog) apply(e *receipt.Entry, number int, byID map[objectID]*logOutput) {
	switch e.Kind {
	case receipt.Commit:
		for i := range e.Outputs {
			o := &e.Outputs[i]
			if known := byID[objectID{o.Bucket, o.Key}]; o.Commit > 0 && known != nil {
				known.dead = false // named again: what it is made of stays with the entry that made it
				continue
			}
			out := &logOutput{id: objectID{o.Bucket, o.Key}, size: o.Size, entry: number, text: o.Gzip == receipt.Recompressed}
			for _, m := range e.Members {
				if m.Output == i {
					out.members = append(out.members, m)
				}
			}
			byID[out.id] = out
		}
	case receipt.Void:
		// Whether its outputs are dead is decided by the entry behind it: a paused
		// worker may still complete them and delete their members.
		g.givenUp = e.Outputs
	case receipt.Restore:
		for _, ref := range e.TakenApart {
			if o := byID[objectID{ref.Bucket, ref.Key}]; o != nil {
				o.apart = true
			}
		}
	case receipt.Done:
		for i := range g.givenUp {
			if o := byID[objectID{g.givenUp[i].Bucket, g.givenUp[i].Key}]; o != nil {
				o.dead = true
			}
		}
	}
	if e.Kind != receipt.Void {
		g.givenUp = nil
	}
	for _, d := range e.Dead {
		if o := byID[objectID{d.Bucket, d.Key}]; o != nil {
			o.dead = true
		}
	}
}

// find is the index of an output, or -1.
func (g *groupLog) find(id objectID) int {
	return slices.IndexFunc(g.outputs, func(o logOutput) bool { return o.id == id })
}

// originals are the first originals inside an output, in the order in which
// they lie there: an output that was compacted again stands for its own.
func (g *groupLog) originals(i int) []original {
	return g.appendOriginals(nil, i, g.outputs[i].id, 0)
}

func (g *groupLog) appendOriginals(to []original, i int, at objectID, shift int64) []original {
	for _, m := range g.outputs[i].members {
		if j := g.find(objectID{g.outputs[i].id.bucket, m.Key}); j > i && isOutputOf(g.gid, m.Key) { // an earlier commit's
			to = g.appendOriginals(to, j, at, shift+m.Offset)
			continue
		}
		o := original{
			origin: origin{g.bucket, m.Key, m.ETag}, size: m.Size, gzip: true,
			at: at, offset: shift + m.Offset, crc64: m.CRC64, storedCRC64: m.CRC64, pieces: m.Pieces, gid: g.gid,
			plain: m.Encoding == receipt.PlainText,
		}
		switch {
		case g.outputs[i].text:
			o.text = &textRange{m.UncompressedBytes, m.CRC32}
		case m.PackedBytes > 0:
			o.packed, o.crc64 = m.PackedBytes, m.RangeCRC64
		}
		to = append(to, o)
	}
	return to
}

func isOutputOf(gid, key string) bool {
	g, _, ok := receipt.ParseOutputName(key)
	return ok && g == gid
}

// index finds the originals of an output by what they were.
func (g *groupLog) index(i int) map[origin]original {
	out := &g.outputs[i]
	if out.places == nil {
		out.places = map[origin]original{}
		for _, o := range g.originals(i) {
			out.places[o.origin] = o
		}
	}
	return out.places
}

// eachLog reads all logs of the state, several at once, and calls fn with one
// after another, in no order. Memory: the logs being read.
func (l *lineage) eachLog(ctx context.Context, concurrency int, fn func(*groupLog) error) error {
	keys := map[string][]string{}
	prefix := receipt.GroupsPrefix(l.state.Key)
	err := l.store.List(ctx, l.state.Bucket, s3store.ListOptions{Prefix: prefix}, func(p s3store.Page) error {
		for _, o := range p.Objects {
			rest := o.Key[len(prefix):]
			for i := range rest {
				if rest[i] == '/' {
					keys[rest[:i]] = append(keys[rest[:i]], o.Key)
					break
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	turn := make(chan struct{}, 1)
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(concurrency)
	for gid, keys := range keys {
		g.Go(func() error {
			log, err := l.decodeLog(gctx, gid, keys)
			if err != nil {
				return err
			}
			turn <- struct{}{}
			defer func() { <-turn }()
			return fn(log)
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}
