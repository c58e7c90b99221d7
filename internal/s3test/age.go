package s3test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// AgeUploads makes every open upload of a bucket older by d, as if d had
// passed: the server takes the time of an upload's folder for its start.
func (s *Server) AgeUploads(t testing.TB, bucket string, d time.Duration) {
	t.Helper()
	// Bucket, then the server's folder for uploads: one for each key, in it one for each upload.
	uploads, err := filepath.Glob(filepath.Join(s.server.Dir, "data", bucket, ".sgwtmp", "multipart", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range uploads {
		info, err := os.Stat(dir)
		if err == nil {
			at := info.ModTime().Add(-d)
			err = os.Chtimes(dir, at, at)
		}
		if err != nil {
			t.Fatalf("make the upload %s older: %v", dir, err)
		}
	}
}

// AgeObjects makes every object below a prefix of a bucket older by d.
func (s *Server) AgeObjects(t testing.TB, bucket, prefix string, d time.Duration) {
	t.Helper()
	root := filepath.Join(s.server.Dir, "data", bucket)
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		key, err := filepath.Rel(root, path)
		if err != nil || !strings.HasPrefix(filepath.ToSlash(key), prefix) {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		at := info.ModTime().Add(-d)
		return os.Chtimes(path, at, at)
	})
	if err != nil {
		t.Fatalf("make the objects under %s of bucket %s older: %v", prefix, bucket, err)
	}
}
