package expr

import (
	"github.com/apache/arrow-go/v18/arrow"

	"github.com/s3compact/s3compact/parquetconv/value"
)

// Batch is the rows that an expression is evaluated over. Columns are found by
// the index that the Scope gave, and have the Arrow type of their type; text
// columns may be an *array.Dictionary with int32 indices. Columns that the
// expression does not name may be nil.
//
// A batch that is used again, with other rows, keeps what memory it took.
type Batch struct {
	Rows    int
	Columns []arrow.Array

	scratch scratch
}

// Fault is a row whose value cannot be computed.
type Fault struct {
	Row int
	Bad *value.Bad
}

// Expr is an expression whose types are right. It may be used by several
// goroutines at once, a Batch by one at a time.
type Expr struct {
	Type  value.Type
	root  *node
	slots []int // of the columns that are read, and of values that are bound on the way (-1): the index in a batch
	// Buckets is the number of values, from 0 on, of an expression that is
	// bucket(n, x); 0 of any other.
	Buckets int
}

// Parse reads an expression and checks its types. Faults are *Error.
func Parse(text string, scope Scope) (*Expr, error) {
	s, err := parse(text)
	if err != nil {
		return nil, err
	}
	c := &checker{text: text, scope: scope, slotOf: map[int]int{}}
	root, err := c.check(s)
	if err != nil {
		return nil, err
	}
	return newExpr(root, c.slots), nil
}

func newExpr(root *node, slots []int) *Expr {
	return &Expr{Type: root.t, root: root, slots: slots, Buckets: root.buckets}
}

// As is the expression as a column of a type takes it: of that type itself, or
// null, int32 for int64, float for double. It is nil for any other.
func (e *Expr) As(t value.Type) *Expr {
	switch from := e.Type.Kind; {
	case e.Type == t:
		return e
	case from == value.Null && !t.Nested(), from == value.Int32 && t.Kind == value.Int64, from == value.Float && t.Kind == value.Double:
		return newExpr(retyped(e.root, t), e.slots)
	}
	return nil
}

// Eval computes the expression for all rows. The result has the Arrow
// type of e.Type, or is an *array.Dictionary with int32 indices and values of
// that type where e.Type is string or json; it is the caller's to release. It
// is null in the rows of the faults, of which there is at most one a row, in
// the order of the rows.
//
// A function of one column that comes as a dictionary is computed once for
// each entry that the rows use. Texts share the memory of the batch only where
// the expression is a column's name.
func (e *Expr) Eval(b *Batch) (arrow.Array, []Fault) {
	if i, ok := e.column(); ok {
		if a := b.Columns[i]; arrow.TypeEqual(a.DataType(), e.Type.Arrow()) || a.DataType().ID() == arrow.DICTIONARY {
			a.Retain()
			return a, nil
		}
	}
	f := e.topFrame(b)
	out := f.store(e.root.run(f), e.Type)
	var faults []Fault
	for i, bad := range f.bad {
		if bad != nil {
			faults = append(faults, Fault{Row: i, Bad: bad})
		}
	}
	return out, faults
}

// Certain says that the expression is known to have no faults, whatever the
// columns hold: columns, constants, buckets, casts to types that hold all, whole
// numbers divided by a constant, and parts of times.
func (e *Expr) Certain() bool { return e.root.certain }

// column is the index of the column that the expression is the name of.
func (e *Expr) column() (int, bool) {
	if e.root.isColumn {
		return e.slots[e.root.reads[0]], true
	}
	return 0, false
}
