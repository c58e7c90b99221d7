package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test"
)

// textLake is a bucket of plain text and gzip of it, twelve objects of one line each in app/.
func textLake(t *testing.T) *lake {
	t.Helper()
	server := s3test.Start(t)
	server.Setenv(t)
	store, err := s3store.Open(t.Context(), s3store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l := &lake{t: t, bucket: server.Bucket(t), store: store}
	for i := range 12 {
		key, body := fmt.Sprintf("app/%02d.json", i), []byte(fmt.Sprintf("{\"n\":%d}\n", i))
		if i%4 == 3 {
			key, body = key+".gz", stored(string(body))
		}
		if _, err := l.store.Put(t.Context(), l.bucket, key, body, s3store.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// outputs are the keys of the outputs.
func (l *lake) outputs() (keys []string) {
	for key := range l.data() {
		if _, _, ok := receipt.ParseOutputName(key); ok {
			keys = append(keys, key)
		}
	}
	return keys
}

func TestCompactPlainTextAndRestore(t *testing.T) {
	l := textLake(t)
	before := l.bodies()
	root := "s3://" + l.bucket + "/"
	args := []string{"compact", root, "--match", "{*.json,*.json.gz}", "--plain-text", "--min-age", "0s", "--output", "json"}
	if r := s3compact(append(args, "--dry-run")...); r.code != exitDone || r.summary(t)["objects_in"] != 12.0 || r.summary(t)["outputs"] != 1.0 {
		t.Errorf("a dry run: %+v", r)
	}
	r := s3compact(append(args, "--yes")...)
	if r.code != exitDone || r.summary(t)["objects_deleted"] != 12.0 || len(l.outputs()) != 1 || len(l.data()) != 1 {
		t.Fatalf("%+v, left %v", r, l.data())
	}
	if got := l.content(); got.Records != 12 {
		t.Errorf("the output has %d records", got.Records)
	}
	if r := s3compact("verify", "--state", root+"_s3compact/"); r.code != exitDone {
		t.Errorf("verify: %+v", r)
	}
	if r := s3compact("restore", root, "--yes", "--assume-alone"); r.code != exitDone {
		t.Fatalf("restore: %+v", r)
	}
	if !maps.Equal(before, l.bodies()) {
		t.Error("the originals are not as they were")
	}
}

func TestCompactRecompressed(t *testing.T) {
	l := textLake(t)
	before := l.bodies()
	root := "s3://" + l.bucket + "/"
	args := []string{"compact", root, "--match", "*", "--plain-text", "--recompress", "9", "--min-age", "0s"}
	if r := s3compact(append(args, "--yes")...); r.code != exitUsage || !strings.Contains(r.stderr, "--accept-content-only") || len(l.list()) != len(before) {
		t.Fatalf("without a word: %+v", r)
	}
	args = append(args, "--accept-content-only")
	if r := s3compact(append(args, "--dry-run")...); r.code != exitDone || !strings.Contains(r.stdout, "can not be restored") {
		t.Errorf("a dry run: %+v", r)
	}
	var asked bytes.Buffer
	p := &program{stdin: strings.NewReader("n\n"), stdout: io.Discard, stderr: &asked, stdinTerminal: true}
	if code := p.run(append([]string{"s3compact"}, args...)); code != exitUsage || !strings.Contains(asked.String(), "can NOT be restored") || len(l.list()) != len(before) {
		t.Errorf("asked: exit %d, %s", code, asked.String())
	}
	r := s3compact(append(args, "--yes", "--output", "json")...)
	if r.code != exitDone || r.summary(t)["objects_deleted"] != 12.0 || !strings.Contains(r.stderr, "will not give back") {
		t.Fatalf("%+v", r)
	}
	if out := r.lines(t, "output"); len(out) != 1 || out[0]["gzip"] != "recompressed" {
		t.Errorf("outputs: %v", out)
	}
	if got := l.content(); got.Records != 12 {
		t.Errorf("the output has %d records", got.Records)
	}
	if r := s3compact("verify", "--state", root+"_s3compact/", "--output", "json"); r.code != exitDone || r.summary(t)["members"] != 12.0 {
		t.Errorf("verify: %+v", r)
	}
	r = s3compact("restore", root, "--yes", "--assume-alone", "--output", "json")
	if refused := r.lines(t, "refused"); r.code != exitRefused || len(refused) != 12 || refused[0]["reason"] != "recompressed" || len(l.outputs()) != 1 {
		t.Errorf("restore: %+v", r)
	}
}

func TestCompactRefusesFormsThatDoNotGoTogether(t *testing.T) {
	for name, args := range map[string][]string{
		"--match":                {"--plain-text"},
		"does not go with":       {"--plain-text", "--match", "*.json", "--gzip", "single"},
		"from 1 to 9":            {"--recompress", "0"},
		"leave out":              {"--recompress", "6", "--gzip", "single", "--keep-originals"},
		"keeps them":             {"--recompress", "6", "--accept-content-only", "--keep-originals"},
		"goes with --recompress": {"--accept-content-only"},
		"byte for byte":          {"--recompress", "6"},
	} {
		if r := s3compact(append([]string{"compact", "s3://bucket/p/", "--yes"}, args...)...); r.code != exitUsage || !strings.Contains(r.stderr, name) {
			t.Errorf("%v: exit %d, %s", args, r.code, r.stderr)
		}
	}
}

// TestPlainTextOfAPlanForEveryObject: a plan that was made without --match does not
// say which text is to be joined.
func TestPlainTextOfAPlanForEveryObject(t *testing.T) {
	l := textLake(t)
	before := l.bodies()
	for match, code := range map[string]int{"*": exitUsage, "*.json*": exitDone} {
		plan := filepath.Join(t.TempDir(), "plan.jsonl")
		if r := s3compact("hotspots", "--listing", "s3://"+l.bucket+"/", "--match", match, "--plan", plan); r.code != exitDone {
			t.Fatalf("%+v", r)
		}
		r := s3compact("compact", "--plan", plan, "--plain-text", "--min-age", "0s", "--dry-run")
		if r.code != code || code == exitUsage && !strings.Contains(r.stderr, "hotspots --match") || code == exitDone && !strings.Contains(r.stdout, "would join 12 objects") {
			t.Errorf("%s: %+v", match, r)
		}
	}
	if !maps.Equal(before, l.bodies()) {
		t.Error("something was changed")
	}
}
