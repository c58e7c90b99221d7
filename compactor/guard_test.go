package compactor

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/internal/s3test/model"
)

// trial is the guard's scene, with the guard or without it.
func (g *guard) trial(without bool) *trial {
	all := worlds()
	w := all[slices.IndexFunc(all, func(w *world) bool { return w.name == g.world })]
	if g.alter != nil {
		g.alter(w)
	}
	x := &trial{w: w, seed: 1, faults: [][]*fault{nil}, end: g.end, loose: without}
	if g.do != nil {
		x.faults[0] = []*fault{{kind: &faultKind{name: g.name, do: g.do}, at: g.at}}
	}
	if !without {
		return x
	}
	x.breach = g.breach
	if g.lacks != (model.Lacks{}) {
		w.server.Lacks = g.lacks
		w.server.LacksAt = func(_, key string) bool { return !strings.HasPrefix(key, "_s3compact/canary/") }
	}
	if g.loosen != nil {
		before := w.change
		w.change = func(o *Options) {
			if before != nil {
				before(o)
			}
			g.loosen(o)
		}
	}
	return x
}

// TestEveryGuardIsNeeded plays a scene for each guard of the protocol: with it
// nothing goes wrong, and without it data is lost, doubled, overwritten or left over.
func TestEveryGuardIsNeeded(t *testing.T) {
	text, err := os.ReadFile("../docs/guards.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^\| ([^|`+"`"+`]+) \| [^|]+ \| `+"`"+`[^|]+ \| [^|]+ \|$`).FindAllStringSubmatch(string(text), -1)
	if len(rows) != len(guards()) {
		t.Errorf("docs/guards.md tells of %d guards, %d are tested", len(rows), len(guards()))
	}
	for _, g := range guards() {
		t.Run(g.name, func(t *testing.T) {
			x := g.trial(false)
			wrong, trace := x.run(t)
			if g.refuses {
				if len(wrong) != 1 || !strings.Contains(wrong[0], ErrUsage.Error()) {
					t.Errorf("with the guard the run should refuse to begin: %s", strings.Join(wrong, "\n"))
				}
			} else if len(wrong) > 0 {
				t.Errorf("with the guard:\n  %s\n  how:\n    %s", strings.Join(wrong, "\n  "), strings.Join(trace, "\n    "))
			}
			if g.do != nil && !g.refuses && !x.faults[0][0].met {
				t.Errorf("the request %s never came:\n    %s", g.at, strings.Join(trace, "\n    "))
			}
			wrong, trace = g.trial(true).run(t)
			if len(wrong) == 0 {
				t.Errorf("without the guard nothing goes wrong:\n    %s", strings.Join(trace, "\n    "))
			} else {
				t.Logf("without it: %s", wrong[0])
			}
			if !strings.Contains(string(text), "| "+g.name+" |") {
				t.Error("docs/guards.md does not tell of it")
			}
		})
	}
}
