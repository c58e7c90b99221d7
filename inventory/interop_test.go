//go:build interop

package inventory

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3compact/s3compact/internal/interop"
)

// writeORC makes an inventory's data file of the rows that it reads as JSON.
const writeORC = `
import json, sys
import pyarrow as pa
from pyarrow import orc

rows = json.load(open(sys.argv[1]))
target, compression, zone, threshold = sys.argv[2], sys.argv[3], sys.argv[4] or None, float(sys.argv[5])
n = len(rows)
def column(name, type):
    return pa.array([r[name] for r in rows], type)
table = pa.table({
    "bucket": pa.array(["source"] * n),
    "key": column("key", pa.string()),
    "version_id": pa.array([None] * n, pa.string()),
    "is_latest": column("latest", pa.bool_()),
    "is_delete_marker": column("marker", pa.bool_()),
    "size": column("size", pa.int64()),
    "last_modified_date": pa.array([r["modified"] * 1000 for r in rows], pa.int64()).cast(pa.timestamp("us", tz=zone)),
    "e_tag": column("key", pa.string()),
    "storage_class": column("class", pa.string()),
    "object_lock_retain_until_date": pa.array([None] * n, pa.timestamp("us")),
    "checksum_algorithm": pa.array([["CRC64NVME"]] * n, pa.list_(pa.string())),
})
orc.write_table(table, target, compression=compression, stripe_size=64 << 10, batch_size=256, dictionary_key_size_threshold=threshold)
`

// TestReportsByApacheORC reads inventories that Apache's ORC writer made, and
// must find in them what it finds in the CSV of the same rows.
func TestReportsByApacheORC(t *testing.T) {
	python := interop.Python(t)
	input, want, read := rowsForOthers(t)
	dir := t.TempDir()
	for _, tc := range []struct{ compression, zone, threshold string }{
		{"zlib", "", "0.8"}, {"zlib", "UTC", "1"}, {"snappy", "", "0"}, {"zstd", "", "1"}, {"uncompressed", "UTC", "0"}, {"lz4", "", "0.5"},
	} {
		name := filepath.Join(dir, tc.compression+tc.zone+".orc")
		interop.Run(t, python, writeORC, input, name, tc.compression, tc.zone, tc.threshold)
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, read(t, newTree(t, "ORC", b))); d != "" {
			t.Errorf("%s, zone %q, dictionary threshold %s (-CSV +ORC):\n%s", tc.compression, tc.zone, tc.threshold, d)
		}
	}
}
