package inventory

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/google/go-cmp/cmp"
)

// oracleRow is a row as the oracle sees it: with strings, and one at a time.
type oracleRow struct {
	key      string
	size     int64
	modified int64 // Unix milliseconds
	words    words
	dead     bool
}

// oracleGroup sums up what oracle was shown of one group.
type oracleGroup struct {
	Hotspot
	kinds map[words]*Kind
}

// oracle sums rows up with maps, as simply as can be. It knows nothing of how
// inventory does it.
func oracle(sel Selection, at time.Time, rows []oracleRow) (hot []Hotspot, t Totals, ignored int64) {
	groups := map[string]*oracleGroup{}
	for _, r := range rows {
		if r.dead {
			ignored++
			continue
		}
		segments := strings.SplitAfter(r.key, "/")
		directories := segments[:len(segments)-1]
		if d := sel.GroupBy.Depth; d > 0 && len(directories) > d {
			directories = directories[:d]
		}
		prefix := strings.Join(directories, "")
		g := groups[prefix]
		if g == nil {
			g = &oracleGroup{kinds: map[words]*Kind{}}
			g.Type, g.Prefix, g.StorageClasses = "hotspot", prefix, map[string]int64{}
			groups[prefix] = g
		}
		t.Objects++
		t.Bytes += r.size
		g.AllObjects++
		g.AllBytes += r.size
		bucket := 0
		for bucket < len(SizeBounds) && r.size >= SizeBounds[bucket] {
			bucket++
		}
		g.SizeHistogram[bucket]++
		name := segments[len(segments)-1]
		if strings.Contains(sel.Match, "/") {
			name = r.key
		}
		if matched, err := doublestar.Match(sel.Match, name); err != nil || sel.Match != "*" && !matched || sel.SmallSizeBytes > 0 && r.size >= sel.SmallSizeBytes {
			continue
		}
		modified := time.UnixMilli(r.modified).UTC()
		if g.Objects == 0 || modified.Before(g.Oldest) {
			g.Oldest = modified
		}
		if g.Objects == 0 || modified.After(g.Newest) {
			g.Newest = modified
		}
		g.Objects++
		g.Bytes += r.size
		for a, m := range []*map[string]int64{&g.StorageClasses, &g.AccessTiers, &g.Encryption, &g.Checksums, &g.Replication} {
			if r.words[a] != "" {
				if *m == nil {
					*m = map[string]int64{}
				}
				(*m)[r.words[a]]++
			}
		}
		k := g.kinds[r.words]
		if k == nil {
			w := r.words
			k = &Kind{StorageClass: w[0], AccessTier: w[1], Encryption: w[2], Checksum: w[3], Replication: w[4], Locked: w[5] != ""}
			g.kinds[r.words] = k
		}
		if k.Locked {
			g.Locked++
		}
		k.Objects++
		k.Bytes += r.size
		billed := r.size
		if billed < 128<<10 {
			k.ShortBytes += 128<<10 - r.size
			billed = 128 << 10
		}
		minimum := map[string]time.Duration{"STANDARD_IA": 30, "ONEZONE_IA": 30, "GLACIER_IR": 90, "GLACIER": 90, "DEEP_ARCHIVE": 180}[r.words[0]]
		for left := minimum*24*time.Hour - max(0, at.Sub(modified)); left > 0; left -= 24 * time.Hour {
			k.MinimumKiBDays += (billed + 1023) / 1024
		}
	}
	for _, g := range groups {
		t.Groups++
		if g.Objects < sel.MinObjects || sel.MaxTotalBytes > 0 && g.Bytes >= sel.MaxTotalBytes {
			continue
		}
		for _, k := range g.kinds {
			g.Kinds = append(g.Kinds, *k)
		}
		slices.SortFunc(g.Kinds, func(a, b Kind) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		g.Outputs = 1
		for n := g.Bytes; n > sel.TargetSizeBytes; n -= sel.TargetSizeBytes {
			g.Outputs++
		}
		t.Hotspots++
		t.HotspotObjects += g.Objects
		t.HotspotBytes += g.Bytes
		t.Outputs += g.Outputs
		hot = append(hot, g.Hotspot)
	}
	slices.SortFunc(hot, func(a, b Hotspot) int {
		if a.Objects != b.Objects {
			return int(b.Objects - a.Objects)
		}
		return strings.Compare(a.Prefix, b.Prefix)
	})
	return hot, t, ignored
}

// oracleRows make rows of many shapes: few and many groups, long and short
// segments, in runs and in none.
func oracleRows(random *rand.Rand, n int) []oracleRow {
	pick := func(s ...string) string { return s[random.IntN(len(s))] }
	segment := func() string {
		switch random.IntN(8) {
		case 0:
			return ""
		case 1:
			return pick("日本", "ü", "a+b %", "\x00", "/")
		case 2:
			return strings.Repeat(pick("x", "y"), 1+random.IntN(40))
		default:
			return fmt.Sprintf("%c%d", 'a'+rune(random.IntN(3)), random.IntN(12))
		}
	}
	at := reportTime.UnixMilli()
	var rows []oracleRow
	for len(rows) < n {
		var prefix string
		for range random.IntN(5) {
			prefix += segment() + "/"
		}
		quiet := len(rows)/700%2 == 0 // nothing is dead here
		w := words{pick("STANDARD", "STANDARD", "STANDARD_IA", "GLACIER_IR", "DEEP_ARCHIVE", ""), pick("", "", "FREQUENT"), pick("SSE-S3", "SSE-KMS"), pick("CRC32", ""), pick("", "COMPLETED"), pick("", "", "", lockedWord)}
		for range 1 + random.IntN(1+random.IntN(30)) {
			r := oracleRow{
				key: prefix + segment() + pick("1.gz", ".json.gz", "x", "", "0"), size: random.Int64N(1 << (1 + random.IntN(32))), words: w,
				modified: at - random.Int64N(200*24*3600*1000) + 3*24*3600*1000, dead: !quiet && random.IntN(20) == 0,
			}
			if random.IntN(10) == 0 {
				r.size = 0
			}
			switch random.IntN(10) {
			case 0:
				r.words[0] = pick("STANDARD", "GLACIER")
			case 1:
				r.words = words{}
			}
			if r.key != "" {
				rows = append(rows, r)
			}
		}
	}
	return rows[:n]
}

// addRows hands rows to a worker in batches of any size. Where all keys of one are of
// one group, and all match, it may say only that.
func addRows(t testing.TB, w *worker, random *rand.Rand, rows []oracleRow) {
	t.Helper()
	for len(rows) > 0 {
		n := min(len(rows), 1+random.IntN(600))
		b := &batch{rows: n, keys: []byte("before"), start: 6}
		known, whole := w.match.all && w.by.Depth > 0, rows[0].key
		var codes [attributes][]uint16
		live := make([]bool, n)
		for i, r := range rows[:n] {
			b.keys = append(b.keys, r.key...)
			b.ends = append(b.ends, uint32(len(b.keys)))
			b.sizes = append(b.sizes, r.size)
			b.modified = append(b.modified, r.modified)
			live[i] = !r.dead
			if r.dead && random.IntN(2) == 0 { // of which nothing is looked at
				b.sizes[i], b.modified[i] = -1, 1<<62
			}
			for a, word := range r.words {
				code, err := w.code(attribute(a), []byte(word))
				if err != nil {
					t.Fatal(err)
				}
				codes[a] = append(codes[a], code)
			}
			if g := w.by.Group(r.key); strings.Count(g, "/") != w.by.Depth || g != w.by.Group(whole) {
				known = false
			}
		}
		if slices.Contains(live, false) {
			b.live = live
		}
		var kinds []uint16
		for a, c := range codes {
			if err := w.set(b, attribute(a), c, &kinds); err != nil {
				t.Fatal(err)
			}
		}
		if known && random.IntN(2) == 0 {
			b.known, b.prefix, b.keys, b.ends, b.start = true, []byte(w.by.Group(whole)), nil, nil, 0
		}
		if err := w.add(b); err != nil {
			t.Fatal(err)
		}
		rows = rows[n:]
	}
}

// TestSumsEqualTheOracle sums random rows up with any number of workers, flushed
// often or seldom: every plan has the same bytes, those of the oracle's.
func TestSumsEqualTheOracle(t *testing.T) {
	random := rand.New(rand.NewPCG(30, 1))
	rows := oracleRows(random, 6000)
	for _, tc := range []struct {
		by, match string
		change    func(*Selection)
	}{
		{"dir", "*", nil},
		{"dir", "*.gz", func(s *Selection) { s.MinObjects = 3 }},
		{"dir", "*.{gz,x}", func(s *Selection) { s.SmallSizeBytes = 4096 }},
		{"dir", "**/*.json.gz", func(s *Selection) { s.SmallSizeBytes = 0; s.MaxTotalBytes = 1 << 30 }},
		{"depth=1", "*", func(s *Selection) { s.SmallSizeBytes = 0; s.MinObjects = 8; s.MaxTotalBytes = 1 << 40 }},
		{"depth=1", "a*/**", nil},
		{"depth=2", "*", nil},
		{"depth=3", "[1.]*gz", func(s *Selection) { s.SmallSizeBytes = 1 << 20; s.TargetSizeBytes = 5 << 20 }},
		{"depth=4", "*", func(s *Selection) { s.MinObjects = 2 }},
		{"depth=9", "*", nil},
	} {
		sel := selection(tc.change)
		sel.Match = tc.match
		var err error
		if sel.GroupBy, err = ParseGrouping(tc.by); err != nil {
			t.Fatal(err)
		}
		hot, totals, ignored := oracle(sel, reportTime, rows)
		header := planOf(summed(t, sel)).PlanHeader
		header.Totals, header.Source.Ignored = totals, ignored
		want := written(t, &Plan{PlanHeader: header, Hotspots: hot})
		if len(hot) < 3 {
			t.Errorf("%s %s: only %d hotspots", tc.by, tc.match, len(hot))
		}
		for workers := 1; workers <= 8; workers++ {
			g := newGroups(sel, "bucket", reportTime)
			var wg sync.WaitGroup
			for i := range workers {
				share := rows[len(rows)*i/workers : len(rows)*(i+1)/workers]
				own := rand.New(rand.NewPCG(random.Uint64(), 2))
				wg.Go(func() {
					w := g.worker()
					if workers%2 == 0 {
						w.limit = runsAtOnce + own.IntN(100)
					}
					addRows(t, w, own, share)
					if err := w.flush(); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			var got bytes.Buffer
			if err := planOf(g).Plan().Write(&got); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(strings.Split(want, "\n"), strings.Split(got.String(), "\n")); d != "" {
				t.Fatalf("%s %s, %d workers (-oracle +got):\n%.3000s", tc.by, tc.match, workers, d)
			}
		}
	}
}

// TestSurveysShowAllGroups compares the groups, hot or not, with a selection for
// which all are hot.
func TestSurveysShowAllGroups(t *testing.T) {
	rows := oracleRows(rand.New(rand.NewPCG(31, 1)), 3000)
	collect := func(sel Selection) (all []string) {
		g := newGroups(sel, "bucket", reportTime)
		w := g.worker()
		addRows(t, w, rand.New(rand.NewPCG(1, 1)), rows)
		if err := w.flush(); err != nil {
			t.Fatal(err)
		}
		for h := range planOf(g).Groups() {
			all = append(all, fmt.Sprintf("%s %d %d %d", h.Prefix, h.Objects, h.Bytes, h.AllObjects))
		}
		slices.Sort(all)
		return all
	}
	all, none := collect(selection(nil)), collect(selection(func(s *Selection) { s.MinObjects = 1 << 40 }))
	if d := cmp.Diff(all, none); d != "" || len(all) < 100 {
		t.Errorf("%d groups (-all hot +none hot):\n%s", len(all), d)
	}
}
