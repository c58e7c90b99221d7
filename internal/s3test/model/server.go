// Package model is S3 as its documentation describes it, in memory: strong
// consistency, conditional writes and deletes, multipart uploads with
// full-object checksums, versions, and requests that are refused 15 minutes
// after their signature. Many clients share one server; between a client and
// the server a test may put a wire that delays, loses, repeats or falsifies
// requests and answers. A ledger watches where each record is.
//
// Time is time.Now, so that tests inside a testing/synctest bubble run in
// model time, plus what Advance adds to the server's clock alone.
//
// Sources: the pages PutObject, GetObject, HeadObject, DeleteObject,
// DeleteObjects, ListObjectsV2, CreateMultipartUpload, UploadPart,
// CompleteMultipartUpload, AbortMultipartUpload and ListMultipartUploads of the
// S3 API reference, and "Conditional requests" and "Checking object integrity"
// of its user guide.
package model

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/s3compact/s3compact/validate"
)

// MaxSignatureAge is how long after its signature S3 still accepts a request.
const MaxSignatureAge = 15 * time.Minute

// Lacks are the conditions that an endpoint does not enforce.
type Lacks struct {
	CreateOnly    bool // If-None-Match of a PUT and of a completion
	DeleteIfMatch bool // If-Match of a single DELETE
	BatchETags    bool // ETags of the keys of DeleteObjects
	BatchDelete   bool // the whole of DeleteObjects: 501
	Checksums     bool // CRC64NVME is neither checked nor stored
	SignatureAge  bool // how old a signature is
}

// Options of a server. The zero value is S3 itself.
type Options struct {
	Lacks     Lacks
	LacksAt   func(bucket, key string) bool // where Lacks holds; nil: everywhere
	Versioned bool
	// PageKeys is the number of entries of an answer to a LIST, at most (0: 1,000).
	PageKeys int
	// MinPartBytes is the size that every part but the last must have (0: 5 MiB).
	MinPartBytes int64
	// CompleteAgain: the repeated completion of an upload answers 200 as S3 does
	// for a while, not NoSuchUpload.
	CompleteAgain bool
	// OwnerNotEnforced and Locked are settings of every bucket.
	OwnerNotEnforced, Locked bool
}

// Server is one S3 endpoint. It is safe for concurrent use.
type Server struct {
	o Options

	mu      sync.Mutex // guards what follows
	ahead   time.Duration
	buckets map[string]*bucket
	serial  int64
	watch   func(Event)
}

// Event is a change of what readers of a bucket see under a key. An empty
// Before or After is no object.
type Event struct {
	Call          Call
	Client        string
	At            time.Time // by the server's clock
	Bucket, Key   string
	Before, After *Version
}

type bucket struct {
	current map[string]*Version
	keys    []string              // of current, in order
	old     map[string][]*Version // in a versioned bucket: what is not current, delete markers included
	uploads map[string]*upload    // by id
	done    map[string]*Version   // completed uploads, by id
}

// New makes a server with empty buckets.
func New(o Options, buckets ...string) *Server {
	if o.PageKeys <= 0 {
		o.PageKeys = 1000
	}
	if o.MinPartBytes <= 0 {
		o.MinPartBytes = 5 << 20
	}
	s := &Server{o: o, buckets: map[string]*bucket{}}
	for _, b := range buckets {
		s.buckets[b] = &bucket{current: map[string]*Version{}, old: map[string][]*Version{}, uploads: map[string]*upload{}, done: map[string]*Version{}}
	}
	return s
}

// Watch makes f known each change of what readers see, in the order of the
// changes. f must not ask the server.
func (s *Server) Watch(f func(Event)) { s.watch = f }

// Advance moves the server's clock alone: the clients' machines stood still.
func (s *Server) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += d
}

// Now is the server's clock.
func (s *Server) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now()
}

func (s *Server) now() time.Time { return time.Now().Add(s.ahead).UTC() }

// date is the clock as a Date header shows it.
func (s *Server) date() time.Time { return s.now().Truncate(time.Second) }

// lacks is what is not enforced for an object.
func (s *Server) lacks(bucket, key string) Lacks {
	if s.o.LacksAt != nil && !s.o.LacksAt(bucket, key) {
		return Lacks{}
	}
	return s.o.Lacks
}

// newID is a name that the server gave to nothing else.
func (s *Server) newID(prefix string) string {
	s.serial++
	return fmt.Sprintf("%s%08d", prefix, s.serial)
}

// set makes v the current version of a key; nil: none is. The caller holds the lock.
func (s *Server) set(b *bucket, c Call, key string, v *Version) {
	before := b.current[key]
	if before != nil && s.o.Versioned {
		b.old[key] = append(b.old[key], before)
	}
	at, found := slices.BinarySearch(b.keys, key)
	switch {
	case v == nil:
		delete(b.current, key)
		if found {
			b.keys = slices.Delete(b.keys, at, at+1)
		}
	default:
		b.current[key] = v
		if !found {
			b.keys = slices.Insert(b.keys, at, key)
		}
	}
	if s.watch != nil {
		s.watch(Event{Call: c, Client: c.Client, At: s.now(), Bucket: c.Bucket, Key: key, Before: before, After: v})
	}
}

// Keys are the keys of a bucket that readers see, in order.
func (s *Server) Keys(name string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.buckets[name].keys)
}

// Current is what readers see under a key, nil for nothing. It must not be changed.
func (s *Server) Current(name, key string) *Version {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buckets[name].current[key]
}

// Uploads are the keys of the open uploads of a bucket, in order.
func (s *Server) Uploads(name string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var keys []string
	for _, u := range s.buckets[name].uploads {
		keys = append(keys, u.key)
	}
	slices.Sort(keys)
	return keys
}

// Old are the versions of a key that are not current, oldest first. A delete
// marker is one without a body.
func (s *Server) Old(name, key string) []*Version {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.buckets[name].old[key])
}

// RotClient is the client of the change that Rot makes.
const RotClient = "rot"

// Rot changes a byte near the end of the current object of a key as it is
// stored, and the stored checksum with it: what was written is not what is there.
func (s *Server) Rot(name, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.buckets[name].current[key]
	v := *old
	v.Body = slices.Clone(old.Body)
	v.Body[max(0, len(v.Body)-6)] ^= 0x10
	v.Writer = RotClient
	if v.CRC64NVME != "" {
		v.CRC64NVME = validate.EncodeCRC64(validate.CRC64(v.Body))
	}
	s.set(s.buckets[name], Call{Op: "rot", Client: RotClient, Bucket: name, Key: key}, key, &v)
}
