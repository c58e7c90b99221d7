package expr

import (
	"slices"

	"github.com/s3compact/s3compact/parquetconv/value"
)

func (c *checker) wantBoolean(at *syntax, who string, o *node) error {
	if o.t.Kind != value.Boolean && o.t.Kind != value.Null {
		return c.errorf(at, "%s needs a boolean, not %s", who, o.t)
	}
	return nil
}

// isTrue and isFalse tell of a boolean vector what is not null.
func (v *vector) isTrue(i int) bool  { return !v.null(i) && v.bools[i&v.mask] }
func (v *vector) isFalse(i int) bool { return !v.null(i) && !v.bools[i&v.mask] }

func (c *checker) isNull(s *syntax, o *node) *node {
	return newNode(boolean, []*node{o}, func(f *frame) vector {
		v := o.run(f)
		out := dense(nil)
		out.bools = f.scratch.bools.take(f.n)
		for i := range out.bools {
			out.bools[i] = v.null(i) != s.negated
		}
		return out
	})
}

func (c *checker) not(s *syntax, o *node) (*node, error) {
	if err := c.wantBoolean(s.operands[0], "not", o); err != nil {
		return nil, err
	}
	return negation(o), nil
}

func negation(o *node) *node {
	return newNode(boolean, []*node{o}, func(f *frame) vector {
		v := o.run(f)
		out := dense(f.nullsOf(nil, &v))
		out.bools = f.scratch.bools.take(f.n)
		for i := range out.bools {
			out.bools[i] = v.isFalse(i)
		}
		return out
	})
}

func (c *checker) logic(s *syntax, operands []*node) (*node, error) {
	for i, o := range operands {
		if err := c.wantBoolean(s.operands[i], s.op, o); err != nil {
			return nil, err
		}
	}
	return junction(operands, s.op == "or"), nil
}

// junction is OR or AND. An operand is computed where none before it decides:
// true decides OR, false decides AND.
func junction(operands []*node, decisive bool) *node {
	return newNode(boolean, operands, func(f *frame) vector {
		out := dense(nil)
		out.bools = f.scratch.bools.take(f.n)
		for i := range out.bools {
			out.bools[i] = !decisive
		}
		unknown, anyUnknown := f.scratch.bools.zeroed(f.n), false
		rows := f.identity()
		for _, o := range operands {
			if len(rows) == 0 {
				break
			}
			f.preload(o)
			before := f.scratch.held()
			v := f.choice(o, rows).values
			n := 0
			for i, r := range rows {
				switch {
				case v.null(i):
					unknown[r], anyUnknown = true, true
				case v.bools[i&v.mask] == decisive:
					out.bools[r], unknown[r] = decisive, false
					continue
				}
				rows[n] = r
				n++
			}
			rows = rows[:n]
			f.scratch.release(before)
		}
		if anyUnknown {
			out.nulls = unknown
		}
		return out
	})
}

// part is some positions of a frame, in ascending order, and their values.
type part struct {
	rows   []int32
	values vector
}

// choice computes a node at some positions of the frame.
func (f *frame) choice(o *node, rows []int32) part {
	at := f.sub(rows)
	v := o.run(at)
	f.adopt(at)
	return part{rows: rows, values: v}
}

// caseWhen is CASE WHEN; with a subject, the first operand, it is compared
// with what stands behind each WHEN.
func (c *checker) caseWhen(s *syntax, operands []*node) (*node, error) {
	if !s.hasSubject {
		return c.searchedCase(s, operands)
	}
	return c.bound(operands[0], func(subject *node) (*node, error) {
		searched := *s
		searched.operands, operands = s.operands[1:], append([]*node(nil), operands[1:]...)
		for i := range len(operands) / 2 {
			equal := &syntax{op: "=", operands: []*syntax{s.operands[0], searched.operands[2*i]}, at: searched.operands[2*i].at}
			var err error
			if operands[2*i], err = c.compare(equal, subject, operands[2*i]); err != nil {
				return nil, err
			}
			operands[2*i] = c.fold(operands[2*i])
		}
		return c.searchedCase(&searched, operands)
	})
}

func (c *checker) searchedCase(s *syntax, operands []*node) (*node, error) {
	pairs := len(operands) / 2
	results := &syntax{op: "case"}
	var conditions, values []*node
	for i := range pairs {
		if err := c.wantBoolean(s.operands[2*i], "WHEN", operands[2*i]); err != nil {
			return nil, err
		}
		conditions, values = append(conditions, operands[2*i]), append(values, operands[2*i+1])
		results.operands = append(results.operands, s.operands[2*i+1])
	}
	if s.hasElse {
		values = append(values, operands[len(operands)-1])
		results.operands = append(results.operands, s.operands[len(operands)-1])
	}
	t, values, err := c.common(results, values)
	if err != nil {
		return nil, err
	}
	return newNode(t, append(conditions, values...), func(f *frame) vector {
		var parts []part
		rest := f.identity()
		for i := range pairs {
			if len(rest) == 0 {
				break
			}
			var taken []int32
			if taken, rest = f.decide(conditions[i], rest); len(taken) > 0 {
				parts = append(parts, f.choice(values[i], taken))
			}
		}
		if s.hasElse && len(rest) > 0 {
			parts = append(parts, f.choice(values[pairs], rest))
		}
		return f.merge(parts, t.Kind)
	}), nil
}

// decide divides rows by whether a condition is true; others is in the memory of rows.
func (f *frame) decide(condition *node, rows []int32) (taken, others []int32) {
	f.preload(condition)
	before := f.scratch.held()
	v := f.choice(condition, rows).values
	others, taken = rows[:0], f.scratch.offsets.take(len(rows))[:0]
	for i, r := range rows {
		if v.isTrue(i) {
			taken = append(taken, r)
		} else {
			others = append(others, r)
		}
	}
	taken = slices.Clone(taken)
	f.scratch.release(before)
	return taken, others
}

// divide divides positions by what is said of the i-th one.
func (f *frame) divide(rows []int32, is func(i int) bool) (taken, others []int32) {
	taken, others = f.scratch.offsets.take(len(rows))[:0], f.scratch.offsets.take(len(rows))[:0]
	for i, r := range rows {
		if is(i) {
			taken = append(taken, r)
		} else {
			others = append(others, r)
		}
	}
	return taken, others
}

func buildCoalesce(c *checker, s *syntax, args []*node) (*node, error) {
	t, args, err := c.common(s, args)
	if err != nil {
		return nil, err
	}
	return newNode(t, args, func(f *frame) vector {
		var parts []part
		rest := f.identity()
		for _, o := range args {
			if len(rest) == 0 {
				break
			}
			p := f.choice(o, rest)
			nulls, present := f.divide(rest, p.values.null)
			if len(nulls) == 0 && len(parts) == 0 && len(present) == f.n {
				return p.values
			}
			// The values of what is null are overwritten by the next ones.
			parts = append(parts, p)
			rest = nulls
		}
		return f.merge(parts, t.Kind)
	}), nil
}

// buildNullif is null where both are equal, else the first.
func buildNullif(c *checker, s *syntax, args []*node) (*node, error) {
	return c.bound(args[0], func(x *node) (*node, error) {
		equal, err := c.compare(s, x, args[1])
		if err != nil {
			return nil, err
		}
		return newNode(x.t, []*node{x, equal}, func(f *frame) vector {
			v, is := x.run(f), equal.run(f)
			if v.mask == 0 {
				v = f.spread(v, x.t.Kind)
			}
			r := result{f: f, nulls: v.nulls}
			for i := range f.n {
				if is.isTrue(i) {
					r.setNull(i)
				}
			}
			v.nulls = r.nulls
			return v
		}), nil
	})
}
