package s3store

import (
	"context"
	"errors"
	"testing"
	"time"
)

func (l *limiter) must(t *testing.T) int {
	t.Helper()
	ticket, err := l.acquire(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return ticket
}

func TestOneBurstOfRefusalsHalvesTheBoundOnce(t *testing.T) {
	l := newLimiter(64)
	var tickets []int
	for range 64 {
		tickets = append(tickets, l.must(t))
	}
	for _, k := range tickets {
		l.release(k, overloaded, kindGet, 0)
	}
	if l.bound != 32 {
		t.Errorf("bound %v after 64 requests that met the same load", l.bound)
	}
	l.release(l.must(t), overloaded, kindGet, 0)
	if l.bound != 16 {
		t.Errorf("bound %v after another refusal", l.bound)
	}
	for range 20 {
		l.release(l.must(t), overloaded, kindGet, 0)
	}
	if l.bound != 1 || l.underWay != 0 {
		t.Errorf("bound %v with %d under way: the least is 1", l.bound, l.underWay)
	}
}

func TestTheBoundGrowsByOneARoundUpToTheLargest(t *testing.T) {
	l := newLimiter(16)
	l.bound = 4
	var tickets []int
	for round := 1; round <= 20; round++ {
		for len(tickets) < l.allowed() {
			tickets = append(tickets, l.must(t))
		}
		before := l.bound
		for range len(tickets) { // each that is answered makes room for the next
			l.release(tickets[0], served, kindGet, time.Millisecond)
			tickets = append(tickets[1:], l.must(t))
		}
		if grown := l.bound - before; grown > 1 || grown < 0.75 && l.bound < 16 {
			t.Fatalf("round %d: from %v to %v", round, before, l.bound)
		}
	}
	if l.bound != 16 {
		t.Errorf("bound %v after 20 rounds", l.bound)
	}
}

func TestAnIdleClientLearnsNothing(t *testing.T) {
	l := newLimiter(64)
	l.bound = 8
	for range 1000 {
		l.release(l.must(t), served, kindGet, time.Millisecond)
	}
	if l.bound != 8 {
		t.Errorf("bound %v after requests one by one", l.bound)
	}
}

func TestTurnsComeInOrder(t *testing.T) {
	l := newLimiter(1)
	held := l.must(t)
	order := make(chan int, 10)
	for i := range 10 {
		go func() {
			k, err := l.acquire(context.Background())
			if err != nil {
				t.Error(err)
			}
			order <- i
			l.release(k, served, kindGet, 0)
		}()
		for n := 0; n != i+1; { // until it stands in the line
			l.mu.Lock()
			n = l.waiting.Len()
			l.mu.Unlock()
		}
	}
	l.release(held, served, kindGet, 0)
	for i := range 10 {
		if got := <-order; got != i {
			t.Fatalf("turn %d went to the %dth", i, got)
		}
	}
}

func TestWhoGivesUpLeavesTheTurnToOthers(t *testing.T) {
	l := newLimiter(1)
	held := l.must(t)
	ctx, cancel := context.WithCancel(context.Background())
	gaveUp := make(chan error)
	go func() { _, err := l.acquire(ctx); gaveUp <- err }()
	cancel()
	if err := <-gaveUp; !errors.Is(err, context.Canceled) {
		t.Errorf("gave up with %v", err)
	}
	l.release(held, served, kindGet, 0)
	if l.waiting.Len() != 0 || l.underWay != 0 {
		t.Errorf("%d wait, %d under way", l.waiting.Len(), l.underWay)
	}
	// A turn that comes when its owner gives up is not lost either, however the two fall together.
	for range 1000 {
		held := l.must(t)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() {
			defer close(done)
			if k, err := l.acquire(ctx); err == nil {
				l.release(k, noVerdict, kindGet, 0)
			}
		}()
		go cancel()
		l.release(held, served, kindGet, 0)
		<-done
	}
	if l.waiting.Len() != 0 || l.underWay != 0 {
		t.Errorf("%d wait, %d under way after a thousand races", l.waiting.Len(), l.underWay)
	}
}

func TestAJumpOfTheLatencyLowersTheBound(t *testing.T) {
	window := func(l *limiter, latency time.Duration) {
		for range paceWindow {
			l.release(l.must(t), served, kindGet, latency)
		}
	}
	l := newLimiter(64)
	window(l, 50*time.Millisecond)
	window(l, 150*time.Millisecond) // more than before, but not much in itself
	if l.bound != 64 {
		t.Errorf("bound %v at 150 ms", l.bound)
	}
	window(l, time.Second)
	if l.bound != 32 {
		t.Errorf("bound %v at 1 s after 50 ms", l.bound)
	}
	for range 100 {
		window(l, time.Second)
	}
	if l.bound != 8 && l.bound != 16 {
		t.Errorf("bound %v: a latency that stays is the usual one, and never lowers it below %d", l.bound, latencyFloor)
	}
	small := newLimiter(2)
	window(small, 50*time.Millisecond)
	window(small, 5*time.Second)
	if small.bound != 2 {
		t.Errorf("bound %v of 2 after a jump", small.bound)
	}
	// Kinds are not compared with one another: a LIST takes longer than a HEAD.
	l = newLimiter(64)
	for range paceWindow {
		l.release(l.must(t), served, kindHead, time.Millisecond)
		l.release(l.must(t), served, kindList, 2*time.Second)
	}
	if l.bound != 64 {
		t.Errorf("bound %v after kinds of different latency", l.bound)
	}
}
