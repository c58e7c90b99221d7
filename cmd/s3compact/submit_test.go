package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/urfave/cli/v2"
)

// submitRequests are what a dry run printed, by operation.
func submitRequests(t *testing.T, stdout string) map[string]map[string]any {
	t.Helper()
	all := map[string]map[string]any{}
	for d := json.NewDecoder(strings.NewReader(stdout)); d.More(); {
		var r struct {
			Operation string
			Request   map[string]any
		}
		if err := d.Decode(&r); err != nil {
			t.Fatalf("%v in the output of a dry run:\n%s", err, stdout)
		}
		all[r.Operation] = r.Request
	}
	return all
}

// container is the only one of a registered definition.
func container(t *testing.T, register map[string]any) map[string]any {
	t.Helper()
	ecs, _ := register["ecsProperties"].(map[string]any)
	tasks, _ := ecs["taskProperties"].([]any)
	if len(tasks) != 1 {
		t.Fatalf("the definition has no single task: %v", register)
	}
	containers, _ := tasks[0].(map[string]any)["containers"].([]any)
	if len(containers) != 1 {
		t.Fatalf("the definition has no single container: %v", register)
	}
	return containers[0].(map[string]any)
}

func TestSubmitDryRun(t *testing.T) {
	r := s3compact("submit", "--dry-run", "--queue", "spot", "--array-size", "100", "--image", "i", "--job-memory", "2GiB",
		"--env", "A=1", "--env", "NO_PROXY=a,b=c", "compact", "--yes", "--plan", "s3://b/plan.jsonl", "--match=*.gz")
	if r.code != 0 {
		t.Fatalf("exit %d: %s", r.code, r.stderr)
	}
	requests := submitRequests(t, r.stdout)
	c := container(t, requests["registerjobdefinition"])
	want := []any{"compact", "--yes", "--plan", "s3://b/plan.jsonl", "--match=*.gz"}
	if d := cmp.Diff(want, c["command"]); d != "" {
		t.Errorf("command of the container (-want +got):\n%s", d)
	}
	env := []any{map[string]any{"name": "A", "value": "1"}, map[string]any{"name": "NO_PROXY", "value": "a,b=c"}}
	if d := cmp.Diff(env, c["environment"]); d != "" {
		t.Errorf("environment of the container (-want +got):\n%s", d)
	}
	resources := []any{map[string]any{"type": "VCPU", "value": "2"}, map[string]any{"type": "MEMORY", "value": "2048"}}
	if d := cmp.Diff(resources, c["resourceRequirements"]); d != "" {
		t.Errorf("resources of the container (-want +got):\n%s", d)
	}
	submit := requests["submitjob"]
	if d := cmp.Diff(map[string]any{"size": 100.0}, submit["arrayProperties"]); d != "" || submit["jobName"] != "s3compact-compact" {
		t.Errorf("submission %v", submit)
	}
}

// batchServer answers like AWS Batch and keeps the operations.
func batchServer(t *testing.T, status int) (url string, operations *[]string) {
	t.Helper()
	operations = new([]string)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*operations = append(*operations, strings.TrimPrefix(r.URL.Path, "/v1/"))
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		body := `{"jobDefinitionArn":"arn:definition","jobId":"4711","jobArn":"arn:job"}`
		if status != http.StatusOK {
			body = `{"message":"no such queue","code":"ClientException"}`
		}
		if _, err := w.Write([]byte(body)); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(s.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	t.Setenv("AWS_REGION", "eu-west-1")
	return s.URL, operations
}

func TestSubmitTellsTheJob(t *testing.T) {
	url, operations := batchServer(t, http.StatusOK)
	args := []string{"submit", "--endpoint-url", url, "--queue", "spot", "--image", "i", "--array-size", "4", "--output", "json", "compact", "s3://b/p/", "--yes"}
	r := s3compact(args...)
	if r.code != 0 {
		t.Fatalf("exit %d: %s", r.code, r.stderr)
	}
	var got submittedLine
	if err := json.Unmarshal([]byte(r.stdout), &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(submittedLine{"submitted", "4711", "arn:job", "s3compact-compact", "spot", "arn:definition", 4, nil}, got); d != "" {
		t.Errorf("result (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"registerjobdefinition", "submitjob"}, *operations); d != "" {
		t.Errorf("operations (-want +got):\n%s", d)
	}
	args[slices.Index(args, "json")] = "table"
	if r := s3compact(args...); r.code != 0 || !strings.Contains(r.stdout, "an array job of 4") || !strings.Contains(r.stdout, "4711") {
		t.Errorf("exit %d, output %q", r.code, r.stdout)
	}
}

func TestSubmitFails(t *testing.T) {
	url, _ := batchServer(t, http.StatusBadRequest)
	r := s3compact("submit", "--endpoint-url", url, "--queue", "spot", "--image", "i", "compact", "s3://b/p/", "--yes")
	if r.code != 1 || !strings.Contains(r.stderr, "no such queue") || r.stdout != "" {
		t.Errorf("exit %d, output %q, error %q", r.code, r.stdout, r.stderr)
	}
}

func TestSubmitWarnsOfATimeoutWithoutDeadline(t *testing.T) {
	const warning = "not tried again"
	for _, c := range []struct {
		deadline []string
		warned   bool
	}{
		{nil, true},
		{[]string{"--deadline", "2h"}, true},
		{[]string{"--deadline=50m"}, false},
	} {
		args := append([]string{"submit", "--dry-run", "--queue", "q", "--image", "i", "--timeout", "1h", "compact", "s3://b/p/", "--yes"}, c.deadline...)
		if r := s3compact(args...); r.code != 0 || strings.Contains(r.stderr, warning) != c.warned {
			t.Errorf("%v: exit %d, warned %v: %s", c.deadline, r.code, !c.warned, r.stderr)
		}
	}
}

func TestSubmitRefuses(t *testing.T) {
	submit := func(args ...string) []string {
		return append([]string{"submit", "--dry-run", "--queue", "q", "--image", "i"}, args...)
	}
	for _, c := range []struct {
		name string
		args []string
		err  string // a part of the error
	}{
		{"no command", submit(), "name the command"},
		{"a command that is no job", submit("hotspots", "--listing", "s3://b/"), `"hotspots" does not run as a job`},
		{"itself", submit("submit", "compact"), "does not run as a job"},
		{"flag of submit after the command", submit("compact", "s3://b/p/", "--yes", "--array-size", "2"), "unknown flag --array-size for compact"},
		{"flag of the command before it", submit("--yes", "compact", "s3://b/p/"), "unknown flag --yes for submit"},
		{"misspelt flag", submit("compact", "s3://b/p/", "--yess"), "unknown flag --yess"},
		{"flag without its value", submit("compact", "--yes", "--plan"), "--plan needs a value"},
		{"help of the command", submit("compact", "--help"), "s3compact compact --help"},
		{"plan on this machine", submit("compact", "--plan", "plan.jsonl", "--yes"), "--plan plan.jsonl is on this machine"},
		{"plan on this machine, joined", submit("compact", "--plan=plan.jsonl", "--yes"), "--plan plan.jsonl is on this machine"},
		{"prefix on this machine", submit("compact", "logs/", "--yes"), "logs/ is on this machine"},
		{"nothing to compact", submit("compact", "--yes"), "name what to compact"},
		{"without --yes", submit("compact", "s3://b/p/"), "give compact --yes"},
		{"with --yes=false", submit("compact", "s3://b/p/", "--yes=false"), "give compact --yes"},
		{"shard by hand", submit("compact", "s3://b/p/", "--yes", "--shard", "0/4"), "leave --shard out"},
		{"shard by hand, after --", submit("--", "compact", "s3://b/p/", "--yes", "--shard=0/4"), "leave --shard out"},
		{"too many children", submit("--array-size", "10001", "compact", "s3://b/p/", "--yes"), "array size 10001"},
		{"no queue", []string{"submit", "--dry-run", "--image", "i", "compact", "s3://b/p/", "--yes"}, "--queue"},
		{"no image", []string{"submit", "--dry-run", "--queue", "q", "compact", "s3://b/p/", "--yes"}, "image"},
		{"image and definition", submit("--job-definition", "d", "compact", "s3://b/p/", "--yes"), "--image and --job-definition"},
		{"variable without a value", submit("--env", "A", "compact", "s3://b/p/", "--yes"), "write NAME=VALUE"},
		{"part of a MiB", submit("--job-memory", "4GB", "compact", "s3://b/p/", "--yes"), "whole MiB"},
		{"unknown platform", submit("--platform", "eks", "compact", "s3://b/p/", "--yes"), `platform "eks"`},
		{"unknown output", submit("--output", "csv", "compact", "s3://b/p/", "--yes"), "--output"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := s3compact(c.args...)
			if r.code != 2 || !strings.Contains(r.stderr, c.err) || r.stdout != "" {
				t.Errorf("exit %d, want 2 and an error with %q\nstdout: %s\nstderr: %s", r.code, c.err, r.stdout, r.stderr)
			}
		})
	}
}

// wrapperApp has the flags that matter, whatever the real commands have.
func wrapperApp() *cli.App {
	return &cli.App{Name: "s3compact", Commands: []*cli.Command{
		{Name: "convert", Flags: []cli.Flag{
			&cli.StringFlag{Name: "to"}, &cli.StringFlag{Name: "schema", Aliases: []string{"s"}}, &cli.StringFlag{Name: "shard"}, &cli.BoolFlag{Name: "strict"},
			&cli.StringFlag{Name: "plan"}, &cli.StringFlag{Name: "inventory"},
		}},
		{Name: submitName, Flags: []cli.Flag{&cli.StringFlag{Name: "queue"}, &cli.BoolFlag{Name: "dry-run"}}},
		{Name: "other", Flags: []cli.Flag{&cli.StringFlag{Name: "queue"}}},
	}}
}

func TestWrappedConvert(t *testing.T) {
	for _, c := range []struct {
		args string
		err  string
	}{
		{"convert s3://b/logs/ --to s3://b/t/ -s s3://b/s.yaml --strict", ""},
		{"convert --to=s3://b/t/ -- s3://b/logs/", ""},
		{"convert --to s3://b/t/", "name what to convert"},
		{"convert --to s3://b/t/ --plan s3://b/plan.jsonl", ""},
		{"convert --to s3://b/t/ --plan plan.jsonl", "--plan plan.jsonl is on this machine"},
		{"convert --to s3://b/t/ --inventory s3://b/daily/", ""},
		{"convert --to s3://b/t/ --inventory daily/", "--inventory daily/ is on this machine"},
		{"convert logs/ --to s3://b/t/", "logs/ is on this machine"},
		{"convert s3://b/logs/ --to out/", "--to out/ is on this machine"},
		{"convert s3://b/logs/ --to s3://b/t/ -s s.yaml", "--schema s.yaml is on this machine"},
		{"convert s3://b/logs/ --to s3://b/t/ --shard 1/2", "leave --shard out"},
	} {
		w, err := readWrapped(wrapperApp(), strings.Fields(c.args))
		switch {
		case c.err == "" && err != nil:
			t.Errorf("%s: %v", c.args, err)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%s: error %v, want one with %q", c.args, err, c.err)
		case strings.Join(w.words, " ") != c.args:
			t.Errorf("%s: the children get %q", c.args, w.words)
		}
	}
}

func TestOrderArgsLeavesAWrappedCommandAsItIs(t *testing.T) {
	for args, want := range map[string]string{
		"submit convert --queue x --unknown -- y":            "submit -- convert --queue x --unknown -- y",
		"submit --queue q --dry-run convert --to x a --help": "submit --queue q --dry-run -- convert --to x a --help",
		"submit --queue q -- convert --to x":                 "submit --queue q -- convert --to x",
		"submit --queue q":                                   "submit --queue q",
		"submit --help convert":                              "submit --help",
		// Other commands are ordered as before.
		"other a --queue q b": "other --queue q -- a b",
	} {
		got, err := orderArgs(wrapperApp(), append([]string{"s3compact"}, strings.Fields(args)...))
		if err != nil {
			t.Errorf("%s: %v", args, err)
		} else if g := strings.Join(got[1:], " "); g != want {
			t.Errorf("%s: ordered to %s, want %s", args, g, want)
		}
	}
}
