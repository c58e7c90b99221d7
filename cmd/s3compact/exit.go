package main

import (
	"context"
	"errors"
	"fmt"
)

// Exit codes, as users and schedulers rely on them.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitRefused     = 3
	exitResumable   = 75
	exitInterrupted = 130
)

var (
	errInterrupted = errors.New("interrupted; run the same command again to go on")
	errTerminated  = errors.New("stopped by SIGTERM; run the same command again to go on")
	errDeadline    = errors.New("stopped by --deadline; run the same command again to go on")
	errSettling    = errors.New("nothing is lost; run the same command again later to go on")
	errRefused     = errors.New("done, but some were refused")
	// errSilent marks an error that has been told already.
	errSilent = errors.New("told already")
)

// usage is an error of the command line.
type usage struct{ msg string }

func (u *usage) Error() string { return u.msg }

func usageError(format string, a ...any) error { return &usage{fmt.Sprintf(format, a...)} }

// silent keeps the error's exit code but not its message.
type silent struct{ err error }

func (s silent) Error() string   { return s.err.Error() }
func (s silent) Unwrap() []error { return []error{s.err, errSilent} }

// exitCode is the code of a run that ended with err under ctx. Where several
// hold, the order is 2, 130, 75, 1, 3, 0.
func exitCode(ctx context.Context, err error) int {
	if err == nil {
		return exitDone
	}
	if u := (*usage)(nil); errors.As(err, &u) {
		return exitUsage
	}
	cause := context.Cause(ctx)
	switch {
	case errors.Is(cause, errInterrupted), errors.Is(err, errInterrupted):
		return exitInterrupted
	case errors.Is(cause, errTerminated), errors.Is(err, errTerminated), errors.Is(err, errDeadline), errors.Is(err, errSettling):
		return exitResumable
	}
	return codeOf(err)
}

func codeOf(err error) int {
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	case errors.Is(err, errTerminated), errors.Is(err, errDeadline), errors.Is(err, errSettling):
		return exitResumable
	case errors.Is(err, errRefused):
		return exitRefused
	}
	return exitFailed
}
