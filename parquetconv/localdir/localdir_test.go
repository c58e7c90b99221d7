package localdir

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/s3compact/s3compact/internal/s3store"
)

var ctx = context.Background()

// newStore is a store whose uploads wait in a folder of their own, and the key of the folder for the test's files.
func newStore(t *testing.T) (*Store, string) {
	t.Helper()
	root, err := Key(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return New(root + "/_s3compact/tmp"), root + "/"
}

func mustPut(t *testing.T, s *Store, key, text string) s3store.Info {
	t.Helper()
	i, err := s.Put(ctx, "", key, []byte(text), s3store.PutOptions{CreateOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestCreateOnlyLetsOneWin(t *testing.T) {
	s, root := newStore(t)
	var won atomic.Int64
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			_, err := s.Put(ctx, "", root+"a/b.json", []byte("x"), s3store.PutOptions{CreateOnly: true})
			if err == nil {
				won.Add(1)
			} else if !errors.Is(err, s3store.ErrPrecondition) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d won", won.Load())
	}
	if names, err := filepath.Glob(path(root) + "a/.*"); err != nil || len(names) != 0 {
		t.Errorf("left behind: %v, %v", names, err)
	}
	if _, err := s.Put(ctx, "", root+"a/b.json", []byte("yy"), s3store.PutOptions{}); err != nil {
		t.Error(err)
	}
	if b, _, err := s.ReadAll(ctx, "", root+"a/b.json", 10); err != nil || string(b) != "yy" {
		t.Errorf("%q, %v", b, err)
	}
	if _, _, err := s.ReadAll(ctx, "", root+"a/b.json", 1); err == nil {
		t.Error("a file over the limit was read")
	}
}

func TestGetIsOnOneVersion(t *testing.T) {
	s, root := newStore(t)
	i := mustPut(t, s, root+"f", "0123456789")
	body, info, err := s.Get(ctx, "", root+"f", s3store.GetOptions{IfMatch: i.ETag, OffsetBytes: 2, LengthBytes: 3})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(body); err != nil || string(b) != "234" || info.SizeBytes != 3 {
		t.Errorf("%q, %v, %+v", b, err, info)
	}
	if err := body.Close(); err != nil {
		t.Error(err)
	}
	body, _, err = s.Get(ctx, "", root+"f", s3store.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if err := os.WriteFile(path(root+"f"), []byte("another text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(body); !errors.Is(err, s3store.ErrPrecondition) {
		t.Errorf("read through a change: %v", err)
	}
	if _, _, err := s.Get(ctx, "", root+"f", s3store.GetOptions{IfMatch: i.ETag}); !errors.Is(err, s3store.ErrPrecondition) {
		t.Errorf("get of a changed file: %v", err)
	}
	if err := s.Delete(ctx, "", root+"f", i.ETag); !errors.Is(err, s3store.ErrPrecondition) {
		t.Errorf("delete of a changed file: %v", err)
	}
	if err := s.Delete(ctx, "", root+"f", ""); err != nil {
		t.Error(err)
	}
	for _, err := range []error{
		func() error { _, _, err := s.Get(ctx, "", root+"f", s3store.GetOptions{}); return err }(),
		func() error { _, err := s.Head(ctx, "", root+"f"); return err }(),
		func() error { _, err := s.Head(ctx, "", strings.TrimSuffix(root, "/")); return err }(), // a folder
		s.Delete(ctx, "", root+"f", ""),
		s.AbortUpload(ctx, "", root+"f", "no"),
		func() error { _, err := s.UploadPart(ctx, "", root+"f", "no", 1, nil, 0); return err }(),
		func() error { _, err := s.CompleteUpload(ctx, "", root+"f", "no", nil, ""); return err }(),
	} {
		if !errors.Is(err, s3store.ErrNotFound) {
			t.Errorf("of what is not there: %v", err)
		}
	}
}

func list(t *testing.T, s *Store, prefix string) (keys []string) {
	t.Helper()
	err := s.List(ctx, "", s3store.ListOptions{Prefix: prefix}, func(p s3store.Page) error {
		for _, o := range p.Objects {
			keys = append(keys, strings.TrimPrefix(o.Key, prefix))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestListIsInKeyOrder(t *testing.T) {
	s, root := newStore(t)
	for _, k := range []string{"a/x", "a-b", "a!", "a0", "b", "c/d/e"} {
		mustPut(t, s, root+k, "x")
	}
	if err := os.Symlink("b", path(root)+"link"); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(list(t, s, root), " "); got != "a! a-b a/x a0 b c/d/e" {
		t.Errorf("keys %s", got)
	}
	if got := strings.Join(list(t, s, root+"a"), " "); got != "! -b /x 0" {
		t.Errorf("keys %s", got)
	}
	if got := list(t, s, root+"none/"); len(got) != 0 {
		t.Errorf("keys %v", got)
	}
}

func TestUploadsAreSeenWhenComplete(t *testing.T) {
	s, root := newStore(t)
	key := root + "dt=1/part.parquet"
	id, err := s.CreateUpload(ctx, "", key, s3store.Attributes{})
	if err != nil {
		t.Fatal(err)
	}
	var parts []s3store.Part
	for i, text := range []string{"abc", "de"} {
		p, err := s.UploadPart(ctx, "", key, id, int32(i+1), []byte(text), 0)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, p)
	}
	open := 0
	if err := s.ListUploads(ctx, "", root, func(u s3store.Upload) error {
		if u.Key == key && u.ID == id {
			open++
		}
		return nil
	}); err != nil || open != 1 {
		t.Errorf("%d open, %v", open, err)
	}
	if got := strings.Join(list(t, s, root+"dt=1/"), " "); got != "" {
		t.Errorf("visible before it is complete: %s", got)
	}
	for _, k := range list(t, s, root+"_s3compact/") {
		if strings.HasSuffix(k, ".parquet") || !strings.HasSuffix(k, openSuffix) {
			t.Errorf("a reader of tables may take %s", k)
		}
	}
	if _, err := s.CompleteUpload(ctx, "", key, id, parts[:1], ""); !errors.Is(err, s3store.ErrBadRequest) {
		t.Errorf("completed without a part: %v", err)
	}
	if _, err := s.CompleteUpload(ctx, "", key, id, parts, ""); err != nil {
		t.Fatal(err)
	}
	if b, _, err := s.ReadAll(ctx, "", key, 10); err != nil || string(b) != "abcde" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := s.CompleteUpload(ctx, "", key, id, parts, ""); !errors.Is(err, s3store.ErrNotFound) {
		t.Errorf("completed twice: %v", err)
	}
	id, err = s.CreateUpload(ctx, "", key, s3store.Attributes{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CompleteUpload(ctx, "", key, id, nil, ""); !errors.Is(err, s3store.ErrPrecondition) {
		t.Errorf("completed over a file: %v", err)
	}
	if err := s.AbortUpload(ctx, "", key, id); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(path(root) + "_s3compact/tmp"); len(left) != 0 {
		t.Errorf("left in the folder of uploads: %v", left)
	}
}

// TestUploadsOfAnyKey: also of those that are too long for a file's name.
func TestUploadsOfAnyKey(t *testing.T) {
	s, root := newStore(t)
	for _, name := range []string{"a", "dt=1-2/%2F ü", strings.Repeat("x=", 60) + "/" + strings.Repeat("ü", 120) + "/" + strings.Repeat("%", 90)} {
		key := root + name
		id, err := s.CreateUpload(ctx, "", key, s3store.Attributes{})
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.UploadPart(ctx, "", key, id, 1, []byte("abc"), 0)
		if err != nil {
			t.Fatal(err)
		}
		var open []s3store.Upload
		if err := s.ListUploads(ctx, "", root, func(u s3store.Upload) error { open = append(open, u); return nil }); err != nil {
			t.Fatal(err)
		}
		if len(open) != 1 || open[0].Key != key || open[0].ID != id {
			t.Fatalf("open uploads %+v, want %s of %s", open, id, key)
		}
		if _, err := s.CompleteUpload(ctx, "", key, id, []s3store.Part{p}, ""); err != nil {
			t.Fatal(err)
		}
		if left, _ := os.ReadDir(path(root) + "_s3compact/tmp"); len(left) != 0 {
			t.Errorf("left in the folder of uploads: %v", left)
		}
	}
}

func TestKeyOfAPath(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink(dir, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	a, err := Key(filepath.Join(dir, "link", "new", "x"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := Key(filepath.Join(dir, "new", "x"))
	if err != nil || a != b || strings.HasPrefix(a, "/") {
		t.Errorf("%q and %q, %v", a, b, err)
	}
}
