package parquetconv

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/s3compact/s3compact/parquetconv/schema"
)

// zst compresses text into frames of up to n bytes of it.
func zst(t testing.TB, text string, n int, options ...zstd.EOption) (frames []byte) {
	t.Helper()
	w, err := zstd.NewWriter(nil, options...)
	if err != nil {
		t.Fatal(err)
	}
	for from := 0; from == 0 || from < len(text); from += n {
		frames = w.EncodeAll([]byte(text[from:min(len(text), from+n)]), frames)
	}
	return frames
}

// TestZstdSourcesLoadOnce: small ones and big ones, of one frame or many.
func TestZstdSourcesLoadOnce(t *testing.T) {
	c := newCorpus()
	for i := range 12 {
		key := fmt.Sprintf("src/%02d.json.zst", i)
		text := c.text(key, 20+300*(i%2))
		switch i % 3 {
		case 0:
			c.put(key, zst(t, text, 1<<20))
		case 1:
			c.put(key, zst(t, text, 1+c.rng.IntN(3000)))
		case 2:
			c.put(key, zst(t, text, 1<<20, zstd.WithEncoderCRC(false)))
		}
	}
	key := "src/20.json.gz"
	c.put(key, gz(t, c.text(key, 20)))
	for name, tune := range tunings {
		t.Run(name, func(t *testing.T) {
			c.clean()
			gets := &countingGets{fakeStore: c.store, gets: map[string]int{}}
			o := testOptions(t, gets)
			o.BatchBytes, o.tuneBudget = 10_000, tune
			o.Refused = func(r Refusal) { t.Errorf("refused %+v", r) }
			mustRun(t, o)
			c.check(t)
			for key, n := range gets.gets {
				if n != 1 {
					t.Errorf("%s was read %d times", key, n)
				}
			}
		})
	}
}

func TestBrokenZstdLoadsNoRow(t *testing.T) {
	cut := func(r *rand.Rand, b []byte) []byte { return b[:1+r.IntN(len(b)-2)] }
	for tuning, tune := range tunings {
		t.Run(tuning, func(t *testing.T) {
			c := newCorpus()
			var want []string
			i := 0
			put := func(reason string, damage func(*rand.Rand, []byte) []byte) {
				key := fmt.Sprintf("src/%02d.json.zst", i)
				i++
				c.put(key, damage(c.rng, zst(t, c.text(key, 300), 1<<20)))
				if reason != "" {
					want = append(want, key+" "+reason)
				}
			}
			for range 3 {
				put("", func(_ *rand.Rand, b []byte) []byte { return b })
				put("truncated", func(r *rand.Rand, b []byte) []byte { return append(bytes.Clone(b), cut(r, b)[:max(5, len(b)/3)]...) })
				put("bad_crc", func(_ *rand.Rand, b []byte) []byte { b[len(b)-1] ^= 1; return b })
				put("trailing_bytes", func(_ *rand.Rand, b []byte) []byte { return append(b, "\n{}\n\n"...) })
				put("not_zstd", func(_ *rand.Rand, b []byte) []byte { b[0]++; return b })
				put("", func(_ *rand.Rand, b []byte) []byte { return append(zst(t, "", 1), b...) })
			}
			var refused, broken []string
			o := testOptions(t, c.store)
			o.BatchBytes, o.tuneBudget = 1<<30, tune
			o.Refused = func(r Refusal) { refused, broken = append(refused, r.Key+" "+r.Reason), append(broken, r.Key) }
			mustRun(t, o)
			if !slices.Equal(refused, want) {
				t.Errorf("refused %q, want %q", refused, want)
			}
			c.check(t, broken...)
		})
	}
}

const csvSchema = `
version: 1
format: csv
columns:
  - {name: id, type: int64, required: true}
  - {name: ts, type: timestamp, path: $.time}
  - {name: name, type: string}
partitions:
  - {name: dt, type: date, expr: "cast(ts as date)"}
`

// csvText makes records whose columns stand in another order each time, with
// line ends in quotes, and with bad ones.
func (c *corpus) csvText(key string, records int) string {
	names := []string{"id", "time", "name", "other"}
	c.rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	end := []string{"\n", "\r\n"}[c.rng.IntN(2)]
	b := strings.Join(names, ",") + end
	for range records {
		values := map[string]string{"id": fmt.Sprint(c.next), "time": fmt.Sprintf("2026-01-%02dT01:02:03Z", c.next%3+1), "name": fmt.Sprintf("n%d", c.next), "other": "\"1,\n2,\n\"\"\""}
		row := fmt.Sprintf("dt=2026-01-%02d id=%d name=n%d", c.next%3+1, c.next, c.next)
		reject := ""
		switch c.rng.IntN(8) {
		case 0:
			values["name"], row = fmt.Sprintf("\"n\"\"%s%d\"", end, c.next), fmt.Sprintf("dt=2026-01-%02d id=%d name=n\"%s%d", c.next%3+1, c.next, end, c.next)
		case 1:
			values["id"], reject = "", "missing"
		case 2:
			values["name"], values["other"], reject = "a\"b", "", "quote"
		case 3:
			values["name"], reject = "a,b", "fields"
		}
		if reject == "" {
			c.rows[key] = append(c.rows[key], row)
		} else {
			c.rejects[key] = append(c.rejects[key], fmt.Sprintf("%d %s", len(b), reject))
		}
		c.next++
		for i, n := range names {
			b += values[n] + []string{",", end}[i/3]
		}
	}
	return b
}

// TestCSVSourcesLoadOnce: as they are, gzip and zstd, small and big, and joined
// by compaction, each with its own header.
func TestCSVSourcesLoadOnce(t *testing.T) {
	s, err := schema.Parse([]byte(csvSchema), nil)
	if err != nil {
		t.Fatal(err)
	}
	var c *corpus
	run := func(t *testing.T, inOrder bool) {
		for name, tune := range tunings {
			t.Run(name, func(t *testing.T) {
				c.clean()
				o := testOptions(t, c.store)
				o.Schema, o.BatchBytes, o.tuneBudget = s, 30_000, tune
				o.Refused = func(r Refusal) { t.Errorf("refused %+v", r) }
				mustRun(t, o)
				c.checkRows(t, inOrder, nil)
			})
		}
	}
	c = newCorpus()
	var plain, zipped []string
	for i := range 24 {
		key := fmt.Sprintf("src/a/%02d.csv", i)
		kind, records := i%4, 10
		if i%5 == 0 {
			records = 400
		}
		key += []string{"", ".gz", ".zst", ".gz"}[kind]
		text := c.csvText(key, records)
		switch kind {
		case 0:
			c.put(key, []byte(text))
			plain = append(plain, key)
		case 1:
			c.put(key, c.randomMembers(t, text, 700))
			zipped = append(zipped, key)
		case 2:
			c.put(key, zst(t, text, 1000))
		case 3:
			c.put(key, gz(t, text))
			zipped = append(zipped, key)
		}
	}
	c.put("src/other.json", []byte("{}\n")) // no source of this format
	t.Run("as they are", func(t *testing.T) { run(t, true) })
	before := c.store.objects
	for _, recompressed := range []bool{false, true} {
		c.store.objects = map[string][]byte{}
		for k, v := range before {
			c.store.objects[k] = v
		}
		g := compactGroup(t, c.store, "src/a/")
		g.joinText(recompressed, append(slices.Clone(plain), zipped...)...)
		g.remove(append(plain, zipped...)...)
		t.Run(fmt.Sprintf("compacted, recompressed %v", recompressed), func(t *testing.T) { run(t, false) })
	}
}
