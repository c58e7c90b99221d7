//go:build interop

package orc

import (
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/s3compact/s3compact/internal/buildcache"
	"github.com/s3compact/s3compact/internal/interop"
)

// javaWriter returns the class path of a program that writes ORC files with Apache's Java writer. Maven fetches that once.
func javaWriter(t *testing.T) string {
	t.Helper()
	dir, err := buildcache.Make(t.Context(), "orc-javawriter-v1", func(ctx context.Context, tmp string) error {
		if err := os.CopyFS(tmp, os.DirFS("testdata/javawriter")); err != nil {
			return err
		}
		for _, command := range [][]string{
			{"mvn", "--quiet", "--batch-mode", "dependency:copy-dependencies", "-DoutputDirectory=lib", "-DincludeScope=runtime"},
			{"javac", "-cp", "lib/*", "Write.java"},
		} {
			cmd := exec.CommandContext(ctx, command[0], command[1:]...)
			cmd.Dir = tmp
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Logf("%s", out)
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("no Java writer for interoperability tests (they need a JDK, Maven and its central repository): %v", err)
	}
	return dir + ":" + dir + "/lib/*"
}

// TestJavaFiles reads what Apache's Java writer writes, of which S3 Inventory, Hive and Spark are made: all compressions, both
// format versions, row groups and blocks of several sizes, a time zone in the west, bloom filters, nested columns between the
// others. Apache's C++ reader says what is in them.
func TestJavaFiles(t *testing.T) {
	folder := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "java", "-cp", javaWriter(t), "Write", folder, "20000").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	interop.Run(t, interop.Python(t), dumpProgram+`
for path in glob.glob(sys.argv[1] + '/*.orc'):
    dump(orc.ORCFile(path).read(), path[:-4] + '.txt')
`, folder)
	paths, err := filepath.Glob(folder + "/*.orc")
	if err != nil || len(paths) != 30 {
		t.Fatalf("%d files: %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			compareDump(t, path, path[:len(path)-len(".orc")]+".txt")
			f := openTestFile(t, path)
			if groups := checkSpans(t, f, rand.New(rand.NewPCG(1, 2))); groups <= f.NumStripes() {
				t.Errorf("%d row groups in %d stripes", groups, f.NumStripes())
			}
			checkStatistics(t, f)
		})
	}
}
