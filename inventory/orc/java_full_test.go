//go:build interop && full

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

// runWriter runs the Java program of a folder of testdata, which writes files of so many rows into a folder. Maven fetches what
// it needs once.
func runWriter(t *testing.T, jdk, name, folder, rows string) {
	t.Helper()
	dir, err := buildcache.Make(t.Context(), "orc-"+name+"-v1", func(ctx context.Context, tmp string) error {
		if err := os.CopyFS(tmp, os.DirFS("testdata/"+name)); err != nil {
			return err
		}
		for _, command := range [][]string{
			{"mvn", "--quiet", "--batch-mode", "dependency:copy-dependencies", "-DoutputDirectory=lib", "-DincludeScope=runtime"},
			{filepath.Join(jdk, "bin/javac"), "-cp", "lib/*", "Write.java"},
		} {
			cmd := exec.CommandContext(ctx, command[0], command[1:]...)
			cmd.Dir, cmd.Env = tmp, append(os.Environ(), "JAVA_HOME="+jdk)
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
	cmd := exec.CommandContext(t.Context(), filepath.Join(jdk, "bin/java"), "-cp", dir+":"+dir+"/lib/*", "Write", folder, rows)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// jdk returns the home of a JDK of at least the given version.
func jdk(t *testing.T, version string) string {
	t.Helper()
	homes, err := filepath.Glob("/usr/lib/jvm/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, home := range append([]string{os.Getenv("JAVA_HOME")}, homes...) {
		if exec.CommandContext(t.Context(), filepath.Join(home, "bin/javac"), "--release", version, "--version").Run() == nil {
			return home
		}
	}
	t.Fatalf("no JDK %s or later in JAVA_HOME or /usr/lib/jvm", version)
	return ""
}

// checkWritten reads so many files in a folder in all ways. Apache's C++ reader says what is in them.
func checkWritten(t *testing.T, folder string, files int) {
	t.Helper()
	interop.Run(t, interop.Python(t), dumpProgram+`
for path in glob.glob(sys.argv[1] + '/*.orc'):
    dump(orc.ORCFile(path).read(), path[:-4] + '.txt')
`, folder)
	paths, err := filepath.Glob(folder + "/*.orc")
	if err != nil || len(paths) != files {
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

// TestJavaFiles reads what Apache's Java writer writes, which S3 Inventory, Hive and Spark use: all compressions, both
// format versions, row groups and blocks of several sizes, a time zone in the west, bloom filters, nested columns between the
// others.
func TestJavaFiles(t *testing.T) {
	folder := t.TempDir()
	runWriter(t, jdk(t, "17"), "javawriter", folder, "20000")
	checkWritten(t, folder, 30)
}

// TestTrinoFiles reads what Trino writes, with a writer of its own.
func TestTrinoFiles(t *testing.T) {
	folder := t.TempDir()
	runWriter(t, jdk(t, "24"), "trinowriter", folder, "30000")
	checkWritten(t, folder, 10)
}
