package compactor

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/validate"
)

// large writes an original of any size as an upload of parts. It is completed
// only where every byte was proven, and only where nothing is under the key.
// The upload is noted in the state before it has a part. Memory: one part.
func (p *putBack) large(ctx context.Context, s *span) error {
	r, m := p.g.r, s.originals[0]
	partBytes := partBytesFor(m.Size, r.o.PartBytes)
	if err := r.budget.acquire(ctx, partBytes); err != nil {
		return err
	}
	defer r.budget.release(partBytes)
	id, err := r.store.CreateUpload(ctx, r.o.Bucket, m.Key, m.Attributes)
	if err != nil {
		return fmt.Errorf("put back %s: %w", m.Key, err)
	}
	u := putBackUpload{Bucket: r.o.Bucket, Key: m.Key, UploadID: id}
	completed, record := false, ""
	defer func() {
		dctx, cancel := drained(ctx)
		defer cancel()
		_ = r.st.dropUpload(dctx, u, record, completed) // what is left of it, a later run removes
	}()
	if record, err = r.st.noteUpload(ctx, p.g.log, u); err != nil {
		return fmt.Errorf("put back %s: %w", m.Key, err)
	}
	parts, err := p.parts(ctx, s, id, partBytes)
	if err != nil {
		return err
	}
	return p.settle(ctx, m, func(sctx context.Context) (string, error) {
		etag, err := r.store.CompleteUpload(sctx, r.o.Bucket, m.Key, id, parts, m.CRC64)
		completed = err == nil
		return etag, err
	})
}

// partBytesFor is how large the parts of an upload of a known size are.
func partBytesFor(sizeBytes, wanted int64) int64 {
	if wanted <= 0 {
		wanted = leastPartBytes
	}
	return max(wanted, (sizeBytes+maxParts-1)/maxParts)
}

// parts uploads the bytes of a large original, which are proven when it returns.
func (p *putBack) parts(ctx context.Context, s *span, id string, partBytes int64) (parts []s3store.Part, err error) {
	buf := make([]byte, partBytes)
	for range maxTries {
		parts, err = p.partsOnce(ctx, s, id, buf)
		if err == nil || ctx.Err() != nil || errors.Is(err, s3store.ErrPrecondition) || errors.Is(err, s3store.ErrNotFound) || known(err) {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("put back %s: %w", s.originals[0].Key, err)
	}
	return parts, nil
}

func (p *putBack) partsOnce(ctx context.Context, s *span, id string, buf []byte) (parts []s3store.Part, err error) {
	r := p.g.r
	body, err := s.stream(ctx, r.store)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return uploadParts(ctx, r.store, s3store.Location{Bucket: r.o.Bucket, Key: s.originals[0].Key}, id, body, buf)
}

// uploadParts sends a body as parts of an upload, each of which fills the buffer but the last.
func uploadParts(ctx context.Context, s Store, to s3store.Location, id string, body io.Reader, buf []byte) (parts []s3store.Part, err error) {
	for {
		n, err := io.ReadFull(body, buf)
		// Plain, these stand for an end that the body's proof has reached.
		atEnd := err == io.EOF || err == io.ErrUnexpectedEOF
		if err != nil && !atEnd {
			return nil, err
		}
		if n > 0 {
			part, err := s.UploadPart(ctx, to.Bucket, to.Key, id, int32(len(parts)+1), buf[:n], validate.CRC64(buf[:n]))
			if err != nil {
				return nil, err
			}
			parts = append(parts, part)
		}
		if atEnd {
			return parts, nil
		}
	}
}
