package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// pipelineFile writes a pipeline with a head.
func pipelineFile(t *testing.T, sections string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pipeline.yaml")
	if err := os.WriteFile(path, []byte("version: 1\nname: app\n"+sections), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestRunRefuses: what is wrong with a pipeline shows before anything is done, with its line.
func TestRunRefuses(t *testing.T) {
	t.Setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1") // nothing is asked of S3
	const hot, tables = "hotspots: {inventory: s3://r/d/}\n", "convert:\n  sources: s3://b/p/\n  to: s3://t/a/\n"
	for _, c := range []struct {
		name, sections string
		args           []string
		err            string // a part of the error
	}{
		{"a slip in a flag", "compact:\n  prefix: s3://b/p/\n  gzpi: multi\n", nil, "line 5, compact: unknown flag gzpi (did you mean gzip?)"},
		{"a flag of another command", hot + "compact:\n  to: s3://b/\n", nil, "line 5, compact: unknown flag to"},
		{"a flag of hotspots that is none", "hotspots: {inventory: s3://r/d/, gzip: multi}\n", nil, "line 3, hotspots: unknown flag gzip"},
		{"a flag of submit that is none", tables + "batch:\n  qeue: q\n", nil, "line 7, batch: unknown flag qeue (did you mean queue?)"},
		{"help", "compact:\n  prefix: s3://b/p/\n  help: true\n", nil, "unknown flag help"},
		{"an argument of another step", "hotspots:\n  sources: s3://b/\n", nil, "line 4, hotspots: unknown flag sources"},
		{"yes", hot + "compact:\n  yes: true\n", nil, "line 5, compact: yes differs from call to call"},
		{"dry-run", hot + "compact:\n  dry-run: true\n", nil, "give run --dry-run"},
		{"shard", "convert:\n  shard: 0/2\n", nil, "give run --shard"},
		{"deadline", "convert:\n  deadline: 5m\n", nil, "give run --deadline"},
		{"output", "hotspots:\n  output: csv\n", nil, "give run --output"},
		{"a dry run of submit", tables + "batch: {dry-run: true}\n", nil, "give submit --dry-run"},
		{"a list for a flag of one value", "compact:\n  prefix: s3://b/p/\n  state: [s3://b/_a/, s3://b/_c/]\n", nil, "line 5, compact: state takes one value"},
		{"a number that is none", "compact:\n  prefix: s3://b/p/\n  concurrency: many\n", nil, `line 5, compact: invalid value "many"`},
		{"a truth that is none", "compact:\n  prefix: s3://b/p/\n  keep-originals: perhaps\n", nil, `line 5, compact: invalid`},
		{"a number of submit that is none", tables + "batch:\n  array-size: many\n", nil, `line 7, batch: invalid value "many"`},
		{"nothing to compact", "compact: {gzip: multi}\n", nil, "line 3, compact: compact what? Write a section hotspots"},
		{"a plan beside hotspots", hot + "compact:\n  plan: s3://b/plan\n", nil, "line 5, compact: the plan is the one that hotspots makes"},
		{"a prefix beside hotspots", hot + "compact:\n  prefix: s3://b/p/\n", nil, "line 4, compact: the plan of hotspots says what to compact"},
		{"a selection beside hotspots", hot + "compact:\n  match: '*.gz'\n", nil, "line 4, compact: --match stands beside --plan"},
		{"hotspots of nothing", "hotspots: {match: '*.gz'}\n", nil, "line 3, hotspots: name the source"},
		{"a value of hotspots", "hotspots: {inventory: s3://r/d/, group-by: file}\n", nil, "line 3, hotspots: "},
		{"a value of compact", hot + "compact: {gzip: zstd}\n", []string{"--yes"}, `line 4, compact: --gzip "zstd"`},
		{"a value of convert, last", hot + "compact:\n" + tables + "  batch-size: big\n", []string{"--yes"}, `line 5, convert: --batch-size "big"`},
		{"a schema that is not there", "convert:\n  sources: s3://b/p/\n  to: s3://t/a/\n  schema: nowhere.yaml\n", nil, "line 3, convert: schema: open nowhere.yaml"},
		{"a step that is not in the file", tables, []string{"--only", "compact"}, "has no section compact"},
		{"a step that there is not", tables, []string{"--only", "verify"}, "--only \"verify\": write one of hotspots, compact, convert"},
		{"a shard", tables, []string{"--shard", "4/4"}, "index 4"},
		{"an output", tables, []string{"--output", "csv"}, "--output \"csv\""},
		{"nobody to ask", hot + "compact:\n", nil, "give --yes"},
		{"a listing for each shard", "hotspots: {listing: s3://b/}\ncompact:\n", []string{"--yes", "--shard", "0/2"}, "line 3, hotspots: each shard would list anew"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := s3compact(append([]string{"run", pipelineFile(t, c.sections)}, c.args...)...)
			if r.code != exitUsage || !strings.Contains(r.stderr, c.err) || r.stdout != "" {
				t.Errorf("exit %d, want 2 and an error with %q\nstdout: %s\nstderr: %s", r.code, c.err, r.stdout, r.stderr)
			}
		})
	}
	if r := s3compact("run"); r.code != exitUsage || !strings.Contains(r.stderr, "run which pipeline?") {
		t.Errorf("without a file: %+v", r)
	}
	if r := s3compact("run", "nowhere.yaml"); r.code != exitUsage || !strings.Contains(r.stderr, "read the pipeline: open nowhere.yaml") {
		t.Errorf("a file that is not there: %+v", r)
	}
}

// TestRunTellsPlaces: a fault of the file is told with its place.
func TestRunTellsPlaces(t *testing.T) {
	path := pipelineFile(t, "compcat: {gzip: multi}\n")
	if r := s3compact("run", path); r.code != exitUsage || !strings.Contains(r.stderr, path+`: line 3, column 1: unknown section "compcat"`) {
		t.Errorf("%+v", r)
	}
}

// TestRunGivesItsFlagsToTheSteps: those of the call stand behind those of the file.
func TestRunGivesItsFlagsToTheSteps(t *testing.T) {
	p := &program{}
	c, err := p.contextOf(t.Context(), "run", []string{"--region", "eu-west-1", "--no-progress", "--output", "json", "p.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(sharedFlags(c), " "), "--output=json --region=eu-west-1 --no-progress=true"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	r := &pipelineRun{p: p, shared: sharedFlags(c), shard: "1/2"}
	if r.pipeline, err = p.loadPipeline(t.Context(), c, pipelineFile(t, "hotspots:\n  listing: s3://b/\n  region: us-east-1\ncompact:\n  gzip: single\nconvert:\n  sources: [s3://b/p/]\n  to: s3://t/a/\n")); err != nil {
		t.Fatal(err)
	}
	const shared = " --output=json --region=eu-west-1 --no-progress=true"
	for step, want := range map[string]string{
		"hotspots": "--listing=s3://b/ --region=us-east-1" + shared,
		"compact":  "--gzip=single" + shared + " --shard=1/2 --yes --plan=s3://b/p",
		"convert":  "--to=s3://t/a/ s3://b/p/" + shared + " --shard=1/2",
	} {
		for _, s := range r.pipeline.Steps() {
			if got := strings.Join(r.words(s, "s3://b/p", true), " "); s.Name == step && got != want {
				t.Errorf("%s: %s, want %s", step, got, want)
			}
		}
	}
	hot, err := p.contextOf(t.Context(), "hotspots", r.words(r.pipeline.Hotspots, "", false))
	if err != nil || hot.String("region") != "eu-west-1" {
		t.Errorf("region %q, %v: the call does not rule", hot.String("region"), err)
	}
}
