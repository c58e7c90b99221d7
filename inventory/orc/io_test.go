package orc

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/s3compact/s3compact/internal/orcwrite"
)

// writeWide writes a file of one stripe with 20 columns of noise, the first named key and the last named size.
func writeWide(t testing.TB, rows int, o orcwrite.Options) []byte {
	t.Helper()
	random := rand.New(rand.NewPCG(20, 20))
	fields := []orcwrite.Field{{Name: "key", Kind: orcwrite.String}}
	columns := make([]orcwrite.Column, 20)
	for i := range 18 {
		fields = append(fields, orcwrite.Field{Name: fmt.Sprint("other", i), Kind: orcwrite.String})
	}
	fields = append(fields, orcwrite.Field{Name: "size", Kind: orcwrite.Long})
	for i := range rows {
		for j := range 19 {
			columns[j].Strings = append(columns[j].Strings, fmt.Sprintf("%08d/%016x%016x", i, random.Uint64(), random.Uint64()))
		}
		columns[19].Ints = append(columns[19].Ints, random.Int64())
	}
	var file bytes.Buffer
	w, err := orcwrite.NewWriter(&file, fields, o)
	if err == nil {
		err = w.WriteStripe(rows, columns)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// drain reads all of a span and returns the number of rows.
func drain(t testing.TB, r *Reader, span Span, choose func(RowGroup, []bool)) (rows int) {
	t.Helper()
	if err := r.Open(context.Background(), span, choose); err != nil {
		t.Fatal(err)
	}
	for {
		b, err := r.Next(context.Background())
		if err == io.EOF {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		rows += b.Rows
	}
}

// storedBytes is the length of the streams of some columns.
func storedBytes(r *Reader) (n int64) {
	for _, c := range r.columns {
		for _, s := range c.streams {
			n += s.src.end - s.src.start
		}
	}
	return n
}

// TestRequests counts what is read of a file of 20 columns for two of them that lie far apart.
func TestRequests(t *testing.T) {
	const rows, stride = 40_000, 1000
	b := writeWide(t, rows, orcwrite.Options{RowIndexStride: stride})
	rec := &recorder{ReaderAt: bytes.NewReader(b)}
	f, err := Open(rec, int64(len(b)))
	if err != nil || rec.reads != 1 || rec.bytes > tailReadBytes {
		t.Fatalf("opened with %d reads of %d bytes: %v", rec.reads, rec.bytes, err)
	}
	open := func() *Reader {
		rec.reads, rec.bytes = 0, 0
		r, err := f.NewReader("key", "size")
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	const groups = rows / stride
	skipKeys := func(_ RowGroup, skip []bool) { skip[0] = true }
	for _, c := range []struct {
		name   string
		choose func(RowGroup, []bool)
		spans  int
		share  float64 // of the stored bytes of the two columns
		reads  int     // for each span
	}{
		{"whole", nil, 1, 1, 3}, // the footer, keys, sizes
		{"whole, with the index", func(RowGroup, []bool) {}, 1, 1, 4},
		{"without keys", skipKeys, 1, 8. / 50, 3},
		{"ten spans", nil, 10, 1.5, 5}, /* the footer, the indexes, keys, lengths, sizes */
	} {
		t.Run(c.name, func(t *testing.T) {
			r := open()
			read := 0
			for i := range c.spans {
				if c.spans > 1 {
					reads, bytes := rec.reads, rec.bytes
					r = open()
					rec.reads, rec.bytes = reads, bytes
				}
				read += drain(t, r, Span{0, groups * i / c.spans, groups * (i + 1) / c.spans}, c.choose)
			}
			overhead := c.spans * 100 << 10 // the footer, and the indexes of all columns
			if most := int(c.share*float64(storedBytes(r))) + overhead; read != rows || rec.reads > c.reads*c.spans || rec.bytes > most {
				t.Errorf("%d rows with %d reads of %d bytes, want at most %d of %d", read, rec.reads, rec.bytes, c.reads*c.spans, most)
			}
			t.Logf("%d reads, %d bytes of %d", rec.reads, rec.bytes, len(b))
		})
	}
	// One reader asks for the footer and the indexes of a stripe once.
	r := open()
	for i := range 10 {
		drain(t, r, Span{0, groups * i / 10, groups * (i + 1) / 10}, nil)
	}
	if rec.reads > 2+3*10 {
		t.Errorf("%d reads for ten spans of one reader", rec.reads)
	}
}

// heldBytes is what a reader holds in bytes, but for small things.
func (r *Reader) heldBytes() int {
	n := cap(r.small.memory) + cap(r.footers.memory) + cap(r.indexes.memory) + cap(r.data.memory) + cap(r.memory) + cap(r.decompressor.chunk)
	for _, c := range r.columns {
		for _, s := range c.streams {
			n += cap(s.buf) + cap(s.src.memory)
		}
		v := &c.vector
		n += cap(c.index.memory) + cap(c.dictionary.offsets)*4 + cap(c.strings.lengths)*8 + cap(c.strings.offsets)*4 + cap(c.scratch)*8
		n += cap(v.Int64)*8 + cap(v.Codes)*4 + cap(v.Seconds)*8 + cap(v.Nanos)*4 + cap(v.Bool) + cap(v.Float64)*8 + cap(c.flags)
	}
	return n
}

// TestMemory reads a stripe with far more stored bytes than are held at once.
func TestMemory(t *testing.T) {
	const rows = 330_000
	var file bytes.Buffer
	random := rand.New(rand.NewPCG(5, 5))
	var c [2]orcwrite.Column
	for range rows {
		c[0].Strings = append(c[0].Strings, fmt.Sprintf("%016x%016x%016x", random.Uint64(), random.Uint64(), random.Uint64()))
		c[1].Ints = append(c[1].Ints, random.Int64())
	}
	for _, o := range []orcwrite.Options{{Compression: orcwrite.None}, {Compression: orcwrite.Snappy, RowIndexStride: 10_000}} {
		file.Reset()
		w, err := orcwrite.NewWriter(&file, []orcwrite.Field{{Name: "key", Kind: orcwrite.String}, {Name: "size", Kind: orcwrite.Long}}, o)
		if err == nil {
			err = w.WriteStripe(rows, c[:])
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil || file.Len() < 2*maxAheadBytes {
			t.Fatalf("%d bytes: %v", file.Len(), err)
		}
		rec := &recorder{ReaderAt: bytes.NewReader(file.Bytes())}
		f, err := Open(rec, int64(file.Len()))
		if err != nil {
			t.Fatal(err)
		}
		r, err := f.NewReader("key", "size")
		if err != nil {
			t.Fatal(err)
		}
		rec.reads = 0
		if n := drain(t, r, Span{0, 0, f.RowGroups(0)}, nil); n != rows {
			t.Errorf("%d rows, want %d", n, rows)
		}
		// Two windows of streams, three decompressed chunks and what is left of those before, a batch.
		if n, most := r.heldBytes(), 2*windowBytes+windowBytes/2+3*2*(256<<10)+1<<20; n > most {
			t.Errorf("compression %d: the reader holds %d bytes, want at most %d", o.Compression, n, most)
		}
		if most := file.Len()/windowBytes + 6; rec.reads > most {
			t.Errorf("compression %d: %d reads, want at most %d", o.Compression, rec.reads, most)
		}
	}
}
