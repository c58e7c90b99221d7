package compactor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/singlegzip"
	"github.com/s3compact/s3compact/validate"
)

const (
	// spanBytes is about what one GET of an output reads of neighbouring originals.
	spanBytes = 8 << 20
	// spanGapBytes is the most that is read and dropped between two wanted originals
	// to save a request.
	spanGapBytes = 64 << 10
	// wholeBytes is the largest original that is held in memory and written by one
	// PUT. It fits into the least budget.
	wholeBytes = 64 << 20
)

// span is neighbouring originals of an output that one GET reads.
type span struct {
	ref       receipt.OutputRef
	originals []*receipt.Member
	from, to  int64 // bytes of the output
	unpacked  int64 // bytes of plain text that the output holds packed
}

// heldBytes is the memory that the span's bodies take.
func (s *span) heldBytes() int64 { return s.to - s.from + s.unpacked }

// spans cuts wanted originals, in the order in which they lie in the output. A
// span takes more memory than spanBytes only where it is a single original.
func spans(ref receipt.OutputRef, originals []*receipt.Member) []span {
	var all []span
	for _, m := range originals {
		offset, length := placed(m)
		unpacked := int64(0)
		if m.PackedBytes > 0 {
			unpacked = m.Size
		}
		if n := len(all); n > 0 {
			s := &all[n-1]
			if offset-s.to <= spanGapBytes && offset+length-s.from+s.unpacked+unpacked <= spanBytes && m.Size <= spanBytes {
				s.originals = append(s.originals, m)
				s.to = offset + length
				s.unpacked += unpacked
				continue
			}
		}
		all = append(all, span{ref, []*receipt.Member{m}, offset, offset + length, unpacked})
	}
	return all
}

// errAltered: what an output holds is not what its receipt says.
var errAltered = errors.New("the output's bytes are not those of its receipt; a version of it, a backup or a replica may have them")

// open reads the span's bytes of the output, on the ETag that its receipt has.
func (s *span) open(ctx context.Context, store Store) (io.ReadCloser, error) {
	if s.from == s.to {
		return io.NopCloser(bytes.NewReader(nil)), nil
	}
	body, _, err := store.Get(ctx, s.ref.Bucket, s.ref.Key, s3store.GetOptions{IfMatch: s.ref.ETag, OffsetBytes: s.from, LengthBytes: s.to - s.from})
	if errors.Is(err, s3store.ErrPrecondition) || errors.Is(err, s3store.ErrNotFound) {
		err = fmt.Errorf("%w: %w", errAltered, err)
	}
	return body, err
}

// bodies are the bytes of the span's originals, all of them proven. What breaks
// off or is not what it should be may be a flaw of the transfer: it is read again.
func (s *span) bodies(ctx context.Context, store Store) (bodies [][]byte, err error) {
	for range maxTries {
		if bodies, err = s.bodiesOnce(ctx, store); err == nil || ctx.Err() != nil || errors.Is(err, s3store.ErrPrecondition) || errors.Is(err, s3store.ErrNotFound) || known(err) {
			break
		}
	}
	return bodies, err
}

func (s *span) bodiesOnce(ctx context.Context, store Store) ([][]byte, error) {
	body, err := s.open(ctx, store)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	b := make([]byte, s.to-s.from)
	if _, err := io.ReadFull(body, b); err != nil {
		return nil, err
	}
	bodies := make([][]byte, len(s.originals))
	for i, m := range s.originals {
		offset, length := placed(m)
		own := b[offset-s.from:][:length]
		if m.Pieces != nil || m.PackedBytes > 0 {
			if own, err = io.ReadAll(io.LimitReader(rebuilt(bytes.NewReader(own), m), m.Size+1)); err != nil {
				return nil, fmt.Errorf("original %s at byte %d of s3://%s/%s: %w: %w", m.Key, offset, s.ref.Bucket, s.ref.Key, errAltered, err)
			}
		}
		if int64(len(own)) != m.Size || validate.EncodeCRC64(validate.CRC64(own)) != m.CRC64 {
			return nil, fmt.Errorf("original %s at byte %d of s3://%s/%s: %w", m.Key, offset, s.ref.Bucket, s.ref.Key, errAltered)
		}
		bodies[i] = own
	}
	return bodies, nil
}

// stream is the bytes of a span's single original, however large. It ends with
// io.EOF only when they were proven.
func (s *span) stream(ctx context.Context, store Store) (io.ReadCloser, error) {
	body, err := s.open(ctx, store)
	if err != nil {
		return nil, err
	}
	return &provenBody{body: body, in: crcReader{r: rebuilt(body, s.originals[0])}, m: s.originals[0], ref: s.ref}, nil
}

// provenBody is a body that has to be an original.
type provenBody struct {
	body io.Closer
	in   crcReader
	m    *receipt.Member
	ref  receipt.OutputRef
}

func (p *provenBody) Read(b []byte) (int, error) {
	n, err := p.in.Read(b)
	if errors.Is(err, singlegzip.ErrMismatch) {
		return n, fmt.Errorf("original %s in s3://%s/%s: %w: %w", p.m.Key, p.ref.Bucket, p.ref.Key, errAltered, err)
	}
	if errors.Is(err, io.EOF) && (p.in.n != p.m.Size || validate.EncodeCRC64(p.in.crc) != p.m.CRC64) {
		return n, fmt.Errorf("original %s in s3://%s/%s: %w", p.m.Key, p.ref.Bucket, p.ref.Key, errAltered)
	}
	return n, err
}

func (p *provenBody) Close() error { return p.body.Close() }
