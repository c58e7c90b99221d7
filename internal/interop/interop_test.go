//go:build interop

package interop

import (
	"strings"
	"testing"
)

func TestPythonHasItsReaders(t *testing.T) {
	out := Run(t, Python(t), "import pyarrow.orc, pyarrow.parquet, duckdb; print(pyarrow.__version__, duckdb.__version__)")
	for _, version := range strings.Fields(string(out)) {
		if !strings.Contains(string(readers), "=="+version+"\n") {
			t.Errorf("version %s is not the pinned one", version)
		}
	}
}

func TestMotoHasItsServices(t *testing.T) {
	out := Run(t, Moto(t), "import moto, moto.server, moto.batch.models, moto.glue.models, moto.cloudformation.models; print(moto.__version__)")
	if version := strings.TrimSpace(string(out)); !strings.Contains(string(moto), "moto=="+version+"\n") {
		t.Errorf("moto %s is not the pinned one", version)
	}
}
