package compactor

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/s3compact/s3compact/internal/s3test/model"
)

// aftermath runs without faults until nothing is to be done, and looks whether
// all is as if nothing had happened.
func (s *scene) aftermath(breach func(*worker) Store) {
	quiet, number := false, 10
	s.over = true
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
	if s.moved { // the first state's uploads
		k := s.worker(number)
		k.work = func(k *worker) { k.err = closes(k) }
		s.play(k)
		if k.err != nil {
			s.breaks("closing again a day later: %v", k.err)
		}
	}
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
	s.verifies(o)
	if s.moved {
		o.State = s.w.state()
		s.verifies(o)
	}
}

func (s *scene) verifies(o Options) {
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
