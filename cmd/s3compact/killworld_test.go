package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

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
	large     bool // an output of two parts
}

var variants = []variant{
	{name: "plain"},
	{name: "batch", batch: true},
	{name: "depth", args: []string{"--group-by", "depth=1"}},
	{name: "readback", args: []string{"--verify", "readback"}},
	{name: "versioned", versioned: true, batch: true},
	{name: "dest", dest: true},
	{name: "keep", dest: true, keep: true, args: []string{"--keep-originals"}},
	{name: "parts", large: true},
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
	changes   int
}

// victim is the member that the application changes.
const victim = "app/e-05.json.gz"

// newWorld fills a bucket: two groups to be joined, one of them in two classes
// of headers and with things that must be left alone, and a group with too few objects.
func newWorld(t testing.TB, v variant) *world {
	t.Helper()
	server := s3test.Start(t)
	w := &world{
		variant: v, t: t, server: server, client: server.Client(),
		current: map[string]string{}, old: map[string]string{}, joinable: map[string]string{}, untouched: map[string]string{},
	}
	if v.versioned {
		w.bucket = server.VersionedBucket(t)
	} else {
		w.bucket = server.Bucket(t)
	}
	if v.dest {
		w.dest = server.Bucket(t)
	}
	for i := range 12 {
		w.source(fmt.Sprintf("app/e-%02d.json.gz", i), []string{"application/json", "application/x-ndjson"}[i%2])
	}
	for i := range 8 {
		w.source(fmt.Sprintf("web/2026/e-%02d.json.gz", i), "application/json")
	}
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
	return w
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
	if w.large && strings.HasPrefix(key, "web/") { // bytes that gzip can't make smaller
		random := rand.New(rand.NewPCG(uint64(w.changes), 1))
		pad := make([]byte, 1<<20)
		for i := range pad {
			pad[i] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+-"[random.IntN(64)]
		}
		lines = append(lines, fmt.Sprintf(`{"key":%q,"version":%d,"pad":%q}`, key, w.changes, pad))
	}
	body := zipped(strings.Join(lines, "\n") + "\n")
	switch w.changes % 5 {
	case 1:
		body = zipped(strings.Join(lines, "\n"))
	case 2:
		body = append(zipped(lines[0][:5]), zipped(lines[0][5:]+"\n"+strings.Join(lines[1:], "\n")+"\n")...)
	}
	etag, err := w.put(key, body, contentType)
	if err != nil {
		w.t.Errorf("put %s: %v", key, err)
		return
	}
	for _, line := range lines {
		w.current[line] = key
	}
	w.joinable[key] = etag
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

// replaced is the application's new version of an object; removed is its end.
// An object that was joined already is put anew, or is gone: then the joined
// records stay. No request may be under way meanwhile.
func (w *world) replaced(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forget(key)
	w.source(key, "application/json")
	delete(w.joinable, key) // alone it stays
}

func (w *world) removed(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.forget(key) {
		return
	}
	delete(w.joinable, key)
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

func gunzip(body []byte) (lines []string, err error) {
	zr, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(zr)
	if err != nil {
		return nil, err
	}
	if len(text) == 0 {
		return nil, nil
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n"), nil
}

// objects lists a bucket: ETags by key.
func (w *world) objects(bucket string) map[string]string {
	w.t.Helper()
	all := map[string]string{}
	pages := s3.NewListObjectsV2Paginator(w.client, &s3.ListObjectsV2Input{Bucket: &bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		for _, o := range page.Contents {
			all[*o.Key] = strings.Trim(*o.ETag, `"`)
		}
	}
	return all
}

// hidden says whether engines skip the key: it is below the state.
func hiddenKey(key string) bool { return strings.HasPrefix(key, "_") }

// records reads a bucket as a user would: how often each record is there.
func (w *world) records(bucket string) map[string]int {
	w.t.Helper()
	seen := map[string]int{}
	for key := range w.objects(bucket) {
		if hiddenKey(key) || !strings.HasSuffix(key, ".gz") {
			continue
		}
		lines, err := gunzip(w.read(bucket, key))
		if err != nil {
			if w.untouched[key] == "" {
				w.t.Errorf("%s can't be read: %v", key, err)
			}
			continue
		}
		for _, line := range lines {
			seen[line]++
		}
	}
	return seen
}

func (w *world) read(bucket, key string) []byte {
	w.t.Helper()
	out, err := w.client.GetObject(w.t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		w.t.Fatal(err)
	}
	defer out.Body.Close()
	b, err := io.ReadAll(out.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// readable is where each record is, all buckets together.
func (w *world) readable() map[string]int {
	w.t.Helper()
	seen := w.records(w.bucket)
	if w.variant.dest {
		for r, n := range w.records(w.dest) {
			seen[r] += n
		}
	}
	return seen
}

// nothingLost says that each current record is there, and none was invented.
func (w *world) nothingLost(when string) {
	w.t.Helper()
	seen := w.readable()
	w.mu.Lock()
	defer w.mu.Unlock()
	for r, key := range w.current {
		if seen[r] == 0 {
			w.t.Errorf("%s: a record of %s is lost: %.80s", when, key, r)
		}
	}
	w.noneInvented(when, seen)
}

func (w *world) noneInvented(when string, seen map[string]int) {
	w.t.Helper()
	for r := range seen {
		if w.current[r] == "" && w.old[r] == "" {
			w.t.Errorf("%s: a record that nobody wrote: %.80s", when, r)
		}
	}
}

// exactlyOnce says that each current record is there once, and none of an older version more often.
func (w *world) exactlyOnce(when string) {
	w.t.Helper()
	check := func(seen map[string]int, all bool) {
		for r, key := range w.current {
			if n := seen[r]; n != 1 && (all || n > 1) {
				w.t.Errorf("%s: a record of %s is there %d times: %.80s", when, key, n, r)
			}
		}
		for r, key := range w.old {
			if n := seen[r]; n > 1 {
				w.t.Errorf("%s: a record of an older %s is there %d times: %.80s", when, key, n, r)
			}
		}
		w.noneInvented(when, seen)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.keep {
		check(w.readable(), true)
		return
	}
	check(w.records(w.bucket), true) // the originals
	joined := w.records(w.dest)
	check(joined, false)
	for r, key := range w.current {
		if w.joinable[key] != "" && joined[r] != 1 {
			w.t.Errorf("%s: a record of %s is in no output: %.80s", when, key, r)
		}
	}
}

// settledState says that everything is as after a run that nothing disturbed:
// all that should be joined is, nothing of the program is left but its outputs
// and its state, nothing of others was touched.
func (w *world) settledState(when string) (outputs int) {
	w.t.Helper()
	w.exactlyOnce(when)
	live := w.liveOutputs(when)
	there := w.objects(w.bucket)
	for key, etag := range w.untouched {
		if there[key] != etag {
			w.t.Errorf("%s: %s was touched: ETag %q, want %q", when, key, there[key], etag)
		}
	}
	for key, etag := range w.joinable {
		switch {
		case w.keep && there[key] != etag:
			w.t.Errorf("%s: %s was to be kept: ETag %q, want %q", when, key, there[key], etag)
		case !w.keep && there[key] != "":
			w.t.Errorf("%s: %s was not joined", when, key)
		}
	}
	if w.variant.dest {
		there = w.objects(w.dest)
	}
	for key, etag := range live {
		if there[key] != etag {
			w.t.Errorf("%s: output %s has the ETag %q, its log says %q", when, key, there[key], etag)
		}
	}
	for key := range there {
		if _, _, ours := receipt.ParseOutputName(key); ours && live[key] == "" && w.untouched[key] == "" {
			w.t.Errorf("%s: output %s is left over: no log names it", when, key)
		}
	}
	return len(live)
}

// liveOutputs reads every group's log to its end: ETags of the outputs by key.
func (w *world) liveOutputs(when string) map[string]string {
	w.t.Helper()
	heads := map[string]string{} // key of the last entry by log
	numbers := map[string]int{}
	for key := range w.objects(w.bucket) {
		n, isEntry := receipt.EntryNumber(key)
		log, _, _ := strings.Cut(strings.TrimPrefix(key, "_s3compact/groups/"), "/")
		if !strings.HasPrefix(key, "_s3compact/groups/") || !isEntry {
			continue
		}
		heads[log] = max(heads[log], key)
		numbers[log] = max(numbers[log], n)
	}
	live := map[string]string{}
	for log, key := range heads {
		e, err := receipt.Decode(bytes.NewReader(w.read(w.bucket, key)))
		if err != nil {
			w.t.Fatal(err)
		}
		if e.Number != numbers[log] || !e.Free() {
			w.t.Errorf("%s: the log of %q ends in entry %d, %q", when, e.Group, e.Number, e.Kind)
		}
		for _, o := range e.Live {
			live[o.Key] = o.ETag
		}
		for _, o := range e.Dead {
			w.t.Errorf("%s: the log of %q still names a dead output %s", when, e.Group, o.Key)
		}
	}
	return live
}

// ownUploads are the open uploads of the program.
func (w *world) ownUploads() (ours []string) {
	w.t.Helper()
	strangers := 0
	for _, bucket := range w.buckets() {
		out, err := w.client.ListMultipartUploads(w.t.Context(), &s3.ListMultipartUploadsInput{Bucket: &bucket})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, u := range out.Uploads {
			if *u.Key == "app/application.bin" {
				strangers++
				continue
			}
			ours = append(ours, *u.Key)
		}
	}
	if strangers != 1 {
		w.t.Errorf("the application's own upload is gone")
	}
	slices.Sort(ours)
	return ours
}

const canaryPrefix = "_s3compact/canary/"

// canaries are the objects by which a run asked what the server enforces, and that it did not remove.
func (w *world) canaries() (left []string) {
	w.t.Helper()
	for _, bucket := range w.buckets() {
		for key := range w.objects(bucket) {
			if strings.HasPrefix(key, canaryPrefix) {
				left = append(left, key)
			}
		}
	}
	return left
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

// maxReruns bounds the runs without faults that it may take until all is done.
const maxReruns = 5

// rerun runs the program without faults until it says that all is done. Where
// an entry has to settle first, it says that it is alone, as an operator does
// who knows so and does not want to wait for 17 minutes.
func (w *world) rerun(p *fault.Proxy) {
	w.t.Helper()
	p.Clear()
	var more []string
	var r result
	for range maxReruns {
		before := len(p.Requests())
		r = startWorker(w.t, w.server.Env(), p, w.command(more...)...).wait()
		if n := len(p.Requests()) - before; n > maxRequests {
			w.t.Errorf("a rerun sent %d requests", n)
		}
		switch r.code {
		case exitDone, exitRefused:
			return
		case exitResumable:
			more = []string{"--assume-alone"}
		default:
			w.t.Fatalf("the rerun: exit %d, %s", r.code, tail(r.stderr))
		}
	}
	w.t.Fatalf("%d reruns are not enough: exit %d, %s", maxReruns, r.code, tail(r.stderr))
}

// maxRequests is more than any run here needs, disturbed or not.
const maxRequests = 1500

// finish runs without faults until all is done, lets a day pass for uploads
// that were left, and checks what there is then.
func (w *world) finish(p *fault.Proxy) {
	w.t.Helper()
	w.rerun(p)
	if left := append(w.ownUploads(), w.canaries()...); len(left) > 0 {
		for _, bucket := range w.buckets() {
			w.server.AgeUploads(w.t, bucket, 25*time.Hour)
			w.server.AgeObjects(w.t, bucket, canaryPrefix, 25*time.Hour)
		}
		w.rerun(p)
		if left := append(w.ownUploads(), w.canaries()...); len(left) > 0 {
			w.t.Errorf("uploads and canaries are left after a day: %v", left)
		}
	}
	outputs := w.settledState("after the reruns")
	verified := startWorker(w.t, w.server.Env(), p, "verify", "--state", "s3://"+w.bucket+"/_s3compact/", "--output", "json").wait()
	if verified.code != exitDone || int(verified.summary(w.t.(*testing.T))["outputs"].(float64)) != outputs {
		w.t.Errorf("verify: exit %d, %s %s; want %d outputs", verified.code, verified.stdout, tail(verified.stderr), outputs)
	}
}
