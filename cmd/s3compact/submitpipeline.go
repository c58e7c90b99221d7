package main

import (
	"fmt"
	"log/slog"
	"path"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/s3compact/s3compact/inventory"
	"github.com/s3compact/s3compact/jobs"
)

// isPipeline tells a pipeline from the name of a command.
func isPipeline(word string) bool {
	extension := path.Ext(word)
	return inventory.IsS3(word) || extension == ".yaml" || extension == ".yml"
}

// submitPipeline submits a job for each step of a pipeline. extra are flags of
// run, which each of them is given.
func (p *program) submitPipeline(c *cli.Context, log *slog.Logger, location string, extra []string) error {
	if !inventory.IsS3(location) {
		return usageError("submit: %s is on this machine, where no child can reach it: copy it to S3 (aws s3 cp %s s3://BUCKET/_pipelines/) and name it s3://…", location, location)
	}
	flags, err := p.readRunFlags(extra)
	if err != nil {
		return err
	}
	store, err := openStoreAt(c.Context, c, "", 1) // --endpoint-url is the one of AWS Batch
	if err != nil {
		return err
	}
	text, err := pipelineObject(c.Context, store, location)
	if err != nil {
		return err
	}
	pipeline, err := p.parsePipeline(c.Context, location, text)
	if err != nil {
		return err
	}
	for _, s := range pipeline.Steps() {
		if err := checkReachable(s); err != nil {
			return usageError("submit: %s: %v", location, err)
		}
	}
	if err := setDefaults(c, pipeline.Batch); err != nil {
		return usageError("submit: %s: %v", location, err)
	}
	var chain []jobs.BatchJob
	for _, s := range pipeline.Steps() {
		command := wrapped{name: pipeline.Name, words: append([]string{"run", "--only", s.Name, "--refusals-ok", "--yes", location}, extra...)}
		job, err := batchJob(c, command)
		if err != nil {
			return err
		}
		job.Name += "-" + s.Name
		if s == pipeline.Hotspots {
			job.ArraySize = 1
		}
		chain = append(chain, job)
	}
	return p.submitJobs(c, log, flags["deadline"], chain...)
}

// jobFlags are flags of run that submit gives, each job its own.
var jobFlags = []string{"only", "shard", "yes", "dry-run", "refusals-ok"}

// readRunFlags reads what stands behind a pipeline.
func (p *program) readRunFlags(extra []string) (map[string]string, error) {
	app := p.app()
	ordered, err := orderArgs(app, append([]string{app.Name, "run"}, extra...))
	if err != nil {
		return nil, err
	}
	var w wrapped
	w.read(findCommand(app.Commands, "run"), ordered[2:])
	switch {
	case w.flags["help"] != "":
		return nil, usageError("submit: for the flags of run see: s3compact run --help")
	case len(w.arguments) > 0:
		return nil, usageError("submit: %s stands behind the pipeline, where only flags of run stand; the flags of submit stand before it", w.arguments[0])
	}
	for _, name := range jobFlags {
		if _, given := w.flags[name]; given {
			return nil, usageError("submit: leave --%s out: each job of the pipeline is given its own", name)
		}
	}
	return w.flags, nil
}

// localFlags name files that a command can read or write on its own machine alone.
var localFlags = []string{"report", "prices"}

// checkReachable finds what children cannot reach.
func checkReachable(s *jobs.Step) error {
	for _, f := range s.Flags {
		if slices.Contains(localFlags, f.Name) {
			return fmt.Errorf("line %d, %s: %s is a file of one machine, and a child's goes with the child: leave it out", f.Line, s.Name, f.Name)
		}
		for _, v := range f.Values {
			if slices.Contains(locationFlags, f.Name) && !inventory.IsS3(v) {
				return fmt.Errorf("line %d, %s: %s %s is on this machine, where no child can reach it: put it on S3 and name it s3://…", f.Line, s.Name, f.Name, v)
			}
		}
	}
	for _, a := range s.Arguments {
		if !inventory.IsS3(a) {
			return fmt.Errorf("line %d, %s: %s is on this machine, where no child can reach it: name an s3:// location", s.Line, s.Name, a)
		}
	}
	return nil
}

// setDefaults gives the flags that submit was not given the file's values.
func setDefaults(c *cli.Context, batch *jobs.Step) error {
	if batch == nil {
		return nil
	}
	for _, f := range batch.Flags {
		if c.IsSet(f.Name) {
			continue
		}
		for _, v := range f.Values {
			if err := c.Set(f.Name, v); err != nil {
				return fmt.Errorf("line %d, batch: %s: %w", f.Line, f.Name, err)
			}
		}
	}
	return nil
}
