package parquetconv

import (
	"fmt"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/parquetconv/schema"
)

// TestRequiredDerivedColumns: the rows without a value are rejected, and the
// others are written to a column that has no nulls.
func TestRequiredDerivedColumns(t *testing.T) {
	for column, of := range map[string]string{
		"type: int64, expr: \"10 / a\"":                                          "10",
		"type: double, expr: \"case when a > 0 then a * 1.5 end\"":               "1.5",
		"type: \"decimal(19,0)\", expr: \"cast(nullif(a, 0) as decimal(19,0))\"": "1",
		"type: boolean, expr: \"nullif(a, 0) = 1\"":                              "true",
		"type: date, expr: \"cast(nullif(s, 'bad') as date)\"":                   "2026-01-02",
		"type: string, expr: \"nullif(s, 'bad')\"":                               "2026-01-02",
		"type: string, expr: \"regexp_extract(s, '^[0-9]+', 0)\"":                "2026",
	} {
		for texts, loaded := range map[string]int{
			"good bad good":  2,
			"bad good bad":   1,
			"bad bad":        0,
			"good good good": 3,
		} {
			store := newFakeStore()
			var text strings.Builder
			for word := range strings.FieldsSeq(texts) {
				text.WriteString(map[string]string{"good": `{"a":1,"s":"2026-01-02"}`, "bad": `{"a":0,"s":"bad"}`}[word] + "\n")
			}
			store.set("data/src/a.json", []byte(text.String()))
			o := testOptions(t, store)
			var err error
			if o.Schema, err = schema.Parse([]byte("version: 1\ncolumns:\n  - {name: a, type: int64}\n  - {name: s, type: string}\n  - {name: x, required: true, "+column+"}\npartitions:\n  - {name: p, type: int64, expr: \"a + 1\"}\n"), nil); err != nil {
				t.Fatal(err)
			}
			sum := mustRun(t, o)
			if int(sum.RowsOut) != loaded || sum.RowsIn != sum.RowsOut+sum.RowsRejected {
				t.Errorf("%s of %s: %+v", column, texts, sum)
			}
			var want []string
			for range loaded {
				want = append(want, fmt.Sprintf("p=2 a=1 s=2026-01-02 x=%s", of))
			}
			sameRows(t, store, want)
		}
	}
}
