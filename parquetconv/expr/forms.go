package expr

import "strings"

// The forms of SQL that are words between operands.

// in reads the list behind IN.
func (p *parser) in(out *syntax) error {
	list, err := p.arguments()
	if err == nil && len(list) == 0 {
		err = errorAt(p.text, out.at, "IN needs at least one value")
	}
	out.operands = append(out.operands, list...)
	return err
}

// between reads what follows BETWEEN.
func (p *parser) between(out *syntax) error {
	low, err := p.sum()
	if err != nil {
		return err
	}
	if err := p.expectKeyword("and"); err != nil {
		return err
	}
	high, err := p.sum()
	out.operands = append(out.operands, low, high)
	return err
}

// like reads the pattern behind LIKE, and ESCAPE.
func (p *parser) like(out *syntax) error {
	pattern, err := p.sum()
	if err != nil {
		return err
	}
	out.operands = append(out.operands, pattern)
	if p.takeKeyword("escape") {
		escape, err := p.sum()
		if err != nil {
			return err
		}
		out.operands = append(out.operands, escape)
	}
	return nil
}

// extract reads (unit FROM value) as the arguments unit and value.
func (p *parser) extract() ([]*syntax, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	unit := p.peek()
	if unit.kind != tokenName && unit.kind != tokenString {
		return nil, p.unexpected("a unit such as YEAR")
	}
	p.take()
	if err := p.expectKeyword("from"); err != nil {
		return nil, err
	}
	x, err := p.or()
	if err != nil {
		return nil, err
	}
	return []*syntax{{op: "string", text: unit.text, at: unit.at}, x}, p.expect(")")
}

// trim reads trim(value[, characters]) or trim([LEADING|TRAILING|BOTH]
// [characters] FROM value), which are ltrim, rtrim and trim.
func (p *parser) trim(at int) (*syntax, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	out := &syntax{op: "call", text: "trim", at: at}
	side := p.peek()
	for word, function := range map[string]string{"leading": "ltrim", "trailing": "rtrim", "both": "trim"} {
		// Behind a column of that name an operator would stand, a comma or the end.
		if next := p.tokens[min(p.next+1, len(p.tokens)-1)]; side.keyword(word) && next.kind != tokenOperator && next.kind != tokenEnd {
			p.take()
			out.text = function
			break
		}
	}
	var first *syntax
	if !p.peek().keyword("from") {
		var err error
		if first, err = p.or(); err != nil {
			return nil, err
		}
	}
	if p.takeKeyword("from") {
		x, err := p.or()
		if err != nil {
			return nil, err
		}
		if out.operands = []*syntax{x}; first != nil {
			out.operands = append(out.operands, first)
		}
		return out, p.expect(")")
	}
	if out.operands = append(out.operands, first); first == nil || out.text != "trim" {
		return nil, p.unexpected("FROM")
	}
	if _, ok := p.takeOperator(","); ok {
		characters, err := p.or()
		if err != nil {
			return nil, err
		}
		out.operands = append(out.operands, characters)
	}
	return out, p.expect(")")
}

func (p *parser) cast(op string, at int) (*syntax, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	s, err := p.or()
	if err != nil {
		return nil, err
	}
	if err := p.expectKeyword("as"); err != nil {
		return nil, err
	}
	t := p.peek()
	if t.kind != tokenName {
		return nil, p.unexpected("a type")
	}
	p.take()
	name := t.text
	if p.peek().is("(") {
		args, err := p.arguments()
		if err != nil {
			return nil, err
		}
		parts := make([]string, len(args))
		for i, a := range args {
			parts[i] = a.text
		}
		name += "(" + strings.Join(parts, ",") + ")"
	}
	return &syntax{op: op, text: name, operands: []*syntax{s}, at: at}, p.expect(")")
}

// caseWhen reads CASE [subject] WHEN condition THEN value … [ELSE value] END.
func (p *parser) caseWhen(at int) (*syntax, error) {
	s := &syntax{op: "case", at: at}
	if !p.peek().keyword("when") && !p.peek().keyword("else") && !p.peek().keyword("end") {
		subject, err := p.or()
		if err != nil {
			return nil, err
		}
		s.operands, s.hasSubject = append(s.operands, subject), true
	}
	whens := 0
	for ; p.takeKeyword("when"); whens++ {
		condition, err := p.or()
		if err != nil {
			return nil, err
		}
		if err := p.expectKeyword("then"); err != nil {
			return nil, err
		}
		result, err := p.or()
		if err != nil {
			return nil, err
		}
		s.operands = append(s.operands, condition, result)
	}
	if whens == 0 {
		return nil, p.unexpected("WHEN")
	}
	if p.takeKeyword("else") {
		otherwise, err := p.or()
		if err != nil {
			return nil, err
		}
		s.operands, s.hasElse = append(s.operands, otherwise), true
	}
	return s, p.expectKeyword("end")
}
