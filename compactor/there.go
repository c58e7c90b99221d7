package compactor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

// thereNow looks what is under the members' keys now: originals in a listing
// of the stretches of keys that they lie in, absorbed outputs by HEAD. A page
// that would show none of them is skipped, so that it takes at most one
// LIST a thousand keys of the stretch and at most one a member. Memory: the members'.
func (g *group) thereNow(ctx context.Context, members []receipt.Member) (map[string]s3store.Object, error) {
	var wanted []string
	var absorbed []receipt.OutputRef
	for i := range members {
		if m := &members[i]; m.Absorbed() {
			absorbed = append(absorbed, receipt.OutputRef{Bucket: m.Bucket, Key: m.Key})
		} else {
			wanted = append(wanted, m.Key)
		}
	}
	slices.Sort(wanted)
	there, err := g.outputsThere(ctx, absorbed)
	if err != nil {
		return nil, err
	}
	for after := ""; len(wanted) > 0; {
		o := groupListing(g.prefix, g.r.o.Selection)
		o.StartAfter = max(after, justBefore(wanted[0]))
		more := false
		err := g.r.store.List(ctx, g.r.o.Bucket, o, func(p s3store.Page) error {
			for _, obj := range p.Objects {
				if _, ok := slices.BinarySearch(wanted, obj.Key); ok {
					there[obj.Key] = obj
				}
			}
			if more = p.More; !more {
				return nil
			}
			if last := lastShown(p); last > after {
				after = last
				return errListed
			}
			return nil
		})
		if err != nil && !errors.Is(err, errListed) {
			return nil, err
		}
		if !more {
			break
		}
		next, _ := slices.BinarySearch(wanted, after+"\x00")
		wanted = wanted[next:]
	}
	return there, nil
}

// errListed ends a listing of which enough was seen.
var errListed = errors.New("enough was listed")

// lastShown is the last key or common prefix of a page; "" for an empty one.
func lastShown(p s3store.Page) (last string) {
	if n := len(p.Objects); n > 0 {
		last = p.Objects[n-1].Key
	}
	if n := len(p.Prefixes); n > 0 {
		last = max(last, p.Prefixes[n-1])
	}
	return last
}

// justBefore is a string that sorts before the key, and hardly any other key
// between the two: a listing that starts after it begins with the key.
func justBefore(key string) string {
	n := len(key) - 1
	if n < 0 {
		return ""
	}
	if c := key[n]; c > '!' && c < utf8.RuneSelf {
		return key[:n] + string(c-1) + string(utf8.MaxRune)
	}
	_, size := utf8.DecodeLastRuneInString(key)
	return key[:len(key)-size]
}

// headsAtOnce is how many outputs are looked at side by side.
const headsAtOnce = 16

// outputsThere looks at outputs by their keys. Those that are not there are left out.
func (g *group) outputsThere(ctx context.Context, refs []receipt.OutputRef) (map[string]s3store.Object, error) {
	there := map[string]s3store.Object{}
	var mu sync.Mutex
	eg, ectx := errgroup.WithContext(ctx)
	eg.SetLimit(headsAtOnce)
	for _, ref := range refs {
		eg.Go(func() error {
			info, err := g.r.store.Head(ectx, ref.Bucket, ref.Key)
			if errors.Is(err, s3store.ErrNotFound) {
				return nil
			}
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			there[ref.Key] = info.Object
			return nil
		})
	}
	if err := eg.Wait(); err != nil {
		return nil, err
	}
	return there, ctx.Err()
}

// allThere says whether every member of the entry is still there on its ETag.
func allThere(e *receipt.Entry, there map[string]s3store.Object) bool {
	for i := range e.Members {
		if o, ok := there[e.Members[i].Key]; !ok || o.ETag != e.Members[i].ETag {
			return false
		}
	}
	return true
}

// replicationPoll is how often an output's replication is looked at.
const replicationPoll = 10 * time.Second

// replicated waits until outputs under a replication rule are where they are
// replicated to: the deletes of their members could be there first. It waits
// no longer than an entry settles; whoever comes later goes on.
func (c *completion) replicated(ctx context.Context, outputs []receipt.OutputRef) error {
	if !c.copied || c.e.Keep {
		return nil
	}
	settle := c.g.r.o.SettleAfter
	for left := settle; ; left -= replicationPoll {
		pending := ""
		for _, ref := range outputs {
			info, err := c.g.r.store.Head(ctx, ref.Bucket, ref.Key)
			switch {
			case err != nil:
				return err
			case info.ReplicationStatus == "FAILED":
				return fmt.Errorf("output s3://%s/%s could not be replicated, so the originals stay: mend the replication rule, have it replicated again, then run again", ref.Bucket, ref.Key)
			case info.ReplicationStatus != "" && !replicated[info.ReplicationStatus]:
				pending = ref.Key
			}
		}
		switch {
		case pending == "":
			return nil
		case left <= 0:
			return fmt.Errorf("group %q: the output %s is not replicated yet, and its originals stay until it is: %w", c.g.prefix, pending, ErrWaiting)
		}
		select {
		case <-time.After(min(replicationPoll, left)):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// stillThere is the dead outputs that are there, with their ETags.
func (g *group) stillThere(ctx context.Context, dead []receipt.OutputRef) (left []receipt.OutputRef, err error) {
	there, err := g.outputsThere(ctx, dead)
	if err != nil {
		return nil, err
	}
	for _, o := range dead {
		if obj, ok := there[o.Key]; ok {
			o.ETag = obj.ETag
			left = append(left, o)
		}
	}
	return left, nil
}
