package compactor

import (
	"runtime"
	"sync"
	"testing"
	"time"
)

func TestCrewKeepsItsGoroutines(t *testing.T) {
	before := runtime.NumGoroutine()
	c := newCrew()
	const atOnce = 4
	for range 50 {
		var started, done sync.WaitGroup
		release := make(chan struct{})
		for range atOnce {
			started.Add(1)
			done.Add(1)
			c.run(func() {
				started.Done()
				<-release
				done.Done()
			})
		}
		started.Wait() // all at the same time
		close(release)
		done.Wait()
	}
	if n := runtime.NumGoroutine() - before; n > 50 { // a goroutine that is about to wait is not idle yet
		t.Errorf("%d goroutines for 200 tasks, %d at once", n, atOnce)
	}
	c.dismiss()
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines are left of %d", runtime.NumGoroutine(), before)
		}
		time.Sleep(time.Millisecond)
	}
}
