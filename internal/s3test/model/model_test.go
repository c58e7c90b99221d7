package model

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/validate"
)

var ctx = context.Background()

func mustPut(t *testing.T, c *Client, key, body string) s3store.Info {
	t.Helper()
	info, err := c.Put(ctx, "b", key, []byte(body), s3store.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func read(t *testing.T, c *Client, key string) string {
	t.Helper()
	r, _, err := c.Get(ctx, "b", key, s3store.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if want == nil && err != nil || want != nil && !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func TestConditions(t *testing.T) {
	c := New(Options{}, "b").Client("c", nil)
	_, err := c.Put(ctx, "b", "k", []byte("one"), s3store.PutOptions{CreateOnly: true})
	wantErr(t, "create", err, nil)
	_, err = c.Put(ctx, "b", "k", []byte("two"), s3store.PutOptions{CreateOnly: true})
	wantErr(t, "create again", err, s3store.ErrPrecondition)
	if got := read(t, c, "k"); got != "one" {
		t.Errorf("the refused PUT changed it to %q", got)
	}
	old := etagOf([]byte("one"))
	_, err = c.Put(ctx, "b", "k", []byte("two"), s3store.PutOptions{IfMatch: "other"})
	wantErr(t, "replace another", err, s3store.ErrPrecondition)
	_, err = c.Put(ctx, "b", "k", []byte("two"), s3store.PutOptions{IfMatch: old})
	wantErr(t, "replace", err, nil)
	_, err = c.Put(ctx, "b", "none", []byte("two"), s3store.PutOptions{IfMatch: old})
	wantErr(t, "replace what is not there", err, s3store.ErrNotFound)
	_, _, err = c.Get(ctx, "b", "k", s3store.GetOptions{IfMatch: old})
	wantErr(t, "get the old one", err, s3store.ErrPrecondition)
	wantErr(t, "delete the old one", c.Delete(ctx, "b", "k", old), s3store.ErrPrecondition)
	wantErr(t, "delete none on an ETag", c.Delete(ctx, "b", "none", old), s3store.ErrNotFound)
	wantErr(t, "delete none", c.Delete(ctx, "b", "none", ""), nil)
	errs, err := c.DeleteBatch(ctx, "b", []s3store.KeyETag{{Key: "k", ETag: old}, {Key: "none", ETag: old}, {Key: "k", ETag: etagOf([]byte("two"))}})
	wantErr(t, "batch", err, nil)
	for i, want := range []error{s3store.ErrPrecondition, s3store.ErrNotFound, nil} {
		wantErr(t, fmt.Sprintf("key %d of the batch", i), errs[i], want)
	}
	_, _, err = c.Get(ctx, "b", "k", s3store.GetOptions{})
	wantErr(t, "get what was deleted", err, s3store.ErrNotFound)
	_, err = c.Head(ctx, "nowhere", "k")
	wantErr(t, "no bucket", err, s3store.ErrNoBucket)
	wantErr(t, "no bucket", err, s3store.ErrNotFound)
	crc := uint64(1)
	_, err = c.Put(ctx, "b", "k", []byte("x"), s3store.PutOptions{CRC64NVME: &crc})
	wantErr(t, "a wrong checksum", err, s3store.ErrBadRequest)
}

// TestLacks: each condition that is not enforced is not, and only for the keys that it holds for.
func TestLacks(t *testing.T) {
	all := Lacks{CreateOnly: true, DeleteIfMatch: true, BatchETags: true, Checksums: true, SignatureAge: true}
	c := New(Options{Lacks: all, LacksAt: func(_, key string) bool { return key != "strict" }}, "b").Client("c", nil)
	for key, enforced := range map[string]bool{"strict": true, "lax": false} {
		want := func(e error) error {
			if enforced {
				return e
			}
			return nil
		}
		mustPut(t, c, key, "one")
		_, err := c.Put(ctx, "b", key, []byte("one"), s3store.PutOptions{CreateOnly: true})
		wantErr(t, key+" create-only", err, want(s3store.ErrPrecondition))
		wantErr(t, key+" delete", c.Delete(ctx, "b", key, "other"), want(s3store.ErrPrecondition))
		mustPut(t, c, key, "one")
		errs, _ := c.DeleteBatch(ctx, "b", []s3store.KeyETag{{Key: key, ETag: "other"}})
		wantErr(t, key+" batch", errs[0], want(s3store.ErrPrecondition))
		info := mustPut(t, c, key, "one")
		if (info.CRC64NVME != "") != enforced {
			t.Errorf("%s: stored checksum %q", key, info.CRC64NVME)
		}
		old := s3store.SignedAt(ctx, time.Now().Add(-16*time.Minute))
		wantErr(t, key+" old", c.Delete(old, "b", key, ""), want(s3store.ErrExpired))
	}
}

func TestSignatures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{}, "b")
		c := s.Client("c", nil)
		mustPut(t, c, "k", "x")
		first := c.ServerTime()
		s.Advance(14 * time.Minute)
		_, _, err := c.Get(s3store.SignedAt(ctx, first), "b", "k", s3store.GetOptions{})
		wantErr(t, "14 minutes old", err, nil)
		time.Sleep(2 * time.Minute)
		_, _, err = c.Get(s3store.SignedAt(ctx, first), "b", "k", s3store.GetOptions{})
		wantErr(t, "16 minutes old", err, s3store.ErrExpired)
		// A HEAD has no body that tells why.
		_, err = c.Head(s3store.SignedAt(ctx, first), "b", "k")
		wantErr(t, "HEAD, 16 minutes old", err, s3store.ErrDenied)
		// Whoever prescribes nothing learns the clock from the refusal.
		s.Advance(time.Hour)
		_, err = c.Head(ctx, "b", "k")
		wantErr(t, "after an hour's sleep", err, nil)
		if got := s.Now().Sub(c.ServerTime()); got < 0 || got >= time.Second {
			t.Errorf("the Date is %s behind the clock", got)
		}
	})
}

func TestUploads(t *testing.T) {
	s := New(Options{MinPartBytes: 4}, "b")
	c := s.Client("c", nil)
	content := []byte("abcdefg")
	crc := validate.EncodeCRC64(validate.CRC64(content))
	start := func(sizes ...int) (id string, parts []s3store.Part) {
		id, err := c.CreateUpload(ctx, "b", "k", s3store.Attributes{ContentType: "text/plain"})
		wantErr(t, "create", err, nil)
		at := 0
		for i, n := range sizes {
			p, err := c.UploadPart(ctx, "b", "k", id, int32(i+1), content[at:at+n], validate.CRC64(content[at:at+n]))
			wantErr(t, "part", err, nil)
			parts = append(parts, p)
			at += n
		}
		return id, parts
	}
	id, parts := start(5, 2)
	_, err := c.UploadPart(ctx, "b", "k", id, 3, content, 1)
	wantErr(t, "a part with a wrong checksum", err, s3store.ErrBadRequest)
	_, err = c.CompleteUpload(ctx, "b", "k", id, parts[:1], crc)
	wantErr(t, "a wrong checksum", err, s3store.ErrBadRequest)
	_, err = c.CompleteUpload(ctx, "b", "k", id, []s3store.Part{parts[1], parts[0]}, crc)
	wantErr(t, "a wrong order", err, s3store.ErrBadRequest)
	wrong := slices.Clone(parts)
	wrong[0].ETag = "other"
	_, err = c.CompleteUpload(ctx, "b", "k", id, wrong, crc)
	wantErr(t, "a wrong part", err, s3store.ErrBadRequest)
	if len(s.Keys("b")) != 0 || len(s.Uploads("b")) != 1 {
		t.Errorf("visible before it is completed: %v, open %v", s.Keys("b"), s.Uploads("b"))
	}
	etag, err := c.CompleteUpload(ctx, "b", "k", id, parts, crc)
	wantErr(t, "complete", err, nil)
	info, err := c.Head(ctx, "b", "k")
	wantErr(t, "head", err, nil)
	if info.ETag != etag || !strings.HasSuffix(etag, "-2") || info.CRC64NVME != crc || info.ContentType != "text/plain" || read(t, c, "k") != string(content) {
		t.Errorf("%+v", info)
	}
	_, err = c.CompleteUpload(ctx, "b", "k", id, parts, crc)
	wantErr(t, "complete again", err, s3store.ErrNotFound)
	id, parts = start(7)
	_, err = c.CompleteUpload(ctx, "b", "k", id, parts, crc)
	wantErr(t, "over an object", err, s3store.ErrPrecondition)
	wantErr(t, "abort", c.AbortUpload(ctx, "b", "k", id), nil)
	wantErr(t, "abort again", c.AbortUpload(ctx, "b", "k", id), s3store.ErrNotFound)
	_, err = c.UploadPart(ctx, "b", "k", id, 1, content, validate.CRC64(content))
	wantErr(t, "a part of no upload", err, s3store.ErrNotFound)
	wantErr(t, "delete", c.Delete(ctx, "b", "k", ""), nil)
	id, parts = start(3, 4)
	_, err = c.CompleteUpload(ctx, "b", "k", id, parts, crc)
	wantErr(t, "a first part that is too small", err, s3store.ErrBadRequest)
}

func TestListings(t *testing.T) {
	s := New(Options{PageKeys: 2}, "b")
	c := s.Client("c", nil)
	for _, k := range []string{"a", "d/1", "d/2", "d/3", "d/e/1", "d/e/2", "d/f/1", "d/g", "e"} {
		mustPut(t, c, k, k)
	}
	list := func(o s3store.ListOptions) string {
		var got []string
		err := c.List(ctx, "b", o, func(p s3store.Page) error {
			for _, o := range p.Objects {
				got = append(got, o.Key)
			}
			got = append(got, p.Prefixes...)
			return nil
		})
		wantErr(t, "list", err, nil)
		slices.Sort(got)
		return strings.Join(got, " ")
	}
	for _, x := range []struct {
		o    s3store.ListOptions
		want string
	}{
		{s3store.ListOptions{}, "a d/1 d/2 d/3 d/e/1 d/e/2 d/f/1 d/g e"},
		{s3store.ListOptions{Prefix: "d/"}, "d/1 d/2 d/3 d/e/1 d/e/2 d/f/1 d/g"},
		{s3store.ListOptions{Prefix: "d/", Delimiter: "/"}, "d/1 d/2 d/3 d/e/ d/f/ d/g"},
		{s3store.ListOptions{Delimiter: "/"}, "a d/ e"},
		{s3store.ListOptions{StartAfter: "d/2"}, "d/3 d/e/1 d/e/2 d/f/1 d/g e"},
		{s3store.ListOptions{Prefix: "none"}, ""},
	} {
		if got := list(x.o); got != x.want {
			t.Errorf("%+v: %s, want %s", x.o, got, x.want)
		}
	}
	before := c.Requests().List
	list(s3store.ListOptions{})
	if n := c.Requests().List - before; n != 5 {
		t.Errorf("nine keys by two in %d requests", n)
	}
	var ids []string
	for _, k := range []string{"x", "x", "y", "z"} {
		id, _ := c.CreateUpload(ctx, "b", k, s3store.Attributes{})
		ids = append(ids, id)
	}
	var got []string
	err := c.ListUploads(ctx, "b", "", func(u s3store.Upload) error { got = append(got, u.ID); return nil })
	if err != nil || !slices.Equal(got, ids) {
		t.Errorf("uploads %v, want %v: %v", got, ids, err)
	}
}

func TestVersions(t *testing.T) {
	s := New(Options{Versioned: true}, "b")
	c := s.Client("c", nil)
	one := mustPut(t, c, "k", "one")
	two := mustPut(t, c, "k", "two")
	wantErr(t, "delete", c.Delete(ctx, "b", "k", two.ETag), nil)
	_, _, err := c.Get(ctx, "b", "k", s3store.GetOptions{})
	wantErr(t, "get", err, s3store.ErrNotFound)
	wantErr(t, "delete on an ETag behind a marker", c.Delete(ctx, "b", "k", two.ETag), s3store.ErrNotFound)
	old := s.Old("b", "k")
	if len(old) != 3 || old[0].VersionID != one.VersionID || string(old[1].Body) != "two" || !old[2].DeleteMarker {
		t.Errorf("old versions %+v", old)
	}
	_, err = c.Put(ctx, "b", "k", []byte("three"), s3store.PutOptions{CreateOnly: true})
	wantErr(t, "create over a delete marker", err, nil)
}

// TestWire: what a wire does to requests and answers reaches the client.
func TestWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{}, "b")
		lost := errors.New("lost")
		var mode string
		c := s.Client("c", func(_ context.Context, c Call, apply func() Answer) Answer {
			switch mode {
			case "unsent":
				return Answer{Err: lost}
			case "lost":
				apply()
				return Answer{Err: lost}
			case "twice":
				apply()
				return apply()
			case "late":
				go func() { time.Sleep(time.Minute); apply() }()
				return Answer{Err: lost}
			case "cut":
				a := apply()
				a.Body = a.Body[:1]
				return a
			}
			return apply()
		})
		put := func(key string) error {
			_, err := c.Put(ctx, "b", key, []byte("xyz"), s3store.PutOptions{CreateOnly: true})
			return err
		}
		there := func(key string) bool { return s.Current("b", key) != nil }
		mode = "unsent"
		wantErr(t, "unsent", put("1"), lost)
		if there("1") {
			t.Error("a request that was not sent was carried out")
		}
		mode = "lost"
		wantErr(t, "lost", put("2"), lost)
		if !there("2") {
			t.Error("a request whose answer was lost was not carried out")
		}
		mode = "twice"
		wantErr(t, "twice", put("3"), s3store.ErrPrecondition)
		mode = "late"
		wantErr(t, "late", put("4"), lost)
		if there("4") {
			t.Error("a late request is early")
		}
		time.Sleep(2 * time.Minute)
		if !there("4") {
			t.Error("a late request never came")
		}
		mode = "cut"
		r, _, err := c.Get(ctx, "b", "4", s3store.GetOptions{})
		wantErr(t, "cut", err, nil)
		if _, err = io.ReadAll(r); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("a cut body ends in %v", err)
		}
	})
}

func TestLedger(t *testing.T) {
	lines := func(key string, body []byte) []string {
		if strings.HasPrefix(key, "_") {
			return nil
		}
		return strings.Fields(string(body))
	}
	fresh := func() (*Ledger, *Client, *Client) {
		s := New(Options{}, "b")
		l := NewLedger(lines, func(client string) bool { return client == "app" })
		s.Watch(l.See)
		return l, s.Client("app", nil), s.Client("worker", nil)
	}
	for name, x := range map[string]struct {
		do    func(app, worker *Client)
		wrong string // of the violations, or of what Settle says
	}{
		"joined": {func(app, worker *Client) {
			mustPut(t, worker, "out", "a b c")
			_ = worker.Delete(ctx, "b", "1", "")
			_ = worker.Delete(ctx, "b", "2", "")
		}, ""},
		"lost":              {func(app, worker *Client) { _ = worker.Delete(ctx, "b", "1", "") }, "record a is lost"},
		"lost by replacing": {func(app, worker *Client) { mustPut(t, worker, "1", "b") }, "record a is lost"},
		"invented":          {func(app, worker *Client) { mustPut(t, worker, "out", "d") }, "record d was invented"},
		"twice":             {func(app, worker *Client) { mustPut(t, worker, "out", "a") }, "record a is there 2 times"},
		"the application's own": {func(app, worker *Client) {
			_ = app.Delete(ctx, "b", "1", "")
			mustPut(t, app, "2", "e")
		}, ""},
		"given up by the application, kept by the worker": {func(app, worker *Client) {
			mustPut(t, worker, "out", "a b c")
			_ = worker.Delete(ctx, "b", "1", "")
			mustPut(t, app, "2", "e")
			_ = worker.Delete(ctx, "b", "2", "") // what was replaced
		}, "record e is lost"},
		"not seen by readers": {func(app, worker *Client) { mustPut(t, worker, "_state", "zzz") }, ""},
	} {
		l, app, worker := fresh()
		mustPut(t, app, "1", "a b")
		mustPut(t, app, "2", "c")
		x.do(app, worker)
		all := strings.Join(append(l.Violations(), l.Settle(1)...), "; ")
		if x.wrong == "" && all != "" || !strings.Contains(all, x.wrong) {
			t.Errorf("%s: %q, want %q", name, all, x.wrong)
		}
	}
}

// TestBodiesAreCopies: what a caller does with its buffer after a request does not reach the server.
func TestBodiesAreCopies(t *testing.T) {
	s := New(Options{}, "b")
	c := s.Client("c", nil)
	b := []byte("one")
	if _, err := c.Put(ctx, "b", "k", b, s3store.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	copy(b, "two")
	if !bytes.Equal(s.Current("b", "k").Body, []byte("one")) {
		t.Error("the object changed with the caller's buffer")
	}
}
