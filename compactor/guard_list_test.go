package compactor

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test/model"
)

// guard is a step of the protocol without which data would be lost, doubled or
// overwritten: a scene in which it is needed, and what takes it away.
type guard struct {
	name  string // as docs/guards.md has it
	world string
	alter func(*world) // of the world, with the guard or without
	at    point        // where the scene goes wrong; the zero point: nowhere
	do    func(*strike) model.Answer
	end   func(*scene) // what is looked at in the end, beside everything else

	// refuses: with the guard the run refuses to begin.
	refuses bool

	breach func(k *worker) Store // takes the guard away
	lacks  model.Lacks           // or the endpoint does, on everything but the canary's objects
	loosen func(*Options)        // or an option
}

func callOf(op, bucket, key string) model.Call { return model.Call{Op: op, Bucket: bucket, Key: key} }

// then does something before the request is carried out.
func then(do func(f *strike)) func(*strike) model.Answer {
	return func(f *strike) model.Answer {
		do(f)
		return f.apply()
	}
}

// staleGone says that nothing of the victim's first version is seen.
func staleGone(s *scene) {
	for _, r := range []string{record("app/", 1, 1), record("app/", 1, 2)} {
		if n := s.ledger.Count(r); n > 0 {
			s.breaks("record %s, which the application had replaced before anything was committed, is there %d times", r, n)
		}
	}
}

// restoredMeanwhile lets another worker finish what is open and restore everything.
func restoredMeanwhile(f *strike) {
	another(f)
	c := f.k.s.server.Client("restorer", nil)
	o := f.k.s.options()
	if _, err := Restore(context.Background(), c, RestoreOptions{Options: o}); err != nil {
		f.k.s.breaks("the restore: %v", err)
	}
}

// anotherCommits lets another worker run until it dies behind its commit.
func anotherCommits(f *strike) {
	var dead atomic.Bool
	c := f.k.s.server.Client("another", func(_ context.Context, c model.Call, apply func() model.Answer) model.Answer {
		if dead.Load() {
			return model.Answer{Err: errKilled}
		}
		if c.Op == "put" && isEntry(c.Key) {
			dead.Store(true)
		}
		return apply()
	})
	_, _ = Run(context.Background(), c, f.k.s.options(), f.k.s.w.groups)
}

// closedMeanwhile lets another worker close the state, try again after a while,
// and compact with another state where that one is closed.
func closedMeanwhile(f *strike, after time.Duration) {
	k := f.k.s.worker(f.k.number + 5)
	k.Client = f.k.s.server.Client("closer", nil)
	k.store = k.Client
	if movingOn(k) != nil {
		time.Sleep(after)
		_ = movingOn(k)
	}
	f.k.s.moved = false // the worker that is disturbed knows nothing of it
}

// restoringWorld makes the workers of a world restore.
func restoringWorld(w *world) {
	w.before = func(s *scene) { s.play(s.worker(90)) }
	w.run = restores
}

func guards() []guard {
	return []guard{
		{
			name: "create-only entries", world: "dest", at: point{"put", "entry1", 1}, do: then(another),
			breach: func(k *worker) Store {
				b := breached(k)
				b.put = func(key string, o *s3store.PutOptions) { o.CreateOnly = o.CreateOnly && !isEntry(key) }
				return b
			},
		},
		{
			name: "create-only outputs", world: "dest", at: point{"complete", "output", 1},
			do: then(func(f *strike) {
				if _, err := f.k.s.app.Put(context.Background(), f.call.Bucket, f.call.Key, good("new", 1), s3store.PutOptions{}); err != nil {
					f.k.s.breaks("%v", err)
				}
			}),
			lacks: model.Lacks{CreateOnly: true},
		},
		{
			name: "list again before the commit", world: "plain", at: point{"part", "output", 1}, do: then(func(f *strike) { overwritten(f.k.s) }), end: staleGone,
			breach: func(k *worker) Store {
				b := breached(k)
				b.page = firstSeen(map[string]s3store.Object{})
				return b
			},
		},
		{
			name: "completed only after the commit", world: "plain", at: point{"put", "entry1", 1},
			do: func(f *strike) model.Answer { f.k.kill(); return model.Answer{Err: errKilled} },
			breach: func(k *worker) Store {
				b := breached(k)
				b.putBefore = func(ctx context.Context, key string, body []byte) {
					if !isEntry(key) {
						return
					}
					if e, err := receipt.Decode(bytes.NewReader(body)); err == nil && e.Kind == receipt.Commit {
						for _, o := range e.Outputs {
							_, _ = k.CompleteUpload(ctx, o.Bucket, o.Key, o.UploadID, o.Parts, o.CRC64)
						}
					}
				}
				return b
			},
		},
		{
			name: "verify before delete", world: "plain", at: point{"complete", "output", 1}, do: rotten,
			breach: func(k *worker) Store {
				b := breached(k)
				b.head = b.believed
				return b
			},
		},
		{
			name: "read back where no checksum is stored", world: "no stored checksums", at: point{"complete", "output", 1}, do: rotten,
			breach: func(k *worker) Store {
				b := breached(k)
				b.get = func(_ context.Context, _, key string) ([]byte, bool) {
					whole := b.whole(key)
					return whole, isOutput(key) && whole != nil
				}
				return b
			},
		},
		{
			name: "delete on the ETag", world: "plain", at: point{"deletes", "member", 1}, do: then(func(f *strike) { overwritten(f.k.s) }),
			breach: func(k *worker) Store {
				b := breached(k)
				b.etag = func() string { return "" }
				return b
			},
		},
		{
			name: "single delete on the ETag", world: "no batch ETags", at: point{"delete", "member", 1}, do: then(func(f *strike) { overwritten(f.k.s) }),
			breach: func(k *worker) Store {
				b := breached(k)
				b.etag = func() string { return "" }
				return b
			},
		},
		{
			name: "answers of each key", world: "plain", at: point{"deletes", "member", 1},
			do: keyAnswers(false, func(f *strike, _ int) error { return keyError("InternalError", nil)(f) }),
			breach: func(k *worker) Store {
				b := breached(k)
				b.errs = func(error) error { return nil }
				return b
			},
		},
		{
			name: "keys without an answer", world: "plain", at: point{"deletes", "member", 1},
			do: keyAnswers(false, func(*strike, int) error { return s3store.ErrUnanswered }),
			breach: func(k *worker) Store {
				b := breached(k)
				b.errs = func(err error) error {
					if errors.Is(err, s3store.ErrUnanswered) {
						return nil
					}
					return err
				}
				return b
			},
		},
		{
			name: "authority expires", world: "plain", at: point{"deletes", "member", 1}, do: then(restoredMeanwhile),
			lacks: model.Lacks{SignatureAge: true},
		},
		{
			name: "authority is asked for again", world: "plain", at: point{"deletes", "member", 1},
			do: then(func(f *strike) { restoredMeanwhile(f); time.Sleep(20 * time.Minute) }),
			breach: func(k *worker) Store {
				b := breached(k)
				b.probe = func(key string, exists bool) bool { return exists && !isEntry(key) }
				return b
			},
		},
		{
			name: "settling", world: "plain", at: point{"deletes", "member", 1}, do: then(restoredMeanwhile),
			loosen: func(o *Options) { o.SettleAfter = 1 },
		},
		{
			name: "void before abort", world: "given up", at: point{"put", "entry2", 1},
			do: func(f *strike) model.Answer { f.k.kill(); return model.Answer{Err: errKilled} },
			breach: func(k *worker) Store {
				b := breached(k)
				b.uploads = func(ctx context.Context, bucket string, u s3store.Upload) {
					_ = k.AbortUpload(ctx, bucket, u.Key, u.ID)
				}
				return b
			},
		},
		{
			name: "taking over lists first", world: "given up", end: staleGone,
			breach: func(k *worker) Store {
				b := breached(k)
				old := packedETag("app/log-001.json.gz")
				b.page = func(_ string, _ int, p *s3store.Page) {
					for i := range p.Objects {
						if e := old[p.Objects[i].Key]; e != "" {
							p.Objects[i].ETag = e
						}
					}
				}
				return b
			},
		},
		{
			name: "a void is compared once settled", world: "revived",
			breach: func(k *worker) Store {
				b := breached(k)
				old := packedETag("app/log-001.json.gz")
				b.page = func(prefix string, page int, p *s3store.Page) {
					for i := range p.Objects {
						if e := old[p.Objects[i].Key]; e != "" {
							p.Objects[i].ETag = e
						}
					}
					stillListed(prefix, page, p)
				}
				return b
			},
		},
		{
			name: "a dead output is looked at", world: "dead output",
			alter: replacedDead,
			breach: func(k *worker) Store {
				b := breached(k)
				b.head = func(key string, i *s3store.Info, err error) error {
					if err == nil && isOutput(key) {
						i.CRC64NVME = deadSum(k.s) // as if it were
					}
					return err
				}
				return b
			},
		},
		{
			name: "a dead output is read back", world: "dead output", alter: func(w *world) { replacedDead(w); w.server.Lacks.Checksums = true },
			breach: func(k *worker) Store {
				b := breached(k)
				b.head = func(key string, i *s3store.Info, err error) error {
					if err == nil && isOutput(key) {
						i.CRC64NVME = deadSum(k.s)
					}
					return err
				}
				return b
			},
		},
		{
			name: "a refused entry is another's", world: "dest", at: point{"put", "entry1", 1}, do: then(anotherCommits),
			breach: func(k *worker) Store {
				b := breached(k)
				b.putAfter = func(key string, err error) error {
					if isEntry(key) && errors.Is(err, s3store.ErrPrecondition) {
						return nil
					}
					return err
				}
				return b
			},
		},
		{
			name: "the claim", world: "plain", at: point{"put", "entry1", 1},
			do: then(func(f *strike) {
				var other Store = f.k.s.server.Client("other state", nil)
				if f.k.s.loose {
					other = &claimless{Store: other}
				}
				o := f.k.s.options()
				o.State.Key = otherState
				_, _ = Run(context.Background(), other, o, f.k.s.w.groups)
			}),
			breach: func(k *worker) Store { return k }, // the other one does not see the claim
		},
		{
			name: "canary: create-only", world: "dest", at: point{"put", "entry1", 1}, do: then(another),
			lacks: model.Lacks{CreateOnly: true},
		},
		{
			name: "canary: per-key ETags", world: "plain", at: point{"deletes", "member", 1}, do: then(func(f *strike) { overwritten(f.k.s) }),
			lacks: model.Lacks{BatchETags: true},
		},
		{
			name: "canary: ETags of single deletes", world: "no batch deletes", at: point{"delete", "member", 1}, do: then(func(f *strike) { overwritten(f.k.s) }),
			breach: func(k *worker) Store {
				b := breached(k)
				b.canaryDelete = true
				return b
			},
			alter:   func(w *world) { w.server.Lacks.DeleteIfMatch = true },
			refuses: true,
		},
		{
			name: "recompressing needs a word", world: "recompressed", end: gzipGone, refuses: true,
			alter:  func(w *world) { w.further(func(o *Options) { o.AcceptContentOnly = false }) },
			loosen: func(o *Options) { o.AcceptContentOnly = true },
		},
		{
			name: "put back create-only", world: "plain", alter: restoringWorld, at: point{"put", "member", 1},
			do: then(func(f *strike) { f.k.s.appPut(f.call.Key, good("new", 1)) }),
			breach: func(k *worker) Store {
				b := breached(k)
				b.put = func(key string, o *s3store.PutOptions) { o.CreateOnly = o.CreateOnly && strings.HasPrefix(key, "_") }
				return b
			},
		},
		{
			name: "all are back before outputs go", world: "plain", alter: restoringWorld, at: point{"put", "member", 1}, do: answered(500, "InternalError", nil),
			breach: func(k *worker) Store {
				b := breached(k)
				b.putAfter = func(key string, err error) error {
					if strings.HasPrefix(key, "_") {
						return err
					}
					return nil
				}
				b.head = func(key string, i *s3store.Info, err error) error { return err }
				return b
			},
		},
		{
			name: "closing settles", world: "closed meanwhile", at: point{"put", "entry1", 1}, do: then(func(f *strike) { closedMeanwhile(f, time.Second) }),
			loosen: func(o *Options) { o.SettleAfter = 1 },
		},
		{
			name: "a commit expires", world: "closed meanwhile", at: point{"put", "entry1", 1}, do: then(func(f *strike) { closedMeanwhile(f, settleTime) }),
			lacks: model.Lacks{SignatureAge: true},
		},
		{
			name: "authority asks for the layout", world: "closed meanwhile", at: point{"head", "layout", 1}, do: then(func(f *strike) { closedMeanwhile(f, settleTime) }),
			breach: func(k *worker) Store {
				b := breached(k)
				b.probe = func(key string, exists bool) bool { return exists && !strings.Contains(key, "/layout/") }
				return b
			},
		},
	}
}

// replacedDead: the application has put an object of its own in the place of a dead output.
func replacedDead(w *world) {
	before := w.before
	w.before = func(s *scene) {
		before(s)
		for _, key := range s.server.Keys(dataBucket) {
			if isOutput(key) {
				v := s.server.Current(dataBucket, key)
				s.appPut(key, bytes.Repeat([]byte("x"), len(v.Body)))
			}
		}
	}
}

// deadSum is the checksum that the dead output had.
func deadSum(s *scene) string {
	s.oracle.mu.Lock()
	defer s.oracle.mu.Unlock()
	for _, log := range s.oracle.logs {
		return log[0].Outputs[0].CRC64
	}
	return ""
}

// rotten is a completion whose bytes are stored wrong.
func rotten(f *strike) model.Answer {
	a := f.apply()
	if a.Err == nil && f.k.s.server.Current(f.call.Bucket, f.call.Key) != nil {
		f.k.s.server.Rot(f.call.Bucket, f.call.Key)
	}
	return a
}

// firstSeen shows each object as it was seen first.
func firstSeen(seen map[string]s3store.Object) func(string, int, *s3store.Page) {
	return func(_ string, _ int, p *s3store.Page) {
		for i, o := range p.Objects {
			if old, ok := seen[o.Key]; ok {
				p.Objects[i] = old
			}
			seen[o.Key] = p.Objects[i]
		}
	}
}

// packedETag is the ETag that a member had before anybody replaced it.
func packedETag(key string) map[string]string {
	c := model.New(model.Options{}, dataBucket).Client("x", nil)
	i, _ := c.Put(context.Background(), dataBucket, key, good("app/", 1), s3store.PutOptions{})
	return map[string]string{key: i.ETag}
}

// stillListed shows the members of the smallest world as if they were all there.
func stillListed(_ string, page int, p *s3store.Page) {
	if p.More {
		return
	}
	s := &scene{server: model.New(model.Options{}, dataBucket)}
	s.app = s.server.Client(appName, nil)
	few(s)
	have := map[string]bool{}
	for _, o := range p.Objects {
		have[o.Key] = true
	}
	_ = s.app.List(context.Background(), dataBucket, s3store.ListOptions{}, func(all s3store.Page) error {
		for _, o := range all.Objects {
			if !have[o.Key] {
				p.Objects = append(p.Objects, o)
			}
		}
		return nil
	})
}

// claimless is a worker that does not see the claim of another state.
type claimless struct {
	Store
	own []byte
}

func (c *claimless) Probe(ctx context.Context, bucket, key string) (bool, time.Time, error) {
	exists, date, err := c.Store.Probe(ctx, bucket, key)
	return exists && key != receipt.ClaimKey, date, err
}

func (c *claimless) Put(ctx context.Context, bucket, key string, body []byte, o s3store.PutOptions) (s3store.Info, error) {
	if key == receipt.ClaimKey {
		c.own = body
		return s3store.Info{}, nil
	}
	return c.Store.Put(ctx, bucket, key, body, o)
}

func (c *claimless) Get(ctx context.Context, bucket, key string, o s3store.GetOptions) (io.ReadCloser, s3store.Info, error) {
	switch {
	case key != receipt.ClaimKey:
	case c.own == nil:
		return nil, s3store.Info{}, s3store.ErrNotFound
	default:
		return io.NopCloser(bytes.NewReader(c.own)), s3store.Info{}, nil
	}
	return c.Store.Get(ctx, bucket, key, o)
}
