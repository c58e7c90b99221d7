package inventory

import (
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

func batchOf(rows ...row) *batch {
	b := &batch{}
	for _, r := range rows {
		if r.time.IsZero() {
			r.time = time.Unix(0, 0)
		}
		b.keys += r.key
		b.ends = append(b.ends, len(b.keys))
		b.sizes = append(b.sizes, r.size)
		b.modified = append(b.modified, r.time.UnixMicro())
		b.classes = append(b.classes, r.class)
	}
	return b
}

func summed(t *testing.T, sel Selection, rows ...row) *groups {
	t.Helper()
	g := newGroups(sel)
	if err := g.add(batchOf(rows...)); err != nil {
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
			for _, h := range summed(t, selection(tc.change), keys...).hotspots() {
				got = append(got, hot{h.Prefix, h.Objects, h.Bytes})
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("hotspots (-want +got):\n%s", d)
			}
		})
	}

	p := newPlan("bucket", "", Source{}, summed(t, selection(nil), keys...))
	want := Hotspot{
		Type: "hotspot", Prefix: "a/", Objects: 3, Bytes: 110, Outputs: 1, Oldest: day(1), Newest: day(9),
		StorageClasses: map[string]int64{"STANDARD": 2, "GLACIER_IR": 1},
	}
	if d := cmp.Diff(want, p.Hotspots[0]); d != "" {
		t.Errorf("first hotspot (-want +got):\n%s", d)
	}
	totals := Totals{Objects: 10, Bytes: 450 + 64<<20, Groups: 7, Hotspots: 7, HotspotObjects: 9, HotspotBytes: 450, Outputs: 7}
	if d := cmp.Diff(totals, p.Totals); d != "" {
		t.Errorf("totals (-want +got):\n%s", d)
	}
}

func TestGroupsMergeAsIfSummedTogether(t *testing.T) {
	at := func(s int64) time.Time { return time.Unix(s, 0) }
	left := []row{{"a/1", 1, at(5), "STANDARD"}, {"b/1", 64 << 20, at(1), "STANDARD"}, {"c/1", 4, at(9), "GLACIER"}}
	right := []row{{"a/2", 2, at(3), "GLACIER"}, {"a/3", 8, at(7), "STANDARD"}, {"b/2", 16, at(2), "ONEZONE_IA"}, {"d/1", 1 << 30, at(2), ""}}
	sel := selection(nil)
	together := summed(t, sel, append(append([]row{}, left...), right...)...)
	a, b := summed(t, sel, left...), summed(t, sel, right...)
	a.ignored, b.ignored, together.ignored = 2, 3, 5
	if err := a.merge(b); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(planOf(together), planOf(a)); d != "" {
		t.Errorf("merged (-together +merged):\n%s", d)
	}
}

// planOf is the plan of what was summed up, without what differs from run to run.
func planOf(g *groups) *Plan { return timeless(newPlan("bucket", "", Source{}, g)) }

func timeless(p *Plan) *Plan {
	p.ID, p.Created = "", time.Time{}
	return p
}

func TestGroupsRefuseImpossibleRows(t *testing.T) {
	many := make([]row, maxStorageClasses+1)
	for i := range many {
		many[i] = row{key: "a/1", class: strings.Repeat("X", i+1)}
	}
	for _, tc := range []struct {
		name string
		rows []row
		want string
	}{
		{"no key", []row{{key: ""}}, "no object can have them"},
		{"negative size", []row{{key: "a", size: -1}}, "-1 bytes"},
		{"no UTF-8", []row{{key: "a\xff/b"}}, "UTF-8"},
		{"more bytes than can be counted", []row{{key: "a", size: 9e18}, {key: "b/c", size: 9e18}}, "no report of S3"},
		{"many classes", many, "no report of S3"},
		{"class that commands a terminal", []row{{key: "a", class: "\x1b[31m"}}, "no report of S3"},
		{"class with a space", []row{{key: "a", class: "STANDARD=5 X"}}, "no report of S3"},
		{"long class", []row{{key: "a", class: strings.Repeat("X", 65)}}, "no report of S3"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := newGroups(selection(nil)).add(batchOf(tc.rows...))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one that says %q", err, tc.want)
			}
		})
	}
}

// TestGroupsDoNotOverflowWhenMerged has more bytes in two halves than can be counted.
func TestGroupsDoNotOverflowWhenMerged(t *testing.T) {
	a, b := summed(t, selection(nil), row{key: "a", size: 9e18}), summed(t, selection(nil), row{key: "a", size: 9e18})
	if err := a.merge(b); err == nil || !strings.Contains(err.Error(), "no report of S3") {
		t.Errorf("error %v", err)
	}
}

// TestGroupsAllocateNothingForKnownGroups holds the promise that a report of
// many rows costs memory for its groups only.
func TestGroupsAllocateNothingForKnownGroups(t *testing.T) {
	b := batchOf(row{key: "first/prefix/one.json.gz", class: "STANDARD"}, row{key: "second/prefix/two.json.gz", class: "GLACIER"})
	g := newGroups(selection(func(s *Selection) { s.Match = "*.gz" }))
	if err := g.add(b); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { _ = g.add(b) }); n != 0 {
		t.Errorf("%v allocations for rows of known groups", n)
	}
}
