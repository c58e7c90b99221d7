package buildcache

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

func TestRootHoldsThisPackage(t *testing.T) {
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "internal", "buildcache", "buildcache.go")); err != nil {
		t.Errorf("Root() = %s, which does not hold this package: %v", root, err)
	}
}

func TestMakeBuildsOnceForManyCallers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "thing")
	var builds atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			got, err := makeAt(t.Context(), path, func(_ context.Context, tmp string) error {
				builds.Add(1)
				return os.WriteFile(tmp, []byte("whole"), 0o644)
			})
			if err != nil || got != path {
				t.Errorf("makeAt = %q, %v; want %q", got, err, path)
			}
		})
	}
	wg.Wait()
	if n := builds.Load(); n != 1 {
		t.Errorf("built %d times, want once", n)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "whole" {
		t.Errorf("the file holds %q, %v", b, err)
	}
}

func TestFailedBuildLeavesNothingAndMayBeTriedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "thing")
	broken := errors.New("broken")
	_, err := makeAt(t.Context(), path, func(_ context.Context, tmp string) error {
		if err := os.WriteFile(tmp, []byte("half"), 0o644); err != nil {
			t.Fatal(err)
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Fatalf("makeAt = %v, want the build's own error", err)
	}
	for _, p := range []string{path, path + ".tmp"} {
		if exists(p) {
			t.Errorf("%s is there after a failed build", p)
		}
	}
	// What a killed build left behind is cleared away.
	if err := os.MkdirAll(filepath.Join(path+".tmp", "old"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := makeAt(t.Context(), path, func(_ context.Context, tmp string) error { return os.Mkdir(tmp, 0o755) }); err != nil {
		t.Fatal(err)
	}
	if exists(filepath.Join(path, "old")) {
		t.Error("a file of the interrupted build is in the finished one")
	}
}

func TestWaitForALockEndsWithTheContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "thing")
	unlock, err := lock(t.Context(), path+".lock")
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = makeAt(ctx, path, func(context.Context, string) error { t.Error("built under another's lock"); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("makeAt = %v, want context.Canceled", err)
	}
}
