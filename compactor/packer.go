package compactor

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"runtime"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/pgzip"

	"github.com/s3compact/s3compact/validate"
)

// sums are what two runs of bytes are compared by.
type sums struct {
	bytes int64
	crc64 uint64
	crc32 uint32
}

func (s *sums) Write(b []byte) (int, error) {
	s.bytes += int64(len(b))
	s.crc64 = validate.CRC64Update(s.crc64, b)
	s.crc32 = crc32.Update(s.crc32, crc32.IEEETable, b)
	return len(b), nil
}

// packer compresses text into an output, as one gzip member after another, and
// inflates what it made once more on the way: only text that comes back the same
// is packed.
type packer struct {
	zw     compressor
	zr     gzip.Reader
	to     func([]byte) error
	text   sums // of the member at hand
	packed sums // made of it
	pipe   *io.PipeWriter
	proof  chan inflatedText
}

type compressor interface {
	io.WriteCloser
	Reset(io.Writer)
}

type inflatedText struct {
	sums
	err error
}

var errPacking = errors.New("what was compressed does not inflate to what it was made of; a flaw of memory or program, nothing was committed")

// Memory of a packer with several threads: each block is there as text,
// compressed, or both, and each thread has a compressor.
const (
	packBlockBytes = 1 << 20
	maxPackBlocks  = 4
	packingBytes   = 24 << 20
)

// newPacker packs small members one by one, each in some 1 MB of memory.
func newPacker(level int, to func([]byte) error) (p *packer, err error) {
	p = &packer{to: to}
	p.zw, err = gzip.NewWriterLevel(packedTo{p}, level)
	return p, err
}

// newWidePacker packs one member with several threads, in packingBytes of memory.
// What comes of it is handed on from a goroutine of its own.
func newWidePacker(level int, to func([]byte) error) (*packer, error) {
	p := &packer{to: to}
	zw, err := pgzip.NewWriterLevel(packedTo{p}, level)
	if err == nil {
		err = zw.SetConcurrency(packBlockBytes, min(runtime.GOMAXPROCS(0), maxPackBlocks))
	}
	p.zw = zw
	return p, err
}

// begin begins a member.
func (p *packer) begin() {
	if p.packed.bytes > 0 {
		p.zw.Reset(packedTo{p})
	}
	p.text, p.packed = sums{}, sums{}
	r, w := io.Pipe()
	p.pipe, p.proof = w, make(chan inflatedText, 1)
	go func() {
		var found inflatedText
		found.err = inflateTo(&found.sums, &p.zr, r)
		_ = r.CloseWithError(errPacking) // a writer never waits for a reader that has given up
		p.proof <- found
	}()
}

// inflateTo inflates gzip members to the end of r.
func inflateTo(w io.Writer, zr *gzip.Reader, r io.Reader) error {
	if err := zr.Reset(r); err != nil {
		return err
	}
	_, err := io.Copy(w, zr)
	return err
}

// packedTo is where the compressor writes.
type packedTo struct{ p *packer }

func (t packedTo) Write(b []byte) (int, error) {
	_, _ = t.p.packed.Write(b) // has no error
	if err := t.p.to(b); err != nil {
		return 0, err
	}
	return t.p.pipe.Write(b)
}

// Write takes text.
func (p *packer) Write(b []byte) (int, error) {
	_, _ = p.text.Write(b) // has no error
	return p.zw.Write(b)
}

// close ends the member, and fails where it does not hold the text.
func (p *packer) close() error {
	if err := p.zw.Close(); err != nil {
		p.abort()
		return err
	}
	_ = p.pipe.Close() // has no error
	found := <-p.proof
	if found.err != nil || found.sums != p.text {
		return errors.Join(fmt.Errorf("%w: %d bytes of %d", errPacking, found.bytes, p.text.bytes), found.err)
	}
	return nil
}

// abort ends what goes on for a member that is not to be.
func (p *packer) abort() {
	_ = p.pipe.CloseWithError(errPacking) // has no error
	p.zw.Reset(io.Discard)
	<-p.proof
}
