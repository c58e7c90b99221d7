package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

// parseDuration reads what time.ParseDuration reads, and days and weeks before
// it: 36h, 1d, 2w, 1d12h. A day is 24 hours.
func parseDuration(s string) (time.Duration, error) {
	var sum time.Duration
	rest := s
	for _, u := range []struct {
		name byte
		unit time.Duration
	}{{'w', 7 * 24 * time.Hour}, {'d', 24 * time.Hour}} {
		number, behind, ok := strings.Cut(rest, string(u.name))
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(number, 10, 32)
		if err != nil || n < 0 {
			return 0, fmt.Errorf("%q is no duration: write it as 90s, 36h, 1d or 2w", s)
		}
		if sum += time.Duration(n) * u.unit; sum < 0 || n > int64(maxDuration/u.unit) {
			return 0, fmt.Errorf("%q is longer than %d years", s, maxDuration/(365*24*time.Hour))
		}
		rest = behind
	}
	if rest == "" && rest != s {
		return sum, nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 && rest != s {
		return 0, fmt.Errorf("%q is no duration: write it as 90s, 36h, 1d or 2w", s)
	}
	return sum + d, nil
}

// maxDuration is the longest duration in days or weeks, far below what a time.Duration holds.
const maxDuration = 100 * 365 * 24 * time.Hour

// durationFlag reads a duration from a string flag.
func durationFlag(c *cli.Context, name string) (time.Duration, error) {
	d, err := parseDuration(c.String(name))
	switch {
	case err != nil:
		return 0, usageError("--%s: %v", name, err)
	case d < 0:
		return 0, usageError("--%s %s: not below zero", name, c.String(name))
	}
	return d, nil
}

// deadlineFlag bounds the run: at the deadline the work stops safely.
func deadlineFlag() cli.Flag {
	return &cli.StringFlag{Name: "deadline", Usage: "stop safely and exit 75 after this `DURATION`, such as 50m or 1d, or at a time such as 2026-01-31T06:00:00Z; 0 is never", Category: "run"}
}

// withDeadline applies --deadline. A time that is past stops the run at once:
// a pipeline that is started again after its deadline does no more.
func withDeadline(c *cli.Context) (context.Context, context.CancelFunc, error) {
	v := c.String("deadline")
	if v == "" {
		ctx, cancel := context.WithCancel(c.Context)
		return ctx, cancel, nil
	}
	at, err := time.Parse(time.RFC3339, v)
	if err != nil {
		d, derr := parseDuration(v)
		if derr != nil || d < 0 {
			return nil, nil, usageError("--deadline %q: write a duration such as 50m or 1d, or a time with its zone such as 2026-01-31T06:00:00Z", v)
		}
		if d == 0 {
			ctx, cancel := context.WithCancel(c.Context)
			return ctx, cancel, nil
		}
		at = time.Now().Add(d)
	}
	ctx, cancel := context.WithDeadlineCause(c.Context, at, errDeadline)
	return ctx, cancel, nil
}
