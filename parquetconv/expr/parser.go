package expr

import "strings"

// syntax is a parsed expression before its types are known.
type syntax struct {
	op         string // column, null, true, false, string, integer, decimal, date, timestamp, call, case, cast, try_cast, is null, in, between, like, not, neg, or an operator
	text       string // name of a column or function, literal, or type of a cast
	operands   []*syntax
	hasSubject bool // case: the first operand is compared with those behind each WHEN
	hasElse    bool // case: the last operand is the ELSE
	negated    bool // is null, in, between, like: with NOT
	at         int
}

type parser struct {
	text   string
	tokens []token
	next   int
	depth  int
}

// The bounds of an expression, and so of the stack: of its nesting, and of its
// length, since a chain of operators nests too.
const (
	maxDepth     = 200
	maxTextBytes = 64 << 10
)

// parse reads a whole expression.
func parse(text string) (*syntax, error) {
	if len(text) > maxTextBytes {
		return nil, errorAt(text, 0, "more than %d bytes", maxTextBytes)
	}
	tokens, err := lex(text)
	if err != nil {
		return nil, err
	}
	p := &parser{text: text, tokens: tokens}
	s, err := p.or()
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind != tokenEnd {
		return nil, p.unexpected("an operator or the end")
	}
	return s, nil
}

func (p *parser) peek() token { return p.tokens[p.next] }

func (p *parser) take() token {
	t := p.tokens[p.next]
	if t.kind != tokenEnd {
		p.next++
	}
	return t
}

func (t token) is(op string) bool { return t.kind == tokenOperator && t.text == op }

func (t token) keyword(word string) bool {
	return t.kind == tokenName && !t.quoted && strings.EqualFold(t.text, word)
}

func (p *parser) takeKeyword(word string) bool {
	if p.peek().keyword(word) {
		p.next++
		return true
	}
	return false
}

func (p *parser) takeOperator(ops ...string) (token, bool) {
	for _, op := range ops {
		if p.peek().is(op) {
			return p.take(), true
		}
	}
	return token{}, false
}

func (p *parser) expect(op string) error {
	if _, ok := p.takeOperator(op); !ok {
		return p.unexpected("%q", op)
	}
	return nil
}

func (p *parser) expectKeyword(word string) error {
	if !p.takeKeyword(word) {
		return p.unexpected("%s", strings.ToUpper(word))
	}
	return nil
}

func (p *parser) unexpected(format string, args ...any) error {
	t := p.peek()
	found := "the end"
	if t.kind != tokenEnd {
		found = "“" + t.text + "”"
	}
	return errorAt(p.text, t.at, "expected "+format+", found %s", append(args, found)...)
}

// left parses operands of the next tighter level joined by left-associative
// operators. A chain of || is one operator of them all.
func (p *parser) left(operand func() (*syntax, error), ops ...string) (*syntax, error) {
	s, err := operand()
	for err == nil {
		op, ok := p.takeOperator(ops...)
		if !ok {
			return s, nil
		}
		var right *syntax
		if right, err = operand(); err == nil {
			if op.text == "||" {
				s = s.join(op.text, right, op.at)
			} else {
				s = &syntax{op: op.text, operands: []*syntax{s, right}, at: op.at}
			}
		}
	}
	return nil, err
}

// join adds an operand behind those of the same operator.
func (s *syntax) join(op string, right *syntax, at int) *syntax {
	if s.op == op {
		s.operands = append(s.operands, right)
		return s
	}
	return &syntax{op: op, operands: []*syntax{s, right}, at: at}
}

// words is left for the operators OR and AND, of which a chain is one operator
// of all its operands.
func (p *parser) words(word string, operand func() (*syntax, error)) (*syntax, error) {
	s, err := operand()
	for err == nil {
		at := p.peek().at
		if !p.takeKeyword(word) {
			return s, nil
		}
		var right *syntax
		if right, err = operand(); err == nil {
			s = s.join(word, right, at)
		}
	}
	return nil, err
}

func (p *parser) or() (*syntax, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, errorAt(p.text, p.peek().at, "more than %d levels of nesting", maxDepth)
	}
	defer func() { p.depth-- }()
	return p.words("or", p.and)
}

func (p *parser) and() (*syntax, error) { return p.words("and", p.not) }

func (p *parser) not() (*syntax, error) {
	var nots []int
	for p.peek().keyword("not") {
		nots = append(nots, p.take().at)
	}
	s, err := p.comparison()
	if err != nil {
		return nil, err
	}
	for i := len(nots) - 1; i >= 0; i-- {
		s = &syntax{op: "not", operands: []*syntax{s}, at: nots[i]}
	}
	return s, nil
}

func (p *parser) comparison() (*syntax, error) {
	s, err := p.sum()
	if err != nil {
		return nil, err
	}
	if op, ok := p.takeOperator("=", "<>", "!=", "<=", ">=", "<", ">"); ok {
		right, err := p.sum()
		if err != nil {
			return nil, err
		}
		name := op.text
		if name == "!=" {
			name = "<>"
		}
		return &syntax{op: name, operands: []*syntax{s, right}, at: op.at}, nil
	}
	at := p.peek().at
	if p.takeKeyword("is") {
		negated := p.takeKeyword("not")
		if err := p.expectKeyword("null"); err != nil {
			return nil, err
		}
		return &syntax{op: "is null", operands: []*syntax{s}, negated: negated, at: at}, nil
	}
	out := &syntax{operands: []*syntax{s}, negated: p.takeKeyword("not"), at: at}
	switch {
	case p.takeKeyword("in"):
		out.op = "in"
		return out, p.in(out)
	case p.takeKeyword("between"):
		out.op = "between"
		return out, p.between(out)
	case p.takeKeyword("like"):
		out.op = "like"
		return out, p.like(out)
	case out.negated:
		return nil, p.unexpected("IN, BETWEEN or LIKE")
	}
	return s, nil
}

func (p *parser) sum() (*syntax, error)     { return p.left(p.product, "+", "-", "||") }
func (p *parser) product() (*syntax, error) { return p.left(p.unary, "*", "/", "%") }

func (p *parser) unary() (*syntax, error) {
	if op, ok := p.takeOperator("-", "+"); ok {
		if p.depth++; p.depth > maxDepth {
			return nil, errorAt(p.text, op.at, "more than %d levels of nesting", maxDepth)
		}
		defer func() { p.depth-- }()
		// The least int64 has no positive counterpart: its sign belongs to the literal.
		if t := p.peek(); op.text == "-" && (t.kind == tokenInteger || t.kind == tokenDecimal) {
			p.tokens[p.next].text = "-" + t.text
			return p.primary()
		}
		s, err := p.unary()
		if err != nil || op.text == "+" {
			return s, err
		}
		return &syntax{op: "neg", operands: []*syntax{s}, at: op.at}, nil
	}
	return p.primary()
}

func (p *parser) primary() (*syntax, error) {
	t := p.peek()
	switch {
	case t.is("("):
		p.take()
		s, err := p.or()
		if err != nil {
			return nil, err
		}
		return s, p.expect(")")
	case t.kind == tokenString:
		p.take()
		return &syntax{op: "string", text: t.text, at: t.at}, nil
	case t.kind == tokenInteger:
		p.take()
		return &syntax{op: "integer", text: t.text, at: t.at}, nil
	case t.kind == tokenDecimal:
		p.take()
		return &syntax{op: "decimal", text: t.text, at: t.at}, nil
	case t.kind == tokenName:
		p.take()
		return p.name(t)
	}
	return nil, p.unexpected("a value")
}

func (p *parser) name(t token) (*syntax, error) {
	if !t.quoted {
		switch word := strings.ToLower(t.text); word {
		case "null", "true", "false":
			return &syntax{op: word, at: t.at}, nil
		case "case":
			return p.caseWhen(t.at)
		case "cast", "try_cast":
			return p.cast(word, t.at)
		case "date", "timestamp":
			if p.peek().kind == tokenString {
				return &syntax{op: word, text: p.take().text, at: t.at}, nil
			}
		case "and", "or", "not", "is", "in", "between", "like", "when", "then", "else", "end", "as":
			p.next--
			return nil, p.unexpected("a value")
		}
		if p.peek().is("(") {
			read := p.arguments
			switch strings.ToLower(t.text) {
			case "extract":
				read = p.extract
			case "trim":
				return p.trim(t.at)
			}
			args, err := read()
			return &syntax{op: "call", text: strings.ToLower(t.text), operands: args, at: t.at}, err
		}
	}
	return &syntax{op: "column", text: t.text, at: t.at}, nil
}

// arguments reads a parenthesised list, which may be empty.
func (p *parser) arguments() ([]*syntax, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	if _, ok := p.takeOperator(")"); ok {
		return nil, nil
	}
	var list []*syntax
	for {
		s, err := p.or()
		if err != nil {
			return nil, err
		}
		list = append(list, s)
		if _, ok := p.takeOperator(","); !ok {
			return list, p.expect(")")
		}
	}
}
