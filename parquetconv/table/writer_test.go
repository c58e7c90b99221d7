package table

import (
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
)

func ioSection(f File) *io.SectionReader { return io.NewSectionReader(f, 0, f.SizeBytes) }

// TestRandom: whatever blocks are added, the files hold their rows in order.
func TestRandom(t *testing.T) {
	for seed := range uint64(24) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 7))
			o := Options{
				Schema: allTypes(), TempDir: t.TempDir(),
				Writers:           1 + rng.IntN(3),
				RowGroupBytes:     []int64{1, 20 << 10, 200 << 10, 0}[rng.IntN(4)],
				FileBytes:         []int64{1, 50 << 10, 0}[rng.IntN(3)],
				MaxOpenPartitions: []int{1, 3, 0}[rng.IntN(3)],
			}
			w := NewWriter(t.Context(), o)
			defer w.Close()
			w.budget.rows = []int64{1, 100 << 10, 1 << 30}[rng.IntN(3)]
			w.columns.dictionaryBytes = []int64{1 << 10, 20 << 10, 1 << 30}[rng.IntN(3)]
			var want expected
			partitions := []int{1, 2, 16, 100}[rng.IntN(4)]
			producers := []*producer{}
			for i := range 3 {
				producers = append(producers, &producer{rng: rng, number: i, schema: o.Schema, dicts: map[int]*producerDictionary{}, counts: make([]int, o.Schema.NumFields())})
			}
			for range 2 + rng.IntN(6) {
				b := producers[rng.IntN(3)].block(rng.IntN(400), partitions)
				want.add(b)
				if err := w.Add(b); err != nil {
					t.Fatal(err)
				}
			}
			files, err := w.Finish()
			if err != nil {
				t.Fatal(err)
			}
			want.check(t, files)
			t.Logf("%+v: %d files, %d spilled", o.RowGroupBytes, len(files), w.spill.size)
		})
	}
}
