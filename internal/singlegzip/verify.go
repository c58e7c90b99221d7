package singlegzip

import (
	"bytes"
	"fmt"
	"io"

	"github.com/s3compact/s3compact/validate"
)

// Original is what an output should hold of one original.
type Original struct {
	Name      string // for errors
	SizeBytes int64  // of the original
	CRC64     uint64 // CRC-64/NVME of the original
	Pieces    Pieces
	Newline   bool // AddNewline's bytes follow it
}

// Verify reads an output to its end, once, and proves it: that it is one sound gzip member, the bytes and the data that out
// says, and that it gives back each original, which next names in their order. Errors are a [*validate.GzipError], ErrMismatch,
// and r's own, wrapped. Its memory is two buffers of bufferBytes besides the prover.
func Verify(p *validate.Prover, r io.Reader, out validate.Joined, next func() (Original, bool)) error {
	v := newVerifier(out, next)
	g, err := p.GzipStream(io.TeeReader(r, v))
	if err != nil {
		return err
	}
	if err := v.finish(); err != nil {
		return err
	}
	got := validate.Joined{SizeBytes: g.SizeBytes, CRC64: g.CRC64, UncompressedBytes: g.UncompressedBytes, CRC32: g.CRC32}
	switch {
	case g.Members != 1:
		return fmt.Errorf("%w: %d gzip members in the output, not one", ErrMismatch, g.Members)
	case got != out:
		return fmt.Errorf("%w: an output of %d bytes with CRC-64 %s, and %d uncompressed with CRC-32 0x%08x; not of %d bytes with %s, and %d with 0x%08x",
			ErrMismatch, got.SizeBytes, validate.EncodeCRC64(got.CRC64), got.UncompressedBytes, got.CRC32,
			out.SizeBytes, validate.EncodeCRC64(out.CRC64), out.UncompressedBytes, out.CRC32)
	}
	return nil
}

// verifier takes the bytes of an output as they pass.
type verifier struct {
	next  func() (Original, bool)
	out   validate.Joined
	bytes int64 // of the output

	original Original // at hand, where back is not done
	offset   int64    // in the output, of the original at hand
	back     edit
	sum      sum
	want     []byte // what comes before the next original or the end
	ended    bool   // want is the last that comes
	buf      []byte
}

func newVerifier(out validate.Joined, next func() (Original, bool)) *verifier {
	v := &verifier{next: next, out: out, want: outputHeader[:], buf: make([]byte, bufferBytes)}
	v.back.reset(nil, true) // no original at hand
	return v
}

// Write looks at the next bytes of the output.
func (v *verifier) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0; {
		n, err := v.take(rest)
		if err != nil {
			return 0, err
		}
		v.bytes += int64(n)
		rest = rest[n:]
	}
	return len(b), nil
}

// take looks at some of b, which is not empty.
func (v *verifier) take(b []byte) (int, error) {
	switch {
	case len(v.want) > 0:
		n := min(len(v.want), len(b))
		if !bytes.Equal(b[:n], v.want[:n]) {
			return 0, fmt.Errorf("%w: what is around the originals in the output is another near byte %d", ErrMismatch, v.bytes)
		}
		v.want = v.want[n:]
		return n, nil
	case !v.back.done():
		wrote, used, err := v.back.run(v.buf, b)
		v.sum.add(v.buf[:wrote])
		if err != nil {
			return 0, v.about(err)
		}
		return used, v.restored()
	case v.ended:
		return 0, fmt.Errorf("%w: bytes follow the end of the output at byte %d", ErrMismatch, v.bytes)
	}
	var more bool
	if v.original, more = v.next(); !more {
		v.want, v.ended = ending(v.out.CRC32, v.out.UncompressedBytes), true
		return 0, nil
	}
	v.offset, v.sum = v.bytes, sum{}
	if err := v.original.Pieces.Check(); err != nil {
		return 0, v.about(err)
	}
	v.back.reset(v.original.Pieces, true)
	return 0, nil
}

// restored looks at the original at hand when it is complete, which it is only when its last trailer was put in.
func (v *verifier) restored() error {
	for !v.back.done() {
		wrote, _, err := v.back.run(v.buf, nil)
		if err != nil {
			return v.about(err)
		}
		if wrote == 0 {
			return nil
		}
		v.sum.add(v.buf[:wrote])
	}
	if err := v.sum.check(v.original.SizeBytes, v.original.CRC64); err != nil {
		return v.about(err)
	}
	if v.original.Newline {
		v.want = newlineBlock[:]
	}
	return nil
}

// finish says whether the output was complete.
func (v *verifier) finish() error {
	if !v.ended || len(v.want) > 0 {
		return fmt.Errorf("%w: the output ends after %d bytes, before all that it should hold", ErrMismatch, v.bytes)
	}
	return nil
}

func (v *verifier) about(err error) error {
	return fmt.Errorf("%s, from byte %d of the output: %w", v.original.Name, v.offset, err)
}
