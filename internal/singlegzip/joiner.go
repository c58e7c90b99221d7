package singlegzip

import (
	"fmt"
	"io"

	"github.com/s3compact/s3compact/validate"
)

// bufferBytes is how much of a source is read at a time.
const bufferBytes = 32 << 10

// Joiner changes originals, one after another, into what an output holds of them: a reader of the bytes for the output. It
// restores each original on the way, and ends with io.EOF only when that gave the bytes that were proven. Its memory is
// two buffers of bufferBytes; it is not safe for concurrent use.
type Joiner struct {
	source source
	back   edit
	proof  validate.Gzip
	joined sum
	again  sum // of the original, as restored
	buf    []byte
}

// NewJoiner makes a Joiner.
func NewJoiner() *Joiner {
	return &Joiner{source: newSource(), buf: make([]byte, bufferBytes)}
}

// Reset begins an original, with the proof and the pieces of [Prove] or [ProveStream].
func (j *Joiner) Reset(original io.Reader, proof validate.Gzip, pieces Pieces) {
	j.source.reset(original, pieces, false)
	j.back.reset(pieces, true)
	j.proof, j.joined, j.again = proof, sum{}, sum{}
}

// Read is the next bytes for the output. Errors are ErrMismatch where the original is not what was proven, and the reader's
// own, wrapped.
func (j *Joiner) Read(b []byte) (int, error) {
	n, err := j.source.Read(b)
	j.joined.add(b[:n])
	end := err == io.EOF //nolint:errorlint // the source's own are wrapped
	if failed := j.restore(b[:n], end); failed != nil {
		return 0, j.source.fail(failed)
	}
	return n, err
}

// restore restores from the next bytes for the output, and compares the whole at its end.
func (j *Joiner) restore(part []byte, end bool) error {
	for len(part) > 0 || end && !j.back.done() {
		wrote, used, err := j.back.run(j.buf, part)
		if err == nil && wrote+used == 0 {
			err = fmt.Errorf("%w: what is to be joined is of another length than its record says", ErrMismatch)
		}
		if err != nil {
			return err
		}
		part = part[used:]
		j.again.add(j.buf[:wrote])
	}
	if !end {
		return nil
	}
	return j.again.check(j.proof.SizeBytes, j.proof.CRC64)
}

// Joined is the proof of the original's range of the output, for [validate.Joined.Add]. It is complete when Read has
// returned io.EOF.
func (j *Joiner) Joined() validate.Gzip {
	g := j.proof
	g.SizeBytes, g.CRC64, g.First = j.joined.bytes, j.joined.crc64, nil
	return g
}

// sum is the length and the CRC-64/NVME of bytes that passed.
type sum struct {
	bytes int64
	crc64 uint64
}

func (s *sum) add(b []byte) {
	s.bytes += int64(len(b))
	s.crc64 = validate.CRC64Update(s.crc64, b)
}

// check compares the sum of an original with what it should be.
func (s *sum) check(sizeBytes int64, crc64 uint64) error {
	if s.bytes != sizeBytes || s.crc64 != crc64 {
		return fmt.Errorf("%w: an original of %d bytes with CRC-64 %s, not of %d bytes with %s", ErrMismatch,
			s.bytes, validate.EncodeCRC64(s.crc64), sizeBytes, validate.EncodeCRC64(crc64))
	}
	return nil
}
