package value

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// NamedType is a field of a struct.
type NamedType struct {
	Name string
	Type Type
}

// ListOf is the type of lists of an element type.
func ListOf(elem Type) Type { return Type{Kind: List, inside: elem.String()} }

// MapOf is the type of maps from strings to a value type.
func MapOf(elem Type) Type { return Type{Kind: Map, inside: elem.String()} }

// StructOf is the type of structs with fields, whose names must differ.
func StructOf(fields ...NamedType) Type {
	var b strings.Builder
	for i, f := range fields {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(fieldName(f.Name) + ":" + f.Type.String())
	}
	return Type{Kind: Struct, inside: b.String()}
}

// Nested says whether the type is a list, a struct or a map.
func (t Type) Nested() bool { return t.Kind == List || t.Kind == Struct || t.Kind == Map }

// Elem is the type of a list's elements or a map's values; the null type of
// any other type.
func (t Type) Elem() Type {
	if t.Kind != List && t.Kind != Map {
		return Type{}
	}
	p := typeParser{text: t.inside}
	elem, _ := p.parse(0) // String wrote it
	return elem
}

// Fields are those of a struct; nil of any other type.
func (t Type) Fields() []NamedType {
	if t.Kind != Struct {
		return nil
	}
	p := typeParser{text: t.inside}
	fields, _ := p.fields(0) // StructOf wrote it
	return fields
}

// HasTimestamp says whether the type is a timestamp or holds one.
func (t Type) HasTimestamp() bool {
	if t.Kind == Timestamp {
		return true
	}
	has := t.Nested() && t.Elem().HasTimestamp()
	for _, f := range t.Fields() {
		has = has || f.Type.HasTimestamp()
	}
	return has
}

// fieldName is a struct field's name as it is written: in double quotes where
// it has anything but letters, digits and underscores.
func fieldName(name string) string {
	for _, c := range name {
		if !wordChar(c) {
			return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
		}
	}
	if name == "" {
		return `""`
	}
	return name
}

func wordChar(c rune) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// The bounds of a type that is written out.
const (
	maxTypeBytes = 64 << 10
	maxTypeDepth = 16
)

// typeParser reads types: a name, with (p,s) behind it for a decimal and <…>
// for nested types. Errors quote the part that is wrong.
type typeParser struct {
	text string
	at   int
}

func (p *typeParser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

// take skips a character, if it stands here.
func (p *typeParser) take(c byte) bool {
	p.space()
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *typeParser) errorf(format string, args ...any) error {
	return fmt.Errorf("type %q: %s", quotedType(p.text), fmt.Sprintf(format, args...))
}

func quotedType(s string) string {
	const most = 200
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

func (p *typeParser) word() string {
	p.space()
	start := p.at
	for p.at < len(p.text) && wordChar(rune(p.text[p.at])) {
		p.at++
	}
	return p.text[start:p.at]
}

func (p *typeParser) parse(depth int) (Type, error) {
	if depth > maxTypeDepth {
		return Type{}, p.errorf("more than %d types stand in each other", maxTypeDepth)
	}
	word := p.word()
	kind, ok := kindOf(strings.ToLower(word))
	if !ok {
		return Type{}, p.unknown(word)
	}
	if kind == Decimal {
		return p.decimal()
	}
	if kind != List && kind != Struct && kind != Map {
		return Type{Kind: kind}, nil
	}
	const form = "write list<type>, struct<name: type, …> or map<string, type>"
	if !p.take('<') {
		return Type{}, p.errorf("%s is not followed by <: %s", word, form)
	}
	var t Type
	switch kind {
	case List:
		elem, err := p.parse(depth + 1)
		if err != nil {
			return Type{}, err
		}
		t = ListOf(elem)
	case Map:
		key, err := p.parse(depth + 1)
		if err != nil {
			return Type{}, err
		}
		if key.Kind != String || !p.take(',') {
			return Type{}, p.errorf("the keys of a map are strings: %s", form)
		}
		elem, err := p.parse(depth + 1)
		if err != nil {
			return Type{}, err
		}
		t = MapOf(elem)
	case Struct:
		fields, err := p.fields(depth)
		if err != nil {
			return Type{}, err
		}
		t = StructOf(fields...)
	}
	if !p.take('>') {
		return Type{}, p.errorf("a > is missing at %q: %s", p.rest(), form)
	}
	return t, nil
}

func (p *typeParser) rest() string { return quotedType(p.text[p.at:]) }

func (p *typeParser) fields(depth int) ([]NamedType, error) {
	var fields []NamedType
	seen := map[string]bool{}
	for {
		name, err := p.name()
		if err != nil {
			return nil, err
		}
		// Engines do not tell names apart by case.
		if folded := strings.ToLower(name); seen[folded] {
			return nil, p.errorf("two fields of a struct are named %q (case does not count)", name)
		} else {
			seen[folded] = true
		}
		if !p.take(':') {
			return nil, p.errorf("the field %q has no type: write struct<name: type, …>", name)
		}
		t, err := p.parse(depth + 1)
		if err != nil {
			return nil, err
		}
		fields = append(fields, NamedType{Name: name, Type: t})
		if !p.take(',') {
			return fields, nil
		}
	}
}

// name is a field's name, quoted or not.
func (p *typeParser) name() (string, error) {
	if !p.take('"') {
		if name := p.word(); name != "" {
			return name, nil
		}
		return "", p.errorf("a field's name is missing at %q: write struct<name: type, …>", p.rest())
	}
	var b strings.Builder
	for ; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			if b.Len() == 0 {
				return "", p.errorf("a field has no name")
			}
			return b.String(), nil
		case c == '\\' && p.at+1 < len(p.text):
			p.at++
		}
		b.WriteByte(p.text[p.at])
	}
	return "", p.errorf("a quote is never closed")
}

func (p *typeParser) decimal() (Type, error) {
	if p.take('(') {
		precision, perr := strconv.Atoi(p.word())
		comma := p.take(',')
		scale, serr := strconv.Atoi(p.word())
		if comma && p.take(')') && perr == nil && serr == nil && precision >= 1 && precision <= MaxPrecision && scale >= 0 && scale <= precision {
			return Type{Kind: Decimal, Precision: int32(precision), Scale: int32(scale)}, nil
		}
	}
	return Type{}, p.errorf("write decimal(p,s) with 1 ≤ p ≤ %d digits, s of them after the point", MaxPrecision)
}

func (p *typeParser) unknown(word string) error {
	const names = "write one of boolean, int32, int64, float, double, decimal(p,s), string, binary, date, timestamp, json, list<…>, struct<…>, map<string,…>"
	if word == "" {
		return p.errorf("a type is missing at %q: %s", p.rest(), names)
	}
	return fmt.Errorf("unknown type %q: %s", word, names)
}

// arrowNested is the Arrow type of a nested type. What stands inside may be null.
func (t Type) arrowNested() arrow.DataType {
	switch t.Kind {
	case List:
		return arrow.ListOf(t.Elem().Arrow())
	case Map:
		return arrow.MapOf(arrow.BinaryTypes.String, t.Elem().Arrow())
	}
	var fields []arrow.Field
	for _, f := range t.Fields() {
		fields = append(fields, arrow.Field{Name: f.Name, Type: f.Type.Arrow(), Nullable: true})
	}
	return arrow.StructOf(fields...)
}
