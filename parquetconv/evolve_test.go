package parquetconv

import (
	"context"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/parquetconv/schema"
)

// with gives a run a schema by its text.
func with(t *testing.T, o Options, text string) Options {
	t.Helper()
	var err error
	if o.Schema, err = schema.Parse([]byte(text), nil); err != nil {
		t.Fatal(err)
	}
	o.SchemaText = []byte(text)
	return o
}

// TestATableGrowsAColumn: a schema with a column more goes on with the table,
// one with another type does not, and neither while a list of the old one is open.
func TestATableGrowsAColumn(t *testing.T) {
	store := newFakeStore()
	text, rows := rowsOf(1, 40)
	store.objects["data/src/a.json.gz"] = gz(t, text)
	text, more := rowsOf(41, 80)
	store.objects["data/src/b.json.gz"] = gz(t, text)
	rows = append(rows, more...)
	half := with(t, testOptions(t, store), testSchema)
	half.BatchBytes, half.Shards = 1, 2
	mustRun(t, half) // one of two batches

	grown := with(t, testOptions(t, store), strings.Replace(testSchema, "partitions:", "  - {name: tags, type: list<string>}\npartitions:", 1))
	if _, err := Run(context.Background(), grown); err == nil || !strings.Contains(err.Error(), "finish it first") {
		t.Fatalf("over a list that is not done: %v", err)
	}
	rest := testOptions(t, store)
	rest.Schema = nil
	mustRun(t, rest)
	sameRows(t, store, rows)

	text, more = rowsOf(81, 90)
	store.objects["data/src/c.json.gz"] = gz(t, strings.ReplaceAll(text, `"name"`, `"tags":["x"],"name"`))
	for _, row := range more {
		rows = append(rows, row+` tags=["x"]`)
	}
	if sum := mustRun(t, grown); sum.RowsOut != 10 {
		t.Errorf("%+v", sum)
	}
	sameRows(t, store, rows)

	// The table's own schema is the grown one now.
	text, more = rowsOf(91, 95)
	store.objects["data/src/d.json.gz"] = gz(t, text)
	mustRun(t, rest)
	for i := range more {
		more[i] += " tags=(null)"
	}
	sameRows(t, store, append(rows, more...))
	for says, change := range map[string][2]string{
		`column "name" is string in the table, and json in this schema`: {"name: name, type: string", "name: name, type: json"},
		`column "tags" is in the table, but not in this schema`:         {"", ""},
		"partitioned by (dt date)":                                      {"{name: dt, type: date, expr: \"cast(ts as date)\"}", "{name: day, type: date, expr: \"cast(ts as date)\"}"},
	} {
		from := strings.Replace(testSchema, "partitions:", "  - {name: tags, type: list<string>}\npartitions:", 1)
		if change[0] == "" {
			from = testSchema + "\n# as it was\n"
		}
		if _, err := Run(context.Background(), with(t, testOptions(t, store), strings.Replace(from, change[0], change[1], 1))); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, expected %q", err, says)
		}
	}
}
