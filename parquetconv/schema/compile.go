package schema

import (
	"errors"
	"slices"
	"strings"
	"unicode"

	"github.com/s3compact/s3compact/parquetconv/expr"
	"github.com/s3compact/s3compact/parquetconv/value"
)

// compiler turns a file into a Schema. Columns with a path come first, so that
// an expression may name any of them; it may also name a derived column that
// stands above it, or a field of the row that is no column.
type compiler struct {
	schema *Schema
	byName map[string]int
	later  map[string]bool   // derived columns that are not read yet
	places map[string]placed // of the partitions
	fields bool              // whether an expression named a field where fields have no names
}

func (c *compiler) unknown(p placed) error {
	switch u := UnknownFields(p.text); u {
	case "":
		c.schema.Unknown = UnknownIgnore
	case UnknownIgnore, UnknownReject, UnknownKeep:
		c.schema.Unknown = u
	default:
		return p.errorf("unknown_fields %q: write ignore, reject or keep", p.text)
	}
	if c.schema.Unknown != UnknownIgnore && c.schema.Format == FormatCSV && !c.schema.CSV.Header {
		return p.errorf("unknown_fields %s: without a header no field has a name: write ignore", p.text)
	}
	return nil
}

func (c *compiler) add(col Column) int {
	c.schema.Columns = append(c.schema.Columns, col)
	c.byName[col.Name] = len(c.schema.Columns) - 1
	return c.byName[col.Name]
}

func (c *compiler) columns(columns []fileColumn) error {
	seen := map[string]bool{}
	if c.schema.Unknown == UnknownKeep {
		seen[ExtraColumn] = true
	}
	for _, fc := range columns {
		if err := checkName(fc.Name, "column"); err != nil {
			return err
		}
		// Hive and Athena do not tell names apart by case.
		if folded := strings.ToLower(fc.Name.text); seen[folded] {
			return fc.Name.errorf("two columns are named %q (case does not count)", fc.Name.text)
		} else {
			seen[folded] = true
		}
	}
	for _, derived := range []bool{false, true} {
		for _, fc := range columns {
			if fc.Expr.given() != derived {
				if fc.Expr.given() {
					c.later[fc.Name.text] = true
				}
				continue
			}
			delete(c.later, fc.Name.text)
			col, err := c.column(fc)
			if err != nil {
				return err
			}
			c.add(col)
		}
	}
	if c.schema.Unknown == UnknownKeep {
		c.add(Column{Name: ExtraColumn, Type: value.Type{Kind: value.JSON}, Extra: true, OnBad: OnBadNull})
	}
	return nil
}

func (c *compiler) column(fc fileColumn) (Column, error) {
	col := Column{Name: fc.Name.text, Required: fc.Required, OnBad: OnBad(fc.OnBad.text)}
	if !fc.Type.given() {
		return col, fc.Name.errorf("column %q has no type", col.Name)
	}
	var err error
	if col.Type, err = value.ParseType(fc.Type.text); err != nil {
		return col, fc.Type.errorf("%v", err)
	}
	switch col.OnBad {
	case "":
		col.OnBad = OnBadNull
		if col.Required {
			col.OnBad = OnBadReject
		}
	case OnBadReject, OnBadFail:
	case OnBadNull:
		if col.Required {
			return col, fc.OnBad.errorf("column %q is required, so a bad value cannot become null: write reject or fail", col.Name)
		}
	default:
		return col, fc.OnBad.errorf("on_bad %q: write null, reject or fail", fc.OnBad.text)
	}
	switch {
	case fc.Expr.given() && fc.Path.given():
		return col, fc.Expr.errorf("column %q has a path and an expression: write one of them", col.Name)
	case fc.Expr.given() && fc.Time.given():
		return col, fc.Time.errorf("column %q has an expression, so time says nothing: use to_timestamp", col.Name)
	case fc.Expr.given():
		col.Expr, err = c.expression(fc.Expr, col.Type)
	default:
		err = c.source(fc, &col)
	}
	return col, err
}

// source reads where a column's values stand, and how they are written.
func (c *compiler) source(fc fileColumn, col *Column) (err error) {
	_, isPseudo := pseudoColumns[col.Name]
	isCSV := c.schema.Format == FormatCSV
	switch {
	case isPseudo:
		return fc.Name.errorf("column %q has the name of a pseudo-column: write expr: %s, or choose another name", col.Name, col.Name)
	case isCSV && col.Type.Nested():
		return fc.Type.errorf("type %s: a field of csv holds none: read JSON in a field as json", col.Type)
	case fc.Path.given() && isCSV:
		col.Path, err = c.schema.csvPath(fc.Path.text)
	case fc.Path.given():
		col.Path, err = ParsePath(fc.Path.text)
	case isCSV && !c.schema.CSV.Header:
		return fc.Name.errorf("column %q has no path: without a header fields are found by their number, from 0, such as $[3]", col.Name)
	default:
		col.Path = Path{{Name: col.Name, Index: -1}}
	}
	if err != nil {
		return fc.Path.errorf("%v", err)
	}
	col.Time, err = fc.Time.timeFormat(col.Type)
	return err
}

// expression reads an expression whose value a column or partition of a type takes.
func (c *compiler) expression(p placed, t value.Type) (*expr.Expr, error) {
	c.fields = false
	e, err := expr.Parse(p.text, c.scope)
	var fault *expr.Error
	if c.fields && errors.As(err, &fault) {
		fault.Message = "no column has that name, and without a header no field: name a column, and give it a path such as $[3]"
	}
	if err != nil {
		return nil, p.exprError(err)
	}
	if as := e.As(t); as != nil {
		return as, nil
	}
	return nil, p.errorf("the expression gives %s, not %s: cast it", e.Type, t)
}

// scope finds what a name in an expression stands for: a column, a
// pseudo-column, else the row's field of that name, as json that must be cast,
// or in delimited text as a string. So a derived column may read the field
// whose name it bears.
func (c *compiler) scope(name string) (int, value.Type, bool) {
	if c.later[name] {
		return 0, value.Type{}, false
	}
	i, ok := c.byName[name]
	if !ok {
		col := Column{Name: name, OnBad: OnBadNull, Hidden: true}
		switch pseudo, isPseudo := pseudoColumns[name]; {
		case isPseudo:
			col.Pseudo, col.Type = pseudo, pseudo.Type()
		case c.schema.Format == FormatCSV && !c.schema.CSV.Header:
			c.fields = true
			return 0, value.Type{}, false
		case c.schema.Format == FormatCSV:
			col.Path, col.Type = Path{{Name: name, Index: -1}}, value.Type{Kind: value.String}
		default:
			col.Path, col.Type = Path{{Name: name, Index: -1}}, value.Type{Kind: value.JSON}
		}
		i = c.add(col)
	}
	return i, c.schema.Columns[i].Type, true
}

func (c *compiler) partitions(f *file, by []string) error {
	for _, fp := range f.Partitions {
		if err := checkName(fp.Name, "partition"); err != nil {
			return err
		}
		named := func(p Partition) bool { return strings.EqualFold(p.Name, fp.Name.text) }
		if slices.ContainsFunc(c.schema.Partitions, named) {
			return fp.Name.errorf("two partitions are named %q (case does not count)", fp.Name.text)
		}
		p, err := c.partition(fp)
		if err != nil {
			return err
		}
		c.schema.Partitions = append(c.schema.Partitions, p)
		c.places[p.Name] = fp.Name
	}
	if len(by) > 0 {
		if err := c.partitionBy(by); err != nil {
			return err
		}
	}
	for _, p := range c.schema.Partitions {
		for i := range c.schema.Columns {
			col := &c.schema.Columns[i]
			switch {
			case col.Name == p.Name:
				col.Hidden = true // its values are in the path only
			case !col.Hidden && strings.EqualFold(col.Name, p.Name):
				return c.places[p.Name].errorf("partition %q and column %q: engines do not tell names apart by case, and would read the folder's value for both: rename one", p.Name, col.Name)
			}
		}
	}
	return nil
}

func (c *compiler) partition(fp filePartition) (Partition, error) {
	p := Partition{Name: fp.Name.text}
	i, isColumn := c.byName[p.Name]
	isColumn = isColumn && !c.schema.Columns[i].Hidden
	var err error
	switch {
	case fp.Expr.given() && isColumn:
		return p, fp.Expr.errorf("partition %q has an expression, but a column has that name: leave out one of them", p.Name)
	case isColumn:
		if p.Type = c.schema.Columns[i].Type; fp.Type.given() {
			if p.Type, err = value.ParseType(fp.Type.text); err != nil {
				return p, fp.Type.errorf("%v", err)
			}
		}
		p.Text = quoteColumn(p.Name)
		p.Expr, err = c.expression(placed{text: p.Text, line: fp.Name.line, column: fp.Name.column}, p.Type)
	case !fp.Expr.given():
		return p, fp.Name.errorf("partition %q has no expression, and no column has that name", p.Name)
	case !fp.Type.given():
		return p, fp.Name.errorf("partition %q has no type", p.Name)
	default:
		if p.Type, err = value.ParseType(fp.Type.text); err != nil {
			return p, fp.Type.errorf("%v", err)
		}
		p.Text = strings.TrimSpace(fp.Expr.text)
		p.Expr, err = c.expression(fp.Expr, p.Type)
	}
	if err != nil {
		return p, err
	}
	return p, checkPartition(fp.Name, p)
}

// escapedInFolders are the characters, beside those of control, that Hive
// escapes in the names of folders (FileUtils.escapePathName).
const escapedInFolders = `"#%'*/:=?\{[]^`

func checkPartition(name placed, p Partition) error {
	if strings.HasPrefix(p.Name, "_") || strings.HasPrefix(p.Name, ".") {
		return name.errorf("partition %q: engines skip folders whose names begin with _ or a dot: choose another name", p.Name)
	}
	escaped := func(r rune) bool { return unicode.IsControl(r) || strings.ContainsRune(escapedInFolders, r) }
	if at := strings.IndexFunc(p.Name, escaped); at >= 0 {
		return name.errorf("partition %q: Hive escapes %q in the names of folders, and most engines take the escaped name for the column's: choose another name", p.Name, p.Name[at:at+1])
	}
	switch p.Type.Kind {
	case value.Boolean, value.Int32, value.Int64, value.String, value.Date, value.Timestamp:
		return nil
	}
	return name.errorf("partition %q: a %s has no name for a folder that every engine reads: use boolean, int32, int64, string, date or timestamp", p.Name, p.Type)
}

// partitionBy replaces the partitions with named ones.
func (c *compiler) partitionBy(names []string) error {
	var chosen []Partition
	for _, name := range names {
		i := slices.IndexFunc(c.schema.Partitions, func(p Partition) bool { return p.Name == name })
		if i >= 0 {
			chosen = append(chosen, c.schema.Partitions[i])
			continue
		}
		fp := filePartition{Name: placed{text: name}}
		if j, ok := c.byName[name]; !ok || c.schema.Columns[j].Hidden {
			return fp.Name.errorf("partition by %q: the schema has no partition or column of that name", name)
		}
		p, err := c.partition(fp)
		if err != nil {
			return err
		}
		chosen = append(chosen, p)
	}
	for i, p := range chosen {
		if slices.ContainsFunc(chosen[:i], func(q Partition) bool { return q.Name == p.Name }) {
			return placed{}.errorf("partition by %q: named twice", p.Name)
		}
	}
	c.schema.Partitions = chosen
	return nil
}

func quoteColumn(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
