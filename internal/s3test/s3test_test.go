package s3test

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/s3compact/s3compact/internal/s3test/versitygw"
)

func TestEachTestHasABucketOfItsOwn(t *testing.T) {
	s := Start(t)
	a, b := s.Bucket(t), s.Bucket(t)
	if a == b {
		t.Fatalf("two buckets of one name: %s", a)
	}
	put := &s3.PutObjectInput{Bucket: &a, Key: aws.String("p/x.gz"), Body: strings.NewReader("hello"), IfNoneMatch: aws.String("*")}
	if _, err := s.Client().PutObject(t.Context(), put); err != nil {
		t.Fatal(err)
	}
	put.Body = strings.NewReader("again")
	_, err := s.Client().PutObject(t.Context(), put)
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "PreconditionFailed" {
		t.Errorf("a second create-only PUT: %v, want PreconditionFailed", err)
	}
	got, err := s.Client().GetObject(t.Context(), &s3.GetObjectInput{Bucket: &a, Key: aws.String("p/x.gz")})
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	if body, err := io.ReadAll(got.Body); err != nil || string(body) != "hello" {
		t.Errorf("the object holds %q, %v", body, err)
	}
	list, err := s.Client().ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &b})
	if err != nil || len(list.Contents) != 0 {
		t.Errorf("the other bucket holds %d objects, %v; want none", len(list.Contents), err)
	}
}

func TestVersionedAndLockBuckets(t *testing.T) {
	s := Start(t)
	for name, bucket := range map[string]string{"versioned": s.VersionedBucket(t), "lock": s.LockBucket(t)} {
		out, err := s.Client().PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: aws.String("x"), Body: strings.NewReader("1")})
		if err != nil {
			t.Fatal(err)
		}
		if aws.ToString(out.VersionId) == "" {
			t.Errorf("%s bucket: a PUT has no version id", name)
		}
	}
}

func TestBucketName(t *testing.T) {
	for test, want := range map[string]string{
		"TestX":                          "testx-7",
		"TestX/a_b,_c/#01":               "testx-a-b-c-01-7",
		"Test" + strings.Repeat("x", 80): "test" + strings.Repeat("x", maxTestName-4) + "-7",
		"TestÄ/":                         "test-7",
	} {
		if got := bucketName(test, 7); got != want {
			t.Errorf("bucketName(%q) = %q, want %q", test, got, want)
		}
	}
}

// TestServerEndsWithItsProcess starts a server from a child process, kills the
// child, and sees server and folder go.
func TestServerEndsWithItsProcess(t *testing.T) {
	if os.Getenv("S3TEST_CHILD") != "" {
		s := Start(t)
		for _, e := range []string{s.server.Endpoint, s.server.AccessKey, s.server.SecretKey, s.server.Dir} {
			if _, err := io.WriteString(os.Stdout, e+"\n"); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Stdout.Close(); err != nil {
			t.Fatal(err)
		}
		select {} // until killed
	}
	Start(t) // so that the child has not to build the server
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestServerEndsWithItsProcess$")
	child.Env = append(os.Environ(), "S3TEST_CHILD=1")
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(stdout)
	if err != nil {
		t.Fatal(err)
	}
	said := strings.Fields(string(out))
	if len(said) != 4 {
		t.Fatalf("the child said %q", out)
	}
	server := &versitygw.Server{Endpoint: said[0], AccessKey: said[1], SecretKey: said[2], Region: versitygw.Region}
	dir := said[3]
	if !server.Answers(t.Context()) {
		t.Fatal("the child's server does not answer while the child lives")
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := child.Wait(); err == nil {
		t.Error("the killed child ended well")
	}
	gone := func() bool {
		_, err := os.Stat(dir)
		return errors.Is(err, os.ErrNotExist) && !server.Answers(t.Context())
	}
	for deadline := time.Now().Add(time.Minute); !gone(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("a minute after its process was killed the server still answers at %s, or its folder %s is still there", server.Endpoint, dir)
		}
	}
}

func TestAgeObjects(t *testing.T) {
	s := Start(t)
	bucket := s.Bucket(t)
	modified := func(key string) time.Time {
		out, err := s.Client().HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &bucket, Key: &key})
		if err != nil {
			t.Fatal(err)
		}
		return *out.LastModified
	}
	before := map[string]time.Time{}
	for _, key := range []string{"a/b/x", "a/y", "b/z"} {
		if _, err := s.Client().PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("x")}); err != nil {
			t.Fatal(err)
		}
		before[key] = modified(key)
	}
	s.AgeObjects(t, bucket, "a/", 25*time.Hour)
	for key, at := range before {
		want := 25 * time.Hour
		if key == "b/z" {
			want = 0
		}
		if d := at.Sub(modified(key)); d.Round(time.Minute) != want {
			t.Errorf("%s is older by %v, want %v", key, d, want)
		}
	}
}

func TestAgeUploads(t *testing.T) {
	s := Start(t)
	bucket := s.Bucket(t)
	if _, err := s.Client().CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: &bucket, Key: aws.String("a/b")}); err != nil {
		t.Fatal(err)
	}
	initiated := func() time.Time {
		out, err := s.Client().ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &bucket})
		if err != nil || len(out.Uploads) != 1 {
			t.Fatalf("%+v, %v", out, err)
		}
		return *out.Uploads[0].Initiated
	}
	before := initiated()
	s.AgeUploads(t, bucket, 25*time.Hour)
	if d := before.Sub(initiated()); d.Round(time.Minute) != 25*time.Hour {
		t.Errorf("the upload is older by %v, want 25 h", d)
	}
}
