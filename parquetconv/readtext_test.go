package parquetconv

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/validate"
)

// joinText commits an output of plain text and gzip: recompressed, or with each
// plain member as gzip of its own. The members stay.
func (c *compacted) joinText(recompressed bool, keys ...string) (output string) {
	c.t.Helper()
	c.outputs++
	output = "src/a/" + receipt.OutputName("x", c.gid, strings.Repeat("0", 31)+fmt.Sprint(c.outputs%10), 1, ".json.gz")
	e := &receipt.Entry{Header: receipt.Header{Kind: receipt.Commit}}
	var all, body bytes.Buffer // its text, and itself
	for _, key := range keys {
		b := c.store.stored("data/" + key)
		text, held := b, b
		m := receipt.Member{Key: key, ETag: etagOf(b), Size: int64(len(b)), CRC64: encodeCRC64(validate.CRC64(b)), Newline: true}
		if strings.HasSuffix(key, ".gz") {
			text = textOf(c.t, b)
		} else {
			m.Encoding, held = receipt.PlainText, gz(c.t, string(b))
		}
		m.UncompressedBytes, m.CRC32 = int64(len(text)), crc32.ChecksumIEEE(text)
		switch {
		case recompressed:
			m.Offset = int64(all.Len())
		case m.Encoding != "":
			m.PackedBytes, m.RangeCRC64 = int64(len(held)), encodeCRC64(validate.CRC64(held))
			fallthrough
		default:
			m.Offset = int64(body.Len())
		}
		body.Write(append(bytes.Clone(held), gz(c.t, "\n")...))
		all.Write(append(bytes.Clone(text), '\n'))
		e.Members = append(e.Members, m)
	}
	o := receipt.Output{Bucket: "data", Key: output, Members: len(keys)}
	if recompressed {
		o.Gzip = receipt.Recompressed
		body = *bytes.NewBuffer(stored(c.t, all.String()))
	}
	o.Size, o.CRC64 = int64(body.Len()), encodeCRC64(validate.CRC64(body.Bytes()))
	e.Outputs = []receipt.Output{o}
	c.append(e)
	c.store.set("data/"+output, body.Bytes())
	return output
}

func textOf(t *testing.T, b []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// textLake is lake with every other source stored as text.
func textLake(t *testing.T) (store *fakeStore, keys []string, want []string) {
	t.Helper()
	store, keys, want = lake(t)
	for i := 0; i < len(keys); i += 2 {
		b := store.objects["data/"+keys[i]]
		delete(store.objects, "data/"+keys[i])
		keys[i] = strings.TrimSuffix(keys[i], ".gz")
		store.objects["data/"+keys[i]] = textOf(t, b)
	}
	return store, keys, want
}

// TestTextLoadsOnce: originals of plain text, and those whose output is
// recompressed, load once, whenever that is done.
func TestTextLoadsOnce(t *testing.T) {
	eachTextTuning(t, testTextLoadsOnce)
}

// eachTextTuning runs a test with originals that are read whole, and with such as are not.
func eachTextTuning(t *testing.T, test func(t *testing.T, tune func(*budget))) {
	t.Run("small", func(t *testing.T) { test(t, nil) })
	t.Run("big", func(t *testing.T) {
		test(t, func(b *budget) { b.wholeBytes, b.wholeText, b.segmentBytes, b.chunkText = 10, 20, 30, 40 })
	})
}

func testTextLoadsOnce(t *testing.T, tune func(*budget)) {
	for _, recompressed := range []bool{false, true} {
		for name, steps := range map[string]func(t *testing.T, c *compacted, o Options, keys []string){
			"compacted before": func(_ *testing.T, c *compacted, _ Options, keys []string) {
				c.joinText(recompressed, keys...)
				c.remove(keys...)
				c.done()
			},
			"compacted after": func(t *testing.T, c *compacted, o Options, keys []string) {
				mustRun(t, o)
				c.joinText(recompressed, keys...)
				c.remove(keys...)
				c.done()
			},
			"half of it loaded before": func(t *testing.T, c *compacted, o Options, keys []string) {
				rest := map[string][]byte{}
				for _, key := range []string{keys[0], keys[3], keys[4]} {
					rest[key] = c.store.objects["data/"+key]
					c.remove(key)
				}
				mustRun(t, o)
				for key, b := range rest {
					c.store.objects["data/"+key] = b
				}
				c.joinText(recompressed, keys...)
				c.remove(keys...)
				c.done()
			},
			"originals still there": func(_ *testing.T, c *compacted, _ Options, keys []string) {
				c.joinText(recompressed, keys...)
			},
		} {
			t.Run(fmt.Sprintf("recompressed %t, %s", recompressed, name), func(t *testing.T) {
				store, keys, want := textLake(t)
				o := testOptions(t, store)
				o.tuneBudget = tune
				steps(t, compactGroup(t, store, "src/a/"), o, keys)
				for range 2 {
					if s := mustRun(t, o); s.Refused != 0 {
						t.Errorf("%+v", s)
					}
					sameRows(t, store, want)
				}
			})
		}
	}
}

// TestTextThatMovesLoads: it is compacted, or restored, between the list and the reading.
func TestTextThatMovesLoads(t *testing.T) {
	eachTextTuning(t, testTextThatMovesLoads)
}

func testTextThatMovesLoads(t *testing.T, tune func(*budget)) {
	for _, recompressed := range []bool{false, true} {
		t.Run(fmt.Sprintf("recompressed %t, compacted", recompressed), func(t *testing.T) {
			store, keys, want := textLake(t)
			c := compactGroup(t, store, "src/a/")
			moveOnce(t, store, want, tune, keys[0], func() {
				c.joinText(recompressed, keys...)
				c.remove(keys...)
				c.done()
			})
		})
		t.Run(fmt.Sprintf("recompressed %t, restored", recompressed), func(t *testing.T) {
			store, keys, want := textLake(t)
			originals := map[string][]byte{}
			for _, key := range keys {
				originals[key] = store.objects["data/"+key]
			}
			c := compactGroup(t, store, "src/a/")
			output := c.joinText(recompressed, keys...)
			c.remove(keys...)
			c.done()
			moveOnce(t, store, want, tune, output, func() {
				for key, b := range originals {
					store.set("data/"+key, b)
				}
				c.remove(output)
				c.done(output)
			})
		})
	}
}

// moveOnce converts while something is done before the first reading of a key.
func moveOnce(t *testing.T, store *fakeStore, want []string, tune func(*budget), key string, do func()) {
	t.Helper()
	o := testOptions(t, store)
	o.Concurrency, o.tuneBudget = 1, tune
	o.Stores.S3 = onGet{store, key, &sync.Once{}, do}
	o.Refused = func(r Refusal) { t.Errorf("refused %+v", r) }
	mustRun(t, o)
	sameRows(t, store, want)
}

// TestDamagedTextIsRefused: no row of a recompressed output is loaded that is not proven.
func TestDamagedTextIsRefused(t *testing.T) {
	eachTextTuning(t, testDamagedTextIsRefused)
}

func testDamagedTextIsRefused(t *testing.T, tune func(*budget)) {
	store, keys, _ := textLake(t)
	c := compactGroup(t, store, "src/a/")
	output := c.joinText(true, keys...)
	c.remove(keys...)
	c.done()
	whole := store.objects["data/"+output]
	refusals := func(b []byte) (n int64) {
		store.objects["data/"+output] = b
		for key := range store.objects { // a table of its own each time
			if strings.HasPrefix(key, "tables/") {
				delete(store.objects, key)
			}
		}
		o := testOptions(t, store)
		o.tuneBudget = tune
		s := mustRun(t, o)
		if s.RowsOut != 3*(int64(len(keys))-s.Refused) {
			t.Errorf("%+v", s)
		}
		return s.Refused
	}
	text := textOf(t, whole)
	text[1] ^= 1
	if n := refusals(stored(t, string(text))); n != 1 {
		t.Errorf("one original's text is another: %d refused", n)
	}
	damaged := bytes.Clone(whole)
	damaged[len(damaged)-6] ^= 1 // its checksum
	if n := refusals(damaged); n != int64(len(keys)) {
		t.Errorf("a damaged output: %d of %d refused", n, len(keys))
	}
	if n := refusals(whole); n != 0 {
		t.Errorf("a sound one: %d refused", n)
	}
}
