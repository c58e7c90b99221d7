// Package expr reads and evaluates the scalar expressions of a schema: the part
// of SQL that docs/expressions.md tells, type-checked when it is read. Nulls
// follow SQL's three-valued logic; a value that a type cannot hold is a fault
// of its row, never a wrapped number.
//
// An expression is computed column by column, over the rows that take a branch
// (frame.go), and once for each entry of a dictionary that is used (node.go).
package expr

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Error is a fault in an expression's text.
type Error struct {
	Line, Column int // of the expression's text, from 1; the column counts characters
	Message      string
}

func (e *Error) Error() string { return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Message) }

type tokenKind uint8

const (
	tokenEnd      tokenKind = iota
	tokenName               // a word, lower case in text; or a quoted name as it is
	tokenString             // the text without quotes
	tokenInteger            // digits
	tokenDecimal            // digits with a point or an exponent
	tokenOperator           // one of + - * / % = <> != < <= > >= || ( ) ,
)

type token struct {
	kind   tokenKind
	text   string
	quoted bool // a name in double quotes: no keyword, no function
	at     int  // byte of the expression's text
}

// lex splits the text into tokens; the last one is tokenEnd.
func lex(text string) ([]token, error) {
	var out []token
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case c == '\'' || c == '"':
			s, n, ok := quoted(text[i:])
			if !ok {
				return nil, errorAt(text, i, "the quote %c is never closed", c)
			}
			kind := tokenString
			if c == '"' {
				kind = tokenName
			}
			out = append(out, token{kind: kind, text: s, quoted: c == '"', at: i})
			i += n
		case isDigit(c) || c == '.' && i+1 < len(text) && isDigit(text[i+1]):
			n, kind := numberLength(text[i:])
			if r, _ := utf8.DecodeRuneInString(text[i+n:]); i+n < len(text) && isNamePart(r) {
				return nil, errorAt(text, i+n, "unexpected %q after a number", r)
			}
			out = append(out, token{kind: kind, text: text[i : i+n], at: i})
			i += n
		default:
			r, size := utf8.DecodeRuneInString(text[i:])
			if isNameStart(r) {
				n := size
				for n < len(text)-i {
					r, size := utf8.DecodeRuneInString(text[i+n:])
					if !isNamePart(r) {
						break
					}
					n += size
				}
				out = append(out, token{kind: tokenName, text: text[i : i+n], at: i})
				i += n
				continue
			}
			op := operator(text[i:])
			if op == "" {
				return nil, errorAt(text, i, "unexpected character %q", r)
			}
			out = append(out, token{kind: tokenOperator, text: op, at: i})
			i += len(op)
		}
	}
	return append(out, token{kind: tokenEnd, at: len(text)}), nil
}

// quoted reads a quoted text whose quote is doubled inside; n is its length with the quotes.
func quoted(s string) (text string, n int, ok bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != s[0] {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == s[0] {
			b.WriteByte(s[0])
			i++
			continue
		}
		return b.String(), i + 1, true
	}
	return "", 0, false
}

func numberLength(s string) (n int, kind tokenKind) {
	kind = tokenInteger
	digits := func() {
		for n < len(s) && isDigit(s[n]) {
			n++
		}
	}
	digits()
	if n < len(s) && s[n] == '.' {
		kind = tokenDecimal
		n++
		digits()
	}
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		e := n + 1
		if e < len(s) && (s[e] == '+' || s[e] == '-') {
			e++
		}
		if e < len(s) && isDigit(s[e]) {
			kind, n = tokenDecimal, e
			digits()
		}
	}
	return n, kind
}

func operator(s string) string {
	for _, op := range []string{"<>", "!=", "<=", ">=", "||", "+", "-", "*", "/", "%", "=", "<", ">", "(", ")", ","} {
		if strings.HasPrefix(s, op) {
			return op
		}
	}
	return ""
}

func isDigit(c byte) bool     { return c >= '0' && c <= '9' }
func isNameStart(r rune) bool { return r == '_' || unicode.IsLetter(r) }
func isNamePart(r rune) bool  { return isNameStart(r) || unicode.IsDigit(r) }

func errorAt(text string, at int, format string, args ...any) error {
	before := text[:at]
	line := strings.Count(before, "\n") + 1
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	return &Error{Line: line, Column: column, Message: fmt.Sprintf(format, args...)}
}
