package jobs

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
)

// Platform is what a Batch job runs on.
type Platform string

// The platforms that a job definition is registered for.
const (
	PlatformEC2     Platform = "ec2"
	PlatformFargate Platform = "fargate"
)

// MaxArraySize bounds an AWS Batch array job (API reference, ArrayProperties).
const MaxArraySize = 10_000

// ContainerName is the container of the job definitions that Submit registers.
const ContainerName = "s3compact"

// Variable is one variable of a container's environment.
type Variable struct{ Name, Value string }

// BatchJob is an AWS Batch job that runs one command, once or as an array job
// whose children each do their shard of it.
type BatchJob struct {
	Name    string // of the job, and of the definition that is registered
	Queue   string // name or ARN
	Command []string
	// ArraySize is the number of children, 2 to MaxArraySize; 1 is a plain job.
	ArraySize int
	// Environment is added to the container's.
	Environment []Variable
	// DependsOn are the ids of jobs that must have succeeded, array jobs with all
	// of their children, before this one begins.
	DependsOn []string

	// Definition is an existing job definition: NAME (its newest active
	// revision), NAME:REVISION or an ARN. Where it is empty, one is registered
	// from Container.
	Definition string
	Container  Container

	// Attempts of each child, 1 to 10; see RetryStrategy for what is tried again.
	Attempts int
	// Timeout ends an attempt, which is then not tried again; a minute or more,
	// 0 is never.
	Timeout time.Duration
}

// Container is what a job definition is registered with.
type Container struct {
	Image            string // its entry point is s3compact
	Platform         Platform
	VCPUs            string // whole for EC2; 0.25, 0.5, 1, 2, 4, 8 or 16 for Fargate
	MemoryMiB        int64
	JobRoleARN       string // what the command may do in S3
	ExecutionRoleARN string // what ECS may do for the container; Fargate demands it
	// StopTimeout is the time from SIGTERM to SIGKILL, 2 s or more, for Fargate
	// 120 s at most. 0 registers the older containerProperties, which can't set
	// it and leave 30 s, instead of ecsProperties.
	StopTimeout time.Duration
}

// BatchAPI is what Submit asks of AWS Batch; *batch.Client has it.
type BatchAPI interface {
	DescribeJobDefinitions(context.Context, *batch.DescribeJobDefinitionsInput, ...func(*batch.Options)) (*batch.DescribeJobDefinitionsOutput, error)
	RegisterJobDefinition(context.Context, *batch.RegisterJobDefinitionInput, ...func(*batch.Options)) (*batch.RegisterJobDefinitionOutput, error)
	SubmitJob(context.Context, *batch.SubmitJobInput, ...func(*batch.Options)) (*batch.SubmitJobOutput, error)
}

// Submission is what AWS Batch made of a BatchJob.
type Submission struct {
	JobID, JobARN string
	Definition    string // ARN, or the name as it was given
}

// Submit registers a job definition, unless the job names one, and submits the
// job. The submission itself is sent once: AWS Batch takes a repeated request
// for another job, so after a lost answer somebody must look.
func Submit(ctx context.Context, api BatchAPI, j BatchJob) (Submission, error) {
	if err := j.Validate(); err != nil {
		return Submission{}, err
	}
	request := j.submitRequest()
	if j.Definition == "" {
		answer, err := api.RegisterJobDefinition(ctx, j.registerRequest())
		if err != nil {
			return Submission{}, fmt.Errorf("register the job definition %s: %w", j.Name, err)
		}
		request.JobDefinition = answer.JobDefinitionArn
	} else {
		definition, err := newestDefinition(ctx, api, j.Definition)
		if err != nil {
			return Submission{}, err
		}
		if err := j.override(request, definition); err != nil {
			return Submission{}, err
		}
	}
	definition := aws.ToString(request.JobDefinition)
	answer, err := api.SubmitJob(ctx, request, sendOnce)
	if err != nil {
		return Submission{}, fmt.Errorf("submit the job %s to the queue %s with the definition %s (before you try again, see whether it is there: aws batch list-jobs --job-queue %s): %w", j.Name, j.Queue, definition, j.Queue, err)
	}
	return Submission{JobID: aws.ToString(answer.JobId), JobARN: aws.ToString(answer.JobArn), Definition: definition}, nil
}

func sendOnce(o *batch.Options) { o.Retryer = aws.NopRetryer{} }

// jobName is what AWS Batch accepts (API reference, SubmitJob and RegisterJobDefinition).
var jobName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$`)

// Validate finds what AWS Batch would refuse, or would carry out in another way
// than was meant.
func (j BatchJob) Validate() error {
	var faults []error
	fault := func(format string, a ...any) { faults = append(faults, fmt.Errorf(format, a...)) }
	if !jobName.MatchString(j.Name) {
		fault("job name %q: write 1 to 128 letters, digits, hyphens and underscores, a letter or digit first", j.Name)
	}
	if j.Queue == "" {
		fault("no job queue is named")
	}
	if len(j.Command) == 0 {
		fault("no command is named")
	}
	if j.ArraySize < 1 || j.ArraySize > MaxArraySize {
		fault("array size %d: write 2 to %d, or 1 for a plain job", j.ArraySize, MaxArraySize)
	}
	if j.Attempts < 1 || j.Attempts > 10 {
		fault("%d attempts: write 1 to 10", j.Attempts)
	}
	if j.Timeout != 0 && j.Timeout < time.Minute {
		fault("timeout %s: AWS Batch has a minute for the least", j.Timeout)
	}
	for _, v := range j.Environment {
		switch {
		case v.Name == "":
			fault("a variable of the environment has no name")
		case strings.HasPrefix(v.Name, "AWS_BATCH"):
			fault("variable %s: names that begin with AWS_BATCH are AWS Batch's own", v.Name)
		case v.Name == "S3COMPACT_SHARD":
			fault("variable %s: each child finds its own shard", v.Name)
		}
	}
	if j.Definition == "" {
		faults = append(faults, j.Container.validate())
	}
	return errors.Join(faults...)
}

func (c Container) validate() error {
	var faults []error
	fault := func(format string, a ...any) { faults = append(faults, fmt.Errorf(format, a...)) }
	if c.Image == "" {
		fault("name the container image, or an existing job definition")
	}
	vcpus, err := strconv.ParseFloat(c.VCPUs, 64)
	if c.Platform != PlatformEC2 && c.Platform != PlatformFargate {
		fault("platform %q: write %s or %s", c.Platform, PlatformEC2, PlatformFargate)
	}
	switch {
	case err != nil || !(vcpus > 0 && vcpus < 1000):
		fault("%q vCPUs: write a number, such as 2", c.VCPUs)
	case c.Platform == PlatformEC2 && strings.Trim(c.VCPUs, "0123456789") != "":
		fault("%s vCPUs: on EC2 they are whole", c.VCPUs)
	case c.Platform == PlatformFargate && !slices.Contains([]string{"0.25", "0.5", "1", "2", "4", "8", "16"}, c.VCPUs):
		fault("%s vCPUs: Fargate has 0.25, 0.5, 1, 2, 4, 8 and 16", c.VCPUs)
	}
	if c.MemoryMiB < 64 || c.MemoryMiB > 1<<25 {
		fault("%d MiB of memory: write 64 MiB or more", c.MemoryMiB)
	}
	if c.Platform == PlatformFargate && c.ExecutionRoleARN == "" {
		fault("Fargate needs an execution role, which fetches the image and writes the log")
	}
	switch {
	case c.StopTimeout == 0:
	case c.StopTimeout < 2*time.Second:
		fault("stop timeout %s: ECS has 2s for the least; 0 leaves its default", c.StopTimeout)
	case c.Platform == PlatformFargate && c.StopTimeout > 120*time.Second:
		fault("stop timeout %s: Fargate has 2m0s for the most", c.StopTimeout)
	}
	return errors.Join(faults...)
}
