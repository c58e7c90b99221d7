package main

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3test/fault"
)

// target is a kind of request as the protocol tells them apart: the operation and what it is for.
func target(r *fault.Request) string { return r.Op + " " + purpose(r) }

func purpose(r *fault.Request) string {
	key := r.Key
	if key == "" {
		key = r.Query.Get("prefix")
	}
	_, _, output := receipt.ParseOutputName(key)
	switch {
	case strings.HasPrefix(key, "_s3compact/canary/"), r.Op == "DeleteObjects" && bytes.Contains(r.Body, []byte("_s3compact/canary/")):
		return "canary"
	case strings.HasPrefix(key, "_s3compact/claim"):
		return "claim"
	case strings.HasPrefix(key, "_s3compact/layout/"):
		return "layout"
	case strings.HasPrefix(key, "_s3compact/groups/") && r.Op == "PutObject":
		h, err := receipt.DecodeHeader(bytes.NewReader(r.Body))
		if err != nil {
			return "entry"
		}
		return string(h.Kind)
	case strings.HasPrefix(key, "_s3compact/groups/"):
		return "log"
	case strings.HasPrefix(key, "_s3compact/"):
		return "state"
	case output:
		return "output"
	case r.Op == "DeleteObjects":
		return "members"
	case r.Key != "":
		return "member"
	case strings.HasPrefix(r.Op, "List") && key != "":
		return "group"
	}
	return "bucket"
}

// cell is one fault: what befalls which request of which world.
type cell struct {
	variant variant
	target  string
	kind    *kind
	nth     int    // of the requests of the target
	moment  string // first, middle, last
}

func (c cell) String() string {
	return fmt.Sprintf("%s/%s/%s/%s", c.variant.name, strings.ReplaceAll(c.target, " ", "-"), strings.ReplaceAll(c.kind.name, " ", "-"), c.moment)
}

// cells are all faults of a world whose undisturbed run sent these many requests of each target.
func cells(v variant, sent map[string]int) (all []cell) {
	for _, t := range slices.Sorted(maps.Keys(sent)) {
		n := sent[t]
		moments := []cell{{nth: 1, moment: "first"}}
		if n > 2 {
			moments = append(moments, cell{nth: (n + 1) / 2, moment: "middle"})
		}
		if n > 1 {
			moments = append(moments, cell{nth: n, moment: "last"})
		}
		op, what, _ := strings.Cut(t, " ")
		for _, k := range kinds {
			if !k.applies(op, what) {
				continue
			}
			for _, c := range moments {
				c.variant, c.target, c.kind = v, t, k
				all = append(all, c)
			}
		}
	}
	return all
}

// chosen picks n faults so that kinds, targets, moments and worlds are all
// there as evenly as can be; the seed decides between equals.
func chosen(all []cell, n int, seed uint64) (picked []cell) {
	random := rand.New(rand.NewPCG(seed, 0))
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	used := map[string]float64{}
	taken := make([]bool, len(all))
	for len(picked) < min(n, len(all)) {
		best, least := -1, 0.0
		for i, c := range all {
			score := 0.0
			for name, weight := range c.counted() {
				score += weight * (used[name] + 1)
			}
			if !taken[i] && (best < 0 || score < least) {
				best, least = i, score
			}
		}
		c := all[best]
		taken[best] = true
		picked = append(picked, c)
		for name := range c.counted() {
			used[name]++
		}
	}
	return picked
}

// counted is what a fault has in common with others, each with the weight of having it once more.
func (c cell) counted() map[string]float64 {
	around := c.target // what the program does before its work, and settings, count as one target each
	switch op, what, _ := strings.Cut(c.target, " "); {
	case what == "canary":
		around = what
	case strings.HasPrefix(op, "GetBucket"), strings.HasPrefix(op, "GetObjectLock"):
		around = "setting"
	}
	return map[string]float64{
		c.kind.name: 6 / c.kind.weight(), around: 2, c.target: 0.5, c.target + c.kind.name: 1000, // no pair again before all are there
		c.moment: 0.2, c.variant.name: 0.2 / c.variant.weight(),
	}
}

// sortCells brings faults that were gathered side by side into one order, so that a seed chooses the same.
func sortCells(all []cell) {
	slices.SortFunc(all, func(a, b cell) int { return strings.Compare(a.String(), b.String()) })
}

// weight is how often a world is chosen beside the others.
func (v variant) weight() float64 {
	if v.name == "plain" || v.name == "batch" {
		return 3
	}
	return 1
}

// matrix is a table of how many faults were tried: a line for each target, a column for each kind.
func matrix(tried []cell, all []cell) string {
	count, possible := map[string]int{}, map[string]bool{}
	targets := map[string]bool{}
	moments, worlds := map[string]int{}, map[string]int{}
	for _, c := range all {
		targets[c.target] = true
		possible[c.target+c.kind.name] = true
	}
	for _, c := range tried {
		count[c.target+c.kind.name]++
		moments[c.moment]++
		worlds[c.variant.name]++
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d faults of %d possible ones. Moments: %v. Worlds: %v.\n", len(tried), len(all), moments, worlds)
	for i, k := range kinds {
		fmt.Fprintf(&b, "%2d  %s\n", i+1, k.name)
	}
	fmt.Fprintf(&b, "%-32s", "")
	for i := range kinds {
		fmt.Fprintf(&b, "%4d", i+1)
	}
	empty := 0
	for _, t := range slices.Sorted(maps.Keys(targets)) {
		fmt.Fprintf(&b, "\n%-32s", t)
		for _, k := range kinds {
			n, is := count[t+k.name], possible[t+k.name]
			switch {
			case n > 0:
				fmt.Fprintf(&b, "%4d", n)
			case is:
				empty++
				b.WriteString("   .")
			default:
				b.WriteString("    ")
			}
		}
	}
	fmt.Fprintf(&b, "\n(.: possible, not tried: %d of %d)", empty, len(possible))
	return b.String()
}

// TestChosenFaultsAreSpread keeps the choice honest: whatever the seed, every
// kind of fault and most targets are in it.
func TestChosenFaultsAreSpread(t *testing.T) {
	sent := map[string]int{"GetObject member": 20, "PutObject commit": 2, "CompleteMultipartUpload output": 3, "DeleteObject member": 20, "DeleteObjects members": 2, "ListObjectsV2 group": 6, "HeadObject log": 4}
	for seed := range uint64(4) {
		var all []cell
		for _, v := range variants {
			all = append(all, cells(v, sent)...)
		}
		picked := chosen(all, len(kinds)+12, seed)
		seen := map[string]bool{}
		for _, c := range picked {
			seen[c.kind.name], seen[c.target], seen[c.moment] = true, true, true
		}
		for _, k := range kinds {
			if !seen[k.name] {
				t.Errorf("seed %d: no fault %q", seed, k.name)
			}
		}
		for name := range sent {
			if !seen[name] {
				t.Errorf("seed %d: no fault of %s", seed, name)
			}
		}
		possible, tried := map[string]bool{}, map[string]bool{}
		for _, c := range all {
			possible[c.target+c.kind.name] = true
		}
		for _, c := range chosen(all, len(possible), seed) {
			tried[c.target+c.kind.name] = true
		}
		if len(tried) != len(possible) {
			t.Errorf("seed %d: as many faults as there are kinds at targets try %d of these %d", seed, len(tried), len(possible))
		}
	}
}
