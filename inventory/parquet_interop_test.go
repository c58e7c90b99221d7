//go:build interop

package inventory

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3compact/s3compact/internal/interop"
)

// writeParquet makes an inventory's data file of the rows that it reads as JSON,
// as the keyword arguments of pyarrow's writer say, or with DuckDB.
const writeParquet = `
import json, sys
import pyarrow as pa
import pyarrow.parquet as pq

rows = json.load(open(sys.argv[1]))
target, options = sys.argv[2], json.loads(sys.argv[3])
n = len(rows)
def column(name, type):
    return pa.array([r[name] for r in rows], type)
unit = options.pop("unit", "ms")
table = pa.table({
    "bucket": pa.array(["source"] * n),
    "key": column("key", pa.string()),
    "version_id": pa.array([None] * n, pa.string()),
    "is_latest": column("latest", pa.bool_()),
    "is_delete_marker": column("marker", pa.bool_()),
    "size": column("size", pa.int64()),
    "last_modified_date": pa.array([r["modified"] for r in rows], pa.int64()).cast(pa.timestamp("ms", tz="UTC")).cast(pa.timestamp(unit, tz="UTC")),
    "e_tag": column("key", pa.string()),
    "storage_class": column("class", pa.string()),
    "object_lock_retain_until_date": pa.array([None] * n, pa.timestamp(unit)),
    "checksum_algorithm": pa.array([["CRC64NVME"]] * n, pa.list_(pa.string())),
})
if options.pop("duckdb", False):
    import duckdb
    db = duckdb.connect()
    db.register("rows_of_the_report", table)
    db.execute(f"COPY rows_of_the_report TO '{target}' (FORMAT parquet, ROW_GROUP_SIZE 2048)")
else:
    pq.write_table(table, target, **options)
`

// TestParquetReportsByOthers reads inventories that pyarrow and DuckDB wrote, and
// must find in them what it finds in the CSV of the same rows.
func TestParquetReportsByOthers(t *testing.T) {
	python := interop.Python(t)
	input, want, read := rowsForOthers(t)
	for _, options := range []string{
		`{"compression": "snappy", "version": "1.0", "row_group_size": 700}`,
		`{"compression": "snappy", "data_page_version": "2.0", "data_page_size": 1000}`,
		`{"compression": "zstd", "use_dictionary": false, "write_page_checksum": true, "unit": "us"}`,
		`{"compression": "gzip", "use_deprecated_int96_timestamps": true}`,
		`{"compression": "none", "use_dictionary": ["key"], "unit": "ns", "dictionary_pagesize_limit": 2000}`,
		`{"compression": "brotli", "use_dictionary": false, "column_encoding": {"key": "DELTA_BYTE_ARRAY", "size": "DELTA_BINARY_PACKED", "e_tag": "DELTA_LENGTH_BYTE_ARRAY"}}`,
		`{"compression": "lz4", "store_schema": false, "write_page_index": true}`,
		`{"duckdb": true}`,
	} {
		t.Run(options, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "rows.parquet")
			interop.Run(t, python, writeParquet, input, name, options)
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, read(t, newTree(t, "Parquet", b))); d != "" {
				t.Errorf("(-CSV +Parquet):\n%s", d)
			}
		})
	}
}
