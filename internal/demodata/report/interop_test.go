//go:build interop

package report

import (
	"strings"
	"testing"

	"github.com/s3compact/s3compact/internal/interop"
)

const readReports = `
import json, sys, pathlib, duckdb, pyarrow.orc as orc
from urllib.parse import unquote_plus
root = pathlib.Path(sys.argv[1])
def manifest(config):
    m = json.loads(next((root / "logs" / config).glob("2*/manifest.json")).read_text())
    return m, [str(root / f["key"]) for f in m["files"]]
m, files = manifest("orc")
a = [(r["key"], r["size"], r["is_delete_marker"], str(r["last_modified_date"])) for f in files for r in orc.ORCFile(f).read().to_pylist()]
names = orc.ORCFile(files[0]).schema.names
assert names == [c.split(":")[0] for c in m["fileSchema"][7:-1].split(",")], names
m, files = manifest("csv")
b = duckdb.sql("SELECT * FROM read_csv(%r, header=false, quote='\"', escape='\"', names=%r, all_varchar=true)" % (files, m["fileSchema"].split(", ")))
b = b.select("Key, Size, IsDeleteMarker, LastModifiedDate").fetchall()
b = [(unquote_plus(k), int(s) if s else None, d == "true", t.rstrip("Z").replace("T", " ").removesuffix(".000")) for k, s, d, t in b]
a = [(k, s, d, t.rstrip("0").rstrip(".") if "." in t else t) for k, s, d, t in a]
assert a == b, (a, b)
print(len(a))
`

// TestOthersReadBothFormats: pyarrow reads the ORC report and DuckDB the CSV
// report, and both see the same rows.
func TestOthersReadBothFormats(t *testing.T) {
	dir := t.TempDir()
	for _, format := range []Format{ORC, CSV} {
		r := Report{SourceBucket: "logs", DestinationBucket: "reports", ConfigID: strings.ToLower(string(format)), Format: format, Created: created, Versions: true, RowsPerFile: 2}
		if _, err := r.Write(t.Context(), Rows(testRows...), r.ToFolder(dir)); err != nil {
			t.Fatal(err)
		}
	}
	out := strings.TrimSpace(string(interop.Run(t, interop.Python(t), readReports, dir+"/reports")))
	if out != "3" {
		t.Errorf("%s rows, want 3", out)
	}
}
