package schema

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/s3compact/s3compact/parquetconv/expr"
)

// file is a schema as it is written.
type file struct {
	Version       placed          `yaml:"version"`
	Format        placed          `yaml:"format"`
	Layout        placed          `yaml:"layout"`
	RowsAt        placed          `yaml:"rows_at"`
	CSV           *fileCSV        `yaml:"csv"`
	Columns       []fileColumn    `yaml:"columns"`
	Partitions    []filePartition `yaml:"partitions"`
	SortBy        []placed        `yaml:"sort_by"`
	UnknownFields placed          `yaml:"unknown_fields"`
}

type fileCSV struct{ Header, Delimiter, Quote, Escape, Null placed }

// UnmarshalYAML reads the keys as they are written: to YAML the key null is no
// text.
func (f *fileCSV) UnmarshalYAML(node ast.Node) error {
	settings := map[string]*placed{"header": &f.Header, "delimiter": &f.Delimiter, "quote": &f.Quote, "escape": &f.Escape, "null": &f.Null}
	pairs, ok := node.(ast.MapNode)
	if !ok {
		return at(node).errorf("csv needs settings: header, delimiter, quote, escape, null")
	}
	for i := pairs.MapRange(); i.Next(); {
		key := i.Key().GetToken().Value
		p, known := settings[key]
		if !known {
			return at(i.Key()).errorf("unknown field %q: csv has header, delimiter, quote, escape and null", key)
		}
		if err := p.UnmarshalYAML(i.Value()); err != nil {
			return err
		}
	}
	return nil
}

type fileColumn struct {
	Name     placed `yaml:"name"`
	Type     placed `yaml:"type"`
	Path     placed `yaml:"path"`
	Expr     placed `yaml:"expr"`
	Time     placed `yaml:"time"`
	Required bool   `yaml:"required"`
	OnBad    placed `yaml:"on_bad"`
	Bloom    bool   `yaml:"bloom"`
}

type filePartition struct {
	Name placed `yaml:"name"`
	Type placed `yaml:"type"`
	Expr placed `yaml:"expr"`
}

// placed is a scalar that remembers where it stands, for messages.
type placed struct {
	text         string
	line, column int // from 1; 0 where it is not given
	block        bool
}

// at is a node's place.
func at(node ast.Node) placed {
	p := node.GetToken().Position
	return placed{line: p.Line, column: p.Column}
}

// UnmarshalYAML takes the scalar with its place.
func (p *placed) UnmarshalYAML(node ast.Node) error {
	*p = at(node)
	switch n := node.(type) {
	case *ast.StringNode:
		p.text = n.Value
		if q := n.GetToken().Origin; strings.HasPrefix(strings.TrimSpace(q), `"`) || strings.HasPrefix(strings.TrimSpace(q), "'") {
			p.column++ // the text begins behind the quote
		}
		return nil
	case *ast.LiteralNode:
		p.text, p.block = n.Value.Value, true
		return nil
	case ast.ScalarNode:
		p.text = n.GetToken().Value
		return nil
	}
	return p.errorf("a single value is needed here")
}

func (p placed) given() bool { return p.line > 0 }

// or is the value, or another one where it is not given.
func (p placed) or(q placed) placed {
	if p.given() {
		return p
	}
	return q
}

// errorf is an error at the value's place.
func (p placed) errorf(format string, args ...any) error {
	if !p.given() {
		return fmt.Errorf(format, args...)
	}
	return fmt.Errorf("line %d, column %d: %s", p.line, p.column, fmt.Sprintf(format, args...))
}

// exprError puts an error inside an expression at its place in the file.
func (p placed) exprError(err error) error {
	var e *expr.Error
	if !errors.As(err, &e) {
		return p.errorf("%v", err)
	}
	if p.block || e.Line > 1 {
		return p.errorf("expression, its line %d, column %d: %s", e.Line, e.Column, e.Message)
	}
	at := p
	at.column += e.Column - 1
	return at.errorf("expression: %s", e.Message)
}

// parseFile reads the YAML strictly: an unknown key is an error with its place.
func parseFile(text []byte) (*file, error) {
	f := &file{}
	tree, err := parser.ParseBytes(text, 0)
	if err == nil {
		// What follows a last --- is a document with nothing in it.
		docs := slices.DeleteFunc(tree.Docs, func(d *ast.DocumentNode) bool { return d.Body == nil })
		switch {
		case len(docs) > 1:
			return nil, at(docs[1]).errorf("a second document: a schema file has one")
		case len(docs) == 1:
			ast.Walk(nullsAsText{}, docs[0].Body)
			err = yaml.NodeToValue(docs[0].Body, f, yaml.Strict())
		}
	}
	if err != nil {
		return nil, errors.New(strings.TrimSpace(yaml.FormatError(err, false, true)))
	}
	return f, nil
}

// nullsAsText makes the values that YAML takes for null the text that stands
// there, if one does, since on_bad: null and expr: null mean something.
type nullsAsText struct{}

func (v nullsAsText) Visit(node ast.Node) ast.Visitor {
	if pair, ok := node.(*ast.MappingValueNode); ok {
		if null, ok := pair.Value.(*ast.NullNode); ok && null.GetToken().Type == token.NullType {
			pair.Value = ast.String(null.GetToken())
		}
	}
	return v
}
