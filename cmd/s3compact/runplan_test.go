package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/internal/s3test"
	"github.com/s3compact/s3compact/internal/s3test/fault"
	"github.com/s3compact/s3compact/inventory"
)

// disturbed runs the pipeline as a process, and does something to it behind the
// first request that matches, before it gets the answer.
func (l *pipelineLake) disturbed(match func(*fault.Request) bool, disturb func(*worker), args ...string) ran {
	l.t.Helper()
	server := s3test.Start(l.t)
	proxy, err := fault.Start(server.Endpoint)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() {
		if err := proxy.Close(); err != nil {
			l.t.Error(err)
		}
	})
	var w *worker
	started := make(chan struct{})
	rule := &fault.Rule{Match: match, Fault: fault.After(func(*fault.Exchange) { <-started; disturb(w) })}
	proxy.Add(rule)
	w = startWorker(l.t, server.Env(), proxy, append([]string{"run", l.file, "--output", "json"}, args...)...)
	close(started)
	r := ran{l.t, w.wait()}
	proxy.Wait()
	if proxy.Fired(rule) == 0 {
		l.t.Fatalf("the moment did not come: exit %d, %s", r.code, tail(r.stderr))
	}
	return r
}

// isPlan is the request that writes the plan of the pipeline.
func isPlan(r *fault.Request) bool {
	return r.Op == "PutObject" && strings.HasPrefix(r.Key, "_s3compact/pipelines/")
}

// TestRunKilledBetweenTheSteps ends the program as soon as the plan is there,
// and carries the pipeline out again.
func TestRunKilledBetweenTheSteps(t *testing.T) {
	l := newPipelineLake(t)
	before, ids := l.data(), l.requestIDs()
	r := l.disturbed(isPlan, (*worker).kill, "--yes")
	if r.code != -1 || len(l.plans()) != 1 || !maps.Equal(before, l.data()) {
		t.Fatalf("the run ended by itself (exit %d), or was not between the steps: plans %v; %s", r.code, l.plans(), tail(r.stderr))
	}
	again := l.run("--yes")
	if steps := again.ending().Steps; again.code != exitRefused || !steps[0].PlanReused {
		t.Errorf("exit %d, steps %+v: %s", again.code, steps, tail(again.stderr))
	}
	l.checkCompacted(before)
	if got := tableIDs(t, l.store, l.tables, "app/"); !slices.Equal(got, ids) {
		t.Errorf("the table has %d records, want %d", len(got), len(ids))
	}
}

func TestRunToldToStopBetweenTheSteps(t *testing.T) {
	l := newPipelineLake(t)
	before := l.data()
	r := l.disturbed(isPlan, (*worker).terminate, "--yes")
	if got := r.ending(); r.code != exitResumable || !maps.Equal(before, l.data()) {
		t.Errorf("exit %d, %+v: %s", r.code, got, tail(r.stderr))
	}
}

// TestRunReadsTheReportThatItFound: a report that comes while hotspots begins is
// not put under the name of the one before it.
func TestRunReadsTheReportThatItFound(t *testing.T) {
	l := newPipelineLake(t)
	r := l.disturbed(func(r *fault.Request) bool {
		return r.Op == "GetObject" && strings.HasSuffix(r.Key, "/manifest.checksum")
	},
		func(*worker) { l.report() }, "--only", "hotspots")
	if r.code != exitDone || len(l.plans()) != 1 {
		t.Fatalf("exit %d, plans %v: %s", r.code, l.plans(), tail(r.stderr))
	}
	plan := l.plans()[0]
	header, err := inventory.LoadPlan(t.Context(), l.store, "s3://"+l.bucket+"/"+plan, func(*inventory.Hotspot) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if made := header.Source.Created.Format(planTimes); !strings.HasPrefix(filepath.Base(plan), made) {
		t.Errorf("%s is made of the report of %s", plan, made)
	}
}

// TestRunKeepsThePlanWhereTheFileSays: there a newer report, and other thresholds, replace the plan.
func TestRunKeepsThePlanWhereTheFileSays(t *testing.T) {
	for _, kind := range []string{"s3", "file"} {
		t.Run(kind, func(t *testing.T) {
			l := newPipelineLake(t)
			at := "s3://" + l.tables + "/_plans/app.jsonl"
			if kind == "file" {
				at = filepath.Join(t.TempDir(), "app.jsonl")
			}
			l.edit("hotspots:\n", "hotspots:\n  plan: "+at+"\n")
			for i, want := range []bool{false, true, false, false} {
				switch i {
				case 2:
					l.add("20001/", 12)
					l.report()
				case 3:
					l.edit(`match: "*.gz"`, "match: \"*.gz\"\n  min-objects: 2")
				}
				r := l.run("--yes")
				if s := r.ending().Steps[0]; s.PlanReused != want || s.Plan != at {
					t.Errorf("run %d: %+v, %s", i, s, tail(r.stderr))
				}
				if s := r.of("compact"); s["objects_in"] != []float64{60, 0, 12, 3}[i] {
					t.Errorf("run %d: compact %v", i, s)
				}
			}
			if plans := l.plans(); len(plans) > 0 {
				t.Errorf("plans in the state as well: %v", plans)
			}
		})
	}
}

// TestRunOfAListing lists anew in each run, and compact alone takes the newest plan.
func TestRunOfAListing(t *testing.T) {
	l := newPipelineLake(t)
	l.write(fmt.Sprintf("version: 1\nname: app-logs\nhotspots:\n  listing: s3://%s/10002/\n  match: '*.gz'\ncompact:\n  min-age: 0s\n", l.bucket))
	first := l.run("--yes")
	if s := first.of("compact"); first.code != exitDone || s["objects_in"] != 20.0 {
		t.Fatalf("exit %d, compact %v: %s", first.code, s, tail(first.stderr))
	}
	l.add("10002/", 10)
	if r := l.run("--only", "hotspots"); r.code != exitDone || r.ending().Steps[0].PlanReused || len(l.plans()) != 2 {
		t.Fatalf("exit %d, plans %v: %s", r.code, l.plans(), tail(r.stderr))
	}
	r := l.run("--only", "compact", "--yes", "--shard", "0/1")
	if s := r.of("compact"); s["objects_in"] != 10.0 || r.ending().Steps[0].Plan != "s3://"+l.bucket+"/"+l.plans()[1] {
		t.Errorf("exit %d, compact %v, %+v: %s", r.code, s, r.ending().Steps, tail(r.stderr))
	}
}

// TestRunConvertsThePlan: convert may be given the plan that hotspots has yet to write.
func TestRunConvertsThePlan(t *testing.T) {
	l := newPipelineLake(t)
	ids := l.requestIDs()
	l.write(fmt.Sprintf("version: 1\nname: app-logs\nhotspots:\n  listing: s3://%s/\n  match: '*.gz'\n  min-objects: 1\n  plan: s3://%s/_plans/p.jsonl\ncompact:\n  min-age: 0s\nconvert:\n  plan: s3://%[2]s/_plans/p.jsonl\n  to: s3://%[2]s/app/\n  schema: s3://%[2]s/_schemas/app.yaml\n", l.bucket, l.tables))
	r := l.run("--yes", "--refusals-ok")
	if r.code != exitDone {
		t.Fatalf("exit %d, %s", r.code, tail(r.stderr))
	}
	if got := tableIDs(t, l.store, l.tables, "app/"); !slices.Equal(got, ids) {
		t.Errorf("the table has %d records, want %d", len(got), len(ids))
	}
}

// TestRunConvertsFromTheReport: the sources of the report are found, though
// compact has joined them since.
func TestRunConvertsFromTheReport(t *testing.T) {
	l := newPipelineLake(t)
	ids := l.requestIDs()
	l.edit("convert:\n", fmt.Sprintf("convert:\n  inventory: s3://%s/inventory/%s/daily/\n", l.reports, l.bucket))
	r := l.run("--yes")
	if got := tableIDs(t, l.store, l.tables, "app/"); r.code != exitRefused || !slices.Equal(got, ids) {
		t.Errorf("exit %d, the table has %d records, want %d: %s", r.code, len(got), len(ids), tail(r.stderr))
	}
}
