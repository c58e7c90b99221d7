package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"github.com/s3compact/s3compact/internal/buildcache"
)

//go:embed peers/requirements.txt
var requirements []byte

// say tells what takes long.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...) }

// python returns the interpreter of a virtual environment with the peers that
// come from PyPI.
func python(ctx context.Context) (string, error) {
	name, err := buildcache.Python(ctx, "bench/venv-", requirements, func(string) { say("installing Python packages (once, 1 GB)") })
	if err != nil {
		return "", fmt.Errorf("the peers from PyPI (they need python3 with its venv module): %w", err)
	}
	return name, nil
}

// whyMissing says in a few words why something can't be measured here, and the
// whole error to who watches.
func whyMissing(what string, err error) string {
	say("without %s: %v", what, err)
	if absent := (*exec.Error)(nil); errors.As(err, &absent) && errors.Is(absent, exec.ErrNotFound) {
		return absent.Name + " is not installed"
	}
	return "it could not be made here"
}

// command runs a program whose output matters only when it fails.
func command(ctx context.Context, name string, args ...string) error {
	return commandIn(ctx, "", name, args...)
}

// commandIn is command with a working folder.
func commandIn(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %.200q: %w\n%s", name, args, err, out)
	}
	return nil
}
