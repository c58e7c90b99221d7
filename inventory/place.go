package inventory

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/s3compact/s3compact/internal/s3store"
)

// Store is what reading a report needs of S3; *s3store.Client is one.
type Store interface {
	Lister
	Getter
	Head(ctx context.Context, bucket, key string) (s3store.Info, error)
	ReadAll(ctx context.Context, bucket, key string, limitBytes int64) ([]byte, s3store.Info, error)
	ReaderAt(ctx context.Context, bucket, key, etag string, sizeBytes int64) io.ReaderAt
}

// place is a folder, of a bucket or of a disk, that reports lie in or below.
type place interface {
	// at names a file or folder of the place for people.
	at(name string) string
	// folders are the names of the folders directly in the place, without slash.
	folders(ctx context.Context) ([]string, error)
	// read reads a file whole; what is not there is missing(err).
	read(ctx context.Context, name string) ([]byte, error)
	// open opens the data file that the manifest in a folder of the place names by its key.
	open(ctx context.Context, folder string, m *manifest, key string) (*file, error)
}

// file is an open data file.
type file struct {
	io.ReaderAt
	sizeBytes int64
	name      string // for people
	// stream reads the file from its beginning.
	stream func(context.Context) (io.ReadCloser, error)
	close  func() error
}

// maxManifestBytes bounds the memory for a manifest: some 200,000 data files.
const maxManifestBytes = 64 << 20

// missing says whether an error means that the file does not exist.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, s3store.ErrNotFound) && !errors.Is(err, s3store.ErrNoBucket)
}

// bucketPlace is a folder of a bucket; its Key is "" or ends in a slash.
type bucketPlace struct {
	store Store
	s3store.Location
}

func (p bucketPlace) at(name string) string { return p.String() + name }

func (p bucketPlace) folders(ctx context.Context) ([]string, error) {
	var names []string
	err := p.store.List(ctx, p.Bucket, s3store.ListOptions{Prefix: p.Key, Delimiter: "/"}, func(page s3store.Page) error {
		for _, f := range page.Prefixes {
			names = append(names, strings.TrimSuffix(strings.TrimPrefix(f, p.Key), "/"))
		}
		return nil
	})
	return names, err
}

func (p bucketPlace) read(ctx context.Context, name string) ([]byte, error) {
	b, _, err := p.store.ReadAll(ctx, p.Bucket, p.Key+name, maxManifestBytes)
	return b, err
}

// open looks in the bucket of the manifest first: a report may have been
// copied, and the bucket may be named by an alias of an access point.
func (p bucketPlace) open(ctx context.Context, _ string, m *manifest, key string) (*file, error) {
	bucket := p.Bucket
	info, err := p.store.Head(ctx, bucket, key)
	if d := m.destination(); missing(err) && d != "" && d != bucket {
		bucket = d
		info, err = p.store.Head(ctx, bucket, key)
	}
	if err != nil {
		return nil, err
	}
	return &file{
		ReaderAt:  p.store.ReaderAt(ctx, bucket, key, info.ETag, info.SizeBytes),
		sizeBytes: info.SizeBytes,
		name:      s3store.Location{Bucket: bucket, Key: key}.String(),
		stream: func(ctx context.Context) (io.ReadCloser, error) {
			body, _, err := p.store.Get(ctx, bucket, key, s3store.GetOptions{IfMatch: info.ETag})
			return body, err
		},
		close: func() error { return nil },
	}, nil
}

// diskPlace is a local folder.
type diskPlace string

func (p diskPlace) at(name string) string { return filepath.Join(string(p), filepath.FromSlash(name)) }

func (p diskPlace) folders(context.Context) ([]string, error) {
	entries, err := os.ReadDir(string(p))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func (p diskPlace) read(_ context.Context, name string) ([]byte, error) {
	f, err := os.Open(p.at(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxManifestBytes+1))
	if err == nil && len(b) > maxManifestBytes {
		err = fmt.Errorf("read %s: more than the %d bytes that a manifest may have", p.at(name), maxManifestBytes)
	}
	return b, err
}

// open looks beside the manifest, then at the key below each folder that the
// manifest lies in: one of them is the copy of the bucket.
func (p diskPlace) open(_ context.Context, folder string, _ *manifest, key string) (*file, error) {
	if !filepath.IsLocal(filepath.FromSlash(key)) {
		return nil, fmt.Errorf("data file %q: a key with such a path is not looked for on a disk", key)
	}
	dir, err := filepath.Abs(p.at(folder))
	if err != nil {
		return nil, err
	}
	candidates := []string{filepath.Join(dir, path.Base(key))}
	for d := dir; ; d = filepath.Dir(d) {
		candidates = append(candidates, filepath.Join(d, filepath.FromSlash(key)))
		if d == filepath.Dir(d) {
			break
		}
	}
	for _, name := range slices.Compact(candidates) {
		f, err := os.Open(name)
		if missing(err) || err == nil && !regular(f) {
			continue
		}
		if err != nil {
			return nil, err
		}
		info, err := f.Stat()
		if err != nil {
			_ = f.Close() // only read
			return nil, err
		}
		return &file{
			ReaderAt: f, sizeBytes: info.Size(), name: name, close: f.Close,
			stream: func(context.Context) (io.ReadCloser, error) {
				return io.NopCloser(io.NewSectionReader(f, 0, info.Size())), nil
			},
		}, nil
	}
	return nil, fmt.Errorf("%s: it lies neither beside the manifest nor at its key under a folder above it (%s and so on): %w",
		key, strings.Join(candidates[:2], ", "), fs.ErrNotExist)
}

// regular says whether f is a file, and closes it when it is not.
func regular(f *os.File) bool {
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		return true
	}
	_ = f.Close() // only read
	return false
}
