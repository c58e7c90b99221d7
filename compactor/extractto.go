package compactor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/validate"
)

// S3Copies writes copies under a location of S3, with what the originals
// carried: headers, user metadata, tags, storage class, encryption.
type S3Copies struct {
	Store     Store
	To        s3store.Location
	PartBytes int64 // of uploads of large originals; 0: 8 MiB
}

// Write implements Copies. Memory: an original of at most 64 MiB, or one part of a larger one.
func (c *S3Copies) Write(ctx context.Context, m Original, body io.Reader) (bool, error) {
	to := s3store.Location{Bucket: c.To.Bucket, Key: c.To.Key + m.Key}
	if len(to.Key) > maxKeyBytes {
		return false, fmt.Errorf("%s has %d bytes, a key has at most %d: %w", to, len(to.Key), maxKeyBytes, ErrName)
	}
	same, err := c.same(ctx, to, m)
	if same || err != nil {
		return false, err
	}
	if err := c.send(ctx, to, m, body); err != nil {
		// Refused as existing, or without an answer: what is there decides.
		same, lerr := c.same(ctx, to, m)
		if lerr != nil || !same {
			return false, errors.Join(err, lerr)
		}
	}
	return true, nil
}

func (c *S3Copies) send(ctx context.Context, to s3store.Location, m Original, body io.Reader) error {
	crc, err := validate.DecodeCRC64(m.CRC64)
	if err != nil {
		return err
	}
	if m.Size <= wholeBytes {
		b := make([]byte, m.Size)
		if _, err := io.ReadFull(body, b); err != nil {
			return err
		}
		if _, err := io.ReadFull(body, make([]byte, 1)); !errors.Is(err, io.EOF) {
			return errors.Join(errAltered, err)
		}
		_, err := c.Store.Put(ctx, to.Bucket, to.Key, b, s3store.PutOptions{Attributes: m.Attributes, CreateOnly: true, CRC64NVME: &crc})
		return err
	}
	id, err := c.Store.CreateUpload(ctx, to.Bucket, to.Key, m.Attributes)
	if err != nil {
		return err
	}
	parts, err := uploadParts(ctx, c.Store, to, id, body, make([]byte, partBytesFor(m.Size, max(c.PartBytes, 8<<20))))
	if err == nil {
		_, err = c.Store.CompleteUpload(ctx, to.Bucket, to.Key, id, parts, m.CRC64)
	}
	if err != nil {
		actx, cancel := drained(ctx)
		defer cancel()
		_ = c.Store.AbortUpload(actx, to.Bucket, to.Key, id) // gone already where it was completed without an answer
	}
	return err
}

// same says whether the copy is there; ErrTaken: something else is.
func (c *S3Copies) same(ctx context.Context, to s3store.Location, m Original) (bool, error) {
	info, err := c.Store.Head(ctx, to.Bucket, to.Key)
	switch {
	case errors.Is(err, s3store.ErrNotFound) && !errors.Is(err, s3store.ErrNoBucket):
		return false, nil
	case err != nil:
		return false, err
	}
	crc := info.CRC64NVME
	if crc == "" && info.SizeBytes == m.Size {
		sum, _, err := readBack(ctx, c.Store, to.Bucket, to.Key, info.ETag)
		if err != nil {
			return false, err
		}
		crc = validate.EncodeCRC64(sum)
	}
	if info.SizeBytes != m.Size || crc != m.CRC64 {
		return false, fmt.Errorf("%s: %w", to, ErrTaken)
	}
	return true, nil
}

// FolderCopies writes copies into a local folder, each at its key as a path,
// with the time at which the original was last modified. What else it
// carried is left out.
type FolderCopies struct {
	root *os.Root
	name string
}

// OpenFolderCopies opens the folder, which is made where it is not there. The
// caller closes it.
func OpenFolderCopies(folder string) (*FolderCopies, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	return &FolderCopies{root: root, name: folder}, nil
}

// Close closes the folder.
func (c *FolderCopies) Close() error { return c.root.Close() }

// Write implements Copies. No file is ever seen in part.
func (c *FolderCopies) Write(_ context.Context, m Original, body io.Reader) (bool, error) {
	if !filepath.IsLocal(m.Key) || path.Clean(m.Key) != m.Key || m.Key == "." {
		return false, fmt.Errorf("%q is no path within a folder: copy it to S3 instead: %w", m.Key, ErrName)
	}
	name := filepath.FromSlash(m.Key)
	same, err := c.same(name, m)
	if same || err != nil {
		return false, err
	}
	if err := c.root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return false, nameTaken(err)
	}
	temporary := filepath.Join(filepath.Dir(name), ".s3compact-"+randomID())
	if err := c.fill(temporary, m, body); err != nil {
		_ = c.root.Remove(temporary)
		return false, err
	}
	// A link never replaces what is there. A file system without links has to rename.
	err = c.root.Link(temporary, name)
	if err == nil || errors.Is(err, fs.ErrExist) {
		_ = c.root.Remove(temporary)
	} else {
		err = c.root.Rename(temporary, name)
	}
	return err == nil, nameTaken(err)
}

func (c *FolderCopies) fill(name string, m Original, body io.Reader) error {
	f, err := c.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, body)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return c.root.Chtimes(name, m.LastModified, m.LastModified)
}

// same says whether the copy is there; ErrTaken: something else is.
func (c *FolderCopies) same(name string, m Original) (bool, error) {
	f, err := c.root.Open(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, nameTaken(err)
	}
	defer f.Close()
	in := &crcReader{r: io.LimitReader(f, m.Size+1)}
	if _, err := io.Copy(io.Discard, in); err != nil || in.n != m.Size || validate.EncodeCRC64(in.crc) != m.CRC64 {
		return false, errors.Join(fmt.Errorf("%s: %w", filepath.Join(c.name, name), ErrTaken), err)
	}
	return true, nil
}

// nameTaken makes ErrTaken of a name that is a file or folder already.
func nameTaken(err error) error {
	if errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EISDIR) {
		return fmt.Errorf("%w: %w", ErrTaken, err)
	}
	return err
}
