package model

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/validate"
)

// Call is one request.
type Call struct {
	Client string
	Op     string // list get head probe put create part copy complete abort uploads delete deletes settings
	Bucket string
	Key    string // of an object, or the prefix of a listing, or the first of many keys
	Keys   []s3store.KeyETag
	ETag   string // of the condition
	Upload string
	After  string    // of a LIST: the key after which its page begins
	Signed time.Time // when it was signed
	Fixed  bool      // at a prescribed time
	Create bool      // with If-None-Match: *
}

// Answer is what a server answers. Err is nil, or wraps a sentinel of s3store
// where that has one.
type Answer struct {
	Err     error
	Date    time.Time // zero: no answer came
	Info    s3store.Info
	Body    []byte // of a GET; what is missing at Info.SizeBytes is a broken connection
	Page    s3store.Page
	Next    string // where the next page begins
	Uploads []s3store.Upload
	Part    s3store.Part
	ID      string // of an upload
	ETag    string
	Errs    []error // for each key of DeleteObjects
	Setting bool
	Tags    string
}

// Wire carries a request to the server and the answer back. apply is the
// server: it may be called never, once, or again, now or later.
type Wire func(ctx context.Context, c Call, apply func() Answer) Answer

// Client is a store, as the commands use one. It is safe for concurrent use.
type Client struct {
	server *Server
	name   string
	wire   Wire

	mu    sync.Mutex // guards what follows
	last  time.Time
	count s3store.Requests
}

// Client is a client of its own, with its own knowledge of the server's clock.
// wire may be nil.
func (s *Server) Client(name string, wire Wire) *Client {
	if wire == nil {
		wire = func(_ context.Context, _ Call, apply func() Answer) Answer { return apply() }
	}
	return &Client{server: s, name: name, wire: wire}
}

// refused is an error that the server answered with.
type refused struct {
	call   Call
	status int
	code   string
	kind   error
}

func (c Call) err(status int, code string, kind error) error {
	return &refused{call: c, status: status, code: code, kind: kind}
}

// Refused is the error of a request that a server refused: kind is a sentinel
// of s3store or nil.
func Refused(c Call, status int, code string, kind error) error { return c.err(status, code, kind) }

func (e *refused) Error() string {
	return fmt.Sprintf("%s s3://%s/%s: %d %s", e.call.Op, e.call.Bucket, e.call.Key, e.status, e.code)
}

func (e *refused) Unwrap() error { return e.kind }

// Is makes a missing bucket a thing not found as well.
func (e *refused) Is(target error) bool {
	return target == s3store.ErrNotFound && e.kind == s3store.ErrNoBucket
}

// send signs a request, carries it, and tries it once more where only its time
// of signing was wrong, as s3store does.
func (c *Client) send(ctx context.Context, call Call, apply func(*bucket, Call) Answer) Answer {
	for try := 0; ; try++ {
		if err := ctx.Err(); err != nil {
			return Answer{Err: err}
		}
		call.Client = c.name
		before := c.ServerTime()
		if call.Signed, call.Fixed = s3store.SigningTime(ctx); !call.Fixed {
			if call.Signed = before; call.Signed.IsZero() {
				call.Signed = time.Now()
			}
		}
		sent := call
		a := c.wire(ctx, sent, func() Answer { return c.server.serve(sent, apply) })
		c.mu.Lock()
		if !a.Date.IsZero() {
			c.last = a.Date
		}
		after := c.last
		c.mu.Unlock()
		// A HEAD has no body that could tell the reason of a 403.
		skewed := errors.Is(a.Err, s3store.ErrExpired) || errors.Is(a.Err, s3store.ErrDenied) && after.Sub(call.Signed).Abs() > 5*time.Minute
		if try == 0 && !call.Fixed && skewed {
			continue
		}
		return a
	}
}

// serve answers one request.
func (s *Server) serve(c Call, apply func(*bucket, Call) Answer) Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	var a Answer
	switch b := s.buckets[c.Bucket]; {
	case !s.lacks(c.Bucket, c.Key).SignatureAge && s.now().Sub(c.Signed).Abs() > MaxSignatureAge:
		a.Err = c.err(403, "RequestTimeTooSkewed", s3store.ErrExpired)
		if c.Op == "head" {
			a.Err = c.err(403, "Forbidden", s3store.ErrDenied)
		}
	case b == nil:
		a.Err = c.err(404, "NoSuchBucket", s3store.ErrNoBucket)
	default:
		a = apply(b, c)
	}
	a.Date = s.date()
	return a
}

func (c *Client) counted(n *int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*n++
}

// Requests is the number of requests sent so far, by kind.
func (c *Client) Requests() s3store.Requests {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count
}

// ServerTime is the last Date that this client received.
func (c *Client) ServerTime() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}

// List implements the store: each page is a request of its own.
func (c *Client) List(ctx context.Context, name string, o s3store.ListOptions, fn func(s3store.Page) error) error {
	after := o.StartAfter
	for {
		from := after
		c.counted(&c.count.List)
		a := c.send(ctx, Call{Op: "list", Bucket: name, Key: o.Prefix, After: from}, func(b *bucket, call Call) Answer {
			return c.server.list(b, o, from)
		})
		if a.Err != nil {
			return a.Err
		}
		if err := fn(a.Page); err != nil || !a.Page.More {
			return err
		}
		after = a.Next
	}
}

func (s *Server) list(b *bucket, o s3store.ListOptions, from string) (a Answer) {
	entries := 0
	shared := ""
	for _, key := range b.keysFrom(from) {
		rest, ok := strings.CutPrefix(key, o.Prefix)
		if !ok {
			if key > o.Prefix {
				break
			}
			continue
		}
		cut := -1
		if o.Delimiter != "" {
			cut = strings.Index(rest, o.Delimiter)
		}
		prefix := ""
		if cut >= 0 {
			prefix = o.Prefix + rest[:cut+len(o.Delimiter)]
			if prefix == shared || strings.HasPrefix(from, prefix) {
				continue
			}
		}
		if entries == s.o.PageKeys {
			a.Page.More = true
			break
		}
		entries++
		if cut >= 0 {
			shared = prefix
			a.Page.Prefixes = append(a.Page.Prefixes, prefix)
			a.Next = prefix + "\U0010FFFF"
			continue
		}
		a.Page.Objects = append(a.Page.Objects, b.current[key].object())
		a.Next = key
	}
	return a
}

// Get implements the store.
func (c *Client) Get(ctx context.Context, name, key string, o s3store.GetOptions) (io.ReadCloser, s3store.Info, error) {
	c.counted(&c.count.Get)
	call := Call{Op: "get", Bucket: name, Key: key, ETag: o.IfMatch}
	a := c.send(ctx, call, func(b *bucket, call Call) Answer {
		v := b.current[key]
		switch {
		case v == nil:
			return Answer{Err: call.err(404, "NoSuchKey", s3store.ErrNotFound)}
		case o.IfMatch != "" && o.IfMatch != v.ETag:
			return Answer{Err: call.err(412, "PreconditionFailed", s3store.ErrPrecondition)}
		case v.Info.CustomerKey:
			return Answer{Err: call.err(400, "InvalidRequest", s3store.ErrBadRequest)}
		}
		a := Answer{Info: v.info(c.server.date()), Body: v.Body}
		if o.OffsetBytes > 0 || o.LengthBytes > 0 {
			if o.OffsetBytes >= int64(len(v.Body)) {
				return Answer{Err: call.err(416, "InvalidRange", nil)}
			}
			end := int64(len(v.Body))
			if o.LengthBytes > 0 {
				end = min(end, o.OffsetBytes+o.LengthBytes)
			}
			a.Body = v.Body[o.OffsetBytes:end]
			a.Info.SizeBytes = int64(len(a.Body))
			a.Info.CRC64NVME = ""
		}
		return a
	})
	if a.Err != nil {
		return nil, s3store.Info{Date: a.Date}, a.Err
	}
	return &body{left: a.Body, missing: a.Info.SizeBytes - int64(len(a.Body)), ctx: ctx}, a.Info, nil
}

// body hands out the bytes of a GET.
type body struct {
	ctx     context.Context
	left    []byte
	missing int64
}

func (b *body) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	n := copy(p, b.left)
	b.left = b.left[n:]
	switch {
	case n > 0 || len(p) == 0:
		return n, nil
	case b.missing > 0:
		return 0, fmt.Errorf("%d bytes are missing at the end of the answer: %w", b.missing, io.ErrUnexpectedEOF)
	}
	return 0, io.EOF
}

func (b *body) Close() error { return nil }

// Head implements the store.
func (c *Client) Head(ctx context.Context, name, key string) (s3store.Info, error) {
	c.counted(&c.count.Head)
	call := Call{Op: "head", Bucket: name, Key: key}
	a := c.send(ctx, call, func(b *bucket, call Call) Answer {
		if v := b.current[key]; v != nil {
			return Answer{Info: v.info(c.server.date())}
		}
		return Answer{Err: call.err(404, "NotFound", s3store.ErrNotFound)}
	})
	a.Info.Date = a.Date
	return a.Info, a.Err
}

// Probe implements the store.
func (c *Client) Probe(ctx context.Context, name, key string) (exists bool, date time.Time, err error) {
	info, err := c.Head(ctx, name, key)
	switch {
	case err == nil:
		return true, info.Date, nil
	case errors.Is(err, s3store.ErrNotFound) && !errors.Is(err, s3store.ErrNoBucket) && !info.Date.IsZero():
		return false, info.Date, nil
	}
	return false, info.Date, err
}

// Put implements the store.
func (c *Client) Put(ctx context.Context, name, key string, content []byte, o s3store.PutOptions) (s3store.Info, error) {
	c.counted(&c.count.Put)
	call := Call{Op: "put", Bucket: name, Key: key, Create: o.CreateOnly, ETag: o.IfMatch}
	content = slices.Clone(content)
	s := c.server
	a := c.send(ctx, call, func(b *bucket, call Call) Answer {
		lacks, there := s.lacks(name, key), b.current[key]
		switch {
		case o.CreateOnly && there != nil && !lacks.CreateOnly, o.IfMatch != "" && there != nil && there.ETag != o.IfMatch:
			return Answer{Err: call.err(412, "PreconditionFailed", s3store.ErrPrecondition)}
		case o.IfMatch != "" && there == nil:
			return Answer{Err: call.err(404, "NoSuchKey", s3store.ErrNotFound)}
		case o.CRC64NVME != nil && !lacks.Checksums && *o.CRC64NVME != validate.CRC64(content):
			return Answer{Err: call.err(400, "BadDigest", s3store.ErrBadRequest)}
		}
		v := s.newVersion(call, key, content, etagOf(content), o.Attributes)
		s.set(b, call, key, v)
		return Answer{Info: v.info(s.date())}
	})
	a.Info.Date = a.Date
	return a.Info, a.Err
}

// Delete implements the store.
func (c *Client) Delete(ctx context.Context, name, key, etag string) error {
	c.counted(&c.count.Delete)
	call := Call{Op: "delete", Bucket: name, Key: key, ETag: etag}
	return c.send(ctx, call, func(b *bucket, call Call) Answer {
		return Answer{Err: c.server.deleteOne(b, call, key, etag, !c.server.lacks(name, key).DeleteIfMatch)}
	}).Err
}

func (s *Server) deleteOne(b *bucket, c Call, key, etag string, enforced bool) error {
	if v := b.current[key]; etag != "" && enforced {
		switch {
		case v == nil:
			return c.err(404, "NoSuchKey", s3store.ErrNotFound)
		case v.ETag != etag:
			return c.err(412, "PreconditionFailed", s3store.ErrPrecondition)
		}
	}
	c.Key, c.ETag = key, etag
	s.remove(b, c, key)
	return nil
}

// DeleteBatch implements the store.
func (c *Client) DeleteBatch(ctx context.Context, name string, keys []s3store.KeyETag) ([]error, error) {
	c.counted(&c.count.Delete)
	call := Call{Op: "deletes", Bucket: name, Keys: slices.Clone(keys)}
	if len(keys) > 0 {
		call.Key = keys[0].Key
	}
	if len(keys) > 1000 {
		return nil, call.err(400, "MalformedXML", s3store.ErrBadRequest)
	}
	a := c.send(ctx, call, func(b *bucket, call Call) Answer {
		if c.server.lacks(name, call.Key).BatchDelete {
			return Answer{Err: call.err(501, "NotImplemented", s3store.ErrUnsupported)}
		}
		errs := make([]error, len(keys))
		for i, k := range keys {
			errs[i] = c.server.deleteOne(b, call, k.Key, k.ETag, !c.server.lacks(name, k.Key).BatchETags)
		}
		return Answer{Errs: errs}
	})
	return a.Errs, a.Err
}

func (c *Client) setting(ctx context.Context, name, what string, value bool) (bool, error) {
	c.counted(&c.count.Get)
	a := c.send(ctx, Call{Op: "settings", Bucket: name, Key: what}, func(*bucket, Call) Answer { return Answer{Setting: value} })
	return a.Setting, a.Err
}

// Versioned implements the store.
func (c *Client) Versioned(ctx context.Context, bucket string) (bool, error) {
	return c.setting(ctx, bucket, "versioning", c.server.o.Versioned)
}

// OwnerEnforced implements the store.
func (c *Client) OwnerEnforced(ctx context.Context, bucket string) (bool, error) {
	return c.setting(ctx, bucket, "ownership", !c.server.o.OwnerNotEnforced)
}

// LockConfigured implements the store.
func (c *Client) LockConfigured(ctx context.Context, bucket string) (bool, error) {
	return c.setting(ctx, bucket, "lock", c.server.o.Locked)
}

// Touch changes what GET and HEAD tell of the current object of a key: lock,
// replication, customer key.
func (s *Server) Touch(name, key string, change func(*s3store.Info)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.buckets[name].current[key]
	v := *old
	v.Attributes.Metadata = maps.Clone(old.Attributes.Metadata)
	change(&v.Info)
	s.buckets[name].current[key] = &v
}
