package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/s3compact/s3compact/internal/progress"
)

// session is what the commands that work for long begin with: progress, logs
// above it, the form of the results, and a context that ends at the deadline.
type session struct {
	start  time.Time
	bar    *progress.Bar
	log    *slog.Logger
	json   bool // results as JSON lines
	cancel func()
}

// begin reads the flags that those commands share: --output (table, json, or one
// of the forms), --log-level and --deadline. The caller ends the session.
func (p *program) begin(c *cli.Context, title string, forms ...string) (*session, context.Context, error) {
	start := time.Now()
	if err := checkOutput(c, append([]string{"table", "json"}, forms...)...); err != nil {
		return nil, nil, err
	}
	bar, above := p.withProgress(c, title)
	log, err := above.logger(c)
	if err != nil {
		bar.Close()
		return nil, nil, err
	}
	ctx, cancel, err := withDeadline(c)
	if err != nil {
		bar.Close()
		return nil, nil, err
	}
	ended := p.endInTime(ctx)
	return &session{start: start, bar: bar, log: log, json: c.String("output") == "json", cancel: func() { ended(); cancel() }}, ctx, nil
}

// end closes the progress and gives back what the deadline holds.
func (s *session) end() {
	s.bar.Close()
	s.cancel()
}
