package compactor

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

// recompressing joins every key into recompressed outputs.
func (b *bucket) recompressing() Options {
	o := b.textOptions()
	o.Recompress, o.AcceptContentOnly = 9, true
	return o
}

// TestRecompress: the output is one gzip member of its members' text in key order,
// and each member's text is proven to be where the receipt says.
func TestRecompress(t *testing.T) {
	b := newBucket(t)
	joined, left := b.fillText("app/")
	b.put("app/two.json.gz", append(gzRaw(record("app/", 400, 1)+"\n"), gzRaw(record("app/", 400, 2))...))
	b.put("app/nothing.json.gz", gzRaw(""))
	b.put("app/noise.json.gz", noise(3, 12<<20)) // more than one part
	for _, key := range []string{"app/two.json.gz", "app/nothing.json.gz", "app/noise.json.gz"} {
		joined[key] = b.get(key)
	}
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(joined)) {
		one := textOf(joined[key])
		if text.WriteString(one); one != "" && !strings.HasSuffix(one, "\n") {
			text.WriteByte('\n')
		}
	}
	o := b.recompressing()
	o.Selection.SmallSizeBytes, o.PartBytes = 0, 5<<20
	sum, refused := b.mustCompact(o, "app/")
	if sum.ObjectsIn != int64(len(joined)) || sum.ObjectsDeleted != int64(len(joined)) || sum.Outputs != 1 || !maps.Equal(refused, left) {
		t.Fatalf("%+v, refused %v, want %v", sum, refused, left)
	}
	key := b.outputs("app/")[0]
	output := b.get(key)
	whole, err := gunzip(output)
	if err != nil || whole != text.String() || firstMember(t, output) != whole {
		t.Fatalf("the output holds %d bytes instead of %d, in the first member %d: %v", len(whole), text.Len(), len(firstMember(t, output)), err)
	}
	e := b.entries("app/")[1] // the first one tells of what stays
	for _, entry := range b.entries("app/") {
		if entry.Kind == receipt.Commit {
			e = entry
		}
	}
	if e.Outputs[0].Gzip != receipt.Recompressed || len(e.Outputs[0].Parts) < 2 || e.Keep {
		t.Errorf("the receipt says %+v", e.Header)
	}
	for _, m := range e.Members {
		got := whole[m.Offset:][:m.UncompressedBytes]
		if want := textOf(joined[m.Key]); got != want || m.CRC32 != crc32.ChecksumIEEE([]byte(want)) || m.Size != int64(len(joined[m.Key])) {
			t.Errorf("%s: the receipt's range holds %d bytes, want %d", m.Key, len(got), len(want))
		}
	}
	verify(t, b, 1, 0)

	t.Run("nothing comes back", func(t *testing.T) {
		before := b.list("")
		_, refused, err := b.restore(b.store, b.restoreOptions())
		if err != nil || len(refused) != len(joined) || refused["app/two.json.gz"] != reasonRecompressed {
			t.Errorf("refused %v, %v", refused, err)
		}
		_, refused, err = b.extract(b.restoreOptions(), &S3Copies{Store: b.store, To: s3store.Location{Bucket: b.name, Key: "_copies/"}})
		if err != nil || len(refused) != len(joined) {
			t.Errorf("copies: refused %v, %v", refused, err)
		}
		preview, err := PreviewRestore(t.Context(), b.store, b.restoreOptions())
		if err != nil || preview.ObjectsRefused != int64(len(joined)) {
			t.Errorf("dry run: %+v, %v", preview, err)
		}
		if after := b.list(""); !maps.Equal(before, after) {
			t.Error("something was changed")
		}
	})
	t.Run("not compacted again", func(t *testing.T) {
		before := countLines(map[string][]byte{"": output})
		for i := range 3 {
			b.put(fmt.Sprintf("app/more-%d.json", i), []byte(record("app/", 500+i, 1)+"\n"))
			before[record("app/", 500+i, 1)]++
		}
		b.mustCompact(o, "app/")
		b.mustCompact(b.textOptions(), "app/")
		after := map[string][]byte{}
		for _, key := range b.outputs("app/") {
			after[key] = b.get(key)
		}
		if sameRecords(t, "in the end", before, countLines(after)); len(after) != 2 || !bytes.Equal(after[key], output) {
			t.Errorf("%d outputs", len(after))
		}
	})
}

// TestRecompressFindsDamage: every byte of such an output counts.
func TestRecompressFindsDamage(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 3)
	b.mustCompact(b.recompressing(), "app/")
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

// TestVerifyRecompressedByReceipt: what verify proves of each member does not hang on the output's own checksums.
func TestVerifyRecompressedByReceipt(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 3)
	b.put("app/open.json.gz", gzRaw(record("app/", 9, 1)))
	b.mustCompact(b.recompressing(), "app/")
	e := b.entries("app/")[0]
	body := b.get(e.Outputs[0].Key)
	prove := func(change func(*receipt.Entry)) error {
		changed := *e
		changed.Members = slices.Clone(e.Members)
		changed.Outputs = slices.Clone(e.Outputs)
		change(&changed)
		_, _, err := proveBytes(bytes.NewReader(body), &changed, 0)
		return err
	}
	if err := prove(func(*receipt.Entry) {}); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*receipt.Entry){
		"another checksum":   func(e *receipt.Entry) { e.Members[1].CRC32 ^= 1 },
		"a gap":              func(e *receipt.Entry) { e.Members[1].Offset++ },
		"another length":     func(e *receipt.Entry) { e.Members[1].UncompressedBytes-- },
		"a newline more":     func(e *receipt.Entry) { e.Members[0].Newline = true },
		"a newline less":     func(e *receipt.Entry) { e.Members[3].Newline = false },
		"a member more":      func(e *receipt.Entry) { e.Members = append(e.Members, e.Members[3]) },
		"a member less":      func(e *receipt.Entry) { e.Members = e.Members[:3] },
		"another output":     func(e *receipt.Entry) { e.Outputs[0].CRC64 = "AAAAAAAAAAE=" },
		"another size":       func(e *receipt.Entry) { e.Outputs[0].Size++ },
		"another of members": func(e *receipt.Entry) { e.Outputs[0].Members++ },
	} {
		if err := prove(change); err == nil {
			t.Errorf("%s: it is proven", name)
		}
	}
}

// TestRecompressNeedsAWord: originals that can't be given back are deleted only
// where somebody has accepted it, later as well.
func TestRecompressNeedsAWord(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	before := b.list("app/")
	o := b.recompressing()
	o.AcceptContentOnly = false
	if _, _, err := b.compact(b.store, o, "app/"); !errors.Is(err, ErrUsage) || !maps.Equal(before, b.list("")) {
		t.Fatalf("without a word: %v, %v", err, b.list(""))
	}
	o.Keep = true
	if sum, _ := b.mustCompact(o, "app/"); sum.Outputs != 1 || sum.ObjectsDeleted != 0 {
		t.Fatalf("kept: %+v", sum)
	}
	verify(t, b, 1, 0)
	if sum, refused := b.mustRestorePreview(); sum.Outputs != 1 || len(refused) != 0 {
		t.Errorf("an output whose originals are all there can be taken apart: %+v, refused %v", sum, refused)
	}
	o = b.options()
	o.DeleteKept = true
	if _, _, err := b.compact(b.store, o, "app/"); !errors.Is(err, ErrUsage) || len(b.list("app/")) != len(before)+1 {
		t.Fatalf("deleting what was kept, without a word: %v", err)
	}
	o.AcceptContentOnly = true
	if sum, _ := b.mustCompact(o, "app/"); sum.ObjectsDeleted != 4 || len(b.list("app/")) != 1 {
		t.Errorf("with it: %+v", sum)
	}
	verify(t, b, 1, 0)
}

func (b *bucket) mustRestorePreview() (RestoreSummary, []Refused) {
	b.t.Helper()
	var refused []Refused
	o := b.restoreOptions()
	o.OnRefused = func(r Refused) { refused = append(refused, r) }
	sum, err := PreviewRestore(b.t.Context(), b.store, o)
	if err != nil {
		b.t.Fatal(err)
	}
	return sum, refused
}

// TestRestoreOfRecompressedWithItsOriginals takes the output away and touches nothing else.
func TestRestoreOfRecompressedWithItsOriginals(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	before := b.list("app/")
	o := b.recompressing()
	o.Keep, o.AcceptContentOnly = true, false
	b.mustCompact(o, "app/")
	if _, refused := b.mustRestore(b.restoreOptions()); len(refused) != 0 || !maps.Equal(before, b.list("app/")) {
		t.Errorf("refused %v, left %v", refused, b.list("app/"))
	}
}

func TestFormsThatDoNotGoTogether(t *testing.T) {
	for name, o := range map[string]Options{
		"single and plain text": {Single: true, PlainText: true},
		"single and recompress": {Single: true, Recompress: 6, Keep: true},
		"level 10":              {Recompress: 10, Keep: true},
		"a level below":         {Recompress: -1, Keep: true},
		"no word":               {Recompress: 6},
	} {
		if err := o.checkForm(); !errors.Is(err, ErrUsage) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, o := range []Options{{}, {Single: true}, {PlainText: true}, {Recompress: 1, Keep: true}, {Recompress: 9, AcceptContentOnly: true, PlainText: true}} {
		if err := o.checkForm(); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
