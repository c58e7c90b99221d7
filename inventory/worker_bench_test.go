package inventory

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// benchBatches makes batches of rows of so many groups: keys of about 45 bytes,
// "00042/2026/10/03/edge-17-000123.json.gz", in order of the groups or in none.
func benchBatches(b *testing.B, w *worker, rows, groups int, sorted bool) []*batch {
	random := rand.New(rand.NewPCG(1, 2))
	var all []*batch
	for first := 0; first < rows; first += batchRows {
		in := &batch{rows: batchRows, first: int64(first), kinds: make([]uint16, batchRows)}
		codes := make([]uint16, batchRows)
		for i := range batchRows {
			g := random.IntN(groups)
			if sorted {
				g = (first + i) * groups / rows
			}
			in.keys = fmt.Appendf(in.keys, "%05d/2026/10/%02d/edge-%02d-%06d.json.gz", g, g%28, i%20, i)
			in.ends = append(in.ends, uint32(len(in.keys)))
			in.sizes = append(in.sizes, random.Int64N(200<<10))
			in.modified = append(in.modified, 1790000000000+random.Int64N(1e9))
			code, err := w.code(attrClass, []byte([]string{"STANDARD", "STANDARD", "STANDARD_IA"}[i%3]))
			if err != nil {
				b.Fatal(err)
			}
			codes[i] = code
		}
		var kinds []uint16
		in.kinds = nil
		if err := w.set(in, attrClass, codes, &kinds); err != nil {
			b.Fatal(err)
		}
		all = append(all, in)
	}
	return all
}

func BenchmarkWorker(b *testing.B) {
	for _, groups := range []int{500, 50_000} {
		for _, sorted := range []bool{true, false} {
			for _, by := range []string{"depth=1", "depth=3", "dir"} {
				for _, match := range []string{"*", "*.gz"} {
					b.Run(fmt.Sprintf("%d/sorted=%v/%s/%s", groups, sorted, by, match), func(b *testing.B) {
						sel := selection(func(s *Selection) { s.Match = match })
						var err error
						if sel.GroupBy, err = ParseGrouping(by); err != nil {
							b.Fatal(err)
						}
						w := newGroups(sel, "bucket", reportTime).worker()
						batches := benchBatches(b, w, max(2, groups/800)*batchRows, groups, sorted)
						b.ResetTimer()
						for i := range b.N {
							if err := w.add(batches[i%len(batches)]); err != nil {
								b.Fatal(err)
							}
						}
						b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batchRows, "ns/row")
					})
				}
			}
		}
	}
}
