package compactor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/s3compact/s3compact/internal/s3test/model"
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
	if errors.Is(k.err, ErrLoss) && s.expired {
		// Uploads of a commit have expired, and the application has changed what it
		// would have deleted: that looks like a loss, and an operator has to say that it is none.
		s.acceptLoss = true
	} else if errors.Is(k.err, ErrLoss) {
		s.breaks("worker%d speaks of a loss: %v", k.number, k.err)
	}
}

// aftermath runs without faults until nothing is to be done, and looks whether
// all is as if nothing had happened.
func (s *scene) aftermath(breach func(*worker) Store) {
	quiet, number := false, 10
	s.begun = false // what the workers were to do is done; from here on it is compacted
	again := func() *worker {
		k := s.worker(number)
		number++
		if breach != nil {
			k.store = breach(k)
		}
		s.play(k)
		return k
	}
	errs := 0
	for range 10 {
		k := again()
		if k.err == nil {
			quiet = true
			break
		}
		s.judge(k)
		if !errors.Is(k.err, ErrWaiting) {
			if errs++; errs == 3 {
				s.breaks("runs without faults fail: %v", k.err)
				return
			}
		}
		time.Sleep(10 * time.Minute)
		if s.alone = true; s.w.server.Lacks.SignatureAge {
			s.oracle.unsettled() // the operator says that nobody else is at work
		}
	}
	if !quiet {
		s.breaks("runs without faults never come to an end")
		return
	}
	s.broken = append(s.broken, s.ledger.Settle(s.w.most)...)
	time.Sleep(25 * time.Hour)
	o := s.options()
	if _, err := Sweep(context.Background(), s.server.Client("worker99", nil), o, s.w.groups); err != nil {
		s.breaks("the sweep: %v", err)
	}
	k := again()
	for range 3 { // an entry may have come late, behind the last run
		if !errors.Is(k.err, ErrWaiting) {
			break
		}
		time.Sleep(settleTime)
		k = again()
	}
	if k.err != nil {
		s.breaks("a run a day later: %v", k.err)
	}
	s.broken = append(s.broken, s.ledger.Settle(s.w.most)...)
	s.orphans()
	sum, err := Verify(context.Background(), s.server.Client("worker99", nil), o, func(v Verified) {
		if v.Err != nil {
			s.breaks("verify: %s: %v", v.Key, v.Err)
		}
	})
	if err != nil || sum.GroupsOpen > 0 {
		s.breaks("verify: %+v, %v", sum, err)
	}
}

// orphans looks for what nobody knows of.
func (s *scene) orphans() {
	live, open := s.oracle.live()
	if open {
		s.breaks("a log's head is open in the end")
	}
	for _, b := range worldBuckets {
		if left := s.server.Uploads(b); len(left) > 0 {
			s.breaks("uploads are left: %v", left)
		}
		for _, key := range s.server.Keys(b) {
			v := s.server.Current(b, key)
			switch {
			case v.Writer == appName, v.Writer == model.RotClient, strings.HasPrefix(key, otherState), live[b+"/"+key]:
			case strings.HasPrefix(key, "_s3compact/") && !strings.HasPrefix(key, "_s3compact/canary/"):
			default:
				s.breaks("an orphan: %s/%s", b, key)
			}
		}
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

// matrix counts the faults that were met, by request and kind.
type matrix struct {
	mu    sync.Mutex
	cells map[[2]string]int
	rows  map[string]point // an example of each request
	total int
	met   int
	fails int
}

func (m *matrix) add(x *trial) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.total++
	for _, fs := range x.faults {
		for _, f := range fs {
			if f.met {
				m.met++
				m.cells[[2]string{f.at.op + " " + f.at.place, f.kind.name}]++
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

// TestFaults lets one thing go wrong at each request of a run in turn, in every
// world; pairs of things that the seed chooses; and two or three workers at
// once, with a fault each or none. After each, nothing may be lost, and runs
// without faults must put everything right. In most worlds the seed chooses a
// share of the single faults; with -tags full they are all tried.
func TestFaults(t *testing.T) {
	seed := faultSeed(t)
	t.Logf("S3COMPACT_FAULT_SEED=%d runs the same again, S3COMPACT_FAULT=… what holds these words", seed)
	rng := rand.New(rand.NewPCG(seed, 2))
	kinds := faultKinds()
	m := &matrix{cells: map[[2]string]int{}, rows: map[string]point{}}
	var singles, pairs, crowds []*trial
	draw := func(ps []point) *fault {
		for {
			p, kind := ps[rng.IntN(len(ps))], kinds[rng.IntN(len(kinds))]
			if (kind.fits == nil || kind.fits(p)) && p.place != "canary" {
				return &fault{kind: kind, at: p}
			}
		}
	}
	type cell struct{ row, kind string }
	tried := map[cell]bool{}
	spare := map[cell]*trial{} // of what the seed has not chosen yet
	all := worlds()
	for i, w := range all {
		ps := points(t, w)
		for _, p := range ps {
			m.rows[p.op+" "+p.place] = p
			for _, kind := range kinds {
				if kind.fits != nil && !kind.fits(p) {
					continue
				}
				c := cell{p.op + " " + p.place, kind.name}
				x := &trial{w: w, seed: rng.Uint64(), faults: [][]*fault{{{kind: kind, at: p}}}}
				if rng.IntN(100) < faultShare(i, p) {
					singles, tried[c] = append(singles, x), true
				} else {
					spare[c] = x
				}
			}
		}
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
	for c, x := range spare {
		if !tried[c] {
			singles = append(singles, x)
		}
	}
	slices.SortStableFunc(singles, func(a, b *trial) int { return strings.Compare(a.String(), b.String()) })
	t.Logf("%d worlds: %d single faults, %d pairs, %d crowds of workers", len(all), len(singles), len(pairs), len(crowds))
	if n := len(singles) + len(pairs) + len(crowds); n < faultsAtAll {
		t.Errorf("only %d faults are tried", n)
	}
	runTrials(t, m, slices.Concat(singles, pairs, crowds))
	t.Logf("%d trials, %d failed; %d faults were met", m.total, m.fails, m.met)
	if os.Getenv("S3COMPACT_FAULT") == "" && !m.enough() {
		m.tell(t, kinds)
	}
}

// faultShare is the share, in percent, of the single faults that are tried in a
// world: less in those behind the first one, and less again of what opens and closes
// a run, which is the same in all.
func faultShare(world int, p point) int {
	if world == 0 {
		return faultFirst
	}
	switch p.place {
	case "canary", "claim", "layout", "versioning", "ownership", "lock", "lifecycle":
		return faultPercent / 4
	}
	return faultPercent
}

// tell prints the matrix, and checks that it has no hole: each kind of fault
// was met at each kind of request that it fits.
func (m *matrix) tell(t *testing.T, kinds []*faultKind) {
	var table strings.Builder
	for i, kind := range kinds {
		fmt.Fprintf(&table, "  %2d %s\n", i, kind.name)
	}
	fmt.Fprintf(&table, "%-20s", "request")
	for i := range kinds {
		fmt.Fprintf(&table, "%4d", i)
	}
	table.WriteByte('\n')
	for _, row := range slices.Sorted(maps.Keys(m.rows)) {
		fmt.Fprintf(&table, "%-20s", row)
		for _, kind := range kinds {
			n := m.cells[[2]string{row, kind.name}]
			switch fits := kind.fits == nil || kind.fits(m.rows[row]); {
			case fits && n == 0:
				t.Errorf("%s at %s was never tried", kind.name, row)
				table.WriteString("   !")
			case !fits:
				table.WriteString("   -")
			default:
				fmt.Fprintf(&table, "%4d", n)
			}
		}
		table.WriteByte('\n')
	}
	t.Logf("faults met, by request and kind:\n%s", table.String())
}
