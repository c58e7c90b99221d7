package orc

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
)

// readStripe reads a whole stripe as one span and joins its batches.
func readStripe(ctx context.Context, r *Reader, stripe int) (*Batch, error) {
	if stripe < 0 || stripe >= r.file.NumStripes() {
		return nil, fmt.Errorf("no stripe %d", stripe)
	}
	return readSpan(ctx, r, Span{Stripe: stripe, To: r.file.RowGroups(stripe)}, nil)
}

// readSpan reads a span and joins its batches into one that is not of the reader's memory. Columns must be skipped in all of
// it or not at all.
func readSpan(ctx context.Context, r *Reader, span Span, choose func(RowGroup, []bool)) (*Batch, error) {
	if err := r.Open(ctx, span, choose); err != nil {
		return nil, err
	}
	whole := &Batch{}
	for range r.columns {
		whole.Columns = append(whole.Columns, &Vector{})
	}
	for {
		b, err := r.Next(ctx)
		if err == io.EOF {
			return whole, nil
		}
		if err != nil {
			return nil, err
		}
		if b.Rows < 1 || b.Rows > batchRows {
			return nil, fmt.Errorf("a batch of %d rows", b.Rows)
		}
		for i, v := range b.Columns {
			whole.Columns[i].join(v, whole.Rows, b.Rows)
		}
		whole.Rows += b.Rows
	}
}

// join appends the n rows of o to v, which has the given number of rows.
func (v *Vector) join(o *Vector, rows, n int) {
	v.Kind, v.Skipped, v.Dictionary = o.Kind, o.Skipped, o.Dictionary
	if o.Skipped {
		return
	}
	if o.Constant {
		o.mustBeConstant(n)
	}
	if o.Present != nil || v.Present != nil {
		for len(v.Present) < rows {
			v.Present = append(v.Present, true)
		}
		for i := range n {
			v.Present = append(v.Present, !o.IsNull(i))
		}
	}
	switch {
	case v.Kind == KindBoolean:
		v.Bool = append(v.Bool, o.Bool[:n]...)
	case v.Kind.integer() || v.Kind == KindDate:
		v.Int64 = append(v.Int64, o.Int64[:n]...)
	case v.Kind == KindFloat || v.Kind == KindDouble:
		v.Float64 = append(v.Float64, o.Float64[:n]...)
	case v.Kind == KindTimestamp || v.Kind == KindTimestampInstant:
		v.Seconds = append(v.Seconds, o.Seconds[:n]...)
		v.Nanos = append(v.Nanos, o.Nanos[:n]...)
	case v.Kind == KindDecimal:
		v.joinDecimals(o, n)
	case o.Dictionary:
		v.Codes = append(v.Codes, o.Codes[:n]...)
		v.Data, v.Offsets = bytes.Clone(o.Data), slices.Clone(o.Offsets)
	default:
		if len(v.Offsets) == 0 {
			v.Offsets = append(v.Offsets, 0)
		}
		from := uint32(len(v.Data)) - o.Offsets[0]
		v.Data = append(v.Data, o.Data[o.Offsets[0]:o.Offsets[n]]...)
		for _, end := range o.Offsets[1 : n+1] {
			v.Offsets = append(v.Offsets, from+end)
		}
	}
}

// joinDecimals brings both to the larger scale.
func (v *Vector) joinDecimals(o *Vector, n int) {
	scale := max(v.Scale, o.Scale)
	for i, d := range v.Decimal {
		v.Decimal[i], _ = d.rescale(scale - v.Scale)
	}
	for _, d := range o.Decimal[:n] {
		d, _ = d.rescale(scale - o.Scale)
		v.Decimal = append(v.Decimal, d)
	}
	v.Scale = scale
}

// mustBeConstant panics unless all rows are the same.
func (v *Vector) mustBeConstant(n int) {
	for i := range n {
		same := v.IsNull(i) == v.IsNull(0)
		switch {
		case v.IsNull(0):
		case v.Kind == KindBoolean:
			same = same && v.Bool[i] == v.Bool[0]
		case v.Kind.integer() || v.Kind == KindDate:
			same = same && v.Int64[i] == v.Int64[0]
		case v.Kind == KindTimestamp || v.Kind == KindTimestampInstant:
			same = same && v.Seconds[i] == v.Seconds[0] && v.Nanos[i] == v.Nanos[0]
		case v.Dictionary:
			same = same && v.Codes[i] == v.Codes[0]
		default:
			same = false
		}
		if !same {
			panic(fmt.Sprintf("row %d is not as row 0 of a constant %v", i, v.Kind))
		}
	}
}
