package orc

import (
	"context"
	"fmt"
	"io"
)

// batchRows is the most rows of a batch.
const batchRows = 4096

// Open begins to read a span. Before any value is read, choose, unless nil, is shown each row group of the span with its
// statistics, and may set skip[i] to leave column i (in the order in which they were named) unread in that row group. What it
// is shown is valid until the next call of Open.
func (r *Reader) Open(ctx context.Context, span Span, choose func(g RowGroup, skip []bool)) error {
	r.group = RowGroup{}
	r.span = Span{}
	if span.Stripe < 0 || span.Stripe >= r.file.NumStripes() || span.From < 0 || span.From > span.To ||
		span.To > r.file.RowGroups(span.Stripe) {
		return fmt.Errorf("orc: the file has no row groups [%d, %d) in a stripe %d", span.From, span.To, span.Stripe)
	}
	r.skips = make([][]bool, span.To-span.From)
	for g := span.From; g < span.To; g++ {
		skip := make([]bool, len(r.columns))
		if choose != nil {
			group := r.file.rowGroup(span.Stripe, g)
			group.Statistics = make([]Statistics, len(r.columns))
			choose(group, skip)
		}
		r.skips[g-span.From] = skip
	}
	whole, err := r.ReadStripe(ctx, span.Stripe)
	if err != nil {
		return err
	}
	r.whole = *whole
	r.out.Columns = r.out.Columns[:0]
	for range r.columns {
		r.out.Columns = append(r.out.Columns, &Vector{})
	}
	r.span, r.nextGroup = span, span.From
	r.row, r.endRow = 0, 0
	return nil
}

// Next returns the next rows of the span, at most 4096 of one row group. After the last it returns [io.EOF], once all that
// can be checked of the span was found right. The batch is valid until the next call of Next or Open.
func (r *Reader) Next(ctx context.Context) (*Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if r.row == r.endRow {
		if r.nextGroup == r.span.To {
			return nil, io.EOF
		}
		r.group = r.file.rowGroup(r.span.Stripe, r.nextGroup)
		r.group.Statistics = make([]Statistics, len(r.columns))
		r.nextGroup++
		r.row, r.endRow = int(r.group.FirstRow), int(r.group.FirstRow+r.group.Rows)
	}
	n := min(batchRows, r.endRow-r.row)
	r.out.Rows, r.out.Group, r.out.FirstRow = n, r.group, int64(r.row)
	for i, v := range r.whole.Columns {
		v.slice(r.out.Columns[i], r.row, r.row+n)
		r.out.Columns[i].Skipped = r.skips[r.group.Index-r.span.From][i]
	}
	r.row += n
	return &r.out, nil
}

// slice sets out to rows [from, to) of v.
func (v *Vector) slice(out *Vector, from, to int) {
	*out = Vector{Kind: v.Kind, Scale: v.Scale, Data: v.Data, Offsets: v.Offsets, Dictionary: v.Dictionary}
	out.Present = rows(v.Present, from, to)
	out.Int64 = rows(v.Int64, from, to)
	out.Bool = rows(v.Bool, from, to)
	out.Float64 = rows(v.Float64, from, to)
	out.Seconds = rows(v.Seconds, from, to)
	out.Nanos = rows(v.Nanos, from, to)
	out.Decimal = rows(v.Decimal, from, to)
	out.Codes = rows(v.Codes, from, to)
	if !v.Dictionary {
		out.Offsets = rows(v.Offsets, from, to+1)
	}
}

func rows[T any](s []T, from, to int) []T {
	if len(s) < to {
		return nil
	}
	return s[from:to:to]
}
