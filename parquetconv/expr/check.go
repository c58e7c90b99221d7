package expr

import (
	"github.com/s3compact/s3compact/parquetconv/value"
)

// Row is what an expression is evaluated over: the values of the columns that
// its scope knows, by their index. Arena is memory for the texts that are made
// on the way; whoever owns the row empties it between rows.
type Row struct {
	Values []value.Value
	Arena  []byte
}

// Scope finds the column that a name stands for: its index in Row.Values and
// its type. ok is false for a column that has no value yet when the expression
// is evaluated.
type Scope func(name string) (index int, t value.Type, ok bool)

// Expr is an expression whose types are right.
type Expr struct {
	Type value.Type
	eval eval
}

// Eval computes the expression's value for a row. The only errors are
// *value.Bad: this row's values have no result.
func (e *Expr) Eval(r *Row) (value.Value, *value.Bad) { return e.eval(r) }

type eval func(*Row) (value.Value, *value.Bad)

// typed is an expression with its type during the check.
type typed struct {
	t       value.Type
	eval    eval
	literal *value.Value // of a constant
}

type checker struct {
	text  string
	scope Scope
}

// Parse reads an expression and checks its types. Faults are *Error.
func Parse(text string, scope Scope) (*Expr, error) {
	s, err := parse(text)
	if err != nil {
		return nil, err
	}
	c := &checker{text: text, scope: scope}
	e, err := c.check(s)
	if err != nil {
		return nil, err
	}
	return &Expr{Type: e.t, eval: e.eval}, nil
}

func (c *checker) errorf(s *syntax, format string, args ...any) error {
	return errorAt(c.text, s.at, format, args...)
}

func constant(t value.Type, v value.Value) typed {
	return typed{t: t, literal: &v, eval: func(*Row) (value.Value, *value.Bad) { return v, nil }}
}

var (
	null     = value.Type{Kind: value.Null}
	boolean  = value.Type{Kind: value.Boolean}
	integer  = value.Type{Kind: value.Int64}
	double   = value.Type{Kind: value.Double}
	text     = value.Type{Kind: value.String}
	date     = value.Type{Kind: value.Date}
	instant  = value.Type{Kind: value.Timestamp}
	anyOfInt = func(t value.Type) bool { return t.Kind == value.Int32 || t.Kind == value.Int64 }
	anyFloat = func(t value.Type) bool { return t.Kind == value.Float || t.Kind == value.Double }
)

func (c *checker) check(s *syntax) (typed, error) {
	switch s.op {
	case "null":
		return constant(null, value.NullValue), nil
	case "true", "false":
		return constant(boolean, value.Bool(s.op == "true")), nil
	case "string":
		return constant(text, value.Value{Bytes: []byte(s.text)}), nil
	case "integer":
		n, bad := value.ParseInt([]byte(s.text), 64)
		if bad != nil {
			return typed{}, c.errorf(s, "%v", bad)
		}
		return constant(integer, value.Value{Int: n}), nil
	case "decimal":
		f, bad := value.ParseFloat([]byte(s.text), 64)
		if bad != nil {
			return typed{}, c.errorf(s, "%v", bad)
		}
		return constant(double, value.Value{Float: f}), nil
	case "column":
		return c.column(s)
	}
	operands := make([]typed, len(s.operands))
	for i, o := range s.operands {
		var err error
		if operands[i], err = c.check(o); err != nil {
			return typed{}, err
		}
	}
	switch s.op {
	case "cast", "try_cast":
		return c.cast(s, operands[0])
	case "neg":
		return c.negate(s, operands[0])
	case "+", "-", "*", "/", "%":
		return c.arithmetic(s, operands[0], operands[1])
	case "||":
		return c.call(&syntax{op: "call", text: "concat", operands: s.operands, at: s.at}, operands)
	case "=", "<>", "<", "<=", ">", ">=":
		return c.compare(s, s.op, operands[0], operands[1])
	case "in":
		return c.in(s, operands)
	case "is null":
		o := operands[0].eval
		return typed{t: boolean, eval: func(r *Row) (value.Value, *value.Bad) {
			v, bad := o(r)
			return value.Bool(v.Null != s.negated), bad
		}}, nil
	case "and", "or", "not":
		return c.logic(s, operands)
	case "case":
		return c.caseWhen(s, operands)
	}
	return c.call(s, operands)
}

func (c *checker) column(s *syntax) (typed, error) {
	i, t, ok := c.scope(s.text)
	if !ok {
		return typed{}, c.errorf(s, "%q is derived further down: move it up", s.text)
	}
	return typed{t: t, eval: func(r *Row) (value.Value, *value.Bad) { return r.Values[i], nil }}, nil
}

// common is the type that all operands are brought to: the same one, or the
// wider of two numeric ones; null goes with any.
func (c *checker) common(s *syntax, operands []typed) (value.Type, []eval, error) {
	t := null
	for i, o := range operands {
		switch {
		case o.t.Kind == value.Null || o.t == t:
		case t.Kind == value.Null:
			t = o.t
		case anyOfInt(t) && anyOfInt(o.t):
			t = integer
		case (anyOfInt(t) || anyFloat(t)) && (anyOfInt(o.t) || anyFloat(o.t)):
			t = double
		default:
			return null, nil, c.errorf(s.operands[i], "%s does not go with %s: cast one of them", o.t, t)
		}
	}
	evals := make([]eval, len(operands))
	for i, o := range operands {
		evals[i] = widen(o, t)
	}
	return t, evals, nil
}

// widen brings a number to double where t is that; whole numbers share one form.
func widen(o typed, t value.Type) eval {
	if !anyFloat(t) || !anyOfInt(o.t) {
		return o.eval
	}
	return func(r *Row) (value.Value, *value.Bad) {
		v, bad := o.eval(r)
		v.Float = float64(v.Int)
		return v, bad
	}
}

func (c *checker) logic(s *syntax, operands []typed) (typed, error) {
	for i, o := range operands {
		if o.t.Kind != value.Boolean && o.t.Kind != value.Null {
			return typed{}, c.errorf(s.operands[i], "%s needs a boolean, not %s", s.op, o.t)
		}
	}
	a := operands[0].eval
	if s.op == "not" {
		return typed{t: boolean, eval: func(r *Row) (value.Value, *value.Bad) {
			v, bad := a(r)
			if !v.Null {
				v = value.Bool(v.Int == 0)
			}
			return v, bad
		}}, nil
	}
	b := operands[1].eval
	decisive := int64(0) // false decides AND, true decides OR
	if s.op == "or" {
		decisive = 1
	}
	return typed{t: boolean, eval: func(r *Row) (value.Value, *value.Bad) {
		x, bad := a(r)
		if bad != nil || !x.Null && x.Int == decisive {
			return x, bad
		}
		y, bad := b(r)
		if bad != nil || !y.Null && y.Int == decisive || !x.Null {
			return y, bad
		}
		return value.NullValue, nil
	}}, nil
}

func (c *checker) caseWhen(s *syntax, operands []typed) (typed, error) {
	pairs := len(operands) / 2
	results := &syntax{}
	var values []typed
	for i := range pairs {
		if k := operands[2*i].t.Kind; k != value.Boolean && k != value.Null {
			return typed{}, c.errorf(s.operands[2*i], "WHEN needs a boolean, not %s", operands[2*i].t)
		}
		values = append(values, operands[2*i+1])
		results.operands = append(results.operands, s.operands[2*i+1])
	}
	if s.hasElse {
		values = append(values, operands[len(operands)-1])
		results.operands = append(results.operands, s.operands[len(operands)-1])
	}
	t, evals, err := c.common(results, values)
	if err != nil {
		return typed{}, err
	}
	return typed{t: t, eval: func(r *Row) (value.Value, *value.Bad) {
		for i := range pairs {
			v, bad := operands[2*i].eval(r)
			if bad != nil {
				return v, bad
			}
			if !v.Null && v.Int != 0 {
				return evals[i](r)
			}
		}
		if s.hasElse {
			return evals[len(evals)-1](r)
		}
		return value.NullValue, nil
	}}, nil
}
