package inventory

import (
	"fmt"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// addGroups adds an object to each of n groups "NNN/…/MMMMMM/", of about 40 bytes.
func addGroups(t *testing.T, w *worker, n, roots int) error {
	t.Helper()
	const perBatch = 1000
	for first := 0; first < n; first += perBatch {
		rows := make([]row, 0, perBatch)
		for i := first; i < min(n, first+perBatch); i++ {
			rows = append(rows, row{key: fmt.Sprintf("%03d/a-name-of-a-folder-in-between/%06d/1.gz", i*roots/n, i), size: 1, class: "STANDARD"})
		}
		if err := w.add(batchOf(t, w, rows...)); err != nil {
			return err
		}
	}
	return w.flush()
}

func TestTooManyGroupsNameWhatWouldFit(t *testing.T) {
	for _, tc := range []struct {
		by       string
		read     int64 // of a report of 100 bytes; 0: of a listing
		roots    int
		want     string
		coarse   int // groups of the grouping that is named, by the 65 % of the rows that are flushed once; 0: none is
		atLeast  float64
		atMostBy float64 // MiB of --memory that is named
	}{
		{"dir", 0, 500, "so far there are", 328, 96, 140},
		{"depth=3", 100, 500, "after 100 % of the report there are", 328, 96, 140},
		{"dir", 25, 500, "after 25 % of the report there are", 4 * 328, 130, 220},
		{"dir", 20, 15_000, "after 20 % of the report there are", 0, 150, 300}, // so many as were seen would fit, but not five times as many
		{"depth=3", 50, 1000000, "after 50 % of the report there are", 0, 110, 180},
	} {
		sel := selection(nil)
		var err error
		if sel.GroupBy, err = ParseGrouping(tc.by); err != nil {
			t.Fatal(err)
		}
		g := newGroups(sel, "bucket", reportTime)
		if n := g.bound(MinMemoryBytes, 8, readerBytes); n != 1 {
			t.Fatalf("%d workers in the least memory, want 1", n)
		}
		if tc.read > 0 {
			g.totalBytes.Store(100)
			g.readBytes.Store(tc.read)
		}
		err = addGroups(t, g.worker(), 100_000, tc.roots)
		if err == nil {
			t.Fatalf("100000 groups fit into %d bytes", g.limitBytes)
		}
		m := regexp.MustCompile(`^(.*) there are ([\d,]+) groups of (\S+), more than fit into the memory: (?:--group-by depth=(\d) would fit, with some ([\d,]+) groups; or )?--memory (\d+)MiB would do, by what was read$`).FindStringSubmatch(err.Error())
		if m == nil || !strings.HasPrefix(err.Error(), tc.want) || m[3] != tc.by {
			t.Errorf("%s: error %v", tc.by, err)
			continue
		}
		number := func(s string) float64 {
			n, err := strconv.ParseFloat(strings.ReplaceAll(s, ",", ""), 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if tc.coarse == 0 {
			if m[4] != "" {
				t.Errorf("%s: depth=%s is said to fit: %v", tc.by, m[4], err)
			}
		} else if got := number(m[5]); m[4] != "2" || got < 0.9*float64(tc.coarse) || got > 1.1*float64(tc.coarse) {
			t.Errorf("%s: %v, want depth=2 and some %d groups", tc.by, err, tc.coarse)
		}
		if memory := number(m[6]); memory < tc.atLeast || memory > tc.atMostBy {
			t.Errorf("%s: %v, want --memory of %v to %v MiB", tc.by, err, tc.atLeast, tc.atMostBy)
		}
		if seen := number(m[2]); seen < 60_000 || seen > 100_000 {
			t.Errorf("%s: %v: %d bytes are spent on %v groups", tc.by, err, g.limitBytes, seen)
		}
	}
}

// TestGroupsTakeWhatTheySay holds the promise of some 200 bytes a group, and the
// count of the memory against that of the runtime.
func TestGroupsTakeWhatTheySay(t *testing.T) {
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	g := newGroups(selection(nil), "bucket", reportTime)
	before := heap()
	if err := addGroups(t, g.worker(), 200_000, 10); err != nil {
		t.Fatal(err)
	}
	taken := heap() - before
	if s := newSurvey("bucket", "", Source{}, g); s.Totals.Groups != 200_000 {
		t.Fatalf("%d groups", s.Totals.Groups)
	}
	each := float64(g.usedBytes.Load()) / 200_000
	if each < float64(8*groupWords) || each > 220 {
		t.Errorf("%.0f bytes a group, want no more than 220", each)
	}
	if counted := g.usedBytes.Load() - 8*200_000; float64(taken) > 1.02*float64(counted)+1<<20 || float64(taken) < 0.9*float64(counted) {
		t.Errorf("the heap has %d bytes more, %d are counted", taken, counted)
	}
}

func TestShareMemory(t *testing.T) {
	for _, tc := range []struct {
		mebibytes int64
		wanted    int
		workers   int
		groups    int64 // MiB, at least
	}{
		{0, 8, 8, 0},
		{512, 1, 1, 420},
		{512, 2, 2, 370},
		{512, 64, 4, 270},
		{96, 2, 1, 7},
		{1, 2, 1, 7}, // less than the least is the least
		{8192, 64, 64, 5040},
	} {
		workers, groups := shareMemory(tc.mebibytes<<20, tc.wanted, readerBytes)
		if workers != tc.workers || groups>>20 < tc.groups || groups>>20 > tc.groups+20 {
			t.Errorf("%d MiB for %d workers: %d workers and %d MiB of groups, want %d and %d", tc.mebibytes, tc.wanted, workers, groups>>20, tc.workers, tc.groups)
		}
	}
}

func TestSampleEstimates(t *testing.T) {
	g := newGroups(selection(nil), "", reportTime)
	for _, n := range []int{0, 1, 1000, 300_000} {
		s := newSample()
		for range 2 { // whatever is seen twice counts once
			for i := range n {
				key := fmt.Appendf(nil, "%d/", i)
				s.add(g.hash64(key, 0, uint32(len(key))), len(key))
			}
		}
		if got := s.groups(); float64(got) < 0.9*float64(n) || float64(got) > 1.1*float64(n) || n <= sampleSize && got != int64(n) {
			t.Errorf("%d of %d different prefixes", got, n)
		}
	}
}
