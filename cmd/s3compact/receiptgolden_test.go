package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3test"
)

// stored is text as gzip that is not compressed: the same bytes with every version of Go.
func stored(text string) []byte {
	var b bytes.Buffer
	zw, _ := gzip.NewWriterLevel(&b, gzip.NoCompression) // a level that there is
	_, _ = zw.Write([]byte(text))                        // into memory
	_ = zw.Close()
	return b.Bytes()
}

// TestReceiptsGolden compacts a known group and compares its log with the golden
// files, so that the form of receipts changes only where somebody means it:
// they are read for years.
func TestReceiptsGolden(t *testing.T) {
	server := s3test.Start(t)
	server.Setenv(t)
	bucket := server.Bucket(t)
	put := func(key, contentType string, body []byte) {
		in := &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body), ContentType: &contentType, Metadata: map[string]string{"host": "edge-1"}}
		if _, err := server.Client().PutObject(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 4 {
		put(fmt.Sprintf("app/dt=2026-10-03/%d.json.gz", i), "application/json", stored(fmt.Sprintf("{\"n\":%d}\n", i)))
	}
	put("app/dt=2026-10-03/4.json.gz", "application/json", stored(`{"n":4,"last":"without a newline"}`))
	for i := range 2 {
		put(fmt.Sprintf("app/dt=2026-10-03/other-%d.json.gz", i), "application/x-ndjson", stored(fmt.Sprintf("{\"other\":%d}\n", i)))
	}
	bad := stored("{\"bad\":1}\n")
	bad[len(bad)-8] ^= 1
	put("app/dt=2026-10-03/bad.json.gz", "application/json", bad)
	if r := s3compact("compact", "s3://"+bucket+"/", "--yes", "--min-age", "0s", "--output", "json"); r.code != exitRefused {
		t.Fatalf("%+v", r)
	}
	var entries []string
	out, err := server.Client().ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range out.Contents {
		if _, ok := receipt.EntryNumber(*o.Key); ok {
			entries = append(entries, *o.Key)
		}
	}
	slices.Sort(entries)
	if len(entries) != 2 {
		t.Fatalf("the log has the entries %v, want a commit and what closes it", entries)
	}
	for i, name := range []string{"receipt-commit.jsonl", "receipt-done.jsonl"} {
		object, err := server.Client().GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &entries[i]})
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(object.Body)
		_ = object.Body.Close() // it was read
		if err != nil {
			t.Fatal(err)
		}
		got := masked(t, body)
		golden := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("entry %d of the log is not as in %s (go test -update writes it anew): %s", i+1, golden, diff)
		}
		if _, err := receipt.Decode(bytes.NewReader(stored(string(want)))); err != nil {
			t.Errorf("%s can't be read any more: %v", golden, err)
		}
	}
}

// volatile are the values of a receipt that differ from run to run; the
// replacements have their form. Ids that are part of names come first.
var volatile = []struct{ pattern, replacement string }{
	{`\.s3c-[0-9a-f]{32}-[0-9a-f]{32}-`, ".s3c-" + strings.Repeat("a", 32) + "-" + strings.Repeat("b", 32) + "-"},
	{`"gid":"[0-9a-f]{32}"`, `"gid":"` + strings.Repeat("a", 32) + `"`},
	{`"nonce":"[0-9a-f]{32}"`, `"nonce":"` + strings.Repeat("b", 32) + `"`},
	{`"state_id":"[0-9a-f]{32}"`, `"state_id":"` + strings.Repeat("c", 32) + `"`},
	{`"plan_id":"[^"]+"`, `"plan_id":"plan"`},
	{`"tool":"[^"]+"`, `"tool":"devel"`},
	{`"upload_id":"[^"]+"`, `"upload_id":"upload"`},
	{`"bucket":"[^"]+"`, `"bucket":"my-logs"`},
	{`"(time|last_modified)":"[^"]+"`, `"$1":"2026-10-03T12:00:00Z"`},
	{`"requests":\{[^}]*\}`, `"requests":{"get":0,"put":0,"list":0,"head":0,"delete":0}`},
	{`"(seconds|wait_seconds|cost_usd|retries|throttles|bytes_read|bytes_written|bytes_sent|bytes_received)":[0-9.e+-]+`, `"$1":0`},
}

// masked is a receipt's text with fixed values for what differs from run to run.
func masked(t *testing.T, entry []byte) string {
	t.Helper()
	zr, err := gzip.NewReader(bytes.NewReader(entry))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(zr)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, v := range volatile {
		text = regexp.MustCompile(v.pattern).ReplaceAllString(text, v.replacement)
	}
	return text
}
