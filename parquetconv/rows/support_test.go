package rows

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/s3compact/s3compact/parquetconv/naive"
	"github.com/s3compact/s3compact/parquetconv/schema"
)

func parse(t testing.TB, text string) *schema.Schema {
	t.Helper()
	s, err := schema.Parse([]byte("version: 1\n"+text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newDecoder(t testing.TB, s *schema.Schema, o Options) *Decoder {
	t.Helper()
	d, err := NewDecoder(s, o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// decodeAll decodes a source in pieces of a size, which grows where a row needs
// it, and hands out the full blocks.
func decodeAll(t testing.TB, d *Decoder, number int, source Source, text []byte, piece int, take func(*Block)) error {
	t.Helper()
	d.Begin(number, source)
	end := min(piece, len(text))
	for start := 0; ; {
		view := bytes.Clone(text[start:end])
		n, err := d.Decode(view, end == len(text))
		clear(view)
		if err != nil {
			return err
		}
		if start += n; start > end {
			t.Fatalf("done with %d bytes of %d", n, len(view))
		}
		if d.Full() {
			b, err := d.Take()
			if err != nil {
				return err
			}
			take(b)
			continue
		}
		if end == len(text) {
			if start < end {
				t.Fatalf("%d bytes left at the end", end-start)
			}
			return nil
		}
		end = min(len(text), max(end+piece, start+2*(end-start)))
	}
}

// shown is what became of some sources: each row and reject as one text.
type shown struct {
	rows, rejects, raws []string // each begins with the number of its source
	bad                 []int64
}

// add checks a block's sums, and shows it.
func (r *shown) add(t testing.TB, s *schema.Schema, b *Block) {
	t.Helper()
	files, _ := s.Arrow()
	if r.bad == nil {
		r.bad = make([]int64, len(s.Columns))
	}
	for i, n := range b.BadValues {
		r.bad[i] += n
	}
	var in int64
	row, reject := 0, 0
	for _, run := range b.Sources {
		if run.RowsIn != int64(run.Rows+run.Rejects) || run.RowsIn == 0 {
			t.Errorf("a run of %+v", run)
		}
		in += run.RowsIn
		for range run.Rows {
			r.rows = append(r.rows, fmt.Sprintf("%d ", run.Source)+line(b, row))
			row++
		}
		for _, e := range b.Rejects[reject : reject+run.Rejects] {
			r.rejects = append(r.rejects, fmt.Sprintf("%d %d %s %s", run.Source, e.Offset, e.Reason, e.Column))
			r.raws = append(r.raws, string(e.Raw))
			if e.FaultAt < e.Offset {
				t.Errorf("a fault at %d, before %d", e.FaultAt, e.Offset)
			}
		}
		reject += run.Rejects
	}
	if in != b.RowsIn || row != b.Rows || reject != len(b.Rejects) || len(b.Partition) != b.Rows {
		t.Errorf("runs of %d rows in, %d rows, %d rejects; the block has %d, %d, %d and %d partitions", in, row, reject, b.RowsIn, b.Rows, len(b.Rejects), len(b.Partition))
	}
	if len(b.Columns) != files.NumFields() || len(b.Dictionaries) != files.NumFields() {
		t.Fatalf("%d columns, %d dictionaries; the files have %d", len(b.Columns), len(b.Dictionaries), files.NumFields())
	}
	for i, c := range b.Columns {
		if c.Len() != b.Rows {
			t.Errorf("column %d has %d values", i, c.Len())
		}
		if got, want := valueType(c), files.Field(i).Type; got.Fingerprint() != want.Fingerprint() {
			t.Errorf("column %d has type %s, want %s", i, got, want)
		}
	}
	paths := map[string]bool{}
	for _, p := range b.Partitions {
		if paths[p] {
			t.Errorf("partition %q twice", p)
		}
		paths[p] = true
	}
	used := map[int32]bool{}
	for _, p := range b.Partition {
		used[p] = true
	}
	if len(used) != len(b.Partitions) {
		t.Errorf("%d partitions, of which %d occur", len(b.Partitions), len(used))
	}
}

func valueType(a arrow.Array) arrow.DataType {
	if d, ok := a.(*array.Dictionary); ok {
		return d.Dictionary().DataType()
	}
	return a.DataType()
}

func line(b *Block, row int) string {
	var cells []string
	for _, c := range b.Columns {
		cells = append(cells, naive.Show(c, row))
	}
	return strings.Join(cells, "|") + " in " + b.Partitions[b.Partition[row]]
}
