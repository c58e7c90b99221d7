package main

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/s3compact/s3compact/internal/buildcache"
)

//go:embed peers/inflate.c
var inflateSource []byte

// cInflater is a library in C, compiled into a program of its own. Nothing is
// installed: Debian's packages are unpacked in .cache/bench, the source of
// libdeflate's newest release comes inside a crate.
type cInflater struct {
	name   string
	define string
	// fetch brings the library into dir and returns the compiler's arguments.
	fetch func(ctx context.Context, dir string) ([]string, error)
}

var cInflaters = []cInflater{
	{"zlib, Debian's", "USE_ZLIB", debianLibrary("libz.a", "zlib1g-dev")},
	{"libdeflate, Debian's", "USE_LIBDEFLATE", debianLibrary("libdeflate.a", "libdeflate-dev")},
	{"libdeflate 1.26", "USE_LIBDEFLATE", crateLibdeflate},
	{"ISA-L, Debian's", "USE_ISAL", debianLibrary("libisal.so", "libisal-dev", "libisal2")},
}

// make returns the path of the program.
func (l cInflater) make(ctx context.Context) (string, error) {
	if _, err := exec.LookPath("gcc"); err != nil {
		return "", err
	}
	name := strings.ToLower(strings.NewReplacer(" ", "-", ",", "", "'", "").Replace(l.name))
	sum := sha256.Sum256(inflateSource)
	dir, err := buildcache.Make(ctx, fmt.Sprintf("bench/inflate-%x-%s", sum[:4], name), func(ctx context.Context, tmp string) error {
		if err := os.MkdirAll(tmp, 0o755); err != nil {
			return err
		}
		// The library stays where the program finds it when tmp has been renamed.
		args, err := l.fetch(ctx, tmp)
		if err != nil {
			return err
		}
		source := filepath.Join(tmp, "inflate.c")
		if err := os.WriteFile(source, inflateSource, 0o644); err != nil {
			return err
		}
		return command(ctx, "gcc", append([]string{"-O2", "-D" + l.define, "-o", filepath.Join(tmp, "inflate"), source}, args...)...)
	})
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "inflate"), nil
}

// debianLibrary fetches packages of the machine's own Debian release.
func debianLibrary(library string, packages ...string) func(context.Context, string) ([]string, error) {
	return func(ctx context.Context, dir string) ([]string, error) {
		for _, tool := range []string{"apt-get", "dpkg"} {
			if _, err := exec.LookPath(tool); err != nil {
				return nil, err
			}
		}
		if err := commandIn(ctx, dir, "apt-get", append([]string{"download"}, packages...)...); err != nil {
			return nil, fmt.Errorf("%w (apt-get update may be needed first)", err)
		}
		files, err := filepath.Glob(filepath.Join(dir, "*.deb"))
		if err != nil {
			return nil, err
		}
		root := filepath.Join(dir, "root")
		for _, f := range files {
			if err := command(ctx, "dpkg", "-x", f, root); err != nil {
				return nil, err
			}
		}
		found, err := filepath.Glob(filepath.Join(root, "usr", "lib", "*", library))
		if err != nil || len(found) != 1 {
			return nil, fmt.Errorf("%v hold no %s", packages, library)
		}
		return []string{"-I" + filepath.Join(root, "usr", "include"), found[0], "-Wl,-rpath,$ORIGIN/" + relative(dir, filepath.Dir(found[0]))}, nil
	}
}

func relative(base, path string) string {
	r, err := filepath.Rel(base, path)
	if err != nil {
		return path
	}
	return r
}

// libdeflateCrate wraps libdeflate 1.26, whose C source it holds.
const libdeflateCrate = "1.26.1"

func crateLibdeflate(ctx context.Context, dir string) ([]string, error) {
	if _, err := exec.LookPath("cargo"); err != nil {
		return nil, err
	}
	manifest := fmt.Sprintf("[package]\nname = \"peers\"\nversion = \"0.0.0\"\nedition = \"2021\"\n[dependencies]\nlibdeflate-sys = \"=%s\"\n[lib]\npath = \"lib.rs\"\n", libdeflateCrate)
	for name, text := range map[string]string{"Cargo.toml": manifest, "lib.rs": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	if err := commandIn(ctx, dir, "cargo", "vendor", "--quiet", "vendor"); err != nil {
		return nil, err
	}
	source := filepath.Join(dir, "vendor", "libdeflate-sys", "libdeflate")
	args := []string{"-fomit-frame-pointer", "-I" + source}
	for _, pattern := range []string{"lib/*.c", "lib/*/*.c"} {
		files, err := filepath.Glob(filepath.Join(source, pattern))
		if err != nil {
			return nil, err
		}
		args = append(args, files...)
	}
	if len(args) < 5 {
		return nil, fmt.Errorf("the crate libdeflate-sys %s holds no source of libdeflate", libdeflateCrate)
	}
	return args, nil
}
