package compactor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

// sampled is what a verification looked at, by key.
func sampled(t *testing.T, b *bucket, o Options, s Sample) (VerifySummary, []string) {
	t.Helper()
	var keys []string
	sum, err := VerifySample(context.Background(), b.store, o, s, func(v Verified) {
		if v.Err != nil {
			t.Errorf("%s: %v", v.Key, v.Err)
		}
		keys = append(keys, v.Key)
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(keys)
	return sum, keys
}

// TestVerifySample: a seed chooses the same outputs each time, another one
// others, a number is met exactly, and what is left out is counted.
func TestVerifySample(t *testing.T) {
	b := newBucket(t)
	var groups []string
	for i := range 12 {
		g := fmt.Sprintf("app/%02d/", i)
		b.fill(g, 3)
		groups = append(groups, g)
	}
	b.mustCompact(b.options(), groups...)
	o := b.options()
	all, keys := sampled(t, b, o, Sample{})
	if all.Groups != 12 || all.Outputs != 12 || all.OutputsSkipped != 0 || all.Members != 36 {
		t.Fatalf("all: %+v", all)
	}
	for _, s := range []Sample{{Count: 5, Seed: 7}, {Share: 0.4, Seed: 7}} {
		first, chosen := sampled(t, b, o, s)
		again, same := sampled(t, b, o, s)
		if !slices.Equal(chosen, same) || first != again {
			t.Errorf("%+v chose %v, then %v", s, chosen, same)
		}
		if len(chosen) == 0 || len(chosen) == len(keys) || first.Outputs+first.OutputsSkipped != 12 || first.Groups != 12 {
			t.Errorf("%+v: %+v", s, first)
		}
		if s.Count > 0 && len(chosen) != s.Count {
			t.Errorf("%d of %d outputs", len(chosen), s.Count)
		}
		seen := map[string]bool{}
		for seed := range uint64(40) {
			s.Seed = seed
			_, chosen := sampled(t, b, o, s)
			for _, k := range chosen {
				seen[k] = true
			}
		}
		if len(seen) != len(keys) {
			t.Errorf("40 seeds of %+v see only %d of %d outputs", s, len(seen), len(keys))
		}
	}
	for s, want := range map[Sample]int64{
		{Prefix: "app/0"}: 10, {Prefix: "app/11/"}: 1, {Prefix: "other/"}: 0,
		{Prefix: "app/0", Count: 3}: 3, {Count: 100}: 12, {Share: 1}: 12,
	} {
		if sum, _ := sampled(t, b, o, s); sum.Outputs != want {
			t.Errorf("%+v: %+v, want %d outputs", s, sum, want)
		}
	}
	o.Bucket = "another"
	if _, err := VerifySample(context.Background(), b.store, o, Sample{}, func(Verified) {}); !errors.Is(err, ErrUsage) {
		t.Errorf("another bucket: %v", err)
	}
}

func TestSharesAreWhatTheySay(t *testing.T) {
	for _, share := range []float64{0.01, 0.05, 0.5, 0.99} {
		s, n := Sample{Share: share, Seed: 3}, 0
		const all = 20_000
		for i := range all {
			if s.has(receipt.OutputRef{Bucket: "b", Key: fmt.Sprintf("app/%d.json.gz", i)}) {
				n++
			}
		}
		if got := float64(n) / all; got < share-0.01 || got > share+0.01 {
			t.Errorf("a share of %v took %v", share, got)
		}
	}
}

// cutting breaks the first bodies of outputs that are read, or refuses them.
type cutting struct {
	*s3store.Client
	cuts   atomic.Int64
	denied bool
}

func (c *cutting) Get(ctx context.Context, bucket, key string, o s3store.GetOptions) (io.ReadCloser, s3store.Info, error) {
	body, info, err := c.Client.Get(ctx, bucket, key, o)
	if err != nil || !strings.Contains(key, ".s3c-") {
		return body, info, err
	}
	if c.denied {
		_ = body.Close()
		return nil, info, fmt.Errorf("get %s: %w", key, s3store.ErrDenied)
	}
	if c.cuts.Add(-1) >= 0 {
		return struct {
			io.Reader
			io.Closer
		}{io.MultiReader(io.LimitReader(body, 20), broken{}), body}, info, nil
	}
	return body, info, nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// TestVerifyTellsUnreadFromBad: an answer that breaks off says nothing about
// the output; it is read again, and told as unread when that does not help.
func TestVerifyTellsUnreadFromBad(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 3)
	b.mustCompact(b.options(), "app/")
	for _, tt := range []struct {
		name   string
		cuts   int64
		denied bool
		unread int64
	}{
		{"breaks off twice", 2, false, 0},
		{"breaks off each time", 1000, false, 1},
		{"may not be read", 0, true, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &cutting{Client: b.store, denied: tt.denied}
			s.cuts.Store(tt.cuts)
			var last Verified
			sum, err := VerifySample(context.Background(), s, b.options(), Sample{}, func(v Verified) { last = v })
			if err != nil || sum.Outputs != 1 || sum.OutputsBad != 0 || sum.OutputsUnread != tt.unread {
				t.Errorf("%+v, %v", sum, err)
			}
			if last.Unread != (tt.unread > 0) || (last.Err != nil) != last.Unread {
				t.Errorf("%+v", last)
			}
		})
	}
}

// TestVerifyGoesOnPastABadLog: one group whose log can't be read does not keep the others from being looked at.
func TestVerifyGoesOnPastABadLog(t *testing.T) {
	b := newBucket(t)
	groups := []string{"a/", "b/", "c/"}
	for _, g := range groups {
		b.fill(g, 3)
	}
	b.mustCompact(b.options(), groups...)
	for key := range b.list("_s3compact/groups/") {
		b.put(key, []byte("no entry"))
		break
	}
	n := 0
	sum, err := Verify(context.Background(), b.store, b.options(), func(Verified) { n++ })
	if !errors.Is(err, receipt.ErrFormat) || n != 2 || sum.Outputs != 2 {
		t.Errorf("%d outputs were looked at: %+v, %v", n, sum, err)
	}
}
