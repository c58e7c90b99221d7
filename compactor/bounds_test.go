package compactor

import (
	"context"
	"fmt"
	"path"
	"runtime"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/internal/s3store"
)

// TestWaitingOutputsHoldNoBuffers: Outputs that wait for their commit hold no part buffers.
func TestWaitingOutputsHoldNoBuffers(t *testing.T) {
	b := newBucket(t)
	o := b.options()
	o.MemoryBytes = 128 << 20 // one group at a time, of at most 48 MiB of part buffers
	o.Selection.GroupBy.Depth = 1
	for p := range maxChunks {
		for i := range 2 {
			b.put(fmt.Sprintf("d/p=%02d/%d.json.gz", p, i), gz(record("d", p, i)))
		}
	}
	joined, sent := map[string]bool{}, false
	f := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		sent = sent || c.op == "part" && strings.HasPrefix(c.key, "d/")
		if c.op == "get" && strings.HasPrefix(c.key, "d/") && !sent {
			joined[path.Dir(c.key)] = true
		}
		return true, nil
	}}
	if _, _, err := b.compact(f, o, "d/"); err != nil {
		t.Fatal(err)
	}
	if len(joined) > maxClasses+1 {
		t.Errorf("%d outputs have a part buffer of 8 MiB each before the first is sent; the bound counts %d", len(joined), maxClasses)
	}
}

// TestBodiesCountWithTheirBuffers: The budget counts what a body really holds.
func TestBodiesCountWithTheirBuffers(t *testing.T) {
	b := newBucket(t)
	o := b.options()
	o.setDefaults()
	bud := newBudget(128<<20, 4)
	rd := newReader(b.store, b.name, o.Content, bud)
	b.put("d/big.json.gz", noise(1, 12<<20))
	b.put("d/small.json.gz", gz(record("d", 1, 1)))
	l := b.list("d/")
	big, small := l["d/big.json.gz"], l["d/small.json.gz"]
	var held []*member
	var counted, real int64
	for range 12 {
		m, err := rd.read(context.Background(), big)
		if err != nil {
			t.Fatal(err)
		}
		m.release() // joined
		s, err := rd.read(context.Background(), small)
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, s) // waits for its turn
		counted += holds(small)
		real += int64(cap(s.body))
	}
	runtime.KeepAlive(held)
	if real > 4<<20 {
		t.Errorf("the budget counts %d bytes, the bodies hold %d", counted, real)
	}
}

func TestManyLoneKeysDoNotHideOthers(t *testing.T) {
	p := newPlanner(64<<20, func(s3store.Object) bool { return true })
	for i := range maxMembers {
		p.add(s3store.Object{Key: fmt.Sprintf("a/p=%06d/x.gz", i), ETag: "e", SizeBytes: 10})
	}
	for i := range 50 {
		p.add(s3store.Object{Key: fmt.Sprintf("a/z=1/%d.gz", i), ETag: "e", SizeBytes: 10})
	}
	p.endAll()
	if len(p.ready) != 1 || len(p.ready[0].members) != 50 {
		t.Errorf("50 objects of one class can be joined, but the planner has %d chunks", len(p.ready))
	}
}

// TestSmallOutputIsOnePart: S3 takes no part below 5 MiB but the last, so that a
// second one would make the upload one that can never be completed.
func TestSmallOutputIsOnePart(t *testing.T) {
	for _, single := range []bool{false, true} {
		b := newBucket(t)
		for i := range 3 { // without a final newline, of two members each: what makes the output longest
			b.put(fmt.Sprintf("app/%d.json.gz", i), append(gz(record("app/", i, 1)), gzRaw(record("app/", i, 2))...))
		}
		o := b.options()
		o.Single = single
		b.mustCompact(o, "app/")
		out := b.entries("app/")[0].Outputs
		if len(out) != 1 || len(out[0].Parts) != 1 {
			t.Errorf("single %t: %d outputs, the first of %d parts", single, len(out), len(out[0].Parts))
		}
	}
}
