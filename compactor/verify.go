package compactor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/validate"
)

// VerifySummary is what a verification found.
type VerifySummary struct {
	Groups     int64 `json:"groups"`
	GroupsOpen int64 `json:"groups_open"` // whose last commit is not finished; its outputs are not looked at
	Outputs    int64 `json:"outputs"`
	OutputsBad int64 `json:"outputs_bad"`
	Members    int64 `json:"members"`
	Bytes      int64 `json:"bytes"` // read back
}

// Verified is the verdict on one output.
type Verified struct {
	Bucket  string
	Key     string
	Members int
	Bytes   int64
	Err     error // nil: every byte is what the receipt says
}

// Verify reads every live output of a state back and proves it against its
// receipt: its length and CRC-64/NVME, each member's CRC-64/NVME at its
// offset, and each member's gzip data down to its CRC-32 and length. It needs
// nothing but the state, and writes nothing. each is called for one output at
// a time. An error means that something could not be looked at; bad outputs
// are counted. Memory: one member of at most holdBytes for each of
// Options.Concurrency outputs at work, and their receipts.
func Verify(ctx context.Context, s Store, o Options, each func(Verified)) (VerifySummary, error) {
	o.setDefaults()
	var sum VerifySummary
	layout, number, err := readLayout(ctx, s, o.State)
	if err != nil {
		return sum, fmt.Errorf("is %s the state of a compaction? %w", o.State, err)
	}
	st := newState(s, &o, layout, number)
	ids, err := st.groupIDs(ctx)
	if err != nil {
		return sum, err
	}
	v := &verifier{st: st, o: &o, each: each, sum: &sum}
	eg, ectx := errgroup.WithContext(ctx)
	eg.SetLimit(min(o.Concurrency, 8))
	for _, gid := range ids {
		eg.Go(func() error { return v.group(ectx, gid) })
	}
	if err := eg.Wait(); err != nil {
		return sum, err
	}
	if ctx.Err() != nil {
		return sum, context.Cause(ctx)
	}
	return sum, nil
}

type verifier struct {
	st   *state
	o    *Options
	each func(Verified)
	mu   sync.Mutex // guards sum and calls of each
	sum  *VerifySummary
}

func (v *verifier) group(ctx context.Context, gid string) error {
	log, err := v.st.readLogByID(ctx, gid)
	if err != nil {
		return err
	}
	summed := log.entry
	if summed != nil && !log.free() {
		summed = nil
		if log.head > 1 {
			if summed, err = v.st.readEntry(ctx, gid, log.head-1); err != nil {
				return err
			}
		}
	}
	v.mu.Lock()
	v.sum.Groups++
	if !log.free() {
		v.sum.GroupsOpen++
	}
	v.mu.Unlock()
	if summed == nil {
		return nil
	}
	for _, ref := range summed.Live {
		entry, err := v.st.readEntry(ctx, gid, ref.Commit)
		if err != nil {
			return err
		}
		found := v.output(ctx, entry, ref)
		if errors.Is(found.Err, context.Canceled) || errors.Is(found.Err, context.DeadlineExceeded) {
			return found.Err
		}
		v.mu.Lock()
		v.sum.Outputs++
		v.sum.Members += int64(found.Members)
		v.sum.Bytes += found.Bytes
		if found.Err != nil {
			v.sum.OutputsBad++
		}
		v.each(found)
		v.mu.Unlock()
		v.o.Progress.Add(1, found.Bytes)
	}
	return nil
}

// output proves one output.
func (v *verifier) output(ctx context.Context, e *receipt.Entry, ref receipt.OutputRef) Verified {
	found := Verified{Bucket: ref.Bucket, Key: ref.Key}
	o, index := receipt.Output{}, -1
	for i := range e.Outputs {
		if e.Outputs[i].Key == ref.Key {
			o, index = e.Outputs[i], i
		}
	}
	if index < 0 {
		found.Err = fmt.Errorf("entry %d does not name it: %w", e.Number, receipt.ErrFormat)
		return found
	}
	body, info, err := v.st.store.Get(ctx, o.Bucket, o.Key, s3store.GetOptions{})
	if err != nil {
		found.Err = err
		return found
	}
	defer body.Close()
	switch {
	case info.SizeBytes != o.Size:
		found.Err = fmt.Errorf("it has %d bytes, the receipt says %d", info.SizeBytes, o.Size)
		return found
	case info.CRC64NVME != "" && info.CRC64NVME != o.CRC64:
		found.Err = fmt.Errorf("S3 stored the checksum %s, the receipt says %s", info.CRC64NVME, o.CRC64)
		return found
	}
	whole := &crcReader{r: body}
	prover := validate.NewProver()
	for i := range e.Members {
		m := &e.Members[i]
		if m.Output != index {
			continue
		}
		if err := proveMember(prover, whole, m); err != nil {
			found.Err = fmt.Errorf("member %s at byte %d: %w", m.Key, m.Offset, err)
			return found
		}
		found.Members++
	}
	found.Bytes = whole.n
	if n, _ := io.Copy(io.Discard, whole); n > 0 {
		found.Err = fmt.Errorf("%d bytes follow the last member", n)
		return found
	}
	if crc := validate.EncodeCRC64(whole.crc); whole.n != o.Size || crc != o.CRC64 || found.Members != o.Members {
		found.Err = fmt.Errorf("%d bytes of %d members with checksum %s, the receipt says %d, %d, %s", whole.n, found.Members, crc, o.Size, o.Members, o.CRC64)
	}
	return found
}

// proveMember proves the next bytes of an output to be the member that the receipt describes.
func proveMember(p *validate.Prover, r *crcReader, m *receipt.Member) error {
	if r.n != m.Offset {
		return fmt.Errorf("the receipt has a gap: the member before it ends at byte %d", r.n)
	}
	proof, err := p.GzipStream(io.LimitReader(r, m.Size))
	if err != nil {
		return err
	}
	if proof.SizeBytes != m.Size || validate.EncodeCRC64(proof.CRC64) != m.CRC64 || proof.UncompressedBytes != m.UncompressedBytes || proof.CRC32 != m.CRC32 {
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
