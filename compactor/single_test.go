package compactor

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"maps"
	"testing"

	"github.com/s3compact/s3compact/internal/receipt"
)

// firstMember is what a reader sees that stops at the first gzip member's end.
func firstMember(t *testing.T, b []byte) string {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	r.Multistream(false)
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestSingleGzip: the output is one gzip member, proven in every way, and gives back each original byte for byte.
func TestSingleGzip(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 5)
	b.put("app/no-newline.json.gz", gzRaw(record("app/", 100, 1)))
	b.put("app/empty.json.gz", gzRaw(""))
	b.put("app/two.json.gz", append(gz(record("app/", 200, 1)), gzRaw(record("app/", 200, 2))...))
	b.put("app/large.json.gz", noise(7, holdBytes+1<<20)) // read twice
	originals := map[string][]byte{}
	for key := range b.list("app/") {
		originals[key] = b.get(key)
	}
	before := b.records("")
	o := b.options()
	o.Single, o.ReadBack, o.Selection.SmallSizeBytes, o.PartBytes = true, true, 0, 8<<20
	sum, refused := b.mustCompact(o, "app/")
	if sum.ObjectsIn != int64(len(originals)) || sum.Outputs != 1 || len(refused) != 0 {
		t.Fatalf("%+v, refused %v", sum, refused)
	}
	sameRecords(t, "compacted", before, b.records(""))
	output := b.get(b.outputs("app/")[0])
	if whole, err := gunzip(output); err != nil || whole != firstMember(t, output) {
		t.Errorf("the output is not one gzip member: %v", err)
	}
	verify(t, b, 1, 0)

	entries := b.entries("app/")
	e := entries[0]
	if e.Outputs[0].Gzip != receipt.SingleGzip {
		t.Errorf("the receipt says %+v", e.Outputs[0])
	}
	ref := entries[len(entries)-1].Live[0]
	for i := range e.Members {
		m := &e.Members[i]
		one := spans(ref, []*receipt.Member{m})[0]
		body, err := one.stream(context.Background(), b.store)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(body)
		_ = body.Close()
		if err != nil || !bytes.Equal(got, originals[m.Key]) {
			t.Errorf("%s comes back as %d bytes, not %d: %v", m.Key, len(got), len(originals[m.Key]), err)
		}
	}
	t.Run("another run", func(t *testing.T) {
		addDay(b, 3)
		before := b.records("")
		b.mustCompact(o, "app/")
		b.mustCompact(b.options(), "app/")
		sameRecords(t, "in the end", before, b.records(""))
		if n := len(b.outputs("app/")); n != 2 {
			t.Errorf("%d outputs: those of one gzip member stay as they are", n)
		}
		verify(t, b, 2, 0)
	})
	t.Run("restored", func(t *testing.T) {
		b.mustRestore(b.restoreOptions())
		got := map[string][]byte{}
		for key := range b.list("app/") {
			got[key] = b.get(key)
		}
		maps.DeleteFunc(got, func(key string, _ []byte) bool { return originals[key] == nil })
		if !maps.EqualFunc(got, originals, bytes.Equal) || len(b.outputs("app/")) != 0 {
			t.Errorf("%d of %d originals are back, outputs %v", len(got), len(originals), b.outputs("app/"))
		}
	})
}

// TestSingleGzipFindsDamage: every byte of such an output counts.
func TestSingleGzipFindsDamage(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 3)
	o := b.options()
	o.Single = true
	b.mustCompact(o, "app/")
	key := b.outputs("app/")[0]
	whole := b.get(key)
	for i := range whole {
		if i%7 != 0 && i != len(whole)-1 {
			continue
		}
		damaged := bytes.Clone(whole)
		damaged[i] ^= 0x10
		b.put(key, damaged)
		verify(t, b, 1, 1)
	}
	b.put(key, whole)
	verify(t, b, 1, 0)
}
