package compactor

import (
	"bytes"
	"context"
	"io"
	"strings"
	"time"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

// breach takes one guard away from a worker: it stands between the compactor
// and S3 and alters what one of them says. What is nil is as it should be.
type breach struct {
	Store
	k *worker

	put       func(key string, o *s3store.PutOptions)
	putBefore func(ctx context.Context, key string, body []byte)
	putAfter  func(key string, err error) error
	get       func(ctx context.Context, bucket, key string) ([]byte, bool) // instead of the object's bytes
	head      func(key string, i *s3store.Info, err error) error
	probe     func(key string, exists bool) bool
	page      func(prefix string, page int, p *s3store.Page)
	uploads   func(ctx context.Context, bucket string, u s3store.Upload)
	etag      func() string         // that a delete names
	errs      func(err error) error // of each key of a batch

	canaryDelete bool // the canary's delete with a wrong ETag seems to be refused

	pages int
	crcs  map[string]string           // by key, of what was completed
	sizes map[string]int64            // likewise
	parts map[string]map[int32][]byte // by upload
	keys  map[string]string           // of uploads, by key: the last
}

func breached(k *worker) *breach {
	return &breach{Store: k, k: k, crcs: map[string]string{}, sizes: map[string]int64{}, parts: map[string]map[int32][]byte{}, keys: map[string]string{}}
}

func isEntry(key string) bool {
	_, ok := receipt.EntryNumber(key)
	return ok && strings.Contains(key, "/groups/")
}

func isOutput(key string) bool {
	_, _, ok := receipt.ParseOutputName(key)
	return ok
}

func (b *breach) List(ctx context.Context, bucket string, o s3store.ListOptions, fn func(s3store.Page) error) error {
	return b.Store.List(ctx, bucket, o, func(p s3store.Page) error {
		if b.page != nil && b.k.s.w.place(callOf("list", bucket, o.Prefix)) == "group" {
			b.pages++
			b.page(o.Prefix, b.pages, &p)
		}
		return fn(p)
	})
}

func (b *breach) Get(ctx context.Context, bucket, key string, o s3store.GetOptions) (io.ReadCloser, s3store.Info, error) {
	r, i, err := b.Store.Get(ctx, bucket, key, o)
	if b.get != nil && err == nil {
		if body, ok := b.get(ctx, bucket, key); ok {
			return io.NopCloser(bytes.NewReader(body)), i, nil
		}
	}
	return r, i, err
}

func (b *breach) Head(ctx context.Context, bucket, key string) (s3store.Info, error) {
	i, err := b.Store.Head(ctx, bucket, key)
	if b.head != nil {
		err = b.head(key, &i, err)
	}
	return i, err
}

func (b *breach) Probe(ctx context.Context, bucket, key string) (bool, time.Time, error) {
	exists, date, err := b.Store.Probe(ctx, bucket, key)
	if b.probe != nil && err == nil {
		exists = b.probe(key, exists)
	}
	return exists, date, err
}

func (b *breach) Put(ctx context.Context, bucket, key string, body []byte, o s3store.PutOptions) (s3store.Info, error) {
	if b.put != nil {
		b.put(key, &o)
	}
	if b.putBefore != nil {
		b.putBefore(ctx, key, body)
	}
	i, err := b.Store.Put(ctx, bucket, key, body, o)
	if b.putAfter != nil {
		if err = b.putAfter(key, err); err == nil && i.ETag == "" {
			i.ETag = "0" // an answer that is believed has one
		}
	}
	return i, err
}

func (b *breach) UploadPart(ctx context.Context, bucket, key, id string, n int32, body []byte, crc uint64) (s3store.Part, error) {
	b.k.mu.Lock()
	if b.parts[key] == nil {
		b.parts[key] = map[int32][]byte{}
	}
	b.parts[key][n] = bytes.Clone(body)
	b.k.mu.Unlock()
	return b.Store.UploadPart(ctx, bucket, key, id, n, body, crc)
}

func (b *breach) CompleteUpload(ctx context.Context, bucket, key, id string, parts []s3store.Part, crc string) (string, error) {
	b.k.mu.Lock()
	b.crcs[key] = crc
	b.sizes[key] = 0
	for _, p := range parts {
		b.sizes[key] += p.SizeBytes
	}
	b.k.mu.Unlock()
	return b.Store.CompleteUpload(ctx, bucket, key, id, parts, crc)
}

// whole is what was uploaded for a key.
func (b *breach) whole(key string) []byte {
	b.k.mu.Lock()
	defer b.k.mu.Unlock()
	var all []byte
	for n := int32(1); b.parts[key][n] != nil; n++ {
		all = append(all, b.parts[key][n]...)
	}
	return all
}

func (b *breach) ListUploads(ctx context.Context, bucket, prefix string, fn func(s3store.Upload) error) error {
	return b.Store.ListUploads(ctx, bucket, prefix, func(u s3store.Upload) error {
		if b.uploads != nil {
			b.uploads(ctx, bucket, u)
		}
		return fn(u)
	})
}

func (b *breach) Delete(ctx context.Context, bucket, key, etag string) error {
	if b.etag != nil && !strings.Contains(key, "/canary/") {
		etag = b.etag()
	}
	if b.canaryDelete && etag == otherETag {
		return s3store.ErrPrecondition
	}
	return b.Store.Delete(ctx, bucket, key, etag)
}

func (b *breach) DeleteBatch(ctx context.Context, bucket string, keys []s3store.KeyETag) ([]error, error) {
	canary := strings.Contains(keys[0].Key, "/canary/")
	if b.etag != nil && !canary {
		keys = append([]s3store.KeyETag(nil), keys...)
		for i := range keys {
			keys[i].ETag = b.etag()
		}
	}
	errs, err := b.Store.DeleteBatch(ctx, bucket, keys)
	if b.errs != nil && !canary {
		for i := range errs {
			errs[i] = b.errs(errs[i])
		}
	}
	return errs, err
}

// believed makes every output look as it was meant to be.
func (b *breach) believed(key string, i *s3store.Info, err error) error {
	b.k.mu.Lock()
	defer b.k.mu.Unlock()
	if crc, ok := b.crcs[key]; ok && err == nil && i.CRC64NVME != "" {
		i.CRC64NVME, i.SizeBytes = crc, b.sizes[key]
	}
	return err
}
