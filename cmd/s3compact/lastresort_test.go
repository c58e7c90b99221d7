package main

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestLastResort(t *testing.T) {
	for _, tt := range []struct {
		name  string
		cause error         // why the run is told to stop; nil: it is not
		takes time.Duration // from then on
		code  int           // -1: it ends by itself
	}{
		{"SIGTERM and a run that hangs", errTerminated, time.Hour, exitResumable},
		{"deadline and a run that hangs", errDeadline, time.Hour, exitResumable},
		{"interrupt and a run that hangs", errInterrupted, time.Hour, exitInterrupted},
		{"a run that ends in time", errTerminated, 18 * time.Second, -1},
		{"a long run that nobody stops", nil, time.Hour, -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				code, at := -1, time.Duration(0)
				var log strings.Builder
				start := time.Now()
				stop := lastResort(ctx, mustEnd, &log, func(c int) { code, at = c, time.Since(start) })
				if tt.cause != nil {
					cancel(tt.cause)
				}
				time.Sleep(tt.takes)
				stop()
				cancel(nil)
				time.Sleep(time.Hour)
				synctest.Wait()
				if code != tt.code || code >= 0 && (at > 20*time.Second || !strings.Contains(log.String(), tt.cause.Error())) {
					t.Errorf("exit %d after %s: %q", code, at, log.String())
				}
			})
		})
	}
}
