package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/s3compact/s3compact/jobs"
)

// stepNames are the steps of a pipeline in their order.
var stepNames = []string{"hotspots", "compact", "convert"}

func (p *program) runCommand() *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "carry out a pipeline: hotspots, compact and convert in turn, only what is new",
		ArgsUsage: "PIPELINE.yaml|s3://bucket/PIPELINE.yaml",
		Description: "The file has a section for each step, whose keys are the flags of that command. A run that was\n" +
			"stopped or killed goes on when it is started again: a plan that was made of the same inventory\n" +
			"report is used again, and compact and convert do what is left. docs/pipelines.md has every key.\n\n" +
			"Refusals (exit 3) do not keep the next step from running; what fails or is stopped does. With\n" +
			"--dry-run nothing is changed: the plan goes to a temporary file, and convert shows the sources as\n" +
			"they are before anything is compacted.\n\n" +
			examples(
				"s3compact run pipeline.yaml --dry-run",
				"s3compact run pipeline.yaml --yes",
				"s3compact run --only compact --shard 3/16 --yes s3://my-logs/_pipelines/app.yaml",
			),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "only", Usage: "carry out this `STEP` alone: " + strings.Join(stepNames, ", "), Category: "run"},
			&cli.BoolFlag{Name: "dry-run", Usage: "show what each step would do; change nothing and ask nothing", Category: "run"},
			&cli.BoolFlag{Name: "yes", Usage: "do not ask", Category: "run"},
			&cli.StringFlag{Name: "shard", Usage: "this process's share of compact and convert, `I/N` from 0 (default: from the array job's environment)", Category: "run"},
			&cli.BoolFlag{Name: "refusals-ok", Usage: "exit 0 where some were refused (exit 3), for schedulers that take every other code for a failure", Category: "run"},
			deadlineFlag(),
			outputFlag("table", "json"),
		},
		Action: p.runPipeline,
	}
}

// pipelineRun is one call of run.
type pipelineRun struct {
	p        *program
	log      *slog.Logger
	location string // of the file
	pipeline *jobs.Pipeline
	steps    []*jobs.Step // to carry out
	shared   []string     // flags that every step is given
	shard    string       // --shard
	shards   int
	dryRun   bool
	json     bool
	contexts map[string]*cli.Context // of the steps of the file: their flags, read
	plan     string                  // that compact carries out, once it is known
	folder   string                  // of the plan of a dry run
	out      *lines
}

func (p *program) runPipeline(c *cli.Context) error {
	if c.NArg() != 1 {
		return usageError("run which pipeline? Give one file, or s3:// location; see: s3compact run --help")
	}
	if err := checkOutput(c, "table", "json"); err != nil {
		return err
	}
	log, err := p.logger(c)
	if err != nil {
		return err
	}
	shard, err := jobs.ParseShard(c.String("shard"), lookupEnv)
	if err != nil {
		return usageError("%v", err)
	}
	ctx, cancel, err := withDeadline(c)
	if err != nil {
		return err
	}
	defer cancel()
	r := &pipelineRun{
		p: p, log: log, location: c.Args().First(), shared: sharedFlags(c), shard: c.String("shard"), shards: shard.Count,
		dryRun: c.Bool("dry-run"), json: c.String("output") == "json", out: newLines(p.stdout),
	}
	if r.pipeline, err = p.loadPipeline(ctx, c, r.location); err != nil {
		return err
	}
	if err := r.choose(c.String("only")); err != nil {
		return err
	}
	if err := r.check(ctx); err != nil {
		return stopped(ctx, err)
	}
	yes := c.Bool("yes")
	if slices.Contains(r.steps, r.pipeline.Compact) && !r.dryRun && !yes && !p.stdinTerminal {
		return usageError("compact deletes originals and there is no terminal to ask on: give --yes, or look first with --dry-run")
	}
	if r.dryRun {
		if r.folder, err = os.MkdirTemp("", "s3compact-run-"); err != nil {
			return fmt.Errorf("make a folder for the plan of a dry run: %w", err)
		}
		defer func() { _ = os.RemoveAll(r.folder) }() // a temporary folder that stays does no harm
	}
	return r.run(ctx, yes, c.Bool("refusals-ok"))
}

// sharedFlags are the flags of every command that run was given, as words.
func sharedFlags(c *cli.Context) []string {
	words := []string{"--output=" + c.String("output")}
	for _, f := range commonFlags() {
		if name := f.Names()[0]; c.IsSet(name) {
			words = append(words, fmt.Sprintf("--%s=%v", name, c.Value(name)))
		}
	}
	return words
}

// choose picks the steps to carry out.
func (r *pipelineRun) choose(only string) error {
	r.steps = r.pipeline.Steps()
	if only == "" {
		return nil
	}
	if !slices.Contains(stepNames, only) {
		return usageError("--only %q: write one of %s", only, strings.Join(stepNames, ", "))
	}
	r.steps = slices.DeleteFunc(r.steps, func(s *jobs.Step) bool { return s.Name != only })
	if len(r.steps) == 0 {
		return usageError("--only %s: %s has no section %s", only, r.location, only)
	}
	return nil
}

// planless stands for the plan where flags are checked before it is known.
const planless = "plan.jsonl"

// check reads the flags of all steps, and looks closer at those to be carried
// out, so that a mistake in the last one shows before the first one begins.
func (r *pipelineRun) check(ctx context.Context) error {
	r.contexts = map[string]*cli.Context{}
	for _, s := range r.pipeline.Steps() {
		c, err := r.p.contextOf(ctx, s.Name, r.words(s, planless, false))
		if err != nil {
			return r.inFile(s, err)
		}
		r.contexts[s.Name] = c
	}
	for _, s := range r.steps {
		if err := r.checkValues(ctx, s); err != nil {
			return r.inFile(s, err)
		}
	}
	return nil
}

func (r *pipelineRun) inFile(s *jobs.Step, err error) error {
	return fmt.Errorf("%s, line %d, %s: %w", r.location, s.Line, s.Name, err)
}

func (r *pipelineRun) checkValues(ctx context.Context, s *jobs.Step) (err error) {
	switch c := r.contexts[s.Name]; s {
	case r.pipeline.Hotspots:
		_, err = readHotspotsFlags(c)
		if err == nil && r.shards > 1 && r.pipeline.Compact != nil && c.String("listing") != "" {
			err = usageError("each shard would list anew and divide another plan: call run --only hotspots once, then --only compact for each shard")
		}
	case r.pipeline.Compact:
		if _, err = compactOptions(c); err == nil {
			err = checkCompactSource(c)
		}
	case r.pipeline.Convert:
		if c.String("plan") == "" { // a plan may still have to be made
			_, err = convertOptions(ctx, c)
		}
	}
	return err
}

// words are what a step's command is called with. What run says stands behind
// what the file says, and so rules.
func (r *pipelineRun) words(s *jobs.Step, plan string, yes bool) []string {
	words := append(s.Words(), r.shared...)
	if s == r.pipeline.Hotspots {
		if r.dryRun {
			words = append(words, "--report=") // none is written
		}
		return words
	}
	if r.shard != "" {
		words = append(words, "--shard="+r.shard)
	}
	if r.dryRun {
		words = append(words, "--dry-run")
	}
	if s == r.pipeline.Compact {
		if yes {
			words = append(words, "--yes")
		}
		if r.pipeline.Hotspots != nil {
			words = append(words, "--plan="+plan)
		}
	}
	return words
}

// run carries the steps out until one does not come to its end.
func (r *pipelineRun) run(ctx context.Context, yes, refusalsOK bool) error {
	start := time.Now()
	var results []stepResult
	var ended error
	for _, s := range r.steps {
		if ended = context.Cause(ctx); ended != nil {
			break
		}
		r.announce(s)
		begun := time.Now()
		result, err := r.step(ctx, s, yes)
		err = stopped(ctx, err)
		result.Step, result.ExitCode, result.Seconds = s.Name, exitCode(ctx, err), seconds(time.Since(begun))
		results = append(results, result)
		if result.ExitCode == exitRefused {
			continue
		}
		if err != nil {
			ended = fmt.Errorf("%s: %w", s.Name, err)
			break
		}
	}
	if ended == nil && !refusalsOK && slices.ContainsFunc(results, func(s stepResult) bool { return s.ExitCode == exitRefused }) {
		ended = silent{errRefused}
	}
	r.close(pipelineLine{"pipeline", r.pipeline.Name, results, exitCode(ctx, ended), seconds(time.Since(start))})
	if ended == nil {
		return r.out.err
	}
	return ended
}

// step carries one step out, as if its command had been typed.
func (r *pipelineRun) step(ctx context.Context, s *jobs.Step, yes bool) (result stepResult, err error) {
	switch s {
	case r.pipeline.Hotspots:
		return r.makePlan(ctx)
	case r.pipeline.Compact:
		if r.pipeline.Hotspots == nil {
			break
		}
		if r.plan == "" {
			if r.plan, err = r.newestPlan(ctx); err != nil {
				return result, err
			}
		}
		result.Plan = r.plan
	}
	return result, r.call(ctx, r.p, s.Name, r.words(s, r.plan, yes))
}

// call runs a command of the program with its words.
func (r *pipelineRun) call(ctx context.Context, p *program, command string, words []string) error {
	app := p.app()
	return p.execute(ctx, app, append([]string{app.Name, command}, words...))
}

// dryRunPlan is where the plan of a dry run lies while it lasts.
func (r *pipelineRun) dryRunPlan() string { return filepath.Join(r.folder, planless) }
