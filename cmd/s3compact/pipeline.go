package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/inventory"
	"github.com/s3compact/s3compact/jobs"
)

// callFlags differ from one call to the next, so that run and submit have them
// and no file does.
var callFlags = []string{"dry-run", "yes", "shard", "deadline", "output"}

// loadPipeline reads a pipeline at a path or s3:// location, and holds it against
// the flags that the commands have. A fault of the file is a usage error.
func (p *program) loadPipeline(ctx context.Context, c *cli.Context, location string) (*jobs.Pipeline, error) {
	text, err := readPipelineText(ctx, c, location)
	if err != nil {
		return nil, err
	}
	return p.parsePipeline(ctx, location, text)
}

func readPipelineText(ctx context.Context, c *cli.Context, location string) ([]byte, error) {
	if !inventory.IsS3(location) {
		text, err := os.ReadFile(location)
		if err != nil {
			return nil, usageError("read the pipeline: %v", err)
		}
		return text, nil
	}
	store, err := openStore(ctx, c, 1)
	if err != nil {
		return nil, err
	}
	return pipelineObject(ctx, store, location)
}

func pipelineObject(ctx context.Context, store *s3store.Client, location string) ([]byte, error) {
	l, err := s3store.ParseLocation(location)
	if err != nil {
		return nil, usageError("read the pipeline: %v", err)
	}
	text, _, err := store.ReadAll(ctx, l.Bucket, l.Key, jobs.MaxPipelineBytes)
	if err != nil {
		return nil, fmt.Errorf("read the pipeline: %w", stopped(ctx, err))
	}
	return text, nil
}

func (p *program) parsePipeline(ctx context.Context, location string, text []byte) (*jobs.Pipeline, error) {
	pipeline, err := jobs.ParsePipeline(text)
	if err != nil {
		return nil, usageError("%s: %v", location, err)
	}
	if err := checkHandover(pipeline); err != nil {
		return nil, usageError("%s: %v", location, err)
	}
	for _, s := range append(pipeline.Steps(), pipeline.Batch) {
		if s == nil {
			continue
		}
		if err := p.checkFlags(ctx, s); err != nil {
			return nil, usageError("%s: %v", location, err)
		}
	}
	return pipeline, nil
}

// commandOf is the command whose flags a step has.
func commandOf(s *jobs.Step) string {
	if s.Name == "batch" {
		return submitName
	}
	return s.Name
}

// checkFlags finds flags that the step's command does not have, or not so.
func (p *program) checkFlags(ctx context.Context, s *jobs.Step) error {
	command, caller := findCommand(p.app().Commands, commandOf(s)), "run"
	if s.Name == "batch" {
		caller = submitName
	}
	for _, f := range s.Flags {
		known := findFlag(command.Flags, f.Name)
		_, many := known.(*cli.StringSliceFlag)
		switch {
		case known == nil:
			hint := didYouMean(f.Name, plainNames(command.Flags))
			return fmt.Errorf("line %d, %s: unknown flag %s%s; see: s3compact %s --help", f.Line, s.Name, f.Name, hint, command.Name)
		case slices.Contains(callFlags, f.Name):
			return fmt.Errorf("line %d, %s: %s differs from call to call and is no part of a pipeline: give %s --%s", f.Line, s.Name, f.Name, caller, f.Name)
		case len(f.Values) > 1 && !many:
			return fmt.Errorf("line %d, %s: %s takes one value, not a list", f.Line, s.Name, f.Name)
		}
		if _, err := p.contextOf(ctx, command.Name, (&jobs.Step{Flags: []jobs.PipelineFlag{f}}).Words()); err != nil {
			return fmt.Errorf("line %d, %s: %w", f.Line, s.Name, err)
		}
	}
	return nil
}

// plainNames are the flags as a pipeline has them.
func plainNames(flags []cli.Flag) []string {
	names := flagNames(flags)
	for i := range names {
		names[i] = strings.TrimPrefix(names[i], "--")
	}
	return names
}

// checkHandover finds what keeps compact from getting its plan from hotspots.
func checkHandover(p *jobs.Pipeline) error {
	c := p.Compact
	if c == nil {
		return nil
	}
	plan := c.Flag("plan")
	switch {
	case p.Hotspots == nil && plan == nil && len(c.Arguments) == 0:
		return fmt.Errorf("line %d, compact: compact what? Write a section hotspots, or plan: or prefix: s3://bucket/prefix/ here", c.Line)
	case p.Hotspots != nil && plan != nil:
		return fmt.Errorf("line %d, compact: the plan is the one that hotspots makes; to keep it at a place of your own, give plan to hotspots", plan.Line)
	case p.Hotspots != nil && len(c.Arguments) > 0:
		return fmt.Errorf("line %d, compact: the plan of hotspots says what to compact: leave out prefix, or hotspots", c.Line)
	}
	return nil
}

// contextOf reads a command's words as the command would, and runs nothing.
func (p *program) contextOf(ctx context.Context, command string, words []string) (*cli.Context, error) {
	app := p.app()
	var read *cli.Context
	findCommand(app.Commands, command).Action = func(c *cli.Context) error {
		read = c
		return nil
	}
	if err := p.execute(ctx, app, append([]string{app.Name, command}, words...)); err != nil {
		return nil, err
	}
	return read, nil
}
