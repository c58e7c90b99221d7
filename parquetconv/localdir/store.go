// Package localdir keeps objects in folders of this machine, with the calls
// and the conditions of an object store: create-only writes, reads on an ETag,
// uploads that nobody sees before they are completed. A key is an absolute
// path without its leading slash; the bucket is always empty.
package localdir

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/s3compact/s3compact/internal/s3store"
)

// Store is the local file system.
type Store struct {
	uploads string // path of the folder that holds open uploads
}

// New makes a store whose uploads wait below uploads, a key: on the file
// system of the objects that they will become, since completing one renames it.
func New(uploads string) *Store { return &Store{uploads: filepath.Clean(path(uploads))} }

// Key is the key of a path: absolute, symbolic links resolved as far as the
// path exists, so that one file has one key.
func Key(p string) (string, error) {
	abs, err := filepath.Abs(p)
	if err != nil {
		return "", fmt.Errorf("find the absolute path of %s: %w", p, err)
	}
	rest := ""
	for dir := abs; ; dir = filepath.Dir(dir) {
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			abs = filepath.Join(real, rest)
			break
		}
		rest = filepath.Join(filepath.Base(dir), rest)
		if dir == filepath.Dir(dir) {
			break
		}
	}
	return strings.TrimPrefix(filepath.ToSlash(abs), "/"), nil
}

func path(key string) string { return "/" + key }

// fault gives an error the kinds that callers branch on.
func fault(op, key string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s %s: %w", op, path(key), s3store.ErrNotFound)
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s %s: %w: it exists", op, path(key), s3store.ErrPrecondition)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s %s: %w: %w", op, path(key), s3store.ErrDenied, err)
	}
	return fmt.Errorf("%s %s: %w", op, path(key), err)
}

// etag changes whenever a file does: its size and its time of change.
func etag(i fs.FileInfo) string { return fmt.Sprintf("%x-%x", i.Size(), i.ModTime().UnixNano()) }

func info(key string, i fs.FileInfo) s3store.Info {
	return s3store.Info{
		Object: s3store.Object{Key: key, SizeBytes: i.Size(), ETag: etag(i), LastModified: i.ModTime().UTC(), StorageClass: "STANDARD"},
		Date:   time.Now().UTC(),
	}
}

// List calls fn once with all regular files below the prefix, in the byte
// order of their keys. A folder that does not exist is empty; symbolic links
// inside are not followed.
func (s *Store) List(ctx context.Context, _ string, o s3store.ListOptions, fn func(s3store.Page) error) error {
	dir := o.Prefix[:strings.LastIndexByte(o.Prefix, '/')+1]
	var page s3store.Page
	err := filepath.WalkDir(path(dir), func(p string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		key := strings.TrimPrefix(filepath.ToSlash(p), "/")
		if !strings.HasPrefix(key, o.Prefix) || key <= o.StartAfter && o.StartAfter != "" {
			return nil
		}
		i, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // gone meanwhile
		}
		if err == nil {
			page.Objects = append(page.Objects, info(key, i).Object)
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fault("list", dir, err)
	}
	slices.SortFunc(page.Objects, func(a, b s3store.Object) int { return strings.Compare(a.Key, b.Key) })
	return fn(page)
}

// Head says what is known of a file.
func (s *Store) Head(_ context.Context, _, key string) (s3store.Info, error) {
	i, err := os.Stat(path(key))
	if err == nil && !i.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		return s3store.Info{}, fault("read", key, err)
	}
	return info(key, i), nil
}

// Get opens a file, or a range of it. A file that is not on the ETag is
// ErrPrecondition, also when it changes while it is read.
func (s *Store) Get(_ context.Context, _, key string, o s3store.GetOptions) (io.ReadCloser, s3store.Info, error) {
	f, err := os.Open(path(key))
	if err != nil {
		return nil, s3store.Info{}, fault("read", key, err)
	}
	i, err := f.Stat()
	if err == nil && o.IfMatch != "" && etag(i) != o.IfMatch {
		err = fmt.Errorf("%w: the file has changed", s3store.ErrPrecondition)
	}
	if err != nil {
		return nil, s3store.Info{}, errors.Join(fault("read", key, err), f.Close())
	}
	length := i.Size() - o.OffsetBytes
	if o.LengthBytes > 0 {
		length = min(length, o.LengthBytes)
	}
	out := info(key, i)
	out.SizeBytes = length
	return &reader{SectionReader: io.NewSectionReader(f, o.OffsetBytes, length), file: f, etag: out.ETag, key: key}, out, nil
}

// reader reads one version of a file.
type reader struct {
	*io.SectionReader
	file      *os.File
	etag, key string
}

func (r *reader) Read(p []byte) (int, error) {
	n, err := r.SectionReader.Read(p)
	if err == io.EOF {
		if i, serr := r.file.Stat(); serr != nil || etag(i) != r.etag {
			return n, fault("read", r.key, fmt.Errorf("%w: the file changed while it was read", s3store.ErrPrecondition))
		}
	}
	return n, err
}

func (r *reader) Close() error { return r.file.Close() }

// ReadAll reads a file of at most limitBytes whole.
func (s *Store) ReadAll(ctx context.Context, bucket, key string, limitBytes int64) ([]byte, s3store.Info, error) {
	body, i, err := s.Get(ctx, bucket, key, s3store.GetOptions{})
	if err != nil {
		return nil, i, err
	}
	defer body.Close()
	if i.SizeBytes > limitBytes {
		return nil, i, fmt.Errorf("read %s: %d bytes are more than the %d that such a file may have", path(key), i.SizeBytes, limitBytes)
	}
	b, err := io.ReadAll(body)
	return b, i, err
}

// Put writes a file whole and durably: all of it is there under its name or
// nothing. With CreateOnly an existing file is ErrPrecondition.
func (s *Store) Put(_ context.Context, _, key string, body []byte, o s3store.PutOptions) (s3store.Info, error) {
	target := path(key)
	i, err := put(target, body, o.CreateOnly)
	if err != nil {
		return s3store.Info{}, fault("write", key, err)
	}
	return info(key, i), nil
}

func put(target string, body []byte, createOnly bool) (fs.FileInfo, error) {
	dir := filepath.Dir(target)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, ".s3compact-"+newID()), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(f.Name()) }() // of no use any more, whatever came of it
	_, err = f.Write(body)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return nil, err
	}
	if createOnly {
		err = os.Link(f.Name(), target)
	} else {
		err = os.Rename(f.Name(), target)
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return nil, err
	}
	return os.Stat(target)
}

// Delete removes a file while it is on the ETag; an empty one means any.
func (s *Store) Delete(ctx context.Context, bucket, key, ifMatch string) error {
	if ifMatch != "" {
		i, err := s.Head(ctx, bucket, key)
		if err != nil {
			return err
		}
		if i.ETag != ifMatch {
			return fault("delete", key, s3store.ErrPrecondition)
		}
	}
	return fault("delete", key, os.Remove(path(key)))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return fmt.Sprintf("%x", b)
}

func encodeCRC64(crc uint64) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, crc))
}
