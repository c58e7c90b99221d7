package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/s3compact/s3compact/inventory"
	"github.com/s3compact/s3compact/jobs"
	"github.com/s3compact/s3compact/jobs/infra"
)

func (p *program) infraCommand() *cli.Command {
	return &cli.Command{
		Name:      "infra",
		Usage:     "write what a pipeline needs to run on AWS Batch, Kubernetes or Slurm, as files",
		ArgsUsage: "cloudformation|terraform|kubernetes|slurm PIPELINE.yaml|s3://bucket/PIPELINE.yaml",
		Description: "The files run each step as a job of its own, one behind the other, by the numbers of the pipeline's\n" +
			"section batch, with the least permissions for its buckets. Nothing is sent and nothing is made; each\n" +
			"file begins with how to apply and how to remove it. docs/infra.md says what was checked, and how.\n\n" +
			examples(
				"s3compact infra cloudformation s3://my-logs/_pipelines/app.yaml > template.yaml",
				"s3compact infra terraform --at s3://my-logs/_pipelines/app.yaml app.yaml --to infra/",
				"s3compact infra kubernetes s3://my-logs/_pipelines/app.yaml --to infra/",
				"s3compact infra slurm /shared/app.yaml --to infra/",
			),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "at", Usage: "`LOCATION` of the pipeline's file for the jobs (default: the one that is read)", Category: "what"},
			&cli.StringFlag{Name: "bucket", Usage: "`NAME` of the bucket that the pipeline works on, where its file does not tell it", Category: "what"},
			&cli.StringSliceFlag{Name: "kms-key", Usage: "`ARN` or id of a KMS key that objects are encrypted with; may be repeated", Category: "what"},
			&cli.StringFlag{Name: "scratch", Value: "50GiB", Usage: "`SIZE` of the disk that a job of convert has for what does not fit into memory", Category: "what"},
			&cli.StringFlag{Name: "to", Usage: "write the files into this `FOLDER`; without it, one file alone goes to stdout", Category: "output"},
			&cli.BoolFlag{Name: "force", Usage: "replace files that are there and differ", Category: "output"},
		},
		Action: p.infra,
	}
}

func (p *program) infra(c *cli.Context) error {
	if c.NArg() != 2 {
		return usageError("infra: name the format and the pipeline, such as: s3compact infra kubernetes s3://my-logs/_pipelines/app.yaml --to infra/")
	}
	format, location := infra.Format(c.Args().Get(0)), c.Args().Get(1)
	request, err := p.infraRequest(c, format, location)
	if err != nil {
		return err
	}
	files, err := infra.Files(format, request)
	if err != nil {
		return usageError("infra: %v", err)
	}
	to := c.String("to")
	if to == "" && len(files) > 1 {
		return usageError("infra: %s takes %d files: give --to FOLDER", format, len(files))
	}
	if to == "" {
		_, err := p.stdout.Write(files[0].Content)
		return err
	}
	return p.writeFiles(to, files, c.Bool("force"))
}

// infraRequest reads the pipeline and what the flags say beside it.
func (p *program) infraRequest(c *cli.Context, format infra.Format, location string) (r infra.Request, err error) {
	if r.Pipeline, err = p.loadPipeline(c.Context, c, location); err != nil {
		return r, err
	}
	if r.Location = c.String("at"); r.Location == "" {
		r.Location = location
	}
	if !inventory.IsS3(r.Location) {
		if format != infra.Slurm {
			return r, usageError("infra: %s is on this machine, where no job can reach it: copy it to S3 (aws s3 cp %s s3://BUCKET/_pipelines/) and give --at s3://…", r.Location, location)
		}
		if r.Location, err = filepath.Abs(r.Location); err != nil {
			return r, fmt.Errorf("find the pipeline: %w", err)
		}
	}
	if format != infra.Slurm { // whose nodes may share a file system
		for _, s := range r.Pipeline.Steps() {
			if err := checkReachable(s); err != nil {
				return r, usageError("infra: %s: %v", location, err)
			}
		}
	}
	if r.Job, err = p.infraJob(c.Context, format, r.Pipeline); err != nil {
		return r, err
	}
	scratch, err := sizeFlag(c, "scratch", false)
	if err != nil {
		return r, err
	}
	r.ScratchGiB = int((scratch + 1<<30 - 1) >> 30)
	r.Permissions, err = permissionsOf(r.Pipeline, r.Location, c.String("bucket"), c.StringSlice("kms-key"))
	return r, err
}

// ownQueue stands for the queue that the files make themselves.
const ownQueue = "own"

// infraJob is the job that the section batch describes, but for its command.
func (p *program) infraJob(ctx context.Context, format infra.Format, pipeline *jobs.Pipeline) (jobs.BatchJob, error) {
	words := []string{"--queue=" + ownQueue}
	if pipeline.Batch != nil {
		words = append(words, pipeline.Batch.Words()...)
	}
	c, err := p.contextOf(ctx, submitName, words)
	if err != nil {
		return jobs.BatchJob{}, err
	}
	if c.String("job-definition") != "" {
		return jobs.BatchJob{}, usageError("infra: the files make their own job definitions: leave job-definition out of the section batch, and name image and the like")
	}
	job, err := batchJob(c, wrapped{name: pipeline.Name})
	if err != nil {
		return job, err
	}
	check := job
	check.Command = []string{"run"}
	if format == infra.Slurm && check.Container.Image == "" {
		check.Container.Image = "none"
	}
	if check.Container.ExecutionRoleARN == "" {
		check.Container.ExecutionRoleARN = "own"
	}
	if err := check.Validate(); err != nil {
		return job, usageError("infra: the section batch: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return job, nil
}

// writeFiles writes the files that are not there yet as they are. It looks at
// all of them before it writes the first.
func (p *program) writeFiles(folder string, files []infra.File, force bool) error {
	for _, f := range files {
		name := filepath.Join(folder, f.Name)
		there, err := os.ReadFile(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return fmt.Errorf("look at what is there: %w", err)
		case !force && !bytes.Equal(there, f.Content):
			return usageError("infra: %s is there and differs: see what was changed in it, or replace it with --force; nothing was written", name)
		}
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	for _, f := range files {
		name, mode := filepath.Join(folder, f.Name), fs.FileMode(0o644)
		if f.Executable {
			mode = 0o755
		}
		if err := os.WriteFile(name, f.Content, mode); err != nil {
			return fmt.Errorf("write the file: %w", err)
		}
		fmt.Fprintln(p.stdout, name)
	}
	return nil
}
