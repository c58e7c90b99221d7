// Package value holds the types of a table's columns and single values of
// them, with exact conversions: a value that its type cannot hold as it is
// becomes a Bad error, never something near it.
package value

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// Kind is a column's type without its parameters.
type Kind uint8

// The kinds. Null is the type of the literal null alone; no column has it.
const (
	Null      Kind = iota
	Boolean        // Int: 0 or 1
	Int32          // Int
	Int64          // Int
	Float          // Float, rounded to 32 bits
	Double         // Float
	Decimal        // Dec, unscaled
	String         // Bytes, valid UTF-8
	Binary         // Bytes
	Date           // Int: days since 1970-01-01
	Timestamp      // Int: microseconds since 1970-01-01T00:00:00Z
	JSON           // Bytes: one JSON value as it was written
	List           // no Value: columns only
	Struct         // no Value
	Map            // no Value; keys are strings
)

var kindNames = [...]string{"null", "boolean", "int32", "int64", "float", "double", "decimal", "string", "binary", "date", "timestamp", "json", "list", "struct", "map"}

// Type is a column's type. Types are the same if they are equal by ==.
type Type struct {
	Kind             Kind
	Precision, Scale int32 // of a decimal: digits in all (1 to 38) and after the point
	// inside is what stands between < and > of a nested type, as String writes
	// it, so that equal types are equal.
	inside string
}

// String is the type as a schema file names it.
func (t Type) String() string {
	switch t.Kind {
	case Decimal:
		return fmt.Sprintf("decimal(%d,%d)", t.Precision, t.Scale)
	case List, Struct:
		return kindNames[t.Kind] + "<" + t.inside + ">"
	case Map:
		return "map<string," + t.inside + ">"
	}
	return kindNames[t.Kind]
}

// MaxPrecision is the most digits that a decimal can have.
const MaxPrecision = 38

// ParseType reads a type as a schema file or a cast names it. Upper case and
// the SQL names bigint, integer, int, varchar, bool, real and array are understood.
func ParseType(s string) (Type, error) {
	p := typeParser{text: s}
	if len(s) > maxTypeBytes {
		return Type{}, p.errorf("it has more than %d bytes", maxTypeBytes)
	}
	t, err := p.parse(0)
	if err != nil {
		return Type{}, err
	}
	if p.space(); p.at < len(s) {
		return Type{}, p.errorf("unexpected %q behind the type", p.rest())
	}
	return t, nil
}

// kindOf is the kind of a name in lower case.
func kindOf(name string) (Kind, bool) {
	switch name {
	case "bool":
		return Boolean, true
	case "int", "integer":
		return Int32, true
	case "bigint":
		return Int64, true
	case "real":
		return Float, true
	case "varchar":
		return String, true
	case "array":
		return List, true
	}
	for k := Boolean; int(k) < len(kindNames); k++ {
		if name == kindNames[k] {
			return k, true
		}
	}
	return Null, false
}

// Arrow is the type of a column of the table. Timestamps are microseconds in
// UTC, which Parquet stores as INT64 with isAdjustedToUTC.
func (t Type) Arrow() arrow.DataType {
	switch t.Kind {
	case Boolean:
		return arrow.FixedWidthTypes.Boolean
	case Int32:
		return arrow.PrimitiveTypes.Int32
	case Int64:
		return arrow.PrimitiveTypes.Int64
	case Float:
		return arrow.PrimitiveTypes.Float32
	case Double:
		return arrow.PrimitiveTypes.Float64
	case Decimal:
		return &arrow.Decimal128Type{Precision: t.Precision, Scale: t.Scale}
	case Binary:
		return arrow.BinaryTypes.Binary
	case Date:
		return arrow.FixedWidthTypes.Date32
	case Timestamp:
		return &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
	case List, Struct, Map:
		return t.arrowNested()
	}
	return arrow.BinaryTypes.String
}

// Value is one value of a type that is known from elsewhere; the zero Value is
// NOT null but false, 0 or empty. Which field holds it is said at the kinds.
type Value struct {
	Null  bool
	Int   int64
	Float float64
	Bytes []byte // may belong to a buffer of the row at hand
	Dec   decimal128.Num
}

// NullValue is null of any type.
var NullValue = Value{Null: true}

// Bool is a boolean value.
func Bool(b bool) Value {
	if b {
		return Value{Int: 1}
	}
	return Value{}
}

// Bad is the error of a value that its type cannot hold.
type Bad struct {
	Reason string // stable word: type, range, fraction, syntax, division
	Detail string
}

// The reasons of bad values.
const (
	ReasonType     = "type"     // another JSON type than the column's
	ReasonRange    = "range"    // too large or too small
	ReasonFraction = "fraction" // digits after the point that do not fit
	ReasonSyntax   = "syntax"   // text that is not of the type
	ReasonDivision = "division" // division by zero
)

func (b *Bad) Error() string { return b.Detail }

func bad(reason, format string, args ...any) *Bad {
	return &Bad{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}

// NewBad makes the error of a bad value.
func NewBad(reason, format string, args ...any) *Bad { return bad(reason, format, args...) }

// maxQuoted is how much of a value an error quotes, in bytes.
const maxQuoted = 60

func quote(b []byte) string {
	if len(b) > maxQuoted {
		return fmt.Sprintf("%q…", b[:maxQuoted])
	}
	return fmt.Sprintf("%q", b)
}
