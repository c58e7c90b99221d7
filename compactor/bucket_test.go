package compactor

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test"
	"github.com/s3compact/s3compact/inventory"
	"github.com/s3compact/s3compact/validate"
)

// bucket is a bucket of its own on the real server.
type bucket struct {
	t     testing.TB
	name  string
	store *s3store.Client
}

func newBucket(t testing.TB) *bucket {
	t.Helper()
	server := s3test.Start(t)
	b := &bucket{t: t, name: server.Bucket(t)}
	b.store = openClient(t, server)
	return b
}

func openClient(t testing.TB, server *s3test.Server) *s3store.Client {
	t.Helper()
	for _, e := range server.Env() {
		name, value, _ := strings.Cut(e, "=")
		if tt, ok := t.(*testing.T); ok {
			tt.Setenv(name, value)
		}
	}
	c, err := s3store.Open(context.Background(), s3store.Options{Concurrency: 16, MaxAttempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (b *bucket) put(key string, body []byte) {
	b.t.Helper()
	if _, err := b.store.Put(context.Background(), b.name, key, body, s3store.PutOptions{}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bucket) get(key string) []byte {
	b.t.Helper()
	body, err := readAll(context.Background(), b.store, b.name, key)
	if err != nil {
		b.t.Fatal(err)
	}
	return body
}

func (b *bucket) list(prefix string) map[string]s3store.Object {
	b.t.Helper()
	all := map[string]s3store.Object{}
	err := b.store.List(context.Background(), b.name, s3store.ListOptions{Prefix: prefix}, func(p s3store.Page) error {
		for _, o := range p.Objects {
			all[o.Key] = o
		}
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return all
}

// records counts the lines of every readable gzip object outside the state.
func (b *bucket) records(prefix string) map[string]int {
	b.t.Helper()
	n := map[string]int{}
	for key := range b.list(prefix) {
		if hidden(key) || strings.HasSuffix(key, "/") {
			continue
		}
		text, err := gunzip(b.get(key))
		if err != nil {
			continue // a bad object: compared by its bytes
		}
		for _, line := range strings.Split(text, "\n") {
			if line != "" {
				n[line]++
			}
		}
	}
	return n
}

func gunzip(b []byte) (string, error) {
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(r)
	return string(text), err
}

func gz(lines ...string) []byte { return gzRaw(strings.Join(lines, "\n") + "\n") }

func gzRaw(text string) []byte {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := io.WriteString(w, text); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return buf.Bytes()
}

func record(group string, object, line int) string {
	return fmt.Sprintf(`{"group":%q,"object":%d,"line":%d}`, group, object, line)
}

// fill writes n good objects of two records each and returns their keys.
func (b *bucket) fill(group string, n int) []string {
	var keys []string
	for i := range n {
		key := fmt.Sprintf("%slog-%03d.json.gz", group, i)
		b.put(key, gz(record(group, i, 1), record(group, i, 2)))
		keys = append(keys, key)
	}
	return keys
}

func (b *bucket) options() Options {
	return Options{
		Bucket: b.name, State: DefaultState(b.name), Content: validate.ContentNDJSON, Tool: "test", SettleAfter: time.Millisecond,
		Selection:   inventory.Selection{SmallSizeBytes: 1 << 20, MinObjects: 2, Match: "*.gz", TargetSizeBytes: 64 << 20},
		Concurrency: 4,
	}
}

// compact runs and returns what was refused, by key or prefix.
func (b *bucket) compact(s Store, o Options, groups ...string) (Summary, map[string]string, error) {
	refused := map[string]string{}
	o.OnRefused = func(r Refused) { refused[r.Key+r.Prefix] = r.Reason }
	sum, err := Run(context.Background(), s, o, groups)
	return sum, refused, err
}

func (b *bucket) mustCompact(o Options, groups ...string) (Summary, map[string]string) {
	b.t.Helper()
	sum, refused, err := b.compact(b.store, o, groups...)
	if err != nil {
		b.t.Fatal(err)
	}
	return sum, refused
}

func (b *bucket) outputs(prefix string) []string {
	var keys []string
	for key := range b.list(prefix) {
		if _, _, ok := receipt.ParseOutputName(key); ok {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

func (b *bucket) uploads() (n int) {
	b.t.Helper()
	err := b.store.ListUploads(context.Background(), b.name, "", func(s3store.Upload) error { n++; return nil })
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

func sameRecords(t testing.TB, when string, want, got map[string]int) {
	t.Helper()
	if maps.Equal(want, got) {
		return
	}
	for r, n := range want {
		if got[r] != n {
			t.Errorf("%s: record %s is there %d times, want %d", when, r, got[r], n)
		}
	}
	for r, n := range got {
		if want[r] == 0 {
			t.Errorf("%s: record %s is there %d times, but never was", when, r, n)
		}
	}
	t.FailNow()
}

// call is one request to a store, as faults see it.
type call struct {
	op, bucket, key string
}

// faultyStore hands requests on, but asks before each whether it fails: sent
// says whether the request is carried out, err is what the caller is told.
type faultyStore struct {
	*s3store.Client
	mu     sync.Mutex
	calls  []call
	before func(n int, c call) (sent bool, err error)
}

var errLost = errors.New("the connection broke")

func (f *faultyStore) ask(op, bucket, key string) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := call{op, bucket, key}
	f.calls = append(f.calls, c)
	if f.before == nil {
		return true, nil
	}
	return f.before(len(f.calls)-1, c)
}

func (f *faultyStore) do(op, bucket, key string, send func() error) error {
	sent, fault := f.ask(op, bucket, key)
	var err error
	if sent {
		err = send()
	}
	if fault != nil {
		return fault
	}
	return err
}

func (f *faultyStore) List(ctx context.Context, bucket string, o s3store.ListOptions, fn func(s3store.Page) error) error {
	return f.do("list", bucket, o.Prefix, func() error { return f.Client.List(ctx, bucket, o, fn) })
}

func (f *faultyStore) Get(ctx context.Context, bucket, key string, o s3store.GetOptions) (body io.ReadCloser, info s3store.Info, err error) {
	err = f.do("get", bucket, key, func() error { body, info, err = f.Client.Get(ctx, bucket, key, o); return err })
	return body, info, err
}

func (f *faultyStore) Head(ctx context.Context, bucket, key string) (info s3store.Info, err error) {
	err = f.do("head", bucket, key, func() error { info, err = f.Client.Head(ctx, bucket, key); return err })
	return info, err
}

func (f *faultyStore) Probe(ctx context.Context, bucket, key string) (exists bool, date time.Time, err error) {
	err = f.do("probe", bucket, key, func() error { exists, date, err = f.Client.Probe(ctx, bucket, key); return err })
	return exists, date, err
}

func (f *faultyStore) Put(ctx context.Context, bucket, key string, b []byte, o s3store.PutOptions) (info s3store.Info, err error) {
	err = f.do("put", bucket, key, func() error { info, err = f.Client.Put(ctx, bucket, key, b, o); return err })
	return info, err
}

func (f *faultyStore) CreateUpload(ctx context.Context, bucket, key string, a s3store.Attributes) (id string, err error) {
	err = f.do("create", bucket, key, func() error { id, err = f.Client.CreateUpload(ctx, bucket, key, a); return err })
	return id, err
}

func (f *faultyStore) UploadPart(ctx context.Context, bucket, key, id string, n int32, b []byte, crc uint64) (p s3store.Part, err error) {
	err = f.do("part", bucket, key, func() error { p, err = f.Client.UploadPart(ctx, bucket, key, id, n, b, crc); return err })
	return p, err
}

func (f *faultyStore) CopyPart(ctx context.Context, bucket, key, id string, n int32, from s3store.CopySource) (p s3store.Part, err error) {
	err = f.do("copy", bucket, key, func() error { p, err = f.Client.CopyPart(ctx, bucket, key, id, n, from); return err })
	return p, err
}

func (f *faultyStore) Tagging(ctx context.Context, bucket, key string) (tags string, err error) {
	err = f.do("tags", bucket, key, func() error { tags, err = f.Client.Tagging(ctx, bucket, key); return err })
	return tags, err
}

func (f *faultyStore) CompleteUpload(ctx context.Context, bucket, key, id string, parts []s3store.Part, crc string) (etag string, err error) {
	err = f.do("complete", bucket, key, func() error { etag, err = f.Client.CompleteUpload(ctx, bucket, key, id, parts, crc); return err })
	return etag, err
}

func (f *faultyStore) AbortUpload(ctx context.Context, bucket, key, id string) error {
	return f.do("abort", bucket, key, func() error { return f.Client.AbortUpload(ctx, bucket, key, id) })
}

func (f *faultyStore) ListUploads(ctx context.Context, bucket, prefix string, fn func(s3store.Upload) error) error {
	return f.do("uploads", bucket, prefix, func() error { return f.Client.ListUploads(ctx, bucket, prefix, fn) })
}

func (f *faultyStore) Delete(ctx context.Context, bucket, key, etag string) error {
	return f.do("delete", bucket, key, func() error { return f.Client.Delete(ctx, bucket, key, etag) })
}

func (f *faultyStore) DeleteBatch(ctx context.Context, bucket string, keys []s3store.KeyETag) (errs []error, err error) {
	err = f.do("delete", bucket, keys[0].Key, func() error { errs, err = f.Client.DeleteBatch(ctx, bucket, keys); return err })
	return errs, err
}

// noise is a gzip object of about n bytes whose records differ by seed.
func noise(seed uint64, n int) []byte {
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), 7})
	var b strings.Builder
	raw := make([]byte, 3000)
	for b.Len() < n*4/3 {
		_, _ = r.Read(raw)
		fmt.Fprintf(&b, "{\"seed\":%d,\"n\":%d,\"x\":%q}\n", seed, b.Len(), base64.StdEncoding.EncodeToString(raw))
	}
	return gzRaw(b.String())
}

func (b *bucket) putAs(key, contentType string, body []byte) {
	b.t.Helper()
	_, err := b.store.Put(context.Background(), b.name, key, body, s3store.PutOptions{Attributes: s3store.Attributes{ContentType: contentType}})
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bucket) entries(group string) (all []*receipt.Entry) {
	b.t.Helper()
	layout, _, err := readLayout(context.Background(), b.store, DefaultState(b.name))
	if err != nil {
		b.t.Fatal(err)
	}
	st := newState(b.store, &Options{State: DefaultState(b.name)}, layout, 1)
	l, err := st.readLog(context.Background(), group)
	if err != nil {
		b.t.Fatal(err)
	}
	for n := 1; n <= l.head; n++ {
		e, err := st.readEntry(context.Background(), l.gid, n)
		if err != nil {
			b.t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// strict is S3: per-key ETags count in DeleteObjects, deletes of missing keys with If-Match are 404.
type strict struct{ *faultyStore }

func (s strict) DeleteBatch(ctx context.Context, bucket string, keys []s3store.KeyETag) ([]error, error) {
	errs := make([]error, len(keys))
	err := s.faultyStore.do("delete", bucket, keys[0].Key, func() error {
		for i, k := range keys {
			if k.ETag != "" {
				if _, err := s.Client.Head(ctx, bucket, k.Key); errors.Is(err, s3store.ErrNotFound) {
					errs[i] = err
					continue
				}
			}
			errs[i] = s.Client.Delete(ctx, bucket, k.Key, k.ETag)
		}
		return nil
	})
	return errs, err
}

// ageless is an endpoint that does not enforce the age of a signature.
type ageless struct{ *faultyStore }

func (a ageless) Delete(ctx context.Context, bucket, key, etag string) error {
	if strings.Contains(key, "canary") {
		ctx = context.WithoutCancel(context.Background())
	}
	return a.faultyStore.Delete(ctx, bucket, key, etag)
}
