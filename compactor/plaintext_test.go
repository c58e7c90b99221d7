package compactor

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

// textOptions joins every key, plain text among them.
func (b *bucket) textOptions() Options {
	o := b.options()
	o.PlainText, o.Selection.Match = true, "*"
	return o
}

// lake of plain text, gzip, and what is neither; the second are the objects of
// the first that must stay, and why.
func (b *bucket) fillText(group string) (joined map[string][]byte, left map[string]string) {
	b.t.Helper()
	for i := range 4 {
		b.put(fmt.Sprintf("%slog-%03d.json", group, i), []byte(record(group, i, 1)+"\n"+record(group, i, 2)+"\n"))
	}
	b.put(group+"open.json", []byte(record(group, 100, 1)))
	b.put(group+"packed.json.gz", gz(record(group, 101, 1)))
	b.put(group+"misnamed.json", gz(record(group, 102, 1), record(group, 102, 2)))
	large := strings.Repeat(record(group, 103, 1)+"\n", 1+(holdBytes+1<<20)/len(record(group, 103, 1)))
	b.put(group+"large.json", []byte(large)) // read twice
	left = map[string]string{}
	for name, body := range map[string]string{
		"called.json.gz": record(group, 200, 1) + "\n",
		"array.json":     "[1]\n",
		"nul.json":       record(group, 201, 1) + "\n\x00",
		"zstd.json":      "\x28\xb5\x2f\xfd{}\n",
		"bzip2.json":     "BZh91AY&SY",
	} {
		b.put(group+name, []byte(body))
		left[group+name] = "format"
	}
	left[group+"called.json.gz"] = "not_gzip"
	if _, err := b.store.Put(context.Background(), b.name, group+"encoded.json", []byte(record(group, 202, 1)+"\n"), s3store.PutOptions{Attributes: s3store.Attributes{ContentEncoding: "br"}}); err != nil {
		b.t.Fatal(err)
	}
	left[group+"encoded.json"] = "format"
	joined = map[string][]byte{}
	for key := range b.list(group) {
		if left[key] == "" {
			joined[key] = b.get(key)
		}
	}
	return joined, left
}

// textOf is what an object holds.
func textOf(body []byte) string {
	if text, err := gunzip(body); err == nil {
		return text
	}
	return string(body)
}

// countLines counts the lines of the objects.
func countLines(objects map[string][]byte) map[string]int {
	n := map[string]int{}
	for _, body := range objects {
		for line := range strings.SplitSeq(textOf(body), "\n") {
			if line != "" {
				n[line]++
			}
		}
	}
	return n
}

// TestPlainText: plain text and gzip become one gzip output, which gives back each original byte for byte.
func TestPlainText(t *testing.T) {
	b := newBucket(t)
	joined, left := b.fillText("app/")
	huge := strings.Repeat(record("app/", 104, 1)+"\n", 1+wholeBytes/len(record("app/", 104, 1))) // restored in parts
	joined["app/huge.json"] = []byte(huge)
	b.put("app/huge.json", joined["app/huge.json"])
	gzipOnly := b.options()
	gzipOnly.Selection.Match = "*.json"
	if _, refused := b.mustCompact(gzipOnly, "app/"); len(b.outputs("app/")) != 0 || refused["app/open.json"] != "not_gzip" {
		t.Fatalf("%d outputs of a run that joins gzip only, refused %v", len(b.outputs("app/")), refused)
	}
	o := b.textOptions()
	o.Selection.SmallSizeBytes, o.Selection.TargetSizeBytes, o.PartBytes = 0, 256<<20, 5<<20
	sum, refused := b.mustCompact(o, "app/")
	if sum.ObjectsIn != int64(len(joined)) || sum.ObjectsDeleted != int64(len(joined)) || sum.Outputs != 1 || !maps.Equal(refused, left) {
		t.Fatalf("%+v, refused %v, want %v", sum, refused, left)
	}
	output := b.outputs("app/")[0]
	if !strings.HasSuffix(output, ".json.gz") || !strings.HasPrefix(output, "app/huge.s3c-") {
		t.Errorf("the output is called %s", output)
	}
	sameRecords(t, "compacted", countLines(joined), countLines(map[string][]byte{output: b.get(output)}))
	verify(t, b, 1, 0)
	t.Run("again", func(t *testing.T) {
		b.put("app/more-1.json", []byte(record("app/", 300, 1)+"\n"))
		b.put("app/more-2.json", []byte(record("app/", 301, 1)+"\n"))
		for _, key := range []string{"app/more-1.json", "app/more-2.json"} {
			joined[key] = b.get(key)
		}
		sum, refused := b.mustCompact(o, "app/")
		if sum.ObjectsIn != 2 || !maps.Equal(refused, left) {
			t.Errorf("%+v, refused %v", sum, refused)
		}
		verify(t, b, int64(len(b.outputs("app/"))), 0)
	})
	t.Run("copied", func(t *testing.T) {
		if _, _, err := b.extract(b.restoreOptions(), &S3Copies{Store: b.store, To: s3store.Location{Bucket: b.name, Key: "_copies/"}}); err != nil {
			t.Fatal(err)
		}
		got := map[string][]byte{}
		for key := range b.list("_copies/") {
			got[strings.TrimPrefix(key, "_copies/")] = b.get(key)
		}
		if !maps.EqualFunc(got, joined, bytes.Equal) {
			t.Errorf("%d copies of %d originals are the same", len(got), len(joined))
		}
	})
	t.Run("restored", func(t *testing.T) {
		b.mustRestore(b.restoreOptions())
		got := map[string][]byte{}
		for key := range b.list("app/") {
			if left[key] == "" {
				got[key] = b.get(key)
			}
		}
		if !maps.EqualFunc(got, joined, bytes.Equal) {
			t.Errorf("%d of %d originals are back, outputs %v", len(got), len(joined), b.outputs("app/"))
		}
	})
}

// TestPlainTextCompactedAgain: originals come back out of an output that absorbed those that they went into.
func TestPlainTextCompactedAgain(t *testing.T) {
	b := newBucket(t)
	originals := map[string][]byte{}
	absorbed := int64(0)
	for day := range 3 {
		for i := range 3 {
			key := fmt.Sprintf("app/%d-%d.json", day, i)
			originals[key] = []byte(record("app/", 10*day+i, 1)) // each needs a newline
			b.put(key, originals[key])
		}
		sum, _ := b.mustCompact(b.textOptions(), "app/")
		absorbed += sum.OutputsAbsorbed
	}
	if absorbed == 0 {
		t.Fatal("nothing was compacted again")
	}
	verify(t, b, int64(len(b.outputs("app/"))), 0)
	b.mustRestore(b.restoreOptions())
	sameBodies(t, "restored", originals, b.bodies())
}

// TestPlainTextFindsDamage: every byte of such an output counts, in proofs and for restore.
func TestPlainTextFindsDamage(t *testing.T) {
	b := newBucket(t)
	for i := range 3 {
		b.put(fmt.Sprintf("app/%d.json", i), []byte(record("app/", i, 1)))
	}
	b.mustCompact(b.textOptions(), "app/")
	key := b.outputs("app/")[0]
	whole := b.get(key)
	for i := range whole {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 0x10
		b.put(key, damaged)
		verify(t, b, 1, 1)
	}
	b.put(key, whole)
	verify(t, b, 1, 0)
}

// TestPackerProvesItself: a compressor's flaw is found before anything is committed.
func TestPackerProvesItself(t *testing.T) {
	text := make([]byte, 3<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(text)
	for name, make := range map[string]func(func([]byte) error) (*packer, error){
		"one by one": func(to func([]byte) error) (*packer, error) { return newPacker(6, to) },
		"wide":       func(to func([]byte) error) (*packer, error) { return newWidePacker(6, to) },
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			p, err := make(func(b []byte) error { out.Write(b); return nil })
			if err != nil {
				t.Fatal(err)
			}
			p.begin()
			if _, err := p.Write(text); err != nil {
				t.Fatal(err)
			}
			if err := p.close(); err != nil {
				t.Fatal(err)
			}
			if got, err := gunzip(out.Bytes()); err != nil || got != string(text) {
				t.Errorf("%d bytes come back, %v", len(got), err)
			}
			if p, err = make(func([]byte) error { return nil }); err != nil {
				t.Fatal(err)
			}
			p.zw = &dropping{compressor: p.zw}
			p.begin()
			_, _ = p.Write(text[:1000])
			_, _ = p.Write(text[1000:])
			if err := p.close(); err == nil || !strings.Contains(err.Error(), errPacking.Error()) {
				t.Errorf("a compressor that drops bytes: %v", err)
			}
		})
		t.Run(name+", no room", func(t *testing.T) {
			p, err := make(func([]byte) error { return errLost })
			if err != nil {
				t.Fatal(err)
			}
			p.begin()
			_, err = p.Write(text)
			if err == nil {
				err = p.close()
			} else {
				p.abort()
			}
			if err == nil {
				t.Error("what could not be written is packed")
			}
		})
	}
}

// dropping is a compressor that drops a byte of its first write.
type dropping struct {
	compressor
	after bool
}

func (f *dropping) Write(b []byte) (int, error) {
	if f.after || len(b) == 0 {
		return f.compressor.Write(b)
	}
	f.after = true
	_, err := f.compressor.Write(b[1:])
	return len(b), err
}

func TestPlainMemberRecords(t *testing.T) {
	for name, m := range map[string]receipt.Member{
		"another encoding":      {Encoding: "zstd", Size: 1},
		"packed, but not plain": {PackedBytes: 30, Size: 1},
		"of another length":     {Encoding: receipt.PlainText, PackedBytes: 30, Size: 1, UncompressedBytes: 2},
	} {
		e := &receipt.Entry{Header: receipt.Header{Kind: receipt.Commit}, Members: []receipt.Member{m}}
		body, err := e.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := receipt.Decode(bytes.NewReader(body)); err == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
}
