package schema

import (
	"slices"
	"strings"

	"github.com/s3compact/s3compact/parquetconv/value"
)

// layOut reads what shapes the files but not the table: the order of their rows
// and their bloom filters.
func (c *compiler) layOut(f *file) error {
	_, stored := c.schema.Arrow()
	for _, fc := range f.Columns {
		if !fc.Bloom {
			continue
		}
		i := c.byName[fc.Name.text]
		if t := c.schema.Columns[i].Type; t.Nested() || t.Kind == value.Boolean {
			return fc.Name.errorf("column %q: a %s has no bloom filter", fc.Name.text, t)
		}
		// A column that is partitioned by needs none.
		if at := slices.Index(stored, i); at >= 0 {
			c.schema.Bloom = append(c.schema.Bloom, at)
		}
	}
	seen := map[int]bool{}
	for _, p := range f.SortBy {
		name, descending := c.sortKey(p.text)
		i, ok := c.byName[name]
		partitioned := slices.ContainsFunc(c.schema.Partitions, func(p Partition) bool { return p.Name == name })
		switch {
		case !ok || c.schema.Columns[i].Hidden && !partitioned:
			return p.errorf("sort_by %q: no column of the files has that name; write a column's name, with desc behind it for the largest first", p.text)
		case c.schema.Columns[i].Type.Nested() || c.schema.Columns[i].Type.Kind == value.JSON:
			return p.errorf("sort_by %q: a %s has no order", p.text, c.schema.Columns[i].Type)
		case seen[i]:
			return p.errorf("sort_by %q: named twice", p.text)
		}
		seen[i] = true
		// All rows of a file have the same value of a column that is partitioned by.
		if at := slices.Index(stored, i); at >= 0 {
			c.schema.SortBy = append(c.schema.SortBy, Sort{Column: at, Descending: descending})
		}
	}
	return nil
}

// sortKey takes "name", "name asc" or "name desc" apart.
func (c *compiler) sortKey(text string) (name string, descending bool) {
	if _, ok := c.byName[text]; ok {
		return text, false
	}
	at := strings.LastIndexByte(text, ' ')
	if at < 0 {
		return text, false
	}
	switch strings.ToLower(text[at+1:]) {
	case "desc":
		return strings.TrimSpace(text[:at]), true
	case "asc":
		return strings.TrimSpace(text[:at]), false
	}
	return text, false
}
