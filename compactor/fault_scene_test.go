package compactor

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3test/model"
)

// A scene is a world in which workers run at once, in the model's time. A
// scheduler lets one request at a time through, chosen by a seed, when every
// goroutine has come to rest: so a scene runs the same each time, and requests
// interleave in ways that clocks would never show.
type scene struct {
	w      *world
	rng    *rand.Rand // of the scheduler
	server *model.Server
	ledger *model.Ledger
	oracle *oracle
	app    *model.Client

	alone      bool // nobody else is at work any more
	expired    bool // uploads were dropped by the bucket's lifecycle
	rotten     bool // an output was stored wrong
	changed    bool // the application changed something at a fault
	acceptLoss bool // the operator's word
	loose      bool // a guard is taken away
	begun      bool // what came before is done
	over       bool // the faults are; from here on it is finished
	moved      bool // the state was closed; another one has taken its place

	mu      sync.Mutex // guards what follows
	pending []*pending
	trace   []string
	added   int // objects that the application added
	broken  []string
	wake    chan struct{} // a request has come, or a worker has ended
}

// pending is a request that waits until the scheduler lets it through.
type pending struct {
	k     *worker
	place string
	call  model.Call
	grant chan struct{}
}

// tick is how long a request takes.
const tick = 30 * time.Millisecond

func newScene(w *world, seed uint64) *scene {
	s := &scene{w: w, rng: rand.New(rand.NewPCG(seed, 1)), server: model.New(w.server, worldBuckets...), wake: make(chan struct{}, 1)}
	s.ledger = model.NewLedger(recordsOf, func(client string) bool { return client == appName })
	s.oracle = newOracle(s.ledger, w.state())
	s.server.Watch(func(e model.Event) {
		s.ledger.See(e)
		s.oracle.see(e)
	})
	s.app = s.server.Client(appName, nil)
	return s
}

// play runs the workers until all have ended.
func (s *scene) play(workers ...*worker) {
	var wg sync.WaitGroup
	left := len(workers)
	for _, k := range workers {
		wg.Go(func() {
			k.work(k)
			s.mu.Lock()
			left--
			s.mu.Unlock()
			s.rouse()
		})
	}
	for {
		synctest.Wait()
		s.mu.Lock()
		over := left == 0
		s.mu.Unlock()
		if over {
			break
		}
		if p := s.choose(); p != nil {
			close(p.grant)
			time.Sleep(tick)
			continue
		}
		<-s.wake // time goes on meanwhile
	}
	wg.Wait()
}

func (s *scene) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// choose takes the next request: mostly one of the worker that had the last, so
// that one gets ahead of the others by whole steps.
func (s *scene) choose() *pending {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pending) == 0 {
		return nil
	}
	slices.SortFunc(s.pending, func(a, b *pending) int {
		return cmp.Or(a.k.number-b.k.number, strings.Compare(a.call.Op, b.call.Op), strings.Compare(a.place, b.place), strings.Compare(a.call.Key, b.call.Key))
	})
	at := s.rng.IntN(len(s.pending))
	p := s.pending[at]
	s.pending = slices.Delete(s.pending, at, at+1)
	return p
}

// arrive waits until the scheduler lets the request through.
func (s *scene) arrive(ctx context.Context, p *pending) error {
	p.grant = make(chan struct{})
	s.mu.Lock()
	s.pending = append(s.pending, p)
	s.mu.Unlock()
	s.rouse()
	select {
	case <-p.grant:
		return nil
	case <-ctx.Done():
		s.mu.Lock()
		s.pending = slices.DeleteFunc(s.pending, func(q *pending) bool { return q == p })
		s.mu.Unlock()
		return context.Cause(ctx)
	}
}

func (s *scene) note(format string, a ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trace = append(s.trace, s.server.Now().Format("15:04:05.000 ")+fmt.Sprintf(format, a...))
}

// breaks notes what must not be.
func (s *scene) breaks(format string, a ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = append(s.broken, fmt.Sprintf(format, a...))
}

// wrong is all that must not be, so far.
func (s *scene) wrong() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append(slices.Clone(s.broken), s.ledger.Violations()...)
}

// lacking are the calls of the store that the model does not know.
type lacking struct{ Store }

// worker is one process that compacts, on a machine of its own.
type worker struct {
	*model.Client
	lacking
	s            *scene
	number       int
	faults       []*fault
	work         func(*worker)
	startsAtOnce bool
	store        Store // what the compactor is given: the worker, or a guard's breach around it

	mu       sync.Mutex // guards what follows
	seen     map[point]int
	points   []point // in the order of the requests, when they are asked for
	dead     bool
	requests int
	err      error // of its last run
}

// point is a moment of a run: the n-th request of a kind to a place, from 1.
type point struct {
	op, place string
	n         int
}

func (p point) String() string { return fmt.Sprintf("%s %s#%d", p.op, p.place, p.n) }

func (s *scene) worker(number int, faults ...*fault) *worker {
	k := &worker{s: s, number: number, faults: faults, seen: map[point]int{}, work: (*worker).run}
	k.Client = s.server.Client(fmt.Sprintf("worker%d", number), k.wire)
	k.store = k
	return k
}

// run is one run of the command.
func (k *worker) run() {
	do := compacts
	switch w := k.s.w; {
	case k.s.over && w.after != nil:
		do = w.after
	case k.s.begun && !k.s.over && w.run != nil:
		do = w.run
	}
	k.err = do(k)
	k.s.note("worker%d ends: %v", k.number, k.err)
}

func compacts(k *worker) error {
	_, err := Run(context.Background(), k.store, k.s.options(), k.s.w.groups)
	return err
}

func restores(k *worker) error {
	_, err := Restore(context.Background(), k.store, RestoreOptions{Options: k.s.options()})
	return err
}

func closes(k *worker) error {
	o := k.s.options()
	o.State = k.s.w.state()
	_, err := Close(context.Background(), k.store, o)
	return err
}

// options are those of the world, with the operator's word where it is needed and true.
func (s *scene) options() Options {
	o := s.w.options()
	o.AssumeAlone = s.alone && s.w.server.Lacks.SignatureAge
	o.AcceptLoss = s.acceptLoss
	if s.moved {
		o.State.Key = otherState
	}
	return o
}

// maxRequests bounds the requests of a run of any world: more is no end.
const maxRequests = 2500

// wire carries a request: through the scheduler, and through the faults that are meant for it.
func (k *worker) wire(ctx context.Context, c model.Call, apply func() model.Answer) model.Answer {
	if k.isDead() {
		return model.Answer{Err: errKilled}
	}
	place := k.s.w.place(c)
	if err := k.s.arrive(ctx, &pending{k: k, place: place, call: c}); err != nil {
		return model.Answer{Err: err}
	}
	k.mu.Lock()
	key := point{op: c.Op, place: place}
	k.seen[key]++
	p := point{c.Op, place, k.seen[key]}
	k.points = append(k.points, p)
	k.requests++
	if k.requests == maxRequests {
		k.dead = true
		k.s.breaks("worker%d sent %d requests and has not ended", k.number, maxRequests)
	}
	dead := k.dead
	k.mu.Unlock()
	if dead {
		return model.Answer{Err: errKilled}
	}
	for _, f := range k.faults {
		if f.at == p {
			f.met = true
			k.s.note("worker%d %s (%s): fault %s", k.number, p, c.Key, f.kind.name)
			a := f.kind.do(&strike{k: k, ctx: ctx, call: c, apply: apply})
			k.s.note("worker%d %s: answer %v", k.number, p, a.Err)
			return a
		}
	}
	a := apply()
	if (a.Err != nil && place != "canary") || k.s.w.talk {
		k.s.note("worker%d %s (%s): answer %v", k.number, p, c.Key, a.Err)
	}
	return a
}

func (k *worker) isDead() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.dead
}

func (k *worker) kill() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.dead = true
}

// place is what a request is about, without the parts of names that are random.
func (w *world) place(c model.Call) string {
	key := c.Key
	switch {
	case c.Op == "settings":
		return key
	case strings.HasPrefix(key, "_s3compact/canary/"):
		return "canary"
	case key == receipt.ClaimKey:
		return "claim"
	case strings.Contains(key, "/layout/"):
		return "layout"
	case strings.Contains(key, "/groups/"):
		if n, ok := receipt.EntryNumber(key); ok {
			return fmt.Sprintf("entry%d", n)
		}
		return "log"
	case c.Op == "uploads":
		return "uploads"
	case c.Op == "list":
		return "group"
	}
	if _, _, ok := receipt.ParseOutputName(key); ok {
		return "output"
	}
	return "member"
}

var _ Store = (*worker)(nil)
