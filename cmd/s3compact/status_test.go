package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/internal/s3store"
)

// TestStatusOfShards follows a plan through its shards, from S3 alone.
func TestStatusOfShards(t *testing.T) {
	l := newLake(t)
	state := "s3://" + l.bucket + "/_s3compact/"
	status := func(args ...string) result {
		return s3compact(append([]string{"--log-level", "warn", "status", "--state", state}, args...)...)
	}
	if r := status(); r.code != exitFailed || !strings.Contains(r.stderr, "is "+state+" the state") {
		t.Errorf("before the first run: %+v", r)
	}
	plan := filepath.Join(t.TempDir(), "plan.jsonl")
	if r := s3compact("hotspots", "--listing", "s3://"+l.bucket+"/", "--plan", plan); r.code != exitDone {
		t.Fatalf("hotspots: %+v", r)
	}
	shard := func(i int) {
		t.Helper()
		r := s3compact("compact", "--plan", plan, "--yes", "--min-age", "0s", "--shard", fmt.Sprintf("%d/3", i))
		if r.code != exitDone && r.code != exitRefused {
			t.Fatalf("shard %d: %+v", i, r)
		}
	}
	shard(0)
	half := status("--output", "json")
	s := half.summary(t)
	if half.code != exitResumable || s["groups_done"] != 1.0 || s["groups_unstarted"] != 2.0 || s["plans"] != 1.0 || s["bucket"] != l.bucket || s["closed"] != false {
		t.Errorf("after one shard of three: %+v", half)
	}
	for i, line := range half.lines(t, "shard") {
		done, unstarted := 0.0, 1.0
		if i == 0 {
			done, unstarted = 1, 0
		}
		if line["shard"] != fmt.Sprintf("%d/3", i) || line["groups"] != 1.0 || line["groups_done"] != done || line["groups_unstarted"] != unstarted || (line["finished"] != nil) != (i == 0) {
			t.Errorf("shard %d: %v", i, line)
		}
	}
	kept, _, err := l.store.ReadAll(context.Background(), l.bucket, planKeyOf(t, l), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if given, err := os.ReadFile(plan); err != nil || string(given) != string(kept) {
		t.Errorf("the plan in the state is not the one that was given: %v", err)
	}
	if table := status(); table.code != exitResumable || strings.Count(table.stdout, "unstarted  1000") != 2 || !strings.Contains(table.stdout, "shard 0/3") {
		t.Errorf("the table: %+v", table)
	}

	shard(1)
	shard(2)
	whole := status("--output", "json", "--refused")
	s = whole.summary(t)
	refused := whole.lines(t, "refused")
	if whole.code != exitRefused || s["groups"] != 3.0 || s["groups_done"] != 3.0 || s["groups_unstarted"] != 0.0 || s["outputs"] != 3.0 || int(s["objects_refused"].(float64)) != len(refused) {
		t.Errorf("after all shards: %+v", whole)
	}
	reasons := map[string]string{}
	for _, line := range refused {
		reasons[line["key"].(string)] = line["reason"].(string)
	}
	for _, o := range l.truth.Refused("") {
		if reasons[o.Key] != o.Kind.Reason() {
			t.Errorf("%s was refused as %q, want %q", o.Key, reasons[o.Key], o.Kind.Reason())
		}
	}
	table := status("--groups", "--refused")
	if table.code != exitRefused || strings.Count(table.stdout, "done       1000") != 3 || !strings.Contains(table.stdout, "3 groups with a log: 3 done") {
		t.Errorf("the table of all groups: %+v", table)
	}
	for _, line := range whole.lines(t, "group") {
		if line["state"] != "done" || line["head"] != "done" || line["outputs"] != 1.0 || line["since"] == nil {
			t.Errorf("a group: %v", line)
		}
	}
}

// planKeyOf is the key of the one plan in the state.
func planKeyOf(t *testing.T, l *lake) string {
	t.Helper()
	for key := range l.list() {
		if strings.HasPrefix(key, "_s3compact/plans/") && strings.HasSuffix(key, ".jsonl") {
			return key
		}
	}
	t.Fatal("there is no plan in the state")
	return ""
}

// TestStatusOfNothingToJoin: a group that a finished shard found empty is not waited for.
func TestStatusOfNothingToJoin(t *testing.T) {
	l := newLake(t)
	plan := filepath.Join(t.TempDir(), "plan.jsonl")
	if r := s3compact("hotspots", "--listing", "s3://"+l.bucket+"/", "--plan", plan); r.code != exitDone {
		t.Fatalf("hotspots: %+v", r)
	}
	for key := range l.data() {
		if err := l.store.Delete(context.Background(), l.bucket, key, ""); err != nil {
			t.Fatal(err)
		}
	}
	if r := s3compact("compact", "--plan", plan, "--yes", "--min-age", "0s"); r.code != exitDone {
		t.Fatalf("compact: %+v", r)
	}
	r := s3compact("status", "--state", "s3://"+l.bucket+"/_s3compact/", "--output", "json")
	groups := r.lines(t, "group")
	if r.code != exitDone || len(groups) != 3 || groups[0]["state"] != "nothing" || r.summary(t)["groups_unstarted"] != 0.0 {
		t.Errorf("%+v", r)
	}
}

func TestStatusRefusesBadCalls(t *testing.T) {
	for _, args := range [][]string{{}, {"s3://b/"}, {"--state", "s3://b/x"}, {"--state", "/tmp/"}, {"--state", "s3://b/_x/", "--output", "xml"}, {"--state", "s3://b/_x/", "--concurrency", "0"}} {
		if r := s3compact(append([]string{"status"}, args...)...); r.code != exitUsage {
			t.Errorf("status %v: %+v", args, r)
		}
	}
}

// TestStatusOfALogThatCannotBeRead: the worst is told, and by the exit code.
func TestStatusOfALogThatCannotBeRead(t *testing.T) {
	l := newLake(t)
	if r := s3compact("compact", "s3://"+l.bucket+"/10002/", "--yes", "--min-age", "0s"); r.code != exitDone {
		t.Fatalf("compact: %+v", r)
	}
	for key := range l.list() {
		if strings.HasSuffix(key, "00000002.jsonl.gz") {
			if _, err := l.store.Put(context.Background(), l.bucket, key, []byte("damaged"), s3store.PutOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	r := s3compact("status", "--state", "s3://"+l.bucket+"/_s3compact/")
	if r.code != exitFailed || !strings.Contains(r.stdout, "unreadable 10002/: ") || !strings.Contains(r.stderr, "can't be read") {
		t.Errorf("%+v", r)
	}
}
