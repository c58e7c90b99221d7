// Package versitygw builds and starts versitygw, an S3 server over a plain
// folder (Apache-2.0), for tests and for the demo. Its version is pinned by a
// module of its own under scripts/versitygw, so that the product's dependencies
// are free of it.
package versitygw

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"

	"github.com/s3compact/s3compact/internal/buildcache"
)

const command = "github.com/versity/versitygw/cmd/versitygw"

var pinned = regexp.MustCompile(`(?m)^\s*(?:require\s+)?github\.com/versity/versitygw\s+(v\S+)`)

// Binary returns the path of the server's binary, .cache/bin/versitygw-VERSION.
// The first caller builds it, which takes some minutes and needs the Go
// toolchain, but no C compiler; say tells a person that this has begun.
func Binary(ctx context.Context, say func(string)) (string, error) {
	root, err := buildcache.Root()
	if err != nil {
		return "", fmt.Errorf("build versitygw: %w", err)
	}
	module := filepath.Join(root, "scripts", "versitygw")
	version, err := pinnedVersion(module)
	if err != nil {
		return "", fmt.Errorf("build versitygw: %w", err)
	}
	return buildcache.Make(ctx, "bin/versitygw-"+version, func(ctx context.Context, tmp string) error {
		say(fmt.Sprintf("building the S3 server versitygw %s (once, about three minutes)", version))
		cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-ldflags=-s -w", "-o", tmp, command)
		cmd.Dir = module
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("go build %s@%s: %w\n%s", command, version, err, out.Bytes())
		}
		return nil
	})
}

func pinnedVersion(module string) (string, error) {
	path := filepath.Join(module, "go.mod")
	mod, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	m := pinned.FindSubmatch(mod)
	if m == nil {
		return "", fmt.Errorf("%s pins no version of github.com/versity/versitygw", path)
	}
	return string(m[1]), nil
}
