package compactor

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
)

// matrix is what can go wrong, by kind of request, kind of fault and moment,
// and how often each was met.
type matrix struct {
	chances []chance
	last    map[string]map[string]int // by world and kind of request, how many a run sends

	mu     sync.Mutex // guards what follows
	met    map[cell]int
	worlds map[string]map[string]int // how often each kind was met in each world
	total  int                       // trials
	faults int                       // that were met
	fails  int                       // trials that failed
}

// cell is a kind of request and a kind of fault at a moment of the run.
type cell struct{ row, kind, moment string }

// chance is a single fault that can be tried.
type chance struct {
	w    *world
	kind *faultKind
	at   point
	cell cell
}

func (p point) row() string { return p.op + " " + p.place }

// moments of a request among those of its kind in a run.
var moments = []string{"first", "middle", "last"}

func (p point) moment(last int) string {
	switch {
	case !faultMoments || p.n == 1:
		return moments[0]
	case p.n == last:
		return moments[2]
	}
	return moments[1]
}

// know adds the single faults of a world, whose run without faults has these requests.
func (m *matrix) know(w *world, ps []point, kinds []*faultKind) {
	last := map[string]int{}
	m.last[w.name] = last
	for _, p := range ps {
		last[p.row()] = max(last[p.row()], p.n)
	}
	m.worlds[w.name] = map[string]int{}
	for _, p := range ps {
		for _, kind := range kinds {
			if kind.fit(p) {
				c := cell{p.row(), kind.name, p.moment(last[p.row()])}
				m.chances, m.met[c], m.worlds[w.name][kind.name] = append(m.chances, chance{w, kind, p, c}), 0, 0
			}
		}
	}
}

// choose picks the single faults to try: two of each cell, so that one is met
// whatever the seed, one of each kind in each world, and others until there are n.
func (m *matrix) choose(rng *rand.Rand, n int) (chosen []*trial) {
	cells, inWorld := map[cell]int{}, map[[2]string]bool{}
	var rest []chance
	pick := func(c chance) {
		cells[c.cell]++
		inWorld[[2]string{c.w.name, c.kind.name}] = true
		chosen = append(chosen, &trial{w: c.w, seed: rng.Uint64(), faults: [][]*fault{{{kind: c.kind, at: c.at}}}})
	}
	rng.Shuffle(len(m.chances), func(i, j int) { m.chances[i], m.chances[j] = m.chances[j], m.chances[i] })
	for _, c := range m.chances {
		if cells[c.cell] < faultsInCell || !inWorld[[2]string{c.w.name, c.kind.name}] {
			pick(c)
		} else {
			rest = append(rest, c)
		}
	}
	for _, c := range rest {
		if len(chosen) >= n {
			break
		}
		pick(c)
	}
	slices.SortStableFunc(chosen, func(a, b *trial) int { return strings.Compare(a.String(), b.String()) })
	return chosen
}

func (m *matrix) add(x *trial) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.total++
	for _, fs := range x.faults {
		for _, f := range fs {
			if f.met {
				m.faults++
				m.met[cell{f.at.row(), f.kind.name, f.at.moment(m.last[x.w.name][f.at.row()])}]++
				m.worlds[x.w.name][f.kind.name]++
			}
		}
	}
}

const (
	maxTold  = 3  // failures that are told in full
	maxFails = 40 // failures behind which the rest is not tried
)

func (m *matrix) enough() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.fails >= maxFails
}

func (m *matrix) failed(t *testing.T, x *trial, wrong, trace []string) {
	m.mu.Lock()
	m.fails++
	n := m.fails
	m.mu.Unlock()
	switch {
	case n <= maxTold:
		t.Errorf("%s\n%s\n  how:\n    %s", x, "  "+strings.Join(wrong, "\n  "), strings.Join(trace, "\n    "))
	default:
		t.Errorf("%s\n  %s", x, wrong[0])
	}
}

// tell prints the matrix, and checks that it has no hole: each kind of fault was
// met at each kind of request that it fits, at each moment, and in each world.
func (m *matrix) tell(t *testing.T, kinds []*faultKind) {
	var table strings.Builder
	for i, kind := range kinds {
		fmt.Fprintf(&table, "  %2d %s\n", i, kind.name)
	}
	heading := func(name string) {
		fmt.Fprintf(&table, "%-28s", name)
		for i := range kinds {
			fmt.Fprintf(&table, "%4d", i)
		}
		table.WriteByte('\n')
	}
	heading("request")
	rows := map[string]bool{}
	for c := range m.met {
		rows[c.row] = true
	}
	count := func(n int, fits bool) {
		switch {
		case !fits:
			table.WriteString("   -")
		case n == 0:
			table.WriteString("   !")
		default:
			fmt.Fprintf(&table, "%4d", n)
		}
	}
	for _, row := range slices.Sorted(maps.Keys(rows)) {
		for _, moment := range moments {
			fits := map[string]bool{}
			for _, kind := range kinds {
				if n, ok := m.met[cell{row, kind.name, moment}]; ok {
					if fits[kind.name] = true; n == 0 {
						t.Errorf("%s at %s, %s, was never tried", kind.name, row, moment)
					}
				}
			}
			if len(fits) == 0 {
				continue
			}
			fmt.Fprintf(&table, "%-28s", row+", "+moment)
			for _, kind := range kinds {
				count(m.met[cell{row, kind.name, moment}], fits[kind.name])
			}
			table.WriteByte('\n')
		}
	}
	heading("world")
	for _, w := range slices.Sorted(maps.Keys(m.worlds)) {
		fmt.Fprintf(&table, "%-28s", w)
		for _, kind := range kinds {
			n, fits := m.worlds[w][kind.name]
			if fits && n == 0 {
				t.Errorf("%s was never tried in world %s", kind.name, w)
			}
			count(n, fits)
		}
		table.WriteByte('\n')
	}
	t.Logf("faults met, by request, moment and kind, then by world and kind:\n%s", table.String())
}
