//go:build interop

package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/internal/interop"
)

//go:embed testdata/peers.py
var peersProgram string

// TestHonestPagePeers: the page says of the other engines what they do.
func TestHonestPagePeers(t *testing.T) {
	askHonestly(t, interop.Engines(t), map[string]string{"DuckDB": "duckdb", "chDB": "chdb", "Polars": "polars", "pyarrow": "pyarrow"})
}

func askHonestly(t *testing.T, python string, engines map[string]string) {
	t.Helper()
	dir := t.TempDir()
	cases := honestCases()
	for i, c := range cases {
		folder := filepath.Join(dir, fmt.Sprintf("%02d", i))
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		for name, b := range map[string][]byte{"data.json.gz": c.data, "type": []byte(c.kind)} {
			if err := os.WriteFile(filepath.Join(folder, name), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	page := readHonestPage(t)
	for engine, argument := range engines {
		dec := json.NewDecoder(strings.NewReader(string(interop.Run(t, python, peersProgram, argument, dir))))
		for i, c := range cases {
			var got struct {
				Rows  []any
				Error string
			}
			if err := dec.Decode(&got); err != nil {
				t.Fatalf("%s, %s: %v", engine, c.what, err)
			}
			said := "fails"
			if got.Error == "" {
				var rows []string
				for _, v := range got.Rows {
					rows = append(rows, shownValue(v))
				}
				said = strings.Join(rows, ", ")
			}
			page.expect(t, i, c.what, engine, said)
		}
	}
	page.write(t)
}

// shownValue is a value as the page shows it.
func shownValue(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case float64:
		return fmt.Sprint(int64(v))
	case string:
		return strings.ReplaceAll(v, "\x00", `\x00`)
	}
	return fmt.Sprint(v)
}
