package receipt

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"

	"github.com/s3compact/s3compact/internal/s3store"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sample is an entry that uses every field.
func sample() *Entry {
	at := time.Date(2026, 10, 3, 12, 0, 0, 0, time.UTC)
	attributes := s3store.Attributes{ContentType: "application/gzip", StorageClass: "STANDARD", Metadata: map[string]string{"source": "edge <1>"}}
	return &Entry{
		Header: Header{
			Kind: Commit, Number: 3, Bucket: "logs", Group: "app/", GID: strings.Repeat("ab", 16), StateID: "state", Nonce: "nonce",
			Tool: "1.0", PlanID: "plan", Content: "ndjson", Time: at, Keep: true, Wait: true, Reason: "why", Kept: []int{1},
			Counts: &Counts{ObjectsDeleted: 2, ObjectsGone: 1},
		},
		Outputs: []Output{{
			Bucket: "logs", Key: "app/out.json.gz", Size: 71, CRC64: "AAAAAAAAAAE=", UploadID: "up", Commit: 2,
			Parts: []s3store.Part{{Number: 1, ETag: "e", SizeBytes: 71, CRC64NVME: "AAAAAAAAAAE="}}, Attributes: attributes, Members: 3, UncompressedBytes: 140, CRC32: 7, Gzip: Recompressed,
		}},
		Members: []Member{
			{Key: "app/1.json.gz", ETag: "e1", VersionID: "v", Size: 30, CRC64: "AAAAAAAAAAI=", Newline: true, UncompressedBytes: 50, CRC32: 5, LastModified: at, Attributes: attributes},
			{Key: "app/2.json.gz", ETag: "e2", Size: 20, Offset: 51, CRC64: "AAAAAAAAAAM=", UncompressedBytes: 49, CRC32: 6, LastModified: at, Attributes: attributes},
			{Key: "app/3.json", ETag: "e7", Size: 40, Offset: 71, CRC64: "AAAAAAAAAAY=", UncompressedBytes: 40, CRC32: 8, LastModified: at, Attributes: attributes, Encoding: PlainText, PackedBytes: 33, RangeCRC64: "AAAAAAAAAAc="},
		},
		Refused: []Refusal{{Key: "app/bad.json.gz", ETag: "e3", Reason: "bad_crc", Detail: "at byte 9", Content: "ndjson"}},
		Changed: []Refusal{{Key: "app/2.json.gz", ETag: "e2", Reason: "changed"}},
		Live:    []OutputRef{{Bucket: "logs", Key: "app/old.json.gz", Size: 9, ETag: "e4", CRC64: "AAAAAAAAAAQ=", Commit: 1}},
		Dead:    []OutputRef{{Bucket: "logs", Key: "app/dead.json.gz", Size: 9, CRC64: "AAAAAAAAAAQ=", Commit: 2}},

		TakenApart: []OutputRef{{Bucket: "logs", Key: "app/apart.json.gz", Size: 9, ETag: "e5", CRC64: "AAAAAAAAAAQ=", Commit: 2}},
		Absorbed:   []OutputRef{{Bucket: "logs", Key: "app/absorbed.json.gz", Size: 9, ETag: "e6", CRC64: "AAAAAAAAAAQ=", Commit: 1}},
	}
}

func TestEntryRoundTrip(t *testing.T) {
	e := sample()
	b, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(e, got); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeOutputs(t *testing.T) {
	e := sample()
	b, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeOutputs(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&Entry{Header: e.Header, Outputs: e.Outputs}, got); diff != "" {
		t.Error(diff)
	}
	for name, b := range map[string][]byte{
		"nothing": nil, "cut": b[:len(b)/4],
		"a member first": gz(`{"type":"entry","version":1,"kind":"commit","outputs":1}` + "\n" + `{"type":"member"}` + "\n"),
		"none":           gz(`{"type":"entry","version":1,"kind":"commit","outputs":1}` + "\n"),
	} {
		if e, err := DecodeOutputs(bytes.NewReader(b)); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: decoded %+v, %v", name, e, err)
		}
	}
}

// TestEntryGolden keeps the form on S3: a receipt is read for years.
func TestEntryGolden(t *testing.T) {
	b, err := sample().Encode()
	if err != nil {
		t.Fatal(err)
	}
	zr, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if _, err := text.ReadFrom(zr); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "entry.jsonl")
	if *update {
		if err := os.WriteFile(golden, text.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text.String()); diff != "" {
		t.Errorf("the form of an entry changed (go test -update writes it anew): %s", diff)
	}
}

func gz(text string) []byte {
	var buf bytes.Buffer
	zw := gzip.NewWriter(&buf)
	_, _ = zw.Write([]byte(text))
	_ = zw.Close()
	return buf.Bytes()
}

func TestDecodeRefusesDamage(t *testing.T) {
	whole, err := sample().Encode()
	if err != nil {
		t.Fatal(err)
	}
	header := `{"type":"entry","version":1,"kind":"commit","outputs":0,"members":1,"refusals":0}` + "\n"
	for name, b := range map[string][]byte{
		"nothing":               nil,
		"no gzip":               []byte("{}"),
		"cut":                   whole[:len(whole)-9],
		"an empty text":         gz(""),
		"no header":             gz(`{"type":"member","key":"x"}` + "\n"),
		"a newer format":        gz(strings.Replace(header, `"version":1`, `"version":2`, 1)),
		"a member missing":      gz(header),
		"a member too many":     gz(header + `{"type":"member"}` + "\n" + `{"type":"member"}` + "\n"),
		"an unknown line":       gz(header + `{"type":"strange"}` + "\n"),
		"a line that's no JSON": gz(header + `{"type":"mem` + "\n"),
	} {
		if e, err := Decode(bytes.NewReader(b)); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: decoded %+v, %v", name, e, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	whole, err := sample().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(gz(`{"type":"entry","version":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := Decode(bytes.NewReader(b))
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Errorf("%v is no ErrFormat", err)
			}
			return
		}
		if _, err := e.Encode(); err != nil {
			t.Error(err)
		}
	})
}

func TestKeysOfEntries(t *testing.T) {
	key := EntryKey("_s3compact/", "abc", 12)
	if key != "_s3compact/groups/abc/00000012.jsonl.gz" {
		t.Error(key)
	}
	for key, want := range map[string]int{key: 12, "x/00000000.jsonl.gz": 0, "x/123456789.jsonl.gz": 123456789, "x/1.jsonl.gz": -1, "x/00000012.json": -1, "x/0000001a.jsonl.gz": -1, "x/": -1, "x/-0000001.jsonl.gz": -1} {
		if n, ok := EntryNumber(key); ok && n != want || !ok && want >= 0 {
			t.Errorf("%s has the number %d, %t; want %d", key, n, ok, want)
		}
	}
}

func TestOutputNames(t *testing.T) {
	gid, nonce := GID("state", "app/"), strings.Repeat("0f", 16)
	name := OutputName("edge-1", gid, nonce, 3, ".json.gz")
	g, n, ok := ParseOutputName("a/b/" + name)
	if !ok || g != gid || n != nonce {
		t.Errorf("%s parses as %q, %q, %t", name, g, n, ok)
	}
	for _, key := range []string{"edge-1.json.gz", "x.s3c-12-34-1.gz", name + "/more", "x.s3c-" + gid + "-" + nonce + ".gz"} {
		if _, _, ok := ParseOutputName(key); ok {
			t.Errorf("%s passes for an output", key)
		}
	}
	if GID("state", "app/") == GID("state", "app") || GID("statea", "pp/") == GID("state", "app/") || len(gid) != 32 {
		t.Error("different groups have the same id")
	}
}
