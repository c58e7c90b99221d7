package main

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/s3compact/s3compact/jobs"
)

const submitName = "submit"

// containerFlags shape the job definition that submit registers, and so mean
// nothing beside one that exists.
var containerFlags = []string{"image", "platform", "vcpus", "job-memory", "job-role-arn", "execution-role-arn", "stop-timeout"}

func (p *program) submitCommand() *cli.Command {
	return &cli.Command{
		Name:      submitName,
		Usage:     "run compact, convert or a pipeline as AWS Batch array jobs, each child with its shard",
		ArgsUsage: "compact|convert ARGUMENT… | s3://bucket/PIPELINE.yaml [FLAG of run…]",
		Description: "Registers a job definition, unless one is named, and submits a job that runs the command. Flags of\n" +
			"submit stand before the command; all that follows the command is its own, word for word. Each child\n" +
			"of an array job finds its shard in its environment. Here --endpoint-url is the one of AWS Batch.\n\n" +
			"Of a pipeline each step is a job of its own, which begins when the one before it has succeeded:\n" +
			"hotspots a plain one, compact and convert arrays. Flags of submit rule over the file's section batch.\n\n" +
			"A child is tried again, up to --attempts times in all, when its Spot instance is lost, when it stopped\n" +
			"early and can go on (exit 75), when it failed (exit 1) and when its image could not be pulled; not\n" +
			"after a wrong call (2), refusals (3), a kill for want of memory, or --timeout. Give a command a\n" +
			"--deadline under --timeout, so that it stops in time to be tried again.\n\n" +
			examples(
				"s3compact submit --queue spot --image REGISTRY/s3compact:1.0 --job-role-arn ARN --array-size 100 \\",
				"   compact --plan s3://my-logs/_plans/october.jsonl --yes",
				"# the requests only, as JSON; nothing is sent",
				"s3compact submit --dry-run --queue spot --job-definition s3compact --array-size 16 \\",
				"   convert s3://my-logs/app/ --to s3://my-tables/app/ --schema s3://my-tables/_schemas/app.yaml",
				"s3compact submit --array-size 100 s3://my-tables/_pipelines/app.yaml --deadline 50m",
			),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "queue", Usage: "`NAME` or ARN of the job queue", Category: "job"},
			&cli.StringFlag{Name: "name", Usage: "`NAME` of the job and its definition (default s3compact-COMMAND)", Category: "job"},
			&cli.IntFlag{Name: "array-size", Value: 1, Usage: "run `N` children, 2 to 10,000, each with one shard of N; 1 is a plain job", Category: "job"},
			&cli.IntFlag{Name: "attempts", Value: 5, Usage: "try each child `N` times at most, 1 to 10", Category: "job"},
			&cli.DurationFlag{Name: "timeout", Usage: "end an attempt after this `DURATION`, a minute or more, for good; 0 is never", Category: "job"},
			&cli.StringSliceFlag{Name: "env", Usage: "set a variable of the container, `NAME=VALUE`; may be repeated", Category: "job"},
			&cli.StringFlag{Name: "job-definition", Usage: "use an existing definition, `NAME[:REVISION]` or ARN, and register none", Category: "definition"},
			&cli.StringFlag{Name: "image", Usage: "container `IMAGE` whose entry point is s3compact", Category: "definition"},
			&cli.StringFlag{Name: "platform", Value: string(jobs.PlatformEC2), Usage: "`PLATFORM`: ec2 or fargate", Category: "definition"},
			&cli.StringFlag{Name: "vcpus", Value: "2", Usage: "`NUMBER` of vCPUs of a child", Category: "definition"},
			&cli.StringFlag{Name: "job-memory", Value: "4GiB", Usage: "`SIZE` of a child's memory", Category: "definition"},
			&cli.StringFlag{Name: "job-role-arn", Usage: "`ARN` of the role that the command has in S3", Category: "definition"},
			&cli.StringFlag{Name: "execution-role-arn", Usage: "`ARN` of the role that starts the container; Fargate needs it", Category: "definition"},
			&cli.DurationFlag{Name: "stop-timeout", Value: 2 * time.Minute, Usage: "leave a child this `DURATION` from SIGTERM to its end; 0 registers the older containerProperties, which leave 30s", Category: "definition"},
			&cli.BoolFlag{Name: "dry-run", Usage: "print the requests as JSON and send nothing", Category: "job"},
			outputFlag("table", "json"),
		},
		Action: p.submit,
	}
}

// submittedLine is the result of submit as a JSON line.
type submittedLine struct {
	Type          string `json:"type"` // "submitted"
	JobID         string `json:"job_id"`
	JobARN        string `json:"job_arn"`
	JobName       string `json:"job_name"`
	Queue         string `json:"queue"`
	JobDefinition string `json:"job_definition"`
	ArraySize     int    `json:"array_size"`
	// DependsOn are the ids of the jobs that come before it.
	DependsOn []string `json:"depends_on,omitempty"`
}

func (p *program) submit(c *cli.Context) error {
	log, err := p.logger(c)
	if err != nil {
		return err
	}
	if err := checkOutput(c, "table", "json"); err != nil {
		return err
	}
	words := c.Args().Slice()
	if len(words) > 0 && isPipeline(words[0]) {
		return p.submitPipeline(c, log, words[0], words[1:])
	}
	command, err := readWrapped(p.app(), words)
	if err != nil {
		return err
	}
	job, err := batchJob(c, command)
	if err != nil {
		return err
	}
	return p.submitJobs(c, log, command.flags["deadline"], job)
}

// submitJobs submits jobs, each of which begins when the one before it has
// succeeded. The deadline is the one that their commands are given.
func (p *program) submitJobs(c *cli.Context, log *slog.Logger, deadline string, chain ...jobs.BatchJob) error {
	for _, job := range chain {
		if err := job.Validate(); err != nil {
			return usageError("submit: %v", err)
		}
	}
	if d, err := parseDuration(deadline); chain[0].Timeout > 0 && (err != nil || d == 0 || d >= chain[0].Timeout) {
		log.Warn("an attempt that reaches --timeout is not tried again: give the command a shorter --deadline", "timeout", chain[0].Timeout)
	}
	dryRun := c.Bool("dry-run")
	api := jobs.DryRun(p.stdout)
	if !dryRun {
		var err error
		if api, err = jobs.OpenBatch(c.Context, jobs.BatchOptions{
			Region: c.String("region"), Profile: c.String("profile"), EndpointURL: c.String("endpoint-url"), AppID: "s3compact-" + toolVersion(),
		}); err != nil {
			return err
		}
	}
	var submitted []string // ids
	for _, job := range chain {
		if n := len(submitted); n > 0 {
			job.DependsOn = submitted[n-1:]
		}
		s, err := jobs.Submit(c.Context, api, job)
		if err != nil {
			if len(submitted) > 0 {
				return fmt.Errorf("%w (submitted before it: %s; to take a job back: aws batch terminate-job --reason undone --job-id ID)", err, strings.Join(submitted, ", "))
			}
			return err
		}
		submitted = append(submitted, s.JobID)
		if !dryRun {
			if err := p.tellJob(c, job, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// tellJob tells of a job that was submitted.
func (p *program) tellJob(c *cli.Context, job jobs.BatchJob, s jobs.Submission) error {
	if c.String("output") == "json" {
		out := newLines(p.stdout)
		out.write(submittedLine{"submitted", s.JobID, s.JobARN, job.Name, job.Queue, s.Definition, job.ArraySize, job.DependsOn})
		return out.err
	}
	children := "a plain job"
	if job.ArraySize > 1 {
		children = fmt.Sprintf("an array job of %d", job.ArraySize)
	}
	if len(job.DependsOn) > 0 {
		children += " after " + strings.Join(job.DependsOn, ", ")
	}
	_, err := fmt.Fprintf(p.stdout, "submitted %s, %s, to the queue %s\njob id      %s\ndefinition  %s\n", job.Name, children, job.Queue, s.JobID, s.Definition)
	return err
}

// batchJob is the job that the flags describe.
func batchJob(c *cli.Context, command wrapped) (jobs.BatchJob, error) {
	job := jobs.BatchJob{
		Name: c.String("name"), Queue: c.String("queue"), Command: command.words,
		ArraySize: c.Int("array-size"), Attempts: c.Int("attempts"), Timeout: c.Duration("timeout"),
		Definition: c.String("job-definition"),
	}
	if job.Name == "" {
		job.Name = "s3compact-" + command.name
	}
	if job.Queue == "" {
		return job, usageError("submit: name the job queue: --queue NAME")
	}
	for _, v := range c.StringSlice("env") {
		name, value, ok := strings.Cut(v, "=")
		if !ok {
			return job, usageError("--env %s: write NAME=VALUE", v)
		}
		job.Environment = append(job.Environment, jobs.Variable{Name: name, Value: value})
	}
	if job.Definition != "" {
		for _, name := range containerFlags {
			if c.IsSet(name) {
				return job, usageError("--%s and --job-definition exclude one another: an existing definition has its own", name)
			}
		}
		return job, nil
	}
	memory, err := sizeFlag(c, "job-memory", false)
	if err != nil {
		return job, err
	}
	if memory%(1<<20) != 0 {
		return job, usageError("--job-memory %s: AWS Batch counts whole MiB: write MiB or GiB", c.String("job-memory"))
	}
	job.Container = jobs.Container{
		Image: c.String("image"), Platform: jobs.Platform(c.String("platform")), VCPUs: c.String("vcpus"), MemoryMiB: memory >> 20,
		JobRoleARN: c.String("job-role-arn"), ExecutionRoleARN: c.String("execution-role-arn"), StopTimeout: c.Duration("stop-timeout"),
	}
	return job, nil
}
