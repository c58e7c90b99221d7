// Command demo runs the S3 server of the demo and fills it.
//
//	demo build-server   build the server, if it is not there yet
//	demo start          start it on a free port of loopback; it goes on in the background
//	demo fill           make the logs and their inventory reports
//	demo env            print shell lines that point AWS tools and s3compact at it
//	demo stop           stop it; its data stay
//	demo clean          stop it and remove its data
//
// All it keeps lies in .cache/demo of the project's folder.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/s3compact/s3compact/internal/demodata"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

const usage = "usage: demo build-server | start | fill [--scale N] | env | stop | clean"

// run carries out one command: results go to stdout, what happens to stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("no command\n%s", usage)
	}
	name, args := args[0], args[1:]
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(stderr)
	scale := flags.Float64("scale", 1, "fill: multiplies the objects of the hot prefixes, but of the reference one")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%s: unexpected argument %q\n%s", name, flags.Arg(0), usage)
	}
	d, err := openDemo(stderr)
	if err != nil {
		return err
	}
	switch name {
	case "build-server":
		return d.buildServer(ctx, stdout)
	case "start":
		return d.start(ctx, stdout)
	case "fill":
		if !(*scale > 0) {
			return fmt.Errorf("--scale %v: a number above zero", *scale)
		}
		return d.fill(ctx, demodata.Default(*scale), stdout)
	case "env":
		return d.env(ctx, stdout)
	case "stop":
		return d.stop(ctx)
	case "clean":
		return d.clean(ctx)
	}
	return fmt.Errorf("no command %q\n%s", name, usage)
}
