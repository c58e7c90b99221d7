package compactor

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test/model"
	"github.com/s3compact/s3compact/inventory"
	"github.com/s3compact/s3compact/validate"
)

// world is a bucket with objects, an endpoint, and options of the runs on it.
type world struct {
	name   string
	server model.Options
	change func(*Options)
	groups []string
	fill   func(*scene)
	most   int                 // in how many objects a record may be in the end
	victim string              // the object that the application changes
	talk   bool                // the trace holds every request
	before func(*scene)        // what was done in the world before the faults
	run    func(*worker) error // what the workers do; nil: compact
	after  func(*worker) error // what is done when the faults are over; nil: compact
}

const (
	appName    = "app"
	dataBucket = "data"
	destBucket = "dest"
)

var worldBuckets = []string{dataBucket, destBucket}

func (w *world) state() s3store.Location { return DefaultState(dataBucket) }

// options of a run: small parts, so that outputs have several.
func (w *world) options() Options {
	o := Options{
		Bucket: dataBucket, State: w.state(), Content: validate.ContentNDJSON, Tool: "test",
		Selection:   inventory.Selection{SmallSizeBytes: 1 << 20, MinObjects: 2, Match: "*.gz", TargetSizeBytes: 64 << 20},
		Concurrency: 3, PartBytes: 150, GroupsAtOnce: 2,
	}
	if w.change != nil {
		w.change(&o)
	}
	return o
}

// appPut is a write of the application.
func (s *scene) appPut(key string, body []byte) {
	if _, err := s.app.Put(context.Background(), dataBucket, key, body, s3store.PutOptions{}); err != nil {
		s.breaks("the application can't write: %v", err)
	}
}

func (s *scene) appDelete(key string) {
	if err := s.app.Delete(context.Background(), dataBucket, key, ""); err != nil {
		s.breaks("the application can't delete: %v", err)
	}
}

// good is the body of an object of two records.
func good(group string, n int) []byte {
	return packed(record(group, n, 1) + "\n" + record(group, n, 2) + "\n")
}

var packedBodies sync.Map // string to []byte

// packed is gzRaw that remembers.
func packed(text string) []byte {
	if b, ok := packedBodies.Load(text); ok {
		return b.([]byte)
	}
	b := gzRaw(text)
	packedBodies.Store(text, b)
	return b
}

// flat is the plain world: good members, one without a last newline, one that
// is damaged, and things that are not to be touched.
func flat(s *scene) {
	for i := range 4 {
		s.appPut(fmt.Sprintf("app/log-%03d.json.gz", i), good("app/", i))
	}
	s.appPut("app/open.json.gz", packed(record("app/", 100, 1)))
	bad := bytes.Clone(good("app/", 101))
	bad[len(bad)-8] ^= 1
	s.appPut("app/crc.json.gz", bad)
	s.appPut("app/_hidden.json.gz", good("app/", 102))
	s.appPut("app/readme.txt", []byte("not to be joined"))
	s.appPut("app/below/log.json.gz", good("app/below/", 1))
	s.appPut("app/x"+receipt.OutputName("log", strings.Repeat("0", 32), strings.Repeat("1", 32), 1, ".json.gz"), good("app/", 103))
}

// few is the smallest world.
func few(s *scene) {
	for i := range 3 {
		s.appPut(fmt.Sprintf("app/log-%03d.json.gz", i), good("app/", i))
	}
}

func worlds() []*world {
	base := func(name string) *world {
		return &world{name: name, groups: []string{"app/"}, fill: few, most: 1, victim: "app/log-001.json.gz", server: model.Options{PageKeys: 3, MinPartBytes: 1}}
	}
	var all []*world
	add := func(name string, change func(*world)) {
		w := base(name)
		change(w)
		all = append(all, w)
	}
	add("flat", func(w *world) { w.fill = flat })
	add("plain", func(*world) {})
	add("depth", func(w *world) {
		w.change = func(o *Options) { o.Selection.GroupBy.Depth = 1 }
		w.fill = func(s *scene) {
			for p := range 2 {
				for i := range 2 {
					s.appPut(fmt.Sprintf("app/p=%d/log-%03d.json.gz", p, i), good("app/", 10*p+i))
				}
			}
		}
		w.victim = "app/p=1/log-001.json.gz"
	})
	add("two groups", func(w *world) {
		w.groups = []string{"app/", "web/"}
		w.fill = func(s *scene) {
			few(s)
			for i := range 2 {
				s.appPut(fmt.Sprintf("web/log-%03d.json.gz", i), good("web/", i))
			}
		}
	})
	add("dest", func(w *world) {
		w.change = func(o *Options) { o.Dest = &s3store.Location{Bucket: destBucket, Key: "joined/"} }
	})
	add("keep", func(w *world) {
		w.change = func(o *Options) { o.Keep = true }
		w.most = 2
	})
	add("versioned", func(w *world) { w.server.Versioned = true })
	add("completed again", func(w *world) { w.server.CompleteAgain = true })
	add("read back", func(w *world) { w.change = func(o *Options) { o.ReadBack = true } })
	add("no stored checksums", func(w *world) { w.server.Lacks.Checksums = true })
	add("no batch ETags", func(w *world) { w.server.Lacks.BatchETags = true })
	add("no batch deletes", func(w *world) { w.server.Lacks.BatchDelete = true })
	add("no single ETags", func(w *world) { w.server.Lacks.DeleteIfMatch = true })
	add("signatures last", func(w *world) { w.server.Lacks.SignatureAge = true })
	add("young", func(w *world) {
		w.change = func(o *Options) { o.MinAge = time.Hour }
		w.before = func(s *scene) { s.server.Advance(2 * time.Hour) }
	})
	add("again", func(w *world) {
		w.fill, w.before, w.victim = flat, compactedBefore, "app/next-001.json.gz"
	})
	copied := func(w *world) { // both outputs are copied by the server
		w.change = func(o *Options) { o.copyBytes = 100 }
		w.before, w.victim = compactedBefore, "app/next-001.json.gz"
	}
	add("copied", copied)
	add("copied, no stored checksums", func(w *world) { copied(w); w.server.Lacks.Checksums = true })
	add("copied and read", func(w *world) {
		copied(w)
		w.fill, w.change = flat, func(o *Options) { o.copyBytes = 300 }
	})
	add("single", func(w *world) {
		w.fill, w.change = flat, func(o *Options) { o.Single = true }
	})
	add("delete kept", func(w *world) {
		w.change = func(o *Options) { o.DeleteKept = true }
		w.before = keptBefore
	})
	add("close", func(w *world) { // the first worker closes
		w.before = committed
		w.run, w.after = takeTurns(closes, compacts), movingOn
	})
	add("closed meanwhile", func(w *world) { // the second one does
		w.run, w.after = takeTurns(compacts, closes), movingOn
	})
	for _, x := range []struct {
		name   string
		before func(*scene)
	}{{"committed", committed}, {"half deleted", halfDeleted}, {"given up", givenUp}, {"void", void}, {"dead output", deadOutput}, {"revived", revived}} {
		add(x.name, func(w *world) { w.before = x.before })
	}
	add("keep, revived", func(w *world) {
		w.change = func(o *Options) { o.Keep = true }
		w.most, w.before = 2, revived
	})
	add("restore", restoringWorld)
	add("restore single", func(w *world) {
		restoringWorld(w)
		w.fill, w.change = flat, func(o *Options) { o.Single = true }
	})
	add("restore copied", func(w *world) { // of an output that absorbed others
		restoringWorld(w)
		w.change = func(o *Options) { o.copyBytes = 100 }
		w.before = func(s *scene) {
			compactedBefore(s)
			s.play(s.worker(90))
		}
	})
	add("restore, another compacts", func(w *world) {
		restoringWorld(w)
		w.run = takeTurns(restores, compacts)
	})
	add("restore, another deletes kept", func(w *world) {
		w.change = func(o *Options) { o.DeleteKept = true }
		w.before = keptBefore
		w.run = takeTurns(restores, compacts)
	})
	return append(all, formWorlds()...)
}

// takeTurns makes workers of odd numbers do one thing, the others another.
func takeTurns(odd, even func(*worker) error) func(*worker) error {
	return func(k *worker) error {
		if k.number%2 == 1 {
			return odd(k)
		}
		return even(k)
	}
}

// movingOn closes the state, or sees that it is, and compacts with another one.
func movingOn(k *worker) error {
	s := k.s
	s.moved = false
	switch err := closes(k); {
	case errors.Is(err, s3store.ErrNotFound): // the worker did not get so far as to make one
	case err != nil:
		return err
	default:
		s.moved = true
	}
	return compacts(k)
}

var (
	recordsCache sync.Map // body as string to []string
	unpackers    = sync.Pool{New: func() any { return new(gzip.Reader) }}
)

// recordsOf is what a reader sees of an object: its lines, or the object itself
// where it can't be read.
func recordsOf(key string, body []byte) []string {
	if hidden(key) {
		return nil
	}
	if r, ok := recordsCache.Load(string(body)); ok {
		return r.([]string)
	}
	var records []string
	text, err := unpack(body)
	if err != nil && isText(key) {
		text, err = string(body), nil
	}
	_, _, output := receipt.ParseOutputName(key)
	switch {
	case err != nil && output: // stored wrong: nobody can read it
	case err != nil:
		records = []string{fmt.Sprintf("bytes %x", md5.Sum(body))}
	default:
		for line := range strings.SplitSeq(text, "\n") {
			if line != "" {
				records = append(records, line)
			}
		}
	}
	recordsCache.Store(string(body), records)
	return records
}

func unpack(b []byte) (string, error) {
	r := unpackers.Get().(*gzip.Reader)
	defer unpackers.Put(r)
	if err := r.Reset(bytes.NewReader(b)); err != nil {
		return "", err
	}
	text, err := io.ReadAll(r)
	return string(text), err
}
