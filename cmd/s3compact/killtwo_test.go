package main

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/s3compact/s3compact/internal/s3test/fault"
)

// TestTwoWorkersAtOnce runs two and three workers on the same groups, each of
// whose requests is late by a time that a seed draws, so that they overtake
// one another everywhere.
func TestTwoWorkersAtOnce(t *testing.T) {
	seed := number(t, "S3COMPACT_FAULT_SEED", defaultSeed)
	t.Logf("S3COMPACT_FAULT_SEED=%d", seed)
	for i := range uint64(pairsTried) {
		v := variants[i%uint64(len(variants))]
		t.Run(fmt.Sprintf("%s-%d", v.name, i), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, v)
			random := rand.New(rand.NewPCG(seed, i))
			var mu sync.Mutex
			late := func() fault.Fault {
				return func(x *fault.Exchange) *fault.Answer {
					mu.Lock()
					before, after := random.Int64N(int64(maxLate)), random.Int64N(int64(maxLate))
					mu.Unlock()
					time.Sleep(time.Duration(before))
					a := x.Forward()
					time.Sleep(time.Duration(after))
					return a
				}
			}
			var workers []*worker
			for range 2 + i%2 {
				p := w.proxy()
				p.Add(&fault.Rule{Times: -1, Fault: late()})
				workers = append(workers, startWorker(t, w.server.Env(), p, w.command()...))
			}
			for n, worker := range workers {
				r := worker.wait()
				if r.code != exitDone && r.code != exitRefused && r.code != exitResumable {
					t.Errorf("worker %d: exit %d, %s", n, r.code, tail(r.stderr))
				}
			}
			w.nothingLost("after both")
			w.finish(w.proxy())
		})
	}
}

// maxLate is the most by which a request, or its answer, is late.
const maxLate = 12 * time.Millisecond
