//go:build interop

package parquetconv

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3compact/s3compact/internal/interop"
	"github.com/s3compact/s3compact/parquetconv/schema"
)

// readers prints what pyarrow and DuckDB find in a table, in one form.
const readers = `
import sys, json, datetime, decimal
import duckdb, pyarrow as pa, pyarrow.dataset as ds, pyarrow.parquet as pq, glob
root = sys.argv[1]
def plain(v):
    if isinstance(v, datetime.datetime): return v.astimezone(datetime.timezone.utc).isoformat()
    if isinstance(v, (datetime.date, decimal.Decimal)): return str(v)
    if isinstance(v, bytes): return v.hex()
    return v
def rows(names, rs): return sorted([{n: plain(v) for n, v in zip(names, r)} for r in rs], key=lambda r: r["id"])
part = ds.partitioning(pa.schema([("dt", pa.date32()), ("kind", pa.string())]), flavor="hive")
t = ds.dataset(root, partitioning=part, format="parquet").to_table()
names = sorted(t.column_names)
arrow = rows(names, zip(*[t.column(n).to_pylist() for n in names]))
c = duckdb.connect()
c.execute("set timezone='UTC'")
q = c.execute("select %s from read_parquet('%s/dt=*/*/*.parquet', hive_partitioning=true, hive_types={'dt': date, 'kind': varchar})" % (", ".join(names), root))
duck = rows(names, q.fetchall())
files = sorted(glob.glob(root + "/dt=*/*/*.parquet"))
meta = pq.read_metadata(files[0])
kinds = {meta.schema.column(i).name: [meta.schema.column(i).physical_type, str(meta.schema.column(i).logical_type)] for i in range(meta.num_columns)}
stats = all(pq.read_metadata(f).row_group(0).column(0).statistics is not None for f in files)
codecs = sorted({pq.read_metadata(f).row_group(g).column(i).compression for f in files for g in range(pq.read_metadata(f).num_row_groups) for i in range(meta.num_columns)})
pruned = ds.dataset(root, partitioning=part, format="parquet").count_rows(filter=ds.field("dt") == datetime.date(2026, 1, 2))
print(json.dumps({"arrow": arrow, "duck": duck, "kinds": kinds, "stats": stats, "codecs": codecs, "pruned": pruned}))
`

func TestOtherReadersAgree(t *testing.T) {
	python := interop.Python(t)
	f := newFolder(t)
	var text strings.Builder
	var want []map[string]any
	kinds := []string{"a/b c", "é", "", "x=y%"}
	for i := range 200 {
		day := i%3 + 1
		row := map[string]any{"id": i, "b": i%2 == 0, "i": -i, "f": 0.5, "d": float64(i) / 7, "dec": fmt.Sprintf("%d.%02d", i, i%100), "s": fmt.Sprintf("é😀 %d", i), "bin": "00ff", "day": "1969-12-31",
			"ts": fmt.Sprintf("2026-01-%02dT23:59:59.%06d+00:00", day, i+1), "j": `{"x":[1, 2]}`, "nothing": nil, "dt": fmt.Sprintf("2026-01-%02d", day), "kind": kinds[i%4]}
		if row["kind"] == "" {
			row["kind"] = nil // Hive's default partition stands for both
		}
		if i%5 == 0 {
			row["s"] = nil
		}
		want = append(want, row)
		fmt.Fprintf(&text, `{"id":%d,"b":%v,"i":%d,"f":0.5,"d":%v,"dec":%s,"bin":"AP8=","day":"1969-12-31","ts":"2026-01-%02dT23:59:59.%06dZ","j":{"x":[1, 2]},"kind":"%s"`, i, i%2 == 0, -i, jsonOf(t, float64(i)/7), row["dec"], day, i+1, kinds[i%4])
		if i%5 != 0 {
			fmt.Fprintf(&text, `,"s":"é😀 %d"`, i)
		}
		text.WriteString("}\n")
	}
	text.WriteString("{\"id\":\"bad\"}\n{\"id\":1\n")
	if err := os.WriteFile(filepath.Join(f.root, "src", "a.json.gz"), gz(t, text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	o := f.options(t, func(s Store) Store { return s })
	var err error
	o.Schema, err = schema.Parse([]byte(`
version: 1
columns:
  - {name: id, type: int64, required: true}
  - {name: b, type: boolean}
  - {name: i, type: int32}
  - {name: f, type: float}
  - {name: d, type: double}
  - {name: dec, type: "decimal(20,2)"}
  - {name: s, type: string}
  - {name: bin, type: binary}
  - {name: day, type: date}
  - {name: ts, type: timestamp}
  - {name: j, type: json}
  - {name: nothing, type: int64}
  - {name: kind, type: string}
partitions:
  - {name: dt, type: date, expr: "cast(ts as date)"}
  - {name: kind}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if sum.RowsIn != 202 || sum.RowsOut != 200 || sum.RowsRejected != 2 {
		t.Errorf("summary %+v", sum)
	}
	var got struct {
		Arrow, Duck []map[string]any
		Kinds       map[string][2]string
		Stats       bool
		Codecs      []string
		Pruned      int
	}
	if err := json.Unmarshal(interop.Run(t, python, readers, filepath.Join(f.root, "out")), &got); err != nil {
		t.Fatal(err)
	}
	// Through JSON, so that numbers are of one type.
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var plain []map[string]any
	if err := json.Unmarshal(b, &plain); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(plain, got.Arrow); d != "" {
		t.Errorf("pyarrow reads otherwise (-want +got):\n%.2000s", d)
	}
	if d := cmp.Diff(plain, got.Duck); d != "" {
		t.Errorf("DuckDB reads otherwise (-want +got):\n%.2000s", d)
	}
	if k := got.Kinds["ts"]; k[0] != "INT64" || !strings.Contains(k[1], "isAdjustedToUTC=true") || !strings.Contains(k[1], "microseconds") {
		t.Errorf("ts is stored as %v", k)
	}
	if _, inFile := got.Kinds["kind"]; inFile || !got.Stats || fmt.Sprint(got.Codecs) != "[ZSTD]" || got.Pruned != 67 {
		t.Errorf("columns %v, statistics %v, codecs %v, pruned %d", got.Kinds, got.Stats, got.Codecs, got.Pruned)
	}
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
