package main

import (
	"encoding/json"
	"fmt"

	"github.com/dustin/go-humanize"

	"github.com/s3compact/s3compact/compactor"
	"github.com/s3compact/s3compact/inventory"
)

// doctorOutput renders findings on stdout.
type doctorOutput struct {
	p     *program
	lines *lines
	form  string // table, json or policy
	sum   doctorSummary
}

// doctorSummary counts the findings.
type doctorSummary struct {
	Findings int64 `json:"findings"`
	Refusals int64 `json:"refusals"`
	Warnings int64 `json:"warnings"`
	Unknown  int64 `json:"unknown"`
}

func (o *doctorOutput) finding(f compactor.Finding) {
	o.sum.Findings++
	switch f.Verdict {
	case compactor.Refusal:
		o.sum.Refusals++
	case compactor.Warning:
		o.sum.Warnings++
	case compactor.Unknown:
		o.sum.Unknown++
	case compactor.Fine:
	}
	switch o.form {
	case "json":
		o.lines.write(struct {
			Type string `json:"type"`
			compactor.Finding
		}{"finding", f})
	case "table":
		fmt.Fprintf(o.p.stdout, "%-8s %-18s %s\n", f.Verdict, f.Check, f.Detail)
	}
}

func (o *doctorOutput) forecast(f compactor.SampleForecast) {
	switch o.form {
	case "json":
		o.lines.write(struct {
			Type     string              `json:"type"`
			Objects  int64               `json:"objects"`
			Bytes    int64               `json:"bytes"`
			Whole    bool                `json:"whole"`
			Groups   int64               `json:"groups"`
			Hotspots int64               `json:"hotspots"`
			Estimate *inventory.Estimate `json:"estimate"`
		}{"forecast", f.Objects, f.Bytes, f.Whole, f.Groups, f.Hotspots, &f.Estimate})
	case "table":
		of := "all " + count(f.Objects, "object")
		if !f.Whole {
			of = "the first " + count(f.Objects, "object") + " (--sample)"
		}
		c := &f.Estimate.Compacting
		fmt.Fprintf(o.p.stdout, "%-8s %-18s of %s (%s) in %s: would join %s (%s) of %s into %s for %s; refused by the listing %s; a full scan costs %s now, %s then\n",
			"", "forecast", of, humanize.IBytes(uint64(f.Bytes)), count(f.Groups, "group"), count(c.Objects, "object"), humanize.IBytes(uint64(c.Bytes)),
			count(f.Hotspots, "hotspot"), count(c.Outputs, "output"), dollars(c.USD), refusedCount(f.Estimate.Refused), dollars(f.Estimate.Before.USD), dollars(f.Estimate.After.USD))
	}
}

func refusedCount(reasons map[string]int64) string {
	var n int64
	for _, objects := range reasons {
		n += objects
	}
	return humanize.Comma(n)
}

func (o *doctorOutput) close(policy compactor.IAMPolicy, cost spent) {
	if o.form == "json" {
		o.lines.write(struct {
			Type   string              `json:"type"`
			Policy compactor.IAMPolicy `json:"policy"`
		}{"policy", policy})
		o.lines.write(struct {
			Type string `json:"type"`
			doctorSummary
			spent
		}{"summary", o.sum, cost})
		return
	}
	enc := json.NewEncoder(o.p.stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if o.form == "table" {
		fmt.Fprintf(o.p.stdout, "\n%s, %s, %d unknown\n%s\n\nThe least that a worker has to be allowed (--output policy prints it alone):\n",
			count(o.sum.Refusals, "refusal"), count(o.sum.Warnings, "warning"), o.sum.Unknown, cost)
	}
	if err := enc.Encode(policy); err != nil && o.lines.err == nil {
		o.lines.err = err
	}
}
