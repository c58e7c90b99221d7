package versitygw

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPinnedVersion(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "go.mod")
	for mod, want := range map[string]string{
		"module x\n\nrequire github.com/versity/versitygw v1.8.0 // indirect\n":       "v1.8.0",
		"module x\n\nrequire (\n\tgithub.com/versity/versitygw v2.0.1-rc1\n)\n":       "v2.0.1-rc1",
		"module x\n\ntool github.com/versity/versitygw/cmd/versitygw\n":               "",
		"module x\n\nrequire github.com/versity/scoutfs-go v0.0.0-2026 // indirect\n": "",
	} {
		if err := os.WriteFile(path, []byte(mod), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := pinnedVersion(dir)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("pinnedVersion of %q = %q, %v; want %q", mod, got, err, want)
		}
	}
}

// TestServerThatEndsAtOnce: a command that is no server is noticed by its end,
// not by a time-out, and its last words are in the error.
func TestServerThatEndsAtOnce(t *testing.T) {
	for name, launch := range map[string]launch{"watched": launchWatched, "detached": launchDetached} {
		t.Run(name, func(t *testing.T) {
			fake := filepath.Join(t.TempDir(), "fake")
			if err := os.WriteFile(fake, []byte("#!/bin/sh\necho cannot listen >&2\nexit 1\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			tries := 0
			newDir := func() (string, error) { tries++; return os.MkdirTemp(t.TempDir(), "") }
			_, err := start(t.Context(), fake, newDir, launch)
			if !errors.Is(err, errExited) || !strings.Contains(err.Error(), "cannot listen") {
				t.Errorf("start = %v, want errExited with the server's own words", err)
			}
			if tries != startTries {
				t.Errorf("%d tries, want %d", tries, startTries)
			}
		})
	}
}
