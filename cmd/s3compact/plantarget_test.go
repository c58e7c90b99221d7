package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test"
	"github.com/s3compact/s3compact/internal/s3test/fault"
	"github.com/s3compact/s3compact/inventory"
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

// TestPlanOnS3IsKeptOrReplaced: what is there decides, when it comes to writing.
func TestPlanOnS3IsKeptOrReplaced(t *testing.T) {
	server := s3test.Start(t)
	server.Setenv(t)
	bucket := server.Bucket(t)
	store, err := s3store.Open(t.Context(), s3store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	at := s3store.Location{Bucket: bucket, Key: "plan.jsonl"}
	write := func(id string, keep func(*inventory.PlanHeader) bool) error {
		return planTarget{s3: at, keep: keep}.write(t.Context(), store, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, `{"type":"plan","version":1,"id":%q}`+"\n", id)
			return err
		})
	}
	kept := func(id string) func(*inventory.PlanHeader) bool {
		return func(h *inventory.PlanHeader) bool { return h.ID == id }
	}
	for _, c := range []struct {
		id   string
		keep func(*inventory.PlanHeader) bool
		want string // id of what is there afterwards
	}{
		{"a", nil, "a"},
		{"b", nil, "b"},
		{"c", kept("b"), "b"},
		{"d", kept("a"), "d"},
	} {
		if err := write(c.id, c.keep); err != nil {
			t.Fatal(err)
		}
		there, _, err := planOnS3(t.Context(), store, at)
		if err != nil || there.ID != c.want {
			t.Errorf("after %s the plan %s is there (%v), want %s", c.id, there.ID, err, c.want)
		}
	}
	for _, other := range []string{"not a plan\n", ""} {
		if _, err := store.Put(t.Context(), bucket, at.Key, []byte(other), s3store.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := write("e", kept("e")); err == nil || !strings.Contains(err.Error(), "is no plan: it is not overwritten") {
			t.Errorf("over %q: %v", other, err)
		}
	}
}

// TestPlanOnS3IsReplacedAgain: others replace it in between.
func TestPlanOnS3IsReplacedAgain(t *testing.T) {
	server := s3test.Start(t)
	server.Setenv(t)
	bucket := server.Bucket(t)
	proxy, err := fault.Start(server.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := proxy.Close(); err != nil {
			t.Error(err)
		}
	})
	direct, err := s3store.Open(t.Context(), s3store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	store, err := s3store.Open(t.Context(), s3store.Options{EndpointURL: proxy.Endpoint})
	if err != nil {
		t.Fatal(err)
	}
	others := 0
	other := func(*fault.Exchange) {
		others++
		if _, err := direct.Put(t.Context(), bucket, "plan.jsonl", fmt.Appendf(nil, `{"type":"plan","id":"other %d"}`+"\n", others), s3store.PutOptions{}); err != nil {
			t.Error(err)
		}
	}
	target := planTarget{s3: s3store.Location{Bucket: bucket, Key: "plan.jsonl"}}
	for times, fails := range map[int]bool{maxPlanReplacements - 1: false, maxPlanReplacements + 1: true} {
		proxy.Clear()
		other(nil)
		proxy.Add(&fault.Rule{Match: func(r *fault.Request) bool { return r.Op == "GetObject" }, Times: times, Fault: fault.After(other)})
		err := target.write(t.Context(), store, func(w io.Writer) error {
			_, err := fmt.Fprintln(w, `{"type":"plan","id":"mine"}`)
			return err
		})
		if fails != errors.Is(err, s3store.ErrPrecondition) || !fails && err != nil {
			t.Errorf("replaced %d times meanwhile: %v", times, err)
		}
	}
}
