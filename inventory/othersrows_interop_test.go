//go:build interop

package inventory

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// rowsForOthers writes rows as JSON into a file, for other people's writers to
// make data files of, and gives the plan of their CSV and what reads the plan of
// such a data file, to be compared with it.
func rowsForOthers(t *testing.T) (file string, want *Plan, read func(t *testing.T, tr *tree) *Plan) {
	t.Helper()
	var objects []object
	for range 200 {
		objects = append(objects, sampleObjects()...)
	}
	var rows []map[string]any
	for _, o := range objects {
		r := map[string]any{"key": o.key, "latest": !o.old, "marker": o.marker, "size": o.size, "modified": o.modified.UnixMilli(), "class": o.class}
		if o.marker || o.noSize {
			r["size"], r["class"] = nil, nil
		}
		rows = append(rows, r)
	}
	b, err := json.Marshal(rows)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "rows.json")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	sel := selection(func(s *Selection) { s.MinObjects = 8 })
	read = func(t *testing.T, tr *tree) *Plan {
		t.Helper()
		p, err := planOfReport(t.Context(), nil, tr.config(), sel, ReportOptions{Concurrency: 2})
		if err != nil {
			t.Fatal(err)
		}
		// The files have columns that the CSV does not have.
		p.Source.Format, p.Source.Report, p.Source.Unreported = "", "", nil
		timeless(&p.PlanHeader)
		return p
	}
	want = read(t, newTree(t, "CSV", csvData(objects)))
	if want.Totals.Objects != 200*45 || want.Source.Ignored != 200*4 || want.Hotspots[0].Newest != time.Date(2026, 10, 3, 12, 29, 0, 123e6, time.UTC) {
		t.Fatalf("plan of the CSV: %+v", want)
	}
	return file, want, read
}
