package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// usage is what one process took, its threads and children included.
type usage struct {
	User, System, Wall time.Duration
	PeakBytes          int64 // resident set
}

// CPU is the time that all cores worked for the process.
func (u usage) CPU() time.Duration { return u.User + u.System }

// launchCommand is the first argument that makes this program a launcher.
const launchCommand = "launch"

// measure runs a command and returns what it took. It is started by a launcher,
// a second process of this program: the kernel counts a process's peak memory
// from before it became another program, so a large parent would show up in its
// children. What is measured is thus never less than the launcher's 10 MB or so.
func measure(ctx context.Context, argv []string) (usage, error) {
	self, err := os.Executable()
	if err != nil {
		return usage{}, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return usage{}, err
	}
	defer r.Close()
	cmd := exec.CommandContext(ctx, self, append([]string{launchCommand}, argv...)...)
	cmd.ExtraFiles = []*os.File{w}
	out, err := cmd.CombinedOutput()
	if closeErr := w.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return usage{}, fmt.Errorf("%.300q: %w\n%s", argv, err, out)
	}
	var u usage
	if err := json.NewDecoder(r).Decode(&u); err != nil {
		return u, fmt.Errorf("the launcher's answer: %w", err)
	}
	return u, nil
}

// launch runs a command with this process's input and output, and writes what
// it took to file 3. The command must end with exit code 0.
func launch(argv []string) error {
	report := os.NewFile(3, "usage")
	if report == nil || len(argv) == 0 {
		return errors.New("the launcher is for the benchmark's own use")
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return err
	}
	ru, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return errors.New("this system does not say what a process took")
	}
	return json.NewEncoder(report).Encode(usage{
		User: cmd.ProcessState.UserTime(), System: cmd.ProcessState.SystemTime(), Wall: time.Since(start),
		PeakBytes: ru.Maxrss << 10, // Linux counts in KiB
	})
}
