package jobs

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// randomWork has the shape of a real plan: a few heavy groups, many light ones.
func randomWork(seed uint64, n int) []Work {
	r := rand.New(rand.NewPCG(seed, 1))
	work := make([]Work, n)
	for i := range work {
		objects := int64(8 + 1000*r.ExpFloat64()*r.ExpFloat64())
		work[i] = Work{fmt.Sprintf("p%06d/", i), objects, objects * (1000 + r.Int64N(80_000))}
	}
	return work
}

func split(t *testing.T, work []Work, n int) [][]int {
	t.Helper()
	shards, err := Split(work, n)
	if err != nil {
		t.Fatal(err)
	}
	return shards
}

func TestSplitIsAPartition(t *testing.T) {
	for _, c := range []struct{ pieces, shards int }{{0, 1}, {0, 5}, {1, 1}, {1, 4}, {3, 4}, {100, 7}, {5000, 64}, {2000, 10_000}} {
		seen := make([]int, c.pieces)
		shards := split(t, randomWork(1, c.pieces), c.shards)
		if len(shards) != c.shards {
			t.Fatalf("%v: got %d shards", c, len(shards))
		}
		for _, s := range shards {
			if !slices.IsSorted(s) {
				t.Fatalf("%v: a shard's pieces are not in the plan's order: %v", c, s)
			}
			for _, i := range s {
				seen[i]++
			}
		}
		for i, n := range seen {
			if n != 1 {
				t.Fatalf("%v: piece %d is in %d shards", c, i, n)
			}
		}
	}
}

func TestSplitIsBalanced(t *testing.T) {
	for seed := range uint64(20) {
		work := randomWork(seed, 3000)
		const n = 32
		var total, heaviest, largest int64
		for _, w := range work {
			total += w.cost()
			largest = max(largest, w.cost())
		}
		for _, s := range split(t, work, n) {
			var c int64
			for _, i := range s {
				c += work[i].cost()
			}
			heaviest = max(heaviest, c)
		}
		// No division can be better than best; Graham's bound holds for every input.
		best := max(total/n, largest)
		if bound := best + best/3; heaviest > bound {
			t.Errorf("seed %d: the heaviest shard costs %d, the bound is %d", seed, heaviest, bound)
		}
	}
}

func TestSplitGolden(t *testing.T) {
	work := []Work{
		{"a/", 100, 0}, {"b/", 60, 0}, {"c/", 50, 0}, {"d/", 50, 0}, {"e/", 10, 0}, {"f/", 0, 0}, {"g/", 0, 0},
	}
	// 100 | 60 50 | 50 goes to the shard with 100 of 110; 10 to that with 110; then the small ones.
	want := [][]int{{0, 3}, {1, 2, 4, 5, 6}}
	if d := cmp.Diff(want, split(t, work, 2)); d != "" {
		t.Errorf("division (-want +got):\n%s", d)
	}
}

func TestSplitDoesNotDependOnTheOrder(t *testing.T) {
	work := randomWork(3, 500)
	for i := range work[:200] { // many of equal cost
		work[i].Objects, work[i].Bytes = 10, 1000
	}
	owner := func(work []Work) map[string]int {
		m := map[string]int{}
		for s, pieces := range split(t, work, 9) {
			for _, i := range pieces {
				m[work[i].Key] = s
			}
		}
		return m
	}
	want := owner(work)
	r := rand.New(rand.NewPCG(5, 5))
	for range 5 {
		shuffled := slices.Clone(work)
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if d := cmp.Diff(want, owner(shuffled)); d != "" {
			t.Fatalf("another order, another division (-want +got):\n%s", d)
		}
	}
}

func TestSplitSpreadsPiecesWithoutCost(t *testing.T) {
	for _, s := range split(t, make([]Work, 40), 4) {
		if len(s) != 10 {
			t.Errorf("a shard has %d of 40 empty pieces, want 10", len(s))
		}
	}
}

func TestCostNeverOverflows(t *testing.T) {
	for _, w := range []Work{{"", math.MaxInt64, math.MaxInt64}, {"", math.MaxInt64 / objectCostBytes, math.MaxInt64}, {"", -1, -1}, {"", 0, math.MaxInt64}} {
		if w.cost() < 1 {
			t.Errorf("%+v costs %d", w, w.cost())
		}
	}
	huge := []Work{{"a", math.MaxInt64, 0}, {"b", math.MaxInt64, 0}, {"c", math.MaxInt64, 0}}
	if s := split(t, huge, 1); len(s[0]) != 3 {
		t.Errorf("pieces of a full shard are lost: %v", s)
	}
}

func TestOfTakesOneShard(t *testing.T) {
	work := randomWork(4, 100)
	all := split(t, work, 3)
	for i := range 3 {
		got, err := Shard{i, 3}.Of(work)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(all[i], got); d != "" {
			t.Errorf("shard %d/3 (-want +got):\n%s", i, d)
		}
	}
	for _, s := range []Shard{{}, {3, 3}, {-1, 2}, {0, MaxShards + 1}} {
		if _, err := s.Of(work); err == nil {
			t.Errorf("the shard %v is taken", s)
		}
	}
}

func BenchmarkSplit(b *testing.B) {
	work := randomWork(1, 1_000_000)
	for b.Loop() {
		if _, err := Split(work, 10_000); err != nil {
			b.Fatal(err)
		}
	}
}
