package orcwrite

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/s3compact/s3compact/inventory/orc"
)

// TestRunsOfTheSpecification: the examples of the specification's chapter "Run
// Length Encoding". Where it has a narrower width than the writer uses, the
// writer's own is given.
func TestRunsOfTheSpecification(t *testing.T) {
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"short repeat", encodeInts([]int64{10000, 10000, 10000, 10000, 10000}, false).data, "0a2710"},
		{"direct", encodeInts([]int64{23713, 43806, 57005, 48879}, false).data, "5e035ca1ab1edeadbeef"},
		{"a run that only begins with equal values", encodeInts([]int64{1 << 20, 1 << 20, 1<<20 + 3, 1<<20 + 4, 1<<20 + 4, 1<<20 + 5, 1<<20 + 6, 1<<20 + 7, 1<<20 + 8}, false).data, "c20880804000d154"},
		{"delta", appendDelta(nil, []int64{2, 3, 5, 7, 11, 13, 17, 19, 23, 29}, false), "c609020222424246"},
		{"byte run", encodeByteRuns(make([]byte, 100)).data, "6100"},
		{"byte literals", encodeByteRuns([]byte{0x44, 0x45}).data, "fe4445"},
		{"booleans", encodeBools([]bool{true, false, false, false, false, false, false, false}).data, "ff80"},
		{"delta that begins with equal values", encodeInts([]int64{1 << 17, 1 << 17, 1<<17 + 1, 1<<17 + 1, 1<<17 + 1, 1<<17 + 2, 1<<17 + 2, 1<<17 + 2}, false).data, "c207808008004100"},
		{"nothing", encodeInts(nil, true).data, ""},
	} {
		if got := fmt.Sprintf("%x", c.got); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestNanosAreStrippedOfZeros(t *testing.T) {
	for nanos, want := range map[int64]int64{0: 0, 1: 8, 10: 80, 1000: 1<<3 | 2, 100000: 1<<3 | 4, 120_000_000: 12<<3 | 6, 100_000_000: 1<<3 | 7} {
		if got := encodeNanos(nanos); got != want {
			t.Errorf("encodeNanos(%d) = %#x, want %#x", nanos, got, want)
		}
	}
}

var testFields = []Field{
	{"l", Long}, {"i", Int}, {"dict", String}, {"text", String}, {"b", Boolean}, {"t", Timestamp}, {"nothing", String}, {"never", Timestamp},
}

// testStripe has values of every shape: constants, runs, steps, noise, extremes.
func testStripe(rng *rand.Rand, rows int) []Column {
	c := make([]Column, len(testFields))
	shape := rng.IntN(5)
	for i := range rows {
		if i%200 == 0 {
			shape = rng.IntN(5)
		}
		var v int64
		switch shape {
		case 0:
			v = 7
		case 1:
			v = int64(i) * -3
		case 2:
			v = 1<<40 + int64(i)*100 + rng.Int64N(50)
		case 3:
			v = rng.Int64() - rng.Int64()
		case 4:
			v = []int64{math.MinInt64, math.MaxInt64, 0, -1}[rng.IntN(4)]
		}
		c[0].Ints = append(c[0].Ints, v)
		c[1].Ints = append(c[1].Ints, int64(int32(v)))
		c[2].Strings = append(c[2].Strings, []string{"STANDARD", "GLACIER", ""}[rng.IntN(3)])
		c[3].Strings = append(c[3].Strings, fmt.Sprintf("prefix/%d/é-%x", i, rng.Uint64()))
		c[4].Bools = append(c[4].Bools, shape == 0 || rng.IntN(3) == 0)
		second := rng.Int64N(4e9) - 1e9 // from 1938 to 2065
		c[5].Times = append(c[5].Times, time.Unix(second, []int64{0, 1, 999_999, 1_000_000, 250_000_000, rng.Int64N(1e9)}[rng.IntN(6)]).UTC())
		c[6].Strings = append(c[6].Strings, "")
		c[7].Times = append(c[7].Times, time.Time{})
	}
	for col := range c {
		switch {
		case col >= 6:
			c[col].Present = make([]bool, rows)
		case col%2 == 0:
			for range rows {
				c[col].Present = append(c[col].Present, rng.IntN(4) > 0)
			}
		}
	}
	return c
}

func testFile(t *testing.T, o Options, stripeRows []int) ([]byte, [][]Column) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, uint64(len(stripeRows))))
	var file bytes.Buffer
	w, err := NewWriter(&file, testFields, o)
	if err != nil {
		t.Fatal(err)
	}
	var stripes [][]Column
	for _, rows := range stripeRows {
		stripes = append(stripes, testStripe(rng, rows))
		if err := w.WriteStripe(rows, stripes[len(stripes)-1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes(), stripes
}

func TestReaderReadsWhatWasWritten(t *testing.T) {
	for _, o := range []Options{{Compression: None}, {Compression: Zlib}, {Compression: Snappy}, {Compression: Zlib, BlockBytes: 100, RowIndexStride: 50}} {
		for _, stripeRows := range [][]int{{1}, {5000, 1, 777}, {}} {
			t.Run(fmt.Sprint(o.Compression, o.BlockBytes, stripeRows), func(t *testing.T) {
				file, stripes := testFile(t, o, stripeRows)
				f, err := orc.Open(bytes.NewReader(file), int64(len(file)))
				if err != nil {
					t.Fatal(err)
				}
				if f.NumStripes() != len(stripes) {
					t.Fatalf("%d stripes, want %d", f.NumStripes(), len(stripes))
				}
				var names []string
				for i, c := range f.Columns() {
					if c.Name != testFields[i].Name || uint64(c.Kind) != uint64(testFields[i].Kind) {
						t.Errorf("column %d is %s %v", i, c.Name, c.Kind)
					}
					names = append(names, c.Name)
				}
				r, err := f.NewReader(names...)
				if err != nil {
					t.Fatal(err)
				}
				for i, want := range stripes {
					compareStripe(t, r, orc.Span{Stripe: i, To: f.RowGroups(i)}, stripeRows[i], want)
				}
			})
		}
	}
}

func compareStripe(t *testing.T, r *orc.Reader, span orc.Span, rows int, want []Column) {
	t.Helper()
	if err := r.Open(t.Context(), span, nil); err != nil {
		t.Fatal(err)
	}
	read := 0
	for {
		batch, err := r.Next(t.Context())
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		compareBatch(t, batch, want)
		read += batch.Rows
	}
	if read != rows {
		t.Fatalf("%d rows, want %d", read, rows)
	}
}

func compareBatch(t *testing.T, batch *orc.Batch, want []Column) {
	t.Helper()
	first := int(batch.FirstRow)
	for col, v := range batch.Columns {
		c := want[col].rows(first, first+batch.Rows)
		for i := range batch.Rows {
			if v.IsNull(i) == c.present(i) {
				t.Fatalf("column %s row %d: null is %v", testFields[col].Name, first+i, v.IsNull(i))
			}
			if !c.present(i) {
				continue
			}
			var got, wanted any
			switch testFields[col].Kind {
			case Boolean:
				got, wanted = v.Bool[i], c.Bools[i]
			case Int, Long:
				got, wanted = v.Int64[i], c.Ints[i]
			case String:
				got, wanted = string(v.Bytes(i)), c.Strings[i]
			case Timestamp:
				got, wanted = time.Unix(v.Seconds[i], int64(v.Nanos[i])).UTC(), c.Times[i]
			}
			if got != wanted {
				t.Fatalf("column %s row %d: %v, want %v", testFields[col].Name, i, got, wanted)
			}
		}
	}
}

// rows are the rows [from, to) of c.
func (c Column) rows(from, to int) Column {
	return Column{
		Present: part(c.Present, from, to), Bools: part(c.Bools, from, to), Ints: part(c.Ints, from, to),
		Strings: part(c.Strings, from, to), Times: part(c.Times, from, to),
	}
}

func part[T any](s []T, from, to int) []T {
	if s == nil {
		return nil
	}
	return s[from:to]
}

func TestWrongColumnsAreRefused(t *testing.T) {
	if _, err := NewWriter(new(bytes.Buffer), []Field{{"x", 99}}, Options{}); err == nil || !strings.Contains(err.Error(), `"x"`) {
		t.Errorf("an unknown kind: %v", err)
	}
	if _, err := NewWriter(new(bytes.Buffer), nil, Options{Compression: 5}); err == nil {
		t.Error("an unknown compression is accepted")
	}
	w, err := NewWriter(new(bytes.Buffer), []Field{{"x", Long}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string][]Column{
		"no column":              nil,
		"too few values":         {{Ints: []int64{1}}},
		"values of another kind": {{Strings: []string{"a", "b"}}},
		"too few flags":          {{Ints: []int64{1, 2}, Present: []bool{true}}},
	} {
		if err := w.WriteStripe(2, c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := w.WriteStripe(2, []Column{{Ints: []int64{1, 2}}}); err != nil {
		t.Errorf("a right stripe after refused ones: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.WriteStripe(0, []Column{{}}); err == nil {
		t.Error("a stripe after Close is accepted")
	}
}

// TestAFailedWriteIsNotForgotten: the error of the underlying writer comes out
// of every later call.
func TestAFailedWriteIsNotForgotten(t *testing.T) {
	w, err := NewWriter(&limitedWriter{left: 10}, []Field{{"x", Long}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	values := slices.Repeat([]int64{1, 5, 9, 2}, 100)
	if err := w.WriteStripe(len(values), []Column{{Ints: values}}); err != errFull {
		t.Errorf("WriteStripe = %v", err)
	}
	if err := w.Close(); err != errFull {
		t.Errorf("Close = %v", err)
	}
}

type limitedWriter struct{ left int }

var errFull = fmt.Errorf("full")

func (w *limitedWriter) Write(b []byte) (int, error) {
	if len(b) > w.left {
		return 0, errFull
	}
	w.left -= len(b)
	return len(b), nil
}
