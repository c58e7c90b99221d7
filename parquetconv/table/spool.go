package table

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
)

// spool is a temporary file without a name, gone when it is closed, however the
// process ends. What is appended to it lies in one piece each, so that one open
// file serves any number of partitions.
type spool struct {
	dir string

	mu   sync.Mutex
	file *os.File
	size int64
}

// append writes b and says where. It may be called by several goroutines.
func (s *spool) append(b []byte) (int64, error) {
	s.mu.Lock()
	if s.file == nil {
		f, err := openTemp(s.dir)
		if err != nil {
			s.mu.Unlock()
			return 0, err
		}
		s.file = f
	}
	f, at := s.file, s.size
	s.size += int64(len(b))
	s.mu.Unlock()
	if _, err := f.WriteAt(b, at); err != nil {
		return 0, s.explain(err)
	}
	return at, nil
}

// ReadAt reads what was appended.
func (s *spool) ReadAt(b []byte, at int64) (int, error) {
	s.mu.Lock()
	f := s.file
	s.mu.Unlock()
	if f == nil {
		return 0, os.ErrClosed
	}
	return f.ReadAt(b, at)
}

func (s *spool) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	f := s.file
	s.file = nil
	return f.Close()
}

func (s *spool) explain(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("no room for temporary files in %s (TMPDIR says where they go): %w", tempDir(s.dir), err)
	}
	return fmt.Errorf("write a temporary file in %s: %w", tempDir(s.dir), err)
}

func tempDir(dir string) string {
	if dir == "" {
		return os.TempDir()
	}
	return dir
}

func openTemp(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "s3compact-*")
	if err != nil {
		return nil, fmt.Errorf("make a temporary file in %s (TMPDIR says where they go): %w", tempDir(dir), err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("unlink a temporary file: %w", err), f.Close())
	}
	return f, nil
}

// extent is a part of a file that lies in one piece in a spool.
type extent struct {
	offset int64 // in the file
	at     int64 // in the spool
	size   int64
}

// spoolFile is a file whose bytes lie in a spool.
type spoolFile struct {
	spool   *spool
	extents []extent
	size    int64
}

func (f *spoolFile) append(b []byte) error {
	at, err := f.spool.append(b)
	if err != nil {
		return err
	}
	if n := len(f.extents); n > 0 && f.extents[n-1].at+f.extents[n-1].size == at {
		f.extents[n-1].size += int64(len(b))
	} else {
		f.extents = append(f.extents, extent{f.size, at, int64(len(b))})
	}
	f.size += int64(len(b))
	return nil
}

// ReadAt implements io.ReaderAt.
func (f *spoolFile) ReadAt(b []byte, offset int64) (int, error) {
	if offset < 0 {
		return 0, fmt.Errorf("read at %d: %w", offset, os.ErrInvalid)
	}
	done := 0
	for i := f.find(offset); done < len(b) && i < len(f.extents); i++ {
		e := f.extents[i]
		skip := offset + int64(done) - e.offset
		part := b[done:min(int64(len(b)), int64(done)+e.size-skip)]
		n, err := f.spool.ReadAt(part, e.at+skip)
		done += n
		if n < len(part) {
			return done, fmt.Errorf("read a temporary file: %w", err)
		}
	}
	if done < len(b) {
		return done, io.EOF
	}
	return done, nil
}

// find is the index of the extent that an offset lies in.
func (f *spoolFile) find(offset int64) int {
	lo, hi := 0, len(f.extents)
	for lo < hi {
		mid := (lo + hi) / 2
		if f.extents[mid].offset+f.extents[mid].size <= offset {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}
