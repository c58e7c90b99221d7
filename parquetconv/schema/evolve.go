package schema

import (
	"fmt"
	"strings"
)

// Extends says whether files written by s can stand in one table beside those
// written by an older schema: it has all columns of the older one, of the same
// types, and the same partitions. Columns may have come in, and values may be
// read in another way. The error names the first difference that engines could
// not read over, and what to do.
func (s *Schema) Extends(old *Schema) error {
	if a, b := old.describePartitions(), s.describePartitions(); a != b {
		return fmt.Errorf("the table is partitioned by (%s), and this schema by (%s): keep the partitions, or convert into a new table", a, b)
	}
	for i, p := range s.Partitions {
		if p.Text != old.Partitions[i].Text {
			return fmt.Errorf("partition %q is computed by another expression than in the table (%s): keep it, or convert into a new table", p.Name, old.Partitions[i].Text)
		}
	}
	for i := range old.Columns {
		was := &old.Columns[i]
		if was.Hidden {
			continue
		}
		is := s.stored(was.Name)
		switch {
		case is == nil:
			return fmt.Errorf("column %q is in the table, but not in this schema: keep it; where its field is missing it is null", was.Name)
		case is.Name != was.Name:
			return fmt.Errorf("column %q was %q: engines do not agree on names that differ by case only: keep the old one", is.Name, was.Name)
		case is.Type != was.Type:
			return fmt.Errorf("column %q is %s in the table, and %s in this schema: files of both can't be read as one table: keep the type, put the new one into a column of another name, or convert into a new table", was.Name, was.Type, is.Type)
		}
	}
	return nil
}

// stored finds a column of the files by its name, case aside.
func (s *Schema) stored(name string) *Column {
	var folded *Column
	for i := range s.Columns {
		switch c := &s.Columns[i]; {
		case c.Hidden:
		case c.Name == name:
			return c
		case strings.EqualFold(c.Name, name):
			folded = c
		}
	}
	return folded
}

func (s *Schema) describePartitions() string {
	parts := make([]string, len(s.Partitions))
	for i, p := range s.Partitions {
		parts[i] = p.Name + " " + p.Type.String()
	}
	return strings.Join(parts, ", ")
}
