package main

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test"
)

// TestObjectsLargerThanOnePart are published whole, replace only the object that
// was looked at, and leave nothing behind when they are not to be.
func TestObjectsLargerThanOnePart(t *testing.T) {
	server := s3test.Start(t)
	server.Setenv(t)
	ctx := t.Context()
	store, err := s3store.Open(ctx, s3store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	at := s3store.Location{Bucket: server.Bucket(t), Key: "plans/a.jsonl"}
	const part = 5 << 20
	written := func(size int) (*objectWriter, []byte) {
		t.Helper()
		content := make([]byte, size)
		source := rand.NewChaCha8([32]byte{byte(size)})
		_, _ = source.Read(content) // never fails
		o := &objectWriter{ctx: ctx, store: store, at: at, contentType: "application/x-ndjson", partBytes: part}
		for rest := content; len(rest) > 0; {
			n := min(len(rest), 1<<20+7)
			if _, err := o.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		return o, content
	}
	there := func(want []byte) (etag string) {
		t.Helper()
		got, info, err := store.ReadAll(ctx, at.Bucket, at.Key, 1<<30)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes are there, want %d; error %v", len(got), len(want), err)
		}
		return info.ETag
	}
	etag := ""
	for _, size := range []int{0, 1000, part, part + 1, 2 * part, 2*part + 1000, 10} {
		o, content := written(size)
		if etag != "" {
			if err := o.publish(""); !errors.Is(err, s3store.ErrPrecondition) {
				t.Fatalf("%d bytes over what is there: %v", size, err)
			}
		}
		if err := o.publish(etag); err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		etag = there(content)
	}
	before, _, err := store.ReadAll(ctx, at.Bucket, at.Key, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	o, _ := written(part + 1)
	if err := o.publish("00000000000000000000000000000000"); !errors.Is(err, s3store.ErrPrecondition) {
		t.Errorf("over an object with another ETag: %v", err)
	}
	there(before)
	o.abort()
	err = store.ListUploads(ctx, at.Bucket, "", func(u s3store.Upload) error {
		t.Errorf("the upload %s of %s is left", u.ID, u.Key)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
