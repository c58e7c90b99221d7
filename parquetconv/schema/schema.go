// Package schema reads the schema file of a table: which columns it has, where
// in a row their values stand, how they are derived, what happens to values
// that do not fit, and how the table is partitioned.
package schema

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/s3compact/s3compact/parquetconv/expr"
	"github.com/s3compact/s3compact/parquetconv/value"
)

// OnBad says what becomes of a value that its column cannot hold.
type OnBad string

// The choices for bad values. The default is OnBadNull; for a required column
// it is OnBadReject, and OnBadNull is not allowed.
const (
	OnBadNull   OnBad = "null"   // the value becomes null, and is counted
	OnBadReject OnBad = "reject" // the row goes to the rejects
	OnBadFail   OnBad = "fail"   // the run stops
)

// UnknownFields says what becomes of members of a row that no column reads.
type UnknownFields string

// The choices for unknown fields; the default is UnknownIgnore.
const (
	UnknownIgnore UnknownFields = "ignore"
	UnknownReject UnknownFields = "reject" // the row goes to the rejects
	UnknownKeep   UnknownFields = "keep"   // they are kept in the column ExtraColumn
)

// ExtraColumn is the JSON column of the fields that UnknownKeep keeps.
const ExtraColumn = "_extra"

// Column is one column. It has a path or an expression, takes the unknown
// fields, or is a pseudo-column.
type Column struct {
	Name     string
	Type     value.Type
	Path     Path
	Time     TimeFormat // how a timestamp at the path is written
	Expr     *expr.Expr
	Required bool
	OnBad    OnBad
	Hidden   bool   // read for expressions only, or to partition by: not in the files
	Extra    bool   // takes the unknown fields
	Pseudo   Pseudo // tells where the row comes from; such a column is hidden
}

// Partition is one level of the table's folders, name=value.
type Partition struct {
	Name string
	Type value.Type
	Expr *expr.Expr
	Text string // of Expr, as it is written
}

// Sort is a column that the rows of a file are sorted by.
type Sort struct {
	Column     int // index of the stored columns, as Arrow orders them
	Descending bool
}

// Schema is a schema that was read and checked.
type Schema struct {
	Format Format
	Layout Layout   // of FormatNDJSON
	RowsAt []string // names of the members that lead to the array of LayoutArray; none where it is the document
	CSV    CSV      // of FormatCSV

	// Columns in the order of the values of a row: those with a path, hidden
	// ones included, and those with an expression behind what they read.
	Columns    []Column
	Partitions []Partition
	Unknown    UnknownFields
	SortBy     []Sort
	Bloom      []int // indexes of the stored columns that get a bloom filter

	// Hash names the table's form and what its values mean: columns, types,
	// rules, partitions, how sources are read. The file's own layout and
	// comments are not in it, nor are SortBy and Bloom, which a table may change.
	Hash string
}

// Arrow is the schema of the table's files: the columns that are not hidden,
// in the order of the file. stored are their indexes in Columns.
func (s *Schema) Arrow() (files *arrow.Schema, stored []int) {
	var fields []arrow.Field
	for i, c := range s.Columns {
		if !c.Hidden {
			fields = append(fields, arrow.Field{Name: c.Name, Type: c.Type.Arrow(), Nullable: !c.Required})
			stored = append(stored, i)
		}
	}
	return arrow.NewSchema(fields, nil), stored
}

// Parse reads a schema file. partitionBy, when not empty, replaces its
// partitions with the named ones of its partitions and columns. Errors name
// line and column.
func Parse(text []byte, partitionBy []string) (*Schema, error) {
	f, err := parseFile(text)
	if err != nil {
		return nil, err
	}
	return f.compile(partitionBy)
}

func (f *file) compile(partitionBy []string) (*Schema, error) {
	switch {
	case f.Version.text != "1":
		return nil, f.Version.errorf("version %q: this s3compact reads schema files of version 1", f.Version.text)
	case len(f.Columns) == 0:
		return nil, errors.New("no columns")
	}
	c := &compiler{schema: &Schema{}, byName: map[string]int{}, later: map[string]bool{}, places: map[string]placed{}}
	if err := f.format(c.schema); err != nil {
		return nil, err
	}
	if err := c.unknown(f.UnknownFields); err != nil {
		return nil, err
	}
	if err := c.columns(f.Columns); err != nil {
		return nil, err
	}
	if err := c.partitions(f, partitionBy); err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(c.schema.Columns, func(col Column) bool { return !col.Hidden }) {
		return nil, errors.New("every column is a partition: the files would be empty")
	}
	if err := c.layOut(f); err != nil {
		return nil, err
	}
	c.schema.Hash = f.hash(c.schema)
	return c.schema, nil
}

// hash is 128 bits of SHA-256 over what makes the table's form. What an older
// version did not have is left out where it is not given, so that the hash of
// an older file stays.
func (f *file) hash(s *Schema) string {
	type column struct {
		Name, Type, Path, Expr, OnBad, Required string

		Time string `json:",omitempty"`
	}
	type form struct {
		Columns    []column
		Partitions []column
		Unknown    UnknownFields

		Layout Layout   `json:",omitempty"`
		RowsAt []string `json:",omitempty"`
		CSV    *CSV     `json:",omitempty"`
	}
	written := map[string]string{}
	for _, c := range f.Columns {
		written["c:"+c.Name.text] = c.Expr.text
	}
	for _, p := range f.Partitions {
		written["p:"+p.Name.text] = p.Expr.text
	}
	v := form{Unknown: s.Unknown, RowsAt: s.RowsAt}
	if s.Layout != LayoutLines {
		v.Layout = s.Layout
	}
	if s.Format == FormatCSV {
		v.CSV = &s.CSV
	}
	for _, c := range s.Columns {
		as := column{Name: c.Name, Type: c.Type.String(), Path: c.Path.String(), Expr: written["c:"+c.Name], OnBad: string(c.OnBad), Required: fmt.Sprint(c.Required, c.Hidden)}
		if c.Time.Kind != TimeRFC3339 {
			as.Time = c.Time.String()
		}
		v.Columns = append(v.Columns, as)
	}
	for _, p := range s.Partitions {
		v.Partitions = append(v.Partitions, column{Name: p.Name, Type: p.Type.String(), Expr: written["p:"+p.Name]})
	}
	b, _ := json.Marshal(v) // strings and numbers only: cannot fail
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

// checkName keeps names that Parquet, Hive and folders take.
func checkName(p placed, what string) error {
	switch {
	case p.text == "":
		return p.errorf("a %s has no name", what)
	case len(p.text) > maxNameBytes || strings.ContainsAny(p.text, "/=\x00\n\"") || !value.ValidText([]byte(p.text)):
		return p.errorf("the name %q: write at most %d bytes without / = quotes and line ends", p.text, maxNameBytes)
	}
	return nil
}

const maxNameBytes = 100
