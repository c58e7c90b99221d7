package compactor

import (
	"context"
	"sync"
)

// turns is a lock that is held while a request is under way: waiting for it
// ends with ctx. The zero value is free.
type turns struct {
	mu   sync.Mutex    // guards busy
	busy chan struct{} // closed when the holder gives it back; nil: free
}

func (t *turns) take(ctx context.Context) error {
	for {
		t.mu.Lock()
		busy := t.busy
		if busy == nil {
			t.busy = make(chan struct{})
		}
		t.mu.Unlock()
		if busy == nil {
			return nil
		}
		select {
		case <-busy:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (t *turns) give() {
	t.mu.Lock()
	defer t.mu.Unlock()
	close(t.busy)
	t.busy = nil
}
