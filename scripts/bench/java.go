package main

import (
	"context"
	"crypto/md5"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"

	"github.com/s3compact/s3compact/internal/buildcache"
)

//go:embed peers/orcjava
var orcJava embed.FS

// makeJava returns a folder of reports, <order>-zlib, with the rows of those in
// from, written by Apache ORC's Java writer, which S3 Inventory uses.
func makeJava(ctx context.Context, s size, from string) (string, error) {
	for _, tool := range []string{"java", "javac", "mvn"} {
		if _, err := exec.LookPath(tool); err != nil {
			return "", err
		}
	}
	program, err := buildcache.Make(ctx, "bench/orcjava-v1", func(ctx context.Context, tmp string) error {
		say("fetching Apache ORC's Java writer (once)")
		if err := unpack(orcJava, "peers/orcjava", tmp); err != nil {
			return err
		}
		if err := commandIn(ctx, tmp, "mvn", "--quiet", "--batch-mode", "dependency:copy-dependencies", "-DoutputDirectory=lib", "-DincludeScope=runtime"); err != nil {
			return err
		}
		return commandIn(ctx, tmp, "javac", "-cp", "lib/*", "Rewrite.java")
	})
	if err != nil {
		return "", err
	}
	return buildcache.Make(ctx, path.Join("bench", "inventory-"+inventoryVersion, string(s), filepath.Base(from)+"-java"), func(ctx context.Context, tmp string) error {
		say("writing the rows of %s/%s with the Java writer", s, filepath.Base(from))
		for _, order := range []string{"shuffled", "sorted"} {
			if err := rewriteReport(ctx, program, filepath.Join(from, order+"-zlib"), filepath.Join(tmp, order+"-zlib")); err != nil {
				return err
			}
		}
		return nil
	})
}

// unpack writes the files of an embedded folder into a new one.
func unpack(files embed.FS, from, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	entries, err := files.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		b, err := files.ReadFile(path.Join(from, e.Name()))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, e.Name()), b, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// rewriteReport makes a report of one data file from another one.
func rewriteReport(ctx context.Context, program, from, to string) error {
	b, err := os.ReadFile(filepath.Join(from, "manifest.json"))
	if err != nil {
		return err
	}
	var manifest map[string]any
	if err := json.Unmarshal(b, &manifest); err != nil {
		return err
	}
	sources, err := filepath.Glob(filepath.Join(from, "*.orc"))
	if err != nil || len(sources) != 1 {
		return fmt.Errorf("%s: %d data files, expected one", from, len(sources))
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	name := "java-" + filepath.Base(sources[0])
	target := filepath.Join(to, name)
	if err := command(ctx, "java", "-Duser.timezone=UTC", "-cp", program+"/lib/*:"+program, "Rewrite", sources[0], target); err != nil {
		return err
	}
	f, err := os.Open(target)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := md5.New()
	n, err := io.Copy(sum, f)
	if err != nil {
		return err
	}
	manifest["files"] = []any{map[string]any{"key": "reports/bench-logs/daily/data/" + name, "size": n, "MD5checksum": hex.EncodeToString(sum.Sum(nil))}}
	if b, err = json.Marshal(manifest); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(to, "manifest.json"), b, 0o644); err != nil {
		return err
	}
	manifestSum := md5.Sum(b)
	return os.WriteFile(filepath.Join(to, "manifest.checksum"), []byte(hex.EncodeToString(manifestSum[:])+"\n"), 0o644)
}
