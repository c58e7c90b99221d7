package buildcache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Python returns the interpreter of a virtual environment that has what the
// requirements (the text of a file for pip, with pinned versions) name. Its
// folder below .cache is prefix and a hash of them, so that a changed version is
// a new environment; beforehand is called when it has to be made. It needs
// python3 with its venv module, and PyPI.
func Python(ctx context.Context, prefix string, requirements []byte, beforehand func(folder string)) (string, error) {
	sum := sha256.Sum256(requirements)
	name := prefix + hex.EncodeToString(sum[:6])
	dir, err := Make(ctx, name, func(ctx context.Context, tmp string) error {
		beforehand(name)
		return makeVenv(ctx, tmp, requirements)
	})
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "bin", "python3"), nil
}

// makeVenv makes the environment at dir. It may be moved afterwards as long as
// modules are run through the interpreter and not by their scripts in bin.
func makeVenv(ctx context.Context, dir string, requirements []byte) error {
	base, err := exec.LookPath("python3")
	if err != nil {
		return err
	}
	if err := run(ctx, base, "-m", "venv", dir); err != nil {
		return err
	}
	file := filepath.Join(dir, "requirements.txt")
	if err := os.WriteFile(file, requirements, 0o644); err != nil {
		return err
	}
	return run(ctx, filepath.Join(dir, "bin", "python3"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", file)
}

func run(ctx context.Context, name string, args ...string) error {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err == nil {
		return nil
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return fmt.Errorf("%s %v: %w\n%s", name, args, err, out)
	}
	return fmt.Errorf("%s: %w", name, err)
}
