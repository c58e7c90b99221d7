package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const infraPipeline = `version: 1
name: app-logs
hotspots:
  inventory: s3://reports/logs/daily/
compact:
  gzip: multi
convert:
  sources: [s3://logs/app/]
  to: s3://tables/app/
batch:
  queue: spot
  image: registry.example/s3compact:1.0
  array-size: 7
`

// infraFile writes a pipeline and returns its path.
func infraFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "app.yaml")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestInfraOnStdout(t *testing.T) {
	r := s3compact("infra", "cloudformation", infraFile(t, infraPipeline), "--at", "s3://tables/_pipelines/app.yaml", "--scratch", "100GiB")
	if r.code != exitDone {
		t.Fatalf("%+v", r)
	}
	for _, part := range []string{"registry.example/s3compact:1.0", "Size: 7", `"s3://tables/_pipelines/app.yaml"`, "Default: 130"} {
		if !strings.Contains(r.stdout, part) {
			t.Errorf("the stack lacks %s", part)
		}
	}
}

func TestInfraInFolder(t *testing.T) {
	pipeline, folder := infraFile(t, infraPipeline), filepath.Join(t.TempDir(), "new", "folder")
	t.Chdir(filepath.Dir(pipeline))
	args := []string{"infra", "slurm", filepath.Base(pipeline), "--to", folder}
	if r := s3compact(args...); r.code != exitDone || strings.Count(r.stdout, folder) != 5 {
		t.Fatalf("%+v", r)
	}
	if r := s3compact(args...); r.code != exitDone {
		t.Errorf("the same files again: %+v", r)
	}
	if info, err := os.Stat(filepath.Join(folder, "submit.sh")); err != nil || info.Mode().Perm()&0o111 == 0 {
		t.Errorf("submit.sh can't be run: %v %v", info, err)
	}
	job := filepath.Join(folder, "compact.sbatch")
	text, err := os.ReadFile(job)
	if err != nil {
		t.Fatal(err)
	}
	// The nodes read the file where it is, wherever they stand.
	if !strings.Contains(string(text), " "+pipeline+"\n") {
		t.Errorf("the job does not read %s:\n%s", pipeline, text)
	}
	if err := os.WriteFile(job, []byte("of my own"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(folder, "submit.sh")); err != nil {
		t.Fatal(err)
	}
	if r := s3compact(args...); r.code != exitUsage || !strings.Contains(r.stderr, "--force") {
		t.Errorf("a file of one's own: %+v", r)
	}
	if _, err := os.Stat(filepath.Join(folder, "submit.sh")); err == nil {
		t.Error("a file was written though another was refused")
	}
	if mine, err := os.ReadFile(job); err != nil || string(mine) != "of my own" {
		t.Errorf("a file of one's own is now %q: %v", mine, err)
	}
	if r := s3compact(append(args, "--force")...); r.code != exitDone {
		t.Errorf("%+v", r)
	}
	if again, err := os.ReadFile(job); err != nil || string(again) != string(text) {
		t.Errorf("--force did not replace the file: %v", err)
	}
}

func TestInfraRefuses(t *testing.T) {
	at := []string{"--at", "s3://tables/_pipelines/app.yaml"}
	for name, c := range map[string]struct {
		args     []string
		old, new string // what is other in the pipeline
		want     string
	}{
		"no pipeline":    {nil, "", "", "name the format"},
		"format":         {append([]string{"infra", "nomad"}, at...), "", "", "nomad"},
		"local pipeline": {[]string{"infra", "terraform"}, "", "", "--at s3://"},
		"local table":    {append([]string{"infra", "terraform"}, at...), "s3://tables/app/", "/tables/app", "to /tables/app is on this machine"},
		"many files":     {append([]string{"infra", "kubernetes"}, at...), "", "", "--to FOLDER"},
		"definition":     {append([]string{"infra", "terraform"}, at...), "image: registry.example/s3compact:1.0", "job-definition: mine", "job-definition"},
		"no image":       {append([]string{"infra", "terraform"}, at...), "  image: registry.example/s3compact:1.0\n", "", "image"},
		"array":          {append([]string{"infra", "terraform"}, at...), "array-size: 7", "array-size: 20000", "array size 20000"},
		"stop timeout":   {append([]string{"infra", "terraform"}, at...), "array-size: 7", "stop-timeout: 0s", "stop timeout"},
		"flag":           {append([]string{"infra", "terraform"}, at...), "gzip: multi", "gzipp: multi", "did you mean gzip"},
		"bucket":         {append([]string{"infra", "terraform"}, at...), "inventory: s3://reports/logs/daily/", "inventory: s3://reports/", "--bucket"},
	} {
		t.Run(name, func(t *testing.T) {
			args := []string{"infra"}
			if c.args != nil {
				args = slices.Concat(c.args, []string{infraFile(t, strings.Replace(infraPipeline, c.old, c.new, 1))})
			}
			if r := s3compact(args...); r.code != exitUsage || !strings.Contains(r.stderr, c.want) || r.stdout != "" {
				t.Errorf("exit %d, want %d and %q: %s", r.code, exitUsage, c.want, r.stderr)
			}
		})
	}
}

// TestInfraReadsWhereItLies: the pipeline may be an object, which the jobs read too.
func TestInfraReadsWhereItLies(t *testing.T) {
	l := newLake(t)
	l.put("_pipelines/app.yaml", []byte(infraPipeline))
	location := "s3://" + l.bucket + "/_pipelines/app.yaml"
	r := s3compact("infra", "terraform", location)
	if r.code != exitDone || !strings.Contains(r.stdout, `"`+location+`"`) {
		t.Errorf("%+v", r)
	}
}
