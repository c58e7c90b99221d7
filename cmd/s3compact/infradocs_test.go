package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestInfraDocument calls what docs/infra.md shows, in an empty folder, and
// compares the files that come out.
func TestInfraDocument(t *testing.T) {
	b, err := os.ReadFile("../../docs/infra.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	t.Chdir(t.TempDir())
	if err := os.WriteFile("app.yaml", []byte(block(t, page, "pipeline")), 0o644); err != nil {
		t.Fatal(err)
	}
	var printed []string
	for line := range strings.Lines(block(t, page, "session")) {
		words, _, redirected := strings.Cut(strings.TrimSpace(line), " > ")
		r := s3compact(strings.Fields(words)[1:]...)
		if r.code != exitDone {
			t.Fatalf("%s: %+v", line, r)
		}
		if !redirected {
			printed = append(printed, strings.Fields(r.stdout)...)
		}
	}
	shown := strings.Fields(block(t, page, "files"))
	if d := cmp.Diff(shown, printed); d != "" {
		t.Errorf("files that the document shows, and that were written (-shown +written):\n%s", d)
	}
	there, err := filepath.Glob("*/*")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(shown)
	if d := cmp.Diff(shown, there); d != "" {
		t.Errorf("files that the document shows, and that are there (-shown +there):\n%s", d)
	}
}
