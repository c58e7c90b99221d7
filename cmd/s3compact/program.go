package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/s3compact/s3compact/inventory"
)

// program is one run of the command line with its streams, so that a test can run it many times.
type program struct {
	stdin  io.Reader
	stdout io.Writer // results
	stderr io.Writer // logs and progress
	// terminal says whether a person can answer and watch.
	stdinTerminal, stderrTerminal bool
	signals                       bool // handle SIGINT and SIGTERM
	// keepPlan is planTarget.keep for the plan that hotspots writes.
	keepPlan func(*inventory.PlanHeader) bool
}

func newProgram() *program {
	return &program{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		stdinTerminal:  term.IsTerminal(int(os.Stdin.Fd())),
		stderrTerminal: term.IsTerminal(int(os.Stderr.Fd())),
		signals:        true,
	}
}

// version is set by the linker; a build from the module proxy names itself.
var version = ""

func toolVersion() string {
	if version != "" {
		return version
	}
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" && b.Main.Version != "(devel)" {
		return b.Main.Version
	}
	return "devel"
}

// run executes the arguments (the first is the program's name) and returns the exit code.
func (p *program) run(args []string) int {
	ctx := context.Background()
	if p.signals {
		var stop func()
		ctx, stop = withSignals(ctx)
		defer stop()
	}
	err := p.execute(ctx, p.app(), args)
	code := exitCode(ctx, err)
	if err != nil && !errors.Is(err, errSilent) {
		fmt.Fprintf(p.stderr, "s3compact: %v\n", err)
	}
	return code
}

// execute runs the arguments (the first is the program's name) as app has the commands.
func (p *program) execute(ctx context.Context, app *cli.App, args []string) error {
	ordered, err := orderArgs(app, args)
	if err != nil {
		return err
	}
	return app.RunContext(ctx, ordered)
}

// withSignals cancels the context on the first SIGINT or SIGTERM, with the
// cause; a second one ends the program at once.
func withSignals(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	ch := make(chan os.Signal, 2)
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		for n := 0; ; n++ {
			select {
			case <-done:
				return
			case s := <-ch:
				cause := errTerminated
				if s == os.Interrupt {
					cause = errInterrupted
				}
				if n > 0 {
					os.Exit(codeOf(cause))
				}
				cancel(cause)
			}
		}
	}()
	return ctx, func() { signal.Stop(ch); close(done); cancel(nil) }
}

func (p *program) app() *cli.App {
	app := &cli.App{
		Name:            "s3compact",
		Usage:           "find the small gzip objects of an S3 data lake, join them safely, turn them into Parquet",
		Version:         toolVersion(),
		Writer:          p.stdout,
		ErrWriter:       p.stderr,
		HideHelpCommand: true,
		// A comma is part of a value; a flag with many values is repeated.
		DisableSliceFlagSeparator: true,
		Commands:                  p.commands(),
		ExitErrHandler:            func(*cli.Context, error) {},
		Action:                    cli.ShowAppHelp,
		OnUsageError:              func(_ *cli.Context, err error, _ bool) error { return usageError("%v", err) },
	}
	for _, c := range app.Commands {
		p.finish(c)
	}
	return app
}

// finish gives every command what all of them share.
func (p *program) finish(c *cli.Command) {
	c.OnUsageError = func(_ *cli.Context, err error, _ bool) error { return usageError("%v", err) }
	c.HideHelpCommand = true
	if len(c.Subcommands) > 0 {
		c.Action = func(ctx *cli.Context) error {
			if name := ctx.Args().First(); name != "" {
				return usageError("unknown command %q; see: s3compact %s --help", c.Name+" "+name, c.Name)
			}
			return cli.ShowSubcommandHelp(ctx)
		}
		for _, s := range c.Subcommands {
			p.finish(s)
		}
		return
	}
	c.Flags = append(c.Flags, commonFlags()...)
	for _, f := range c.Flags {
		addEnvVar(f)
	}
}

// logger writes to stderr: text on a terminal, JSON elsewhere.
func (p *program) logger(c *cli.Context) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.String("log-level"))); err != nil {
		return nil, usageError("--log-level %q: write debug, info, warn or error", c.String("log-level"))
	}
	o := &slog.HandlerOptions{Level: level}
	if p.stderrTerminal {
		return slog.New(slog.NewTextHandler(p.stderr, o)), nil
	}
	return slog.New(slog.NewJSONHandler(p.stderr, o)), nil
}

// examples formats the examples of a command's help.
func examples(lines ...string) string {
	return "Examples:\n   " + strings.Join(lines, "\n   ")
}
