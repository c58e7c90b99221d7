package expr

import (
	"github.com/s3compact/s3compact/parquetconv/value"
)

// merge puts the values of branches together. Where two parts have a position,
// the later one has it; where none has, it is null.
func (f *frame) merge(parts []part, k value.Kind) vector {
	if k == value.Null {
		return constantVector(value.NullValue, k)
	}
	if len(parts) == 1 && len(parts[0].rows) == f.n {
		return parts[0].values
	}
	return f.mergeAll(parts, k)
}

// spread is a vector with a value for each position of what is a constant.
func (f *frame) spread(v vector, k value.Kind) vector {
	return f.mergeAll([]part{{rows: f.identity(), values: v}}, k)
}

func (f *frame) mergeAll(parts []part, k value.Kind) vector {
	out := dense(f.scratch.bools.take(f.n))
	for i := range out.nulls {
		out.nulls[i] = true
	}
	for _, p := range parts {
		for i, r := range p.rows {
			out.nulls[r] = p.values.null(i)
		}
	}
	switch k {
	case value.Boolean:
		out.bools = scatter(f.n, &f.scratch.bools, parts, func(v *vector) []bool { return v.bools })
	case value.Int32, value.Int64, value.Date, value.Timestamp:
		out.ints = scatter(f.n, &f.scratch.ints, parts, func(v *vector) []int64 { return v.ints })
	case value.Float, value.Double:
		out.floats = scatter(f.n, &f.scratch.floats, parts, func(v *vector) []float64 { return v.floats })
	case value.Decimal:
		out.decs = scatter(f.n, &f.scratch.decs, parts, func(v *vector) []decimal { return v.decs })
	default:
		f.mergeTexts(&out, parts)
	}
	return out
}

func scatter[T any](n int, s *slabs[T], parts []part, values func(*vector) []T) []T {
	out := s.take(n)
	for _, p := range parts {
		from := values(&p.values)
		for i, r := range p.rows {
			if !p.values.null(i) {
				out[r] = from[i&p.values.mask]
			}
		}
	}
	return out
}

// mergeTexts keeps entries while all parts are constants or have entries.
func (f *frame) mergeTexts(out *vector, parts []part) {
	entries, size := 0, 0
	for _, p := range parts {
		entries += len(p.values.starts)
		if size += len(p.values.data); p.values.mask != 0 && p.values.codes == nil || size > maxVectorBytes {
			f.mergePlain(out, parts)
			return
		}
	}
	out.codes = f.scratch.offsets.take(f.n)
	all := f.scratch.newTexts(entries)
	n := 0
	for _, p := range parts {
		v := &p.values
		for i, r := range p.rows {
			if v.null(i) {
				continue
			}
			if out.codes[r] = int32(n); v.codes != nil {
				out.codes[r] += v.codes[i]
			}
		}
		base := int32(len(all.data))
		all.data = append(all.data, v.data...)
		for i := range v.starts {
			all.starts[n], all.ends[n] = base+v.starts[i], base+v.ends[i]
			n++
		}
	}
	out.starts, out.ends, out.data = all.starts, all.ends, all.data
}

func (f *frame) mergePlain(out *vector, parts []part) {
	all := f.scratch.newTexts(f.n)
	r := result{f: f, nulls: out.nulls, own: true}
	for _, p := range parts {
		at := f.sub(p.rows)
		v := at.plain(p.values)
		for i, row := range p.rows {
			if !v.null(i) {
				start := len(all.data)
				all.data = append(all.data, v.text(i)...)
				all.end(&r, int(row), start)
			}
		}
	}
	out.starts, out.ends, out.data = all.starts, all.ends, all.data
}
