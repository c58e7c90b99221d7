package expr

import (
	"bytes"
	"cmp"
	"math"
	"math/bits"

	"github.com/s3compact/s3compact/parquetconv/value"
)

func (c *checker) negate(s *syntax, o typed) (typed, error) {
	zero := constant(integer, value.Value{})
	if anyFloat(o.t) {
		return typed{t: double, eval: func(r *Row) (value.Value, *value.Bad) {
			v, bad := o.eval(r)
			v.Float = -v.Float
			return v, bad
		}}, nil
	}
	return c.arithmetic(&syntax{op: "-", operands: []*syntax{s, s.operands[0]}, at: s.at}, zero, o)
}

// arithmetic works on int64 and double. Whole numbers are divided as in
// PostgreSQL and Trino: the quotient is cut off towards zero. Overflow and
// division by zero are bad values.
func (c *checker) arithmetic(s *syntax, a, b typed) (typed, error) {
	for i, o := range []typed{a, b} {
		if !anyOfInt(o.t) && !anyFloat(o.t) && o.t.Kind != value.Null {
			return typed{}, c.errorf(s.operands[i], "%q needs whole numbers or doubles, not %s: cast it", s.op, o.t)
		}
	}
	t, evals, err := c.common(s, []typed{a, b})
	if err != nil {
		return typed{}, err
	}
	op := s.op[0]
	if anyFloat(t) {
		return typed{t: double, eval: both(evals, func(x, y value.Value) (value.Value, *value.Bad) {
			f, bad := doubleOp(op, x.Float, y.Float)
			return value.Value{Float: f}, bad
		})}, nil
	}
	return typed{t: integer, eval: both(evals, func(x, y value.Value) (value.Value, *value.Bad) {
		n, bad := intOp(op, x.Int, y.Int)
		return value.Value{Int: n}, bad
	})}, nil
}

// both evaluates two operands; null if one of them is.
func both(evals []eval, f func(x, y value.Value) (value.Value, *value.Bad)) eval {
	a, b := evals[0], evals[1]
	return func(r *Row) (value.Value, *value.Bad) {
		x, bad := a(r)
		if bad != nil {
			return x, bad
		}
		y, bad := b(r)
		if bad != nil {
			return y, bad
		}
		if x.Null || y.Null {
			return value.NullValue, nil
		}
		return f(x, y)
	}
}

func doubleOp(op byte, x, y float64) (float64, *value.Bad) {
	var f float64
	switch op {
	case '+':
		f = x + y
	case '-':
		f = x - y
	case '*':
		f = x * y
	default:
		if y == 0 {
			return 0, value.NewBad(value.ReasonDivision, "division by zero")
		}
		if op == '/' {
			f = x / y
		} else {
			f = math.Mod(x, y)
		}
	}
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return 0, value.NewBad(value.ReasonRange, "%g %c %g is out of range", x, op, y)
	}
	return f, nil
}

func intOp(op byte, x, y int64) (int64, *value.Bad) {
	overflow := func() (int64, *value.Bad) {
		return 0, value.NewBad(value.ReasonRange, "%d %c %d is out of range", x, op, y)
	}
	switch op {
	case '+':
		if n := x + y; (n > x) == (y > 0) {
			return n, nil
		}
		return overflow()
	case '-':
		if n := x - y; (n < x) == (y > 0) {
			return n, nil
		}
		return overflow()
	case '*':
		return multiply(x, y, overflow)
	}
	switch {
	case y == 0:
		return 0, value.NewBad(value.ReasonDivision, "division by zero")
	case op == '%':
		if y == -1 {
			return 0, nil
		}
		return x % y, nil
	case x == math.MinInt64 && y == -1:
		return overflow()
	}
	return x / y, nil
}

func multiply(x, y int64, overflow func() (int64, *value.Bad)) (int64, *value.Bad) {
	magnitude := func(n int64) uint64 {
		if n < 0 {
			return -uint64(n)
		}
		return uint64(n)
	}
	hi, lo := bits.Mul64(magnitude(x), magnitude(y))
	negative := (x < 0) != (y < 0)
	switch {
	case hi != 0, !negative && lo > math.MaxInt64, negative && lo > 1<<63:
		return overflow()
	case negative:
		return -int64(lo), nil
	}
	return int64(lo), nil
}

// order compares two values of one type that are not null.
func order(t value.Type) func(x, y value.Value) int {
	switch t.Kind {
	case value.Float, value.Double:
		return func(x, y value.Value) int { return cmp.Compare(x.Float, y.Float) }
	case value.Decimal:
		return func(x, y value.Value) int { return x.Dec.Cmp(y.Dec) }
	case value.String, value.Binary:
		return func(x, y value.Value) int { return bytes.Compare(x.Bytes, y.Bytes) }
	}
	return func(x, y value.Value) int { return cmp.Compare(x.Int, y.Int) }
}

func (c *checker) comparable(s *syntax, operands []typed) (value.Type, []eval, error) {
	t, evals, err := c.common(s, operands)
	if err == nil && t.Kind == value.JSON {
		err = c.errorf(s, "json cannot be compared: cast it first")
	}
	return t, evals, err
}

func (c *checker) compare(s *syntax, op string, a, b typed) (typed, error) {
	t, evals, err := c.comparable(s, []typed{a, b})
	if err != nil {
		return typed{}, err
	}
	compare := order(t)
	return typed{t: boolean, eval: both(evals, func(x, y value.Value) (value.Value, *value.Bad) {
		n := compare(x, y)
		var is bool
		switch op {
		case "=":
			is = n == 0
		case "<>":
			is = n != 0
		case "<":
			is = n < 0
		case "<=":
			is = n <= 0
		case ">":
			is = n > 0
		case ">=":
			is = n >= 0
		}
		return value.Bool(is), nil
	})}, nil
}

// in is true if a value of the list is equal, else null if one is null.
func (c *checker) in(s *syntax, operands []typed) (typed, error) {
	t, evals, err := c.comparable(s, operands)
	if err != nil {
		return typed{}, err
	}
	compare := order(t)
	return typed{t: boolean, eval: func(r *Row) (value.Value, *value.Bad) {
		x, bad := evals[0](r)
		if bad != nil || x.Null {
			return x, bad
		}
		unknown := false
		for _, e := range evals[1:] {
			y, bad := e(r)
			if bad != nil {
				return y, bad
			}
			if y.Null {
				unknown = true
			} else if compare(x, y) == 0 {
				return value.Bool(!s.negated), nil
			}
		}
		if unknown {
			return value.NullValue, nil
		}
		return value.Bool(s.negated), nil
	}}, nil
}
