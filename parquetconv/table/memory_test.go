package table

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"testing"
	"time"
)

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
	defer debug.SetGCPercent(debug.SetGCPercent(10)) // little garbage beside what is held
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
	close(stop)
	<-stopped
	rows := int64(0)
	for _, f := range files {
		rows += f.Rows
	}
	if rows != rounds*20_000 || len(files) != partitions {
		t.Errorf("%d rows in %d files", rows, len(files))
	}
	spilled := w.spill.size
	t.Logf("%d MiB spilled, %d MiB at most on the heap", spilled>>20, (peak.Load()-before)>>20)
	if spilled < memoryBytes*3/2 {
		t.Errorf("only %d bytes were spilled: the test tests nothing", spilled)
	}
	if got := peak.Load() - before; got > memoryBytes*3/2 {
		t.Errorf("%d bytes on the heap, where %d are allowed", got, memoryBytes)
	}
}
