package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3test"
	"github.com/s3compact/s3compact/internal/s3test/fault"
)

// variant is a kind of world: how the bucket is made and what the program is told.
type variant struct {
	name      string
	args      []string
	batch     bool // the endpoint enforces per-key ETags in DeleteObjects
	versioned bool
	dest      bool // outputs go to a bucket of their own
	keep      bool // and the originals stay
	padBytes  int  // that records of one group are made longer by, so that its output is large
	second    bool // it was compacted once, and has more objects since: outputs are absorbed
}

var variants = []variant{
	{name: "plain"},
	{name: "batch", batch: true},
	{name: "depth", args: []string{"--group-by", "depth=1"}},
	{name: "readback", args: []string{"--verify", "readback"}},
	{name: "versioned", versioned: true, batch: true},
	{name: "dest", dest: true},
	{name: "keep", dest: true, keep: true, args: []string{"--keep-originals"}},
	{name: "single", args: []string{"--gzip", "single"}},
	{name: "again", second: true, batch: true},
	{name: "again-large", second: true, padBytes: 700 << 10}, // an output that the server copies
}

// world is a bucket on the real server, and what is known of every record in it.
type world struct {
	variant
	t      testing.TB
	server *s3test.Server
	client *s3.Client // directly to the server
	bucket string
	dest   string

	mu        sync.Mutex        // guards what follows
	current   map[string]string // records that must be there exactly once, with the key that they were put under
	old       map[string]string // records of versions that the application replaced or removed: once at most
	joinable  map[string]string // ETags of the objects that must be joined in the end, by key
	untouched map[string]string // ETags of those that must stay
	mayStay   map[string]bool   // objects to be joined that a run was not allowed to read
	types     map[string]string // Content-Types by key
	changes   int               // objects written
	changed   bool              // sources were replaced, removed or added
}

// victim is the member that the application changes where none is at hand.
func (w *world) victim() string {
	if w.second {
		return "app/e-17.json.gz"
	}
	return "app/e-05.json.gz"
}

// newWorld fills a bucket: two groups to be joined, one of them in two classes
// of headers and with things that must be left alone, and a group with too few objects.
func newWorld(t testing.TB, v variant) *world {
	t.Helper()
	server := s3test.Start(t)
	w := &world{
		variant: v, t: t, server: server, client: server.Client(),
		current: map[string]string{}, old: map[string]string{}, joinable: map[string]string{}, untouched: map[string]string{}, types: map[string]string{}, mayStay: map[string]bool{},
	}
	if v.versioned {
		w.bucket = server.VersionedBucket(t)
	} else {
		w.bucket = server.Bucket(t)
	}
	if v.dest {
		w.dest = server.Bucket(t)
	}
	w.sources(0)
	for i := range 2 {
		key := fmt.Sprintf("few/e-%d.json.gz", i)
		w.source(key, "application/json")
		w.untouched[key] = w.joinable[key]
		delete(w.joinable, key)
	}
	bad := zipped(`{"bad":1}` + "\n")
	bad[len(bad)-6] ^= 1 // CRC-32
	w.stranger("app/bad.json.gz", bad)
	w.stranger("app/notes.txt", []byte("not to be joined\n"))
	w.stranger("app/_SUCCESS", nil)
	w.stranger("app/"+receipt.OutputName("copied", strings.Repeat("ab", 16), strings.Repeat("cd", 16), 1, ".json.gz"), zipped(`{"copied":1}`+"\n"))
	w.stranger("other.bin", []byte("not to be joined either"))
	if _, err := w.client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: &w.bucket, Key: aws.String("app/application.bin")}); err != nil {
		t.Fatal(err)
	}
	if v.second {
		p := w.proxy()
		if r := startWorker(t, server.Env(), p, w.command()...).wait(); r.code != exitRefused {
			t.Fatalf("the first compaction: exit %d, %s", r.code, tail(r.stderr))
		}
		w.sources(12)
	}
	return w
}

// sources puts the objects to be joined, numbered from first.
func (w *world) sources(first int) {
	for i := range 12 {
		w.source(fmt.Sprintf("app/e-%02d.json.gz", first+i), []string{"application/json", "application/x-ndjson"}[i%2])
	}
	for i := range 8 {
		w.source(fmt.Sprintf("web/2026/e-%02d.json.gz", first+i), "application/json")
	}
}

func zipped(text string) []byte {
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	_, _ = zw.Write([]byte(text)) // into memory
	_ = zw.Close()
	return b.Bytes()
}

// source puts an object to be joined. Some do not end with a newline, some have two gzip members.
func (w *world) source(key, contentType string) {
	w.changes++
	var lines []string
	for i := range 3 {
		lines = append(lines, fmt.Sprintf(`{"key":%q,"version":%d,"n":%d}`, key, w.changes, i))
	}
	zip := zipped
	if w.padBytes > 0 && strings.HasPrefix(key, "web/") {
		random := make([]byte, w.padBytes*3/4)
		_, _ = rand.NewChaCha8([32]byte{byte(w.changes)}).Read(random) // never fails
		lines = append(lines, fmt.Sprintf(`{"key":%q,"version":%d,"pad":%q}`, key, w.changes, base64.StdEncoding.EncodeToString(random)))
		zip = stored
	}
	body := zip(strings.Join(lines, "\n") + "\n")
	switch w.changes % 5 {
	case 1:
		body = zip(strings.Join(lines, "\n"))
	case 2:
		body = append(zip(lines[0][:5]), zip(lines[0][5:]+"\n"+strings.Join(lines[1:], "\n")+"\n")...)
	}
	etag, err := w.put(key, body, contentType)
	if err != nil {
		w.t.Errorf("put %s: %v", key, err)
		return
	}
	for _, line := range lines {
		w.current[line] = key
	}
	w.joinable[key], w.types[key] = etag, contentType
}

// stranger puts an object that must be left as it is.
func (w *world) stranger(key string, body []byte) {
	w.t.Helper()
	etag, err := w.put(key, body, "application/octet-stream")
	if err != nil {
		w.t.Fatal(err)
	}
	w.untouched[key] = etag
	if r, err := gunzip(body); err == nil {
		for _, line := range r {
			w.current[line] = key
		}
	}
}

func (w *world) put(key string, body []byte, contentType string) (etag string, err error) {
	out, err := w.client.PutObject(w.t.Context(), &s3.PutObjectInput{Bucket: &w.bucket, Key: &key, Body: bytes.NewReader(body), ContentType: &contentType, Metadata: map[string]string{"put": "by the application"}})
	if err != nil {
		return "", err
	}
	return strings.Trim(*out.ETag, `"`), nil
}

// denied says that a run was not allowed to read an object. It joins the others
// without it; what is then left may be too little to be worth joining.
func (w *world) denied(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mayStay[key] = true
}

// isSource says whether the key is that of an object to be joined.
func (w *world) isSource(key string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.joinable[key] != ""
}

// replaced is the application's new version of an object; removed is its end.
// An object that was joined already is put anew, or is gone: then the joined
// records stay. No request may be under way meanwhile.
func (w *world) replaced(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forget(key)
	w.source(key, "application/json")
	delete(w.joinable, key) // alone it stays
	w.changed = true
}

func (w *world) removed(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.forget(key) {
		return
	}
	delete(w.joinable, key)
	w.changed = true
	if _, err := w.client.DeleteObject(w.t.Context(), &s3.DeleteObjectInput{Bucket: &w.bucket, Key: &key}); err != nil {
		w.t.Errorf("delete %s: %v", key, err)
	}
}

func (w *world) added() {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := fmt.Sprintf("app/e-05-added-%d.json.gz", w.changes)
	w.source(key, "application/json")
	delete(w.joinable, key)
	w.changed = true
}

// forget makes the records of an object that is still there old ones.
func (w *world) forget(key string) (there bool) {
	h, err := w.client.HeadObject(w.t.Context(), &s3.HeadObjectInput{Bucket: &w.bucket, Key: &key})
	if err != nil || w.joinable[key] != "" && strings.Trim(*h.ETag, `"`) != w.joinable[key] {
		return err == nil
	}
	for r, k := range w.current {
		if k == key {
			w.old[r] = key
			delete(w.current, r)
		}
	}
	return true
}

// buckets are those that the program writes to.
func (w *world) buckets() []string {
	if w.variant.dest {
		return []string{w.bucket, w.dest}
	}
	return []string{w.bucket}
}

// command is the call of the program that compacts the world.
func (w *world) command(more ...string) []string {
	args := []string{"compact", "s3://" + w.bucket + "/", "--yes", "--min-age", "0s", "--min-objects", "3", "--output", "json", "--concurrency", "4"}
	if w.variant.dest {
		args = append(args, "--dest", "s3://"+w.dest+"/")
	}
	return slices.Concat(args, w.args, more)
}

// proxy is a way to the world's server that a test may disturb.
func (w *world) proxy() *fault.Proxy {
	w.t.Helper()
	p, err := fault.Start(w.server.Endpoint)
	if err != nil {
		w.t.Fatal(err)
	}
	if w.batch {
		p.EnforceETags(w.client)
	}
	w.t.Cleanup(func() {
		if err := p.Close(); err != nil {
			w.t.Error(err)
		}
	})
	return p
}
