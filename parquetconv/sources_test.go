package parquetconv

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/s3compact/s3compact/internal/s3store"
)

// corpus is a set of sources and what is known of the rows in them.
type corpus struct {
	store   *fakeStore
	rng     *rand.Rand
	next    int                 // id
	rows    map[string][]string // by key, as the table shows them
	rejects map[string][]string // by key: offset and reason
}

func newCorpus() *corpus {
	return &corpus{store: newFakeStore(), rng: rand.New(rand.NewPCG(5, 6)), rows: map[string][]string{}, rejects: map[string][]string{}}
}

// text makes lines for a source: rows, several on a line too, bad ones, blank
// lines, and a last line that may have no end.
func (c *corpus) text(key string, lines int) string {
	var b strings.Builder
	row := func() {
		id := c.next
		c.next++
		day := id%3 + 1
		pad := strings.Repeat("é", c.rng.IntN(20))
		fmt.Fprintf(&b, `{"id":%d,"time":"2026-01-%02dT01:02:03Z","name":"n%d%s"}`, id, day, id, pad)
		c.rows[key] = append(c.rows[key], fmt.Sprintf("dt=2026-01-%02d id=%d name=n%d%s", day, id, id, pad))
	}
	for range lines {
		switch c.rng.IntN(12) {
		case 0:
			b.WriteString("  \r\n")
			continue
		case 1:
			row()
			b.WriteString(" ")
			row()
		case 2:
			c.rejects[key] = append(c.rejects[key], fmt.Sprintf("%d invalid_json", b.Len()))
			b.WriteString(`{"id":1,"name":"cut`)
		case 3:
			c.rejects[key] = append(c.rejects[key], fmt.Sprintf("%d missing", b.Len()))
			b.WriteString(`{"name":"no id"}`)
		default:
			row()
		}
		b.WriteString("\n")
	}
	if c.rng.IntN(2) == 0 {
		row()
	}
	return b.String()
}

func (c *corpus) put(key string, body []byte) { c.store.objects["data/"+key] = body }

// members compresses text into members that end at the cuts.
func members(t testing.TB, text string, cuts ...int) (body []byte) {
	t.Helper()
	from := 0
	for _, to := range append(slices.Clone(cuts), len(text)) {
		body = append(body, gz(t, text[from:to])...)
		from = to
	}
	return body
}

// randomMembers cuts text into members of up to n bytes.
func (c *corpus) randomMembers(t testing.TB, text string, n int) []byte {
	var cuts []int
	for at := c.rng.IntN(n); at < len(text); at += c.rng.IntN(n) {
		cuts = append(cuts, at)
	}
	return members(t, text, cuts...)
}

// check compares the table, its order, the inputs and the rejects with what is
// known. Of the sources in broken nothing may be loaded.
func (c *corpus) check(t *testing.T, broken ...string) {
	t.Helper()
	c.checkRows(t, true, broken)
}

func (c *corpus) checkRows(t *testing.T, inOrder bool, broken []string) {
	t.Helper()
	var want, wantRejects []string
	counts := map[string]int64{}
	for key, rows := range c.rows {
		if slices.Contains(broken, key) {
			continue
		}
		want = append(want, rows...)
		counts[key] = int64(len(rows) + len(c.rejects[key]))
		for _, r := range c.rejects[key] {
			wantRejects = append(wantRejects, key+" "+r)
		}
	}
	sameRows(t, c.store, want)
	var rejects []string
	for key, body := range c.store.objects {
		if strings.Contains(key, "/rejects/") {
			rejects = append(rejects, readRejects(t, body)...)
		}
		if inOrder && strings.HasSuffix(key, ".parquet") {
			last := -1
			for _, row := range parquetRows(t, body) {
				var id int
				if _, err := fmt.Sscanf(row, "id=%d", &id); err != nil || id <= last {
					t.Fatalf("%s: %q comes behind id %d", key, row, last)
				}
				last = id
			}
		}
	}
	sameLines(t, "rejects", rejects, wantRejects)
	for _, in := range c.inputs(t) {
		if in.Rows != counts[in.Key] {
			t.Errorf("input %s has %d rows, want %d", in.Key, in.Rows, counts[in.Key])
		}
		delete(counts, in.Key)
	}
	if len(counts) != 0 {
		t.Errorf("no inputs %v", counts)
	}
}

// sameLines compares two lists whose order does not matter.
func sameLines(t testing.TB, what string, got, want []string) {
	t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	if slices.Equal(got, want) {
		return
	}
	at := 0
	for at < len(got) && at < len(want) && got[at] == want[at] {
		at++
	}
	t.Fatalf("%s: %d, want %d; the first that differ are %q, want %q", what, len(got), len(want), got[at:min(len(got), at+2)], want[at:min(len(want), at+2)])
}

func readRejects(t *testing.T, body []byte) (lines []string) {
	t.Helper()
	zr, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for dec := json.NewDecoder(zr); ; {
		var r rejectLine
		if err := dec.Decode(&r); err == io.EOF {
			return lines
		} else if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%s %d %s", r.Key, r.Offset, r.Reason))
	}
}

func (c *corpus) inputs(t *testing.T) (all []Input) {
	t.Helper()
	o := testOptions(t, c.store)
	r := &run{Options: o, place: place{store: c.store, bucket: o.State.Bucket, prefix: o.State.Key}}
	heads, err := r.heads(context.Background(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for b, h := range heads {
		commit, err := r.readCommit(context.Background(), b, h.attempt)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, commit.Inputs...)
	}
	return all
}

// clean forgets the table and its state.
func (c *corpus) clean() {
	for key := range c.store.objects {
		if strings.HasPrefix(key, "tables/") {
			delete(c.store.objects, key)
		}
	}
}

// tunings are sizes of the buffers, by what they bring about.
var tunings = map[string]func(*budget){
	"as they are": func(*budget) {},
	"everything is big, segments of a few members": func(b *budget) {
		b.wholeBytes, b.segmentBytes, b.chunkText = 100, 1500, 700
	},
	"segments shorter than a member": func(b *budget) { b.wholeBytes, b.segmentBytes, b.chunkText = 100, 64, 33 },
	"members that are too long":      func(b *budget) { b.wholeBytes, b.segmentText, b.chunkText = 100, 300, 50 },
	"small ones that are too long":   func(b *budget) { b.wholeText, b.chunkText = 300, 100 },
	"small blocks, few at a time": func(b *budget) {
		b.wholeBytes, b.taskBytes, b.blockBytes, b.segmentBytes = 2500, 5000, 400, 4000
	},
	"one task": func(b *budget) { b.scans, b.tasks, b.wholeBytes, b.segmentBytes, b.chunkText = 1, 1, 1000, 800, 300 },
}

// mixed is a corpus of small and big sources of every kind; inside are keys
// that could be joined.
func mixed(t *testing.T) (c *corpus, inside []string) {
	c = newCorpus()
	for i := range 12 {
		key := fmt.Sprintf("src/%02d-small.json.gz", i)
		c.put(key, gz(t, c.text(key, c.rng.IntN(20))))
	}
	for i := 12; i < 30; i++ {
		key := fmt.Sprintf("src/%02d-in.json.gz", i)
		lines := 15
		if i%6 == 0 {
			lines = 300
		}
		c.put(key, c.randomMembers(t, c.text(key, lines), 3000))
		inside = append(inside, key)
	}
	for i := 30; i < 42; i++ {
		key := fmt.Sprintf("src/%02d-big.json.gz", i)
		text := c.text(key, 400)
		switch i % 4 {
		case 0:
			c.put(key, gz(t, text))
		case 1: // many small members, not cut at line ends
			c.put(key, c.randomMembers(t, text, 500))
		case 2:
			c.put(key, c.randomMembers(t, text, 20_000))
		case 3: // magic numbers that begin no member
			name := `{"name":"` + strings.Repeat("x", 100) + "\x8b"
			c.rejects[key] = append(c.rejects[key], fmt.Sprintf("%d invalid_utf8", len(text)+1))
			text += "\n" + name
			var b bytes.Buffer
			w, err := gzip.NewWriterLevel(&b, gzip.NoCompression)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = w.Write([]byte(text + "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03" + strings.Repeat("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff", 300)))
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			c.put(key, append(b.Bytes(), gz(t, "")...))
		}
	}
	key := "src/50-plain.ndjson"
	c.put(key, []byte(c.text(key, 500)))
	key = "src/51-plain.ndjson"
	c.put(key, []byte("\xef\xbb\xbf"+c.text(key, 3)))
	for i, r := range c.rejects[key] {
		var at int
		var reason string
		_, _ = fmt.Sscanf(r, "%d %s", &at, &reason)
		c.rejects[key][i] = fmt.Sprintf("%d %s", at+3, reason)
	}
	return c, inside
}

func TestSourcesOfAllKindsLoadOnce(t *testing.T) {
	c, inside := mixed(t)
	run := func(t *testing.T, inOrder bool) {
		for name, tune := range tunings {
			for _, batchBytes := range []int64{1, 20_000, 1 << 30} {
				t.Run(fmt.Sprintf("%s, batches of %d", name, batchBytes), func(t *testing.T) {
					c.clean()
					o := testOptions(t, c.store)
					o.BatchBytes, o.tuneBudget = batchBytes, tune
					o.Refused = func(r Refusal) { t.Errorf("refused %+v", r) }
					sum := mustRun(t, o)
					if sum.Sources != int64(len(c.rows)) {
						t.Errorf("%d sources, want %d", sum.Sources, len(c.rows))
					}
					c.checkRows(t, inOrder, nil)
				})
			}
		}
	}
	t.Run("as they are", func(t *testing.T) { run(t, true) })
	g := compactGroup(t, c.store, "src/")
	g.join("src/", inside...)
	g.remove(inside...)
	t.Run("compacted", func(t *testing.T) { run(t, false) })
}

// TestRowsCutAtEveryOffset: members and pieces may end anywhere in a row.
func TestRowsCutAtEveryOffset(t *testing.T) {
	text := "{\"id\":%d1,\"time\":\"2026-01-01T01:02:03Z\",\"name\":\"é\\n\"}\r\n\n{\"id\":%d2}{\"id\":%d3}\n{\"bad\n{\"id\":%d4}"
	for name, tune := range map[string]func(*budget){
		"segments of members":     func(b *budget) { b.wholeBytes, b.segmentBytes = 1, 150 },
		"members one by one":      func(b *budget) { b.wholeBytes, b.segmentBytes, b.chunkText = 1, 16, 1<<20 },
		"a byte at a time":        func(b *budget) { b.wholeBytes, b.segmentBytes, b.chunkText = 1, 16, 1 },
		"pieces of seven":         func(b *budget) { b.wholeBytes, b.segmentText, b.chunkText = 1, 1, 7 },
		"a task of many, in full": func(b *budget) {},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCorpus()
			for cut := range len(text) {
				key := fmt.Sprintf("src/%03d.json.gz", cut)
				n := cut + 1000 // all ids are as long
				text := fmt.Sprintf(strings.ReplaceAll(text, "%d", "%[1]d"), n)
				c.put(key, members(t, text, cut, min(cut+9, len(text))))
				c.rows[key] = []string{
					fmt.Sprintf("dt=2026-01-01 id=%d1 name=é\n", n), fmt.Sprintf("dt=__HIVE_DEFAULT_PARTITION__ id=%d2 name=(null)", n),
					fmt.Sprintf("dt=__HIVE_DEFAULT_PARTITION__ id=%d3 name=(null)", n), fmt.Sprintf("dt=__HIVE_DEFAULT_PARTITION__ id=%d4 name=(null)", n),
				}
				c.rejects[key] = []string{fmt.Sprintf("%d invalid_json", strings.Index(text, `{"bad`))}
			}
			o := testOptions(t, c.store)
			o.BatchBytes, o.tuneBudget = 1<<30, tune
			mustRun(t, o)
			c.check(t)
		})
	}
}

// damages are ways in which a gzip object can be broken.
var damages = map[string]func(rng *rand.Rand, b []byte, starts []int) []byte{
	"cut": func(rng *rand.Rand, b []byte, _ []int) []byte { return b[:len(b)-1-rng.IntN(len(b)/2)] },
	"flipped": func(rng *rand.Rand, b []byte, _ []int) []byte {
		b[20+rng.IntN(len(b)-20)] ^= 1 << rng.IntN(8)
		return b
	},
	"crc of the first":  func(_ *rand.Rand, b []byte, starts []int) []byte { b[starts[1]-6] ^= 1; return b },
	"crc in the middle": func(_ *rand.Rand, b []byte, starts []int) []byte { b[starts[len(starts)/2]-6] ^= 1; return b },
	"crc of the last":   func(_ *rand.Rand, b []byte, _ []int) []byte { b[len(b)-6] ^= 1; return b },
	"length":            func(_ *rand.Rand, b []byte, starts []int) []byte { b[starts[2]-1] ^= 1; return b },
	"garbage behind":    func(_ *rand.Rand, b []byte, _ []int) []byte { return append(b, "garbage"...) },
}

// TestBrokenSourcesLoadNoRow: whatever is broken where, no row of that source is loaded, all of the others are, and a
// batch is begun anew at most once.
func TestBrokenSourcesLoadNoRow(t *testing.T) {
	for tuning, tune := range tunings {
		t.Run(tuning, func(t *testing.T) {
			c := newCorpus()
			var broken []string
			put := func(key string, damage func(*rand.Rand, []byte, []int) []byte) {
				text := c.text(key, 300)
				var body []byte
				var starts []int
				for from := 0; from < len(text); from += 2000 {
					starts = append(starts, len(body))
					body = append(body, gz(t, text[from:min(len(text), from+2000)])...)
				}
				if damage != nil {
					whole := slices.Clone(body)
					if body = damage(c.rng, body, starts); slices.ContainsFunc(starts, func(at int) bool { return at == len(body) }) {
						body = body[:len(body)-1] // whole members are a sound object
					}
					if proof := proveAll(body); proof == nil {
						body = whole // a bit of padding or of a header that nobody looks at
					} else {
						broken = append(broken, key)
					}
				}
				c.put(key, body)
			}
			i := 0
			for range 3 {
				for _, kind := range sortedNames(damages) {
					put(fmt.Sprintf("src/%02d-sound.json.gz", i), nil)
					put(fmt.Sprintf("src/%02d-%s.json.gz", i+1, kind), damages[kind])
					i += 2
				}
			}
			gets := &countingGets{fakeStore: c.store, gets: map[string]int{}}
			o := testOptions(t, gets)
			o.BatchBytes, o.tuneBudget = 1<<30, tune
			var refused []string
			o.Refused = func(r Refusal) { refused = append(refused, r.Key) }
			progress := &counted{}
			o.Progress = progress
			sum := mustRun(t, o)
			if !slices.Equal(refused, broken) || sum.Batches != 1 {
				t.Errorf("refused %q, want %q", refused, broken)
			}
			c.check(t, broken...)
			if progress.objects != int64(i) {
				t.Errorf("the progress counts %d objects, want %d", progress.objects, i)
			}
			for key, n := range gets.gets {
				if n > 3 { // as it came; proven; loaded
					t.Errorf("%s was read %d times", key, n)
				}
			}
		})
	}
}

func proveAll(body []byte) error {
	zr, err := gzip.NewReader(bytes.NewReader(body))
	if err == nil {
		_, err = io.Copy(io.Discard, zr)
	}
	return err
}

func sortedNames[V any](m map[string]V) (names []string) {
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// countingGets counts how often each source is read.
type countingGets struct {
	*fakeStore
	mu   sync.Mutex
	gets map[string]int
}

func (s *countingGets) Get(ctx context.Context, bucket, key string, o s3store.GetOptions) (io.ReadCloser, s3store.Info, error) {
	if bucket == "data" {
		s.mu.Lock()
		s.gets[key]++
		s.mu.Unlock()
	}
	return s.fakeStore.Get(ctx, bucket, key, o)
}

type counted struct{ objects int64 }

func (c *counted) Total(int64, int64)   {}
func (c *counted) Add(objects, _ int64) { c.objects += objects }

// TestSoundSourcesAreReadOnce: big or small.
func TestSoundSourcesAreReadOnce(t *testing.T) {
	c, _ := mixed(t)
	for name, tune := range tunings {
		t.Run(name, func(t *testing.T) {
			c.clean()
			gets := &countingGets{fakeStore: c.store, gets: map[string]int{}}
			o := testOptions(t, gets)
			o.BatchBytes, o.tuneBudget = 1<<30, tune
			mustRun(t, o)
			for key := range c.rows {
				if gets.gets[key] != 1 {
					t.Errorf("%s was read %d times", key, gets.gets[key])
				}
			}
		})
	}
}

// TestALongLine: a line of many rows, longer than any buffer, and a row that is too long.
func TestALongLine(t *testing.T) {
	c := newCorpus()
	key := "src/long.json.gz"
	var b strings.Builder
	for i := range 600_000 {
		fmt.Fprintf(&b, `{"id":%d}`, i)
		c.rows[key] = append(c.rows[key], fmt.Sprintf("dt=__HIVE_DEFAULT_PARTITION__ id=%d name=(null)", i))
	}
	for len(b.String()) < 3*maxCarryBytes {
		b.WriteString(strings.Repeat(" ", 1<<20))
	}
	b.WriteString("{\"id\":600000}\n")
	c.rows[key] = append(c.rows[key], "dt=__HIVE_DEFAULT_PARTITION__ id=600000 name=(null)")
	c.rejects[key] = []string{fmt.Sprintf("%d too_long", b.Len())}
	fmt.Fprintf(&b, "{\"id\":1,\"name\":\"%s\"}\n{\"id\":600001}\n", strings.Repeat("x", 3*maxCarryBytes))
	c.rows[key] = append(c.rows[key], "dt=__HIVE_DEFAULT_PARTITION__ id=600001 name=(null)")
	c.put(key, gz(t, b.String()))
	o := testOptions(t, c.store)
	o.BatchBytes = 1 << 30
	o.tuneBudget = func(b *budget) { b.wholeBytes = 1 }
	mustRun(t, o)
	c.check(t)
}

// stuck is a store whose sources stop coming half-way, which stops the run.
type stuck struct {
	*fakeStore
	stop func()
}

func (s stuck) Get(ctx context.Context, bucket, key string, o s3store.GetOptions) (io.ReadCloser, s3store.Info, error) {
	body, info, err := s.fakeStore.Get(ctx, bucket, key, o)
	if bucket != "data" || err != nil {
		return body, info, err
	}
	return io.NopCloser(&stuckBody{ctx: ctx, r: io.LimitReader(body, info.SizeBytes/2), stop: s.stop}), info, nil
}

type stuckBody struct {
	ctx  context.Context
	r    io.Reader
	stop func()
}

func (b *stuckBody) Read(p []byte) (int, error) {
	n, err := b.r.Read(p[:min(len(p), 1000)])
	if err == io.EOF {
		b.stop()
		<-b.ctx.Done()
		return 0, b.ctx.Err()
	}
	return n, err
}

// TestAStoppedRunLeavesNothingRunning, wherever its sources are.
func TestAStoppedRunLeavesNothingRunning(t *testing.T) {
	c, _ := mixed(t)
	before := runtime.NumGoroutine()
	for name, tune := range tunings {
		c.clean()
		ctx, cancel := context.WithCancel(context.Background())
		o := testOptions(t, stuck{c.store, cancel})
		o.BatchBytes, o.tuneBudget = 1<<30, tune
		if _, err := Run(ctx, o); err == nil {
			t.Errorf("%s: the run did not stop", name)
		}
	}
	for range 500 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	stacks := make([]byte, 1<<20)
	t.Errorf("%d goroutines, %d before\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
}
