package compactor

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test/model"
)

var (
	walks     = flag.Int("walks", 60, "how many walks TestWalks makes")
	firstWalk = flag.Uint64("walk", 1, "the seed of the first one")
)

// walk is one group in which an application and two workers do what a seed chooses:
// compactions of every form, restores, closing, one after another or at once, each
// with a request that is paused, lost, or the last of its worker.
type walk struct {
	*undo
	seed   uint64
	dest   *s3store.Location
	states int // that were closed

	mu      sync.Mutex // guards what follows
	records int
	bodies  map[string][][]byte // that the application has put, by key
	trace   []string
}

// TestWalks: whatever was done in whatever order, no record is ever lost, and in the
// end each is there once.
func TestWalks(t *testing.T) {
	for seed := *firstWalk; seed < *firstWalk+uint64(*walks); seed++ {
		synctest.Test(t, func(t *testing.T) {
			w := newWalk(t, seed)
			r := rand.New(rand.NewPCG(seed, 1))
			for range 10 {
				w.write(r)
			}
			for range 12 {
				time.Sleep(time.Duration(r.IntN(25)) * time.Minute)
				w.step(r)
			}
			wrong := w.ledger.Violations()
			if err := w.end(); err != nil {
				wrong = append(wrong, "in the end: "+err.Error())
			}
			wrong = append(wrong, w.ledger.Violations()...)
			for _, x := range w.ledger.Settle(1) {
				if !w.again() || strings.Contains(x, "lost") {
					wrong = append(wrong, x)
				}
			}
			if len(wrong) > 0 {
				t.Fatalf("-walk %d: %s\n%s", seed, strings.Join(wrong, "\n"), strings.Join(w.trace, "\n"))
			}
		})
		if t.Failed() {
			return
		}
	}
}

func newWalk(t *testing.T, seed uint64) *walk {
	u := newUndo(t, false)
	lacks := []model.Lacks{{}, {BatchETags: true}, {Checksums: true}, {BatchETags: true, Checksums: true}}[seed%4]
	u.server = model.New(model.Options{MinPartBytes: 1, Versioned: seed%5 == 0, Lacks: lacks, PageKeys: int(seed%2) * 3, CompleteAgain: seed%3 == 0}, undoBucket, "joined")
	u.ledger = model.NewLedger(func(key string, body []byte) []string {
		if hidden(key) {
			return nil
		}
		return strings.FieldsFunc(textOf(body), func(r rune) bool { return r == '\n' })
	}, func(client string) bool { return client == "app" })
	u.server.Watch(u.ledger.See)
	u.app = u.server.Client("app", nil)
	w := &walk{undo: u, seed: seed, bodies: map[string][][]byte{}}
	if seed%6 == 5 {
		w.dest = &s3store.Location{Bucket: "joined", Key: "x/"}
	}
	return w
}

// again says whether the application puts what it has put before: then its records
// may be there once for each time.
func (w *walk) again() bool { return w.seed%7 == 0 }

func (w *walk) say(format string, a ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trace = append(w.trace, fmt.Sprintf(format, a...))
}

// base are the options that every compaction of the walk has.
func (w *walk) base() Options {
	o := w.options()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.states > 0 {
		o.State.Key = fmt.Sprintf("_state%d/", w.states)
	}
	o.Dest, o.Selection.Match, o.copyBytes = w.dest, "*", 1
	return o
}

// step lets one do something, or two at once, and the application perhaps.
func (w *walk) step(r *rand.Rand) {
	again := func() *rand.Rand { return rand.New(rand.NewPCG(r.Uint64(), 1)) }
	switch r.IntN(3) {
	case 0:
		for range 1 + r.IntN(3) {
			w.write(r)
		}
	case 1:
		w.work("one", r)
	default:
		var wg sync.WaitGroup
		one, two, app := again(), again(), again()
		wg.Go(func() { w.work("one", one) })
		wg.Go(func() {
			time.Sleep(time.Duration(two.IntN(2000)) * time.Millisecond)
			w.work("two", two)
		})
		if r.IntN(2) == 0 {
			wg.Go(func() {
				time.Sleep(time.Duration(app.IntN(3000)) * time.Millisecond)
				w.write(app)
			})
		}
		wg.Wait()
	}
}

// write is what the application does.
func (w *walk) write(r *rand.Rand) {
	key := fmt.Sprintf("app/%02d%s", r.IntN(14), []string{".json", ".json.gz", ".json.gz", ".json.gz"}[r.IntN(4)])
	if r.IntN(6) == 0 {
		w.say("app deletes %s", key)
		_ = w.app.Delete(context.Background(), undoBucket, key, "") // it may not be there
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.records++
	text := record("app/", w.records, 1) + "\n" + record("app/", w.records, 2) + strings.Repeat("\n", r.IntN(2))
	body := []byte(text)
	if strings.HasSuffix(key, gzipExtension) {
		body = gzRaw(text)
	}
	if old := w.bodies[key]; w.again() && len(old) > 0 && r.IntN(2) == 0 {
		body = old[r.IntN(len(old))]
	} else {
		w.bodies[key] = append(old, body)
	}
	w.trace = append(w.trace, fmt.Sprintf("app puts %s: %q", key, textOf(body)))
	w.put(key, body)
}

// work is what a worker does. What it says of it does not matter: what is there does.
func (w *walk) work(who string, r *rand.Rand) {
	fault, wire := w.fault(r)
	store := w.server.Client(who, wire)
	o := w.base()
	switch n := r.IntN(20); {
	case n < 11:
		what := w.form(r, &o)
		w.say("%s begins to compact%s%s", who, what, fault)
		sum, err := Run(context.Background(), store, o, []string{"app/"})
		w.say("%s has compacted: %d in, %d out, %v", who, sum.ObjectsIn, sum.Outputs, err)
	case n < 18 || w.dest != nil: // the next state would need another dest
		x := w.restoreOptions()
		x.State = o.State
		if r.IntN(3) == 0 {
			x.Under = fmt.Sprintf("app/%d", r.IntN(2))
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(1+r.IntN(90))*time.Minute)
		defer cancel()
		w.say("%s begins to restore %q%s", who, x.Under, fault)
		sum, err := Restore(ctx, store, x)
		w.say("%s has restored: %+v, %v", who, sum, err)
	default:
		w.say("%s begins to close%s", who, fault)
		err := w.close(store, o)
		w.say("%s has closed: %v", who, err)
	}
}

// close goes on with another state once one is closed.
func (w *walk) close(store Store, o Options) error {
	if _, err := Close(context.Background(), store, o); err != nil {
		return err
	}
	now := w.base().State
	w.mu.Lock()
	defer w.mu.Unlock()
	if now == o.State { // else another worker has closed it as well
		w.states++
	}
	return nil
}

// form chooses what a compaction does.
func (w *walk) form(r *rand.Rand, o *Options) (what string) {
	if r.IntN(3) == 0 {
		o.PlainText, what = true, what+", text"
	} else if r.IntN(3) == 0 {
		o.Single, what = true, what+", single"
	}
	if !o.Single && r.IntN(4) == 0 {
		o.Recompress, o.AcceptContentOnly, what = 1, true, what+", recompress"
	}
	switch r.IntN(5) {
	case 0:
		o.Keep, what = true, what+", keep"
	case 1:
		o.DeleteKept, o.AcceptContentOnly, what = true, o.AcceptContentOnly || r.IntN(2) == 0, what+", delete kept"
	}
	o.ReadBack = r.IntN(5) == 0
	return what
}

// fault chooses what becomes of one request, if anything.
func (w *walk) fault(r *rand.Rand) (what string, wire model.Wire) {
	kind, at, pause, delays := r.IntN(6), r.IntN(80), time.Duration(r.IntN(40))*time.Minute, rand.New(rand.NewPCG(r.Uint64(), 1))
	var mu sync.Mutex
	n, dead := 0, false
	strikes := func() (kill, strike bool, delay time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		n++
		strike = n-1 == at && !dead
		kill = dead || strike && kind == 2
		dead = kill || strike && kind == 3
		return kill, strike, time.Duration(1+delays.IntN(50)) * time.Millisecond
	}
	what = []string{"", "", fmt.Sprintf(", killed before request %d", at), fmt.Sprintf(", killed behind request %d", at),
		fmt.Sprintf(", paused at request %d for %s", at, pause), fmt.Sprintf(", without the answer to request %d", at)}[kind]
	return what, func(_ context.Context, _ model.Call, apply func() model.Answer) model.Answer {
		kill, strike, delay := strikes()
		time.Sleep(delay)
		switch {
		case kill:
			return model.Answer{Err: errLost}
		case strike && (kind == 3 || kind == 5):
			apply()
			return model.Answer{Err: errLost}
		case strike && kind == 4:
			time.Sleep(pause)
		}
		return apply()
	}
}

// end brings everything to its end: what is open is finished, what can be joined is,
// and what was kept is deleted.
func (w *walk) end() (err error) {
	store := w.server.Client("end", nil)
	for range 12 {
		time.Sleep(20 * time.Minute)
		o := w.base()
		o.PlainText, o.DeleteKept, o.AcceptContentOnly = true, true, true
		_, err = Run(context.Background(), store, o, []string{"app/"})
		if err != nil && strings.Contains(err.Error(), "it is closed") {
			if err = w.close(store, o); err == nil {
				continue
			}
		}
		if !errors.Is(err, ErrWaiting) {
			return err
		}
	}
	return err
}
