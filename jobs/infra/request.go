package infra

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/s3compact/s3compact/jobs"
)

// Format is where the pipeline is to run.
type Format string

// The formats, by the names that users write.
const (
	CloudFormation Format = "cloudformation"
	Terraform      Format = "terraform"
	Kubernetes     Format = "kubernetes"
	Slurm          Format = "slurm"
)

// Formats lists all of them.
func Formats() []Format { return []Format{CloudFormation, Terraform, Kubernetes, Slurm} }

// Request is what the files are made of.
type Request struct {
	Pipeline *jobs.Pipeline
	// Location is the pipeline's file as the jobs read it: s3://BUCKET/KEY, for
	// Slurm also a path that all nodes share.
	Location string
	// Job is what a step's job is made of: container, environment, children of
	// the array, attempts and timeout. Its name, queue, command and definition
	// are not asked: the files make their own.
	Job jobs.BatchJob
	// Permissions are what the pipeline does in S3 and Glue.
	Permissions []Statement
	// ScratchGiB is the disk that a job of convert has for what does not fit
	// into memory.
	ScratchGiB int
}

// Statement allows actions on resources, as a statement of AWS IAM does.
type Statement struct {
	Sid      string
	Effect   string
	Action   []string
	Resource []string
}

// minStopTimeout is the least time from SIGTERM to SIGKILL: a step needs some
// seconds to finish what is on its way before it stops.
const minStopTimeout = time.Minute

// variableName is what every shell and scheduler takes.
var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// validate finds what no scheduler could run.
func (r Request) validate(f Format) error {
	var faults []error
	fault := func(format string, a ...any) { faults = append(faults, fmt.Errorf(format, a...)) }
	if !slices.Contains(Formats(), f) {
		fault("format %q: write cloudformation, terraform, kubernetes or slurm", f)
	}
	if f != Slurm && !strings.HasPrefix(r.Location, "s3://") {
		fault("the pipeline %s is on this machine, where no job can reach it: copy it to S3 and name the object", r.Location)
	}
	if f != Slurm && r.Job.Container.Image == "" {
		fault("name the container image: image in the section batch")
	}
	for _, v := range r.Job.Environment {
		switch {
		case !variableName.MatchString(v.Name):
			fault("env %s: write letters, digits and underscores, no digit first", v.Name)
		case f != Slurm && v.Name == "TMPDIR":
			fault("env TMPDIR: the files set it themselves, to the disk of the jobs")
		}
	}
	if stop := r.Job.Container.StopTimeout; stop < minStopTimeout {
		fault("stop timeout %s: a step needs %s or more to stop and go on later", stop, minStopTimeout)
	}
	if t := r.Job.Timeout; t > 0 && t < 2*r.Job.Container.StopTimeout {
		fault("timeout %s: it must leave at least as much time for work as the stop timeout, %s", t, r.Job.Container.StopTimeout)
	}
	if r.ScratchGiB < minScratchGiB || r.ScratchGiB > maxScratchGiB {
		fault("%d GiB of scratch: from %d to %d", r.ScratchGiB, minScratchGiB, maxScratchGiB)
	}
	for _, s := range r.texts() {
		if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			fault("%q is no UTF-8 text without NUL, and so fits into no file", s)
		}
	}
	return errors.Join(faults...)
}

// The bounds of Fargate's ephemeral storage, which hold for all formats alike.
// Source: AWS Batch API reference, EphemeralStorage.
const (
	minScratchGiB = 21
	maxScratchGiB = 200
)

// texts are all texts that users have chosen freely.
func (r Request) texts() []string {
	all := []string{r.Location, r.Job.Container.Image, r.Job.Container.JobRoleARN}
	for _, v := range r.Job.Environment {
		all = append(all, v.Name, v.Value)
	}
	for _, s := range r.Permissions {
		all = append(all, s.Resource...)
	}
	return all
}

// step is one job of the pipeline.
type step struct {
	Name    string   // hotspots, compact or convert
	ID      string   // the same as a logical id
	Next    string   // the step behind it, "" for none
	Command []string // behind the program's name
	Array   int      // children; 1 for one job
	Spills  bool     // needs scratch
}

// steps are the jobs of the pipeline in their order. Refusals are no failure
// there: no scheduler starts a job behind one that ended with 3.
func (r Request) steps() []step {
	var all []step
	for _, s := range r.Pipeline.Steps() {
		j := step{Name: s.Name, ID: strings.ToUpper(s.Name[:1]) + s.Name[1:], Array: 1, Spills: s.Name == "convert"}
		if s.Name != "hotspots" {
			j.Array = r.Job.ArraySize
		}
		j.Command = []string{"run", "--only", s.Name, "--refusals-ok", "--yes"}
		if d := r.deadline(); d > 0 {
			j.Command = append(j.Command, "--deadline", strconv.Itoa(int(d/time.Second))+"s")
		}
		j.Command = append(j.Command, r.Location)
		if len(all) > 0 {
			all[len(all)-1].Next = s.Name
		}
		all = append(all, j)
	}
	return all
}

// deadline is when a step stops by itself, so that its attempt does not reach
// the timeout, behind which nothing is tried again.
func (r Request) deadline() time.Duration {
	if r.Job.Timeout == 0 {
		return 0
	}
	return r.Job.Timeout - r.Job.Container.StopTimeout
}

// wholeCPUs is the number of CPUs for what counts whole ones.
func (r Request) wholeCPUs() int {
	n, err := strconv.ParseFloat(r.Job.Container.VCPUs, 64)
	if err != nil {
		return 1
	}
	return max(1, int(math.Ceil(n)))
}
