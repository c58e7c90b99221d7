package infra

import (
	"strings"
	"testing"
	"time"

	"github.com/s3compact/s3compact/jobs"
)

func TestRefusesWhatNoSchedulerRuns(t *testing.T) {
	for _, c := range []struct {
		name   string
		format Format
		change func(*Request)
		want   string // "" where it is fine
	}{
		{"nothing", CloudFormation, func(*Request) {}, ""},
		{"format", "nomad", func(*Request) {}, "nomad"},
		{"local pipeline", Kubernetes, func(r *Request) { r.Location = "pipeline.yaml" }, "copy it to S3"},
		{"local pipeline for Slurm", Slurm, func(r *Request) { r.Location = "/shared/pipeline.yaml" }, ""},
		{"no image", Terraform, func(r *Request) { r.Job.Container.Image = "" }, "image"},
		{"no image for Slurm", Slurm, func(r *Request) { r.Job.Container.Image = "" }, ""},
		{"TMPDIR", Kubernetes, func(r *Request) { r.Job.Environment = []jobs.Variable{{Name: "TMPDIR", Value: "/x"}} }, "TMPDIR"},
		{"TMPDIR for Slurm", Slurm, func(r *Request) { r.Job.Environment = []jobs.Variable{{Name: "TMPDIR", Value: "/x"}} }, ""},
		{"variable", Slurm, func(r *Request) { r.Job.Environment = []jobs.Variable{{Name: "A B", Value: "x"}} }, "A B"},
		{"NUL", Slurm, func(r *Request) { r.Job.Environment = []jobs.Variable{{Name: "A", Value: "\x00"}} }, "NUL"},
		{"bytes", CloudFormation, func(r *Request) { r.Location = "s3://b/\xff" }, "UTF-8"},
		{"stop timeout", Kubernetes, func(r *Request) { r.Job.Container.StopTimeout = 59 * time.Second }, "1m0s"},
		{"timeout", CloudFormation, func(r *Request) { r.Job.Timeout = 3 * time.Minute }, "timeout 3m0s"},
		{"scratch", CloudFormation, func(r *Request) { r.ScratchGiB = 20 }, "from 21"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := plain(t)
			c.change(&r)
			_, err := Files(c.format, r)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

// TestStopsBeforeTheTimeout: behind the timeout nothing is tried again, so a
// step stops by itself before it, with 75.
func TestStopsBeforeTheTimeout(t *testing.T) {
	r := plain(t)
	r.Job.Timeout = time.Hour
	if words := strings.Join(r.steps()[1].Command, " "); words != "run --only compact --refusals-ok --yes --deadline 3480s s3://logs/_pipelines/app-logs.yaml" {
		t.Errorf("command %q", words)
	}
}

func TestWholeCPUs(t *testing.T) {
	for vcpus, want := range map[string]int{"0.25": 1, "2": 2, "1.5": 2} {
		r := plain(t)
		r.Job.Container.VCPUs = vcpus
		if got := r.wholeCPUs(); got != want {
			t.Errorf("%s vCPUs are %d whole ones, want %d", vcpus, got, want)
		}
	}
}
