package expr

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/s3compact/s3compact/parquetconv/value"
)

// logs is a batch of texts as a dictionary of five entries, of which the rows
// use three, and of numbers.
func logs(tb testing.TB) (*Batch, Scope) {
	tb.Helper()
	entries := array.NewStringBuilder(memory.DefaultAllocator)
	entries.AppendValues([]string{"", "GET", "unused", "get", "POST"}, nil)
	codes := array.NewInt32Builder(memory.DefaultAllocator)
	codes.AppendValues([]int32{1, 3, 4, 1, 0, 4, 1}, []bool{true, true, true, true, false, true, true})
	typ := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}
	numbers := array.NewInt64Builder(memory.DefaultAllocator)
	numbers.AppendValues([]int64{200, 404, 500, 200, 200, 404, 200}, nil)
	b := &Batch{Rows: 7, Columns: []arrow.Array{array.NewDictionaryArray(typ, codes.NewArray(), entries.NewArray()), numbers.NewArray()}}
	return b, func(name string) (int, value.Type, bool) {
		if name == "n" {
			return 1, integer, true
		}
		return 0, text, name == "s"
	}
}

// TestOncePerEntry: what reads one dictionary alone is computed once for each
// entry that the rows use, and for null.
func TestOncePerEntry(t *testing.T) {
	b, scope := logs(t)
	for _, form := range []string{"x", "upper(x)", "case when x is null then 'none' else x || x end", "length(coalesce(x, 'none'))"} {
		var asked []string
		c := &checker{scope: scope, slotOf: map[int]int{}}
		column, err := c.column(&syntax{op: "column", text: "s"})
		if err != nil {
			t.Fatal(err)
		}
		counted := newNode(text, []*node{column}, func(f *frame) vector {
			v := f.plain(column.run(f))
			for i := range f.n {
				if v.null(i) {
					asked = append(asked, "null")
				} else {
					asked = append(asked, string(v.text(i)))
				}
			}
			return v
		})
		root := counted
		if form != "x" {
			// The counted node stands where x does.
			s, err := parse(form)
			if err != nil {
				t.Fatal(err)
			}
			inner := &checker{text: form, slotOf: map[int]int{0: 0}, slots: c.slots, scope: func(string) (int, value.Type, bool) { return 0, text, true }}
			n, err := inner.check(s)
			if err != nil {
				t.Fatal(err)
			}
			root = newNode(n.t, []*node{counted}, func(f *frame) vector {
				v := counted.run(f)
				f.bind(0, v)
				return n.run(f)
			})
			c.slots = inner.slots
		}
		a, faults := newExpr(root, c.slots).Eval(b)
		if len(faults) > 0 || a.Len() != b.Rows {
			t.Errorf("%s: %d rows, faults %v", form, a.Len(), faults)
		}
		want := map[string]bool{"GET": true, "get": true, "POST": true, "null": true}
		for _, entry := range asked {
			if !want[entry] {
				t.Errorf("%s: %q was computed once more than it should be", form, entry)
			}
			delete(want, entry)
		}
		if len(want) > 0 {
			t.Errorf("%s: %v were not computed", form, want)
		}
	}
}

// TestDictionaryResults: texts that come of dictionaries and constants are a
// dictionary again, of the entries that are used, each once.
func TestDictionaryResults(t *testing.T) {
	b, scope := logs(t)
	for expression, entries := range map[string]int{
		"lower(s)": 2, "upper(s) || '/'": 2, "s": 5, "coalesce(s, 'none')": 4, "'constant'": 1, "cast(null as string)": 1,
		"case when n >= 500 then 'error' when n >= 400 then 'refused' else 'ok' end": 3,
		"case when n >= 500 then s else lower(s) end":                                3,
		"nullif(s, 'GET')": 2,
	} {
		e, err := Parse(expression, scope)
		if err != nil {
			t.Fatal(err)
		}
		a, _ := e.Eval(b)
		d, ok := a.(*array.Dictionary)
		if !ok {
			t.Errorf("%s gives %s", expression, a.DataType())
			continue
		}
		if d.Dictionary().Len() != entries {
			t.Errorf("%s has the entries %s, want %d", expression, d.Dictionary(), entries)
		}
	}
	for expression, typ := range map[string]arrow.Type{"length(s)": arrow.INT64, "s = 'GET'": arrow.BOOL, "cast(n as string)": arrow.STRING, "case when n > 1 then cast(n as string) else s end": arrow.STRING} {
		e, err := Parse(expression, scope)
		if err != nil {
			t.Fatal(err)
		}
		if a, _ := e.Eval(b); a.DataType().ID() != typ {
			t.Errorf("%s gives %s", expression, a.DataType())
		}
	}
}

// TestColumnsAsTheyAre: the name of a column is that column's array.
func TestColumnsAsTheyAre(t *testing.T) {
	data := testTable(t)
	data.add(t, "list", "list<int64>", "null", "null", "null")
	b := data.batch(t, 0, 2, form{})
	for i, name := range data.names {
		e, err := Parse(`"`+name+`"`, data.scope)
		if err != nil {
			t.Fatal(err)
		}
		if a, faults := e.Eval(b); a != b.Columns[i] || faults != nil {
			t.Errorf("%s gives another array", name)
		}
	}
	if got := evaluate(t, data, "list is null"); got != "boolean true" {
		t.Errorf("list is null: %s", got)
	}
}

// TestAs: an expression may take the type of a column that holds its values as they are.
func TestAs(t *testing.T) {
	data := testTable(t)
	for _, c := range []struct{ text, typ, want string }{
		{"i", "int64", "int64 7"}, {"i", "int32", "int32 7"}, {"f", "double", "double 1.5"}, {"null", "date", "date null"}, {"null", "decimal(3,1)", "decimal(3,1) null"}, {"case when nulb then null end", "int64", "int64 null"},
		{"big", "int32", ""}, {"d", "float", ""}, {"s", "json", ""}, {"null", "list<int64>", ""}, {"i", "double", ""},
	} {
		typ, err := value.ParseType(c.typ)
		if err != nil {
			t.Fatal(err)
		}
		e, err := Parse(c.text, data.scope)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if e = e.As(typ); e != nil {
			got = e.Type.String() + " " + results(t, e, data.batch(t, 1, 2, form{}))[0]
		}
		if got != c.want {
			t.Errorf("%s as %s: %s, want %s", c.text, c.typ, got, c.want)
		}
	}
}
