package linerows

import "github.com/s3compact/s3compact/parquetconv/schema"

// node is a place in a row that paths lead to or through.
type node struct {
	columns  []int // whose path ends here
	members  map[string]*node
	elements map[int]*node
}

// pathTree is the tree of the paths of all columns.
func pathTree(columns []schema.Column) *node {
	root := &node{}
	for i, c := range columns {
		if len(c.Path) == 0 {
			continue
		}
		at := root
		for _, s := range c.Path {
			at = at.child(s)
		}
		at.columns = append(at.columns, i)
	}
	return root
}

func (n *node) child(s schema.Step) *node {
	if s.Index >= 0 {
		if n.elements == nil {
			n.elements = map[int]*node{}
		}
		if n.elements[s.Index] == nil {
			n.elements[s.Index] = &node{}
		}
		return n.elements[s.Index]
	}
	if n.members == nil {
		n.members = map[string]*node{}
	}
	if n.members[s.Name] == nil {
		n.members[s.Name] = &node{}
	}
	return n.members[s.Name]
}
