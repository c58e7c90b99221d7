package main

import (
	"github.com/urfave/cli/v2"

	"github.com/s3compact/s3compact/internal/progress"
)

// withProgress begins the progress of a command, which the caller closes, and
// returns the program whose logs are written above it. Without a terminal, or
// with --no-progress, it shows nothing.
func (p *program) withProgress(c *cli.Context, title string) (*progress.Bar, *program) {
	bar := progress.New(p.stderr, p.stderrTerminal && !c.Bool("no-progress"), title)
	above := *p
	above.stderr = bar.LogWriter(p.stderr)
	return bar, &above
}
