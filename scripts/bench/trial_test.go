package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestMain lets the test program be what the bench program is to its children.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == launchCommand {
		if err := launch(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func ms(ns ...int) (us []usage) {
	for _, n := range ns {
		us = append(us, usage{User: time.Duration(n) * time.Millisecond, Wall: time.Duration(2*n) * time.Millisecond, PeakBytes: int64(n) << 20})
	}
	return us
}

func TestStartUpIsTakenOff(t *testing.T) {
	r := result{Work: 100}
	r.fill(ms(100, 50, 900), ms(600, 1100, 2100)) // medians 100 and 1100
	want := result{Work: 100, Rate: 100, RateLow: 50, RateHigh: 200, CPUSeconds: 1.1, WallSeconds: 2.2, StartCPUSeconds: 0.1, PeakBytes: 2100 << 20}
	if d := cmp.Diff(want, r); d != "" {
		t.Error(d)
	}
	r = result{Work: 100, ByWall: true}
	r.fill(nil, ms(250))
	if r.Rate != 200 || r.StartCPUSeconds != 0 {
		t.Errorf("by wall-clock time, without start-up: %+v", r)
	}
}

func TestRatioIsToTheFastestPeerThatCounts(t *testing.T) {
	tr := trial{
		Against:    func(c contender) bool { return c.Name != "other" },
		Contenders: []contender{{Name: "own", Ours: true}, {Name: "slow"}, {Name: "fast"}, {Name: "other"}},
	}
	results := []result{{Rate: 30}, {Rate: 5}, {Rate: 20}, {Rate: 100}}
	tr.compare(results)
	for i, want := range []float64{1.5, 0.25, 1, 5} {
		if results[i].Ratio != want {
			t.Errorf("ratio %d is %v, expected %v", i, results[i].Ratio, want)
		}
	}
}

func TestJudge(t *testing.T) {
	for _, tc := range []struct {
		name  string
		trial trial
		own   result
		met   []bool // at least enough
	}{
		{"no goal", trial{}, result{Ratio: 9}, nil},
		{"goal reached", trial{Goal: 1.25}, result{Ratio: 1.25}, []bool{true}},
		{"goal missed", trial{Goal: 1.25}, result{Ratio: 1.24}, []bool{false}},
		{"at least", trial{Goal: 1, Least: 0.85}, result{Ratio: 0.85}, []bool{true}},
		{"more than the least, less than the goal", trial{Goal: 1, Least: 0.85}, result{Ratio: 0.99}, []bool{true}},
		{"less than the least", trial{Goal: 1, Least: 0.85}, result{Ratio: 0.84}, []bool{false}},
		{"memory", trial{MostBytes: 512 << 20}, result{PeakBytes: 512 << 20}, []bool{true}},
		{"speed and too much memory", trial{Goal: 1, MostBytes: 512 << 20}, result{Ratio: 1, PeakBytes: 512<<20 + 1}, []bool{true, false}},
		{"requests", trial{MostCount: 1.5, CountSlack: 10}, result{Requests: 160}, []bool{true}},
		{"too many requests", trial{MostCount: 1.5, CountSlack: 10}, result{Requests: 161}, []bool{false}},
	} {
		tc.own.Ours = true
		var met []bool
		goal := tc.trial.Goal > 0 && tc.own.Ratio >= tc.trial.Goal
		for _, v := range tc.trial.judge([]result{tc.own, {Ratio: 100, PeakBytes: 4 << 30, Requests: 100}}) {
			met = append(met, v.Enough)
			if v.Ratio > 0 && v.Met != goal {
				t.Errorf("%s: goal met is %v", tc.name, v.Met)
			}
		}
		if d := cmp.Diff(tc.met, met); d != "" {
			t.Errorf("%s: %s", tc.name, d)
		}
	}
}

func TestJudgeParts(t *testing.T) {
	tr := trial{Goal: 1.25}
	got := tr.judge([]result{{Ours: true, Ratio: 1}, {Ours: true, Part: "reader", Ratio: 2}, {Ratio: 1}})
	want := []verdict{{Goal: "1.25 × the fastest peer", Value: "1.00 ×", Ratio: 1}, {Part: "reader", Goal: "1.25 × the fastest peer", Value: "2.00 ×", Ratio: 2, Met: true, Enough: true}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestJudgeCPU(t *testing.T) {
	tr := trial{MostCPU: 0.5}
	fastest, slow := result{Contender: "fastest", Rate: 10, CPUSeconds: 8}, result{Contender: "slow", Rate: 1, CPUSeconds: 100}
	for _, own := range []result{{Ours: true, Rate: 20, CPUSeconds: 4}, {Ours: true, Rate: 20, CPUSeconds: 4.1}} {
		got := tr.judge([]result{slow, own, fastest})
		if len(got) != 1 || got[0].Met != (own.CPUSeconds == 4) {
			t.Errorf("%+v of %+v", got, own)
		}
	}
}

func TestJudgeBase(t *testing.T) {
	tr := trial{Section: "convert", Input: "many", Base: "few", LeastOfBase: 0.7}
	few, slow := result{Section: "convert", Input: "few", Ours: true, Rate: 10}, result{Section: "convert", Input: "many", Rate: 1}
	for rate, met := range map[float64]bool{7: true, 6.9: false} {
		got := tr.judgeBase([]result{few, slow, {Section: "convert", Input: "many", Ours: true, Rate: rate}})
		if len(got) != 1 || got[0].Met != met || got[0].Enough != met {
			t.Errorf("%v of 10: %+v", rate, got)
		}
	}
	if got := tr.judgeBase([]result{few, slow}); got != nil {
		t.Errorf("of what was not measured: %+v", got)
	}
}

func TestEveryContenderRunsAndIsChecked(t *testing.T) {
	answer := filepath.Join(t.TempDir(), "answer")
	touch := []string{"touch", answer}
	checks := 0
	tr := trial{Work: 1, Contenders: []contender{
		{Name: "own", Ours: true, Start: touch, Run: touch, Answer: answer, Check: func() error { checks++; _, err := os.Stat(answer); return err }},
		{Name: "absent", Missing: "not here"},
	}}
	results, err := tr.repeat(t.Context(), 3)
	if err != nil || checks != 3 || len(results) != 2 || results[0].Rate <= 0 || results[0].PeakBytes == 0 || results[1].Missing == "" {
		t.Fatalf("%d checks, %+v, %v", checks, results, err)
	}
	// An answer that only the start-up wrote is none.
	tr.Contenders[0].Run = []string{"true"}
	if _, err := tr.repeat(t.Context(), 1); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the answer of an earlier run passed: %v", err)
	}
}

func TestAFailingProcessIsAnError(t *testing.T) {
	if _, err := measure(context.Background(), []string{"sh", "-c", "echo the reason >&2; exit 3"}); err == nil || !strings.Contains(err.Error(), "the reason") {
		t.Errorf("measure = %v, expected the program's own words", err)
	}
}

func TestWrongAnswers(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, lines ...string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	truth, err := readTruth(write("truth.tsv", "few/\t7\t1", "a/\t8\t100", "b/\t9\t200", "large/\t9\t1073741824"))
	if err != nil {
		t.Fatal(err)
	}
	plan := write("plan.jsonl", `{"type":"plan"}`, `{"type":"hotspot","prefix":"b/","objects":9,"bytes":200}`, `{"type":"hotspot","prefix":"a/","objects":8,"bytes":100}`)
	if err := truth.equal(readPlan(plan)); err != nil {
		t.Errorf("the right plan: %v", err)
	}
	for name, lines := range map[string][]string{
		"right":      {"b/\t9\t200", "a/\t8\t100"},
		"one less":   {"a/\t8\t100"},
		"one more":   {"a/\t8\t100", "b/\t9\t200", "c/\t9\t200"},
		"other sum":  {"a/\t8\t100", "b/\t9\t201"},
		"other name": {"a/\t8\t100", "c/\t9\t200"},
	} {
		if err := truth.equal(readTable(write("answer.tsv", lines...))); (err == nil) != (name == "right") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (groups{}).equal(nil, nil); err == nil {
		t.Error("an empty truth accepts an empty answer")
	}
}

func TestWhyMissingNamesNoPath(t *testing.T) {
	_, err := exec.LookPath("no-such-tool-of-this-name")
	if got := whyMissing("a library", fmt.Errorf("make /some/path: %w", err)); got != "no-such-tool-of-this-name is not installed" {
		t.Errorf("whyMissing = %q", got)
	}
	if got := whyMissing("a library", errors.New("gcc /some/path: exit status 1")); strings.Contains(got, "/") {
		t.Errorf("whyMissing = %q, which holds a path", got)
	}
}
