package main

import (
	"bytes"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/s3compact/s3compact/internal/s3test/fault"
)

// worker is the program as a process of its own that reaches S3 through a
// proxy. Its methods may be called from the proxy's faults.
type worker struct {
	t       testing.TB
	cmd     *exec.Cmd
	out     bytes.Buffer
	log     bytes.Buffer
	exited  chan struct{}
	told    sync.Once
	toldAt  time.Time // of SIGTERM
	endedAt time.Time
}

// workerTime is how long a process may run before it counts as hanging.
const workerTime = 90 * time.Second

// startWorker starts the program. env has the credentials and the endpoint.
func startWorker(t testing.TB, env []string, p *fault.Proxy, args ...string) *worker {
	t.Helper()
	w := &worker{t: t, exited: make(chan struct{}), cmd: exec.Command(os.Args[0], args...)}
	w.cmd.Env = append(append(os.Environ(), env...), "AWS_ENDPOINT_URL_S3="+p.Endpoint, asProgram+"=1")
	w.cmd.Stdout, w.cmd.Stderr = &w.out, &w.log
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(w.exited)
		_ = w.cmd.Wait() // the exit code tells
		w.endedAt = time.Now()
	}()
	return w
}

// wait waits for the end of the process. Its exit code is -1 when it was killed.
func (w *worker) wait() result {
	w.t.Helper()
	select {
	case <-w.exited:
	case <-time.After(workerTime):
		w.kill()
		w.t.Errorf("a run did not end within %v: %s", workerTime, tail(w.log.String()))
	}
	return result{w.cmd.ProcessState.ExitCode(), w.out.String(), w.log.String()}
}

// kill ends the process as a lost machine does, and returns when it is gone.
func (w *worker) kill() {
	w.signal(syscall.SIGKILL)
	<-w.exited
}

func (w *worker) pause()  { w.signal(syscall.SIGSTOP) }
func (w *worker) resume() { w.signal(syscall.SIGCONT) }

// terminate asks the process to stop, as schedulers do, the first time.
func (w *worker) terminate() {
	w.told.Do(func() {
		w.toldAt = time.Now()
		w.signal(syscall.SIGTERM)
	})
}

func (w *worker) signal(s syscall.Signal) {
	_ = w.cmd.Process.Signal(s) // a process that has ended needs none
}

// tail is the end of a log, for messages.
func tail(log string) string {
	const enough = 1500
	return log[max(0, len(log)-enough):]
}
