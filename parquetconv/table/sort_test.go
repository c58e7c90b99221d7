package table

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// compareValues orders as Sort says, by the values themselves.
func compareValues(a, b any, descending bool) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	c := 0
	switch a := a.(type) {
	case string:
		c = bytes.Compare([]byte(a), []byte(b.(string)))
	case int64:
		c = compareOrdered(a, b.(int64))
	case float64:
		b := b.(float64)
		switch {
		case a != a && b != b:
		case a != a:
			c = 1
		case b != b:
			c = -1
		default:
			c = compareOrdered(a, b)
		}
	}
	if descending {
		return -c
	}
	return c
}

func compareOrdered[T int64 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// goValue is a value of a type that compareValues knows.
func goValue(t testing.TB, a arrow.Array, i int) any {
	if a.IsNull(i) {
		return nil
	}
	switch a := a.(type) {
	case *array.Dictionary:
		return goValue(t, a.Dictionary(), a.GetValueIndex(i))
	case *array.Boolean:
		if a.Value(i) {
			return int64(1)
		}
		return int64(0)
	case *array.Int32:
		return int64(a.Value(i))
	case *array.Int64:
		return a.Value(i)
	case *array.Date32:
		return int64(a.Value(i))
	case *array.Timestamp:
		return int64(a.Value(i))
	case *array.Float32:
		return float64(a.Value(i))
	case *array.Float64:
		return a.Value(i)
	case *array.Decimal128:
		return int64(a.Value(i).LowBits())
	}
	return textAt(a, i)
}

// TestSortBy: the rows of a partition are sorted through all its files, and
// equal ones stay as they came, however they were spilled.
func TestSortBy(t *testing.T) {
	s := allTypes()
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 3))
		var sorts []Sort
		for range 1 + rng.IntN(3) {
			column := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 13}[rng.IntN(12)]
			sorts = append(sorts, Sort{column, rng.IntN(2) == 0})
		}
		t.Run(fmt.Sprint(seed, sorts), func(t *testing.T) {
			o := Options{
				Schema: s, TempDir: t.TempDir(), SortBy: sorts, Writers: 2,
				RowGroupBytes: []int64{20 << 10, 0}[rng.IntN(2)],
				FileBytes:     []int64{20 << 10, 0}[rng.IntN(2)],
			}
			w := NewWriter(t.Context(), o)
			defer w.Close()
			w.budget.rows = []int64{1, 500 << 10, 1 << 30}[rng.IntN(3)]
			p := &producer{rng: rng, schema: s, dicts: map[int]*producerDictionary{}, counts: make([]int, s.NumFields())}
			var unsorted expected
			keys := map[string][][]any{}
			for range 8 {
				b := p.block(rng.IntN(300), 3)
				unsorted.add(b)
				for row, at := range b.Partition {
					var key []any
					for _, k := range sorts {
						key = append(key, goValue(t, b.Columns[k.Column], row))
					}
					keys[b.Partitions[at]] = append(keys[b.Partitions[at]], key)
				}
				if err := w.Add(b); err != nil {
					t.Fatal(err)
				}
			}
			want := expected{rows: map[string][]string{}, order: unsorted.order}
			for path, rows := range unsorted.rows {
				order := identity(len(rows))
				slices.SortStableFunc(order, func(a, b int32) int {
					for i, k := range sorts {
						if c := compareValues(keys[path][a][i], keys[path][b][i], k.Descending); c != 0 {
							return c
						}
					}
					return 0
				})
				for _, at := range order {
					want.rows[path] = append(want.rows[path], rows[at])
				}
			}
			files, err := w.Finish()
			if err != nil {
				t.Fatal(err)
			}
			want.check(t, files)
			got := open(t, files[0]).MetaData().RowGroups[0].SortingColumns
			if len(got) != len(sorts) || got[0].Descending != sorts[0].Descending || !got[0].NullsFirst {
				t.Errorf("sorting columns %v, want %v", got, sorts)
			}
		})
	}
}
