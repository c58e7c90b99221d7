package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"path"

	"github.com/s3compact/s3compact/internal/buildcache"
)

//go:embed peers/inventory.py
var inventoryProgram string

// inventory is a set of S3 Inventory reports over the same objects: one for
// each order of the rows and compression. The field names are those of
// peers/inventory.py.
type inventory struct {
	name     string
	Rows     int         `json:"rows"`
	Files    int         `json:"files"`     // ORC files in each report
	KeyBytes int         `json:"key_bytes"` // mean length of a key
	Prefixes int         `json:"prefixes"`  // distinct first segments
	Folders  int         `json:"folders"`   // distinct folders; 0: one for each hour and prefix that has an object
	Seed     int         `json:"seed"`
	Variants [][2]string `json:"variants"` // order, compression
}

// size chooses between the inputs that count and small ones that show only
// that everything works.
type size string

const (
	full  size = "full"
	quick size = "quick"
)

// inventoryVersion changes whenever peers/inventory.py makes other reports.
const inventoryVersion = "v1"

var (
	eachVariant = [][2]string{{"sorted", "zlib"}, {"shuffled", "zlib"}, {"sorted", "snappy"}, {"shuffled", "snappy"}}
	inventories = []inventory{
		{name: "k45", Rows: 4_000_000, Files: 1, KeyBytes: 45, Prefixes: 2000, Seed: 45, Variants: eachVariant},
		{name: "k123", Rows: 4_000_000, Files: 1, KeyBytes: 123, Prefixes: 2000, Seed: 123, Variants: eachVariant},
		{name: "large", Rows: 30_000_000, Files: 12, KeyBytes: 45, Prefixes: 1000, Folders: 1_000_000, Seed: 30, Variants: [][2]string{{"shuffled", "zlib"}, {"sorted", "zlib"}}},
	}
)

// tinyInventory is all start-up: what a query takes on it is taken off.
var tinyInventory = inventory{name: "tiny", Rows: 100, Files: 1, KeyBytes: 45, Prefixes: 2, Seed: 1, Variants: [][2]string{{"shuffled", "zlib"}}}

// quickShare is the share of rows, prefixes and folders in the quick size.
const quickShare = 20

// rows is the number of rows of each report.
func (d inventory) rows(s size) int {
	if s == quick {
		return d.Rows / quickShare
	}
	return d.Rows
}

// describe names the reports for people.
func (d inventory) describe(s size) string {
	if d.Folders > 0 {
		return fmt.Sprintf("%.3g M rows, %d files", float64(d.rows(s))/1e6, d.Files)
	}
	return fmt.Sprintf("keys of %d bytes", d.KeyBytes)
}

// make returns the folder of the reports: <order>-<compression>/manifest.json
// for each variant, and the true groups in depth1.tsv and dir.tsv.
func (d inventory) make(ctx context.Context, s size) (string, error) {
	d.Rows = d.rows(s)
	if s == quick {
		d.Prefixes, d.Folders = d.Prefixes/quickShare, d.Folders/quickShare
	}
	python, err := python(ctx)
	if err != nil {
		return "", err
	}
	spec, err := json.Marshal(d)
	if err != nil {
		return "", err
	}
	return buildcache.Make(ctx, path.Join("bench", "inventory-"+inventoryVersion, string(s), d.name), func(ctx context.Context, tmp string) error {
		say("making the reports %s/%s: %d rows each", s, d.name, d.Rows)
		return command(ctx, python, "-c", inventoryProgram, tmp, string(spec))
	})
}
