package compactor

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test"
	"github.com/s3compact/s3compact/validate"
)

// badObjects are objects that must stay as they are, with their reason.
func badObjects(group string) (bodies map[string][]byte, reasons map[string]string) {
	good := gz(record(group, 900, 1))
	wrongCRC := bytes.Clone(good)
	wrongCRC[len(wrongCRC)-8] ^= 1
	wrongLength := bytes.Clone(good)
	wrongLength[len(wrongLength)-1] ^= 1
	bodies = map[string][]byte{
		"cut.json.gz":      good[:len(good)-5],
		"trailing.json.gz": append(bytes.Clone(good), "and more"...),
		"crc.json.gz":      wrongCRC,
		"length.json.gz":   wrongLength,
		"page.json.gz":     []byte("<!DOCTYPE html><html><body>503</body></html>"),
		"array.json.gz":    gz(`[{"a":1},{"a":2}]`),
		"pretty.json.gz":   gz("{", `  "a": 1`, "}"),
	}
	reasons = map[string]string{
		"cut.json.gz": "truncated", "trailing.json.gz": "trailing_bytes", "crc.json.gz": "bad_crc", "length.json.gz": "bad_length",
		"page.json.gz": "not_gzip", "array.json.gz": "format", "pretty.json.gz": "format",
	}
	return bodies, reasons
}

func TestCompactJoinsTheGoodAndLeavesTheBad(t *testing.T) {
	b := newBucket(t)
	keys := b.fill("app/", 20)
	b.put("app/no-newline.json.gz", gzRaw(record("app/", 100, 1)))
	b.put("app/two-members.json.gz", append(gz(record("app/", 101, 1)), gz(record("app/", 101, 2))...))
	b.put("app/nothing.json.gz", gzRaw(""))
	ignored := map[string][]byte{"app/_SUCCESS": nil, "app/.hidden.json.gz": gz(record("app/", 102, 1)), "app/empty.json.gz": nil, "app/readme.txt": []byte("hello")}
	for key, body := range ignored {
		b.put(key, body)
	}
	bad, reasons := badObjects("app/")
	for name, body := range bad {
		b.put("app/"+name, body)
	}
	before := b.records("")
	o := b.options()

	sum, refused := b.mustCompact(o, "app/")
	sameRecords(t, "after the first run", before, b.records(""))
	for name, reason := range reasons {
		if refused["app/"+name] != reason {
			t.Errorf("%s was refused as %q, want %q", name, refused["app/"+name], reason)
		}
		if !bytes.Equal(b.get("app/"+name), bad[name]) {
			t.Errorf("%s was changed", name)
		}
	}
	if len(refused) != len(reasons) {
		t.Errorf("refused %v, want %d", refused, len(reasons))
	}
	want := Summary{Groups: 1, GroupsDone: 1, ObjectsIn: 23, ObjectsDeleted: 23, ObjectsRefused: int64(len(bad)), ObjectsIgnored: int64(len(ignored)), Outputs: 1}
	want.BytesIn, want.BytesOut = sum.BytesIn, sum.BytesOut
	if sum != want {
		t.Errorf("summary %+v, want %+v", sum, want)
	}
	if added := sum.BytesOut - sum.BytesIn; added != int64(len(validate.NewlineMember)) {
		t.Errorf("the output has %d bytes more than its members, want one newline member of %d", added, len(validate.NewlineMember))
	}
	left := b.list("app/")
	for _, key := range keys {
		if _, there := left[key]; there {
			t.Errorf("%s is still there", key)
		}
	}
	for key := range ignored {
		if _, there := left[key]; !there {
			t.Errorf("%s is gone", key)
		}
	}
	outputs := b.outputs("app/")
	if len(outputs) != 1 || !strings.HasPrefix(outputs[0], "app/log-000.s3c-") || !strings.HasSuffix(outputs[0], "-1.json.gz") {
		t.Errorf("outputs %q", outputs)
	}

	// A second run does nothing but say the same.
	f := &faultyStore{Client: b.store}
	again, refusedAgain, err := b.compact(f, o, "app/")
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(refused, refusedAgain) {
		t.Errorf("the second run refused %v, the first %v", refusedAgain, refused)
	}
	if again.ObjectsIn != 0 || again.Outputs != 0 || again.ObjectsDeleted != 0 {
		t.Errorf("the second run did %+v", again)
	}
	for _, c := range f.calls {
		if strings.HasPrefix(c.key, "app/") && c.op != "list" {
			t.Errorf("the second run sent %v", c)
		}
	}
	if !maps.Equal(left, b.list("app/")) {
		t.Error("the second run changed the group")
	}
	verify(t, b, 1, 0)
}

func verify(t *testing.T, b *bucket, outputs, bad int64) {
	t.Helper()
	var found []Verified
	sum, err := Verify(context.Background(), b.store, b.options(), func(v Verified) { found = append(found, v) })
	if err != nil {
		t.Fatal(err)
	}
	if sum.Outputs != outputs || sum.OutputsBad != bad {
		t.Fatalf("verify found %+v (%+v), want %d outputs of which %d bad", sum, found, outputs, bad)
	}
}

func TestVerifyFindsEveryDamage(t *testing.T) {
	damages := map[string]func([]byte) []byte{
		"a flipped bit in a member": func(b []byte) []byte { b[30] ^= 4; return b },
		"a missing byte":            func(b []byte) []byte { return b[:len(b)-1] },
		"a further byte":            func(b []byte) []byte { return append(b, 0) },
	}
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			b := newBucket(t)
			b.fill("app/", 3)
			b.mustCompact(b.options(), "app/")
			verify(t, b, 1, 0)
			key := b.outputs("app/")[0]
			b.put(key, damage(b.get(key)))
			verify(t, b, 1, 1)
		})
	}
	t.Run("gone", func(t *testing.T) {
		b := newBucket(t)
		b.fill("app/", 3)
		b.mustCompact(b.options(), "app/")
		if err := b.store.Delete(context.Background(), b.name, b.outputs("app/")[0], ""); err != nil {
			t.Fatal(err)
		}
		verify(t, b, 1, 1)
	})
}

func TestNewObjectsAreCompactedNextTime(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	before := b.records("")
	b.mustCompact(b.options(), "app/")
	for i := range 3 {
		b.put("app/next-"+string(rune('a'+i))+".json.gz", gz(record("app/", 50+i, 1)))
		before[record("app/", 50+i, 1)] = 1
	}
	sum, _ := b.mustCompact(b.options(), "app/")
	if sum.ObjectsIn != 3 || sum.Outputs != 2 || sum.OutputsAbsorbed != 2 {
		t.Errorf("the second run did %+v", sum)
	}
	sameRecords(t, "after two runs", before, b.records(""))
	verify(t, b, 1, 0)
}

func TestPreviewOnlyLists(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 5)
	b.fill("few/", 1)
	before := b.list("")
	f := &faultyStore{Client: b.store}
	var groups []GroupPreview
	o := b.options()
	o.OnRefused = func(Refused) {}
	sum, err := Preview(context.Background(), f, o, []string{"app/", "few/"}, func(g GroupPreview) { groups = append(groups, g) })
	if err != nil {
		t.Fatal(err)
	}
	if sum.ObjectsIn != 5 || sum.Outputs != 1 || sum.ObjectsIgnored != 1 || len(groups) != 2 {
		t.Errorf("preview %+v %+v", sum, groups)
	}
	for _, c := range f.calls {
		if c.op != "list" {
			t.Errorf("a preview sent %v", c)
		}
	}
	if !maps.Equal(before, b.list("")) {
		t.Error("a preview changed the bucket")
	}
}

func TestYoungObjectsWait(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 5)
	o := b.options()
	o.MinAge = time.Hour
	sum, _ := b.mustCompact(o, "app/")
	if sum.ObjectsIn != 0 || sum.ObjectsIgnored != 5 {
		t.Errorf("summary %+v: objects a second old were joined in spite of an hour's age", sum)
	}
}

func TestClassesAreNotMixed(t *testing.T) {
	b := newBucket(t)
	put := func(key, contentType string, i int) {
		_, err := b.store.Put(context.Background(), b.name, key, gz(record("x", i, 1)), s3store.PutOptions{Attributes: s3store.Attributes{ContentType: contentType}})
		if err != nil {
			t.Fatal(err)
		}
	}
	put("d/1.json.gz", "application/json", 1)
	put("d/2.json.gz", "application/x-ndjson", 2)
	put("d/3.json.gz", "application/json", 3)
	put("d/4.json.gz", "application/x-ndjson", 4)
	put("d/5.json.gz", "text/plain", 5)
	put("d/6.log.gz", "application/json", 6)
	put("d/7.log.gz", "application/json", 7)
	before := b.records("")
	sum, refused := b.mustCompact(b.options(), "d/")
	sameRecords(t, "after the run", before, b.records(""))
	if len(refused) > 0 || sum.Outputs != 3 || sum.ObjectsIn != 6 {
		t.Errorf("summary %+v, refused %v; want 3 outputs of 6 objects and one left alone", sum, refused)
	}
	for _, key := range b.outputs("d/") {
		info, err := b.store.Head(context.Background(), b.name, key)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := gunzip(b.get(key))
		want := map[string]string{"1": "application/json", "2": "application/x-ndjson", "6": "application/json"}[strings.Split(strings.Split(text, `"object":`)[1], ",")[0]]
		if info.ContentType != want {
			t.Errorf("%s has the type %q, its members have %q", key, info.ContentType, want)
		}
	}
	again, _ := b.mustCompact(b.options(), "d/")
	if again.ObjectsIn != 0 || again.Outputs != 0 {
		t.Errorf("a second run did %+v", again)
	}
}

func TestHeaderLinesAreRefused(t *testing.T) {
	b := newBucket(t)
	for _, n := range []string{"1", "2", "3"} {
		b.put("csv/"+n+".csv.gz", gz("time,status", "10:0"+n+",200"))
		b.put("w3c/"+n+".log.gz", gz("#Version: 1.0", "10:0"+n+" 200"))
		b.put("txt/"+n+".log.gz", gz("10:0"+n+" 200"))
	}
	o := b.options()
	o.Content = validate.ContentLines
	sum, refused := b.mustCompact(o, "csv/", "w3c/", "txt/")
	if sum.ObjectsIn != 3 || len(refused) != 6 || refused["csv/1.csv.gz"] != "format" || refused["w3c/3.log.gz"] != "format" {
		t.Errorf("summary %+v, refused %v", sum, refused)
	}
	if b.uploads() != 0 {
		t.Error("an upload was left")
	}
}

func TestKeptOriginalsAreLeftOutLater(t *testing.T) {
	b := newBucket(t)
	keys := b.fill("app/", 4)
	o := b.options()
	o.Keep = true
	dest := s3store.Location{Bucket: b.name, Key: "joined/"}
	o.Dest = &dest
	sum, _ := b.mustCompact(o, "app/")
	if sum.ObjectsIn != 4 || sum.ObjectsDeleted != 0 || len(b.outputs("joined/app/")) != 1 {
		t.Fatalf("summary %+v, outputs %v", sum, b.outputs(""))
	}
	for _, key := range keys {
		b.get(key)
	}
	again, _ := b.mustCompact(o, "app/")
	if again.ObjectsIn != 0 || len(b.outputs("joined/")) != 1 {
		t.Errorf("a second run joined %+v", again)
	}
	verify(t, b, 1, 0)
}

func TestForeignOutputsAreNamed(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 3)
	foreign := "app/x.s3c-00000000000000000000000000000000-11111111111111111111111111111111-1.json.gz"
	b.put(foreign, gz(record("f", 1, 1)))
	_, refused := b.mustCompact(b.options(), "app/")
	if refused[foreign] != "foreign" {
		t.Errorf("refused %v", refused)
	}
	b.get(foreign)
}

func TestStatesDoNotMix(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 3)
	b.mustCompact(b.options(), "app/")
	other := b.options()
	other.State.Key = "_other/"
	if _, _, err := b.compact(b.store, other, "app/"); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), DefaultState(b.name).String()) {
		t.Errorf("a second state on one bucket: %v", err)
	}
	deep := b.options()
	deep.Selection.GroupBy.Depth = 1
	if _, _, err := b.compact(b.store, deep, "app/"); !errors.Is(err, ErrUsage) {
		t.Errorf("another grouping of a known prefix: %v", err)
	}
	readable := b.options()
	readable.State.Key = "state/"
	if _, _, err := b.compact(b.store, readable, "app/"); !errors.Is(err, ErrUsage) {
		t.Errorf("a state that engines read: %v", err)
	}
}

func TestReceiptSaysWhatTheOutputIsMadeOf(t *testing.T) {
	b := newBucket(t)
	keys := b.fill("app/", 3)
	b.mustCompact(b.options(), "app/")
	layout, _, err := readLayout(context.Background(), b.store, DefaultState(b.name))
	if err != nil {
		t.Fatal(err)
	}
	e, err := receipt.Decode(bytes.NewReader(b.get(receipt.EntryKey("_s3compact/", receipt.GID(layout.StateID, "app/"), 1))))
	if err != nil {
		t.Fatal(err)
	}
	output := b.get(e.Outputs[0].Key)
	for i, m := range e.Members {
		if m.Key != keys[i] {
			t.Errorf("member %d is %s, want %s", i, m.Key, keys[i])
		}
		text, err := gunzip(output[m.Offset : m.Offset+m.Size])
		if err != nil || text != record("app/", i, 1)+"\n"+record("app/", i, 2)+"\n" {
			t.Errorf("the bytes of %s are %q, %v", m.Key, text, err)
		}
	}
	if !slices.IsSortedFunc(e.Members, func(a, b receipt.Member) int { return strings.Compare(a.Key, b.Key) }) {
		t.Error("the members are not in key order")
	}
}

// TestVersionedBucket: deletes leave markers there; the current objects are as anywhere.
func TestVersionedBucket(t *testing.T) {
	server := s3test.Start(t)
	b := &bucket{t: t, name: server.VersionedBucket(t), store: openClient(t, server)}
	b.fill("app/", 5)
	b.put("app/log-000.json.gz", gz(record("app/", 0, 1), record("app/", 0, 2), record("app/", 0, 3))) // a second version
	before := b.records("")
	sum, refused := b.mustCompact(b.options(), "app/")
	if sum.ObjectsIn != 5 || sum.ObjectsDeleted != 5 || len(refused) > 0 {
		t.Errorf("%+v, refused %v", sum, refused)
	}
	sameRecords(t, "after the run", before, b.records(""))
	if again, _ := b.mustCompact(b.options(), "app/"); again.ObjectsIn != 0 {
		t.Errorf("again: %+v", again)
	}
	verify(t, b, 1, 0)
}

// TestLockedBucketIsRefused: nothing could be deleted, or only against its protection.
func TestLockedBucketIsRefused(t *testing.T) {
	server := s3test.Start(t)
	b := &bucket{t: t, name: server.LockBucket(t), store: openClient(t, server)}
	b.fill("app/", 3)
	sum, refused := b.mustCompact(b.options(), "app/")
	if refused["app/"] != "locked" || sum.ObjectsIn != 0 || len(b.list("app/")) != 3 {
		t.Errorf("%+v, refused %v", sum, refused)
	}
}
