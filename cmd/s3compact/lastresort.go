package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"
)

// mustEnd is when a run that was told to stop is ended, whatever it is doing:
// within the 20 seconds that are promised, and after the 15 that the compactor
// takes at most to finish what is committed. Nothing is lost, since a run may
// be killed at any moment.
const mustEnd = 19 * time.Second

// lastResort ends the program with the cause's exit code when ctx has been over
// for so long. The caller stops it when the run has ended by itself.
func lastResort(ctx context.Context, after time.Duration, log io.Writer, exit func(code int)) (stop func()) {
	done := make(chan struct{})
	stopped := context.AfterFunc(ctx, func() {
		t := time.NewTimer(after)
		defer t.Stop()
		select {
		case <-t.C:
			cause := context.Cause(ctx)
			fmt.Fprintf(log, "s3compact: %v (what was under way did not end within %s)\n", cause, after)
			exit(codeOf(cause))
		case <-done:
		}
	})
	return func() { stopped(); close(done) }
}

// endInTime is lastResort for this program.
func (p *program) endInTime(ctx context.Context) (stop func()) {
	return lastResort(ctx, mustEnd, p.stderr, os.Exit)
}
