//go:build interop

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/internal/interop"
	"github.com/s3compact/s3compact/internal/receipt"
)

// TestOthersReadOutputsAndReceipts has gzip test every output, and DuckDB count
// the records of the outputs and query the receipts as they lie there.
func TestOthersReadOutputsAndReceipts(t *testing.T) {
	l := newLake(t)
	if r := s3compact("compact", "s3://"+l.bucket+"/", "--yes", "--min-age", "0s"); r.code != exitRefused {
		t.Fatalf("%+v", r)
	}
	dir := t.TempDir()
	outputs := 0
	for key := range l.list() {
		_, _, isOutput := receipt.ParseOutputName(key)
		isReceipt := strings.Contains(key, "/groups/")
		if !isOutput && !isReceipt {
			continue
		}
		body, _, err := l.store.ReadAll(context.Background(), l.bucket, key, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		sub := "receipts"
		if isOutput {
			sub = "outputs"
			outputs++
		}
		file := filepath.Join(dir, sub, strings.ReplaceAll(key, "/", "_"))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, body, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("gzip", "-t", file).CombinedOutput(); err != nil {
			t.Errorf("gzip -t %s: %v: %s", key, err, out)
		}
	}
	if outputs != 3 {
		t.Fatalf("%d outputs, want 3", outputs)
	}
	const query = `
import duckdb, json, sys
folder = sys.argv[1]
db = duckdb.connect()
records = db.sql(f"select count(*) from read_json('{folder}/outputs/*.gz', format='newline_delimited')").fetchall()[0][0]
members, size = db.sql(f"select count(*), sum(size) from read_json('{folder}/receipts/*.gz', format='newline_delimited', union_by_name=true) where type = 'member'").fetchall()[0]
print(json.dumps({"records": records, "members": members, "size": int(size)}))
`
	out := interop.Run(t, interop.Python(t), query, dir)
	var got struct{ Records, Members, Size int64 }
	if err := json.NewDecoder(bytes.NewReader(out)).Decode(&got); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	want := l.truth.Good("")
	few := l.truth.Good("10009/")
	if got.Records != want.Content.Records-few.Content.Records || got.Members != want.Objects-few.Objects || got.Size != want.SizeBytes-few.SizeBytes {
		t.Errorf("DuckDB finds %+v, want %d records of %d members with %d bytes", got, want.Content.Records-few.Content.Records, want.Objects-few.Objects, want.SizeBytes-few.SizeBytes)
	}
}
