package scan

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// TestParquet: what a block holds can be written as it is, and reads back the same.
func TestParquet(t *testing.T) {
	types := []string{"boolean", "int32", "int64", "float", "double", "decimal(20,3)", "string", "binary", "date", "timestamp", "json", "list<string>", "struct<a:int64,b:list<double>>", "map<string,struct<x:json>>"}
	var columns []Column
	for i, typ := range types {
		columns = append(columns, col(t, fmt.Sprint("c", i), typ, fmt.Sprint("$.c", i)))
	}
	s, err := New(columns, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		line := `{"c0":true,"c1":1,"c2":-2,"c3":0.5,"c4":0.25,"c5":1.125,"c6":"x","c7":"AP8=","c8":"2024-02-29","c9":"2024-01-02T03:04:05.5Z","c10":{"a":1},"c11":["a",null],"c12":{"a":1,"b":[1,2]},"c13":{"k":{"x":[]},"l":null}}
{}
{"c0":1,"c5":"bad","c11":[1,{}],"c12":{"b":[]},"c13":{}}` + "\n"
		if n, err := s.Scan([]byte(line), true); err != nil || n != len(line) {
			t.Fatal(n, err)
		}
	}
	b := s.Take()
	var fields []arrow.Field
	for i, c := range b.Columns {
		fields = append(fields, arrow.Field{Name: columns[i].Name, Type: c.DataType(), Nullable: true})
	}
	schema := arrow.NewSchema(fields, nil)
	record := array.NewRecordBatch(schema, b.Columns, int64(b.Rows))
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(schema, &out, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(record); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := file.NewParquetReader(bytes.NewReader(out.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	reader, err := pqarrow.NewFileReader(r, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	table, err := reader.ReadTable(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for c := range columns {
		read := table.Column(c).Data().Chunk(0)
		for i := range b.Rows {
			if got, want := shown(read, i), shown(b.Columns[c], i); got != want {
				t.Fatalf("%s, row %d: %s, want %s", types[c], i, got, want)
			}
		}
	}
}
