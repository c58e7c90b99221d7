package fault

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithy "github.com/aws/smithy-go"

	"github.com/s3compact/s3compact/internal/s3test"
)

// setting is a bucket on the real server, seen directly and through a proxy by
// a client that sends each request once.
type setting struct {
	t      *testing.T
	server *s3test.Server
	bucket string
	proxy  *Proxy
	client *s3.Client
}

func newSetting(t *testing.T) *setting {
	t.Helper()
	server := s3test.Start(t)
	p, err := Start(server.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	client := s3.New(s3.Options{
		Region: server.Region, BaseEndpoint: aws.String(p.Endpoint), UsePathStyle: true, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(server.AccessKey, server.SecretKey, ""),
		// A request on a fresh connection is never sent again by net/http.
		HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		DisableLogOutputChecksumValidationSkipped: true,
	})
	return &setting{t: t, server: server, bucket: server.Bucket(t), proxy: p, client: client}
}

func (s *setting) put(client *s3.Client, key, body string) error {
	_, err := client.PutObject(s.t.Context(), &s3.PutObjectInput{Bucket: &s.bucket, Key: &key, Body: strings.NewReader(body), Metadata: map[string]string{"a": "b c"}})
	return err
}

// get is an object's body, through a client; "" and the error if there is one.
func (s *setting) get(client *s3.Client, key string) (string, error) {
	out, err := client.GetObject(s.t.Context(), &s3.GetObjectInput{Bucket: &s.bucket, Key: &key})
	if err != nil {
		return "", err
	}
	defer out.Body.Close()
	b, err := io.ReadAll(out.Body)
	return string(b), err
}

// there says whether the server has the object.
func (s *setting) there(key string) bool {
	_, err := s.get(s.server.Client(), key)
	return err == nil
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func TestPassesEverythingOn(t *testing.T) {
	s := newSetting(t)
	for _, key := range []string{"plain", "a b/c+d%20&=?.json.gz", "ü/日本", "_hidden/.x", `back\slash`, strings.Repeat("k", 200)} {
		body := strings.Repeat(key, 1000)
		if err := s.put(s.client, key, body); err != nil {
			t.Fatalf("%q: %v", key, err)
		}
		for _, client := range []*s3.Client{s.client, s.server.Client()} {
			if got, err := s.get(client, key); err != nil || got != body {
				t.Errorf("%q: %d bytes, %v", key, len(got), err)
			}
		}
		h, err := s.client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &s.bucket, Key: &key})
		if err != nil || aws.ToInt64(h.ContentLength) != int64(len(body)) || h.Metadata["a"] != "b c" {
			t.Errorf("%q: HEAD says %+v, %v", key, h, err)
		}
		part, err := s.client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &s.bucket, Key: &key, Range: aws.String("bytes=3-9")})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(part.Body); err != nil || string(got) != body[3:10] {
			t.Errorf("%q: a range has %q, %v", key, got, err)
		}
		_ = part.Body.Close() // it was read
	}
	if _, err := s.get(s.client, "missing"); code(err) != "NoSuchKey" {
		t.Errorf("a missing key: %v", err)
	}
}

func TestNamesOperations(t *testing.T) {
	s := newSetting(t)
	ctx, b, key := t.Context(), &s.bucket, aws.String("a/b")
	var want []string
	call := func(name string, err error) {
		t.Helper()
		if want = append(want, name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := s.client.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: key, Body: strings.NewReader("x")})
	call("PutObject", err)
	_, err = s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: b, Key: key})
	call("HeadObject", err)
	_, err = s.client.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: b, Key: key})
	call("GetObjectTagging", err)
	_, err = s.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: b})
	call("ListObjectsV2", err)
	_, err = s.client.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: b})
	call("GetBucketVersioning", err)
	_, err = s.client.GetBucketOwnershipControls(ctx, &s3.GetBucketOwnershipControlsInput{Bucket: b})
	call("GetBucketOwnershipControls", err)
	_, err = s.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: b})
	call("HeadBucket", err)
	source := aws.String(s.bucket + "/a/b")
	_, err = s.client.CopyObject(ctx, &s3.CopyObjectInput{Bucket: b, Key: aws.String("a/c"), CopySource: source})
	call("CopyObject", err)
	up, err := s.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: b, Key: aws.String("a/d")})
	call("CreateMultipartUpload", err)
	if err != nil {
		t.FailNow()
	}
	_, err = s.client.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: b})
	call("ListMultipartUploads", err)
	part, err := s.client.UploadPart(ctx, &s3.UploadPartInput{Bucket: b, Key: up.Key, UploadId: up.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("x")})
	call("UploadPart", err)
	_, err = s.client.UploadPartCopy(ctx, &s3.UploadPartCopyInput{Bucket: b, Key: up.Key, UploadId: up.UploadId, PartNumber: aws.Int32(2), CopySource: source})
	call("UploadPartCopy", err)
	_, err = s.client.ListParts(ctx, &s3.ListPartsInput{Bucket: b, Key: up.Key, UploadId: up.UploadId})
	call("ListParts", err)
	done := &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: part.ETag}}}
	_, err = s.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: b, Key: up.Key, UploadId: up.UploadId, MultipartUpload: done})
	call("CompleteMultipartUpload", err)
	other, err := s.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: b, Key: aws.String("a/e")})
	call("CreateMultipartUpload", err)
	if err != nil {
		t.FailNow()
	}
	_, err = s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: b, Key: other.Key, UploadId: other.UploadId})
	call("AbortMultipartUpload", err)
	_, err = s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: b, Key: key})
	call("DeleteObject", err)
	_, err = s.client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: b, Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: aws.String("a/c")}}}})
	call("DeleteObjects", err)
	var got []string
	for i, r := range s.proxy.Requests() {
		got = append(got, r.Op)
		if r.N != i+1 || r.Bucket != s.bucket || r.Op == "PutObject" && r.Key != "a/b" {
			t.Errorf("request %d is %+v", i+1, r)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the proxy names\n%v, want\n%v", got, want)
	}
}

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		name    string
		fault   Fault
		code    string // of the error; "" for one without
		failed  bool
		applied bool
	}{
		{"request lost", LoseRequest(), "", true, false},
		{"answer lost", LoseAnswer(), "", true, true},
		{"refused", Refuse(http.StatusServiceUnavailable, "SlowDown"), "SlowDown", true, false},
		{"expired", Refuse(http.StatusForbidden, "ExpiredToken"), "ExpiredToken", true, false},
		{"late", Late(time.Millisecond), "", false, true},
		{"none", Before(func(*Exchange) {}), "", false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSetting(t)
			rule := &Rule{Match: func(r *Request) bool { return r.Op == "PutObject" }, Nth: 2, Fault: c.fault}
			s.proxy.Add(rule)
			for i, key := range []string{"1", "2", "3"} {
				err := s.put(s.client, key, "body")
				hit := i == 1
				if failed := err != nil; failed != (hit && c.failed) || hit && code(err) != c.code {
					t.Errorf("PUT %s: %v", key, err)
				}
				if there := s.there(key); there != (!hit || c.applied) {
					t.Errorf("PUT %s was applied: %t", key, there)
				}
			}
			if n := s.proxy.Fired(rule); n != 1 {
				t.Errorf("the rule hit %d requests", n)
			}
		})
	}
}

func TestRulesCount(t *testing.T) {
	s := newSetting(t)
	refuse := Refuse(http.StatusForbidden, "AccessDenied")
	isPut := func(r *Request) bool { return r.Op == "PutObject" }
	s.proxy.Add(&Rule{Match: isPut, Nth: 2, Times: 2, Fault: refuse})
	s.proxy.Add(&Rule{Match: isPut, Nth: 6, Times: -1, Fault: refuse})
	var refused []int
	for i := range 8 {
		if err := s.put(s.client, "x", "body"); err != nil {
			refused = append(refused, i+1)
		}
	}
	if want := []int{2, 3, 6, 7, 8}; !slices.Equal(refused, want) {
		t.Errorf("refused were %v, want %v", refused, want)
	}
	s.proxy.Clear()
	if err := s.put(s.client, "x", "body"); err != nil {
		t.Errorf("without rules: %v", err)
	}
}

func TestDamagedBodies(t *testing.T) {
	s := newSetting(t)
	body := strings.Repeat("0123456789", 10_000)
	if err := s.put(s.server.Client(), "x", body); err != nil {
		t.Fatal(err)
	}
	s.proxy.Add(&Rule{Fault: CutBody()})
	if got, err := s.get(s.client, "x"); !errors.Is(err, io.ErrUnexpectedEOF) || got != body[:len(body)/2] {
		t.Errorf("a cut body has %d bytes, %v", len(got), err)
	}
	s.proxy.Clear()
	s.proxy.Add(&Rule{Fault: FlipBody()})
	out, err := s.client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &s.bucket, Key: aws.String("x")}, func(o *s3.Options) { o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired })
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	got, err := io.ReadAll(out.Body)
	if err != nil || len(got) != len(body) || bytes.Equal(got, []byte(body)) {
		t.Errorf("a flipped body has %d bytes, %v", len(got), err)
	}
	if whole, err := s.get(s.client, "x"); err != nil || whole != body {
		t.Errorf("after it: %d bytes, %v", len(whole), err)
	}
}

func TestErrorIn200(t *testing.T) {
	for _, carriedOut := range []bool{false, true} {
		s := newSetting(t)
		key := aws.String("x")
		up, err := s.client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: &s.bucket, Key: key})
		if err != nil {
			t.Fatal(err)
		}
		part, err := s.client.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: &s.bucket, Key: key, UploadId: up.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("x")})
		if err != nil {
			t.Fatal(err)
		}
		s.proxy.Add(&Rule{Fault: ErrorIn200("InternalError", carriedOut)})
		done := &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: part.ETag}}}
		_, err = s.client.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: &s.bucket, Key: key, UploadId: up.UploadId, MultipartUpload: done})
		if code(err) != "InternalError" || s.there("x") != carriedOut {
			t.Errorf("carried out %t: %v, there: %t", carriedOut, err, s.there("x"))
		}
	}
}

// deleteAll asks for all keys' deletion in one request, "bad" on a wrong ETag.
func (s *setting) deleteAll(keys []string) (deleted, failed []string) {
	s.t.Helper()
	var ids []types.ObjectIdentifier
	for _, key := range keys {
		id := types.ObjectIdentifier{Key: &key}
		if h, err := s.server.Client().HeadObject(s.t.Context(), &s3.HeadObjectInput{Bucket: &s.bucket, Key: &key}); err == nil {
			id.ETag = h.ETag
		}
		if key == "bad" {
			id.ETag = aws.String(`"00000000000000000000000000000000"`)
		}
		ids = append(ids, id)
	}
	out, err := s.client.DeleteObjects(s.t.Context(), &s3.DeleteObjectsInput{Bucket: &s.bucket, Delete: &types.Delete{Objects: ids}})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, d := range out.Deleted {
		deleted = append(deleted, *d.Key)
	}
	for _, e := range out.Errors {
		failed = append(failed, *e.Key+" "+*e.Code)
	}
	return deleted, failed
}

func TestBatchDeletes(t *testing.T) {
	keys := []string{"a&b", "bad", "c", "missing"}
	for _, c := range []struct {
		name            string
		fault           Fault
		deleted, failed string
		left            string
	}{
		{"none", nil, "[a&b c missing]", "[bad PreconditionFailed]", "[bad]"},
		{"refused keys", RefuseKeys("SlowDown", Every(2)), "[missing]", "[bad PreconditionFailed a&b SlowDown c SlowDown]", "[a&b bad c]"},
		{"omitted keys", OmitKeys(func(i int) bool { return i == 1 }), "[a&b missing]", "[bad PreconditionFailed]", "[bad]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSetting(t)
			s.proxy.EnforceETags(s.server.Client())
			for _, key := range keys[:3] {
				if err := s.put(s.client, key, key); err != nil {
					t.Fatal(err)
				}
			}
			if c.fault != nil {
				s.proxy.Add(&Rule{Match: func(r *Request) bool { return r.Op == "DeleteObjects" }, Fault: c.fault})
			}
			deleted, failed := s.deleteAll(keys)
			left := slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return !s.there(key) })
			if got, want := text(deleted)+text(failed)+text(left), c.deleted+c.failed+c.left; got != want {
				t.Errorf("deleted, failed, left: %s, want %s", got, want)
			}
		})
	}
}

func text(list []string) string { return "[" + strings.Join(list, " ") + "]" }

// TestForwardsForThoseWhoHaveGone: a request that was sent is carried out
// though its sender has gone, and Wait waits for it.
func TestForwardsForThoseWhoHaveGone(t *testing.T) {
	s := newSetting(t)
	ctx, cancel := context.WithCancel(t.Context())
	s.proxy.Add(&Rule{Fault: Before(func(*Exchange) {
		cancel()
		time.Sleep(20 * time.Millisecond)
	})})
	if _, err := s.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &s.bucket, Key: aws.String("x"), Body: strings.NewReader("x")}); err == nil {
		t.Error("an answer for a request that was cancelled")
	}
	if s.proxy.Wait(); !s.there("x") {
		t.Error("the request did not reach the server")
	}
}

func TestAlone(t *testing.T) {
	s := newSetting(t)
	var under, most atomic.Int64
	plain := s.proxy.forward
	s.proxy.forward = func(r *Request) (*Answer, error) {
		defer under.Add(-1)
		under.Add(1)
		time.Sleep(time.Millisecond)
		return plain(r)
	}
	s.proxy.Add(&Rule{Times: -1, Fault: After(func(x *Exchange) {
		x.Alone(func() {
			if n := under.Load(); n > most.Load() {
				most.Store(n)
			}
			time.Sleep(time.Millisecond)
		})
	})})
	done := make(chan error)
	for i := range 8 {
		go func() { done <- s.put(s.client, string(rune('a'+i)), "x") }()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if most.Load() != 0 {
		t.Errorf("%d requests were under way while a fault should have been alone", most.Load())
	}
}

func TestServerGone(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p, err := Start("http://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close() // nobody listens there now
	resp, err := http.Get(p.Endpoint + "/bucket/key")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close() // only the status matters
	if resp.StatusCode != http.StatusBadGateway {
		t.Errorf("status %d", resp.StatusCode)
	}
	if err := p.Close(); err == nil {
		t.Error("the proxy does not tell that the server was gone")
	}
}

func TestStartRefuses(t *testing.T) {
	for _, endpoint := range []string{"", "127.0.0.1:80", "https://127.0.0.1:80", "http://"} {
		if _, err := Start(endpoint); err == nil {
			t.Errorf("a proxy to %q", endpoint)
		}
	}
}
