package expr

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/s3compact/s3compact/parquetconv/value"
)

// comparable brings operands to one type whose values have an order.
func (c *checker) comparable(s *syntax, operands []*node) (value.Type, []*node, error) {
	t, operands, err := c.common(s, operands)
	if err == nil && t.Kind == value.JSON {
		err = c.errorf(s, "json cannot be compared: cast it first")
	}
	return t, operands, err
}

// accepted says which outcomes of a comparison an operator accepts: less, equal, greater.
var accepted = map[string][3]bool{
	"=": {false, true, false}, "<>": {true, false, true}, "<": {true, false, false},
	"<=": {true, true, false}, ">": {false, false, true}, ">=": {false, true, true},
}

func (c *checker) compare(s *syntax, a, b *node) (*node, error) {
	op := s.op
	if op == "call" { // nullif
		op = "="
	}
	t, operands, err := c.comparable(s, []*node{a, b})
	if err != nil {
		return nil, err
	}
	accept := accepted[op]
	return newNode(boolean, operands, func(f *frame) vector {
		v, nulls := f.operands(operands)
		out := dense(nulls)
		out.bools = f.scratch.bools.take(f.n)
		switch x, y := &v[0], &v[1]; t.Kind {
		case value.Null:
			clear(out.bools)
		case value.Boolean:
			for i := range out.bools {
				if !out.null(i) {
					out.bools[i] = accept[order(x.bools[i&x.mask], y.bools[i&y.mask])+1]
				}
			}
		case value.Float, value.Double:
			compareEach(out.bools, x.floats, y.floats, x.mask, y.mask, accept)
		case value.Decimal:
			for i := range out.bools {
				out.bools[i] = accept[x.decs[i&x.mask].Cmp(y.decs[i&y.mask])+1]
			}
		case value.String, value.Binary:
			compareTexts(&out, x, y, accept)
		default:
			compareEach(out.bools, x.ints, y.ints, x.mask, y.mask, accept)
		}
		return out
	}), nil
}

func order(x, y bool) int {
	switch {
	case x == y:
		return 0
	case x:
		return 1
	}
	return -1
}

func compareEach[T cmp.Ordered](out []bool, x, y []T, xm, ym int, accept [3]bool) {
	for i := range out {
		out[i] = accept[cmp.Compare(x[i&xm], y[i&ym])+1]
	}
}

func compareTexts(out *vector, x, y *vector, accept [3]bool) {
	onlyEqual := accept[0] == accept[2]
	for i := range out.bools {
		if out.null(i) {
			continue
		}
		a, b := x.text(i), y.text(i)
		if onlyEqual {
			out.bools[i] = bytes.Equal(a, b) == accept[1]
		} else {
			out.bools[i] = accept[bytes.Compare(a, b)+1]
		}
	}
}

// between is x >= low AND x <= high, with x computed once.
func (c *checker) between(s *syntax, operands []*node) (*node, error) {
	return c.bound(operands[0], func(x *node) (*node, error) {
		var limits []*node
		for i, op := range []string{">=", "<="} {
			part := &syntax{op: op, operands: []*syntax{s.operands[0], s.operands[i+1]}, at: s.at}
			limit, err := c.compare(part, x, operands[i+1])
			if err != nil {
				return nil, err
			}
			limits = append(limits, c.fold(limit))
		}
		n := junction(limits, false)
		if s.negated {
			n = negation(n)
		}
		return n, nil
	})
}

// in is true where a value of the list is equal, else null where one is null.
// The list's constants are looked up in a set, and before its other values.
func (c *checker) in(s *syntax, operands []*node) (*node, error) {
	t, operands, err := c.comparable(s, operands)
	if err != nil {
		return nil, err
	}
	return c.bound(operands[0], func(x *node) (*node, error) {
		var constants, found []*node
		for i, o := range operands[1:] {
			if o.constant != nil {
				constants = append(constants, o)
				continue
			}
			equal, err := c.compare(&syntax{op: "=", operands: []*syntax{s.operands[0], s.operands[i+1]}, at: s.at}, x, o)
			if err != nil {
				return nil, err
			}
			found = append(found, equal)
		}
		if len(constants) > 0 {
			found = append([]*node{inSet(t, x, constants)}, found...)
		}
		n := found[0]
		if len(found) > 1 {
			n = junction(found, true)
		}
		if s.negated {
			n = negation(n)
		}
		return n, nil
	})
}

// inSet is true where x is one of the constants, null where it is not and one of them is null.
func inSet(t value.Type, x *node, constants []*node) *node {
	hasNull := slices.ContainsFunc(constants, func(n *node) bool { return n.constant.null(0) })
	member := memberOf(t.Kind, slices.DeleteFunc(constants, func(n *node) bool { return n.constant.null(0) }))
	return newNode(boolean, []*node{x}, func(f *frame) vector {
		v, nulls := f.operands([]*node{x})
		out := dense(nil)
		out.bools = f.scratch.bools.take(f.n)
		r := result{f: f, nulls: nulls}
		for i := range out.bools {
			if !r.null(i) {
				if out.bools[i] = member(&v[0], i); !out.bools[i] && hasNull {
					r.setNull(i)
				}
			}
		}
		out.nulls = r.nulls
		return out
	})
}

// memberOf is a look-up of a vector's value at a position among constants.
func memberOf(k value.Kind, constants []*node) func(v *vector, i int) bool {
	switch k {
	case value.Null:
		return func(*vector, int) bool { return false }
	case value.Boolean:
		set := setOf(constants, func(v *vector) bool { return v.bools[0] })
		return func(v *vector, i int) bool { return set[v.bools[i&v.mask]] }
	case value.Float, value.Double:
		set := setOf(constants, func(v *vector) float64 { return v.floats[0] })
		return func(v *vector, i int) bool { return set[v.floats[i&v.mask]] }
	case value.Decimal:
		set := setOf(constants, func(v *vector) decimal { return v.decs[0] })
		return func(v *vector, i int) bool { return set[v.decs[i&v.mask]] }
	case value.String, value.Binary:
		set := setOf(constants, func(v *vector) string { return string(v.text(0)) })
		return func(v *vector, i int) bool { return set[string(v.text(i))] }
	}
	set := setOf(constants, func(v *vector) int64 { return v.ints[0] })
	return func(v *vector, i int) bool { return set[v.ints[i&v.mask]] }
}

func setOf[T comparable](constants []*node, of func(*vector) T) map[T]bool {
	set := map[T]bool{}
	for _, n := range constants {
		set[of(n.constant)] = true
	}
	return set
}

// extreme is GREATEST or LEAST; null where an argument is.
func extreme(accept int) func(*checker, *syntax, []*node) (*node, error) {
	return func(c *checker, s *syntax, args []*node) (*node, error) {
		t, args, err := c.comparable(s, args)
		if err != nil {
			return nil, err
		}
		return newNode(t, args, func(f *frame) vector {
			v, nulls := f.operands(args)
			best := make([]part, len(v))
			for i := range best {
				best[i] = part{rows: f.scratch.offsets.take(f.n)[:0], values: v[i]}
			}
			for i := range f.n {
				if nulls != nil && nulls[i] || f.faulty(i) {
					continue
				}
				at := 0
				for k := 1; k < len(v); k++ {
					if compareAt(t.Kind, &v[k], &v[at], i) == accept {
						at = k
					}
				}
				best[at].rows = append(best[at].rows, int32(i))
			}
			for i := range best {
				best[i].values = f.scratch.gather(best[i].values, best[i].rows)
			}
			return f.merge(best, t.Kind)
		}), nil
	}
}

// compareAt compares two values at a position where neither is null.
func compareAt(k value.Kind, x, y *vector, i int) int {
	xi, yi := i&x.mask, i&y.mask
	switch k {
	case value.Boolean:
		return order(x.bools[xi], y.bools[yi])
	case value.Float, value.Double:
		return cmp.Compare(x.floats[xi], y.floats[yi])
	case value.Decimal:
		return x.decs[xi].Cmp(y.decs[yi])
	case value.String, value.Binary:
		return bytes.Compare(x.text(i), y.text(i))
	}
	return cmp.Compare(x.ints[xi], y.ints[yi])
}
