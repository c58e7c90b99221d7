package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestConvertTellsRejectsByReason: in both forms of the output.
func TestConvertTellsRejectsByReason(t *testing.T) {
	source := filepath.Join(t.TempDir(), "a.json.gz")
	if err := os.WriteFile(source, zip(`{"id":1,"v":"x"}`+"\n"+`{"id":"x"}`+"\n"+`{"id":2,"id":3}`+"\n{bad\n{worse\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	schema := schemaFile(t, "version: 1\ncolumns: [{name: id, type: int64, on_bad: reject}, {name: v, type: int32}]\n")
	r := s3compact("convert", "--to", t.TempDir(), "--schema", schema, source)
	for _, want := range []string{"rows rejected: invalid_json 2, duplicate_name 1, type 1\n", "can't hold them: v 1\n"} {
		if r.code != 3 || !strings.Contains(r.stdout, want) {
			t.Errorf("exit %d, expected %q in\n%s", r.code, want, r.stdout)
		}
	}
	r = s3compact("convert", "--to", t.TempDir(), "--schema", schema, "--output", "json", source)
	var sum struct {
		Rejects map[string]int64
		Null    map[string]int64 `json:"values_null"`
	}
	if err := json.NewDecoder(bytes.NewReader([]byte(r.stdout))).Decode(&sum); err != nil || sum.Rejects["invalid_json"] != 2 || len(sum.Rejects) != 3 || sum.Null["v"] != 1 {
		t.Errorf("%+v, %v\n%s", sum, err, r.stdout)
	}
}
