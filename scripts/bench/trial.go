package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"
)

// trial is one piece of work that several contenders do.
type trial struct {
	Section string  // "inflate", "orc", "large", "listing"
	Input   string  // what is worked on, for people
	Work    float64 // how much of it there is
	Unit    string  // of the work: "MB", "M rows"
	Goal    float64 // our rate over that of the fastest peer that Against allows; 0: none
	Against func(contender) bool
	Least   float64 // of the goal, still acceptable; 0: the goal itself
	Few     bool    // takes so long that three repeats must do
	// MostBytes is the goal for our own peak memory; 0: none.
	MostBytes int64
	// MostCPU is the goal for our CPU time over that of the fastest peer; 0: none.
	MostCPU float64
	// MostCount is the goal for our requests over the fewest of any peer, beside
	// CountSlack more; 0: none.
	MostCount  float64
	CountSlack int64
	// LeastOfBase is the goal for our rate over our own one for another input, Base,
	// that is measured before; 0: none.
	LeastOfBase float64
	Base        string
	Contenders  []contender
}

// contender is one way to do it: commands that are run each in a process of
// its own.
type contender struct {
	Name  string
	Ours  bool
	Part  string   // of the program, where not all of it is at work: it has a verdict of its own
	Start []string // the same with next to no work: what it takes is taken off
	Run   []string
	// Prepare makes what a run works on and uses up; may be nil. It is not measured.
	Prepare func(ctx context.Context) error
	// Check holds the answer of the last Run, in the file Answer, against the
	// truth; nil where the process itself does and fails if it is wrong.
	Check  func() error
	Answer string
	// Missing says why the contender can't be run; "" if it can.
	Missing string
	// Count returns how many requests were sent since its last call; may be nil.
	Count func() int64
	// ByWall: the contender waits for others rather than works, so its rate is by wall-clock time.
	ByWall bool
}

// result is what a contender took for a trial.
type result struct {
	Section   string  `json:"section"`
	Input     string  `json:"input"`
	Contender string  `json:"contender"`
	Ours      bool    `json:"ours"`
	Part      string  `json:"part,omitempty"`
	Missing   string  `json:"missing,omitempty"`
	Work      float64 `json:"work"`
	Unit      string  `json:"unit"`
	Repeats   int     `json:"repeats"`
	// Rates in units of work a second of CPU time (or of wall-clock time, where
	// ByWall), net of the median start-up: median, lowest and highest run.
	Rate     float64 `json:"rate"`
	RateLow  float64 `json:"rate_low"`
	RateHigh float64 `json:"rate_high"`
	ByWall   bool    `json:"by_wall,omitempty"`
	// Medians of whole runs.
	CPUSeconds      float64 `json:"cpu_seconds"`
	WallSeconds     float64 `json:"wall_seconds"`
	StartCPUSeconds float64 `json:"start_cpu_seconds"`
	PeakBytes       int64   `json:"peak_bytes"`
	Requests        int64   `json:"requests,omitempty"` // most of any run
	Ratio           float64 `json:"ratio"`              // to the fastest peer's rate; 0: there is none
}

// verdict says whether a goal was met.
type verdict struct {
	Section string  `json:"section"`
	Input   string  `json:"input"`
	Part    string  `json:"part,omitempty"`
	Goal    string  `json:"goal"`
	Value   string  `json:"value"`
	Met     bool    `json:"met"`
	Enough  bool    `json:"enough"` // the least that is acceptable was reached
	Ratio   float64 `json:"ratio,omitempty"`
}

// repeat runs the contenders in turn, so often, and checks every answer. A
// wrong answer ends everything: its time means nothing.
func (t *trial) repeat(ctx context.Context, repeats int) ([]result, error) {
	if t.Few {
		repeats = min(repeats, 3)
	}
	type runs struct {
		start, run []usage
		requests   int64
	}
	all := make([]runs, len(t.Contenders))
	for i := range repeats {
		for j := range t.Contenders {
			k := (i + j) % len(t.Contenders) // nobody is always first
			c := &t.Contenders[k]
			if c.Missing != "" {
				continue
			}
			if c.Start != nil {
				if err := forget(c.Answer); err != nil {
					return nil, err
				}
				u, err := measure(ctx, c.Start)
				if err != nil {
					return nil, fmt.Errorf("%s, start-up of %s: %w", t.Input, c.Name, err)
				}
				all[k].start = append(all[k].start, u)
			}
			if err := forget(c.Answer); err != nil {
				return nil, err
			}
			if c.Prepare != nil {
				if err := c.Prepare(ctx); err != nil {
					return nil, fmt.Errorf("%s, preparing %s: %w", t.Input, c.Name, err)
				}
			}
			if c.Count != nil {
				c.Count()
			}
			u, err := measure(ctx, c.Run)
			if err == nil && c.Check != nil {
				err = c.Check()
			}
			if err != nil {
				return nil, fmt.Errorf("%s by %s: %w", t.Input, c.Name, err)
			}
			all[k].run = append(all[k].run, u)
			if c.Count != nil {
				all[k].requests = max(all[k].requests, c.Count())
			}
		}
	}
	results := make([]result, len(t.Contenders))
	for k, c := range t.Contenders {
		r := &results[k]
		*r = result{Section: t.Section, Input: t.Input, Contender: c.Name, Ours: c.Ours, Part: c.Part, Missing: c.Missing, Work: t.Work, Unit: t.Unit, Repeats: repeats, ByWall: c.ByWall, Requests: all[k].requests}
		if c.Missing == "" {
			r.fill(all[k].start, all[k].run)
		}
	}
	t.compare(results)
	return results, nil
}

// forget removes an answer, so that no earlier one passes for it.
func forget(answer string) error {
	if answer == "" {
		return nil
	}
	if err := os.Remove(answer); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (r *result) fill(start, run []usage) {
	measured := usage.CPU
	if r.ByWall {
		measured = func(u usage) time.Duration { return u.Wall }
	}
	off := median(start, measured)
	var rates []float64
	for _, u := range run {
		// A run can't take less than a clock tick's worth more than its start-up.
		net := max(measured(u)-off, time.Millisecond)
		rates = append(rates, r.Work/net.Seconds())
		r.PeakBytes = max(r.PeakBytes, u.PeakBytes)
	}
	slices.Sort(rates)
	r.RateLow, r.RateHigh = rates[0], rates[len(rates)-1]
	r.Rate = r.Work / max(median(run, measured)-off, time.Millisecond).Seconds()
	r.CPUSeconds = median(run, usage.CPU).Seconds()
	r.WallSeconds = median(run, func(u usage) time.Duration { return u.Wall }).Seconds()
	r.StartCPUSeconds = median(start, usage.CPU).Seconds()
}

// median of what f takes from each; 0 of none.
func median(us []usage, f func(usage) time.Duration) time.Duration {
	if len(us) == 0 {
		return 0
	}
	var ds []time.Duration
	for _, u := range us {
		ds = append(ds, f(u))
	}
	slices.Sort(ds)
	return (ds[(len(ds)-1)/2] + ds[len(ds)/2]) / 2
}

// compare fills in the ratios to the fastest peer that counts.
func (t *trial) compare(results []result) {
	var fastest float64
	for k, c := range t.Contenders {
		if !c.Ours && (t.Against == nil || t.Against(c)) {
			fastest = max(fastest, results[k].Rate)
		}
	}
	if fastest == 0 {
		return
	}
	for k := range results {
		results[k].Ratio = results[k].Rate / fastest
	}
}

// judge holds our own results against the trial's goals: those of the whole
// program, then those of each part.
func (t *trial) judge(results []result) []verdict {
	vs := t.judgePart(results, "")
	for _, r := range results {
		if r.Part != "" {
			vs = append(vs, t.judgePart(results, r.Part)...)
		}
	}
	return vs
}

// judgeBase holds our rate against our own one for another input.
func (t *trial) judgeBase(results []result) []verdict {
	rate := map[string]float64{}
	for _, r := range results {
		if r.Section == t.Section && r.Ours && r.Part == "" && r.Missing == "" {
			rate[r.Input] = max(rate[r.Input], r.Rate)
		}
	}
	if t.LeastOfBase == 0 || rate[t.Base] == 0 || rate[t.Input] == 0 {
		return nil
	}
	share := rate[t.Input] / rate[t.Base]
	met := share >= t.LeastOfBase
	return []verdict{{
		Section: t.Section, Input: t.Input, Goal: fmt.Sprintf("at least %.2f × our own rate for %s", t.LeastOfBase, t.Base),
		Value: fmt.Sprintf("%.2f ×", share), Met: met, Enough: met,
	}}
}

// judgePart judges one part of the program, or the whole (""). Of several ways
// to run it the best one counts for speed, the worst one for memory.
func (t *trial) judgePart(results []result, part string) []verdict {
	var ratio float64
	var peak, requests, fewest int64
	var own, fastest result
	for _, r := range results {
		switch {
		case r.Missing != "", r.Ours && r.Part != part:
			continue
		case r.Ours:
			ratio, peak, requests = max(ratio, r.Ratio), max(peak, r.PeakBytes), max(requests, r.Requests)
			if r.Rate > own.Rate {
				own = r
			}
			continue
		case fewest == 0 || r.Requests < fewest:
			fewest = r.Requests
		}
		if r.Rate > fastest.Rate {
			fastest = r
		}
	}
	var vs []verdict
	if t.Goal > 0 && ratio > 0 {
		goal := fmt.Sprintf("%.2f × the fastest peer", t.Goal)
		least := t.Goal
		if t.Least > 0 {
			goal += fmt.Sprintf(", at least %.2f ×", t.Least)
			least = t.Least
		}
		vs = append(vs, verdict{Section: t.Section, Input: t.Input, Goal: goal, Value: fmt.Sprintf("%.2f ×", ratio), Met: ratio >= t.Goal, Enough: ratio >= least, Ratio: ratio})
	}
	if t.MostBytes > 0 && peak > 0 {
		vs = append(vs, verdict{
			Section: t.Section, Input: t.Input, Goal: fmt.Sprintf("at most %s of memory", mib(t.MostBytes)),
			Value: mib(peak), Met: peak <= t.MostBytes,
		})
	}
	if t.MostCPU > 0 && own.CPUSeconds > 0 && fastest.CPUSeconds > 0 {
		share := own.CPUSeconds / fastest.CPUSeconds
		vs = append(vs, verdict{
			Section: t.Section, Input: t.Input, Goal: fmt.Sprintf("at most %.2f × the CPU time of the fastest peer", t.MostCPU),
			Value: fmt.Sprintf("%.2f ×", share), Met: share <= t.MostCPU,
		})
	}
	if t.MostCount > 0 && requests > 0 && fewest > 0 {
		vs = append(vs, verdict{
			Section: t.Section, Input: t.Input, Goal: fmt.Sprintf("at most %.1f × the requests of the peer and %d more", t.MostCount, t.CountSlack),
			Value: fmt.Sprintf("%d of %d", requests, fewest), Met: float64(requests) <= t.MostCount*float64(fewest)+float64(t.CountSlack),
		})
	}
	for i := range vs {
		vs[i].Part = part
		vs[i].Enough = vs[i].Enough || vs[i].Met
	}
	return vs
}

func mib(bytes int64) string { return fmt.Sprintf("%d MiB", bytes>>20) }
