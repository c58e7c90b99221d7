package inventory

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/s3compact/s3compact/internal/orcwrite"
)

// TestORCReportsOfOtherColumns has reports with fewer columns than S3 offers, in
// another order, and files that are no reports at all.
func TestORCReportsOfOtherColumns(t *testing.T) {
	key := orcwrite.Field{Name: "key", Kind: orcwrite.String}
	size := orcwrite.Field{Name: "size", Kind: orcwrite.Long}
	modified := orcwrite.Field{Name: "last_modified_date", Kind: orcwrite.Timestamp}
	values := func(f orcwrite.Field) orcwrite.Column {
		switch f.Kind {
		case orcwrite.String:
			return orcwrite.Column{Strings: []string{"a/1", "a/2"}}
		case orcwrite.Timestamp:
			return orcwrite.Column{Times: []time.Time{time.Unix(5, 0), time.Unix(6, 0)}}
		case orcwrite.Boolean:
			return orcwrite.Column{Bools: []bool{true, false}}
		}
		return orcwrite.Column{Ints: []int64{7, 8}}
	}
	for _, tc := range []struct {
		name   string
		fields []orcwrite.Field
		change func([]orcwrite.Column)
		want   string // of the error, "" for two objects of 15 bytes
	}{
		{"the least", []orcwrite.Field{key, size, modified}, nil, ""},
		{"another order and spelling", []orcwrite.Field{{Name: "LastModifiedDate", Kind: orcwrite.Timestamp}, {Name: "Size", Kind: orcwrite.Int}, {Name: "KEY", Kind: orcwrite.String}}, nil, ""},
		{"no size", []orcwrite.Field{key, modified}, nil, "the column size is missing (there are: key, last_modified_date)"},
		{"no time", []orcwrite.Field{key, size}, nil, "lastmodifieddate is missing"},
		{"no key", []orcwrite.Field{size, modified}, nil, "the column key is missing"},
		{"key twice", []orcwrite.Field{key, size, modified, {Name: "Key", Kind: orcwrite.String}}, nil, "twice"},
		{"size as text", []orcwrite.Field{key, {Name: "size", Kind: orcwrite.String}, modified}, nil, "column size is of type string, expected bigint"},
		{"time as number", []orcwrite.Field{key, size, {Name: "last_modified_date", Kind: orcwrite.Long}}, nil, "expected timestamp"},
		{"row without a key", []orcwrite.Field{key, size, modified}, func(c []orcwrite.Column) { c[0].Present = []bool{true, false} }, "row 1"},
		{"row without a time", []orcwrite.Field{key, size, modified}, func(c []orcwrite.Column) { c[2].Present = []bool{false, true} }, "row 0"},
		{"negative size", []orcwrite.Field{key, size, modified}, func(c []orcwrite.Column) { c[1].Ints[1] = -8 }, "-8 bytes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var b bytes.Buffer
			w, err := orcwrite.NewWriter(&b, tc.fields, orcwrite.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var columns []orcwrite.Column
			for _, f := range tc.fields {
				columns = append(columns, values(f))
			}
			if tc.change != nil {
				tc.change(columns)
			}
			if err := w.WriteStripe(2, columns); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			p, err := planOfReport(t.Context(), nil, newTree(t, "ORC", b.Bytes()).config(), selection(nil), ReportOptions{})
			switch {
			case tc.want == "" && err != nil:
				t.Error(err)
			case tc.want == "" && (p.Totals.Objects != 2 || p.Totals.Bytes != 15 || len(p.Hotspots[0].StorageClasses) != 0):
				t.Errorf("plan %+v", p)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("error %v, want one that says %q", err, tc.want)
			}
		})
	}
}

// TestKeysAreNotReadWhereStatisticsShowTheirGroup reads sorted and unsorted rows
// in spans: groups by depth are those of the oracle, and where the statistics of
// row groups show them, no key is read.
func TestKeysAreNotReadWhereStatisticsShowTheirGroup(t *testing.T) {
	const rows, stride = 12_000, 500
	random := rand.New(rand.NewPCG(4, 7))
	noise := func() string { return fmt.Sprintf("%016x%016x", random.Uint64(), random.Uint64()) }
	var sorted []object
	for i := range rows {
		o := object{key: fmt.Sprintf("app-%d/%d/%s.gz", i/3100, i/800, noise()), size: int64(i), modified: time.UnixMilli(1790000000000 + int64(i)), class: "STANDARD"}
		if i%97 == 0 {
			o.class = "STANDARD_IA"
		}
		o.noSize = i%501 == 0
		sorted = append(sorted, o)
	}
	slices.SortFunc(sorted, func(a, b object) int { return strings.Compare(a.key, b.key) })
	unsorted := slices.Clone(sorted)
	random.Shuffle(len(unsorted), func(i, j int) { unsorted[i], unsorted[j] = unsorted[j], unsorted[i] })

	for _, tc := range []struct {
		name, by, match string
		objects         []object
		known           bool // the groups of some row groups, and not of all
	}{
		{"sorted", "depth=1", "*", sorted, true},
		{"sorted", "depth=2", "*", sorted, true},
		{"sorted", "depth=3", "*", sorted, false}, // no key has so many segments
		{"sorted", "dir", "*", sorted, false},
		{"sorted", "depth=1", "*.gz", sorted, false},
		{"unsorted", "depth=1", "*", unsorted, false},
	} {
		sel := selection(func(s *Selection) { s.Match = tc.match })
		var err error
		if sel.GroupBy, err = ParseGrouping(tc.by); err != nil {
			t.Fatal(err)
		}
		var all []oracleRow
		for _, o := range tc.objects {
			all = append(all, oracleRow{key: o.key, size: o.size, modified: o.modified.UnixMilli(), words: words{attrClass: o.class}, dead: o.noSize})
		}
		hot, totals, ignored := oracle(sel, reportTime, all)
		header := planOf(summed(t, sel)).PlanHeader
		header.Totals, header.Source.Ignored = totals, ignored
		want := written(t, &Plan{PlanHeader: header, Hotspots: hot})
		b := orcIndexed(t, "bucket", tc.objects, 4000, stride)
		for _, units := range []int{1, 3, 7, 24, 1000} {
			f, err := openORC(bytes.NewReader(b), int64(len(b)), nil, units, false)
			if err != nil {
				t.Fatal(err)
			}
			if n := f.units(); n < min(units, rows/stride) || n > max(3, 2*units) {
				t.Errorf("%d units where %d are wanted", n, units)
			}
			g := newGroups(sel, "bucket", reportTime)
			w := g.worker()
			reader, err := f.reader()
			if err != nil {
				t.Fatal(err)
			}
			var m meter
			var known int
			for unit := range f.units() {
				if err := reader.read(t.Context(), unit, w, &m); err != nil {
					t.Fatal(err)
				}
				known += len(reader.(*orcReader).known)
			}
			if err := w.flush(); err != nil {
				t.Fatal(err)
			}
			if got := written(t, planOf(g).Plan()); got != want {
				t.Errorf("%s, %s, %s, %d units (-oracle +got):\n%.2000s", tc.name, tc.by, tc.match, units, cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")))
			}
			if known > 0 != tc.known || known == rows/stride {
				t.Errorf("%s, %s, %s: the groups of %d of %d row groups are known", tc.name, tc.by, tc.match, known, rows/stride)
			}
			if m.objects != rows || m.bytes == 0 || m.bytes > int64(len(b)) {
				t.Errorf("progress of %d rows and %d bytes, want %d of %d", m.objects, m.bytes, rows, len(b))
			}
		}
	}
}
