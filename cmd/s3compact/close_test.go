package main

import (
	"strings"
	"testing"
)

func TestClose(t *testing.T) {
	l := newLake(t)
	state := "s3://" + l.bucket + "/_s3compact/"
	if r := s3compact("compact", "s3://"+l.bucket+"/10002/", "--yes", "--min-age", "0s"); r.code != exitDone {
		t.Fatalf("%+v", r)
	}
	before := l.content()
	if r := s3compact("close", "--state", state); r.code != exitUsage || !strings.Contains(r.stderr, "--yes") {
		t.Errorf("without a yes: %+v", r)
	}
	if r := s3compact("close", "--state", state, "--yes"); r.code != exitResumable || !strings.Contains(r.stderr, "settles in 1") {
		t.Errorf("before it has settled: %+v", r)
	}
	r := s3compact("close", "--state", state, "--yes", "--assume-alone", "--output", "json")
	if s := r.summary(t); r.code != exitDone || s["claim_deleted"] != true || s["groups_finished"] != 1.0 {
		t.Errorf("%+v", r)
	}
	if r := s3compact("close", "--state", state, "--yes", "--assume-alone"); r.code != exitDone || !strings.Contains(r.stdout, "held no claim") {
		t.Errorf("again: %+v", r)
	}
	if r := s3compact("status", "--state", state); r.code != exitDone || !strings.Contains(r.stdout, "(closed)") {
		t.Errorf("status: %+v", r)
	}
	if r := s3compact("compact", "s3://"+l.bucket+"/", "--yes", "--min-age", "0s"); r.code != exitUsage || !strings.Contains(r.stderr, "closed") {
		t.Errorf("compact: %+v", r)
	}
	if l.content() != before {
		t.Error("the records changed")
	}
	for _, args := range [][]string{{}, {"s3://b/"}, {"--state", "s3://b/x", "--yes"}, {"--state", "s3://b/_x/", "--yes", "--concurrency", "0"}} {
		if r := s3compact(append([]string{"close"}, args...)...); r.code != exitUsage {
			t.Errorf("close %v: %+v", args, r)
		}
	}
}
