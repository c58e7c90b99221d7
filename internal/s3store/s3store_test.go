package s3store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/s3compact/s3compact/internal/s3test"
	"github.com/s3compact/s3compact/validate"
)

func open(t *testing.T) (*Client, string) {
	t.Helper()
	server := s3test.Start(t)
	server.Setenv(t)
	c, err := Open(context.Background(), Options{MaxAttempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	return c, server.Bucket(t)
}

func mustPut(t *testing.T, c *Client, bucket, key, body string) Info {
	t.Helper()
	info, err := c.Put(context.Background(), bucket, key, []byte(body), PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func TestErrorsCanBeToldApart(t *testing.T) {
	c, bucket := open(t)
	ctx := context.Background()
	mustPut(t, c, bucket, "there", "body")
	crc := validate.CRC64([]byte("other"))
	for _, tt := range []struct {
		name string
		do   func() error
		want error
	}{
		{"get a missing key", func() error { _, _, err := c.Get(ctx, bucket, "none", GetOptions{}); return err }, ErrNotFound},
		{"head a missing key", func() error { _, err := c.Head(ctx, bucket, "none"); return err }, ErrNotFound},
		{"list a missing bucket", func() error { return c.List(ctx, "no-such-bucket", ListOptions{}, nil) }, ErrNoBucket},
		{"a missing bucket is not found", func() error { return c.List(ctx, "no-such-bucket", ListOptions{}, nil) }, ErrNotFound},
		{"create over an existing key", func() error {
			_, err := c.Put(ctx, bucket, "there", []byte("x"), PutOptions{CreateOnly: true})
			return err
		}, ErrPrecondition},
		{"get on another ETag", func() error { _, _, err := c.Get(ctx, bucket, "there", GetOptions{IfMatch: "0"}); return err }, ErrPrecondition},
		{"delete on another ETag", func() error { return c.Delete(ctx, bucket, "there", "0") }, ErrPrecondition},
		{"a wrong checksum", func() error {
			_, err := c.Put(ctx, bucket, "new", []byte("body"), PutOptions{CRC64NVME: &crc})
			return err
		}, ErrBadRequest},
		{"abort a missing upload", func() error { return c.AbortUpload(ctx, bucket, "there", "none") }, ErrNotFound},
		{"signed 16 minutes ago", func() error {
			_, err := c.Put(SignedAt(ctx, time.Now().Add(-16*time.Minute)), bucket, "new", nil, PutOptions{})
			return err
		}, ErrExpired},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.do()
			if !errors.Is(err, tt.want) {
				t.Errorf("%v is no %v", err, tt.want)
			}
			if err != nil && !strings.Contains(err.Error(), "s3://") {
				t.Errorf("%v names no object", err)
			}
		})
	}
	if err := c.Delete(SignedAt(ctx, time.Now().Add(-14*time.Minute)), bucket, "there", ""); err != nil {
		t.Errorf("signed 14 minutes ago: %v", err)
	}
}

func TestWrongClockIsPutRight(t *testing.T) {
	c, bucket := open(t)
	mustPut(t, c, bucket, "key", "body")
	for name, do := range map[string]func() error{
		"list": func() error {
			return c.List(context.Background(), bucket, ListOptions{}, func(Page) error { return nil })
		},
		"head": func() error { _, err := c.Head(context.Background(), bucket, "key"); return err },
	} {
		c.clock.unixNano.Store(time.Now().Add(-time.Hour).UnixNano())
		if err := do(); err != nil {
			t.Errorf("%s with a clock an hour behind: %v", name, err)
		}
		if behind := time.Since(c.ServerTime()); behind > time.Minute {
			t.Errorf("after %s the server's time is %s behind", name, behind)
		}
	}
}

func TestProbeTellsTheServersTime(t *testing.T) {
	c, bucket := open(t)
	mustPut(t, c, bucket, "there", "body")
	for key, want := range map[string]bool{"there": true, "none": false} {
		exists, date, err := c.Probe(context.Background(), bucket, key)
		if err != nil || exists != want || time.Since(date).Abs() > time.Minute {
			t.Errorf("probe %s: %t, %s, %v", key, exists, date, err)
		}
	}
	old := SignedAt(context.Background(), time.Now().Add(-16*time.Minute))
	if exists, _, err := c.Probe(old, bucket, "none"); err == nil {
		t.Errorf("a refused probe answers %t", exists)
	}
}

func TestKeysOfAnyCharactersAreListedAndRead(t *testing.T) {
	c, bucket := open(t)
	keys := []string{"a b+c%20d.gz", "ü/日本.gz", "q?x=1&y=2#z.gz", "new\nline.gz", "back\\slash.gz", "~tilde'quote\".gz"}
	for _, k := range keys {
		mustPut(t, c, bucket, k, k)
	}
	var got []string
	err := c.List(context.Background(), bucket, ListOptions{}, func(p Page) error {
		for _, o := range p.Objects {
			got = append(got, o.Key)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(keys)
	if !slices.Equal(keys, got) {
		t.Errorf("listed %q, want %q", got, keys)
	}
	for _, k := range keys {
		b, _, err := c.ReadAll(context.Background(), bucket, k, 100)
		if err != nil || string(b) != k {
			t.Errorf("read %q: %q, %v", k, b, err)
		}
	}
}

func TestRequestsAreCounted(t *testing.T) {
	c, bucket := open(t)
	ctx := context.Background()
	before := c.Requests()
	mustPut(t, c, bucket, "k", "body")
	_, _, _ = c.ReadAll(ctx, bucket, "k", 100)
	_, _ = c.Head(ctx, bucket, "k")
	_ = c.List(ctx, bucket, ListOptions{}, func(Page) error { return nil })
	id, err := c.CreateUpload(ctx, bucket, "u", Attributes{})
	if err != nil {
		t.Fatal(err)
	}
	_ = c.AbortUpload(ctx, bucket, "u", id)
	_ = c.Delete(ctx, bucket, "k", "")
	if got, want := c.Requests().Sub(before), (Requests{Get: 1, Put: 2, List: 1, Head: 1, Delete: 2}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
}

func TestReaderAtReadsOneVersion(t *testing.T) {
	c, bucket := open(t)
	info := mustPut(t, c, bucket, "k", "0123456789")
	r := c.ReaderAt(context.Background(), bucket, "k", info.ETag, 10)
	b := make([]byte, 4)
	if n, err := r.ReadAt(b, 3); n != 4 || err != nil || string(b) != "3456" {
		t.Errorf("read %q, %d, %v", b, n, err)
	}
	if n, err := r.ReadAt(b, 8); n != 2 || !errors.Is(err, io.EOF) || string(b[:2]) != "89" {
		t.Errorf("read at the end %q, %d, %v", b[:2], n, err)
	}
	mustPut(t, c, bucket, "k", "9876543210")
	if _, err := r.ReadAt(b, 0); !errors.Is(err, ErrPrecondition) {
		t.Errorf("a replaced object reads with %v", err)
	}
}

func TestUploadIsVisibleOnlyWhenCompleted(t *testing.T) {
	c, bucket := open(t)
	ctx := context.Background()
	body := bytes.Repeat([]byte("x"), 5<<20)
	id, err := c.CreateUpload(ctx, bucket, "u", Attributes{ContentType: "application/gzip"})
	if err != nil {
		t.Fatal(err)
	}
	var parts []Part
	for n := int32(1); n <= 2; n++ {
		p, err := c.UploadPart(ctx, bucket, "u", id, n, body, validate.CRC64(body))
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, p)
	}
	if exists, _, err := c.Probe(ctx, bucket, "u"); exists || err != nil {
		t.Errorf("before its completion: there %t, %v", exists, err)
	}
	crc := validate.EncodeCRC64(validate.CombineCRC64(validate.CRC64(body), validate.CRC64(body), int64(len(body))))
	etag, err := c.CompleteUpload(ctx, bucket, "u", id, parts, crc)
	if err != nil {
		t.Fatal(err)
	}
	info, err := c.Head(ctx, bucket, "u")
	if err != nil || info.CRC64NVME != crc || info.ETag != etag || info.ContentType != "application/gzip" || info.SizeBytes != 10<<20 {
		t.Errorf("the object is %+v, %v; want the checksum %s", info, err, crc)
	}
}

func TestShortBodyIsAnError(t *testing.T) {
	for _, tt := range []struct {
		body string
		left int64
		ok   bool
	}{{"abc", 3, true}, {"abc", 4, false}, {"abc", 2, false}} {
		_, err := io.ReadAll(&wholeBody{body: io.NopCloser(strings.NewReader(tt.body)), left: tt.left, name: "get"})
		if (err == nil) != tt.ok {
			t.Errorf("%q announced as %d bytes: %v", tt.body, tt.left, err)
		}
	}
}

func TestCustomCertificatesWork(t *testing.T) {
	s3test.Start(t).Setenv(t)
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(bundle, []byte(testCertificate), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CA_BUNDLE", bundle)
	if _, err := Open(context.Background(), Options{}); err != nil {
		t.Error(err)
	}
}

func TestMissingCredentialsAreNamed(t *testing.T) {
	s3test.Start(t).Setenv(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	c, err := Open(context.Background(), Options{MaxAttempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	err = c.List(context.Background(), "bucket", ListOptions{}, func(Page) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "no AWS credentials were found") {
		t.Error(err)
	}
}

func TestParseLocation(t *testing.T) {
	for in, want := range map[string]string{"s3://b/k/x": "b k/x", "s3://b": "b ", "s3://b/": "b ", "b/k": "error", "s3:///k": "error", "S3://b/k": "error"} {
		got := "error"
		if l, err := ParseLocation(in); err == nil {
			got = fmt.Sprint(l.Bucket, " ", l.Key)
		}
		if got != want {
			t.Errorf("%s is %q, want %q", in, got, want)
		}
	}
}
