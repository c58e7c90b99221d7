package jobs

import (
	"errors"
	"fmt"
	"slices"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// yamlEntry is one key of a mapping with its value and its place.
type yamlEntry struct {
	key          string
	line, column int // from 1
	value        ast.Node
}

// parseYAML reads the entries of a file of one mapping. A key that is there
// twice is an error.
func parseYAML(b []byte) ([]yamlEntry, error) {
	tree, err := parser.ParseBytes(b, 0)
	if err != nil {
		return nil, yamlError(err)
	}
	// What follows a last --- is a document with nothing in it.
	docs := slices.DeleteFunc(tree.Docs, func(d *ast.DocumentNode) bool { return d.Body == nil })
	if len(docs) > 1 {
		return nil, placed(docs[1], "a second document: a pipeline file has one")
	}
	if len(docs) == 0 {
		return nil, errors.New("the file is empty")
	}
	return entriesOf(docs[0].Body)
}

// yamlError is an error of the parser, told like those from here.
func yamlError(err error) error {
	var e interface {
		GetToken() *token.Token
		GetMessage() string
	}
	if !errors.As(err, &e) || e.GetToken() == nil {
		return fmt.Errorf("YAML: %w", err)
	}
	at := e.GetToken().Position
	return fmt.Errorf("line %d, column %d: %s", at.Line, at.Column, e.GetMessage())
}

// placed is an error at a node.
func placed(n ast.Node, format string, a ...any) error {
	at := n.GetToken().Position
	return fmt.Errorf("line %d, column %d: %s", at.Line, at.Column, fmt.Sprintf(format, a...))
}

func (e yamlEntry) errorf(format string, a ...any) error {
	return fmt.Errorf("line %d, column %d: %s", e.line, e.column, fmt.Sprintf(format, a...))
}

// entries are those of the mapping under the key; none where nothing is.
func (e yamlEntry) entries() ([]yamlEntry, error) {
	if _, ok := e.value.(*ast.NullNode); ok {
		return nil, nil
	}
	return entriesOf(e.value)
}

func entriesOf(n ast.Node) ([]yamlEntry, error) {
	pairs, ok := n.(ast.MapNode)
	if !ok {
		return nil, placed(n, "keys with their values are needed here, such as name: app-logs")
	}
	var all []yamlEntry
	for i := pairs.MapRange(); i.Next(); {
		t := i.Key().GetToken()
		all = append(all, yamlEntry{t.Value, t.Position.Line, t.Position.Column, i.Value()})
	}
	return all, nil
}

// scalar is the single value under the key.
func (e yamlEntry) scalar() (string, error) {
	v, err := e.scalars()
	if err == nil && len(v) > 1 {
		err = e.errorf("%s: one value is needed, not a list", e.key)
	}
	if err != nil {
		return "", err
	}
	return v[0], nil
}

// scalars are the value under the key, or those of the list there.
func (e yamlEntry) scalars() ([]string, error) {
	list, ok := e.value.(*ast.SequenceNode)
	if !ok {
		v, err := scalarOf(e, e.value)
		return []string{v}, err
	}
	if len(list.Values) == 0 {
		return nil, e.errorf("%s: the list is empty; leave the key out", e.key)
	}
	var all []string
	for _, n := range list.Values {
		v, err := scalarOf(e, n)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// scalarOf is a value as it is written: a number keeps its zeros, true is "true".
func scalarOf(e yamlEntry, n ast.Node) (string, error) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, nil
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, nil
	case *ast.NullNode:
		return "", e.errorf("%s has no value: write one, or leave the key out", e.key)
	}
	return "", placed(n, "%s: a plain value on one line is needed here, or a list of such values", e.key)
}
