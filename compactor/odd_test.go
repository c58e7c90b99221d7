package compactor

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/s3compact/s3compact/inventory"
)

// dressed is a gzip member of the text with each field that its header can have.
func dressed(text string, extra, name, comment string, headerCRC bool) []byte {
	plain := gzRaw(text)
	h := []byte{0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 2, 3}
	if extra != "" {
		h[3] |= 4
		h = append(binary.LittleEndian.AppendUint16(h, uint16(len(extra))), extra...)
	}
	if name != "" {
		h[3] |= 8
		h = append(append(h, name...), 0)
	}
	if comment != "" {
		h[3] |= 16
		h = append(append(h, comment...), 0)
	}
	if headerCRC {
		h[3] |= 2
		h = binary.LittleEndian.AppendUint16(h, uint16(crc32.ChecksumIEEE(h)))
	}
	return append(h, plain[10:]...)
}

// oddBody is a gzip object that is joined, of one of many forms, with records of its own.
func oddBody(n int) []byte {
	line := func(i int) string { return record("odd", n, i) }
	// The empty block that ends a file of BGZF: a member with an extra field.
	block := []byte("\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\xff\x06\x00BC\x02\x00\x1b\x00\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	forms := []func() []byte{
		func() []byte { return dressed(line(1)+"\n", "", "", "", true) },
		func() []byte { return dressed(line(1), strings.Repeat("x", 60_000), "", "", false) },
		func() []byte { return dressed(line(1)+"\n", "\x00\x00\x00\x00", "a name \xff", "a comment", true) },
		func() []byte { return dressed(line(1), "", strings.Repeat("n", 500), "", true) },
		func() []byte { return append(gzRaw(line(1)), block...) },
		func() []byte { return slices.Concat(block, block, gzRaw(line(1))) },
		func() []byte { return append(bytes.Repeat(gzRaw(""), 50), gz(line(1))...) },
		func() []byte { return append(gz(line(1)), gzRaw("\n\n\n")...) },
		func() []byte { return append(gzRaw("\n"), gzRaw(line(1))...) },
		func() []byte { return append(gzRaw(line(1)), gzRaw("\n")...) },
		func() []byte { return gzRaw(line(1) + "\r\n") },
		func() []byte { return gzRaw(line(1) + "\n" + line(2)) },
		func() []byte { return slices.Concat(gzRaw(line(1)[:5]), gzRaw(line(1)[5:]+"\n")) },
	}
	return forms[n%len(forms)]()
}

// oddKeys are names below a prefix. onDisk are those that a server can hold that keeps objects as files.
func oddKeys() (onDisk, others []string) {
	onDisk = []string{
		"a b+c%20d", "ü/日本", "q?x=1&y=2#z", "new\nline", "re\rturn", "tab\there", "back\\slash", "~'\"<&>", "next\u0085line", "line\u2028end",
		"\U0001F600", "%", "%zz", "%2F", "+", "a=1/b=2/c", "dt=2024-01-01/h=ü+1/x", " lead", "trail /x ", "e\u0301", "\u00e9", "\ufeffbom", "\x7f",
	}
	others = []string{"ctl\x01x", "//x", "/x//y", "a//b", strings.Repeat("k", 1024-len("odd/.json.gz")), strings.Repeat("ü/", 300) + "x"}
	return onDisk, others
}

// TestOddNamesAndForms: whatever an object is called and however its gzip is made, it
// is joined, proven, found by a prefix, and given back as it was.
func TestOddNamesAndForms(t *testing.T) {
	forms := map[string]func(*Options){
		"multi":      func(*Options) {},
		"single":     func(o *Options) { o.Single = true },
		"plain text": func(o *Options) { o.PlainText, o.Selection.Match = true, "*" },
	}
	onDisk, others := oddKeys()
	for form, change := range forms {
		t.Run("server/"+form, func(t *testing.T) {
			b := newBucket(t)
			o := b.options()
			o.Selection.GroupBy, o.Selection.SmallSizeBytes = inventory.Grouping{Depth: 1}, 0
			change(&o)
			for i := range 2 {
				for j, name := range onDisk {
					key := fmt.Sprintf("odd/%s-%d.json.gz", name, i)
					b.put(key, oddBody(2*j+i))
				}
			}
			if form == "plain text" {
				b.put("odd/ text\n.json", []byte(record("text", 1, 1)))
				b.put("odd/ text+.json", []byte(record("text", 2, 1)+"\n"))
			}
			before, records := b.objects(""), b.records("")
			sum, refused := b.mustCompact(o, "odd/")
			if len(refused) > 0 || len(b.list("odd/")) != int(sum.Outputs) {
				t.Errorf("%+v, refused %v, left %q", sum, refused, sortedKeys(b.list("odd/")))
			}
			if form != "plain text" {
				sameRecords(t, form, records, b.records(""))
			}
			verify(t, b, sum.Outputs, 0)
			b.settled(func() error { _, _, err := b.restore(b.store, b.restoreOptions()); return err })
			sameObjects(t, "restored", before, b.objects(""))
		})
		t.Run("model/"+form, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := newUndo(t, false)
				for i := range 2 {
					for j, name := range append(others[:len(others):len(others)], onDisk...) {
						if key := fmt.Sprintf("odd/%s.json.gz", name); i == 0 {
							u.put(key, oddBody(2*j))
						} else if len(key) < 1000 {
							u.put(fmt.Sprintf("odd/%s!.json.gz", name), oddBody(2*j+1))
						}
					}
				}
				o := u.options()
				o.Selection.GroupBy, o.Selection.SmallSizeBytes = inventory.Grouping{Depth: 1}, 0
				change(&o)
				refused := map[string]string{}
				o.OnRefused = func(r Refused) { refused[r.Key+r.Prefix] = r.Reason + ": " + r.Detail }
				sum, err := Run(t.Context(), u.server.Client("compact", nil), o, []string{"odd/"})
				if err != nil || len(refused) > 0 {
					t.Errorf("%+v, refused %v, %v", sum, refused, err)
				}
				if wrong := append(u.ledger.Violations(), u.ledger.Settle(1)...); len(wrong) > 0 {
					t.Errorf("%.2000s", strings.Join(wrong, "; "))
				}
				for {
					_, err := Restore(context.Background(), u.server.Client("restore", nil), u.restoreOptions())
					if !errors.Is(err, ErrWaiting) {
						u.must(err)
						break
					}
					time.Sleep(time.Hour)
				}
				u.checkOriginals(form)
			})
		})
	}
}

// TestRecompressReadsEveryHeader: what the proof of gzip allows, recompressing reads.
func TestRecompressReadsEveryHeader(t *testing.T) {
	b := newBucket(t)
	long := strings.Repeat("n", 100_000)
	b.put("app/a.json.gz", dressed(record("app/", 1, 1)+"\n", "", long, "", false))
	b.put("app/b.json.gz", dressed(record("app/", 2, 1), "", "\xff", long, true))
	b.put("app/c.json.gz", append(dressed(record("app/", 3, 1)+"\n", long[:65535], "", "", true), gzRaw("")...))
	before := map[string]int{record("app/", 1, 1): 1, record("app/", 2, 1): 1, record("app/", 3, 1): 1}
	sum, refused := b.mustCompact(b.recompressing(), "app/")
	if sum.ObjectsIn != 3 || len(refused) > 0 {
		t.Errorf("%+v, refused %v", sum, refused)
	}
	sameRecords(t, "recompressed", before, b.records(""))
	verify(t, b, 1, 0)
}
