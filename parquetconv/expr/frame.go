package expr

import (
	"github.com/s3compact/s3compact/parquetconv/value"
)

// frame is the positions that an expression is evaluated at: the rows of a
// batch, some positions of another frame, or the entries of a dictionary. All
// loops go over all of its positions; where a branch is not taken is not in
// the frame. Faults are by position, the first one at each.
type frame struct {
	n       int
	columns []vector // by slot, as far as they are loaded
	loaded  []bool

	parent *frame                // where columns come from,
	rows   []int32               // at these of its positions
	load   func(slot int) vector // without a parent: where they come from

	bad     []*value.Bad // nil: none
	scratch *scratch
}

// column is the values of a slot at the frame's positions.
func (f *frame) column(slot int) vector {
	if !f.loaded[slot] {
		if f.parent != nil {
			f.bind(slot, f.scratch.gather(f.parent.column(slot), f.rows))
		} else {
			f.bind(slot, f.load(slot))
		}
	}
	return f.columns[slot]
}

func (f *frame) bind(slot int, v vector) { f.columns[slot], f.loaded[slot] = v, true }

// sub is the frame of some of the positions.
func (f *frame) sub(rows []int32) *frame {
	if len(rows) == f.n {
		return f
	}
	return &frame{n: len(rows), columns: make([]vector, len(f.columns)), loaded: make([]bool, len(f.columns)), parent: f, rows: rows, scratch: f.scratch}
}

// adopt takes the faults of a sub-frame over.
func (f *frame) adopt(sub *frame) {
	if sub == f {
		return
	}
	for i, bad := range sub.bad {
		if bad != nil {
			f.fault(int(sub.rows[i]), bad)
		}
	}
}

func (f *frame) fault(i int, bad *value.Bad) {
	if f.bad == nil {
		f.bad = make([]*value.Bad, f.n)
	}
	if f.bad[i] == nil {
		f.bad[i] = bad
	}
}

func (f *frame) faulty(i int) bool { return f.bad != nil && f.bad[i] != nil }

// identity is all positions of a frame.
func (f *frame) identity() []int32 {
	rows := f.scratch.offsets.take(f.n)
	for i := range rows {
		rows[i] = int32(i)
	}
	return rows
}

// operands evaluates nodes one after the other. nulls is where one of them is
// null, nil if none is; it may be the nulls of one of them.
func (f *frame) operands(nodes []*node) (values []vector, nulls []bool) {
	values = make([]vector, len(nodes))
	for i, x := range nodes {
		values[i] = f.plain(x.run(f))
		nulls = f.nullsOf(nulls, &values[i])
	}
	return values, nulls
}

// nullsOf adds a vector's nulls, by position, to those there are.
func (f *frame) nullsOf(nulls []bool, v *vector) []bool {
	switch {
	case v.nulls == nil:
		return nulls
	case v.mask == 0 && !v.nulls[0]:
		return nulls
	case v.mask == 0:
		all := f.scratch.bools.take(f.n)
		for i := range all {
			all[i] = true
		}
		return all
	case nulls == nil:
		return v.nulls
	}
	both := f.scratch.bools.take(f.n)
	for i := range both {
		both[i] = nulls[i] || v.nulls[i]
	}
	return both
}

// result gathers a vector whose positions may turn out to be null or faulty.
// The nulls that it begins with are not written to.
type result struct {
	f     *frame
	nulls []bool
	own   bool
}

func (r *result) setNull(i int) {
	if !r.own {
		own := r.f.scratch.bools.take(r.f.n)
		if r.nulls == nil {
			clear(own)
		} else {
			copy(own, r.nulls)
		}
		r.nulls, r.own = own, true
	}
	r.nulls[i] = true
}

func (r *result) fail(i int, bad *value.Bad) {
	r.setNull(i)
	r.f.fault(i, bad)
}

func (r *result) null(i int) bool { return r.nulls != nil && r.nulls[i] }

// topFrame is that of all rows of a batch.
func (e *Expr) topFrame(b *Batch) *frame {
	s := &b.scratch
	s.release(held{})
	f := &frame{n: b.Rows, columns: make([]vector, len(e.slots)), loaded: make([]bool, len(e.slots)), scratch: s}
	f.load = func(slot int) vector { return load(b.Columns[e.slots[slot]], s) }
	return f
}
