package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDocumentedCommandsExist reads every command line in the documents: its
// command and its flags must be there.
func TestDocumentedCommandsExist(t *testing.T) {
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range append(files, "../../README.md", "../../CONTRIBUTING.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			line = strings.TrimPrefix(strings.TrimSpace(line), "$ ")
			if !strings.HasPrefix(line, "s3compact ") || strings.HasPrefix(line, "s3compact: ") {
				continue
			}
			found++
			line, _, _ = strings.Cut(line, " #")
			if _, err := orderArgs((&program{}).app(), strings.Fields(line)); err != nil {
				t.Errorf("%s: %q: %v", filepath.Base(file), line, err)
			}
		}
	}
	if found < 8 {
		t.Errorf("only %d command lines were found in the documents", found)
	}
}
