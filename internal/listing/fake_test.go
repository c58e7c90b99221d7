package listing

import (
	"context"
	"errors"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/s3compact/s3compact/internal/s3store"
)

// fakeS3 lists keys as S3 does.
type fakeS3 struct {
	pageKeys int
	latency  time.Duration
	// each is called before each request, with its number, and may change the keys.
	each func(request int) error

	mu       sync.Mutex
	keys     []string // in order
	requests int
	underWay int
	most     int // requests at once
}

func newFake(pageKeys int, keys []string) *fakeS3 {
	keys = slices.Clone(keys)
	slices.Sort(keys)
	return &fakeS3{pageKeys: pageKeys, keys: slices.Compact(keys)}
}

func (f *fakeS3) put(key string) {
	if i, found := slices.BinarySearch(f.keys, key); !found {
		f.keys = slices.Insert(f.keys, i, key)
	}
}

func (f *fakeS3) remove(key string) {
	if i, found := slices.BinarySearch(f.keys, key); found {
		f.keys = slices.Delete(f.keys, i, i+1)
	}
}

func (f *fakeS3) List(ctx context.Context, _ string, o s3store.ListOptions, fn func(s3store.Page) error) error {
	if o.StartAfter != "" && !strings.HasPrefix(o.StartAfter, o.Prefix) {
		return errors.New("start-after outside of the prefix")
	}
	after := o.StartAfter
	for {
		f.mu.Lock()
		f.requests++
		f.underWay++
		f.most = max(f.most, f.underWay)
		n := f.requests
		f.mu.Unlock()
		time.Sleep(f.latency)
		f.mu.Lock()
		f.underWay--
		var err error
		if f.each != nil {
			err = f.each(n)
		}
		var p s3store.Page
		p, after = f.page(o, after)
		f.mu.Unlock()
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		if err := fn(p); err != nil {
			return err
		}
		if !p.More {
			return nil
		}
	}
}

// page is the page behind a key; with the delimiter a common prefix whose keys
// are not all passed is an entry.
func (f *fakeS3) page(o s3store.ListOptions, after string) (p s3store.Page, last string) {
	i := sort.Search(len(f.keys), func(i int) bool { return f.keys[i] > after })
	i = max(i, sort.SearchStrings(f.keys, o.Prefix))
	for ; i < len(f.keys) && strings.HasPrefix(f.keys[i], o.Prefix); i++ {
		if len(p.Objects)+len(p.Prefixes) == f.pageKeys {
			p.More = true
			return p, after
		}
		key := f.keys[i]
		if n := strings.Index(key[len(o.Prefix):], "/"); o.Delimiter != "" && n >= 0 {
			p.Prefixes = append(p.Prefixes, key[:len(o.Prefix)+n+1])
			for i+1 < len(f.keys) && strings.HasPrefix(f.keys[i+1], key[:len(o.Prefix)+n+1]) {
				i++
			}
			after = f.keys[i]
			continue
		}
		p.Objects = append(p.Objects, s3store.Object{Key: key, SizeBytes: int64(len(key))})
		after = key
	}
	return p, after
}
