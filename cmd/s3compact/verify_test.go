package main

import (
	"strings"
	"testing"
)

func TestVerifyOfAPrefixAndASample(t *testing.T) {
	l := newLake(t)
	if r := s3compact("compact", "s3://"+l.bucket+"/", "--yes", "--min-age", "0s"); r.code != exitRefused {
		t.Fatalf("%+v", r)
	}
	state := "s3://" + l.bucket + "/_s3compact/"
	for _, tt := range []struct {
		args             []string
		outputs, skipped float64
	}{
		{[]string{"--state", state}, 3, 0},
		{[]string{"s3://" + l.bucket + "/"}, 3, 0},
		{[]string{"s3://" + l.bucket + "/10002/"}, 1, 0},
		{[]string{"--state", state, "s3://" + l.bucket + "/10002/"}, 1, 0},
		{[]string{"--state", state, "--sample", "2"}, 2, 1},
		{[]string{"--state", state, "--sample", "100%"}, 3, 0},
	} {
		r := s3compact(append([]string{"verify", "--output", "json"}, tt.args...)...)
		s := r.summary(t)
		if r.code != exitDone || s["outputs"] != tt.outputs || s["outputs_skipped"] != tt.skipped || s["outputs_bad"] != 0.0 || s["outputs_unread"] != 0.0 {
			t.Errorf("%v: exit %d: %v", tt.args, r.code, s)
		}
		if sampled := strings.Contains(strings.Join(tt.args, " "), "--sample"); sampled != (s["sample"] != nil && s["seed"] != nil) {
			t.Errorf("%v: %v", tt.args, s)
		}
	}
	keys := func(seed string) (all []string) {
		for _, line := range s3compact("verify", "--state", state, "--sample", "1", "--seed", seed, "--output", "json").lines(t, "output") {
			all = append(all, line["key"].(string))
		}
		return all
	}
	if a, b := keys("7"), keys("7"); len(a) != 1 || a[0] != b[0] {
		t.Errorf("one seed chose %v and %v", a, b)
	}
	if s := s3compact("verify", "--state", state, "--sample", "1", "--seed", "0", "--output", "json").summary(t); s["seed"] != 0.0 {
		t.Errorf("with the seed 0: %v", s)
	}
	if r := s3compact("verify", "--state", state, "--sample", "0.000001%"); r.code != exitDone || !strings.Contains(r.stderr, "nothing was proven") {
		t.Errorf("a sample without an output: %+v", r)
	}
	text := s3compact("verify", "--state", state, "--sample", "2", "--seed", "7")
	if !strings.Contains(text.stdout, "2 of 2 outputs proven") || !strings.Contains(text.stdout, "1 not looked at (--sample 2 --seed 7)") {
		t.Errorf("%s", text.stdout)
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, "verify what?"},
		{[]string{"s3://" + l.bucket + "/10002/", "s3://" + l.bucket + "/10003/"}, "verify what?"},
		{[]string{"s3://" + l.bucket + "/typo/"}, "no group"},
		{[]string{"s3://other/10002/", "--state", state}, "belongs to bucket"},
		{[]string{"--state", state, "--seed", "7"}, "--sample"},
		{[]string{"--state", state, "--sample", "0"}, "--sample"},
		{[]string{"--state", state, "--sample", "0%"}, "--sample"},
		{[]string{"--state", state, "--sample", "101%"}, "--sample"},
		{[]string{"--state", state, "--sample", "NaN%"}, "--sample"},
		{[]string{"--state", state, "--sample", "some"}, "--sample"},
		{[]string{"--state", state, "--sample", "5%", "--seed", "-1"}, "--seed"},
	} {
		if r := s3compact(append([]string{"verify"}, tt.args...)...); r.code != exitUsage || !strings.Contains(r.stderr, tt.want) {
			t.Errorf("%v: exit %d: %s", tt.args, r.code, r.stderr)
		}
	}
}
