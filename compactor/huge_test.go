package compactor

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/inventory"
	"github.com/s3compact/s3compact/validate"
)

// huge is a store of which one group has n objects of one content; it holds
// nothing of them but which are deleted. Everything else is in a map.
type huge struct {
	Store
	n    int
	body []byte
	at   time.Time

	mu      sync.Mutex
	deleted []bool
	first   int // of those not deleted, as far as is known
	objects map[string]s3store.Info
	bodies  map[string][]byte
	uploads map[string]int64
	lists   int // pages of the group
	peak    uint64
}

func (h *huge) key(i int) string { return fmt.Sprintf("big/%09d.json.gz", i) }

func (h *huge) number(key string) (int, bool) {
	var i int
	if _, err := fmt.Sscanf(key, "big/%d.json.gz", &i); err != nil || i >= h.n || h.deleted[i] || h.key(i) != key {
		return 0, false
	}
	return i, true
}

func (h *huge) info(key string) (s3store.Info, bool) {
	if _, ok := h.number(key); ok {
		o := s3store.Object{Key: key, SizeBytes: int64(len(h.body)), ETag: "e", LastModified: h.at, StorageClass: "STANDARD"}
		return s3store.Info{Object: o, Attributes: s3store.Attributes{StorageClass: "STANDARD"}, Date: h.at}, true
	}
	i, ok := h.objects[key]
	return i, ok
}

// List shows the group's outputs before its objects, which their names sort behind: it has but few of them.
func (h *huge) List(_ context.Context, _ string, o s3store.ListOptions, fn func(s3store.Page) error) error {
	after := o.StartAfter
	for {
		h.mu.Lock()
		var page s3store.Page
		for key := range h.objects {
			if strings.HasPrefix(key, o.Prefix) && key > after && (o.Delimiter == "" || !strings.Contains(key[len(o.Prefix):], "/")) {
				page.Objects = append(page.Objects, h.objects[key].Object)
			}
		}
		if o.Prefix == "big/" {
			h.lists++
			var m runtime.MemStats
			if h.lists%20 == 0 {
				runtime.GC()
				runtime.ReadMemStats(&m)
				h.peak = max(h.peak, m.HeapAlloc)
			}
			for h.first < h.n && h.deleted[h.first] {
				h.first++
			}
			from := h.first + sort.Search(h.n-h.first, func(i int) bool { return h.key(h.first+i) > after })
			for found := 0; from < h.n && found < 1000; from++ {
				if !h.deleted[from] {
					i, _ := h.info(h.key(from))
					page.Objects = append(page.Objects, i.Object)
					found++
				}
			}
		}
		sort.Slice(page.Objects, func(i, j int) bool { return page.Objects[i].Key < page.Objects[j].Key })
		if page.More = len(page.Objects) > 1000; page.More || len(page.Objects) == 1000 {
			page.Objects, page.More = page.Objects[:1000], true
		}
		h.mu.Unlock()
		if err := fn(page); err != nil || !page.More {
			return err
		}
		after = page.Objects[len(page.Objects)-1].Key
	}
}

func (h *huge) Get(_ context.Context, _, key string, _ s3store.GetOptions) (io.ReadCloser, s3store.Info, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i, ok := h.info(key)
	if !ok {
		return nil, i, s3store.ErrNotFound
	}
	if b, ok := h.bodies[key]; ok {
		return io.NopCloser(bytes.NewReader(b)), i, nil
	}
	return io.NopCloser(bytes.NewReader(bytes.Repeat(h.body, int(i.SizeBytes)/len(h.body)))), i, nil // an original, or an output of such
}

func (h *huge) Head(_ context.Context, _, key string) (s3store.Info, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i, ok := h.info(key); ok {
		return i, nil
	}
	return s3store.Info{}, s3store.ErrNotFound
}

func (h *huge) Probe(ctx context.Context, bucket, key string) (bool, time.Time, error) {
	_, err := h.Head(ctx, bucket, key)
	return err == nil, h.at, nil
}

func (h *huge) Put(_ context.Context, _, key string, body []byte, o s3store.PutOptions) (s3store.Info, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, there := h.info(key); there && o.CreateOnly {
		return s3store.Info{}, s3store.ErrPrecondition
	}
	i := s3store.Info{Object: s3store.Object{Key: key, SizeBytes: int64(len(body)), ETag: "p", LastModified: h.at}, Attributes: o.Attributes, Date: h.at}
	i.TagCount = tagCount(o.Tagging)
	h.objects[key], h.bodies[key] = i, bytes.Clone(body)
	return i, nil
}

func (h *huge) CreateUpload(_ context.Context, _, key string, a s3store.Attributes) (string, error) {
	return key, nil
}

func (h *huge) UploadPart(_ context.Context, _, key, _ string, number int32, body []byte, crc uint64) (s3store.Part, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if validate.CRC64(body) != crc {
		return s3store.Part{}, s3store.ErrBadRequest
	}
	h.uploads[key] += int64(len(body))
	return s3store.Part{Number: number, ETag: "t", SizeBytes: int64(len(body)), CRC64NVME: validate.EncodeCRC64(crc)}, nil
}

func (h *huge) CompleteUpload(_ context.Context, _, key, _ string, parts []s3store.Part, crc string) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var whole validate.Joined
	for _, p := range parts {
		c, _ := validate.DecodeCRC64(p.CRC64NVME)
		whole.Add(validate.Gzip{SizeBytes: p.SizeBytes, CRC64: c})
	}
	if validate.EncodeCRC64(whole.CRC64) != crc {
		return "", s3store.ErrBadRequest
	}
	if _, there := h.objects[key]; there {
		return "", s3store.ErrPrecondition
	}
	h.objects[key] = s3store.Info{
		Object: s3store.Object{Key: key, SizeBytes: h.uploads[key], ETag: "o", LastModified: h.at, StorageClass: "STANDARD"}, CRC64NVME: crc,
		Attributes: s3store.Attributes{StorageClass: "STANDARD"}, Date: h.at,
	}
	return "o", nil
}

func (h *huge) AbortUpload(context.Context, string, string, string) error { return nil }

func (h *huge) Delete(_ context.Context, _, key, etag string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	i, ok := h.info(key)
	switch {
	case !ok:
		return s3store.ErrNotFound
	case etag != "" && i.ETag != etag:
		return s3store.ErrPrecondition
	}
	if n, ok := h.number(key); ok {
		h.deleted[n] = true
	}
	delete(h.objects, key)
	delete(h.bodies, key)
	return nil
}

func (h *huge) DeleteBatch(ctx context.Context, bucket string, keys []s3store.KeyETag) ([]error, error) {
	errs := make([]error, len(keys))
	for i, k := range keys {
		errs[i] = h.Delete(ctx, bucket, k.Key, k.ETag)
	}
	return errs, nil
}

func (h *huge) Versioned(context.Context, string) (bool, error)      { return false, nil }
func (h *huge) OwnerEnforced(context.Context, string) (bool, error)  { return true, nil }
func (h *huge) LockConfigured(context.Context, string) (bool, error) { return false, nil }
func (h *huge) Lifecycle(context.Context, string) ([]s3store.LifecycleRule, error) {
	return nil, nil
}
func (h *huge) ServerTime() time.Time      { return h.at }
func (h *huge) Requests() s3store.Requests { return s3store.Requests{} }

// TestHugeGroup: memory does not grow with the group, and it takes two listings and little more.
func TestHugeGroup(t *testing.T) {
	peaks := map[int]uint64{}
	for _, n := range []int{60_000, hugeObjects} {
		h := &huge{
			n: n, body: gz(`{"a":1}`), at: time.Date(2026, 10, 3, 12, 0, 0, 0, time.UTC), deleted: make([]bool, n),
			objects: map[string]s3store.Info{}, bodies: map[string][]byte{}, uploads: map[string]int64{},
		}
		o := Options{
			Bucket: "b", State: s3store.Location{Bucket: "b", Key: "_s3compact/"}, Content: validate.ContentNDJSON, Concurrency: 4, MemoryBytes: 128 << 20,
			Selection: inventory.Selection{MinObjects: 2, Match: "*.gz", TargetSizeBytes: 5 << 20}, Log: slog.New(slog.DiscardHandler),
		}
		sum, err := Run(context.Background(), h, o, []string{"big/"})
		if err != nil {
			t.Fatal(err)
		}
		if sum.ObjectsIn != int64(n) || sum.ObjectsDeleted != int64(n) || sum.GroupsDone != 1 {
			t.Errorf("%d objects: %+v", n, sum)
		}
		attempts := n/maxMembers + 1
		if most := 2*n/1000 + 3*attempts + 10; h.lists > most {
			t.Errorf("%d objects took %d pages of listings, want at most %d: two listings and some pages", n, h.lists, most)
		}
		peaks[n] = h.peak - uint64(n) // one byte an object is the store's own
		t.Logf("%d objects: %d pages, heap of at most %d MiB", n, h.lists, h.peak>>20)
	}
	if grown := int64(peaks[hugeObjects]) - int64(peaks[60_000]); grown > 30<<20 {
		t.Errorf("%d objects more take %d bytes more", hugeObjects-60_000, grown)
	}
}
