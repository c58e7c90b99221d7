package expr

import "github.com/s3compact/s3compact/parquetconv/value"

// Row is one row that an expression is evaluated over: the values of the
// columns, by the index that the Scope gave. Arena is memory for the texts that
// are made; whoever owns the row empties it between rows.
type Row struct {
	Values []value.Value
	Arena  []byte

	scratch scratch
}

// Eval computes the expression's value for one row, as EvalColumns would. The
// only errors are *value.Bad: this row's values have no result.
func (e *Expr) Eval(r *Row) (value.Value, *value.Bad) {
	s := &r.scratch
	s.release(held{})
	f := &frame{n: 1, columns: make([]vector, len(e.slots)), loaded: make([]bool, len(e.slots)), scratch: s}
	f.load = func(slot int) vector {
		v := constantVector(r.Values[e.slots[slot]], e.types[slot].Kind)
		v.mask = -1
		return v
	}
	v := f.plain(e.root.run(f))
	if f.faulty(0) {
		return value.NullValue, f.bad[0]
	}
	out := v.at(0, e.Type.Kind)
	if len(out.Bytes) > 0 {
		start := len(r.Arena)
		r.Arena = append(r.Arena, out.Bytes...)
		out.Bytes = r.Arena[start:len(r.Arena):len(r.Arena)]
	}
	return out, nil
}
