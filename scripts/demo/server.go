package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/s3compact/s3compact/internal/buildcache"
	"github.com/s3compact/s3compact/internal/s3test/versitygw"
)

// demo is the demo's folder and where it tells what happens.
type demo struct {
	dir string // .cache/demo
	log io.Writer
}

func openDemo(log io.Writer) (*demo, error) {
	root, err := buildcache.Root()
	if err != nil {
		return nil, err
	}
	return &demo{dir: filepath.Join(root, ".cache", "demo"), log: log}, nil
}

func (d *demo) say(format string, args ...any) { fmt.Fprintf(d.log, format+"\n", args...) }

// statePath is the file that says which server runs: its id, endpoint and keys.
func (d *demo) statePath() string { return filepath.Join(d.dir, "server.json") }

// errNotStarted says that there is no server to ask.
var errNotStarted = errors.New("the demo's S3 server does not run; start it with: go run ./scripts/demo start")

// server is the running server.
func (d *demo) server(ctx context.Context) (*versitygw.Server, error) {
	b, err := os.ReadFile(d.statePath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNotStarted
	}
	if err != nil {
		return nil, fmt.Errorf("read the server's state: %w", err)
	}
	var s versitygw.Server
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("read the server's state in %s: %w", d.statePath(), err)
	}
	if !s.Answers(ctx) {
		return nil, errNotStarted
	}
	return &s, nil
}

func (d *demo) buildServer(ctx context.Context, stdout io.Writer) error {
	path, err := versitygw.Binary(ctx, func(s string) { d.say("%s", s) })
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout, path)
	return nil
}

// start starts the server, over the data of an earlier one if there are any.
func (d *demo) start(ctx context.Context, stdout io.Writer) error {
	s, err := d.server(ctx)
	switch {
	case err == nil:
		d.say("the S3 server runs already, process %d", s.PID)
	case !errors.Is(err, errNotStarted):
		return err
	default:
		binary, err := versitygw.Binary(ctx, func(s string) { d.say("%s", s) })
		if err != nil {
			return err
		}
		if s, err = versitygw.StartDetached(ctx, binary, filepath.Join(d.dir, "server")); err != nil {
			return err
		}
		if err := d.save(s); err != nil {
			return errors.Join(err, s.Stop(ctx))
		}
		d.say("started the S3 server, process %d", s.PID)
	}
	fmt.Fprintln(stdout, s.Endpoint)
	return nil
}

func (d *demo) save(s *versitygw.Server) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(d.statePath(), b, 0o600); err != nil {
		return fmt.Errorf("write the server's state: %w", err)
	}
	return nil
}

// env prints the variables as lines for a POSIX shell.
func (d *demo) env(ctx context.Context, stdout io.Writer) error {
	s, err := d.server(ctx)
	if err != nil {
		return err
	}
	for _, e := range s.Env() {
		name, value, _ := strings.Cut(e, "=")
		if value == "" { // AWS tools take an empty profile for the name of one
			fmt.Fprintf(stdout, "unset %s\n", name)
			continue
		}
		fmt.Fprintf(stdout, "export %s='%s'\n", name, strings.ReplaceAll(value, "'", `'\''`))
	}
	return nil
}

func (d *demo) stop(ctx context.Context) error {
	s, err := d.server(ctx)
	if errors.Is(err, errNotStarted) {
		d.say("the S3 server does not run")
		return nil
	}
	if err != nil {
		return err
	}
	if err := s.Stop(ctx); err != nil {
		return err
	}
	d.say("stopped the S3 server, process %d", s.PID)
	return nil
}

func (d *demo) clean(ctx context.Context) error {
	if err := d.stop(ctx); err != nil {
		return err
	}
	if err := os.RemoveAll(d.dir); err != nil {
		return fmt.Errorf("remove the demo's data: %w", err)
	}
	d.say("removed %s", d.dir)
	return nil
}
