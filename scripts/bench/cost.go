package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/s3compact/s3compact/internal/price"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test/versitygw"
)

// The reference job: 29.5 million objects, 1.2 TB, in 14,000 groups, by the
// children of an array job.
const (
	referenceGroups   = 14_000
	referenceMembers  = 2107 // of each group, of 40 KB
	referenceChildren = 100
)

// What a core of AWS Fargate with 2 GB costs an hour, x86 on demand, us-east-1.
// Source: https://aws.amazon.com/fargate/pricing/.
const vCPUHourUSD = 0.04048 + 2*0.004445

// The goals of the reference job, in dollars.
const (
	mostRequestsUSD = 12.80
	mostUSD         = 13.00
)

// costInput names the measurement, as Section and Input name a trial.
const costInput = "cost: the reference job"

// cost is what the reference job takes, from runs on a few of its groups.
type cost struct {
	PerGroup   s3store.Requests `json:"per_group"`
	PerChild   s3store.Requests `json:"per_child"` // what a run asks before its first group
	CPUSeconds float64          `json:"cpu_seconds_per_group"`
}

// measureCost compacts few groups of the reference job's shape, and more, on
// versitygw: the difference is what a group takes, the rest is the start of a run.
func (b *bench) measureCost(ctx context.Context) (*cost, error) {
	members, few, more := referenceMembers, 2, 8
	if b.size == quick {
		members, few, more = members/quickShare, 2, 4
	}
	data, err := makeMembers(ctx, members)
	if err != nil {
		return nil, err
	}
	s, err := b.startCompactServer(ctx, data)
	if err != nil {
		return nil, err
	}
	a, err := b.costOf(ctx, s, few)
	if err != nil {
		return nil, err
	}
	c, err := b.costOf(ctx, s, more)
	if err != nil {
		return nil, err
	}
	n := int64(more - few)
	d := c.requests.Sub(a.requests)
	per := s3store.Requests{Get: d.Get / n, Put: d.Put / n, List: d.List / n, Head: d.Head / n, Delete: d.Delete / n}
	start := a.requests
	for range few {
		start = start.Sub(per)
	}
	return &cost{PerGroup: per, PerChild: start, CPUSeconds: (c.cpuSeconds - a.cpuSeconds) / float64(n)}, nil
}

type costRun struct {
	requests   s3store.Requests
	cpuSeconds float64
}

// costOf compacts so many groups by a plan.
func (b *bench) costOf(ctx context.Context, s *versitygw.Server, groups int) (costRun, error) {
	bucket := filepath.Join(s.Dir, "data", compactBucket)
	if err := errors.Join(os.RemoveAll(filepath.Join(bucket, "cost")), os.RemoveAll(filepath.Join(bucket, "_s3compact")), os.MkdirAll(filepath.Join(bucket, "cost"), 0o755)); err != nil {
		return costRun{}, err
	}
	for i := range groups {
		if err := command(ctx, "cp", "-a", filepath.Join(bucket, templatePrefix), filepath.Join(bucket, "cost", fmt.Sprint(1000+i))); err != nil {
			return costRun{}, err
		}
	}
	plan, answer := filepath.Join(b.tmp, "cost-plan.jsonl"), filepath.Join(b.tmp, "cost.jsonl")
	say("compacting %d groups of the reference job's shape", groups)
	env := append(append([]string{"env"}, s.Env()...), "AWS_EC2_METADATA_DISABLED=true")
	run := func(argv ...string) error {
		all := append(append([]string(nil), env...), append([]string{b.s3compact}, argv...)...)
		cmd := exec.CommandContext(ctx, all[0], all[1:]...)
		out, err := cmd.Output()
		if err != nil {
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				return fmt.Errorf("%.200q: %w\n%s", argv, err, exit.Stderr)
			}
			return err
		}
		return os.WriteFile(answer, out, 0o644)
	}
	if err := run("hotspots", "--listing", "s3://"+compactBucket+"/cost/", "--match", "*.gz", "--plan", plan); err != nil {
		return costRun{}, err
	}
	argv := append(append([]string(nil), env...), b.s3compact, "compact", "--plan", plan, "--yes", "--min-age", "0s", "--output", "json")
	u, err := measure(ctx, append([]string{"sh", "-c", `out=$1; shift; exec "$@" >"$out"`, "sh", answer}, argv...))
	if err != nil {
		return costRun{}, err
	}
	f, err := os.Open(answer)
	if err != nil {
		return costRun{}, err
	}
	defer f.Close()
	for d := json.NewDecoder(f); ; {
		var line struct {
			Type       string           `json:"type"`
			GroupsDone int              `json:"groups_done"`
			Requests   s3store.Requests `json:"requests"`
		}
		if err := d.Decode(&line); err != nil {
			return costRun{}, errors.Join(errors.New("compact printed no summary"), err)
		}
		if line.Type == "summary" {
			if line.GroupsDone != groups {
				err = fmt.Errorf("%d of %d groups were compacted", line.GroupsDone, groups)
			}
			return costRun{line.Requests, u.CPU().Seconds()}, err
		}
	}
}

// requests are those of the whole job.
func (c *cost) requests() s3store.Requests {
	total := func(group, child int64) int64 { return referenceGroups*group + referenceChildren*child }
	return s3store.Requests{
		Get: total(c.PerGroup.Get, c.PerChild.Get), Put: total(c.PerGroup.Put, c.PerChild.Put), List: total(c.PerGroup.List, c.PerChild.List),
		Head: total(c.PerGroup.Head, c.PerChild.Head), Delete: total(c.PerGroup.Delete, c.PerChild.Delete),
	}
}

// usd is what they cost, and the compute.
func (c *cost) usd() (requests, compute float64) {
	return price.Default().Requests(c.requests()), referenceGroups * c.CPUSeconds / 3600 * vCPUHourUSD
}

func (c *cost) verdicts() []verdict {
	requests, compute := c.usd()
	judge := func(part string, value, most float64) verdict {
		return verdict{Section: "cost", Input: "the reference job", Part: part, Goal: fmt.Sprintf("at most $%.2f", most), Value: fmt.Sprintf("$%.2f", value), Met: value <= most, Enough: value <= most}
	}
	return []verdict{judge("requests", requests, mostRequestsUSD), judge("requests and compute", requests+compute, mostUSD)}
}

func (c *cost) markdown(w io.Writer) {
	all := c.requests()
	l := price.Default()
	fmt.Fprintf(w, "\n### What the reference job costs\n\n29.5 million objects of 40 KB in %d groups, by %d children: what a group of %d members takes (from runs over several) times the groups, and what a run takes before its first group times the children. Prices of %s, %s.\n\n", referenceGroups, referenceChildren, referenceMembers, l.Region, l.Date)
	fmt.Fprint(w, "| requests | a group | a child | all | USD |\n|---|---:|---:|---:|---:|\n")
	for _, kind := range []struct {
		name string
		of   func(s3store.Requests) int64
		only func(int64) s3store.Requests
	}{
		{"GET", func(r s3store.Requests) int64 { return r.Get }, func(n int64) s3store.Requests { return s3store.Requests{Get: n} }},
		{"PUT", func(r s3store.Requests) int64 { return r.Put }, func(n int64) s3store.Requests { return s3store.Requests{Put: n} }},
		{"LIST", func(r s3store.Requests) int64 { return r.List }, func(n int64) s3store.Requests { return s3store.Requests{List: n} }},
		{"HEAD", func(r s3store.Requests) int64 { return r.Head }, func(n int64) s3store.Requests { return s3store.Requests{Head: n} }},
		{"DELETE", func(r s3store.Requests) int64 { return r.Delete }, func(n int64) s3store.Requests { return s3store.Requests{Delete: n} }},
	} {
		n := kind.of(all)
		fmt.Fprintf(w, "| %s | %d | %d | %d | %.2f |\n", kind.name, kind.of(c.PerGroup), kind.of(c.PerChild), n, l.Requests(kind.only(n)))
	}
	requests, compute := c.usd()
	fmt.Fprintf(w, "| **all** | | | %d | **%.2f** |\n", all.Total(), requests)
	hours := strings.TrimSuffix(fmt.Sprintf("%.1f", referenceGroups*c.CPUSeconds/3600), ".0")
	fmt.Fprintf(w, "\nCompute: %.2f CPU-seconds a group, %s core-hours in all, **$%.2f** at $%.4f an hour for a core and 2 GB (AWS Fargate, x86, on demand, us-east-1), as long as the core has work. Together **$%.2f**.\n", c.CPUSeconds, hours, compute, vCPUHourUSD, requests+compute)
}
