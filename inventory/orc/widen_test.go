package orc

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/s3compact/s3compact/internal/orcwrite"
)

// TestRangesHoldTheirStrings changes each byte of the row index of a column of strings, uncompressed, where nothing else would
// show it. What is then said of a row group, if anything, still holds all of its strings: in files that are sorted, in some
// that are not, and in one of two sorted parts.
func TestRangesHoldTheirStrings(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 1))
	const rows, stride = 310, 50
	for _, c := range []struct {
		name   string
		rows   int
		change func(keys []string)
		narrow bool // ranges are narrower than that of the stripe
	}{
		{"sorted", rows, func(keys []string) { slices.Sort(keys) }, true},
		{"not sorted", rows, func([]string) {}, false},
		{"two sorted parts", rows, func(keys []string) { slices.Sort(keys[:rows/2]); slices.Sort(keys[rows/2:]) }, false},
		{"two row groups", 2 * stride, func(keys []string) {
			for i := range keys { // one behind the other, but for the first character
				keys[i] = fmt.Sprintf("%c/%03d", 'a'+i%2, i)
			}
		}, false},
	} {
		keys := make([]string, c.rows)
		for i := range keys {
			keys[i] = fmt.Sprintf("%c/%03d", 'a'+random.IntN(2), random.IntN(1000))
		}
		c.change(keys)
		var file bytes.Buffer
		w, err := orcwrite.NewWriter(&file, []orcwrite.Field{{Name: "key", Kind: orcwrite.String}}, orcwrite.Options{RowIndexStride: stride})
		if err == nil {
			err = w.WriteStripe(c.rows, []orcwrite.Column{{Strings: keys}})
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		b := file.Bytes()
		narrow, wrong := false, 0
		look := func(what string) error {
			r, err := openBytes(t, b).NewReader("key")
			if err != nil {
				t.Fatal(err)
			}
			groups := r.file.RowGroups(0)
			return r.Open(context.Background(), Span{0, 0, groups}, func(g RowGroup, _ []bool) {
				s := &g.Statistics[0]
				if !s.HasRange {
					return
				}
				narrow = narrow || s.Min[0] == s.Max[0]
				for _, key := range keys[g.FirstRow : g.FirstRow+g.Rows] {
					if key < string(s.Min) || key > string(s.Max) {
						wrong++
						if wrong < 4 {
							t.Errorf("%s, %s: row group %d is said to be from %q to %q, but has %q", c.name, what, g.Index, s.Min, s.Max, key)
						}
						return
					}
				}
			})
		}
		if err := look("unchanged"); err != nil || narrow != c.narrow {
			t.Errorf("%s: %v, row groups of one letter %v", c.name, err, narrow)
		}
		for at := range keyIndexBytes(t, b) {
			for _, mask := range []byte{1, 2, 3, 4, 8, 16, 32, 64, 128, 255} {
				b[at] ^= mask
				_ = look(fmt.Sprintf("byte %d ^ %d", at, mask)) // an error is as good
				b[at] ^= mask
			}
		}
	}
}

// keyIndexBytes yields the places of the row index of the first column of the first stripe.
func keyIndexBytes(t *testing.T, b []byte) func(func(int64) bool) {
	t.Helper()
	r, err := openBytes(t, b).NewReader("key")
	if err == nil {
		err = r.openStripe(0)
	}
	if err != nil {
		t.Fatal(err)
	}
	return func(yield func(int64) bool) {
		for _, s := range r.footer.streams {
			if s.kind != streamRowIndex || s.column != 1 {
				continue
			}
			for at := s.offsetBytes; at < s.offsetBytes+s.sizeBytes; at++ {
				if !yield(at) {
					return
				}
			}
		}
	}
}
