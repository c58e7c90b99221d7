// Package buildcache keeps what tests and the demo need but git does not hold
// (a server's binary, Python environments) under the project's .cache folder.
// Each is made once, on first use, however many processes ask at once.
package buildcache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"golang.org/x/sys/unix"
)

// rootModule matches the go.mod file of the project's own module, and none of
// the modules that lie below it.
var rootModule = regexp.MustCompile(`(?m)^module github\.com/s3compact/s3compact$`)

// lockPoll is the time between two tries of a lock that another process holds.
const lockPoll = 200 * time.Millisecond

// Root is the project's folder: the nearest one, from the working directory
// upwards, that holds the project's go.mod.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for start := dir; ; dir = filepath.Dir(dir) {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && rootModule.Match(mod) {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%s is not inside the project's work tree: no go.mod of s3compact above it", start)
		}
	}
}

// Make returns the path of the file or folder `name` (slash-separated) below
// .cache. Where it is missing, build makes it at the path tmp, beside it, and
// it is moved to its name when build returns nil: it is there whole or not at
// all. A second caller, in this process or another, waits for the first.
func Make(ctx context.Context, name string, build func(ctx context.Context, tmp string) error) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	return makeAt(ctx, filepath.Join(root, ".cache", filepath.FromSlash(name)), build)
}

func makeAt(ctx context.Context, path string, build func(ctx context.Context, tmp string) error) (string, error) {
	if exists(path) {
		return path, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", fmt.Errorf("make the cache folder: %w", err)
	}
	unlock, err := lock(ctx, path+".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if exists(path) {
		return path, nil
	}
	tmp := path + ".tmp"
	if err := os.RemoveAll(tmp); err != nil {
		return "", fmt.Errorf("remove what an earlier, interrupted build left: %w", err)
	}
	if err := build(ctx, tmp); err != nil {
		return "", errors.Join(fmt.Errorf("make %s: %w", path, err), os.RemoveAll(tmp))
	}
	if err := os.Rename(tmp, path); err != nil {
		return "", fmt.Errorf("move what was built to its place: %w", err)
	}
	return path, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// lock waits for the advisory lock on the file at path. The kernel releases it
// when its holder dies, so a killed build blocks nobody.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the lock: %w", err)
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil // which releases it; nothing was written
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("wait for the lock %s: %w", path, ctx.Err()), f.Close())
		case <-time.After(lockPoll):
		}
	}
}
