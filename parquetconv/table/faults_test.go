package table

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

func newProducer(seed uint64, s *arrow.Schema) *producer {
	return &producer{rng: rand.New(rand.NewPCG(seed, 1)), schema: s, dicts: map[int]*producerDictionary{}, counts: make([]int, s.NumFields())}
}

// TestCancelled: whenever the context ends, Add and Finish say so, and after
// Close nothing runs any more.
func TestCancelled(t *testing.T) {
	s := allTypes()
	p := newProducer(1, s)
	var blocks []*Block
	for range 6 {
		blocks = append(blocks, p.block(200, 20))
	}
	for at := range len(blocks) + 1 {
		ctx, cancel := context.WithCancel(t.Context())
		w := NewWriter(ctx, Options{Schema: s, TempDir: t.TempDir(), RowGroupBytes: 1})
		w.budget.rows = 1
		for i, b := range blocks {
			if i == at {
				cancel()
			}
			if err := w.Add(b); i >= at && !errors.Is(err, context.Canceled) {
				t.Fatalf("cancelled before block %d: Add of block %d: %v", at, i, err)
			}
		}
		cancel()
		if _, err := w.Finish(); !errors.Is(err, context.Canceled) {
			t.Fatalf("cancelled before block %d: Finish: %v", at, err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	leaked := ""
	for range 1000 {
		buf := make([]byte, 1<<20)
		leaked = string(buf[:runtime.Stack(buf, true)])
		if !strings.Contains(leaked, "handOver") {
			return
		}
		time.Sleep(time.Millisecond) // a goroutine that is done with may still be there
	}
	t.Fatalf("goroutines are left:\n%s", leaked)
}

// TestClosed: what is closed can't be used, and files end with their writer.
func TestClosed(t *testing.T) {
	s := allTypes()
	p := newProducer(2, s)
	w := NewWriter(t.Context(), Options{Schema: s, TempDir: t.TempDir()})
	if err := w.Add(p.block(10, 1)); err != nil {
		t.Fatal(err)
	}
	files, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := files[0].ReadAt(make([]byte, 4), 0); !errors.Is(err, os.ErrClosed) {
		t.Errorf("read of a closed file: %v", err)
	}
	if err := w.Add(p.block(10, 1)); !errors.Is(err, errClosed) {
		t.Errorf("Add after Close: %v", err)
	}
}

// TestNoTempDir: an error says where temporary files should have gone.
func TestNoTempDir(t *testing.T) {
	s := allTypes()
	dir := filepath.Join(t.TempDir(), "gone")
	for _, gather := range []int64{1, 1 << 30} {
		w := NewWriter(t.Context(), Options{Schema: s, TempDir: dir})
		w.budget.rows = gather
		err := w.Add(newProducer(3, s).block(10, 1))
		if err == nil {
			_, err = w.Finish()
		}
		if err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "TMPDIR") || !strings.Contains(err.Error(), `partition "p=0"`) {
			t.Errorf("error %v", err)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
	err := (&spool{dir: dir}).explain(&os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC})
	if !strings.Contains(err.Error(), "no room") || !strings.Contains(err.Error(), dir) {
		t.Errorf("a full disk: %v", err)
	}
}

// TestFooterRows: a file with fewer rows than were added is an error.
func TestFooterRows(t *testing.T) {
	s := allTypes()
	w := NewWriter(t.Context(), Options{Schema: s, TempDir: t.TempDir()})
	defer w.Close()
	if err := w.Add(newProducer(4, s).block(10, 1)); err != nil {
		t.Fatal(err)
	}
	if err := w.gather(); err != nil {
		t.Fatal(err)
	}
	w.partitions[0].added++
	if _, err := w.Finish(); err == nil || !strings.Contains(err.Error(), `partition "p=0": its files have 10 rows by their footers, where 11 were added`) {
		t.Errorf("error %v", err)
	}
}

// TestBadBlocks: a block that is not what the schema says is an error.
func TestBadBlocks(t *testing.T) {
	s := arrow.NewSchema([]arrow.Field{field("text", arrow.BinaryTypes.String), {Name: "n", Type: arrow.PrimitiveTypes.Int64}}, nil)
	good := func() *Block {
		numbers := array.NewInt64Builder(memory.DefaultAllocator)
		numbers.AppendValues([]int64{1, 2}, nil)
		return &Block{
			Rows: 2, Columns: []arrow.Array{dictionaryArray([]int32{0, 1}, []string{"a", "b"}), numbers.NewArray()},
			Dictionaries: []int{1, 0}, Partitions: []string{""}, Partition: []int32{0, 0},
		}
	}
	for name, spoil := range map[string]func(b *Block){
		"":                            func(*Block) {},
		"index 2 of a dictionary of":  func(b *Block) { b.Columns[0] = dictionaryArray([]int32{0, 2}, []string{"a", "b"}) },
		"index -1 of a dictionary of": func(b *Block) { b.Columns[0] = dictionaryArray([]int32{0, -1}, []string{"a", "b"}) },
		"of partition 1, where":       func(b *Block) { b.Partition[1] = 1 },
		"of partition -1, where":      func(b *Block) { b.Partition[1] = -1 },
		"tells the partitions of 1":   func(b *Block) { b.Partition = b.Partition[:1] },
		"a block of 1 columns":        func(b *Block) { b.Columns = b.Columns[:1] },
		"of type int64, not utf8":     func(b *Block) { b.Columns[0] = b.Columns[1] },
		"of 2 rows has 1":             func(b *Block) { b.Columns[1] = array.NewSlice(b.Columns[1], 0, 1) },
		"a null in a column": func(b *Block) {
			b.Columns[1] = array.MakeArrayOfNull(memory.DefaultAllocator, arrow.PrimitiveTypes.Int64, 2)
		},
	} {
		w := NewWriter(t.Context(), Options{Schema: s, TempDir: t.TempDir()})
		b := good()
		spoil(b)
		err := w.Add(b)
		if err == nil {
			err = w.gather()
		}
		if (err == nil) != (name == "") || err != nil && !strings.Contains(err.Error(), name) {
			t.Errorf("%q: %v", name, err)
		}
		closeWriter(t, w)
	}
	for _, o := range []Options{
		{Schema: arrow.NewSchema([]arrow.Field{field("x", arrow.FixedWidthTypes.Time32s)}, nil)},
		{Schema: s, Bloom: []int{2}},
		{Schema: s, SortBy: []Sort{{Column: -1}}},
	} {
		w := NewWriter(t.Context(), o)
		if err := w.Add(good()); err == nil {
			t.Errorf("options %+v are taken", o)
		}
		closeWriter(t, w)
	}
}

func dictionaryArray(indices []int32, texts []string) arrow.Array {
	i := array.NewInt32Builder(memory.DefaultAllocator)
	i.AppendValues(indices, nil)
	values := array.NewStringBuilder(memory.DefaultAllocator)
	values.AppendValues(texts, nil)
	return array.NewDictionaryArray(&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}, i.NewArray(), values.NewArray())
}

func closeWriter(t testing.TB, w *Writer) {
	t.Helper()
	if err := w.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}
