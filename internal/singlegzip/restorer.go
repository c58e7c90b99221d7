package singlegzip

import "io"

// Restorer gives back originals, one after another: a reader of an original's bytes, made of its range of an output. It
// ends with io.EOF only when all bytes were those of the original. What it delivered before an error is worth nothing: whoever
// writes it to a place must not let it be seen before io.EOF. Its memory is one buffer of bufferBytes; it is not safe for
// concurrent use.
type Restorer struct {
	source    source
	sum       sum
	sizeBytes int64
	crc64     uint64
}

// NewRestorer makes a Restorer.
func NewRestorer() *Restorer { return &Restorer{source: newSource()} }

// Reset begins an original: joined delivers its range of the output, [Pieces.JoinedBytes] and nothing more, and the original
// has sizeBytes and this CRC-64/NVME.
func (r *Restorer) Reset(joined io.Reader, sizeBytes int64, crc64 uint64, pieces Pieces) {
	r.source.reset(joined, pieces, true)
	r.sum, r.sizeBytes, r.crc64 = sum{}, sizeBytes, crc64
}

// Read is the next bytes of the original. Errors are ErrMismatch where the range or the record is not that of the original,
// and the reader's own, wrapped.
func (r *Restorer) Read(b []byte) (int, error) {
	n, err := r.source.Read(b)
	r.sum.add(b[:n])
	if err == io.EOF { //nolint:errorlint // the source's own are wrapped
		if failed := r.sum.check(r.sizeBytes, r.crc64); failed != nil {
			return 0, r.source.fail(failed)
		}
	}
	return n, err
}
