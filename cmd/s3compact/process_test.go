package main

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"testing"
)

// asProgram in the environment makes the test binary be the program.
const asProgram = "S3COMPACT_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		_ = os.Unsetenv(asProgram)
		os.Exit(newProgram().run(append([]string{"s3compact"}, os.Args[1:]...)))
	}
	flag.Parse()
	inParallel := false
	flag.Visit(func(f *flag.Flag) { inParallel = inParallel || f.Name == "test.parallel" })
	if !inParallel {
		// What runs in parallel here waits for processes and answers more than it computes.
		_ = flag.Set("test.parallel", strconv.Itoa(4*runtime.GOMAXPROCS(0))) // a number is a number
	}
	os.Exit(m.Run())
}

// process runs the program as a process of its own, as workers that run at
// once do. (Within one process the CLI library shares its help flag.)
func process(args ...string) result {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	_ = cmd.Run() // the exit code tells
	return result{cmd.ProcessState.ExitCode(), out.String(), log.String()}
}
