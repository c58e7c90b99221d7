package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOnlyPlansAreReplacedByPlans: --plan over anything else leaves it as it is.
func TestOnlyPlansAreReplacedByPlans(t *testing.T) {
	l := newLake(t)
	var victim string
	for key := range l.data() {
		victim = key
	}
	before := l.list()
	listing := []string{"hotspots", "--listing", "s3://" + l.bucket + "/", "--plan"}
	if r := s3compact(append(listing, "s3://"+l.bucket+"/"+victim)...); r.code != exitFailed || !strings.Contains(r.stderr, "is no plan") {
		t.Errorf("over an object: %+v", r)
	}
	if after := l.list(); after[victim] != before[victim] {
		t.Error("the object was overwritten")
	}
	file := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(file, []byte("notes"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := s3compact(append(listing, file)...); r.code != exitFailed || !strings.Contains(r.stderr, "is no plan") {
		t.Errorf("over a file: %+v", r)
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "notes" {
		t.Errorf("the file holds %q, %v", b, err)
	}
	for range 2 {
		if r := s3compact(append(listing, "s3://"+l.bucket+"/_plans/a.jsonl")...); r.code != exitDone {
			t.Fatalf("a plan, and over it another: %+v", r)
		}
	}
	body, _, err := l.store.ReadAll(context.Background(), l.bucket, "_plans/a.jsonl", 1<<20)
	if err != nil || !strings.HasPrefix(string(body), `{"type":"plan"`) {
		t.Errorf("the plan is %q, %v", body, err)
	}
}
