package compactor

import (
	"context"
	"fmt"
	"time"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test/model"
)

// What came before the faults, in some worlds.

// compactedBefore: the group was compacted, and more objects have come.
func compactedBefore(s *scene) {
	k := s.worker(0)
	s.play(k)
	if k.err != nil {
		s.breaks("the first run: %v", k.err)
	}
	for i := range 3 {
		s.appPut(fmt.Sprintf("app/next-%03d.json.gz", i), good("app/", 200+i))
	}
}

// keptBefore: the group was compacted and its originals were kept.
func keptBefore(s *scene) {
	k := s.worker(0)
	k.work = func(k *worker) {
		o := s.options()
		o.Keep, o.DeleteKept = true, false
		_, k.err = Run(context.Background(), k.store, o, s.w.groups)
	}
	s.play(k)
	if k.err != nil {
		s.breaks("the first run: %v", k.err)
	}
}

// died is a worker that dies at a request, in the way of f.
func (s *scene) died(op, place string, f func(*strike) model.Answer) {
	k := s.worker(len(s.trace)+100, &fault{kind: &faultKind{name: "died", do: f}, at: point{op, place, 1}})
	s.play(k)
}

// committed: a worker died behind its commit.
func committed(s *scene) {
	s.died("put", "entry1", func(f *strike) model.Answer { f.k.kill(); return f.apply() })
}

// halfDeleted: a worker died within its deletes.
func halfDeleted(s *scene) {
	s.died("deletes", "member", func(f *strike) model.Answer {
		f.k.kill()
		ctx := s3store.SignedAt(context.Background(), f.call.Signed)
		_, _ = s.server.Client(f.call.Client, nil).DeleteBatch(ctx, f.call.Bucket, f.call.Keys[:1])
		return model.Answer{Err: errKilled}
	})
}

// givenUp: a member was replaced behind a dead worker's commit.
func givenUp(s *scene) {
	committed(s)
	overwritten(s)
}

// void: and another worker has given the commit up.
func void(s *scene) {
	givenUp(s)
	s.play(s.worker(50))
	time.Sleep(settleTime)
}

// deadOutput: a commit was given up with every member there, and then a late
// completion showed its output.
func deadOutput(s *scene) {
	s.died("complete", "output", func(f *strike) model.Answer {
		f.k.kill()
		f.arriveAfter(10 * time.Minute)
		return model.Answer{Err: errKilled}
	})
	s.died("complete", "output", answered(400, "InvalidPart", s3store.ErrBadRequest))
	time.Sleep(settleTime)
}

// revived: a worker was suspended before its completion, its commit was given
// up, and it completed and deleted under its old authority all the same.
func revived(s *scene) {
	s.died("complete", "output", func(f *strike) model.Answer {
		overwritten(s)
		another(f)
		return f.apply()
	})
	time.Sleep(settleTime)
}
