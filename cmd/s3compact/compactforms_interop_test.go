//go:build interop

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/internal/receipt"
)

// TestGzipReadsOutputsOfText has gzip test and inflate outputs that were compressed.
func TestGzipReadsOutputsOfText(t *testing.T) {
	for name, args := range map[string][]string{
		"plain text":   nil,
		"recompressed": {"--recompress", "1", "--accept-content-only"},
	} {
		t.Run(name, func(t *testing.T) {
			l := textLake(t)
			var want []string
			for _, body := range l.bodies() {
				want = append(want, inflated(t, body))
			}
			r := s3compact(append([]string{"compact", "s3://" + l.bucket + "/", "--match", "*", "--plain-text", "--min-age", "0s", "--yes"}, args...)...)
			if r.code != exitDone {
				t.Fatalf("%+v", r)
			}
			var got []string
			for key, body := range l.bodies() {
				if _, _, ok := receipt.ParseOutputName(key); !ok || !strings.HasSuffix(key, ".json.gz") {
					t.Errorf("%s is left", key)
				}
				got = append(got, strings.SplitAfter(inflated(t, body), "\n")...)
			}
			got = slices.DeleteFunc(got, func(s string) bool { return s == "" })
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(want, got) {
				t.Errorf("gzip reads %q, want %q", got, want)
			}
		})
	}
}

// inflated is what gzip makes of an object; plain text is as it is.
func inflated(t *testing.T, body string) string {
	t.Helper()
	if !strings.HasPrefix(body, "\x1f\x8b") {
		return body
	}
	file := filepath.Join(t.TempDir(), "object.gz")
	if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("gzip", "-t", file).CombinedOutput(); err != nil {
		t.Errorf("gzip -t: %v: %s", err, out)
	}
	text, err := exec.Command("gzip", "-dc", file).Output()
	if err != nil {
		t.Error(err)
	}
	return string(text)
}
