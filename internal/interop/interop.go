//go:build interop

package interop

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/s3compact/s3compact/internal/buildcache"
)

//go:embed requirements/readers.txt
var readers []byte

//go:embed requirements/moto.txt
var moto []byte

//go:embed requirements/engines.txt
var engines []byte

//go:embed requirements/spark.txt
var spark []byte

// Engines returns the path of a python3 that has chDB, DuckDB, Polars and pyarrow.
func Engines(t *testing.T) string {
	t.Helper()
	return venv(t, engines)
}

// Spark returns the path of a python3 that has pyspark. It needs a JDK of 17 or
// later, which it finds by PATH or JAVA_HOME.
func Spark(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("java"); err != nil {
		t.Fatalf("no Java for Spark: install a JDK of 17 or later: %v", err)
	}
	return venv(t, spark)
}

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

// venv returns the interpreter of the virtual environment for the requirements.
func venv(t *testing.T, requirements []byte) string {
	t.Helper()
	python, err := buildcache.Python(t.Context(), "venv-", requirements, func(folder string) {
		fmt.Fprintf(os.Stderr, "interop: installing Python packages into .cache/%s (once)\n", folder)
	})
	if err != nil {
		t.Fatalf("no Python for interoperability tests (they need python3 with its venv module, and PyPI): %v", err)
	}
	return python
}
