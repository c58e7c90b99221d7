//go:build interop

package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/internal/interop"
)

//go:embed testdata/enginefiles.py
var engineFilesProgram string

const wideSchema = `
version: 1
columns:
  - {name: id, type: int64}
  - {name: ts, type: timestamp}
  - {name: word, type: string}
  - {name: note, type: string, bloom: true}
  - {name: long, type: string}
  - {name: price, type: "decimal(12,2)"}
  - {name: wide, type: "decimal(30,2)"}
  - {name: ratio, type: double}
  - {name: born, type: date}
  - {name: flag, type: boolean}
  - {name: tags, type: "list<string>"}
  - {name: geo, type: "struct<at: timestamp>"}
`

// wideRows is enough for several row groups with the least memory, and for many pages each.
const wideRows = 250_000

// newWideTable has one folder with many rows, in the order of id.
func newWideTable(t *testing.T) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "wide")
	r := rand.New(rand.NewPCG(3, 4))
	rows := make([]string, wideRows)
	for i := range rows {
		price := fmt.Sprint(r.IntN(1e6)) + ".25"
		if i%5 == 0 {
			price = "null"
		}
		rows[i] = fmt.Sprintf(`{"id":%d,"ts":"19%02d-01-01T00:00:00.000001Z","word":"w%d","note":"%s","long":"%s%d","price":%s,"wide":-%d.5,"ratio":%v,"born":"20%02d-02-03","flag":%v,"tags":["t%d"],"geo":{"at":"2026-01-01T00:00:00Z"}}`,
			i, r.IntN(100), r.IntN(50), wideNote(i), strings.Repeat("x", 80), i%7, price, r.IntN(1000), r.Float64(), r.IntN(100), i%2 == 0, r.IntN(9))
	}
	convertRows(t, wideSchema, root, rows, "--memory", "64MiB")
	return root
}

// wideNote is a text that no other row has, and that nothing is known of from its neighbours'.
func wideNote(i int) string {
	r := rand.New(rand.NewPCG(uint64(i), 9))
	return fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64())
}

// wideConditions are conditions that statistics, page indexes and bloom filters
// answer in part, with the number of rows that they leave.
func wideConditions() map[string]int {
	at := wideRows / 3
	return map[string]int{
		fmt.Sprintf("id = %d", at):                       1,
		fmt.Sprintf("id BETWEEN %d AND %d", at, at+4999): 5000,
		fmt.Sprintf("id > %d", wideRows):                 0,
		"note = '" + wideNote(at) + "'":                  1,
		"note = '" + wideNote(wideRows) + "'":            0,
		"price IS NULL":                                  wideRows / 5,
		"long = '" + strings.Repeat("x", 80) + "3'":      wideRows / 7,
		"id < 100 AND word >= 'w'":                       100,
	}
}

type engineFileColumn struct {
	Codec, Physical, Logical string
	Encodings                []string
	ColumnIndex, OffsetIndex bool
	Bloom                    bool
	Statistics, Right        bool // least and greatest value; they are those of the rows
	Nulls                    *int
}

// TestFilesAsPyarrowSeesThem: codec, encodings, page index, bloom filters, statistics, row groups and types.
func TestFilesAsPyarrowSeesThem(t *testing.T) {
	python := interop.Python(t)
	root := newWideTable(t)
	probes := struct {
		Column  string   `json:"column"`
		Present []string `json:"present"`
		Absent  []string `json:"absent"`
	}{Column: "note"}
	for i := range 20 {
		probes.Present = append(probes.Present, wideNote(i*wideRows/20))
		probes.Absent = append(probes.Absent, wideNote(wideRows+i))
	}
	argument, err := json.Marshal(probes)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Files [][]struct {
			Rows, Bytes int
			Columns     map[string]engineFileColumn
		}
		PresentExcluded, AbsentExcluded int
	}
	if err := json.Unmarshal(interop.Run(t, python, engineFilesProgram, root, string(argument)), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Files) != 1 {
		t.Errorf("%d files", len(got.Files))
	}
	rows, nulls := 0, 0
	for _, groups := range got.Files {
		for g, group := range groups {
			rows += group.Rows
			t.Logf("row group %d: %d rows, %d bytes", g, group.Rows, group.Bytes)
			if group.Bytes > 128<<20 {
				t.Errorf("row group %d has %d bytes", g, group.Bytes)
			}
			for name, c := range group.Columns {
				checkFileColumn(t, name, c)
			}
			if c := group.Columns["price"]; c.Nulls != nil {
				nulls += *c.Nulls
			}
		}
	}
	if rows != wideRows || nulls != wideRows/5 {
		t.Errorf("%d rows, and %d nulls in price; expected %d and %d", rows, nulls, wideRows, wideRows/5)
	}
	if got.PresentExcluded != 0 || got.AbsentExcluded < len(probes.Absent)*3/4 {
		t.Errorf("the bloom filters exclude %d values that are there, and of %d others %d", got.PresentExcluded, len(probes.Absent), got.AbsentExcluded)
	}
}

func checkFileColumn(t *testing.T, name string, c engineFileColumn) {
	t.Helper()
	if c.Codec != "ZSTD" || !c.OffsetIndex || c.Physical == "INT96" || c.Nulls == nil {
		t.Errorf("%s: %+v", name, c)
	}
	if c.Bloom != (name == "note") {
		t.Errorf("%s has a bloom filter: %v", name, c.Bloom)
	}
	if isDictionary := slices.Contains(c.Encodings, "RLE_DICTIONARY"); (name == "word" || name == "long") && !isDictionary || name == "note" && isDictionary {
		t.Errorf("%s is encoded as %v", name, c.Encodings)
	}
	// Text of more than 64 bytes has no least and greatest value, neither in the footer nor by page.
	if c.Statistics != (name != "long") || c.ColumnIndex != (name != "long") || (c.Statistics && !strings.Contains(name, ".") && !c.Right) {
		t.Errorf("%s has statistics: %v, which are right: %v; by page: %v", name, c.Statistics, c.Right, c.ColumnIndex)
	}
	if name == "ts" || name == "geo.at" {
		if c.Physical != "INT64" || !strings.Contains(c.Logical, "isAdjustedToUTC=true") || !strings.Contains(c.Logical, "timeUnit=microseconds") {
			t.Errorf("%s is %s, %s", name, c.Physical, c.Logical)
		}
	}
	if name == "price" && c.Physical != "INT64" || name == "wide" && c.Physical != "FIXED_LEN_BYTE_ARRAY" {
		t.Errorf("%s is %s", name, c.Physical)
	}
}
