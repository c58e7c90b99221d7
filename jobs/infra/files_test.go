package infra

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/s3compact/s3compact/jobs"
)

var update = flag.Bool("update", false, "write the golden files anew")

const wholePipeline = `
version: 1
name: app-logs
hotspots:
  inventory: s3://reports/logs/daily/
compact:
  gzip: multi
convert:
  sources: [s3://logs/app/]
  to: s3://tables/app/
`

func parse(t *testing.T, text string) *jobs.Pipeline {
	t.Helper()
	p, err := jobs.ParsePipeline([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// plain is a request without surprises.
func plain(t *testing.T) Request {
	return Request{
		Pipeline: parse(t, wholePipeline), Location: "s3://logs/_pipelines/app-logs.yaml",
		Job: jobs.BatchJob{
			ArraySize: 100, Attempts: 5,
			Container: jobs.Container{Image: "registry.example/s3compact:1.0", Platform: jobs.PlatformEC2, VCPUs: "2", MemoryMiB: 4096, StopTimeout: 2 * time.Minute},
		},
		Permissions: []Statement{
			{"Buckets", "Allow", []string{"s3:ListBucket"}, []string{"arn:aws:s3:::logs"}},
			{"Objects", "Allow", []string{"s3:GetObject", "s3:PutObject"}, []string{"arn:aws:s3:::logs/*"}},
		},
		ScratchGiB: 50,
	}
}

// nasty has texts that mean something in one of the formats.
func nasty(t *testing.T) Request {
	r := plain(t)
	r.Location = nastyLocation
	r.Job.Container.Image = `registry.example/"quoted" $image:${1}%{2}`
	r.Job.Environment = []jobs.Variable{{Name: "NASTY", Value: nastyValue}, {Name: "AWS_REGION", Value: "eu-west-1"}}
	r.Job.Container.Platform, r.Job.Container.ExecutionRoleARN = jobs.PlatformFargate, "arn:aws:iam::123456789012:role/x"
	r.Job.Container.JobRoleARN = "arn:aws:iam::123456789012:role/jobs"
	r.Job.Timeout, r.Job.ArraySize = 6*time.Hour, 1
	r.Permissions[1].Resource = []string{`arn:aws:s3:::logs/it's "${*}" ${?} %{if} \ $(id) é/*`}
	return r
}

const (
	nastyLocation = `s3://logs/_it's a "test" $HOME $(id) ${x} %{y} \ back` + "`tick`" + `/é😀.yaml`
	nastyValue    = "two\nlines\tand 'quotes' \"$HOME\" $$ $(S3COMPACT_SHARD_COUNT) `id` ${x} %{y} \\"
)

func TestFiles(t *testing.T) {
	for _, c := range []struct {
		name string
		r    Request
	}{{"plain", plain(t)}, {"nasty", nasty(t)}} {
		for _, f := range Formats() {
			t.Run(c.name+"/"+string(f), func(t *testing.T) {
				files, err := Files(f, c.r)
				if err != nil {
					t.Fatal(err)
				}
				checkGolden(t, filepath.Join("testdata", c.name, string(f)), files)
			})
		}
	}
}

func checkGolden(t *testing.T, dir string, files []File) {
	t.Helper()
	for _, file := range files {
		golden := filepath.Join(dir, file.Name)
		if *update {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(golden, file.Content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), string(file.Content)); d != "" {
			t.Errorf("%s (-want +got; go test ./jobs/infra -update writes them anew):\n%s", file.Name, d)
		}
	}
	there, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(there) != len(files) {
		t.Errorf("%d golden files for %d files", len(there), len(files))
	}
}

// file is one of the files of a format.
func file(t *testing.T, f Format, r Request, name string) string {
	t.Helper()
	files, err := Files(f, r)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(files, func(f File) bool { return f.Name == name })
	if i < 0 {
		t.Fatalf("%s has no file %s", f, name)
	}
	return string(files[i].Content)
}

// decode reads a file of YAML as other readers of YAML do.
func decode(t *testing.T, text string, into any) {
	t.Helper()
	var tree any
	if err := yaml.Unmarshal([]byte(text), &tree); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatal(err)
	}
}

// TestFilesBeginWithTheirUse: a file says how it is applied and removed, but for
// the policy, since JSON has no comments.
func TestFilesBeginWithTheirUse(t *testing.T) {
	for _, f := range Formats() {
		files, err := Files(f, plain(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			head := strings.TrimPrefix(strings.TrimPrefix(string(file.Content), "#!/bin/bash\n"), "#!/bin/sh\n")
			head, _, _ = strings.Cut(head, "\n\n")
			if file.Name != "policy.json" && (!strings.HasPrefix(head, "# ") || !strings.Contains(head, "# Apply") || !strings.Contains(head, "# Remove")) {
				t.Errorf("%s: %s begins with\n%s", f, file.Name, head)
			}
		}
	}
}

func TestOneStep(t *testing.T) {
	r := plain(t)
	r.Pipeline = parse(t, "version: 1\nname: app-logs\ncompact:\n  prefix: s3://logs/app/\n")
	submit := file(t, Slurm, r, "submit.sh")
	if strings.Contains(submit, "dependency") || strings.Count(submit, "$(sbatch") != 1 {
		t.Errorf("one step depends on another:\n%s", submit)
	}
	var stack stack
	decode(t, file(t, CloudFormation, r, "template.yaml"), &stack)
	definition := stack.Resources.StateMachine.Properties.Definition
	if len(definition.States) != 1 || definition.StartAt != "compact" || !definition.States["compact"].End {
		t.Errorf("state machine of one step: %+v", definition)
	}
	if definition.States["compact"].Parameters.ArrayProperties.Size != 100 {
		t.Errorf("compact is no array of 100: %+v", definition.States["compact"])
	}
}

// TestStepsRunInTurn: hotspots once, then the array of compact, then that of convert.
func TestStepsRunInTurn(t *testing.T) {
	var stack stack
	decode(t, file(t, CloudFormation, plain(t), "template.yaml"), &stack)
	definition := stack.Resources.StateMachine.Properties.Definition
	var order []string
	for name := definition.StartAt; name != ""; name = definition.States[name].Next {
		submits := definition.States[name].Parameters.JobDefinition
		if job := stack.Resources.StateMachine.Properties.DefinitionSubstitutions[strings.Trim(submits, "${}")]; !strings.EqualFold(job, name+"Job") {
			t.Errorf("the state %s submits %s, which is %q", name, submits, job)
		}
		order = append(order, fmt.Sprintf("%s %d", name, definition.States[name].Parameters.ArrayProperties.Size))
	}
	if d := cmp.Diff([]string{"hotspots 0", "compact 100", "convert 100"}, order); d != "" {
		t.Errorf("order of the states (-want +got):\n%s", d)
	}
}

// TestTriedAgainAsSubmit: the stack's jobs are tried again by the rules of submit.
func TestTriedAgainAsSubmit(t *testing.T) {
	for _, r := range []Request{plain(t), nasty(t)} {
		var stack stack
		decode(t, file(t, CloudFormation, r, "template.yaml"), &stack)
		want := rulesOf(jobs.RetryStrategy(r.Job.Container.Platform, r.Job.Attempts))
		for name, job := range map[string]job{"hotspots": stack.Resources.HotspotsJob, "compact": stack.Resources.CompactJob, "convert": stack.Resources.ConvertJob} {
			var got []rule
			for _, e := range job.Properties.RetryStrategy.EvaluateOnExit {
				got = append(got, rule{e["Action"], e["OnStatusReason"], e["OnReason"], e["OnExitCode"]})
			}
			if d := cmp.Diff(want, got); d != "" || job.Properties.RetryStrategy.Attempts != r.Job.Attempts {
				t.Errorf("%s: rules of submit and of the stack (-want +got):\n%s", name, d)
			}
		}
	}
}

// TestPolicyArrives: the role of the jobs is allowed what was asked, whatever
// is in the names.
func TestPolicyArrives(t *testing.T) {
	want := nasty(t).Permissions
	var stack stack
	decode(t, file(t, CloudFormation, nasty(t), "template.yaml"), &stack)
	var policy struct{ Statement []Statement }
	if err := json.Unmarshal([]byte(file(t, Slurm, nasty(t), "policy.json")), &policy); err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][]Statement{
		"template.yaml": stack.Resources.JobRole.Properties.Policies[0].PolicyDocument.Statement, "policy.json": policy.Statement,
	} {
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// stack is what the tests ask of a stack.
type stack struct {
	Resources struct {
		JobRole struct {
			Properties struct {
				Policies []struct {
					PolicyDocument struct{ Statement []Statement }
				}
			}
		}
		HotspotsJob  job
		CompactJob   job
		ConvertJob   job
		StateMachine struct {
			Properties struct {
				DefinitionSubstitutions map[string]string
				Definition              struct {
					StartAt string
					States  map[string]state
				}
			}
		}
	}
}

type job struct {
	Properties struct {
		RetryStrategy struct {
			Attempts       int
			EvaluateOnExit []map[string]string
		}
		ContainerProperties struct {
			Command     []string
			Environment []struct{ Name, Value string }
		}
	}
}

type state struct {
	Next       string
	End        bool
	Parameters struct {
		JobDefinition   string
		ArrayProperties struct{ Size int }
	}
}
