package compactor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test/model"
)

// fault is one thing that goes wrong, at one request of one worker.
type fault struct {
	kind *faultKind
	at   point
	met  bool // the request came
}

func (f *fault) String() string { return f.at.String() + " " + f.kind.name }

// faultKind is a way in which a request can go wrong.
type faultKind struct {
	name string
	fits func(p point) bool // nil: every request
	do   func(*strike) model.Answer
	kill bool // the worker does not live on
}

// fit says whether the fault can befall a request.
func (k *faultKind) fit(p point) bool { return k.fits == nil || k.fits(p) }

// strike is a fault at work on a request.
type strike struct {
	k     *worker
	ctx   context.Context
	call  model.Call
	apply func() model.Answer
}

var errKilled = errors.New("the process was killed")

func ops(names ...string) func(point) bool {
	return func(p point) bool { return slices.Contains(names, p.op) }
}

// changes are the requests that change something.
var changes = ops("put", "create", "part", "copy", "complete", "abort", "delete", "deletes")

// answered is a refusal by the server: it has not carried the request out.
func answered(status int, code string, kind error) func(*strike) model.Answer {
	return func(f *strike) model.Answer {
		told := kind
		if f.call.Op == "head" && status == 403 {
			told = s3store.ErrDenied // a HEAD has no body that tells more
		}
		return model.Answer{Err: model.Refused(f.call, status, code, told), Date: f.k.s.server.Now().Truncate(time.Second)}
	}
}

// late carries the request out after a while, when nobody waits for it any more.
func late(after time.Duration) func(*strike) model.Answer {
	return func(f *strike) model.Answer {
		f.arriveAfter(after)
		return model.Answer{Err: errLost}
	}
}

func (f *strike) arriveAfter(d time.Duration) {
	apply, s, c := f.apply, f.k.s, f.call
	go func() {
		time.Sleep(d)
		a := apply()
		s.note("worker%d's late %s %s arrives: %v", f.k.number, c.Op, c.Key, a.Err)
	}()
}

// pausedFor stops the worker before the request, already signed, leaves it. Where
// its clock stands still meanwhile, it can't notice.
func pausedFor(d time.Duration, clockStands bool) func(*strike) model.Answer {
	return func(f *strike) model.Answer {
		if clockStands {
			f.k.s.server.Advance(d)
		} else {
			time.Sleep(d)
		}
		return f.apply()
	}
}

// source is a change by the application at the moment of the request, before or after it.
func source(after bool, do func(*scene)) func(*strike) model.Answer {
	return func(f *strike) model.Answer {
		f.k.s.mu.Lock()
		f.k.s.changed = true
		f.k.s.mu.Unlock()
		if !after {
			do(f.k.s)
		}
		a := f.apply()
		if after {
			do(f.k.s)
		}
		return a
	}
}

func overwritten(s *scene) { s.appPut(s.w.victim, packed(record("new", s.freshNumber(), 1)+"\n")) }

func rewritten(s *scene) {
	if v := s.server.Current(dataBucket, s.w.victim); v != nil {
		s.appPut(s.w.victim, v.Body)
	}
}

func removed(s *scene) { s.appDelete(s.w.victim) }

func recreated(s *scene) {
	if v := s.server.Current(dataBucket, s.w.victim); v != nil {
		s.appDelete(s.w.victim)
		s.appPut(s.w.victim, v.Body)
	}
}

func added(s *scene) {
	n := s.freshNumber()
	s.appPut(fmt.Sprintf("%sadded-%03d.json.gz", s.w.groups[0], n), packed(record("added", n, 1)+"\n"))
}

func (s *scene) freshNumber() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.added++
	return 1000 + s.added
}

// uploadsExpired is a lifecycle rule that drops incomplete uploads.
func uploadsExpired(s *scene) {
	for _, b := range worldBuckets {
		var all []s3store.Upload
		_ = s.app.ListUploads(context.Background(), b, "", func(u s3store.Upload) error { all = append(all, u); return nil })
		for _, u := range all {
			s.mu.Lock()
			s.expired = true
			s.mu.Unlock()
			_ = s.app.AbortUpload(context.Background(), b, u.Key, u.ID)
		}
	}
}

// keyAnswers edits the answers to the keys of DeleteObjects.
func keyAnswers(applied bool, edit func(f *strike, i int) error) func(*strike) model.Answer {
	return func(f *strike) model.Answer {
		a := model.Answer{Errs: make([]error, len(f.call.Keys)), Date: f.k.s.server.Now().Truncate(time.Second)}
		if applied {
			a = f.apply()
		}
		for i := range a.Errs {
			if err := edit(f, i); err != nil {
				a.Errs[i] = err
			}
		}
		return a
	}
}

func everyOther(err func(f *strike) error) func(*strike, int) error {
	return func(f *strike, i int) error {
		if i%2 == 0 {
			return err(f)
		}
		return nil
	}
}

func keyError(code string, kind error) func(*strike) error {
	return func(f *strike) error { return model.Refused(f.call, 200, code, kind) }
}

// another lets another worker do a whole run at this moment.
func another(f *strike) {
	k := f.k.s.worker(f.k.number + 5)
	k.Client = f.k.s.server.Client(fmt.Sprintf("worker%d", k.number), nil)
	k.store = k.Client
	k.run()
}

func faultKinds() []*faultKind {
	var all []*faultKind
	add := func(name string, fits func(point) bool, do func(*strike) model.Answer) *faultKind {
		f := &faultKind{name: name, fits: fits, do: do}
		all = append(all, f)
		return f
	}
	add("not sent", nil, func(*strike) model.Answer { return model.Answer{Err: errLost} })
	add("500", nil, answered(500, "InternalError", nil))
	add("503", nil, answered(503, "SlowDown", nil))
	add("token expired", nil, answered(403, "ExpiredToken", s3store.ErrCredentials))
	add("too skewed", nil, answered(403, "RequestTimeTooSkewed", s3store.ErrExpired))
	add("409", changes, answered(409, "ConditionalRequestConflict", s3store.ErrConflict))
	add("answer lost", changes, func(f *strike) model.Answer {
		f.apply()
		return model.Answer{Err: errLost}
	})
	add("500 but done", changes, func(f *strike) model.Answer {
		a := f.apply()
		return model.Answer{Err: model.Refused(f.call, 500, "InternalError", nil), Date: a.Date}
	})
	add("sent twice", changes, func(f *strike) model.Answer {
		f.apply()
		return f.apply()
	})
	for _, d := range []time.Duration{time.Second, time.Minute, 10 * time.Minute, 16 * time.Minute, 30 * time.Minute} {
		add("late by "+d.String(), changes, late(d))
	}
	for _, d := range []time.Duration{time.Second, 14 * time.Minute} {
		add("again after "+d.String(), changes, func(f *strike) model.Answer {
			f.arriveAfter(d)
			return f.apply()
		})
	}
	for _, d := range []time.Duration{time.Minute, 14 * time.Minute, 16 * time.Minute, 20 * time.Minute} {
		add("paused "+d.String(), nil, pausedFor(d, false))
		add("suspended "+d.String(), nil, pausedFor(d, true))
	}
	add("answered after 16m0s", nil, func(f *strike) model.Answer {
		a := f.apply()
		time.Sleep(16 * time.Minute)
		return a
	})
	add("killed before", nil, func(f *strike) model.Answer {
		f.k.kill()
		return model.Answer{Err: errKilled}
	}).kill = true
	add("killed after", changes, func(f *strike) model.Answer {
		f.k.kill()
		f.apply()
		return model.Answer{Err: errKilled}
	}).kill = true
	add("killed, done late", changes, func(f *strike) model.Answer {
		f.k.kill()
		f.arriveAfter(10 * time.Minute)
		return model.Answer{Err: errKilled}
	}).kill = true
	add("body cut", ops("get"), func(f *strike) model.Answer {
		a := f.apply()
		a.Body = a.Body[:len(a.Body)/2]
		return a
	})
	add("body flipped", ops("get"), func(f *strike) model.Answer {
		a := f.apply()
		if len(a.Body) > 0 {
			a.Body = bytes.Clone(a.Body)
			a.Body[len(a.Body)/2] ^= 0x10
		}
		return a
	})
	add("200 with an error", ops("complete", "copy"), answered(200, "InternalError", nil))
	add("200 with a conflict", ops("complete"), answered(200, "OperationAborted", s3store.ErrConflict))
	add("501", ops("copy"), answered(501, "NotImplemented", s3store.ErrUnsupported))
	add("400", ops("complete", "part", "copy"), answered(400, "InvalidPart", s3store.ErrBadRequest))
	add("stored wrong", ops("complete"), func(f *strike) model.Answer {
		a := f.apply()
		if v := f.k.s.server.Current(f.call.Bucket, f.call.Key); a.Err == nil && v != nil {
			f.k.s.server.Rot(f.call.Bucket, f.call.Key)
			f.k.s.mu.Lock()
			f.k.s.rotten = true
			f.k.s.mu.Unlock()
		}
		return a
	})
	slow := everyOther(keyError("SlowDown", nil))
	add("keys fail", ops("deletes"), keyAnswers(false, func(f *strike, i int) error { return keyError("InternalError", nil)(f) }))
	add("keys fail but are done", ops("deletes"), keyAnswers(true, func(f *strike, i int) error { return keyError("InternalError", nil)(f) }))
	add("some keys fail but are done", ops("deletes"), keyAnswers(true, slow))
	add("some keys denied", ops("deletes"), keyAnswers(true, everyOther(keyError("AccessDenied", s3store.ErrDenied))))
	add("keys unanswered", ops("deletes"), keyAnswers(false, func(*strike, int) error { return s3store.ErrUnanswered }))
	add("some keys unanswered", ops("deletes"), keyAnswers(true, everyOther(func(*strike) error { return s3store.ErrUnanswered })))
	add("half of the keys done", ops("deletes"), func(f *strike) model.Answer {
		half := f.call.Keys[:len(f.call.Keys)/2]
		if len(half) > 0 {
			ctx := s3store.SignedAt(context.Background(), f.call.Signed)
			_, _ = f.k.s.server.Client(f.call.Client, nil).DeleteBatch(ctx, f.call.Bucket, half)
		}
		return model.Answer{Err: errLost}
	})
	for _, x := range []struct {
		name string
		do   func(*scene)
	}{{"source overwritten", overwritten}, {"source rewritten", rewritten}, {"source deleted", removed}, {"source recreated", recreated}, {"source added", added}, {"uploads expired", uploadsExpired}} {
		add(x.name+" before", nil, source(false, x.do))
		add(x.name+" after", changes, source(true, x.do))
	}
	add("another worker before", nil, func(f *strike) model.Answer { another(f); return f.apply() })
	add("another worker after", changes, func(f *strike) model.Answer { a := f.apply(); another(f); return a })
	return all
}
