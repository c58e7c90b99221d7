package jobs

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// arrayJob is a job in which every field that has no default is set.
func arrayJob() BatchJob {
	return BatchJob{
		Name:        "s3compact-compact",
		Queue:       "spot",
		Command:     []string{"compact", "--plan", "s3://logs/_plans/october.jsonl", "--yes"},
		ArraySize:   100,
		Environment: []Variable{{"GOMAXPROCS", "2"}, {"NO_PROXY", "a,b=c"}},
		Container: Container{
			Image:            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/s3compact:1.0",
			Platform:         PlatformEC2,
			VCPUs:            "2",
			MemoryMiB:        4096,
			JobRoleARN:       "arn:aws:iam::123456789012:role/compact",
			ExecutionRoleARN: "arn:aws:iam::123456789012:role/ecs",
			StopTimeout:      2 * time.Minute,
		},
		Attempts: 5,
		Timeout:  6 * time.Hour,
	}
}

func TestRequestsGolden(t *testing.T) {
	for name, change := range map[string]func(*BatchJob){
		"array-ec2": func(*BatchJob) {},
		"plain-fargate": func(j *BatchJob) {
			j.ArraySize, j.Timeout, j.Environment = 1, 0, nil
			j.Container.Platform, j.Container.VCPUs = PlatformFargate, "0.5"
			j.Container.JobRoleARN = ""
		},
		"container-properties": func(j *BatchJob) { j.Container.StopTimeout = 0 },
		"existing-definition":  func(j *BatchJob) { j.Definition, j.Container = "nightly:3", Container{} },
		"dependent":            func(j *BatchJob) { j.DependsOn = []string{"id-of-hotspots", "id-of-another"} },
		"newest-definition":    func(j *BatchJob) { j.Definition, j.Container = "nightly", Container{} },
	} {
		t.Run(name, func(t *testing.T) {
			j := arrayJob()
			change(&j)
			var got bytes.Buffer
			if _, err := Submit(t.Context(), DryRun(&got), j); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", name+".json")
			if *update {
				if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got.String()); d != "" {
				t.Errorf("requests (-want +got; go test ./jobs -update writes them anew):\n%s", d)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*BatchJob)
		err    string // a part of the error; "" for none
	}{
		{"as it is", func(*BatchJob) {}, ""},
		{"largest", func(j *BatchJob) { j.ArraySize, j.Attempts = 10_000, 10 }, ""},
		{"plain", func(j *BatchJob) { j.ArraySize, j.Attempts, j.Timeout = 1, 1, 0 }, ""},
		{"existing definition without a container", func(j *BatchJob) { j.Definition, j.Container = "d", Container{} }, ""},
		{"longer stop timeout on EC2", func(j *BatchJob) { j.Container.StopTimeout = 10 * time.Minute }, ""},

		{"no name", func(j *BatchJob) { j.Name = "" }, "job name"},
		{"name with a dot", func(j *BatchJob) { j.Name = "a.b" }, "job name"},
		{"name too long", func(j *BatchJob) { j.Name = strings.Repeat("a", 129) }, "job name"},
		{"no queue", func(j *BatchJob) { j.Queue = "" }, "no job queue"},
		{"no command", func(j *BatchJob) { j.Command = nil }, "no command"},
		{"no children", func(j *BatchJob) { j.ArraySize = 0 }, "array size 0"},
		{"too many children", func(j *BatchJob) { j.ArraySize = 10_001 }, "array size 10001"},
		{"no attempt", func(j *BatchJob) { j.Attempts = 0 }, "0 attempts"},
		{"too many attempts", func(j *BatchJob) { j.Attempts = 11 }, "11 attempts"},
		{"short timeout", func(j *BatchJob) { j.Timeout = 59 * time.Second }, "timeout 59s"},
		{"Batch's own variable", func(j *BatchJob) { j.Environment = []Variable{{"AWS_BATCH_JOB_ARRAY_INDEX", "1"}} }, "AWS Batch's own"},
		{"a shard for all", func(j *BatchJob) { j.Environment = []Variable{{"S3COMPACT_SHARD", "0/2"}} }, "finds its own shard"},
		{"variable without a name", func(j *BatchJob) { j.Environment = []Variable{{"", "1"}} }, "no name"},
		{"no image", func(j *BatchJob) { j.Container.Image = "" }, "name the container image"},
		{"unknown platform", func(j *BatchJob) { j.Container.Platform = "eks" }, `platform "eks"`},
		{"no vCPUs", func(j *BatchJob) { j.Container.VCPUs = "0" }, "vCPUs"},
		{"part of a vCPU on EC2", func(j *BatchJob) { j.Container.VCPUs = "0.5" }, "on EC2 they are whole"},
		{"not a number of vCPUs", func(j *BatchJob) { j.Container.VCPUs = "NaN" }, "write a number"},
		{"three vCPUs on Fargate", func(j *BatchJob) { j.Container.Platform, j.Container.VCPUs = PlatformFargate, "3" }, "Fargate has"},
		{"Fargate without its role", func(j *BatchJob) { j.Container.Platform, j.Container.ExecutionRoleARN = PlatformFargate, "" }, "execution role"},
		{"too little memory", func(j *BatchJob) { j.Container.MemoryMiB = 4 }, "4 MiB of memory"},
		{"long stop timeout on Fargate", func(j *BatchJob) { j.Container.Platform, j.Container.StopTimeout = PlatformFargate, 121*time.Second }, "stop timeout"},
		{"short stop timeout", func(j *BatchJob) { j.Container.StopTimeout = time.Second }, "stop timeout"},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := arrayJob()
			c.change(&j)
			err := j.Validate()
			switch {
			case c.err == "" && err != nil:
				t.Error(err)
			case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
				t.Errorf("error %v, want one with %q", err, c.err)
			}
		})
	}
}

// api answers like AWS Batch and keeps what it was asked.
type api struct {
	definitions []types.JobDefinition // one a page
	registerErr error
	submitErr   error
	registered  int
	submitted   []*batch.SubmitJobInput
	options     batch.Options // those of the last submission
}

func (a *api) DescribeJobDefinitions(_ context.Context, in *batch.DescribeJobDefinitionsInput, _ ...func(*batch.Options)) (*batch.DescribeJobDefinitionsOutput, error) {
	page := 0
	if in.NextToken != nil {
		if _, err := fmt.Sscan(*in.NextToken, &page); err != nil {
			return nil, err
		}
	}
	out := &batch.DescribeJobDefinitionsOutput{}
	if page < len(a.definitions) {
		out.JobDefinitions = a.definitions[page : page+1]
	}
	if page+1 < len(a.definitions) {
		out.NextToken = aws.String(fmt.Sprint(page + 1))
	}
	return out, nil
}

func (a *api) RegisterJobDefinition(context.Context, *batch.RegisterJobDefinitionInput, ...func(*batch.Options)) (*batch.RegisterJobDefinitionOutput, error) {
	a.registered++
	return &batch.RegisterJobDefinitionOutput{JobDefinitionArn: aws.String("arn:registered")}, a.registerErr
}

func (a *api) SubmitJob(_ context.Context, in *batch.SubmitJobInput, o ...func(*batch.Options)) (*batch.SubmitJobOutput, error) {
	a.submitted = append(a.submitted, in)
	for _, f := range o {
		f(&a.options)
	}
	return &batch.SubmitJobOutput{JobId: aws.String("id"), JobArn: aws.String("arn:job")}, a.submitErr
}

func definition(revision int32, change func(*types.JobDefinition)) types.JobDefinition {
	d := types.JobDefinition{
		JobDefinitionName: aws.String("nightly"), Revision: aws.Int32(revision),
		JobDefinitionArn:    aws.String(fmt.Sprintf("arn:nightly:%d", revision)),
		ContainerProperties: &types.ContainerProperties{Image: aws.String("i")},
	}
	if change != nil {
		change(&d)
	}
	return d
}

func TestSubmitUsesWhatWasRegistered(t *testing.T) {
	a := &api{}
	got, err := Submit(t.Context(), a, arrayJob())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(Submission{JobID: "id", JobARN: "arn:job", Definition: "arn:registered"}, got); d != "" {
		t.Errorf("submission (-want +got):\n%s", d)
	}
	if len(a.submitted) != 1 || aws.ToString(a.submitted[0].JobDefinition) != "arn:registered" {
		t.Errorf("submitted %v", a.submitted)
	}
	if _, once := a.options.Retryer.(aws.NopRetryer); !once {
		t.Errorf("a submission is retried by %T, and so may be carried out twice", a.options.Retryer)
	}
}

func TestSubmitStopsAtTheFirstError(t *testing.T) {
	refused := errors.New("refused")
	a := &api{registerErr: refused}
	if _, err := Submit(t.Context(), a, arrayJob()); !errors.Is(err, refused) || len(a.submitted) > 0 {
		t.Errorf("after a refused registration: %v, %d submissions", err, len(a.submitted))
	}
	a = &api{submitErr: refused}
	if _, err := Submit(t.Context(), a, arrayJob()); !errors.Is(err, refused) || !strings.Contains(err.Error(), "list-jobs") {
		t.Errorf("after a refused submission: %v", err)
	}
	a = &api{}
	j := arrayJob()
	j.ArraySize = 0
	if _, err := Submit(t.Context(), a, j); err == nil || a.registered > 0 {
		t.Errorf("a job that is not valid: %v, %d registrations", err, a.registered)
	}
}

func TestExistingDefinition(t *testing.T) {
	ecs := func(containers ...string) func(*types.JobDefinition) {
		return func(d *types.JobDefinition) {
			task := types.EcsTaskProperties{}
			for _, name := range containers {
				task.Containers = append(task.Containers, types.TaskContainerProperties{Name: aws.String(name)})
			}
			d.ContainerProperties = nil
			d.EcsProperties = &types.EcsProperties{TaskProperties: []types.EcsTaskProperties{task}}
		}
	}
	j := arrayJob()
	j.Definition = "nightly"
	for _, c := range []struct {
		name        string
		definitions []types.JobDefinition
		arn         string
		container   string // of the override for ECS
		err         string
	}{
		{"one container", []types.JobDefinition{definition(1, nil)}, "arn:nightly:1", "", ""},
		{"newest revision on any page", []types.JobDefinition{definition(9, nil), definition(10, nil), definition(2, nil)}, "arn:nightly:10", "", ""},
		{"ECS", []types.JobDefinition{definition(4, ecs("main"))}, "arn:nightly:4", "main", ""},
		{"two containers", []types.JobDefinition{definition(4, ecs("main", "log"))}, "", "", "more than one container"},
		{"EKS", []types.JobDefinition{definition(4, func(d *types.JobDefinition) { d.ContainerProperties = nil })}, "", "", "runs on nodes or EKS"},
		{"none", nil, "", "", "no active one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := &api{definitions: c.definitions}
			_, err := Submit(t.Context(), a, j)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) || len(a.submitted) > 0 {
					t.Fatalf("error %v, want one with %q and no submission", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			in := a.submitted[0]
			if aws.ToString(in.JobDefinition) != c.arn || a.registered > 0 {
				t.Errorf("submitted with %s, %d registrations", aws.ToString(in.JobDefinition), a.registered)
			}
			var command []string
			if c.container == "" {
				command = in.ContainerOverrides.Command
			} else {
				o := in.EcsPropertiesOverride.TaskProperties[0].Containers[0]
				command = o.Command
				if aws.ToString(o.Name) != c.container {
					t.Errorf("override of container %s, want %s", aws.ToString(o.Name), c.container)
				}
			}
			if d := cmp.Diff(j.Command, command); d != "" {
				t.Errorf("command (-want +got):\n%s", d)
			}
		})
	}
}

// AWS Batch takes five rules at most and tries again where none fits, so the
// last one must fit everything.
func TestRetryRules(t *testing.T) {
	for _, p := range []Platform{PlatformEC2, PlatformFargate} {
		rules := RetryStrategy(p, 3).EvaluateOnExit
		last := rules[len(rules)-1]
		if len(rules) > 5 || last.Action != types.RetryActionExit || aws.ToString(last.OnReason) != "*" || last.OnExitCode != nil || last.OnStatusReason != nil {
			t.Errorf("%s: %d rules, the last one %+v", p, len(rules), last)
		}
	}
}
