package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3test/fault"
)

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
		if w.joinable[key] != "" && !w.mayStay[key] && joined[r] != 1 {
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
		case !w.keep && there[key] != "" && (!w.mayStay[key] || there[key] != etag):
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

// entries are those of every group's log, in their order.
func (w *world) entries() (all []*receipt.Entry) {
	w.t.Helper()
	for _, key := range slices.Sorted(maps.Keys(w.objects(w.bucket))) {
		if _, isEntry := receipt.EntryNumber(key); !isEntry || !strings.HasPrefix(key, "_s3compact/groups/") {
			continue
		}
		e, err := receipt.Decode(bytes.NewReader(w.read(w.bucket, key)))
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// liveOutputs reads every group's log to its end: ETags of the outputs by key.
func (w *world) liveOutputs(when string) map[string]string {
	w.t.Helper()
	heads := map[string]*receipt.Entry{}
	for _, e := range w.entries() {
		heads[e.Group] = e
	}
	live := map[string]string{}
	for group, e := range heads {
		if !e.Free() {
			w.t.Errorf("%s: the log of %q ends in entry %d, %q", when, group, e.Number, e.Kind)
		}
		for _, o := range e.Live {
			live[o.Key] = o.ETag
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
// that were left, and checks what there is then,
// and puts the originals back.
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
	w.restored(p)
}

// restored puts all originals back, as somebody who wants to be rid of it all,
// and compares them with what the application wrote.
func (w *world) restored(p *fault.Proxy) {
	w.t.Helper()
	if w.keep || w.versioned { // nothing was deleted; the server takes no create-only PUT over a delete marker, as S3 does
		return
	}
	// Nobody else is at work, so nothing has to settle.
	r := startWorker(w.t, w.server.Env(), p, "restore", "s3://"+w.bucket+"/", "--yes", "--assume-alone", "--output", "json").wait()
	w.nothingLost("after a restore")
	if w.changed {
		return // what was replaced is not overwritten, so the outputs that hold an older version stay
	}
	if r.code != exitDone {
		w.t.Errorf("restore: exit %d, %s", r.code, tail(r.stderr))
	}
	for key, etag := range w.joinable {
		h, err := w.client.HeadObject(w.t.Context(), &s3.HeadObjectInput{Bucket: &w.bucket, Key: &key})
		if err != nil {
			w.t.Errorf("%s was not put back: %v", key, err)
			continue
		}
		if strings.Trim(*h.ETag, `"`) != etag || *h.ContentType != w.types[key] || h.Metadata["put"] != "by the application" {
			w.t.Errorf("%s came back with the ETag %s (was %s), Content-Type %s (%s), metadata %v", key, *h.ETag, etag, *h.ContentType, w.types[key], h.Metadata)
		}
	}
	if live := w.liveOutputs("after a restore"); len(live) > 0 {
		w.t.Errorf("after a restore the logs name outputs: %v", live)
	}
	for _, bucket := range w.buckets() {
		for key := range w.objects(bucket) {
			if _, _, ours := receipt.ParseOutputName(key); ours && w.untouched[key] == "" {
				w.t.Errorf("after a restore the output %s is still there", key)
			}
		}
	}
	w.exactlyOnce("after a restore")
}
