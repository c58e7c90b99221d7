package expr

import (
	"math/big"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/s3compact/s3compact/parquetconv/value"
)

// The digits of whole numbers as decimals.
const (
	int32Digits = 10
	int64Digits = 19
)

// asDecimal is the decimal type that holds a type's values exactly.
func asDecimal(t value.Type) (value.Type, bool) {
	switch t.Kind {
	case value.Decimal:
		return t, true
	case value.Int32:
		return value.Type{Kind: value.Decimal, Precision: int32Digits}, true
	case value.Int64:
		return value.Type{Kind: value.Decimal, Precision: int64Digits}, true
	}
	return null, false
}

// exactLiteral is a number as it was written as a decimal of as many digits;
// any other node as it is.
func exactLiteral(n *node) *node {
	digits := strings.TrimPrefix(n.number, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	precision := max(1, len(whole)+len(fraction))
	if n.number == "" || strings.ContainsAny(digits, "eE") || precision > value.MaxPrecision {
		return n
	}
	t := value.Type{Kind: value.Decimal, Precision: int32(precision), Scale: int32(len(fraction))}
	text := n.number
	if fraction == "" {
		text = strings.TrimSuffix(text, ".")
	}
	if whole == "" {
		text = strings.Replace(text, ".", "0.", 1)
	}
	v, bad := value.ParseDecimal([]byte(text), t)
	if bad != nil {
		return n
	}
	return constantNode(t, value.Value{Dec: v})
}

// decimalArithmetic is exact: a sum has the larger scale and a digit more, a
// product the sum of both scales and digits, at most 38.
func (c *checker) decimalArithmetic(s *syntax, operands []*node) (*node, error) {
	if s.op == "/" || s.op == "%" {
		return nil, c.errorf(s, "%q does not take decimals: cast them to double", s.op)
	}
	var types [2]value.Type
	for i, o := range operands {
		if o.t.Kind == value.Null {
			return constantNode(operands[1-i].t, value.NullValue), nil
		}
		o = exactLiteral(o)
		d, ok := asDecimal(o.t)
		if !ok {
			return nil, c.errorf(s.operands[i], "%s does not go with a decimal: cast one of them", o.t)
		}
		types[i] = d
		if o.t != d {
			o = c.fold(converted(o, d))
		}
		operands[i] = o
	}
	x, y := types[0], types[1]
	t := value.Type{Kind: value.Decimal, Scale: max(x.Scale, y.Scale)}
	t.Precision = min(value.MaxPrecision, max(x.Precision-x.Scale, y.Precision-y.Scale)+t.Scale+1)
	if s.op == "*" {
		t.Scale, t.Precision = x.Scale+y.Scale, min(value.MaxPrecision, x.Precision+y.Precision)
	}
	if t.Scale > value.MaxPrecision {
		return nil, c.errorf(s, "the product of %s and %s has %d digits after the point: cast one of them to fewer", x, y, t.Scale)
	}
	op := s.op[0]
	return newNode(t, operands, func(f *frame) vector {
		v, nulls := f.operands(operands)
		r := result{f: f, nulls: nulls}
		out := f.scratch.decs.take(f.n)
		for i := range out {
			if r.null(i) {
				continue
			}
			p, q := v[0].decs[i&v[0].mask], v[1].decs[i&v[1].mask]
			var ok bool
			if op == '*' {
				out[i], ok = product(p, q, t)
			} else {
				if op == '-' {
					q = q.Negate()
				}
				out[i], ok = sum(p, q, t.Scale-x.Scale, t.Scale-y.Scale, t)
			}
			if !ok {
				r.fail(i, value.NewBad(value.ReasonRange, "%s %c %s is out of range for %s", v[0].decs[i&v[0].mask].ToString(x.Scale), op, v[1].decs[i&v[1].mask].ToString(y.Scale), t))
			}
		}
		w := dense(r.nulls)
		w.decs = out
		return w
	}), nil
}

// sum adds two decimals after as many zeros were appended to each. Numbers of
// 64 bits with room above them are added as they are, others as big ones.
func sum(p, q decimal, pZeros, qZeros int32, t value.Type) (decimal, bool) {
	const small = 18 // digits that may be appended to 63 bits within 127, and added
	if isInt64(p) && isInt64(q) && pZeros <= small && qZeros <= small {
		z := p.IncreaseScaleBy(pZeros).Add(q.IncreaseScaleBy(qZeros))
		return z, z.FitsInPrecision(t.Precision)
	}
	z := new(big.Int).Mul(p.BigInt(), tenTo(pZeros))
	return fromBig(z.Add(z, new(big.Int).Mul(q.BigInt(), tenTo(qZeros))), t)
}

func product(p, q decimal, t value.Type) (decimal, bool) {
	if isInt64(p) && isInt64(q) {
		z := p.Mul(q)
		return z, z.FitsInPrecision(t.Precision)
	}
	return fromBig(new(big.Int).Mul(p.BigInt(), q.BigInt()), t)
}

func isInt64(d decimal) bool { return d.HighBits() == int64(d.LowBits())>>63 }

func tenTo(n int32) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

func fromBig(z *big.Int, t value.Type) (decimal, bool) {
	if z.CmpAbs(tenTo(t.Precision)) >= 0 {
		return decimal{}, false
	}
	return decimal128.FromBigInt(z), true
}
