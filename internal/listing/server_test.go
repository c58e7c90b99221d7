package listing

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test/slow"
)

// TestWalkOverAServer lists a real server, a little away, with names that order
// folders and files in other ways than keys.
func TestWalkOverAServer(t *testing.T) {
	var want []string
	for i := range 1500 {
		want = append(want, fmt.Sprintf("flat/räume +%%20 %05d.gz", i))
	}
	for d := range 40 {
		for i := range 50 {
			want = append(want, fmt.Sprintf("tree/%02d/&<%03d>", d, i))
		}
		for _, c := range []string{"-", " ", "!", ".", "0", "~", "ü"} {
			want = append(want, fmt.Sprintf("tree/%02d%sx", d, c))
		}
	}
	slices.Sort(want)
	endpoint := fromVersitygw(t, t.Setenv, want)
	proxy, err := slow.Start(endpoint, 2*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := proxy.Close(); err != nil {
			t.Error(err)
		}
	}()
	store, err := s3store.Open(t.Context(), s3store.Options{EndpointURL: proxy.Endpoint})
	if err != nil {
		t.Fatal(err)
	}
	for _, prefix := range []string{"", "tree/", "flat/", "nothing/"} {
		under := slices.DeleteFunc(slices.Clone(want), func(k string) bool { return len(k) < len(prefix) || k[:len(prefix)] != prefix })
		for _, concurrency := range []int{1, 16} {
			got, err := collect(t.Context(), store, prefix, concurrency)
			if err != nil || !slices.Equal(under, got) {
				t.Errorf("prefix %q, %d at once: error %v (-there +listed):\n%.2000s", prefix, concurrency, err, cmp.Diff(under, got))
			}
		}
	}
}
