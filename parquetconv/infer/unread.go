package infer

import (
	"slices"

	"github.com/s3compact/s3compact/parquetconv/schema"
	"github.com/s3compact/s3compact/parquetconv/value"
)

// unread are the members that were seen but that the schema's columns do not
// keep: those that no column reads, and those that a struct has no field for.
func unread(root *node, s *schema.Schema) []Unread {
	var out []Unread
	for _, name := range root.names {
		read := false
		for _, c := range s.Columns {
			if len(c.Path) == 0 || c.Path[0].Name != name {
				continue
			}
			read = true
			if at := root.at(c.Path); at != nil {
				out = at.beyond(c.Type, c.Path.String(), out)
			}
		}
		if !read {
			out = append(out, root.members[name].unread(memberPath(name), false))
		}
	}
	return out
}

func (n *node) unread(path string, inside bool) Unread {
	u := Unread{Path: path, Count: n.seen, Inside: inside}
	if len(n.order) > 0 {
		u.Example = n.example[n.order[0]]
	}
	return u
}

// at is the place that a path leads to; nil where nothing was seen there.
func (n *node) at(path schema.Path) *node {
	for _, step := range path {
		if step.Index >= 0 {
			n = n.element
		} else {
			n = n.members[step.Name]
		}
		if n == nil {
			return nil
		}
	}
	return n
}

// beyond adds the members below n that a nested type has no field for.
func (n *node) beyond(t value.Type, path string, out []Unread) []Unread {
	switch t.Kind {
	case value.List:
		if n.element != nil {
			return n.element.beyond(t.Elem(), path+"[]", out)
		}
	case value.Struct:
		fields := t.Fields()
		for _, name := range n.names {
			inner := path + memberStep(name)
			i := slices.IndexFunc(fields, func(f value.NamedType) bool { return f.Name == name })
			if i < 0 {
				out = append(out, n.members[name].unread(inner, true))
			} else {
				out = n.members[name].beyond(fields[i].Type, inner, out)
			}
		}
	}
	return out
}
