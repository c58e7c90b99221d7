package expr

import (
	"math"
	"math/big"

	"github.com/s3compact/s3compact/parquetconv/value"
)

// buildAbs is a number without its sign; of a whole number as int64.
func buildAbs(c *checker, s *syntax, args []*node) (*node, error) {
	x := args[0]
	switch {
	case x.t.Kind == value.Null, anyInt(x.t):
		args = []*node{x}
		if err := c.want(s, args, "i"); err != nil {
			return nil, err
		}
		return counting(integer, args, func(v []vector, i int) (int64, *value.Bad) {
			n := v[0].ints[i&v[0].mask]
			if n == math.MinInt64 {
				return 0, value.NewBad(value.ReasonRange, "abs(%d) is out of range", n)
			}
			return max(n, -n), nil
		}), nil
	case anyFloat(x.t):
		return converting(x.t, x, eachFloat(math.Abs)), nil
	case x.t.Kind == value.Decimal:
		return converting(x.t, x, each(x.t, x.t, func(v value.Value) (value.Value, *value.Bad) {
			return value.Value{Dec: v.Dec.Abs()}, nil
		})), nil
	}
	return nil, c.errorf(s.operands[0], "abs needs a number, not %s: cast it", x.t)
}

func eachFloat(convert func(float64) float64) converter {
	return func(f *frame, v vector) vector {
		from := v.floats
		v.floats = f.scratch.floats.take(len(from))
		for i, x := range from {
			v.floats[i] = convert(x)
		}
		return v
	}
}

// mostDigits is beyond what round is asked for: a double has no more before
// and behind its point.
const mostDigits = 308

// rounder is round (half away from zero), floor or ceil. The type stays: whole
// numbers are as they are, decimals keep their digits behind the point, as
// zeros.
func rounder(mode string) func(*checker, *syntax, []*node) (*node, error) {
	return func(c *checker, s *syntax, args []*node) (*node, error) {
		digits := int64(0)
		if len(args) == 2 {
			var err error
			if digits, err = c.constantInt(s, 1, args[1], "digits", 0, mostDigits); err != nil {
				return nil, err
			}
		}
		x := args[0]
		switch {
		case x.t.Kind == value.Null:
			return constantNode(double, value.NullValue), nil
		case anyInt(x.t):
			return x, nil
		case anyFloat(x.t):
			return converting(x.t, x, eachFloat(floatRounder(mode, int(digits), x.t))), nil
		case x.t.Kind == value.Decimal && digits >= int64(x.t.Scale):
			return x, nil
		case x.t.Kind == value.Decimal:
			unit := tenTo(x.t.Scale - int32(digits))
			return converting(x.t, x, each(x.t, x.t, func(v value.Value) (value.Value, *value.Bad) {
				d, ok := fromBig(roundBig(v.Dec.BigInt(), unit, mode), x.t)
				if !ok {
					return v, value.NewBad(value.ReasonRange, "%s(%s) is out of range for %s", mode, v.Dec.ToString(x.t.Scale), x.t)
				}
				return value.Value{Dec: d}, nil
			})), nil
		}
		return nil, c.errorf(s.operands[0], "%s needs a number, not %s: cast it", mode, x.t)
	}
}

func floatRounder(mode string, digits int, t value.Type) func(float64) float64 {
	switch {
	case mode == "floor":
		return math.Floor
	case mode == "ceil":
		return math.Ceil
	case digits == 0:
		return math.Round
	}
	power := math.Pow10(digits)
	return func(x float64) float64 {
		if y := math.Round(x*power) / power; !math.IsInf(y, 0) && y == y {
			return toFloat(y, t)
		}
		return x // so large that it has no digits there
	}
}

// roundBig is n brought to a multiple of a unit.
func roundBig(n, unit *big.Int, mode string) *big.Int {
	shift := new(big.Int) // what makes cutting off towards the past the rounding that is asked for
	switch mode {
	case "ceil":
		shift.Sub(unit, big.NewInt(1))
	case "round":
		if shift.Rsh(unit, 1); n.Sign() < 0 {
			shift.Sub(shift, big.NewInt(1))
		}
	}
	shift.Add(n, shift)
	shift.Sub(shift, new(big.Int).Mod(shift, unit))
	return shift
}
