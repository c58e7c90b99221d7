package versitygw

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// watcher runs the server and waits for the end of its standard input, which
// this process holds open for as long as it lives. However this process ends,
// the server is then stopped by its id and its folder removed. It tells the
// server's id on standard output. Descriptor 3 stays open in the server alone
// and so shows when that has ended.
const watcher = `
dir=$1 log=$2
shift 2
"$@" </dev/null >>"$log" 2>&1 &
pid=$!
exec 3>&-
echo "$pid"
exec >/dev/null
read -r _
kill -9 "$pid" 2>/dev/null
wait "$pid"
rm -rf "$dir"
`

// StartWithProcess starts a server that lives as long as this process, with
// its data in a temporary folder, which is removed when this process has
// ended, be it killed.
func StartWithProcess(ctx context.Context, binary string) (*Server, error) {
	newDir := func() (string, error) { return os.MkdirTemp("", "s3compact-s3-") }
	return start(ctx, binary, newDir, launchWatched)
}

func launchWatched(argv []string, dir, logPath string) (*process, error) {
	alive, aliveInServer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer aliveInServer.Close()
	cmd := exec.Command("/bin/sh", append([]string{"-c", watcher, "s3test", dir, logPath}, argv...)...)
	cmd.ExtraFiles = []*os.File{aliveInServer}
	// A group of its own: Ctrl-C reaches this process, whose end the watcher sees.
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, errors.Join(err, alive.Close())
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, errors.Join(err, alive.Close())
	}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, alive.Close())
	}
	p := &process{stop: func() error {
		return errors.Join(stdin.Close(), cmd.Wait())
	}}
	said, err := io.ReadAll(stdout)
	if err == nil {
		p.pid, err = strconv.Atoi(string(bytes.TrimSpace(said)))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read the server's process id: %w", err), p.stop(), alive.Close())
	}
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		defer alive.Close()
		_, _ = io.Copy(io.Discard, alive) // nothing is written to it; it ends with the server
	}()
	p.exited = exited
	return p, nil
}

// StartDetached starts a server that goes on when this process ends, with its
// data in the folder dir. Stop ends it.
func StartDetached(ctx context.Context, binary, dir string) (*Server, error) {
	newDir := func() (string, error) { return dir, os.MkdirAll(dir, 0o755) }
	return start(ctx, binary, newDir, launchDetached)
}

func launchDetached(argv []string, _, logPath string) (*process, error) {
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		_ = cmd.Wait() // how it ended is in its log
	}()
	return &process{pid: cmd.Process.Pid, exited: exited, stop: func() error {
		if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
		<-exited
		return nil
	}}, nil
}

// Stop ends a detached server by its id and waits until it answers no more. It
// first makes sure that the id is still this server's: one that does not
// answer to its own keys is taken as gone, and nothing is killed.
func (s *Server) Stop(ctx context.Context) error {
	if !s.Answers(ctx) {
		return ctx.Err()
	}
	if err := unix.Kill(s.PID, unix.SIGTERM); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("stop the S3 server, process %d: %w", s.PID, err)
	}
	for s.Answers(ctx) {
		select {
		case <-ctx.Done():
		case <-time.After(readyPoll):
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("wait for the S3 server, process %d, to end: %w", s.PID, err)
	}
	return nil
}
