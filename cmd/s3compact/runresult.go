package main

import (
	"fmt"

	"github.com/s3compact/s3compact/jobs"
)

// stepLine stands before the lines of a step.
type stepLine struct {
	Type string `json:"type"` // "step"
	Step string `json:"step"`
}

// stepResult is how a step ended.
type stepResult struct {
	Step       string  `json:"step"`
	ExitCode   int     `json:"exit_code"`             // as of the command
	Plan       string  `json:"plan,omitempty"`        // that hotspots made, or compact carried out
	PlanReused bool    `json:"plan_reused,omitempty"` // it was there
	Seconds    float64 `json:"seconds"`
}

// pipelineLine is the last line of a run.
type pipelineLine struct {
	Type     string       `json:"type"` // "pipeline"
	Name     string       `json:"name"`
	Steps    []stepResult `json:"steps"` // those that began
	ExitCode int          `json:"exit_code"`
	Seconds  float64      `json:"seconds"`
}

func (r *pipelineRun) announce(s *jobs.Step) {
	if r.json {
		r.out.write(stepLine{"step", s.Name})
		return
	}
	fmt.Fprintf(r.p.stdout, "== %s\n", s.Name)
}

// close tells how the steps ended.
func (r *pipelineRun) close(l pipelineLine) {
	if r.json {
		r.out.write(l)
		return
	}
	fmt.Fprintf(r.p.stdout, "== pipeline %s\n", l.Name)
	for _, s := range l.Steps {
		what := endings[s.ExitCode]
		if s.PlanReused {
			what = "the plan of the newest report is used again: " + s.Plan
		}
		fmt.Fprintf(r.p.stdout, "%-8s  %s, %.2f s\n", s.Step, what, s.Seconds)
	}
}

// endings are the exit codes in words.
var endings = map[int]string{
	exitDone:        "done",
	exitFailed:      "failed",
	exitUsage:       "wrong call",
	exitRefused:     "done, but some were refused",
	exitResumable:   "stopped; run it again to go on",
	exitInterrupted: "interrupted; run it again to go on",
}
