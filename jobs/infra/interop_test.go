//go:build interop

package infra

import (
	_ "embed"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3compact/s3compact/internal/interop"
)

//go:embed testdata/terraform.py
var terraformCheck string

// folder has the files of a format.
func folder(t *testing.T, f Format, r Request) string {
	t.Helper()
	files, err := Files(f, r)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, file := range files {
		if err := os.WriteFile(filepath.Join(dir, file.Name), file.Content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// requests are those that every checker sees.
func requests(t *testing.T) map[string]Request {
	one := plain(t)
	one.Pipeline = parse(t, "version: 1\nname: a\ncompact:\n  prefix: s3://logs/app/\n")
	return map[string]Request{"plain": plain(t), "nasty": nasty(t), "one step": one}
}

func checked(t *testing.T, program string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestCfnLintAcceptsTheStack(t *testing.T) {
	python := interop.Infra(t)
	for name, r := range requests(t) {
		t.Run(name, func(t *testing.T) {
			checked(t, python, "-c", "import sys; from cfnlint.runner import main; sys.exit(main())", "--include-checks", "I", "--template", filepath.Join(folder(t, CloudFormation, r), "template.yaml"))
		})
	}
}

// TestTerraformProviderTakesTheArguments: python-hcl2 reads the file, and the
// provider's own schema knows every argument, block and attribute in it.
func TestTerraformProviderTakesTheArguments(t *testing.T) {
	python := interop.Infra(t)
	for name, r := range requests(t) {
		t.Run(name, func(t *testing.T) {
			interop.Run(t, python, terraformCheck, filepath.Join(folder(t, Terraform, r), "main.tf"))
		})
	}
}

func TestKubernetesTakesTheManifests(t *testing.T) {
	python := interop.Infra(t)
	for name, r := range requests(t) {
		t.Run(name, func(t *testing.T) {
			manifests, err := filepath.Glob(filepath.Join(folder(t, Kubernetes, r), "*.yaml"))
			if err != nil || len(manifests) < 2 {
				t.Fatalf("%v %v", manifests, err)
			}
			checked(t, python, append([]string{"-m", "kubernetes_validate", "--strict"}, manifests...)...)
		})
	}
}

// Words that mean something to a shell are quoted in single quotes, of which
// shellcheck thinks (SC2016, SC1003) that they were meant to; and a pipeline of one
// step makes a loop of one round (SC2043).
func TestShellcheckAcceptsTheScripts(t *testing.T) {
	shellcheck := filepath.Join(filepath.Dir(interop.Infra(t)), "shellcheck")
	for name, r := range requests(t) {
		t.Run(name, func(t *testing.T) {
			scripts, err := filepath.Glob(filepath.Join(folder(t, Slurm, r), "*.s*"))
			if err != nil || len(scripts) < 2 {
				t.Fatalf("%v %v", scripts, err)
			}
			scripts = append(scripts, filepath.Join(folder(t, Kubernetes, r), "run.sh"))
			checked(t, shellcheck, append([]string{"--exclude=SC2016,SC1003,SC2043"}, scripts...)...)
		})
	}
}

// makeStack makes a stack from a template, twice changed for what moto needs and
// AWS does not: it asks for a service role, and takes a list in a parameter apart
// letter by letter.
const makeStack = `
import json, os, sys
os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="eu-west-1")
from moto import mock_aws
import boto3
with mock_aws(config={"batch": {"use_docker": False}}):
    ec2, stacks = boto3.client("ec2"), boto3.client("cloudformation")
    parameters = {
        "Subnets": ec2.describe_subnets()["Subnets"][0]["SubnetId"],
        "SecurityGroups": ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"],
    }
    template = open(sys.argv[1]).read().replace("ReplaceComputeEnvironment: false", "ServiceRole: !GetAtt JobRole.Arn")
    template = template.replace("!Ref InstanceTypes", "[m5.large]")
    stacks.create_stack(StackName="app-logs", TemplateBody=template, Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()])
    jobs = boto3.client("batch").describe_job_definitions()["jobDefinitions"]
    print(json.dumps({d["jobDefinitionName"]: d["containerProperties"] for d in jobs}))
`

// TestMotoMakesTheStack: the references of the template lead to one another, and
// what users chose arrives as it was.
func TestMotoMakesTheStack(t *testing.T) {
	python := interop.Moto(t)
	for name, r := range map[string]Request{"plain": plain(t), "nasty": nasty(t)} {
		t.Run(name, func(t *testing.T) {
			var made map[string]struct {
				Command     []string
				Environment []struct{ Name, Value string }
			}
			out := interop.Run(t, python, makeStack, filepath.Join(folder(t, CloudFormation, r), "template.yaml"))
			if err := json.Unmarshal(out, &made); err != nil {
				t.Fatal(err)
			}
			for _, s := range r.steps() {
				job := made["app-logs-"+s.Name]
				if d := cmp.Diff(s.Command, job.Command); d != "" {
					t.Errorf("command of %s (-want +got):\n%s", s.Name, d)
				}
				environment := map[string]string{}
				for _, e := range job.Environment {
					environment[e.Name] = e.Value
				}
				for _, v := range r.Job.Environment {
					if environment[v.Name] != v.Value {
						t.Errorf("%s: %s is %q, want %q", s.Name, v.Name, environment[v.Name], v.Value)
					}
				}
				if environment["AWS_REGION"] != "eu-west-1" || environment["TMPDIR"] != "/scratch" {
					t.Errorf("%s: environment %v", s.Name, environment)
				}
			}
		})
	}
}
