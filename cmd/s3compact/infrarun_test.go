package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// slurm are programs that carry jobs out as Slurm does, at once and one task
// behind the other. A task that ends with another code than 0 ends sbatch, since
// no job that depends on it would begin.
var slurm = map[string]string{
	"s3compact": `exec env ` + asProgram + `=1 "$PROGRAM" "$@"`,
	"srun":      `while [ "$1" != s3compact ]; do shift; done; exec "$@"`,
	"sbatch": `for script; do :; done
export SLURM_JOB_ID=1
last=$(sed -n 's/^#SBATCH --array=0-//p' "$script")
if [ -z "$last" ]; then
	bash "$script" >&2 || exit
else
	export SLURM_ARRAY_JOB_ID=1 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_COUNT=$((last + 1))
	for task in $(seq 0 "$last"); do
		SLURM_ARRAY_TASK_ID=$task bash "$script" >&2 || exit
	done
fi
echo 1`,
}

// TestInfraSlurmRunsThePipeline: the scripts do what run does. Some objects of
// the lake are refused, which keeps no step from the next one.
func TestInfraSlurmRunsThePipeline(t *testing.T) {
	l := newPipelineLake(t)
	l.edit("array-size: 100", "array-size: 3")
	before, ids := l.data(), l.requestIDs()
	folder, bin := t.TempDir(), t.TempDir()
	if r := s3compact("infra", "slurm", l.file, "--to", folder); r.code != exitDone {
		t.Fatalf("%+v", r)
	}
	for name, script := range slurm {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	program, err := filepath.Abs(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(folder, "submit.sh"))
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "PROGRAM="+program)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	l.checkCompacted(before)
	if got := tableIDs(t, l.store, l.tables, "app/"); !slices.Equal(got, ids) {
		t.Errorf("the table has %d records, want %d", len(got), len(ids))
	}
	if steps := strings.Count(string(out), "== hotspots") + strings.Count(string(out), "== compact") + strings.Count(string(out), "== convert"); steps != 1+3+3 {
		t.Errorf("%d steps were begun, want one of hotspots and three each of the others:\n%s", steps, out)
	}
}
