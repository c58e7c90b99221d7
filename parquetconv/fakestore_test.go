package parquetconv

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/validate"
)

// fakeStore keeps objects in memory under S3's conditional rules.
type fakeStore struct {
	mu      sync.Mutex
	now     time.Time
	objects map[string][]byte // bucket/key
	uploads map[string]*fakeUpload
	next    int
}

type fakeUpload struct {
	bucket, key string
	parts       map[int32][]byte
	initiated   time.Time
}

func newFakeStore() *fakeStore {
	return &fakeStore{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), objects: map[string][]byte{}, uploads: map[string]*fakeUpload{}}
}

// stored is the object of that bucket and key, nil without one. Tests take it, and
// set, where a run may be at work; before and after one they use the map itself.
func (f *fakeStore) stored(object string) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.objects[object]
}

// set stores an object, or deletes it with a nil body.
func (f *fakeStore) set(object string, body []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if body == nil {
		delete(f.objects, object)
		return
	}
	f.objects[object] = body
}

func etagOf(b []byte) string {
	sum := md5.Sum(b)
	return hex.EncodeToString(sum[:])
}

func (f *fakeStore) info(key string, b []byte) s3store.Info {
	return s3store.Info{Object: s3store.Object{Key: key, SizeBytes: int64(len(b)), ETag: etagOf(b), LastModified: f.now}, CRC64NVME: encodeCRC64(validate.CRC64(b)), Date: f.now}
}

func (f *fakeStore) List(_ context.Context, bucket string, o s3store.ListOptions, fn func(s3store.Page) error) error {
	f.mu.Lock()
	var page s3store.Page
	for _, k := range slices.Sorted(maps.Keys(f.objects)) {
		if key, ok := strings.CutPrefix(k, bucket+"/"); ok && strings.HasPrefix(key, o.Prefix) {
			page.Objects = append(page.Objects, f.info(key, f.objects[k]).Object)
		}
	}
	f.mu.Unlock()
	return fn(page)
}

func (f *fakeStore) Head(_ context.Context, bucket, key string) (s3store.Info, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b, ok := f.objects[bucket+"/"+key]
	if !ok {
		return s3store.Info{}, fmt.Errorf("head %s: %w", key, s3store.ErrNotFound)
	}
	return f.info(key, b), nil
}

func (f *fakeStore) Get(_ context.Context, bucket, key string, o s3store.GetOptions) (io.ReadCloser, s3store.Info, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b, ok := f.objects[bucket+"/"+key]
	if !ok {
		return nil, s3store.Info{}, fmt.Errorf("get %s: %w", key, s3store.ErrNotFound)
	}
	info := f.info(key, b)
	if o.IfMatch != "" && o.IfMatch != info.ETag {
		return nil, s3store.Info{}, fmt.Errorf("get %s: %w", key, s3store.ErrPrecondition)
	}
	b = b[o.OffsetBytes:]
	if o.LengthBytes > 0 {
		b = b[:min(o.LengthBytes, int64(len(b)))]
	}
	info.SizeBytes = int64(len(b))
	return io.NopCloser(bytes.NewReader(b)), info, nil
}

func (f *fakeStore) ReadAll(ctx context.Context, bucket, key string, _ int64) ([]byte, s3store.Info, error) {
	body, info, err := f.Get(ctx, bucket, key, s3store.GetOptions{})
	if err != nil {
		return nil, info, err
	}
	b, err := io.ReadAll(body)
	return b, info, err
}

func (f *fakeStore) Put(_ context.Context, bucket, key string, body []byte, o s3store.PutOptions) (s3store.Info, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.objects[bucket+"/"+key]; ok && o.CreateOnly {
		return s3store.Info{Date: f.now}, fmt.Errorf("put %s: %w", key, s3store.ErrPrecondition)
	}
	f.objects[bucket+"/"+key] = bytes.Clone(body)
	return f.info(key, body), nil
}

func (f *fakeStore) Delete(_ context.Context, bucket, key, etag string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	b, ok := f.objects[bucket+"/"+key]
	if ok && etag != "" && etagOf(b) != etag {
		return fmt.Errorf("delete %s: %w", key, s3store.ErrPrecondition)
	}
	delete(f.objects, bucket+"/"+key)
	return nil
}

func (f *fakeStore) CreateUpload(_ context.Context, bucket, key string, _ s3store.Attributes) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next++
	id := fmt.Sprintf("upload-%d", f.next)
	f.uploads[id] = &fakeUpload{bucket: bucket, key: key, parts: map[int32][]byte{}, initiated: f.now}
	return id, nil
}

func (f *fakeStore) UploadPart(_ context.Context, _, key, id string, number int32, body []byte, crc64 uint64) (s3store.Part, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	u := f.uploads[id]
	if u == nil {
		return s3store.Part{}, fmt.Errorf("part of %s: %w", key, s3store.ErrNotFound)
	}
	if validate.CRC64(body) != crc64 {
		return s3store.Part{}, fmt.Errorf("part of %s: %w", key, s3store.ErrBadRequest)
	}
	u.parts[number] = bytes.Clone(body)
	return s3store.Part{Number: number, ETag: etagOf(body), SizeBytes: int64(len(body)), CRC64NVME: encodeCRC64(crc64)}, nil
}

func (f *fakeStore) CompleteUpload(_ context.Context, bucket, key, id string, parts []s3store.Part, crc string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	u := f.uploads[id]
	if u == nil || u.key != key {
		return "", fmt.Errorf("complete %s: %w", key, s3store.ErrNotFound)
	}
	if _, ok := f.objects[bucket+"/"+key]; ok {
		return "", fmt.Errorf("complete %s: %w", key, s3store.ErrPrecondition)
	}
	var body []byte
	for _, p := range parts {
		body = append(body, u.parts[p.Number]...)
	}
	if encodeCRC64(validate.CRC64(body)) != crc {
		return "", fmt.Errorf("complete %s: %w", key, s3store.ErrBadRequest)
	}
	delete(f.uploads, id)
	f.objects[bucket+"/"+key] = body
	return etagOf(body), nil
}

func (f *fakeStore) AbortUpload(_ context.Context, _, key, id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.uploads[id] == nil {
		return fmt.Errorf("abort %s: %w", key, s3store.ErrNotFound)
	}
	delete(f.uploads, id)
	return nil
}

func (f *fakeStore) ListUploads(_ context.Context, bucket, prefix string, fn func(s3store.Upload) error) error {
	f.mu.Lock()
	var open []s3store.Upload
	for id, u := range f.uploads {
		if u.bucket == bucket && strings.HasPrefix(u.key, prefix) {
			open = append(open, s3store.Upload{Key: u.key, ID: id, Initiated: u.initiated})
		}
	}
	f.mu.Unlock()
	for _, u := range open {
		if err := fn(u); err != nil {
			return err
		}
	}
	return nil
}

// clone copies the whole store, so that a test can go on twice from one state.
func (f *fakeStore) clone() *fakeStore {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := newFakeStore()
	c.now, c.next = f.now, f.next
	maps.Copy(c.objects, f.objects)
	for id, u := range f.uploads {
		v := *u
		v.parts = maps.Clone(u.parts)
		c.uploads[id] = &v
	}
	return c
}

var errInjected = errors.New("injected fault")

// fault says what happens at one call.
type fault int

const (
	killBefore fault = iota // the call and all later ones do not happen
	killAfter               // the call happens, but its answer is lost, and all later ones do not happen
	loseAnswer              // the call happens, its answer is lost; the run goes on
	refuseOnce              // the call does not happen; the run goes on
)

// faultyStore counts calls and fails at one of them.
type faultyStore struct {
	Store
	at   int
	kind fault

	mu    sync.Mutex
	calls int
	dead  bool
}

// call runs f unless the fault says otherwise.
func (s *faultyStore) call(f func() error) error {
	s.mu.Lock()
	if s.dead {
		s.mu.Unlock()
		return errInjected
	}
	s.calls++
	hit := s.calls == s.at
	s.dead = hit && (s.kind == killBefore || s.kind == killAfter)
	s.mu.Unlock()
	if hit && (s.kind == killBefore || s.kind == refuseOnce) {
		return errInjected
	}
	err := f()
	if hit {
		return errInjected
	}
	return err
}

func (s *faultyStore) List(ctx context.Context, bucket string, o s3store.ListOptions, fn func(s3store.Page) error) error {
	return s.call(func() error { return s.Store.List(ctx, bucket, o, fn) })
}

func (s *faultyStore) Head(ctx context.Context, bucket, key string) (info s3store.Info, err error) {
	err = s.call(func() (err error) { info, err = s.Store.Head(ctx, bucket, key); return err })
	return info, err
}

func (s *faultyStore) Get(ctx context.Context, bucket, key string, o s3store.GetOptions) (body io.ReadCloser, info s3store.Info, err error) {
	err = s.call(func() (err error) { body, info, err = s.Store.Get(ctx, bucket, key, o); return err })
	return body, info, err
}

func (s *faultyStore) ReadAll(ctx context.Context, bucket, key string, limit int64) (b []byte, info s3store.Info, err error) {
	err = s.call(func() (err error) { b, info, err = s.Store.ReadAll(ctx, bucket, key, limit); return err })
	return b, info, err
}

func (s *faultyStore) Put(ctx context.Context, bucket, key string, body []byte, o s3store.PutOptions) (info s3store.Info, err error) {
	err = s.call(func() (err error) { info, err = s.Store.Put(ctx, bucket, key, body, o); return err })
	return info, err
}

func (s *faultyStore) Delete(ctx context.Context, bucket, key, etag string) error {
	return s.call(func() error { return s.Store.Delete(ctx, bucket, key, etag) })
}

func (s *faultyStore) CreateUpload(ctx context.Context, bucket, key string, a s3store.Attributes) (id string, err error) {
	err = s.call(func() (err error) { id, err = s.Store.CreateUpload(ctx, bucket, key, a); return err })
	return id, err
}

func (s *faultyStore) UploadPart(ctx context.Context, bucket, key, id string, n int32, body []byte, crc uint64) (p s3store.Part, err error) {
	err = s.call(func() (err error) { p, err = s.Store.UploadPart(ctx, bucket, key, id, n, body, crc); return err })
	return p, err
}

func (s *faultyStore) CompleteUpload(ctx context.Context, bucket, key, id string, parts []s3store.Part, crc string) (etag string, err error) {
	err = s.call(func() (err error) { etag, err = s.Store.CompleteUpload(ctx, bucket, key, id, parts, crc); return err })
	return etag, err
}

func (s *faultyStore) AbortUpload(ctx context.Context, bucket, key, id string) error {
	return s.call(func() error { return s.Store.AbortUpload(ctx, bucket, key, id) })
}

func (s *faultyStore) ListUploads(ctx context.Context, bucket, prefix string, fn func(s3store.Upload) error) error {
	return s.call(func() error { return s.Store.ListUploads(ctx, bucket, prefix, fn) })
}
