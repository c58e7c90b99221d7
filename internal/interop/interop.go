//go:build interop

package interop

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/s3compact/s3compact/internal/buildcache"
)

//go:embed requirements/readers.txt
var readers []byte

//go:embed requirements/moto.txt
var moto []byte

// Python returns the path of a python3 that has pyarrow and DuckDB.
func Python(t *testing.T) string {
	t.Helper()
	return venv(t, readers)
}

// Moto returns the path of a python3 that has moto with its server
// (`python3 -m moto.server`) and what its Batch, S3, Glue and CloudFormation need.
func Moto(t *testing.T) string {
	t.Helper()
	return venv(t, moto)
}

// Run runs a Python program, given as text, with arguments and returns its
// standard output. The test fails with the program's error output otherwise.
func Run(t *testing.T, python, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), python, append([]string{"-c", program}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("the Python program failed: %v\n%s", err, stderr.Bytes())
	}
	return stdout.Bytes()
}

// venv returns the interpreter of the virtual environment for the
// requirements; its folder's name is a hash of them, so a changed version is a
// new environment.
func venv(t *testing.T, requirements []byte) string {
	t.Helper()
	sum := sha256.Sum256(requirements)
	name := "venv-" + hex.EncodeToString(sum[:6])
	dir, err := buildcache.Make(t.Context(), name, func(ctx context.Context, tmp string) error {
		fmt.Fprintf(os.Stderr, "interop: installing Python packages into .cache/%s (once)\n", name)
		return makeVenv(ctx, tmp, requirements)
	})
	if err != nil {
		t.Fatalf("no Python for interoperability tests (they need python3 with its venv module, and PyPI): %v", err)
	}
	return filepath.Join(dir, "bin", "python3")
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
