// Package listing lists the keys under a prefix with many requests at once. One
// LIST tells at most 1,000 keys and where the next one begins, so a listing of
// millions is a chain of thousands of waits. The walk cuts the keys into ranges
// instead, each listed by one worker: at the directories that a LIST with a
// delimiter shows, and where a directory is flat and huge at keys that likely
// halve what is left. The next page of a range is never waited for to find a
// cut: a range that turns out to be empty costs one request.
package listing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/s3compact/s3compact/internal/s3store"
)

// Lister lists a bucket; *s3store.Client is one.
type Lister interface {
	List(ctx context.Context, bucket string, o s3store.ListOptions, page func(s3store.Page) error) error
}

// MaxConcurrency bounds how many requests a walk sends at once: each worker
// holds one page (below 1 MB) and at most some 1,000 names of directories.
const MaxConcurrency = 1024

// Walk calls page with all objects under a prefix, each once, in no order. A key
// that is there from the beginning to the end is among them; one that is
// written or deleted meanwhile may be.
//
// concurrency is the number of workers, from 1 (which lists in order, from front
// to back) to MaxConcurrency. They call page at the same time, each with its own
// number below concurrency; what page is given is valid until it returns. Its
// error ends the walk, as does an answer that is none. Beside the requests of a
// serial listing Walk sends at most half as many again, and one for each worker
// and some more.
//
// The order of keys must be that of their UTF-8 bytes, as in general purpose
// buckets; directory buckets have none and are listed by one worker.
// API: ListObjectsV2, "StartAfter".
func Walk(ctx context.Context, l Lister, bucket, prefix string, concurrency int, page func(worker int, objects []s3store.Object) error) error {
	concurrency = min(max(concurrency, 1), MaxConcurrency)
	if strings.HasSuffix(bucket, directoryBucket) {
		concurrency = 1
	}
	if concurrency == 1 {
		err := l.List(ctx, bucket, s3store.ListOptions{Prefix: prefix}, func(p s3store.Page) error {
			if err := page(0, p.Objects); err != nil {
				return err
			}
			return ctx.Err()
		})
		return stopped(ctx, err)
	}
	w := &walk{lister: l, bucket: bucket, prefix: prefix, page: page, allowance: int64(concurrency + allowedRequests)}
	w.wake.L = &w.mu
	all := &keyRange{unbounded: true}
	w.ranges = []*keyRange{all}
	w.ready = []task{{part: all}}
	w.active = 1
	eg, gctx := errgroup.WithContext(ctx)
	defer context.AfterFunc(gctx, func() { // workers that wait see that it is over
		w.mu.Lock()
		defer w.mu.Unlock()
		w.wake.Broadcast()
	})()
	for i := range concurrency {
		eg.Go(func() error { return w.work(gctx, i) })
	}
	return stopped(ctx, eg.Wait())
}

// directoryBucket ends the names of directory buckets.
// Source: Amazon S3 User Guide, "Directory bucket naming rules".
const directoryBucket = "--x-s3"

// stopped is err, or why ctx was ended.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// walk is one listing.
type walk struct {
	lister         Lister
	bucket, prefix string
	page           func(worker int, objects []s3store.Object) error
	allowance      int64

	mu       sync.Mutex
	wake     sync.Cond
	ranges   []*keyRange // those that are listed, or ready to be: at most one for each worker
	ready    []task      // at most one for each worker that waits
	idle     int         // workers that wait
	active   int         // tasks that are ready or under way
	pageKeys int         // keys of a full page
	keys     int64       // so far
	requests int64       // so far, answered
}

// allowedRequests are those that a walk may send in vain, beside one for each
// worker and half as many as a serial listing needs.
const allowedRequests = 16

// task is a range to list, or a directory on the way to its last key to list
// with the delimiter.
type task struct {
	part    *keyRange
	explore bool
	dir     string
	behind  string // start of that LIST
}

// work does tasks until there is nothing left to do.
func (w *walk) work(ctx context.Context, number int) error {
	for {
		t, ok := w.next(ctx)
		if !ok {
			return nil
		}
		var err error
		if t.explore {
			err = w.explore(ctx, t)
		} else {
			err = w.list(ctx, number, t.part)
		}
		if err != nil && !errors.Is(err, errEnough) {
			return err
		}
		w.done(t)
	}
}

// errEnough ends a LIST whose further pages are not wanted.
var errEnough = errors.New("enough was listed")

// next waits for a task; false is the end of the walk.
func (w *walk) next(ctx context.Context) (task, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.idle++
	defer func() { w.idle-- }()
	w.balance()
	for len(w.ready) == 0 {
		if w.active == 0 || ctx.Err() != nil {
			return task{}, false
		}
		w.wake.Wait()
	}
	t := w.ready[0]
	w.ready = w.ready[1:]
	return t, ctx.Err() == nil
}

// done takes note that a task has ended well.
func (w *walk) done(t task) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.active--; w.active == 0 {
		w.wake.Broadcast()
	}
	if !t.explore {
		w.ranges = slices.DeleteFunc(w.ranges, func(r *keyRange) bool { return r == t.part })
		return
	}
	if t.part.exploring--; t.part.exploring == 0 {
		t.part.learn(w.pageKeys)
		w.balance()
	}
}

// list lists a range to its end.
func (w *walk) list(ctx context.Context, number int, r *keyRange) error {
	before := r.after
	return w.lister.List(ctx, w.bucket, s3store.ListOptions{Prefix: w.prefix, StartAfter: r.after}, func(p s3store.Page) error {
		for i := range p.Objects {
			key := p.Objects[i].Key
			if key <= before || !strings.HasPrefix(key, w.prefix) {
				return fmt.Errorf("list s3://%s/%s: the server sent the key %q behind %q, not in the order of their bytes, as a listing with several requests at once needs it; list with --concurrency 1",
					w.bucket, w.prefix, key, before)
			}
			before = key
		}
		objects, passed := w.took(r, p)
		if len(objects) > 0 {
			if err := w.page(number, objects); err != nil {
				return err
			}
		}
		if passed {
			return errEnough
		}
		return ctx.Err()
	})
}

// took takes note of a page and gives idle workers their share of what is left.
func (w *walk) took(r *keyRange, p s3store.Page) (objects []s3store.Object, passed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests++
	if p.More {
		w.pageKeys = max(w.pageKeys, len(p.Objects))
	}
	objects, passed = r.take(p)
	w.keys += int64(len(objects))
	if passed || !p.More { // nothing is left to be cut off
		w.ranges = slices.DeleteFunc(w.ranges, func(o *keyRange) bool { return o == r })
	}
	w.balance()
	return objects, passed
}

// explore lists the directories behind a range's last key with one request.
func (w *walk) explore(ctx context.Context, t task) error {
	return w.lister.List(ctx, w.bucket, s3store.ListOptions{Prefix: t.dir, Delimiter: "/", StartAfter: t.behind}, func(p s3store.Page) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.requests++
		r := t.part
		r.found = append(r.found, p.Prefixes...)
		if len(p.Objects) > 0 {
			r.found = append(r.found, t.behind)
		}
		r.impure = r.impure || len(p.Objects) > 0
		r.cut = r.cut || p.More
		return errEnough
	})
}

// balance gives idle workers parts of the ranges with the most left. It is
// called with w.mu held, whenever more is known or more workers are idle.
func (w *walk) balance() {
	free := min(w.idle-len(w.ready), int(w.allowed()))
	if free <= 0 || w.pageKeys == 0 {
		return
	}
	worth := worthPages * float64(w.pageKeys)
	type share struct {
		r     *keyRange
		left  float64
		parts int
	}
	var shares []share
	for _, r := range w.ranges {
		if len(r.page) == 0 || r.exploring > 0 {
			continue
		}
		left := r.remaining(w.prefix, w.pageKeys)
		if r.explored == "" && len(r.unexplored(w.prefix)) > 0 {
			left = max(left, float64(maxExplored+1)*worth) // nothing is known of it yet
		}
		if left >= worth {
			shares = append(shares, share{r, left, 1})
		}
	}
	for ; free > 0 && len(shares) > 0; free-- {
		most := &shares[0]
		for i := range shares {
			if s := &shares[i]; s.left/float64(s.parts) > most.left/float64(most.parts) {
				most = s
			}
		}
		if most.left/float64(most.parts) < worth {
			break
		}
		most.parts++
	}
	for _, s := range shares {
		if s.parts > 1 {
			w.split(s.r, s.parts-1)
		}
	}
}

// allowed is the number of requests that may be sent beside those under way.
func (w *walk) allowed() int64 {
	return w.keys*3/int64(2*max(w.pageKeys, 1)) + w.allowance - w.requests - int64(w.active)
}

// split makes up to n tasks of a range.
func (w *walk) split(r *keyRange, n int) {
	if len(r.cuts) == 0 {
		if dirs := r.unexplored(w.prefix); len(dirs) > 0 {
			dirs = dirs[:min(len(dirs), n, maxExplored)]
			for _, dir := range dirs {
				name, _, _ := strings.Cut(r.last[len(dir):], "/")
				r.explored = dir + name + "/"
				r.exploring++
				w.add(task{part: r, explore: true, dir: dir, behind: r.explored + top})
			}
			return
		}
	}
	for _, part := range r.cutAt(r.pieces(w.prefix, n)) {
		w.ranges = append(w.ranges, part)
		w.add(task{part: part})
	}
}

func (w *walk) add(t task) {
	w.ready = append(w.ready, t)
	w.active++
	w.wake.Signal()
}
