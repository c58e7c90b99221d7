package s3store

import (
	"container/list"
	"context"
	"math"
	"sync"
	"time"
)

// limiter bounds the requests that a client has under way. The bound adapts to
// what the server bears: each round of answers raises it by one, a refusal for
// load (503, 429), a timeout or a jump of the latency halves it. Requests that
// wait get their turn in the order in which they came.
//
// A request is under way until the head of its answer has arrived. A body that
// is read slowly, because its bytes go into an upload, so never keeps that
// upload from being sent.
type limiter struct {
	largest int // the bound where nothing is wrong

	mu       sync.Mutex // guards what follows
	bound    float64    // from 1 to largest
	underWay int
	epoch    int       // number of times the bound was lowered
	waiting  list.List // of chan struct{}, which is closed when the turn has come
	paces    [kinds]pace
}

// latencyFloor is the bound below which latency alone does not lower it: it
// tells of a queue, and so few requests make none.
const latencyFloor = 8

func newLimiter(largest int) *limiter {
	return &limiter{largest: largest, bound: float64(largest)}
}

// acquire waits for a turn. The ticket, which is the state of the limiter as it
// was when the request was sent, goes back to release.
func (l *limiter) acquire(ctx context.Context) (ticket int, err error) {
	l.mu.Lock()
	if l.waiting.Len() == 0 && l.underWay < l.allowed() {
		l.underWay++
		ticket = l.epoch
		l.mu.Unlock()
		return ticket, nil
	}
	turn := make(chan struct{})
	place := l.waiting.PushBack(turn)
	l.mu.Unlock()
	select {
	case <-turn:
	case <-ctx.Done():
		l.mu.Lock()
		defer l.mu.Unlock()
		select {
		case <-turn: // it came at the same moment: the next one takes it
			l.underWay--
			l.admit()
		default:
			l.waiting.Remove(place)
		}
		return 0, ctx.Err()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.epoch, nil
}

// verdict is what an answer says about the load of the server.
type verdict int

const (
	noVerdict    verdict = iota // an error of another kind, or the request was given up
	served                      // its latency compares with that of others of its kind
	servedBySize                // answered, but how long it took depends on its size
	overloaded
)

// release ends a request. latency counts where it was answered; kind says with
// which others it compares.
func (l *limiter) release(ticket int, v verdict, k kind, latency time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	busy := float64(l.underWay) >= l.bound/2
	l.underWay--
	switch {
	case v == overloaded:
		l.lower(ticket, 1)
	case v == served && l.paces[k].jumped(latency):
		l.lower(ticket, min(latencyFloor, l.largest))
	case (v == served || v == servedBySize) && busy:
		// One more for each round. An idle client learns nothing about what the server bears.
		l.bound = min(l.bound+1/l.bound, float64(l.largest))
	}
	l.admit()
}

// overload tells of a load that the server refused within an answer.
func (l *limiter) overload() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lower(l.epoch, 1)
}

// lower halves the bound, but once only for all requests that were under way
// together: they met the same load.
func (l *limiter) lower(ticket, least int) {
	if ticket != l.epoch || l.bound <= float64(least) {
		return
	}
	l.bound = max(l.bound/2, float64(least))
	l.epoch++
}

func (l *limiter) allowed() int { return int(math.Floor(l.bound)) }

// admit gives turns to those that wait.
func (l *limiter) admit() {
	for l.underWay < l.allowed() && l.waiting.Len() > 0 {
		turn := l.waiting.Remove(l.waiting.Front()).(chan struct{})
		l.underWay++
		close(turn)
	}
}

// pace is what is known of the latency of one kind of request.
type pace struct {
	usual time.Duration // the mean of a quiet window; 0: not known yet
	sum   time.Duration // of the window that is being filled
	n     int
}

const (
	// paceWindow is how many answers are judged together: one slow answer is no sign of load.
	paceWindow = 32
	// A mean that is jumpFactor times the usual one, and jumpLeast above it, is a jump.
	jumpFactor = 4
	jumpLeast  = 500 * time.Millisecond
)

// jumped takes an answer's latency and says, at the end of each window, whether
// the latency jumped. A latency that stays becomes the usual one in a few windows.
func (p *pace) jumped(latency time.Duration) bool {
	p.sum += latency
	if p.n++; p.n < paceWindow {
		return false
	}
	mean := p.sum / paceWindow
	p.sum, p.n = 0, 0
	if p.usual == 0 || mean < p.usual {
		p.usual = mean
		return false
	}
	jump := mean > jumpFactor*p.usual && mean > p.usual+jumpLeast
	p.usual += (mean - p.usual) / 8
	return jump
}
