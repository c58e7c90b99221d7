package localdir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/s3compact/s3compact/internal/s3store"
)

// An open upload is the file <uploads>/<id>-<key>.uncommitted, with the key
// escaped, so that one folder serves all; a key that is too long for a file's
// name goes on in folders. The name has no extension that a reader of tables
// takes.
const (
	openSuffix     = ".uncommitted"
	maxSegmentName = 200 // bytes of a key in a name; file systems take 255 for all of it
)

func (s *Store) uploadPath(key, id string) string {
	rest := url.PathEscape(key)
	p := filepath.Join(s.uploads, filepath.Base(id)+"-")
	for len(rest) > maxSegmentName {
		p += rest[:maxSegmentName] + string(filepath.Separator)
		rest = rest[maxSegmentName:]
	}
	return p + rest + openSuffix
}

// openUpload is the upload whose path below the folder of uploads is given.
func openUpload(below string) (key, id string, ok bool) {
	id, rest, dashed := strings.Cut(below, "-")
	rest, open := strings.CutSuffix(rest, openSuffix)
	key, err := url.PathUnescape(strings.ReplaceAll(rest, "/", ""))
	return key, id, dashed && open && err == nil
}

// CreateUpload begins an upload.
func (s *Store) CreateUpload(_ context.Context, _, key string, _ s3store.Attributes) (string, error) {
	id := newID()
	p := s.uploadPath(key, id)
	if err := os.MkdirAll(filepath.Dir(p), 0o777); err != nil {
		return "", fault("start to write", key, err)
	}
	f, err := os.OpenFile(p, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err == nil {
		err = f.Close()
	}
	return id, fault("start to write", key, err)
}

// UploadPart appends a part; parts come in the order of their numbers.
func (s *Store) UploadPart(_ context.Context, _, key, id string, number int32, body []byte, crc64 uint64) (s3store.Part, error) {
	f, err := os.OpenFile(s.uploadPath(key, id), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.Write(body)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return s3store.Part{}, fault("write", key, err)
	}
	crc := encodeCRC64(crc64)
	return s3store.Part{Number: number, ETag: crc, SizeBytes: int64(len(body)), CRC64NVME: crc}, nil
}

// CompleteUpload gives the upload its name, durably. ErrNotFound: there is no
// such upload; ErrPrecondition: the name is taken.
func (s *Store) CompleteUpload(_ context.Context, _, key, id string, parts []s3store.Part, _ string) (string, error) {
	from, to := s.uploadPath(key, id), path(key)
	i, err := complete(from, to, parts)
	if err != nil {
		return "", fault("complete", key, err)
	}
	s.removeEmpty(filepath.Dir(from))
	return etag(i), nil
}

func complete(from, to string, parts []s3store.Part) (fs.FileInfo, error) {
	var size int64
	for _, p := range parts {
		size += p.SizeBytes
	}
	f, err := os.Open(from)
	if err != nil {
		return nil, err
	}
	i, err := f.Stat()
	if err == nil && i.Size() != size {
		err = fmt.Errorf("%w: %d bytes instead of %d", s3store.ErrBadRequest, i.Size(), size)
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return nil, err
	}
	if _, err := os.Lstat(to); err == nil {
		return nil, fs.ErrExist
	}
	// Names are unique to the attempt that wrote the file, so nothing comes
	// between the look and the rename.
	if err := os.Rename(from, to); err != nil {
		return nil, err
	}
	return i, syncDir(filepath.Dir(to))
}

// AbortUpload drops an upload.
func (s *Store) AbortUpload(_ context.Context, _, key, id string) error {
	p := s.uploadPath(key, id)
	if err := os.Remove(p); err != nil {
		return fault("drop", key, err)
	}
	s.removeEmpty(filepath.Dir(p))
	return nil
}

// removeEmpty removes empty folders from dir up to the folder of uploads,
// which stays: other workers may be about to use it.
func (s *Store) removeEmpty(dir string) {
	for strings.HasPrefix(dir, s.uploads+"/") && os.Remove(dir) == nil {
		dir = filepath.Dir(dir)
	}
}

// ListUploads calls fn for each open upload whose key has the prefix.
func (s *Store) ListUploads(ctx context.Context, _, prefix string, fn func(s3store.Upload) error) error {
	err := filepath.WalkDir(s.uploads, func(p string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // gone meanwhile, or never there
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		below := strings.TrimPrefix(filepath.ToSlash(p), filepath.ToSlash(s.uploads)+"/")
		key, id, ok := openUpload(below)
		if !ok || !strings.HasPrefix(key, prefix) {
			return nil
		}
		i, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // gone meanwhile
		}
		if err != nil {
			return err
		}
		return fn(s3store.Upload{Key: key, ID: id, Initiated: i.ModTime().UTC()})
	})
	if err != nil {
		return fmt.Errorf("list what is being written below %s: %w", s.uploads, err)
	}
	return nil
}
