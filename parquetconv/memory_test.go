package parquetconv

import (
	"bytes"
	"fmt"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
)

// heapBytes is what objects take that are in use, or not yet collected.
func heapBytes() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// TestMemoryIsBounded: sources of which each has more text than all of the
// memory, of every kind, and more of them than are read at once.
func TestMemoryIsBounded(t *testing.T) {
	store := newFakeStore()
	const rows, copies = 120_000, 3
	var text bytes.Buffer
	for i := range rows {
		fmt.Fprintf(&text, `{"id":%d,"time":"2026-01-%02dT01:02:03Z","name":"%x","more":"%s"}`+"\n", i, i%28+1, uint64(i)*0x9e3779b97f4a7c15, strings.Repeat("m", 500))
	}
	compressed := func(level, memberBytes int) []byte {
		var b bytes.Buffer
		for rest := text.Bytes(); len(rest) > 0; {
			n := min(len(rest), memberBytes)
			w, err := gzip.NewWriterLevel(&b, level)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = w.Write(rest[:n])
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		return b.Bytes()
	}
	line := text.Bytes()[:bytes.IndexByte(text.Bytes(), '\n')+1]
	bodies := map[string][]byte{
		"small.json.gz": gz(t, strings.Repeat(string(line), rows)),
		"plain.json":    text.Bytes(), "dense.json.gz": compressed(gzip.BestSpeed, 1<<30),
		"stored.json.gz": compressed(gzip.NoCompression, 1<<30), "members.json.gz": compressed(gzip.NoCompression, 40_000),
	}
	for i := range copies {
		for name, body := range bodies {
			store.objects[fmt.Sprintf("data/src/%d-%s", i, name)] = body
		}
	}
	o := testOptions(t, store)
	o.MemoryBytes, o.BatchBytes, o.Concurrency = 64<<20, 1<<40, 64
	defer debug.SetGCPercent(debug.SetGCPercent(10))
	runtime.GC()
	before := heapBytes()
	stop, peak := make(chan struct{}), make(chan uint64)
	go func() {
		var most uint64
		for {
			select {
			case <-stop:
				peak <- most
				return
			case <-time.After(time.Millisecond):
				most = max(most, heapBytes())
			}
		}
	}()
	sum, err := Run(t.Context(), o)
	close(stop)
	if err != nil || sum.RowsOut != copies*int64(len(bodies))*rows {
		t.Fatalf("%+v, error %v", sum, err)
	}
	// The garbage that is not yet collected is a tenth of all, the sources included.
	bound := uint64(o.MemoryBytes) + (before+uint64(o.MemoryBytes))/8
	if took := <-peak - before; took > bound {
		t.Errorf("%d MiB of memory were taken, want at most %d", took>>20, bound>>20)
	}
}
