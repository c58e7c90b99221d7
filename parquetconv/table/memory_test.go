//go:build !race

package table

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// The race detector keeps memory of its own, so these tests are not for it.

// TestMemory: with 660 partitions and several times as many rows as fit, the
// writer holds what it may, the block twice, two chunks, and some garbage.
func TestMemory(t *testing.T) {
	const partitions, memoryBytes, rounds = 660, 64 << 20, 40
	s := allTypes()
	p := newProducer(1, s)
	block := p.block(20_000, 1)
	for i := range partitions {
		block.Partitions = append(block.Partitions[:i:i], fmt.Sprint("p=", i))
	}
	peak := watchHeap(t)
	w := NewWriter(t.Context(), Options{Schema: s, MemoryBytes: memoryBytes, TempDir: t.TempDir(), Writers: 2})
	defer w.Close()
	rng := rand.New(rand.NewPCG(1, 1))
	for range rounds {
		b := *block
		b.Partition = make([]int32, b.Rows)
		for i := range b.Partition {
			b.Partition[i] = int32(rng.IntN(partitions))
		}
		if err := w.Add(&b); err != nil {
			t.Fatal(err)
		}
	}
	files, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	got := peak()
	rows := int64(0)
	for _, f := range files {
		rows += f.Rows
	}
	if rows != rounds*20_000 || len(files) != partitions {
		t.Errorf("%d rows in %d files", rows, len(files))
	}
	spilled := w.spill.size
	t.Logf("%d MiB spilled, %d MiB at most on the heap", spilled>>20, got>>20)
	if spilled < memoryBytes*3/2 {
		t.Errorf("only %d bytes were spilled: the test tests nothing", spilled)
	}
	if got > memoryBytes*3/2 {
		t.Errorf("%d bytes on the heap, where %d are allowed", got, memoryBytes)
	}
}

// watchHeap begins to look at the heap; the function says by how much it has
// grown at most.
func watchHeap(t *testing.T) (peakBytes func() int64) {
	t.Helper()
	percent := debug.SetGCPercent(10) // little garbage beside what is held
	t.Cleanup(func() { debug.SetGCPercent(percent) })
	heap := func() int64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	runtime.GC()
	before := heap()
	var peak atomic.Int64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				peak.Store(max(peak.Load(), heap()))
				time.Sleep(time.Millisecond)
			}
		}
	}()
	return func() int64 {
		close(stop)
		<-stopped
		return peak.Load() - before
	}
}

// TestMemoryOfSorting: keys are longer than what they are made of, codes of a
// dictionary, and rows were spilled many times when they are merged.
func TestMemoryOfSorting(t *testing.T) {
	const memoryBytes, rounds, rows, entries = 64 << 20, 60, 20_000, 50
	texts := array.NewStringBuilder(memory.DefaultAllocator)
	for i := range entries {
		texts.Append(strings.Repeat("x", 300) + fmt.Sprint(i))
	}
	codes := array.NewInt32Builder(memory.DefaultAllocator)
	for i := range rows {
		codes.Append(int32(i % entries))
	}
	typ := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}
	column := array.NewDictionaryArray(typ, codes.NewArray(), texts.NewArray())
	peak := watchHeap(t)
	w := NewWriter(t.Context(), Options{
		Schema:      arrow.NewSchema([]arrow.Field{{Name: "t", Type: arrow.BinaryTypes.String, Nullable: true}}, nil),
		MemoryBytes: memoryBytes, TempDir: t.TempDir(), Writers: 2, SortBy: []Sort{{Column: 0}},
	})
	defer w.Close()
	for range rounds {
		b := &Block{Rows: rows, Columns: []arrow.Array{column}, Dictionaries: []int{1}, Partitions: []string{""}, Partition: make([]int32, rows)}
		if err := w.Add(b); err != nil {
			t.Fatal(err)
		}
	}
	files, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	got := peak()
	t.Logf("%d MiB spilled, %d MiB at most on the heap, %d files", w.spill.size>>20, got>>20, len(files))
	if w.spill.size < 4*memoryBytes {
		t.Errorf("only %d bytes were spilled: the test tests nothing", w.spill.size)
	}
	if got > memoryBytes*3/2 {
		t.Errorf("%d bytes on the heap, where %d are allowed", got, memoryBytes)
	}
}
