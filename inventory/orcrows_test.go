package inventory

import (
	"bytes"
	"strings"
	"testing"
	"time"

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
			p, err := FromReport(t.Context(), nil, newTree(t, "ORC", b.Bytes()).config(), selection(nil), ReportOptions{})
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
