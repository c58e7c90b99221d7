package main

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
)

// TestDoctor: nothing of the data is touched, nothing is left behind, and what
// is found is told.
func TestDoctor(t *testing.T) {
	l := newLake(t)
	before := l.list()
	r := s3compact("doctor", "s3://"+l.bucket+"/", "--output", "json")
	s := r.summary(t)
	findings := map[string]string{}
	for _, f := range r.lines(t, "finding") {
		findings[f["check"].(string)] = f["verdict"].(string)
	}
	if r.code != exitDone || s["refusals"] != 0.0 || s["warnings"] != 1.0 {
		t.Errorf("%+v", r)
	}
	// The server has no lifecycle and ignores per-key ETags.
	for check, verdict := range map[string]string{
		"list": "ok", "state": "ok", "claim": "ok", "ownership": "ok", "object_lock": "ok", "versioning": "ok", "lifecycle": "unknown",
		"create_only": "ok", "upload": "ok", "delete": "warn", "signature": "ok", "tags": "ok", "sample": "ok",
	} {
		if findings[check] != verdict {
			t.Errorf("%s: %q, want %q", check, findings[check], verdict)
		}
	}
	if f := r.lines(t, "forecast"); len(f) != 1 || f[0]["objects"] != 71.0 || f[0]["whole"] != true || f[0]["hotspots"] != 3.0 || f[0]["estimate"] == nil {
		t.Errorf("forecast: %v", f)
	}
	if !maps.Equal(before, l.list()) {
		t.Error("doctor changed the bucket")
	}
	policy := s3compact("doctor", "s3://"+l.bucket+"/", "--read-only", "--output", "policy")
	var document struct{ Version string }
	if err := json.Unmarshal([]byte(policy.stdout), &document); err != nil || document.Version != "2012-10-17" {
		t.Errorf("%v: %+v", err, policy)
	}
	readOnly := s3compact("doctor", "s3://"+l.bucket+"/", "--read-only", "--sample", "none", "--output", "json")
	if requests := readOnly.summary(t)["requests"].(map[string]any); requests["put"] != 0.0 || requests["delete"] != 0.0 {
		t.Errorf("--read-only wrote: %v", requests)
	}
	table := s3compact("doctor", "s3://"+l.bucket+"/10002/", "--sample", "5")
	if table.code != exitDone || !strings.Contains(table.stdout, "forecast") || !strings.Contains(table.stdout, `"Statement"`) {
		t.Errorf("%+v", table)
	}
}

func TestDoctorTellsRefusals(t *testing.T) {
	l := newLake(t)
	if r := s3compact("compact", "s3://"+l.bucket+"/10002/", "--yes", "--min-age", "0s"); r.code != exitDone {
		t.Fatalf("%+v", r)
	}
	for name, args := range map[string][]string{
		"claim":  {"--state", "s3://" + l.bucket + "/_other/"},
		"state":  {"--group-by", "depth=1"},
		"bucket": {"--state", "s3://logs--use1-az4--x-s3/_s3compact/"},
	} {
		r := s3compact(append([]string{"doctor", "s3://" + l.bucket + "/", "--read-only", "--output", "json"}, args...)...)
		refused := map[string]bool{}
		for _, f := range r.lines(t, "finding") {
			refused[f["check"].(string)] = f["verdict"] == "refuse"
		}
		if r.code != exitRefused || !refused[name] {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestDoctorRefusesBadCalls(t *testing.T) {
	for _, args := range [][]string{{}, {"s3://b/a"}, {"s3://b/", "s3://c/"}, {"/tmp/"}, {"s3://b/", "--sample", "0"}, {"s3://b/", "--sample", "many"}, {"s3://b/", "--output", "xml"}, {"s3://b/", "--dest", "x"}} {
		if r := s3compact(append([]string{"doctor"}, args...)...); r.code != exitUsage {
			t.Errorf("doctor %v: %+v", args, r)
		}
	}
	if r := s3compact("doctor", "s3://no-such-bucket-here/"); r.code == exitDone {
		t.Errorf("a missing bucket: %+v", r)
	}
}
