package compactor

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// faultSeed chooses what is chosen at random: S3COMPACT_FAULT_SEED, or 1.
func faultSeed(t *testing.T) uint64 {
	s := os.Getenv("S3COMPACT_FAULT_SEED")
	if s == "" {
		return 1
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatalf("S3COMPACT_FAULT_SEED: %v", err)
	}
	return n
}

// trial is a scene with its faults: what is run, and by which name it is run again.
type trial struct {
	w      *world
	seed   uint64
	faults [][]*fault // of each worker

	breach func(*worker) Store // takes a guard away
	loose  bool                // likewise: only damage counts then, not the form of requests
	end    func(*scene)
}

func (x *trial) String() string {
	var workers []string
	for _, fs := range x.faults {
		var names []string
		for _, f := range fs {
			names = append(names, f.String())
		}
		workers = append(workers, strings.Join(names, " + "))
	}
	return fmt.Sprintf("%s: %s (seed %d)", x.w.name, strings.Join(workers, " | "), x.seed)
}

// run plays the scene and returns what is wrong and how it came about.
func (x *trial) run(t *testing.T) (wrong, trace []string) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(x.w, x.seed)
		s.begin()
		s.loose = x.loose
		s.oracle.damageOnly(x.loose)
		var workers []*worker
		for i, fs := range x.faults {
			k := s.worker(i+1, fs...)
			k.work = (*worker).runOften
			k.startsAtOnce = len(x.faults) == 1
			if x.breach != nil {
				k.store = x.breach(k)
			}
			workers = append(workers, k)
		}
		s.play(workers...)
		for _, k := range workers {
			s.judge(k)
		}
		if len(s.wrong()) == 0 {
			s.aftermath(x.breach)
		}
		if x.end != nil && len(s.wrong()) == 0 {
			x.end(s)
		}
		time.Sleep(time.Hour) // what is still on its way arrives
		wrong, trace = s.wrong(), s.trace
	})
	return wrong, trace
}

// begin fills the world and does what is to come before the faults.
func (s *scene) begin() {
	s.w.fill(s)
	if s.w.before != nil {
		s.w.before(s)
	}
	s.begun = true
}

// runOften is a worker that comes back: it starts after a while that the seed chooses.
func (k *worker) runOften() {
	if !k.startsAtOnce {
		k.s.mu.Lock()
		wait := time.Duration(k.s.rng.IntN(1000)) * time.Millisecond
		k.s.mu.Unlock()
		time.Sleep(wait)
	}
	for range 4 {
		k.run()
		if k.isDead() || k.err == nil {
			return
		}
		time.Sleep(7 * time.Minute)
	}
}

// judge looks at how a run ended: an error must be one that a fault explains.
func (s *scene) judge(k *worker) {
	if errors.Is(k.err, ErrLoss) && (s.expired || s.rotten && s.changed) {
		// Uploads of a commit have expired, or its output was stored wrong, and the
		// application has changed what it would have deleted: that looks like a loss, and an operator has to say that it is none.
		s.acceptLoss = true
	} else if errors.Is(k.err, ErrLoss) {
		s.breaks("worker%d speaks of a loss: %v", k.number, k.err)
	}
}

// points are the requests of a run that nothing disturbs.
func points(t *testing.T, w *world) (all []point) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(w, 1)
		s.begin()
		k := s.worker(1)
		k.work, k.startsAtOnce = (*worker).runOften, true
		s.play(k)
		if k.err != nil {
			t.Fatalf("%s: a run without faults: %v", w.name, k.err)
		}
		if wrong := s.wrong(); len(wrong) > 0 {
			t.Fatalf("%s: a run without faults: %s", w.name, strings.Join(wrong, "\n"))
		}
		all = k.points
	})
	return all
}

// trialsAtOnce is how many trials run side by side.
const trialsAtOnce = 2

// runTrials runs them, but for those that S3COMPACT_FAULT does not name.
func runTrials(t *testing.T, m *matrix, all []*trial) {
	only := os.Getenv("S3COMPACT_FAULT")
	t.Run("trials", func(t *testing.T) {
		for lane := range trialsAtOnce {
			t.Run(strconv.Itoa(lane), func(t *testing.T) {
				t.Parallel()
				for i := lane; i < len(all); i += trialsAtOnce {
					x := all[i]
					if !strings.Contains(x.String(), only) {
						continue
					}
					if m.enough() {
						return
					}
					wrong, trace := x.run(t)
					m.add(x)
					if len(wrong) > 0 {
						m.failed(t, x, wrong, trace)
					}
				}
			})
		}
	})
}

// TestFaults lets one thing go wrong at a request of a run, in every world:
// each kind of fault at each kind of request, at the first one of a run, the
// last one and one between, and each kind of fault in each world; of the others
// the seed chooses as many as fit, and all with -tags full. Then pairs of things
// that the seed chooses; and two or three workers at once, with a fault each or
// none. After each, nothing may be lost, and runs without faults must put
// everything right.
func TestFaults(t *testing.T) {
	seed := faultSeed(t)
	t.Logf("S3COMPACT_FAULT_SEED=%d runs the same again, S3COMPACT_FAULT=… what holds these words", seed)
	rng := rand.New(rand.NewPCG(seed, 2))
	kinds := faultKinds()
	m := &matrix{last: map[string]map[string]int{}, met: map[cell]int{}, worlds: map[string]map[string]int{}}
	var pairs, crowds []*trial
	draw := func(ps []point) *fault {
		for {
			p, kind := ps[rng.IntN(len(ps))], kinds[rng.IntN(len(kinds))]
			if kind.fit(p) && p.place != "canary" {
				return &fault{kind: kind, at: p}
			}
		}
	}
	all := worlds()
	for _, w := range all {
		ps := points(t, w)
		m.know(w, ps, kinds)
		for range faultPairs / len(all) {
			pairs = append(pairs, &trial{w: w, seed: rng.Uint64(), faults: [][]*fault{{draw(ps), draw(ps)}}})
		}
		for n := range faultCrowds / len(all) {
			x := &trial{w: w, seed: rng.Uint64(), faults: make([][]*fault, 2+n%2)}
			for k := range x.faults {
				for range rng.IntN(3) {
					x.faults[k] = append(x.faults[k], draw(ps))
				}
			}
			crowds = append(crowds, x)
		}
	}
	singles := m.choose(rng, faultSingles)
	t.Logf("%d worlds: %d of %d single faults, %d pairs, %d crowds of workers", len(all), len(singles), len(m.chances), len(pairs), len(crowds))
	if n := len(singles) + len(pairs) + len(crowds); n < faultsAtAll {
		t.Errorf("only %d faults are tried", n)
	}
	runTrials(t, m, slices.Concat(singles, pairs, crowds))
	t.Logf("%d trials, %d failed; %d faults were met", m.total, m.fails, m.faults)
	if os.Getenv("S3COMPACT_FAULT") == "" && !m.enough() {
		m.tell(t, kinds)
	}
}
