package infra

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fakes are programs of a scheduler that note how they are called, one word a
// line, a blank line behind each call, in the file $CALLS.
var fakes = map[string]string{
	// srun runs its command where it begins, as Slurm does on a node.
	"srun": `while [ "$1" != s3compact ]; do shift; done; exec "$@"`,
	// s3compact ends as the test says, and with 0 instead of 3 where refusals are ok.
	"s3compact": `printf '%s\n' s3compact "$@" "NASTY=${NASTY-}" "" >>"$CALLS"
case " $* " in *" --refusals-ok "*) [ "$EXIT" -ne 3 ] || exit 0 ;; esac
exit "$EXIT"`,
	"scontrol": `printf '%s\n' scontrol "$@" "" >>"$CALLS"; exit "${SCONTROL_EXIT:-0}"`,
	// sbatch gives ids with the cluster's name behind them, as a federation does.
	"sbatch": `printf '%s\n' sbatch "$@" "" >>"$CALLS"; n=$(grep -c '^sbatch$' "$CALLS"); echo "10$n;north"`,
	"sleep":  `:`,
	// kubectl says of a job, first, that it has no condition yet.
	"kubectl": `printf '%s\n' kubectl "$@" "" >>"$CALLS"
case " $* " in
*" get "*) n=$(grep -c '^get$' "$CALLS"); [ "$n" -lt 2 ] || echo "$CONDITIONS" ;;
esac`,
}

// call runs a file of a format with the fakes on PATH, and returns its exit code
// and the calls that the fakes have noted.
func call(t *testing.T, f Format, r Request, name string, env []string, args ...string) (code int, calls string) {
	t.Helper()
	dir := t.TempDir()
	files, err := Files(f, r)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if err := os.WriteFile(filepath.Join(dir, file.Name), file.Content, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	for program, script := range fakes {
		if err := os.WriteFile(filepath.Join(bin, program), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	noted := filepath.Join(dir, "calls")
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, name), args...)
	cmd.Env = slices.Concat(env, []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "CALLS=" + noted})
	cmd.Stderr = t.Output()
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(noted)
	if err != nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(text)
}

func TestSlurmQueuesAgain(t *testing.T) {
	task := []string{"SLURM_JOB_ID=4712", "SLURM_ARRAY_JOB_ID=4711", "SLURM_ARRAY_TASK_ID=7"}
	for _, c := range []struct {
		name     string
		script   string
		env      []string
		code     int // of s3compact
		want     int // of the script, once nothing queues it again
		requeued string
	}{
		{"done", "compact.sbatch", task, 0, 0, ""},
		{"refusals", "compact.sbatch", task, 3, 0, ""},
		{"stopped", "compact.sbatch", task, 75, 75, "4711_7"},
		{"stopped, restarted thrice", "compact.sbatch", append(task, "SLURM_RESTART_COUNT=3"), 75, 75, "4711_7"},
		{"stopped, no attempt left", "compact.sbatch", append(task, "SLURM_RESTART_COUNT=4"), 75, 75, ""},
		{"stopped, requeue refused", "compact.sbatch", append(task, "SCONTROL_EXIT=1"), 75, 75, "4711_7"},
		{"failed", "convert.sbatch", task, 1, 1, "4711_7"},
		{"wrong call", "compact.sbatch", task, 2, 2, ""},
		{"killed", "compact.sbatch", task, 137, 137, ""},
		{"no array", "hotspots.sbatch", []string{"SLURM_JOB_ID=4711"}, 75, 75, "4711"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, calls := call(t, Slurm, plain(t), c.script, append(c.env, fmt.Sprintf("EXIT=%d", c.code)))
			if code != c.want {
				t.Errorf("exit code %d, want %d", code, c.want)
			}
			step := strings.TrimSuffix(c.script, ".sbatch")
			want := "s3compact\nrun\n--only\n" + step + "\n--refusals-ok\n--yes\ns3://logs/_pipelines/app-logs.yaml\nNASTY=\n\n"
			if c.requeued != "" {
				want += "scontrol\nrequeue\n" + c.requeued + "\n\n"
			}
			if d := cmp.Diff(want, calls); d != "" {
				t.Errorf("calls (-want +got):\n%s", d)
			}
		})
	}
}

func TestSlurmWordsArriveAsTheyAre(t *testing.T) {
	_, calls := call(t, Slurm, nasty(t), "compact.sbatch", []string{"SLURM_JOB_ID=1", "EXIT=0"})
	want := "s3compact\nrun\n--only\ncompact\n--refusals-ok\n--yes\n--deadline\n21480s\n" + nastyLocation + "\nNASTY=" + nastyValue + "\n\n"
	if d := cmp.Diff(want, calls); d != "" {
		t.Errorf("calls (-want +got):\n%s", d)
	}
}

func TestSlurmStepsDependOnOneAnother(t *testing.T) {
	code, calls := call(t, Slurm, plain(t), "submit.sh", nil, "--partition=spot")
	want := `sbatch
--parsable
--partition=spot
hotspots.sbatch

sbatch
--parsable
--dependency=afterok:101
--kill-on-invalid-dep=yes
--partition=spot
compact.sbatch

sbatch
--parsable
--dependency=afterok:102
--kill-on-invalid-dep=yes
--partition=spot
convert.sbatch

`
	if d := cmp.Diff(want, calls); d != "" || code != 0 {
		t.Errorf("exit code %d, calls (-want +got):\n%s", code, d)
	}
}

func TestKubernetesRunsStepsInTurn(t *testing.T) {
	for _, c := range []struct {
		conditions string
		code       int
		created    []string
	}{
		{"SuccessCriteriaMet Complete", 0, []string{"hotspots.yaml", "compact.yaml", "convert.yaml"}},
		{"FailureTarget Failed", 1, []string{"hotspots.yaml"}},
	} {
		code, calls := call(t, Kubernetes, plain(t), "run.sh", []string{"CONDITIONS=" + c.conditions}, "--namespace=logs")
		var created []string
		for _, words := range strings.Split(calls, "\n\n") {
			if rest, ok := strings.CutPrefix(words, "kubectl\n--namespace=logs\ncreate\n-f\n"); ok {
				created = append(created, rest)
			} else if words != "" && !strings.HasPrefix(words, "kubectl\n--namespace=logs\n") {
				t.Errorf("a call without the namespace: %q", words)
			}
		}
		if d := cmp.Diff(c.created, created); d != "" || code != c.code {
			t.Errorf("%s: exit code %d, want %d; jobs (-want +got):\n%s", c.conditions, code, c.code, d)
		}
	}
}
