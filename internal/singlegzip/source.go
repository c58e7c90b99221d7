package singlegzip

import (
	"fmt"
	"io"
)

// source reads through an edit.
type source struct {
	r     io.Reader
	edit  edit
	buf   []byte
	ahead []byte // of buf: read and not yet used
	err   error  // of r, io.EOF too; or of the pieces; or of the edit
}

func newSource() source { return source{buf: make([]byte, bufferBytes)} }

func (s *source) reset(r io.Reader, pieces Pieces, restore bool) {
	s.r, s.ahead = r, nil
	s.err = pieces.Check()
	s.edit.reset(pieces, restore)
}

// fail ends the reading with an error, for all reads to come.
func (s *source) fail(err error) error {
	s.ahead, s.err = nil, err
	return err
}

// maxEmptyReads is how often in turn a reader may deliver nothing.
const maxEmptyReads = 100

// Read returns io.EOF, and nothing with it, when the edit is done and r has no more. Other errors of r are wrapped.
func (s *source) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	for empty := 0; ; {
		if len(s.ahead) > 0 || s.err == nil || s.err == io.EOF { //nolint:errorlint // wrapped when they are not the end
			n, used, err := s.edit.run(b, s.ahead)
			s.ahead = s.ahead[used:]
			if err != nil {
				return 0, s.fail(err)
			}
			if n > 0 {
				return n, nil
			}
		}
		switch {
		case len(s.ahead) > 0: // the edit is done
			return 0, s.fail(fmt.Errorf("%w: bytes follow the last gzip member", ErrMismatch))
		case s.err == io.EOF && !s.edit.done(): //nolint:errorlint // as above
			s.err = fmt.Errorf("%w: the data ends after %d bytes", ErrMismatch, s.edit.used)
		}
		if s.err != nil {
			return 0, s.err
		}
		n, err := s.r.Read(s.buf)
		s.ahead = s.buf[:n]
		if empty++; n > 0 {
			empty = 0
		}
		switch {
		case err == io.EOF: // a wrapped one is the source's own
			s.err = err
		case err != nil:
			s.err = fmt.Errorf("read after byte %d: %w", s.edit.used+int64(n), err)
		case empty == maxEmptyReads:
			s.err = fmt.Errorf("read after byte %d: %w", s.edit.used, io.ErrNoProgress)
		}
	}
}
