package expr

import (
	"math"
	"math/bits"

	"github.com/s3compact/s3compact/parquetconv/value"
)

func (c *checker) negate(s *syntax, o *node) (*node, error) {
	switch {
	case anyFloat(o.t):
		return converting(double, o, eachFloat(func(x float64) float64 { return -x })), nil
	case o.t.Kind == value.Decimal:
		return converting(o.t, o, each(o.t, o.t, func(v value.Value) (value.Value, *value.Bad) {
			return value.Value{Dec: v.Dec.Negate()}, nil
		})), nil
	}
	zero := constantNode(integer, value.Value{})
	return c.arithmetic(&syntax{op: "-", operands: []*syntax{s, s.operands[0]}, at: s.at}, []*node{zero, o})
}

// arithmetic works on whole numbers as int64, on double, and on decimals.
// Whole numbers are divided as in PostgreSQL and Trino: the quotient is cut off
// towards zero. Overflow and division by zero are bad values.
func (c *checker) arithmetic(s *syntax, operands []*node) (*node, error) {
	exact := false
	for i, o := range operands {
		if !numeric(o.t) && o.t.Kind != value.Null {
			return nil, c.errorf(s.operands[i], "%q needs numbers, not %s: cast it", s.op, o.t)
		}
		exact = exact || o.t.Kind == value.Decimal
	}
	if exact {
		return c.decimalArithmetic(s, operands)
	}
	t, operands, err := c.common(s, operands)
	if err != nil {
		return nil, err
	}
	op := s.op[0]
	if anyFloat(t) {
		return newNode(double, operands, func(f *frame) vector {
			v, nulls := f.operands(operands)
			return f.floatsOf(&v[0], &v[1], nulls, op)
		}), nil
	}
	out := newNode(integer, operands, func(f *frame) vector {
		v, nulls := f.operands(operands)
		return f.intsOf(&v[0], &v[1], nulls, op)
	})
	out.certain = operands[0].certain && (op == '/' || op == '%') && dividesAll(operands[1])
	return out, nil
}

// dividesAll says that every whole number can be divided by the node's value.
func dividesAll(by *node) bool {
	v, ok := by.literal()
	return ok && v.Int != 0 && v.Int != -1
}

func (f *frame) floatsOf(a, b *vector, nulls []bool, op byte) vector {
	r := result{f: f, nulls: nulls}
	out := f.scratch.floats.take(f.n)
	for i := range out {
		x, y := a.floats[i&a.mask], b.floats[i&b.mask]
		var z float64
		switch op {
		case '+':
			z = x + y
		case '-':
			z = x - y
		case '*':
			z = x * y
		case '/':
			z = x / y
		default:
			z = math.Mod(x, y)
		}
		if math.IsInf(z, 0) || z != z {
			if z = 0; r.null(i) {
				continue
			}
			if y == 0 && (op == '/' || op == '%') {
				r.fail(i, divisionByZero)
			} else {
				r.fail(i, value.NewBad(value.ReasonRange, "%g %c %g is out of range", x, op, y))
			}
		}
		out[i] = z
	}
	v := dense(r.nulls)
	v.floats = out
	return v
}

var divisionByZero = value.NewBad(value.ReasonDivision, "division by zero")

func (f *frame) intsOf(a, b *vector, nulls []bool, op byte) vector {
	r := result{f: f, nulls: nulls}
	out := f.scratch.ints.take(f.n)
	for i := range out {
		x, y := a.ints[i&a.mask], b.ints[i&b.mask]
		var z int64
		var ok bool
		switch op {
		case '+':
			z = x + y
			ok = (x^z)&(y^z) >= 0
		case '-':
			z = x - y
			ok = (x^y)&(x^z) >= 0
		case '*':
			z, ok = multiply(x, y)
		default:
			z, ok = divide(x, y, op == '%')
		}
		if !ok {
			if z = 0; r.null(i) {
				continue
			}
			if y == 0 {
				r.fail(i, divisionByZero)
			} else {
				r.fail(i, value.NewBad(value.ReasonRange, "%d %c %d is out of range", x, op, y))
			}
		}
		out[i] = z
	}
	v := dense(r.nulls)
	v.ints = out
	return v
}

func divide(x, y int64, remainder bool) (int64, bool) {
	switch {
	case y == 0, y == -1 && x == math.MinInt64 && !remainder:
		return 0, false
	case !remainder:
		return x / y, true
	case y == -1:
		return 0, true
	}
	return x % y, true
}

func multiply(x, y int64) (int64, bool) {
	hi, lo := bits.Mul64(magnitude(x), magnitude(y))
	if (x < 0) != (y < 0) {
		return -int64(lo), hi == 0 && lo <= 1<<63
	}
	return int64(lo), hi == 0 && lo <= math.MaxInt64
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}
