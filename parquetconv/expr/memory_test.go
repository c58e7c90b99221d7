package expr

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/s3compact/s3compact/parquetconv/value"
)

// TestMemory: what an expression takes grows with its nesting, not with its length.
func TestMemory(t *testing.T) {
	const rows = 2000
	numbers := array.NewInt64Builder(memory.DefaultAllocator)
	for i := range int64(rows) {
		numbers.Append(i % 600)
	}
	b := &Batch{Rows: rows, Columns: []arrow.Array{numbers.NewArray()}}
	scope := func(string) (int, value.Type, bool) { return 0, integer, true }
	var whens, conditions, texts strings.Builder
	for i := range 300 {
		fmt.Fprintf(&whens, " when %d then 'status %d'", i, i%7)
		fmt.Fprintf(&conditions, " or n * 2 = %d", -i)
		fmt.Fprintf(&texts, " || cast(n as string)")
	}
	for name, c := range map[string]struct {
		text  string
		bound int // bytes a row
	}{
		"a long sum":          {"n" + strings.Repeat(" + n", 3000), 300},
		"a case of many":      {"case n" + whens.String() + " end", 100},
		"many conditions":     {"false" + conditions.String(), 100},
		"a short expression":  {"n + 1", 40},
		"many joined strings": {"''" + texts.String(), 20 * 300},
	} {
		e, err := Parse(c.text, scope)
		if err != nil {
			t.Fatal(err)
		}
		b.scratch = scratch{}
		for range 2 {
			if _, faults := e.Eval(b); len(faults) > 0 {
				t.Fatal(faults[0].Bad)
			}
		}
		if got := scratchBytes(&b.scratch) / rows; got > c.bound {
			t.Errorf("%s takes %d bytes a row, more than %d", name, got, c.bound)
		}
	}
}

func scratchBytes(s *scratch) int {
	total := 0
	for _, x := range s.bools.all {
		total += cap(x)
	}
	for _, x := range s.ints.all {
		total += 8 * cap(x)
	}
	for _, x := range s.floats.all {
		total += 8 * cap(x)
	}
	for _, x := range s.decs.all {
		total += 16 * cap(x)
	}
	for _, x := range s.offsets.all {
		total += 4 * cap(x)
	}
	for _, x := range s.texts {
		total += cap(x.data)
	}
	return total
}
