package main

import (
	"strings"
	"testing"
)

func TestArgumentsAreOrdered(t *testing.T) {
	for line, want := range map[string]string{
		"":                                   "",
		"--help":                             "--help",
		"-h":                                 "-h",
		"--version":                          "--version",
		"help":                               "--help",
		"help compact":                       "compact --help",
		"compact":                            "compact",
		"compact s3://b/p/ --yes":            "compact --yes -- s3://b/p/",
		"compact --yes s3://b/p/":            "compact --yes -- s3://b/p/",
		"--region r compact s3://b/p/":       "compact --region r -- s3://b/p/",
		"--region=r --no-progress compact x": "compact --region=r --no-progress -- x",
		"compact x --shard 1/2 y --dry-run":  "compact --shard 1/2 --dry-run -- x y",
		"compact --yes=false x":              "compact --yes=false -- x",
		"compact -- --yes":                   "compact -- --yes",
		"compact x --help":                   "compact --help",
		"compact x --state -":                "compact --state - -- x",
		"compact - x":                        "compact -- - x",
		"foo":                                "!unknown command \"foo\"",
		"--nosuch compact":                   "!unknown flag --nosuch for compact",
		"compact x --nosuch":                 "!unknown flag --nosuch for compact",
		"compact x --nosuch=1":               "!unknown flag --nosuch for compact",
		"compact x --plan":                   "!flag --plan needs a value",
		"--region r":                         "!no command given",
		"hotspots --listing s3://b/ -output json": "hotspots --listing s3://b/ -output json",
	} {
		got, err := orderArgs((&program{}).app(), append([]string{"s3compact"}, strings.Fields(line)...))
		if problem, ok := strings.CutPrefix(want, "!"); ok {
			if err == nil || !strings.Contains(err.Error(), problem) || exitCode(t.Context(), err) != exitUsage {
				t.Errorf("%q gives %q, %v; want the error %q", line, got, err, problem)
			}
			continue
		}
		if err != nil || strings.Join(got[1:], " ") != want {
			t.Errorf("%q gives %q, %v; want %q", line, got, err, want)
		}
	}
}

func TestEveryCommandHelps(t *testing.T) {
	for _, c := range (&program{}).app().Commands {
		r := s3compact(c.Name, "--help")
		if r.code != exitDone || !strings.Contains(r.stdout, "s3compact "+c.Name) || !strings.Contains(r.stdout, "Examples:") {
			t.Errorf("%s --help: exit %d, %s%s", c.Name, r.code, r.stdout, r.stderr)
		}
		for _, f := range c.VisibleFlags() {
			name := "S3COMPACT_" + strings.ToUpper(strings.ReplaceAll(f.Names()[0], "-", "_"))
			if f.Names()[0] != "help" && !strings.Contains(r.stdout, name) {
				t.Errorf("%s --help does not name %s", c.Name, name)
			}
		}
	}
	if r := s3compact(); r.code != exitDone || !strings.Contains(r.stdout, "compact") {
		t.Errorf("without arguments: %+v", r)
	}
}

func TestFlagsComeFromTheEnvironment(t *testing.T) {
	t.Setenv("S3COMPACT_OUTPUT", "xml")
	if r := s3compact("compact", "s3://b/p/", "--dry-run"); r.code != exitUsage || !strings.Contains(r.stderr, "--output") {
		t.Errorf("%+v", r)
	}
	t.Setenv("S3COMPACT_OUTPUT", "json")
	t.Setenv("S3COMPACT_CONCURRENCY", "many")
	if r := s3compact("compact", "s3://b/p/", "--dry-run"); r.code != exitUsage || !strings.Contains(r.stderr, "many") {
		t.Errorf("%+v", r)
	}
}
