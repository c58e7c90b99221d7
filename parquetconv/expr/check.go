package expr

import (
	"github.com/s3compact/s3compact/parquetconv/value"
)

// Scope finds the column that a name stands for: its index in a batch and its
// type. ok is false for a column that has no value yet when the expression is
// evaluated.
type Scope func(name string) (index int, t value.Type, ok bool)

type checker struct {
	text   string
	scope  Scope
	slots  []int
	slotOf map[int]int // of a column's index
}

func (c *checker) errorf(s *syntax, format string, args ...any) error {
	return errorAt(c.text, s.at, format, args...)
}

var (
	null    = value.Type{Kind: value.Null}
	boolean = value.Type{Kind: value.Boolean}
	int32s  = value.Type{Kind: value.Int32}
	integer = value.Type{Kind: value.Int64}
	double  = value.Type{Kind: value.Double}
	text    = value.Type{Kind: value.String}
	date    = value.Type{Kind: value.Date}
	instant = value.Type{Kind: value.Timestamp}
)

func anyInt(t value.Type) bool   { return t.Kind == value.Int32 || t.Kind == value.Int64 }
func anyFloat(t value.Type) bool { return t.Kind == value.Float || t.Kind == value.Double }

func (c *checker) check(s *syntax) (*node, error) {
	operands := make([]*node, len(s.operands))
	for i, o := range s.operands {
		var err error
		if operands[i], err = c.check(o); err != nil {
			return nil, err
		}
	}
	n, err := c.build(s, operands)
	if err != nil {
		return nil, err
	}
	return c.fold(n), nil
}

func (c *checker) build(s *syntax, operands []*node) (*node, error) {
	switch s.op {
	case "null":
		return constantNode(null, value.NullValue), nil
	case "true", "false":
		return constantNode(boolean, value.Bool(s.op == "true")), nil
	case "string":
		return constantNode(text, value.Value{Bytes: []byte(s.text)}), nil
	case "integer", "decimal":
		return c.number(s)
	case "date", "timestamp":
		return c.time(s)
	case "column":
		return c.column(s)
	case "cast", "try_cast":
		return c.cast(s, operands[0])
	case "neg":
		return c.negate(s, operands[0])
	case "+", "-", "*", "/", "%":
		return c.arithmetic(s, operands)
	case "||":
		return buildConcat(c, s, operands)
	case "=", "<>", "<", "<=", ">", ">=":
		return c.compare(s, operands[0], operands[1])
	case "between":
		return c.between(s, operands)
	case "in":
		return c.in(s, operands)
	case "like":
		return c.like(s, operands)
	case "is null":
		return c.isNull(s, operands[0]), nil
	case "not":
		return c.not(s, operands[0])
	case "and", "or":
		return c.logic(s, operands)
	case "case":
		return c.caseWhen(s, operands)
	}
	return c.call(s, operands)
}

func (c *checker) number(s *syntax) (*node, error) {
	t, convert := double, value.FromNumber
	if s.op == "integer" {
		t = integer
	}
	v, bad := convert([]byte(s.text), t)
	if bad != nil {
		return nil, c.errorf(s, "%v", bad)
	}
	n := constantNode(t, v)
	n.number = s.text
	return n, nil
}

func (c *checker) time(s *syntax) (*node, error) {
	t := date
	if s.op == "timestamp" {
		t = instant
	}
	v, bad := value.FromText([]byte(s.text), t)
	if bad != nil {
		return nil, c.errorf(s, "%v", bad)
	}
	return constantNode(t, v), nil
}

func (c *checker) column(s *syntax) (*node, error) {
	i, t, ok := c.scope(s.text)
	if !ok {
		return nil, c.errorf(s, "%q is derived further down: move it up", s.text)
	}
	slot, ok := c.slotOf[i]
	if !ok {
		slot = c.slot(i)
		c.slotOf[i] = slot
	}
	return slotNode(slot, t), nil
}

func (c *checker) slot(column int) int {
	c.slots = append(c.slots, column)
	return len(c.slots) - 1
}

func slotNode(slot int, t value.Type) *node {
	return &node{t: t, reads: []int{slot}, isColumn: true, certain: true, eval: func(f *frame) vector { return f.column(slot) }}
}

// bound evaluates a value once for a body that reads it several times.
func (c *checker) bound(x *node, body func(x *node) (*node, error)) (*node, error) {
	if x.constant != nil || x.isColumn {
		return body(x)
	}
	slot := c.slot(-1)
	b, err := body(slotNode(slot, x.t))
	if err != nil {
		return nil, err
	}
	n := newNode(b.t, []*node{x}, func(f *frame) vector {
		f.bind(slot, x.run(f))
		return b.run(f)
	})
	for _, read := range b.reads {
		if read != slot {
			n.read([]int{read})
		}
	}
	return n, nil
}

// common brings operands to one type: the same one, or one that holds the
// values of all as they are, or double for whole numbers beside one; null goes
// with any.
func (c *checker) common(s *syntax, operands []*node) (value.Type, []*node, error) {
	exact := false
	for i, o := range operands {
		if o.t.Nested() {
			return null, nil, c.errorf(s.operands[i], "%s does not take a %s", nameOf(s), o.t)
		}
		exact = exact || o.t.Kind == value.Decimal
	}
	out := make([]*node, len(operands))
	t := null
	for i, o := range operands {
		if exact {
			o = exactLiteral(o)
		}
		joined, ok := join(t, o.t)
		if !ok {
			return null, nil, c.errorf(s.operands[i], "%s does not go with %s: cast one of them", o.t, t)
		}
		t, out[i] = joined, o
	}
	for i, o := range out {
		if o.t != t {
			out[i] = c.fold(converted(o, t))
		}
	}
	return t, out, nil
}

func nameOf(s *syntax) string {
	if s.op == "call" {
		return s.text
	}
	return s.op
}

// join is the type that has the values of both.
func join(a, b value.Type) (value.Type, bool) {
	switch {
	case a == b || b.Kind == value.Null:
		return a, true
	case a.Kind == value.Null:
		return b, true
	case anyInt(a) && anyInt(b):
		return integer, true
	case (anyInt(a) || anyFloat(a)) && (anyInt(b) || anyFloat(b)):
		return double, true
	}
	x, xok := asDecimal(a)
	y, yok := asDecimal(b)
	if !xok || !yok {
		return null, false
	}
	scale := max(x.Scale, y.Scale)
	precision := max(x.Precision-x.Scale, y.Precision-y.Scale) + scale
	return value.Type{Kind: value.Decimal, Precision: precision, Scale: scale}, precision <= value.MaxPrecision
}

// converted brings a node to a type that join gave.
func converted(n *node, t value.Type) *node {
	convert := conversion(n.t, t)
	out := newNode(t, []*node{n}, func(f *frame) vector { return convert(f, f.plain(n.run(f))) })
	out.certain = n.certain && holdsAll(n.t, t)
	return out
}
