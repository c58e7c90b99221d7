package parquetconv

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// inferring converts without a schema; Infer makes text, or fails the test when it is "".
func inferring(t *testing.T, store Store, text string, told *[]string) Options {
	t.Helper()
	o := testOptions(t, store)
	o.Schema = nil
	o.Infer = func(context.Context) ([]byte, error) {
		if text == "" {
			t.Error("a schema was inferred for a table that has one")
			return nil, errors.New("not to be asked")
		}
		return []byte(text), nil
	}
	o.Inferred = func(text []byte) { *told = append(*told, string(text)) }
	return o
}

// TestTheTableKeepsItsInferredSchema infers once: later runs take the table's own.
func TestTheTableKeepsItsInferredSchema(t *testing.T) {
	store := newFakeStore()
	text, rows := rowsOf(1, 20)
	store.objects["data/src/a.json.gz"] = gz(t, text)
	var told []string
	mustRun(t, inferring(t, store, testSchema, &told))
	sameRows(t, store, rows)
	if len(told) != 1 || told[0] != testSchema {
		t.Fatalf("told %q", told)
	}

	text, more := rowsOf(21, 30)
	store.objects["data/src/b.json.gz"] = gz(t, text)
	mustRun(t, inferring(t, store, "", &told))
	sameRows(t, store, append(rows, more...))

	by := inferring(t, store, "", &told)
	by.PartitionBy = []string{"name"}
	if _, err := Run(context.Background(), by); err == nil || !strings.Contains(err.Error(), "this schema by (name string)") {
		t.Errorf("other partitions than the table's: %v", err)
	}
	if len(told) != 1 {
		t.Errorf("told again: %q", told)
	}
}

// TestTheTableKeepsItsPartitions: what the first run partitioned by holds for later ones.
func TestTheTableKeepsItsPartitions(t *testing.T) {
	store := newFakeStore()
	text, _ := rowsOf(1, 4)
	store.objects["data/src/a.json.gz"] = gz(t, text)
	var told []string
	first := inferring(t, store, testSchema, &told)
	first.PartitionBy = []string{"name"}
	mustRun(t, first)
	text, _ = rowsOf(5, 8)
	store.objects["data/src/b.json.gz"] = gz(t, text)
	mustRun(t, inferring(t, store, "", &told))
	for _, row := range visibleRows(t, store) {
		if !strings.HasPrefix(row, "name=n") {
			t.Errorf("the row %q is not partitioned by name", row)
		}
	}
}

// TestAWorkerTakesTheSchemaOfTheFasterOne: two workers infer different schemas
// for one new table; the list that is published first decides.
func TestAWorkerTakesTheSchemaOfTheFasterOne(t *testing.T) {
	store := newFakeStore()
	text, rows := rowsOf(1, 20)
	store.objects["data/src/a.json.gz"] = gz(t, text)
	var told []string
	late := inferring(t, store, strings.Replace(testSchema, "type: string", "type: json", 1), &told)
	infer := late.Infer
	late.Infer = func(ctx context.Context) ([]byte, error) {
		var other []string
		mustRun(t, inferring(t, store, testSchema, &other)) // meanwhile
		return infer(ctx)
	}
	mustRun(t, late)
	sameRows(t, store, rows)
	if len(told) != 1 || told[0] != testSchema {
		t.Errorf("told %q, not the schema that the table has", told)
	}
}

// TestADryRunInfers shows the schema that a run would use, and writes nothing.
func TestADryRunInfers(t *testing.T) {
	store := newFakeStore()
	text, _ := rowsOf(1, 20)
	store.objects["data/src/a.json.gz"] = gz(t, text)
	before := len(store.objects)
	var told []string
	o := inferring(t, store, testSchema, &told)
	o.DryRun = true
	mustRun(t, o)
	if len(told) != 1 || len(store.objects) != before {
		t.Errorf("told %q, objects %d instead of %d", told, len(store.objects), before)
	}
}

// TestALaterRunOfATableWithoutASchemaText says what to do.
func TestALaterRunOfATableWithoutASchemaText(t *testing.T) {
	store := newFakeStore()
	text, _ := rowsOf(1, 4)
	store.objects["data/src/a.json.gz"] = gz(t, text)
	mustRun(t, testOptions(t, store)) // its Schema comes without the text
	var told []string
	if _, err := Run(context.Background(), inferring(t, store, "", &told)); err == nil || !strings.Contains(err.Error(), "--schema") {
		t.Errorf("error %v", err)
	}
}
