package inventory

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func selection(change func(*Selection)) Selection {
	s := Selection{SmallSizeBytes: 64 << 20, MinObjects: 1, Match: "*", TargetSizeBytes: 1 << 30}
	if change != nil {
		change(&s)
	}
	return s
}

type row struct {
	key   string
	size  int64
	time  time.Time
	class string
}

// batchOf makes a batch of rows for a worker.
func batchOf(t testing.TB, w *worker, rows ...row) *batch {
	t.Helper()
	b := &batch{rows: len(rows)}
	var codes, kinds []uint16
	for _, r := range rows {
		if r.time.IsZero() {
			r.time = time.Unix(0, 0)
		}
		b.keys = append(b.keys, r.key...)
		b.ends = append(b.ends, uint32(len(b.keys)))
		b.sizes = append(b.sizes, r.size)
		b.modified = append(b.modified, r.time.UnixMilli())
		code, err := w.code(attrClass, []byte(r.class))
		if err != nil {
			t.Fatal(err)
		}
		codes = append(codes, code)
	}
	if err := w.set(b, attrClass, codes, &kinds); err != nil {
		t.Fatal(err)
	}
	return b
}

// reportTime is when the rows of tests were true.
var reportTime = time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC)

func summed(t testing.TB, sel Selection, rows ...row) *groups {
	t.Helper()
	return summedAt(t, sel, reportTime, rows...)
}

func summedAt(t testing.TB, sel Selection, at time.Time, rows ...row) *groups {
	t.Helper()
	g := newGroups(sel, "bucket", at)
	w := g.worker()
	if err := w.add(batchOf(t, w, rows...)); err != nil {
		t.Fatal(err)
	}
	if err := w.flush(); err != nil {
		t.Fatal(err)
	}
	return g
}

func TestGroupsFindHotspots(t *testing.T) {
	day := func(d int) time.Time { return time.Date(2026, 10, d, 1, 2, 3, 456000000, time.UTC) }
	keys := []row{
		{key: "a/1.gz", size: 10, time: day(2), class: "STANDARD"},
		{key: "a/2.gz", size: 20, time: day(1), class: "GLACIER_IR"},
		{key: "a/b/3.gz", size: 30, time: day(3), class: "STANDARD"},
		{key: "ab/4.gz", size: 40, time: day(4), class: "STANDARD"},
		{key: "a//5.gz", size: 50, time: day(5), class: "STANDARD"},
		{key: "root.gz", size: 60, time: day(6), class: "STANDARD"},
		{key: "ö/日本/6.gz", size: 70, time: day(7), class: "STANDARD"},
		{key: "a/large.gz", size: 64 << 20, time: day(8), class: "STANDARD"},
		{key: "a/other.txt", size: 80, time: day(9), class: "STANDARD"},
		{key: "/lead.gz", size: 90, time: day(10), class: "STANDARD"},
	}
	type hot struct {
		Prefix         string
		Objects, Bytes int64
	}
	for _, tc := range []struct {
		name   string
		change func(*Selection)
		want   []hot
	}{
		{"dir", nil, []hot{{"a/", 3, 110}, {"", 1, 60}, {"/", 1, 90}, {"a//", 1, 50}, {"a/b/", 1, 30}, {"ab/", 1, 40}, {"ö/日本/", 1, 70}}},
		{"match", func(s *Selection) { s.Match = "*.txt" }, []hot{{"a/", 1, 80}}},
		{"match a path", func(s *Selection) { s.Match = "a/**" }, []hot{{"a/", 3, 110}, {"a//", 1, 50}, {"a/b/", 1, 30}}},
		{"at least two", func(s *Selection) { s.MinObjects = 2 }, []hot{{"a/", 3, 110}}},
		{"below a total", func(s *Selection) { s.MaxTotalBytes = 50 }, []hot{{"a/b/", 1, 30}, {"ab/", 1, 40}}},
		{"every size", func(s *Selection) { s.SmallSizeBytes = 0; s.MinObjects = 4 }, []hot{{"a/", 4, 110 + 64<<20}}},
		{"depth 1", func(s *Selection) { s.GroupBy.Depth = 1 }, []hot{{"a/", 5, 190}, {"", 1, 60}, {"/", 1, 90}, {"ab/", 1, 40}, {"ö/", 1, 70}}},
		{"depth 2", func(s *Selection) { s.GroupBy.Depth = 2 },
			[]hot{{"a/", 3, 110}, {"", 1, 60}, {"/", 1, 90}, {"a//", 1, 50}, {"a/b/", 1, 30}, {"ab/", 1, 40}, {"ö/日本/", 1, 70}}},
		{"none", func(s *Selection) { s.MinObjects = 100 }, []hot{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := []hot{}
			for h := range planOf(summed(t, selection(tc.change), keys...)).Hotspots() {
				got = append(got, hot{h.Prefix, h.Objects, h.Bytes})
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("hotspots (-want +got):\n%s", d)
			}
		})
	}

	p := planOf(summed(t, selection(nil), keys...)).Plan()
	want := Hotspot{
		Type: "hotspot", Prefix: "a/", Objects: 3, Bytes: 110, Outputs: 1, Oldest: day(1), Newest: day(9),
		StorageClasses: map[string]int64{"STANDARD": 2, "GLACIER_IR": 1},
		Kinds: []Kind{
			// 90 days but the 18 of its age, 128 KiB each.
			{StorageClass: "GLACIER_IR", Objects: 1, Bytes: 20, ShortBytes: 128<<10 - 20, MinimumKiBDays: (90 - 18) * 128},
			{StorageClass: "STANDARD", Objects: 2, Bytes: 90, ShortBytes: 2*128<<10 - 90},
		},
		AllObjects: 4, AllBytes: 110 + 64<<20, SizeHistogram: [SizeBuckets]int64{1: 3, 10: 1},
	}
	if d := cmp.Diff(want, p.Hotspots[0]); d != "" {
		t.Errorf("first hotspot (-want +got):\n%s", d)
	}
	totals := Totals{Objects: 10, Bytes: 450 + 64<<20, Groups: 7, Hotspots: 7, HotspotObjects: 9, HotspotBytes: 450, Outputs: 7}
	if d := cmp.Diff(totals, p.Totals); d != "" {
		t.Errorf("totals (-want +got):\n%s", d)
	}
}

// planOf is what was summed up, without what differs from run to run.
func planOf(g *groups) *Survey {
	s := newSurvey("bucket", "", Source{}, g)
	timeless(&s.PlanHeader)
	return s
}

// planOfReport is the plan of a report, all in memory.
func planOfReport(ctx context.Context, store Store, location string, sel Selection, o ReportOptions) (*Plan, error) {
	s, err := SurveyReport(ctx, store, location, sel, o)
	if err != nil {
		return nil, err
	}
	return s.Plan(), nil
}

// planOfListing is the plan of a listing, all in memory.
func planOfListing(ctx context.Context, lister Lister, bucket, prefix string, sel Selection, o ListingOptions) (*Plan, error) {
	s, err := SurveyListing(ctx, lister, bucket, prefix, sel, o)
	if err != nil {
		return nil, err
	}
	return s.Plan(), nil
}

func timeless(h *PlanHeader) { h.ID, h.Created = "", time.Time{} }

func TestGroupsRefuseImpossibleRows(t *testing.T) {
	for _, tc := range []struct {
		name string
		rows []row
		want string
	}{
		{"no key", []row{{key: ""}}, "row 0 has an empty key"},
		{"no key behind one of the root", []row{{key: "a"}, {key: ""}}, "row 1 has an empty key"},
		{"no key behind others", []row{{key: "a/1"}, {key: "a/2"}, {key: ""}}, "row 2 has an empty key"},
		{"negative size", []row{{key: "a"}, {key: "a", size: -1}}, "row 1 has a size of -1 bytes"},
		{"no UTF-8", []row{{key: "a\xff/b"}}, "UTF-8"},
		{"long key", []row{{key: strings.Repeat("a/", 513)}}, "at most 1024 bytes"},
		{"time before all dates", []row{{key: "a", time: time.Unix(-1<<40, 0)}}, "row 0 was last modified"},
		{"time after all dates", []row{{key: "a"}, {key: "b", time: time.Unix(1<<40, 0)}}, "row 1 was last modified"},
		{"more bytes than can be counted", []row{{key: "a", size: 9e18}, {key: "b/c", size: 9e18}}, "no report of S3"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newGroups(selection(nil), "bucket", reportTime).worker()
			err := w.add(batchOf(t, w, tc.rows...))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one that says %q", err, tc.want)
			}
		})
	}
}

func TestKindsRefuseImpossibleWords(t *testing.T) {
	k := newKindTable(newKindNumbers())
	for _, word := range []string{"\x1b[31m", "STANDARD=5 X", strings.Repeat("X", 65), "ü"} {
		if _, err := k.code(attrClass, []byte(word)); err == nil || !strings.Contains(err.Error(), "no report of S3") {
			t.Errorf("%.80q: error %v", word, err)
		}
	}
	var err error
	for i := range maxWords + 1 {
		if err != nil {
			t.Fatalf("word %d: %v", i, err)
		}
		_, err = k.code(attrEncryption, fmt.Appendf(nil, "X%d", i))
	}
	if err == nil || !strings.Contains(err.Error(), "encryption status") {
		t.Errorf("more than %d words: error %v", maxWords, err)
	}
}

// TestKindsAreBounded makes more combinations than there can be.
func TestKindsAreBounded(t *testing.T) {
	k := newKindTable(newKindNumbers())
	seen := map[uint16]bool{}
	for i := range 3 * maxKinds {
		var kind uint16
		for a, n := attrClass, i; n > 0; a, n = a+1, n/maxWords {
			code, err := k.code(a, fmt.Appendf(nil, "X%d", n%maxWords))
			if err != nil {
				t.Fatal(err)
			}
			if kind, err = k.with(kind, a, code); err != nil {
				if len(seen) < maxKinds-attributeSlack || !strings.Contains(err.Error(), "no report of S3") {
					t.Errorf("after %d kinds: %v", len(seen), err)
				}
				return
			}
		}
		seen[kind] = true
	}
	t.Error("no error")
}

// attributeSlack are kinds on the way to another that no row has.
const attributeSlack = 200

// TestGroupsDoNotOverflowWhenMerged has more bytes in two halves than can be counted.
func TestGroupsDoNotOverflowWhenMerged(t *testing.T) {
	g := summed(t, selection(nil), row{key: "a", size: 9e18})
	w := g.worker()
	if err := w.add(batchOf(t, w, row{key: "a", size: 9e18})); err != nil {
		t.Fatal(err)
	}
	if err := w.flush(); err == nil || !strings.Contains(err.Error(), "no report of S3") {
		t.Errorf("error %v", err)
	}
}

// TestGroupsAllocateNothingForKnownGroups holds the promise that a report of
// many rows costs memory for its groups only.
func TestGroupsAllocateNothingForKnownGroups(t *testing.T) {
	for _, match := range []string{"*", "*.gz", "*.json.*", "**/p*/*.gz"} {
		w := newGroups(selection(func(s *Selection) { s.Match = match }), "bucket", reportTime).worker()
		b := batchOf(t, w, row{key: "first/prefix/one.json.gz", class: "STANDARD"}, row{key: "second/prefix/two.json.gz", class: "GLACIER"})
		if err := w.add(b); err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { _ = w.add(b) }); n != 0 {
			t.Errorf("%s: %v allocations for rows of known groups", match, n)
		}
	}
}

// TestHistogramsCountPast32Bits has counts that do not fit into the groups: in a
// worker's table, and when two are added up.
func TestHistogramsCountPast32Bits(t *testing.T) {
	g := newGroups(selection(nil), "bucket", reportTime)
	for _, objects := range []uint32{math.MaxUint32, math.MaxUint32 - 2, math.MaxUint32 - 5} {
		w := g.worker()
		b := batchOf(t, w, row{key: "a/1", size: 5000})
		if err := w.add(b); err != nil {
			t.Fatal(err)
		}
		for place := range w.table.all {
			w.table.at(place).sizes[sizeBucket(5000)] = objects
		}
		for range 2 {
			if err := w.add(b); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.flush(); err != nil {
			t.Fatal(err)
		}
	}
	want := int64(3*math.MaxUint32 - 2 - 5 + 6) // 2^32+1, then 2^32-1 makes it 2^33, and so on
	h := planOf(g).Plan().Hotspots[0]
	if h.SizeHistogram != [SizeBuckets]int64{3: want} || h.AllObjects != want {
		t.Errorf("histogram %v of %d objects, want %d", h.SizeHistogram, h.AllObjects, want)
	}
}

// TestSizeBuckets holds the buckets against SizeBounds.
func TestSizeBuckets(t *testing.T) {
	for i, bound := range SizeBounds {
		if below, at := sizeBucket(bound-1), sizeBucket(bound); below != i || at != i+1 {
			t.Errorf("%d bytes are in bucket %d, one less in %d, want %d and %d", bound, at, below, i+1, i)
		}
	}
	if last := sizeBucket(math.MaxInt64); last != SizeBuckets-1 {
		t.Errorf("the largest size is in bucket %d", last)
	}
}

// TestHotspotsOfMoreThan32BitsAreSorted has more objects than the sort's numbers hold.
func TestHotspotsOfMoreThan32BitsAreSorted(t *testing.T) {
	g := summed(t, selection(nil), row{key: "a/1"}, row{key: "b/1"}, row{key: "c/1"}, row{key: "d/1"}, row{key: "e/1"})
	objects := map[string]int64{"a/": math.MaxUint32, "b/": 1 << 40, "c/": 1<<40 + 1, "d/": math.MaxUint32 - 1, "e/": 1 << 40}
	for i := range g.shards {
		s := &g.shards[i]
		for place := range s.all {
			s.at(place).first.objects = objects[string(s.prefix(place))]
		}
	}
	var order string
	for h := range planOf(g).Hotspots() {
		order += h.Prefix
	}
	if order != "c/b/e/a/d/" {
		t.Errorf("order %s", order)
	}
}
