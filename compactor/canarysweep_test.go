package compactor

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test"
)

// TestCanariesAreSwept: what the canary of a killed run left goes after a day,
// and nothing that is not named like it.
func TestCanariesAreSwept(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 3)
	if _, _, err := b.compact(b.store, b.options(), "app/"); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	left, foreign := "_s3compact/canary/"+strings.Repeat("0f", 16)+"/1", "_s3compact/canary/notes/1"
	for _, key := range []string{left, foreign} {
		b.put(key, []byte("x"))
		if _, err := b.store.CreateUpload(ctx, b.name, key+"0", s3store.Attributes{}); err != nil {
			t.Fatal(err)
		}
	}
	check := func(when string, aborted int, want ...string) {
		t.Helper()
		n, err := Sweep(ctx, b.store, b.options(), []string{"app/"})
		if err != nil || n != aborted {
			t.Errorf("%s: %d uploads were aborted, %v; want %d", when, n, err, aborted)
		}
		var got []string
		for key := range b.list("_s3compact/canary/") {
			got = append(got, key)
		}
		err = b.store.ListUploads(ctx, b.name, "", func(u s3store.Upload) error {
			got = append(got, u.Key)
			return nil
		})
		if err != nil || len(got) != len(want) {
			t.Errorf("%s: there are %v, %v; want %v", when, got, err, want)
		}
	}
	check("at once", 0, left, foreign, left+"0", foreign+"0")
	server := s3test.Start(t)
	server.AgeObjects(t, b.name, "_s3compact/canary/", 25*time.Hour)
	server.AgeUploads(t, b.name, 25*time.Hour)
	check("after a day", 1, foreign, foreign+"0")
}
