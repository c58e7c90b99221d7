// Package s3test gives tests a real S3 server (versitygw) on loopback: one for
// each test binary, started when the first test asks for it, and a bucket of
// its own for each test.
//
// The server enforces create-only writes, If-Match on reads and deletes,
// CRC64NVME and the age of a signature. It differs from S3 in some points that
// tests must know: DeleteObjects ignores per-key ETags, DELETE with If-Match
// on a missing key answers 204, a key and a key below it ("x", "x/y") exclude
// one another, and "//", "/./" and "/../" in keys are normalised.
package s3test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/s3compact/s3compact/internal/s3test/versitygw"
)

// Server is the test binary's S3 server. It is safe for concurrent use.
type Server struct {
	Endpoint  string // http://127.0.0.1:PORT
	AccessKey string
	SecretKey string
	Region    string

	server  *versitygw.Server
	client  *s3.Client
	buckets atomic.Int64
}

// started is the one server of this process. It is not stopped by a test: it
// ends, and its folder goes, with the process, however that ends.
var started = sync.OnceValues(func() (*Server, error) {
	ctx := context.Background() // shared by all tests, so bound to none of them
	say := func(s string) { fmt.Fprintln(os.Stderr, "s3test:", s) }
	binary, err := versitygw.Binary(ctx, say)
	if err != nil {
		return nil, err
	}
	v, err := versitygw.StartWithProcess(ctx, binary)
	if err != nil {
		return nil, err
	}
	return &Server{
		Endpoint: v.Endpoint, AccessKey: v.AccessKey, SecretKey: v.SecretKey, Region: v.Region,
		server: v, client: v.Client(),
	}, nil
})

// Start returns the test binary's server, which the first call starts. The
// very first on a machine builds it, which takes some minutes.
func Start(t testing.TB) *Server {
	t.Helper()
	s, err := started()
	if err != nil {
		t.Fatalf("no S3 server to test with: %v", err)
	}
	return s
}

// Client is an SDK client of the server, for what a test itself puts and looks at.
func (s *Server) Client() *s3.Client { return s.client }

// Env are the environment variables (NAME=value) that make an SDK or a child
// process talk to this server and to nothing else.
func (s *Server) Env() []string { return s.server.Env() }

// Setenv sets Env for the rest of the test, for code under test that reads
// the standard configuration of the process.
func (s *Server) Setenv(t *testing.T) {
	t.Helper()
	for _, e := range s.Env() {
		name, value, _ := strings.Cut(e, "=")
		t.Setenv(name, value)
	}
}

// Bucket makes a new, empty bucket that no other test knows.
func (s *Server) Bucket(t testing.TB) string {
	t.Helper()
	return s.bucket(t, &s3.CreateBucketInput{})
}

// VersionedBucket is Bucket with versioning enabled.
func (s *Server) VersionedBucket(t testing.TB) string {
	t.Helper()
	name := s.bucket(t, &s3.CreateBucketInput{})
	_, err := s.client.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket:                  &name,
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	if err != nil {
		t.Fatalf("enable versioning of bucket %s: %v", name, err)
	}
	return name
}

// LockBucket is Bucket with object lock, and so with versioning, enabled.
func (s *Server) LockBucket(t testing.TB) string {
	t.Helper()
	return s.bucket(t, &s3.CreateBucketInput{ObjectLockEnabledForBucket: aws.Bool(true)})
}

func (s *Server) bucket(t testing.TB, in *s3.CreateBucketInput) string {
	t.Helper()
	name := bucketName(t.Name(), s.buckets.Add(1))
	in.Bucket = &name
	if _, err := s.client.CreateBucket(t.Context(), in); err != nil {
		t.Fatalf("create bucket %s: %v", name, err)
	}
	return name
}

// maxTestName leaves room for the number in the 63 characters of a bucket name.
const maxTestName = 40

// bucketName makes a valid bucket name that shows which test it belongs to.
func bucketName(test string, number int64) string {
	var b strings.Builder
	for _, r := range strings.ToLower(test) {
		if b.Len() == maxTestName {
			break
		}
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
		} else if b.Len() > 0 && !strings.HasSuffix(b.String(), "-") {
			b.WriteByte('-')
		}
	}
	return fmt.Sprintf("%s-%d", strings.TrimSuffix(b.String(), "-"), number)
}
