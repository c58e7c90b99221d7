package inventory

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/s3compact/s3compact/internal/orcwrite"
)

// allColumns are the columns that are read, as ORC and CSV name them, and one
// that nobody knows.
var allColumns = []struct{ orc, csv string }{
	{"bucket", "Bucket"}, {"key", "Key"}, {"is_latest", "IsLatest"}, {"is_delete_marker", "IsDeleteMarker"}, {"size", "Size"},
	{"last_modified_date", "LastModifiedDate"}, {"storage_class", "StorageClass"}, {"intelligent_tiering_access_tier", "IntelligentTieringAccessTier"},
	{"encryption_status", "EncryptionStatus"}, {"checksum_algorithm", "ChecksumAlgorithm"}, {"replication_status", "ReplicationStatus"},
	{"object_lock_mode", "ObjectLockMode"}, {"object_lock_retain_until_date", "ObjectLockRetainUntilDate"},
	{"object_lock_legal_hold_status", "ObjectLockLegalHoldStatus"}, {"column_of_tomorrow", "ColumnOfTomorrow"},
}

// valuesOf are a row's values in allColumns; "" is none.
func valuesOf(r oracleRow, random *rand.Rand) []string {
	v := []string{"source", r.key, "true", "false", fmt.Sprint(r.size), time.UnixMilli(r.modified).UTC().Format("2006-01-02T15:04:05.000Z")}
	switch {
	case !r.dead:
	case random.IntN(2) == 0:
		v[2] = "false"
	default:
		v[3], v[4] = "true", ""
	}
	v = append(v, r.words[:attrLock]...)
	if r.dead && random.IntN(4) == 0 {
		v[6] = "\x01 no class"
	}
	mode, until, hold := "", "", ""
	if r.words[attrLock] != "" {
		switch random.IntN(3) {
		case 0:
			mode, until = "GOVERNANCE", "2027-01-01T00:00:00.000Z"
		case 1:
			until = "2027-01-01T00:00:00.000Z"
		default:
			hold = "On"
		}
	} else if random.IntN(2) == 0 {
		hold = "Off"
	}
	return append(v, mode, until, hold, "x")
}

// orcOf writes rows of values as ORC, nulls for "".
func orcOf(t *testing.T, rows [][]string, stripeRows int) []byte {
	t.Helper()
	kinds := map[string]orcwrite.Kind{
		"is_latest": orcwrite.Boolean, "is_delete_marker": orcwrite.Boolean, "size": orcwrite.Long,
		"last_modified_date": orcwrite.Timestamp, "object_lock_retain_until_date": orcwrite.Timestamp,
	}
	var fields []orcwrite.Field
	for _, c := range allColumns {
		kind, ok := kinds[c.orc]
		if !ok {
			kind = orcwrite.String
		}
		fields = append(fields, orcwrite.Field{Name: c.orc, Kind: kind})
	}
	var out bytes.Buffer
	w, err := orcwrite.NewWriter(&out, fields, orcwrite.Options{Compression: orcwrite.Snappy, RowIndexStride: 300})
	if err != nil {
		t.Fatal(err)
	}
	for len(rows) > 0 {
		n := min(stripeRows, len(rows))
		columns := make([]orcwrite.Column, len(fields))
		for _, r := range rows[:n] {
			for i := range fields {
				c := &columns[i]
				c.Present = append(c.Present, r[i] != "")
				switch fields[i].Kind {
				case orcwrite.Boolean:
					c.Bools = append(c.Bools, r[i] == "true")
				case orcwrite.Long:
					var v int64
					if r[i] != "" {
						if _, err := fmt.Sscan(r[i], &v); err != nil {
							t.Fatal(err)
						}
					}
					c.Ints = append(c.Ints, v)
				case orcwrite.Timestamp:
					at := time.Time{}
					if r[i] != "" {
						if at, err = time.Parse(time.RFC3339Nano, r[i]); err != nil {
							t.Fatal(err)
						}
					}
					c.Times = append(c.Times, at)
				default:
					c.Strings = append(c.Strings, r[i])
				}
			}
		}
		if err := w.WriteStripe(n, columns); err != nil {
			t.Fatal(err)
		}
		rows = rows[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestReportsTellAllAttributes holds plans of ORC and of CSV, of fields in any
// order, against the oracle.
func TestReportsTellAllAttributes(t *testing.T) {
	random := rand.New(rand.NewPCG(6, 1))
	rows := oracleRows(random, 2500)
	var values [][]string
	for i := range rows {
		r := &rows[i]
		if i < 600 { // the first row groups have one value in many columns
			r.words, r.dead = words{"STANDARD", "", "SSE-S3", "", "", ""}, false
		}
		if 600 <= i && i < 900 {
			r.words[attrLock] = lockedWord
		}
		values = append(values, valuesOf(*r, random))
	}
	sel := selection(func(s *Selection) { s.MinObjects = 2 })
	hot, totals, ignored := oracle(sel, reportTime, rows)
	want := &Plan{PlanHeader: planOf(summed(t, sel)).PlanHeader, Hotspots: hot}
	want.Totals, want.Source.Ignored = totals, ignored
	compare := func(name string, tr *tree) {
		t.Helper()
		tr.manifest.CreationTimestamp = fmt.Sprint(reportTime.UnixMilli())
		tr.writeManifest(reportName)
		got, err := SurveyReport(t.Context(), nil, tr.config(), sel, ReportOptions{Concurrency: 2, MemoryBytes: MinMemoryBytes})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		timeless(&got.PlanHeader)
		got.Bucket, got.Source = want.Bucket, Source{Ignored: got.Source.Ignored}
		if d := cmp.Diff(strings.Split(written(t, want), "\n"), strings.Split(written(t, got.Plan()), "\n")); d != "" {
			t.Errorf("%s (-oracle +got):\n%.3000s", name, d)
		}
	}
	compare("ORC", newTree(t, "ORC", orcOf(t, values, 1500)))
	compare("ORC of small stripes", newTree(t, "ORC", orcOf(t, values[:7], 2), orcOf(t, values[7:], 64)))

	order := random.Perm(len(allColumns))
	var text strings.Builder
	var schema []string
	for _, i := range order {
		schema = append(schema, allColumns[i].csv)
	}
	for _, v := range values {
		for n, i := range order {
			field := v[i]
			if allColumns[i].csv == "Key" {
				field = url.QueryEscape(field)
			}
			fmt.Fprintf(&text, `%s"%s"`, map[bool]string{true: ",", false: ""}[n > 0], field)
		}
		text.WriteString("\n")
	}
	tr := newTree(t, "CSV", gzipped([]byte(text.String())))
	tr.manifest.FileSchema = strings.Join(schema, ", ")
	compare("CSV", tr)
}

// TestORCRowsThatStatisticsCouldHide have one bad row among many of one group,
// whose keys need not be read.
func TestORCRowsThatStatisticsCouldHide(t *testing.T) {
	for _, tc := range []struct {
		column int
		value  string
		want   string
	}{
		{0, "other", `row 450 is of the bucket "other"`},
		{1, "", "row 450 has a size but no key or no time"},
		{5, "", "row 450 has a size but no key or no time"},
		{6, "no class", "storage class"},
	} {
		random := rand.New(rand.NewPCG(1, 1))
		var values [][]string
		for i := range 900 {
			r := oracleRow{key: fmt.Sprintf("a/%03d", i), size: 5, modified: reportTime.UnixMilli(), words: words{"STANDARD"}}
			values = append(values, valuesOf(r, random))
		}
		values[450][tc.column] = tc.value
		p, err := SurveyReport(t.Context(), nil, newTree(t, "ORC", orcOf(t, values, 900)).config(), selection(func(s *Selection) { s.GroupBy.Depth = 1 }), ReportOptions{})
		if p != nil || err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s is %q: error %v, want one that says %q", allColumns[tc.column].orc, tc.value, err, tc.want)
		}
	}
}

// TestRowsOfAnotherBucketAreRefused: a data file that belongs to another report.
func TestRowsOfAnotherBucketAreRefused(t *testing.T) {
	objects := sampleObjects()
	for name, tr := range map[string]*tree{
		"ORC":             newTree(t, "ORC", orcData(t, "other", objects, 1000)),
		"ORC, one of two": newTree(t, "ORC", orcData(t, "source", objects[:20], 1000), orcData(t, "other", objects[20:], 1000)),
		"CSV":             newTree(t, "CSV", csvDataOf("other", objects)),
	} {
		p, err := SurveyReport(t.Context(), nil, tr.config(), selection(nil), ReportOptions{Concurrency: 2})
		want := `row 0 is of the bucket "other", but the manifest's sourceBucket is "source"`
		if p != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one that says %q", name, err, want)
		}
	}
}
