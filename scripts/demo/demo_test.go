package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/internal/demodata"
	"github.com/s3compact/s3compact/internal/demodata/report"
)

// TestDemo goes the whole way with little data: start, fill, look, stop, start
// again over the same data, clean.
func TestDemo(t *testing.T) {
	ctx := t.Context()
	d := &demo{dir: filepath.Join(t.TempDir(), "demo"), log: t.Output()}
	var out bytes.Buffer
	if err := d.env(ctx, &out); !errors.Is(err, errNotStarted) {
		t.Errorf("env before start: %v", err)
	}
	if err := d.start(ctx, &out); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s, err := d.server(t.Context()); err == nil {
			t.Errorf("the test left a server running, process %d", s.PID)
		}
	})
	defer func() { _ = d.clean(ctx) }()
	first, err := d.server(ctx)
	if err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if err := d.start(ctx, &out); err != nil || strings.TrimSpace(out.String()) != first.Endpoint {
		t.Errorf("a second start: %v, %s; want the server that runs at %s", err, out.String(), first.Endpoint)
	}

	spec := demodata.Small(2, 3, 2000)
	out.Reset()
	if err := d.fill(ctx, spec, &out); err != nil {
		t.Fatal(err)
	}
	manifests := strings.Fields(out.String())
	if len(manifests) != 2 || !strings.HasSuffix(manifests[0], "/manifest.json") || !strings.HasPrefix(manifests[1], "s3://"+reportsBucket+"/"+logsBucket+"/daily-csv/") {
		t.Errorf("fill said %q", manifests)
	}
	if err := d.fill(ctx, spec, &out); err == nil || !strings.Contains(err.Error(), "clean") {
		t.Errorf("a second fill: %v", err)
	}
	b, err := os.ReadFile(filepath.Join(d.dir, "truth.json"))
	if err != nil {
		t.Fatal(err)
	}
	var truth demodata.Manifest
	if err := json.Unmarshal(b, &truth); err != nil || len(truth.Objects) != 6 {
		t.Errorf("truth.json: %d objects, %v", len(truth.Objects), err)
	}

	if err := d.stop(ctx); err != nil {
		t.Fatal(err)
	}
	if first.Answers(ctx) {
		t.Error("the server answers after stop")
	}
	if err := d.stop(ctx); err != nil {
		t.Errorf("a second stop: %v", err)
	}
	if err := d.start(ctx, &out); err != nil {
		t.Fatal(err)
	}
	second, err := d.server(ctx)
	if err != nil {
		t.Fatal(err)
	}
	listed := 0
	for row, err := range report.List(ctx, second.Client(), logsBucket, false) {
		if err != nil {
			t.Fatal(err)
		}
		if want := truth.Objects[listed]; row.Key != want.Key || row.ETag != want.MD5 {
			t.Errorf("after a restart object %d is %s, want %s", listed, row.Key, want.Key)
		}
		listed++
	}
	if listed != len(truth.Objects) {
		t.Errorf("after a restart %d objects, want %d", listed, len(truth.Objects))
	}
	if err := d.clean(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(d.dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder after clean: %v", err)
	}
}

// TestEnvIsShell: the lines that env prints set exactly its variables in a shell.
func TestEnvIsShell(t *testing.T) {
	ctx := t.Context()
	d := &demo{dir: filepath.Join(t.TempDir(), "demo"), log: t.Output()}
	var out bytes.Buffer
	if err := d.start(ctx, &out); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.clean(ctx) }()
	s, err := d.server(ctx)
	if err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if err := d.env(ctx, &out); err != nil {
		t.Fatal(err)
	}
	set, err := exec.CommandContext(ctx, "/bin/sh", "-c", out.String()+`echo "$AWS_ENDPOINT_URL_S3 $AWS_ACCESS_KEY_ID $AWS_SECRET_ACCESS_KEY"`).Output()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.TrimSpace(string(set)), s.Endpoint+" "+s.AccessKey+" "+s.SecretKey; got != want {
		t.Errorf("the shell has %q, want %q", got, want)
	}
}

func TestWrongCommands(t *testing.T) {
	for _, args := range [][]string{nil, {"begin"}, {"start", "now"}, {"fill", "--scale", "0"}, {"fill", "--scale", "NaN"}, {"fill", "--size", "3"}} {
		var out bytes.Buffer
		if err := run(t.Context(), args, &out, &out); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}
