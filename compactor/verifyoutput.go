package compactor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/validate"
)

// readings is how often an output is read before a flaw in it is believed: it
// may lie in the transfer.
const readings = 3

// proveOutput reads an output and proves it to be what the entry says.
func proveOutput(ctx context.Context, s Store, e *receipt.Entry, ref receipt.OutputRef) Verified {
	index := slices.IndexFunc(e.Outputs, func(o receipt.Output) bool { return o.Key == ref.Key })
	if index < 0 {
		return Verified{Bucket: ref.Bucket, Key: ref.Key, Err: fmt.Errorf("entry %d does not name it: %w", e.Number, receipt.ErrFormat)}
	}
	for n := 1; ; n++ {
		found, certain := proveOnce(ctx, s, e, index)
		if found.Err == nil || certain || n == readings || ctx.Err() != nil {
			return found
		}
	}
}

// proveOnce is one reading. certain says that another one finds the same.
func proveOnce(ctx context.Context, s Store, e *receipt.Entry, index int) (found Verified, certain bool) {
	o := &e.Outputs[index]
	found = Verified{Bucket: o.Bucket, Key: o.Key}
	body, info, err := s.Get(ctx, o.Bucket, o.Key, s3store.GetOptions{})
	if err != nil {
		missing := errors.Is(err, s3store.ErrNotFound) && !errors.Is(err, s3store.ErrNoBucket)
		found.Err, found.Unread = err, !missing
		return found, missing || known(err)
	}
	defer body.Close()
	switch {
	case info.SizeBytes != o.Size:
		found.Err = fmt.Errorf("it has %d bytes, the receipt says %d", info.SizeBytes, o.Size)
		return found, true
	case info.CRC64NVME != "" && info.CRC64NVME != o.CRC64:
		found.Err = fmt.Errorf("S3 stored the checksum %s, the receipt says %s", info.CRC64NVME, o.CRC64)
		return found, true
	}
	in := &brokenReader{r: body}
	found.Members, found.Bytes, found.Err = proveBytes(in, e, index)
	found.Unread = in.err != nil
	return found, false
}

// proveBytes proves the bytes of an output, member by member.
func proveBytes(r io.Reader, e *receipt.Entry, index int) (members int, bytes int64, err error) {
	o := &e.Outputs[index]
	whole := &crcReader{r: r}
	prover := validate.NewProver()
	switch o.Gzip {
	case receipt.SingleGzip:
		members, err = proveSingle(prover, whole, e, index)
		return members, whole.n, err
	case receipt.Recompressed:
		members, err = proveRecompressed(whole, e, index)
		return members, whole.n, err
	}
	for i := range e.Members {
		m := &e.Members[i]
		if m.Output != index {
			continue
		}
		if err := proveMember(prover, whole, m); err != nil {
			return members, whole.n, fmt.Errorf("member %s at byte %d: %w", m.Key, m.Offset, err)
		}
		members++
	}
	end := whole.n
	switch n, err := io.Copy(io.Discard, whole); {
	case err != nil:
		return members, end, err
	case n > 0:
		return members, end, fmt.Errorf("%d bytes follow the last member", n)
	}
	if crc := validate.EncodeCRC64(whole.crc); whole.n != o.Size || crc != o.CRC64 || members != o.Members {
		return members, end, fmt.Errorf("%d bytes of %d members with checksum %s, the receipt says %d, %d, %s", whole.n, members, crc, o.Size, o.Members, o.CRC64)
	}
	return members, end, nil
}

// proveMember proves the next bytes of an output to be the member that the
// receipt describes: an original, or an output that was absorbed.
func proveMember(p *validate.Prover, r *crcReader, m *receipt.Member) error {
	if r.n != m.Offset {
		return fmt.Errorf("the receipt has a gap: the member before it ends at byte %d", r.n)
	}
	want, err := rangeOf(m)
	if err != nil {
		return err
	}
	proof, err := p.GzipStream(io.LimitReader(r, want.SizeBytes))
	if err != nil {
		return err
	}
	if proof.SizeBytes != want.SizeBytes || proof.CRC64 != want.CRC64 || proof.UncompressedBytes != want.UncompressedBytes || proof.CRC32 != want.CRC32 {
		return errors.New("its checksums are not those of the receipt")
	}
	if m.Newline {
		b := make([]byte, len(validate.NewlineMember))
		if _, err := io.ReadFull(r, b); err != nil || !bytes.Equal(b, validate.NewlineMember) {
			return errors.Join(errors.New("the newline member behind it is not there"), err)
		}
	}
	return nil
}

// brokenReader remembers why a body could not be read to its end.
type brokenReader struct {
	r   io.Reader
	err error // other than io.EOF
}

func (b *brokenReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	return n, err
}
