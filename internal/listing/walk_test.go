package listing

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/s3compact/s3compact/internal/s3store"
)

// collect lists with Walk and returns the keys in order.
func collect(ctx context.Context, l Lister, prefix string, concurrency int) ([]string, error) {
	var mu sync.Mutex
	var keys []string
	err := Walk(ctx, l, "bucket", prefix, concurrency, func(_ int, objects []s3store.Object) error {
		mu.Lock()
		defer mu.Unlock()
		for _, o := range objects {
			keys = append(keys, o.Key)
		}
		return nil
	})
	slices.Sort(keys)
	return keys, err
}

// uuid is the text of a random UUID.
func uuid(r *rand.Rand) string {
	a, b := r.Uint64(), r.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>52, b&0xffffffffffff)
}

// shapes are buckets of 100,000 keys or so.
var shapes = []struct {
	name  string
	keys  func() []string
	least float64 // how many times as fast as a serial listing at 20 ms a request
}{
	{"200 directories of 500", func() (keys []string) {
		for d := range 200 {
			for i := range 500 {
				keys = append(keys, fmt.Sprintf("data/dir-%03d/part-%05d.json.gz", d, i))
			}
		}
		return keys
	}, 8},
	{"flat, day and UUID", func() (keys []string) {
		r := rand.New(rand.NewPCG(1, 2))
		for i := range 100_000 {
			keys = append(keys, fmt.Sprintf("logs/%s-%s.json.gz", time.Date(2026, 1, 1+i/1000, 0, 0, 0, 0, time.UTC).Format("2006-01-02"), uuid(r)))
		}
		return keys
	}, 8},
	{"flat, UUID", func() (keys []string) {
		r := rand.New(rand.NewPCG(1, 3))
		for range 100_000 {
			keys = append(keys, uuid(r)+".gz")
		}
		return keys
	}, 8},
	{"flat, counter", func() (keys []string) {
		for i := range 100_000 {
			keys = append(keys, fmt.Sprintf("log-%08d", i))
		}
		return keys
	}, 8},
	{"flat, counter without zeros", func() (keys []string) {
		for i := range 100_000 {
			keys = append(keys, fmt.Sprint("log-", i))
		}
		return keys
	}, 8},
	{"flat, time in milliseconds", func() (keys []string) {
		for i := range 100_000 {
			keys = append(keys, fmt.Sprint(1790000000000+int64(i)*7919, ".json"))
		}
		return keys
	}, 8},
	{"flat, words", func() (keys []string) {
		r := rand.New(rand.NewPCG(1, 4))
		for i := range 100_000 {
			word := make([]byte, 3+r.IntN(8))
			for j := range word {
				word[j] = "etaoinshrdlucmfwypvbgkjqxz"[min(r.IntN(26), r.IntN(26))]
			}
			keys = append(keys, fmt.Sprintf("%s_%d.txt", word, i))
		}
		return keys
	}, 8},
	{"year, month, day, hour", func() (keys []string) {
		r := rand.New(rand.NewPCG(1, 5))
		for i := range 100_000 {
			at := time.Date(2025, 11, 1, i/100, 0, 0, 0, time.UTC)
			keys = append(keys, fmt.Sprintf("AWSLogs/123456789012/vpcflowlogs/eu-west-1/%s/%s.log.gz", at.Format("2006/01/02/15"), uuid(r)))
		}
		return keys
	}, 8},
	{"100,000 directories of one", func() (keys []string) {
		r := rand.New(rand.NewPCG(1, 6))
		for range 100_000 {
			keys = append(keys, "sessions/"+uuid(r)+"/events.json")
		}
		return keys
	}, 8},
	{"one directory of nearly all among small ones", func() (keys []string) {
		for d := range 300 {
			for i := range 10 {
				keys = append(keys, fmt.Sprintf("tenants/t%03d/x%02d", d, i))
			}
		}
		for i := range 97_000 {
			keys = append(keys, fmt.Sprintf("tenants/t217/y%06d", i))
		}
		return keys
	}, 6},
}

// TestWalkIsFasterThanASerialListing measures in the time of a synctest bubble,
// in which nothing but the waits for answers takes time.
func TestWalkIsFasterThanASerialListing(t *testing.T) {
	for _, tc := range shapes {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				measure := func(concurrency int) (keys []string, requests int, d time.Duration) {
					f := newFake(1000, tc.keys())
					f.latency = 20 * time.Millisecond
					start := time.Now()
					keys, err := collect(t.Context(), f, "", concurrency)
					if err != nil {
						t.Fatal(err)
					}
					if f.most > concurrency {
						t.Errorf("%d requests at once, of %d", f.most, concurrency)
					}
					return keys, f.requests, time.Since(start)
				}
				want, serial, slow := measure(1)
				got, parallel, fast := measure(32)
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("(-serial +parallel):\n%.2000s", d)
				}
				factor := float64(slow) / float64(fast)
				t.Logf("%d requests one after the other, %d in %.0f rounds: %.1f times as fast", serial, parallel, fast.Seconds()*50, factor)
				if factor < tc.least {
					t.Errorf("%.1f times as fast, want %.0f", factor, tc.least)
				}
				if most := serial*3/2 + 32 + 32 + allowedRequests; parallel > most {
					t.Errorf("%d requests, at most %d are allowed", parallel, most)
				}
			})
		})
	}
}

// hostile are pieces that keys are made of at random.
var hostile = []string{"/", "/", "/", "//", ".", "-", "0", "1", "9", "a", "b", "f", "z", "A", "Z", "+", "%", "%2F", " ", "\n", "\x01", "\x7f", "&", "<", "\"", "ü", "日", "本", "\u07ff", "\ufffd", "\uffff", "😀", "\U0010ffff", "log-", "2026-01-0", "~"}

func randomKeys(r *rand.Rand) []string {
	keys := make([]string, 0, 400)
	pieces := make([]string, 2+r.IntN(6))
	for i := range pieces {
		pieces[i] = hostile[r.IntN(len(hostile))]
	}
	for range 1 + r.IntN(400) {
		key := ""
		for range 1 + r.IntN(10) {
			key += pieces[r.IntN(len(pieces))]
		}
		keys = append(keys, key)
		if r.IntN(10) == 0 { // a key that others begin with, a folder marker
			keys = append(keys, key[:1+r.IntN(len(key))])
			keys = append(keys, key+"/")
		}
	}
	for i, k := range keys {
		keys[i] = strings.ToValidUTF8(k, "?")
	}
	return keys
}

// TestWalkSeesEachKeyOnce holds walks against serial listings, on many buckets.
func TestWalkSeesEachKeyOnce(t *testing.T) {
	prefixes := []string{"", "", "", "a/", "/", "日/", "0/", "nothing/"}
	for seed := range 3000 {
		r := rand.New(rand.NewPCG(uint64(seed), 1))
		keys := randomKeys(r)
		pageKeys, concurrency, prefix := 1+r.IntN(9), 2+r.IntN(31), prefixes[r.IntN(len(prefixes))]
		want, err := collect(t.Context(), newFake(pageKeys, keys), prefix, 1)
		if err != nil {
			t.Fatal(err)
		}
		f := newFake(pageKeys, keys)
		got, err := collect(t.Context(), f, prefix, concurrency)
		if err != nil || !slices.Equal(want, got) {
			t.Fatalf("seed %d, pages of %d, %d workers, prefix %q: error %v (-serial +parallel):\n%s", seed, pageKeys, concurrency, prefix, err, cmp.Diff(want, got))
		}
		if most := len(want)*3/(2*pageKeys) + 3 + 2*concurrency + allowedRequests; f.requests > most {
			t.Errorf("seed %d: %d requests for %d keys in pages of %d by %d workers, at most %d are allowed", seed, f.requests, len(want), pageKeys, concurrency, most)
		}
	}
}

// TestWalkWhileKeysChange: what is there all the time is seen once, the rest at
// most once.
func TestWalkWhileKeysChange(t *testing.T) {
	for seed := range 500 {
		r := rand.New(rand.NewPCG(uint64(seed), 2))
		steady := randomKeys(r)
		others := randomKeys(r)
		isSteady := map[string]bool{}
		for _, k := range steady {
			isSteady[k] = true
		}
		f := newFake(1+r.IntN(9), steady)
		f.each = func(int) error {
			for range 5 {
				if k := others[r.IntN(len(others))]; !isSteady[k] {
					if r.IntN(2) == 0 {
						f.put(k)
					} else {
						f.remove(k)
					}
				}
			}
			return nil
		}
		got, err := collect(t.Context(), f, "", 8)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(slices.Compact(slices.Clone(got))); n != len(got) {
			t.Fatalf("seed %d: %d keys were seen twice", seed, len(got)-n)
		}
		for k := range isSteady {
			if _, found := slices.BinarySearch(got, k); !found {
				t.Fatalf("seed %d: %q was not seen", seed, k)
			}
		}
	}
}

func TestWalkOfDeepDirectories(t *testing.T) {
	var keys []string
	for depth := range 500 {
		keys = append(keys, strings.Repeat("d/", depth)+"x", strings.Repeat("d/", depth)+"y", strings.Repeat("d/", depth))
	}
	keys = slices.DeleteFunc(keys, func(k string) bool { return k == "" })
	f := newFake(10, keys)
	got, err := collect(t.Context(), f, "", 16)
	slices.Sort(keys)
	if err != nil || !slices.Equal(keys, got) {
		t.Errorf("error %v (-want +got):\n%.2000s", err, cmp.Diff(keys, got))
	}
}

func TestWalkFails(t *testing.T) {
	broken := errors.New("the server fell over")
	keys := shapes[0].keys()
	for _, at := range []int{1, 2, 3, 10, 50, 100} {
		f := newFake(1000, keys)
		f.each = func(request int) error {
			if request == at {
				return broken
			}
			return nil
		}
		for _, concurrency := range []int{1, 2, 32} {
			f.requests = 0
			if _, err := collect(t.Context(), f, "", concurrency); !errors.Is(err, broken) {
				t.Errorf("request %d of %d workers failed: error %v", at, concurrency, err)
			}
		}
	}
	calls := 0
	err := Walk(t.Context(), newFake(1000, keys), "bucket", "", 2, func(int, []s3store.Object) error { calls++; return broken })
	if !errors.Is(err, broken) || calls != 1 {
		t.Errorf("page failed: %d calls, error %v", calls, err)
	}
}

func TestWalkIsCancelled(t *testing.T) {
	stop := errors.New("told to stop")
	for _, concurrency := range []int{1, 2, 32} {
		ctx, cancel := context.WithCancelCause(t.Context())
		f := newFake(1000, shapes[0].keys())
		f.each = func(request int) error {
			if request == 20 {
				cancel(stop)
			}
			return nil
		}
		if _, err := collect(ctx, f, "", concurrency); !errors.Is(err, stop) {
			t.Errorf("%d workers: error %v", concurrency, err)
		}
		cancel(nil)
	}
}

// inOrderOf lists in an order of its own.
type inOrderOf []string

func (l inOrderOf) List(_ context.Context, _ string, _ s3store.ListOptions, fn func(s3store.Page) error) error {
	var p s3store.Page
	for _, k := range l {
		p.Objects = append(p.Objects, s3store.Object{Key: k})
	}
	return fn(p)
}

func TestWalkNeedsOrder(t *testing.T) {
	for _, keys := range [][]string{{"a/x", "a-"}, {"b", "b"}, {"b/c", "a"}} {
		_, err := collect(t.Context(), inOrderOf(keys), "", 2)
		if err == nil || !strings.Contains(err.Error(), "--concurrency 1") {
			t.Errorf("%q: error %v", keys, err)
		}
		if got, err := collect(t.Context(), inOrderOf(keys), "", 1); err != nil || len(got) != len(keys) {
			t.Errorf("%q, one worker: %q, %v", keys, got, err)
		}
		n := 0
		err = Walk(t.Context(), inOrderOf(keys), "bucket--usw2-az1--x-s3", "", 8, func(worker int, o []s3store.Object) error { n += len(o) - worker; return nil })
		if err != nil || n != len(keys) {
			t.Errorf("%q, directory bucket: %d keys, %v", keys, n, err)
		}
	}
}
