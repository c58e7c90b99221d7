package orc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"testing"
)

// concat joins the batches of two neighbouring spans.
func concat(a, b *Batch) *Batch {
	if a == nil {
		return b
	}
	for i, v := range b.Columns {
		if b.Rows > 0 {
			a.Columns[i].join(v, a.Rows, b.Rows)
		}
	}
	a.Rows += b.Rows
	return a
}

// difference describes how two batches of the same columns differ, "" if they don't. Skipped columns of got are left out.
func difference(got, want *Batch, skipped []bool) string {
	if got.Rows != want.Rows {
		return fmt.Sprintf("%d rows, want %d", got.Rows, want.Rows)
	}
	for i, v := range got.Columns {
		if skipped != nil && skipped[i] {
			continue
		}
		w := want.Columns[i]
		for row := range got.Rows {
			if v.IsNull(row) != w.IsNull(row) || !v.IsNull(row) && !sameValue(v, w, row) {
				return fmt.Sprintf("column %d, row %d", i, row)
			}
		}
	}
	return ""
}

func sameValue(v, w *Vector, row int) bool {
	switch {
	case v.Kind == KindBoolean:
		return v.Bool[row] == w.Bool[row]
	case v.Kind.integer() || v.Kind == KindDate:
		return v.Int64[row] == w.Int64[row]
	case v.Kind == KindFloat || v.Kind == KindDouble:
		return v.Float64[row] == w.Float64[row] || v.Float64[row] != v.Float64[row] && w.Float64[row] != w.Float64[row]
	case v.Kind == KindTimestamp || v.Kind == KindTimestampInstant:
		return v.Seconds[row] == w.Seconds[row] && v.Nanos[row] == w.Nanos[row]
	case v.Kind == KindDecimal:
		scale := max(v.Scale, w.Scale)
		a, errA := v.Decimal[row].rescale(scale - v.Scale)
		b, errB := w.Decimal[row].rescale(scale - w.Scale)
		return a == b && errA == nil && errB == nil
	}
	return bytes.Equal(v.Bytes(row), w.Bytes(row))
}

// readSplit reads a stripe as spans that begin at the given row groups, each with a reader of its own if fresh.
func readSplit(f *File, r *Reader, columns []string, stripe int, cuts []int, fresh bool) (all *Batch, err error) {
	for i, from := range cuts {
		to := f.RowGroups(stripe)
		if i+1 < len(cuts) {
			to = cuts[i+1]
		}
		if fresh {
			if r, err = f.NewReader(columns...); err != nil {
				return nil, err
			}
		}
		b, err := readSpan(context.Background(), r, Span{stripe, from, to}, nil)
		if err != nil {
			return nil, fmt.Errorf("row groups %d to %d: %w", from, to, err)
		}
		all = concat(all, b)
	}
	return all, nil
}

// errDiffers is the error of readSkipping where what is read is not what it should be.
var errDiffers = errors.New("not the same")

// readSkipping reads a stripe with some columns left out of some row groups, and compares what is read with whole.
func readSkipping(r *Reader, stripe int, random *rand.Rand, whole *Batch) error {
	ctx := context.Background()
	share := random.Float64()
	err := r.Open(ctx, Span{stripe, 0, r.file.RowGroups(stripe)}, func(_ RowGroup, skip []bool) {
		for i := range skip {
			skip[i] = random.Float64() < share
		}
	})
	if err != nil {
		return err
	}
	rows := 0
	var differs error // which counts only if there is no other error
	for {
		b, err := r.Next(ctx)
		if err != nil {
			if err != io.EOF {
				return err
			}
			if rows != whole.Rows {
				return fmt.Errorf("%w: %d rows", errDiffers, rows)
			}
			return differs
		}
		if int(b.FirstRow) != rows || rows+b.Rows > whole.Rows {
			return fmt.Errorf("%w: row %d begins a batch instead of row %d", errDiffers, b.FirstRow, rows)
		}
		for i, v := range b.Columns {
			if v.Skipped {
				continue
			}
			for row := range b.Rows {
				w := whole.Columns[i]
				if v.IsNull(row) != w.IsNull(rows+row) {
					differs = fmt.Errorf("%w: column %d, row %d: null is %v", errDiffers, i, rows+row, v.IsNull(row))
				}
				if !v.IsNull(row) && !w.IsNull(rows+row) && !sameValue(v, w.from(rows), row) {
					differs = fmt.Errorf("%w: column %d, row %d", errDiffers, i, rows+row)
				}
			}
		}
		rows += b.Rows
	}
}

// from returns v without the first n rows.
func (v *Vector) from(n int) *Vector {
	w := *v
	w.Present = tailOf(v.Present, n)
	w.Bool, w.Int64, w.Float64 = tailOf(v.Bool, n), tailOf(v.Int64, n), tailOf(v.Float64, n)
	w.Seconds, w.Nanos, w.Decimal, w.Codes = tailOf(v.Seconds, n), tailOf(v.Nanos, n), tailOf(v.Decimal, n), tailOf(v.Codes, n)
	if !v.Dictionary {
		w.Offsets = tailOf(v.Offsets, n)
	}
	return &w
}

func tailOf[T any](s []T, n int) []T {
	if n >= len(s) {
		return nil
	}
	return s[n:]
}

// checkSpans reads all stripes of a file whole, in all kinds of spans, and with columns left out, and compares the results.
func checkSpans(t *testing.T, f *File, random *rand.Rand) (groups int) {
	t.Helper()
	columns := readable(f)
	r, err := f.NewReader(columns...)
	if err != nil {
		t.Fatal(err)
	}
	for stripe := range f.NumStripes() {
		whole, err := readStripe(context.Background(), r, stripe)
		if err != nil {
			t.Fatal(err)
		}
		n := f.RowGroups(stripe)
		groups += n
		cuts := make([][]int, 3)
		for g := range n {
			cuts[0] = append(cuts[0], g)
			if g == 0 || random.IntN(4) == 0 {
				cuts[1] = append(cuts[1], g)
			}
			if g == 0 || g == n-1 {
				cuts[2] = append(cuts[2], g)
			}
		}
		if n > 20 {
			cuts = cuts[1:]
		}
		for i, cut := range cuts {
			if n == 0 {
				break
			}
			got, err := readSplit(f, r, columns, stripe, cut, i == 1)
			if err != nil {
				t.Fatalf("stripe %d: %v", stripe, err)
			}
			if d := difference(got, whole, nil); d != "" {
				t.Fatalf("stripe %d, spans %v: %s", stripe, cut, d)
			}
		}
		for range 3 {
			if err := readSkipping(r, stripe, random, whole); err != nil {
				t.Fatalf("stripe %d: %v", stripe, err)
			}
		}
	}
	return groups
}

// TestExamplesBySpans reads Apache's example files, of many writers and versions, by their row indexes.
func TestExamplesBySpans(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.orc")
	if err != nil {
		t.Fatal(err)
	}
	indexed := 0
	for _, path := range paths {
		name := filepath.Base(path)
		if name == "TestVectorOrcFile.testLzo.orc" || name == "demo-11-zlib.orc" || name == "zero.orc" || name == "version1999.orc" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			f := openTestFile(t, path)
			if checkSpans(t, f, rand.New(rand.NewPCG(1, 2))) > f.NumStripes() {
				indexed++
			}
		})
	}
	if indexed < 10 {
		t.Errorf("only %d files have several row groups", indexed)
	}
}
