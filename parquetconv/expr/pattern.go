package expr

import (
	"bytes"
	"regexp"
	"unicode/utf8"
	"unsafe"

	"github.com/s3compact/s3compact/parquetconv/value"
)

// compile reads a regular expression, which must be a constant, as RE2.
func (c *checker) compile(s *syntax, args []*node) (*regexp.Regexp, error) {
	if err := c.want(s, args[:1], "s"); err != nil {
		return nil, err
	}
	pattern, err := c.constantText(s, 1, args[1], "pattern")
	if err != nil {
		return nil, err
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, c.errorf(s.operands[1], "%v", err)
	}
	return re, nil
}

// buildRegexpLike is true where the pattern is found anywhere.
func buildRegexpLike(c *checker, s *syntax, args []*node) (*node, error) {
	re, err := c.compile(s, args)
	return predicate(args[:1], func(v []vector, i int) bool { return re.Match(v[0].text(i)) }), err
}

// buildRegexpExtract is the first match, or one of its groups; null where
// there is none.
func buildRegexpExtract(c *checker, s *syntax, args []*node) (*node, error) {
	re, err := c.compile(s, args)
	if err != nil {
		return nil, err
	}
	group := int64(0)
	if len(args) == 3 {
		if group, err = c.constantInt(s, 2, args[2], "group", 0, int64(re.NumSubexp())); err != nil {
			return nil, err
		}
	}
	if group == 0 {
		return slicing(args[:1], func(b []byte, _ []vector, _ int) (int, int, bool, *value.Bad) {
			match := re.Find(b) // which allocates nothing, unlike FindIndex
			if len(match) == 0 {
				return 0, 0, match != nil, nil
			}
			from := int(uintptr(unsafe.Pointer(&match[0])) - uintptr(unsafe.Pointer(&b[0])))
			return from, from + len(match), true, nil
		}), nil
	}
	return slicing(args[:1], func(b []byte, _ []vector, _ int) (int, int, bool, *value.Bad) {
		at := re.FindSubmatchIndex(b)
		if at == nil || at[2*group] < 0 {
			return 0, 0, false, nil
		}
		return at[2*group], at[2*group+1], true, nil
	}), nil
}

// like compares with a pattern in which % stands for any text and _ for any
// character, but behind the escape character.
func (c *checker) like(s *syntax, operands []*node) (*node, error) {
	if err := c.want(s, operands, "s"); err != nil {
		return nil, err
	}
	escape := ""
	if len(operands) == 3 {
		var err error
		if escape, err = c.constantText(s, 2, operands[2], "escape character"); err != nil {
			return nil, err
		}
		if utf8.RuneCountInString(escape) != 1 {
			return nil, c.errorf(s.operands[2], "the escape must be one character, not %q", escape)
		}
	}
	build := func(args []*node, match func(r *result, v []vector, i int) bool) *node {
		return newNode(boolean, args, func(f *frame) vector {
			v, nulls := f.operands(args)
			r := result{f: f, nulls: nulls}
			out := f.newVector(value.Boolean)
			for i := range out.bools {
				if !r.null(i) {
					out.bools[i] = match(&r, v, i) != s.negated
				}
			}
			return out.finish(&r)
		})
	}
	if pattern, ok := operands[1].literal(); ok {
		p := &likePattern{}
		if bad := p.parse(pattern.Bytes, escape); bad != nil {
			return nil, c.errorf(s.operands[1], "%v", bad)
		}
		return build(operands[:1], func(_ *result, v []vector, i int) bool { return p.matches(v[0].text(i)) }), nil
	}
	return newNode(boolean, operands[:2], func(f *frame) vector {
		p, last := &likePattern{}, []byte(nil)
		var bad *value.Bad
		return build(operands[:2], func(r *result, v []vector, i int) bool {
			if pattern := v[1].text(i); last == nil || !bytes.Equal(pattern, last) {
				last = append(last[:0], pattern...)
				bad = p.parse(last, escape)
			}
			if bad != nil {
				r.fail(i, bad)
				return false
			}
			return p.matches(v[0].text(i))
		}).eval(f)
	}), nil
}

// likePattern is a pattern cut at its percent signs, which anyChar stands for
// underscores in.
type likePattern struct {
	pieces [][]byte
	chars  int // of the last piece
	bytes  []byte
}

// anyChar is a byte that no text has.
const anyChar = 0xff

func (p *likePattern) parse(pattern []byte, escape string) *value.Bad {
	p.pieces, p.bytes = p.pieces[:0], p.bytes[:0]
	start := 0
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case escape != "" && bytes.HasPrefix(pattern[i:], []byte(escape)):
			i += len(escape)
			if i >= len(pattern) || pattern[i] != '%' && pattern[i] != '_' && !bytes.HasPrefix(pattern[i:], []byte(escape)) {
				return value.NewBad(value.ReasonSyntax, "the escape in the pattern %q is not followed by %%, _ or itself", pattern)
			}
			n := 1
			if pattern[i] != '%' && pattern[i] != '_' {
				n = len(escape)
			}
			p.bytes = append(p.bytes, pattern[i:i+n]...)
			i += n - 1
		case c == '%':
			p.pieces = append(p.pieces, p.bytes[start:len(p.bytes):len(p.bytes)])
			start = len(p.bytes)
		case c == '_':
			p.bytes = append(p.bytes, anyChar)
		default:
			p.bytes = append(p.bytes, c)
		}
	}
	last := p.bytes[start:]
	p.pieces = append(p.pieces, last)
	p.chars = 0
	for _, c := range last {
		if c == anyChar || utf8.RuneStart(c) {
			p.chars++
		}
	}
	return nil
}

func (p *likePattern) matches(b []byte) bool {
	first := p.pieces[0]
	n := prefix(b, first)
	if n < 0 {
		return false
	}
	if len(p.pieces) == 1 {
		return n == len(b)
	}
	b = b[n:]
	for _, piece := range p.pieces[1 : len(p.pieces)-1] {
		if b = behind(b, piece); b == nil {
			return false
		}
	}
	// The last piece is as many characters from the end.
	at := len(b)
	for range p.chars {
		if at == 0 {
			return false
		}
		_, size := utf8.DecodeLastRune(b[:at])
		at -= size
	}
	return prefix(b[at:], p.pieces[len(p.pieces)-1]) == len(b)-at
}

// behind is what stands behind the first place where a piece does; nil if there is none.
func behind(b, piece []byte) []byte {
	if bytes.IndexByte(piece, anyChar) < 0 {
		if at := bytes.Index(b, piece); at >= 0 {
			return b[at+len(piece):]
		}
		return nil
	}
	for len(b) > 0 {
		if n := prefix(b, piece); n >= 0 {
			return b[n:]
		}
		_, size := utf8.DecodeRune(b)
		b = b[size:]
	}
	return nil
}

// prefix is how many bytes of a text a piece takes at its beginning; -1 if it
// does not stand there.
func prefix(b, piece []byte) int {
	i := 0
	for _, c := range piece {
		if i == len(b) {
			return -1
		}
		if c != anyChar {
			if b[i] != c {
				return -1
			}
			i++
			continue
		}
		_, size := utf8.DecodeRune(b[i:])
		i += size
	}
	return i
}
