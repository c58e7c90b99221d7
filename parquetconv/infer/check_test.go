package infer

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3compact/s3compact/parquetconv/schema"
	"github.com/s3compact/s3compact/parquetconv/value"
)

func parse(t *testing.T, text string) *schema.Schema {
	t.Helper()
	s, err := schema.Parse([]byte(text), nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return s
}

// TestSuggestedPartitionsWork: each of them can be put in force, and takes all rows.
func TestSuggestedPartitionsWork(t *testing.T) {
	all := corpora()
	all["a column dt"] = sampleOf("dt=2026-01-01/hour=05/a", `{"dt":"2026-01-01","select":"2026-01-01T00:00:00Z","day":1}`+"\n", "dt=2026-01-02/hour=06/a", `{"dt":"2026-01-02"}`+"\n")
	all["awkward"] = sampleOf("x.y-z=a%20b/K=1/a", `{"Event \"Time\"":"2026-01-01T00:00:00Z","k":1}`+"\n")
	all["a key of its own"] = sampleOf("dt=2026-01-01/a", `{"dt":[1]}`+"\n")
	suggested := 0
	for name, s := range all {
		f, _ := commonForm(s)
		in := look(s, f.layout, f.names())
		in.form = f
		var names []string
		for _, p := range in.partitions(in.columns()) {
			names = append(names, p.name)
		}
		suggested += len(names)
		text, err := Schema(s, names)
		if err != nil {
			t.Fatal(err)
		}
		sch, err := schema.Parse(text, names)
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, text)
			continue
		}
		r, err := Check(s, sch)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range r.Rejects {
			if f.Column != "" {
				t.Errorf("%s: %+v\n%s", name, f, text)
			}
		}
		for _, p := range r.Partitions {
			if strings.Count(p.Path, "=") != len(names) || name != "empty" && strings.Contains(p.Path, "__HIVE") && !strings.Contains(string(text), "have none") {
				t.Errorf("%s: the partition %q of %q", name, p.Path, names)
			}
		}
	}
	if suggested < 8 {
		t.Errorf("only %d partitions were suggested", suggested)
	}
}

// TestCheckCounts what a schema does to each row.
func TestCheckCounts(t *testing.T) {
	s := sampleOf("a.json", `{"n":1,"k":"x","d":"2026-01-01"}
{"n":1.5,"k":"y","d":"2026-01-02","f":1}
{"n":"z","k":"y","o":{"p":1,"q":{"r":2}}}
{"k":null}
{"k":"x","n":2}
[1]
`, "b.json", `{"k":"x","n":`)
	s.Texts[1].Cut = true
	s.Texts = append(s.Texts, Text{Source: s.Texts[0].Source, Reason: "not_gzip"})
	r, err := Check(s, parse(t, `
version: 1
columns:
  - {name: n, type: int64}
  - {name: k, type: string, required: true}
  - {name: f, type: string, on_bad: fail}
  - {name: o, type: "struct<q: struct<s: int64>>"}
  - {name: twice, type: int64, expr: "n * 2"}
partitions:
  - {name: d, type: string, expr: "cast(d as string)"}
`))
	if err != nil {
		t.Fatal(err)
	}
	if r.RowsIn != 6 || r.RowsRejected != 2 || len(r.Refused) != 1 || r.Clean() {
		t.Errorf("%+v", r)
	}
	if (&Report{Refused: s.Texts[2:]}).Clean() || (&Report{RowsRejected: 1}).Clean() || !(&Report{Nulls: r.Nulls}).Clean() {
		t.Error("what is not loaded and what becomes null are mixed up")
	}
	var told []string
	for _, f := range append(slices.Clone(r.Rejects), r.Nulls...) {
		told = append(told, fmt.Sprintf("%d %s %q at %d: %s", f.Count, f.Reason, f.Column, f.Offset, f.Text))
	}
	if diff := cmp.Diff([]string{
		`1 missing "k" at 116: {"k":null}`,
		`1 no_object "" at 143: [1]`,
		`2 fraction "n" at 33: {"n":1.5,"k":"y","d":"2026-01-02","f":1}`,
	}, told); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if diff := cmp.Diff([]Unread{{"$.o.p", 1, "1", true}, {"$.o.q.r", 1, "2", true}}, r.Unread); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if diff := cmp.Diff([]PartitionRows{{"d=__HIVE_DEFAULT_PARTITION__", 2}, {"d=2026-01-01", 1}, {"d=2026-01-02", 1}}, r.Partitions); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestCheckWarns of partitions that are too many or too small, of runs that
// would stop, and of a sample without rows.
func TestCheckWarns(t *testing.T) {
	sch := parse(t, "version: 1\ncolumns:\n  - {name: k, type: int64, on_bad: fail}\n  - {name: v, type: string}\npartitions:\n  - {name: k}\n")
	many := sampleOf("a.json", lines(2_001, func(i int) string { return fmt.Sprintf(`{"k":%d,"v":""}`, i) }))
	few := sampleOf("a.json", lines(3, func(i int) string { return fmt.Sprintf(`{"k":%d,"v":""}`, i) }))
	large := sampleOf("a.json", string(few.Texts[0].Bytes))
	large.StoredBytes = 1 << 30
	stops := sampleOf("a.json", `{"k":"x"}`)
	for says, s := range map[string]*Sample{"2,001 partitions": many, "on average": few, "": large, "on_bad: fail": stops, "no row": sampleOf("a.json", " ")} {
		r, err := Check(s, sch)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(r.Warnings, "; "); (says == "") != (got == "") || !strings.Contains(got, says) {
			t.Errorf("warnings %q, want %q", got, says)
		}
	}
}

// TestTimeForms: each is one that a schema takes, and is found in what it writes.
func TestTimeForms(t *testing.T) {
	for i, text := range []string{
		"2026-01-02T03:04:05.5Z", "2026-01-02", "2026-01-02T03:04:05", "2026-01-02 03:04:05.123", "2026-01-02T03:04:05+0100",
		"2026-01-02 03:04:05 +0000", "2026-01-02 03:04:05+01:00", "2026-01-02 03:04:05 UTC", "2026/01/02 03:04:05",
		"02/Jan/2026:03:04:05 +0000", "Fri, 02 Jan 2026 03:04:05 GMT", "20260102T030405Z",
	} {
		f := timeForms[i]
		if _, bad := f.parse([]byte(text)); bad != nil {
			t.Errorf("%q is not read by %q: %v", text, f.layout, bad)
		}
		s := sampleOf("a", fmt.Sprintf("{\"x\":%q}\n", text))
		yaml, err := Schema(s, nil)
		if err != nil {
			t.Fatal(err)
		}
		sch := parse(t, string(yaml))
		if sch.Columns[0].Type != f.typ || f.layout != "" && !strings.Contains(string(yaml), "time: "+yamlText(f.layout)) {
			t.Errorf("%q: %s", text, yaml)
		}
		if f.layout != "" {
			want, err := value.ParseTimeLayout(f.layout)
			if err != nil || sch.Columns[0].Time.Layout != want {
				t.Errorf("%q: %v %+v", f.layout, err, sch.Columns[0].Time)
			}
		}
	}
	if len(timeForms) != 12 {
		t.Errorf("%d forms are not all tried", len(timeForms))
	}
}
