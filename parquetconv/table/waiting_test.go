package table

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// thin adds blocks of 1,000 rows of 200 partitions, five of each.
func thin(t *testing.T, w *Writer, blocks int) {
	t.Helper()
	for range blocks {
		b := numbers(1000, func(i int) int64 { return int64(i) }, func(i int) float64 { return float64(i) })
		b.Partition = make([]int32, b.Rows)
		for i := range b.Partition {
			b.Partition[i] = int32(i % 200)
		}
		for i := range 200 {
			b.Partitions = append(b.Partitions, fmt.Sprint("p=", i))
		}
		if err := w.Add(b); err != nil {
			t.Fatal(err)
		}
	}
}

// TestThinRowsAreGatheredTogether: a partition has a piece for several blocks,
// not one for each.
func TestThinRowsAreGatheredTogether(t *testing.T) {
	w := NewWriter(t.Context(), Options{Schema: numbersSchema(), TempDir: t.TempDir()})
	defer closeWriter(t, w)
	thin(t, w, 2*maxWaiting)
	if n := len(w.waiting.blocks); n != 0 {
		t.Errorf("%d blocks wait", n)
	}
	for _, p := range w.partitions {
		if len(p.pieces) != 2 || p.rows != 2*maxWaiting*5 {
			t.Fatalf("partition %s has %d pieces of %d rows", p.path, len(p.pieces), p.rows)
		}
	}
	if len(w.partitions) != 200 {
		t.Errorf("%d partitions", len(w.partitions))
	}
}

// TestWaitingIsBounded: blocks wait within their share of memory, and count as
// gathered.
func TestWaitingIsBounded(t *testing.T) {
	w := NewWriter(t.Context(), Options{Schema: numbersSchema(), TempDir: t.TempDir()})
	defer closeWriter(t, w)
	thin(t, w, 1)
	one := w.waiting.bytes
	if one < 1000*16 || w.gathered.Load() != one {
		t.Fatalf("a block counts as %d bytes, %d are gathered", one, w.gathered.Load())
	}
	w.budget.waiting = 3*one + 1
	for range 10 {
		thin(t, w, 1)
		if w.waiting.bytes >= w.budget.waiting {
			t.Fatalf("%d bytes wait, where %d are allowed", w.waiting.bytes, w.budget.waiting)
		}
	}
	if n := len(w.partitions[0].pieces); n != 3 {
		t.Errorf("%d pieces of 11 blocks", n)
	}
	if _, err := w.Finish(); err != nil {
		t.Fatal(err)
	}
}

// TestWaitingTextInListsCounts: a column's size is that of all that lies below it.
func TestWaitingTextInListsCounts(t *testing.T) {
	lists := array.NewListBuilder(memory.DefaultAllocator, arrow.ListOf(arrow.BinaryTypes.String))
	for range 10 {
		lists.Append(true)
		inner := lists.ValueBuilder().(*array.ListBuilder)
		inner.Append(true)
		inner.ValueBuilder().(*array.StringBuilder).Append(strings.Repeat("x", 1000))
	}
	if got := sizeBytes(&Block{Rows: 10, Columns: []arrow.Array{lists.NewArray()}}); got < 10_000 {
		t.Errorf("10 lists with 10,000 bytes of text count as %d", got)
	}
}
