package value

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
)

func TestNestedTypes(t *testing.T) {
	decimal := Type{Kind: Decimal, Precision: 5, Scale: 2}
	inner := StructOf(NamedType{"a", Type{Kind: Int64}}, NamedType{`odd "na\me`, ListOf(decimal)})
	typ := MapOf(ListOf(inner))
	parsed, err := ParseType(typ.String())
	if err != nil || parsed != typ {
		t.Fatalf("%s: %s, %v", typ, parsed, err)
	}
	if typ.Elem() != ListOf(inner) || typ.Elem().Elem() != inner || !typ.Nested() || decimal.Nested() {
		t.Errorf("%s holds %s", typ, typ.Elem())
	}
	fields := inner.Fields()
	if len(fields) != 2 || fields[1].Name != `odd "na\me` || fields[1].Type.Elem() != decimal {
		t.Errorf("fields %v", fields)
	}
	if decimal.Fields() != nil || decimal.Elem() != (Type{}) {
		t.Error("a decimal has something inside")
	}
	want := arrow.MapOf(arrow.BinaryTypes.String, arrow.ListOf(arrow.StructOf(
		arrow.Field{Name: "a", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		arrow.Field{Name: `odd "na\me`, Type: arrow.ListOf(&arrow.Decimal128Type{Precision: 5, Scale: 2}), Nullable: true})))
	if !arrow.TypeEqual(typ.Arrow(), want) {
		t.Errorf("arrow %s, want %s", typ.Arrow(), want)
	}
}

// FuzzParseType: a type that is read is written so that it reads as the same.
func FuzzParseType(f *testing.F) {
	for _, s := range []string{"int", "decimal(5,2)", "list<struct<a:int64,\"b \\\" c\":map<string,json>>>", "list<list<list<list<int64>>>>", "struct<>", "map<int64,json>", "list<", "decimal("} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		typ, err := ParseType(s)
		if err != nil {
			return
		}
		if again, err := ParseType(typ.String()); err != nil || again != typ {
			t.Errorf("%q: %s, read again: %s, %v", s, typ, again, err)
		}
		typ.Arrow()
	})
}
