package compactor

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/bits"
	"sync"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/singlegzip"
	"github.com/s3compact/s3compact/validate"
)

// member is one object that was read and proven.
type member struct {
	info      s3store.Info
	proof     validate.Gzip     // its First is not kept
	pieces    singlegzip.Pieces // for an output of one gzip member
	plain     bool              // plain text, not gzip
	class     headers
	firstLine string // digest of the first line, for the rule of equal header lines; "" when it is too long
	body      []byte // nil for an object too large to hold: it is read again
	release   func() // gives back the memory of body
}

// errLeftOut: the object changed or went away since it was listed. It is left
// out of this attempt; the next listing shows what is there.
var errLeftOut = errors.New("changed since it was listed")

// reader reads and proves members. Its memory: bodies of at most holdBytes,
// bounded together by the budget, and one prover for each reader at work.
type reader struct {
	store   Store
	bucket  string
	content validate.Content
	single  bool // for outputs of one gzip member
	budget  *budget
	provers sync.Pool // of *validate.Prover
	bodies  [bodyClasses]sync.Pool

	plainText bool // text that is not gzip is joined
}

// bodyClasses are the sizes of pooled buffers: the powers of two up to holdBytes.
const bodyClasses = 25

// bodyClass is the least power of two, as its exponent, that holds n bytes.
func bodyClass(n int64) int { return bits.Len64(uint64(max(n, 1) - 1)) }

// holdBytes is the largest object that is held in memory; a larger one is
// proven from a stream of constant memory and streamed again into the output.
const holdBytes = 16 << 20

func newReader(s Store, bucket string, content validate.Content, b *budget) *reader {
	return &reader{
		store: s, bucket: bucket, content: content, budget: b,
		provers: sync.Pool{New: func() any { return validate.NewProver() }},
	}
}

// holds is the memory that reading an object takes from the budget, in bytes.
func holds(o s3store.Object) int64 { return min(int64(1)<<bodyClass(o.SizeBytes), holdBytes) }

// read reads and proves one listed object. A *refusal says that it must not be
// joined, errLeftOut that it is no longer what was listed; anything else is a
// failure of the attempt. The caller has holds(o) of the budget, and gives it
// back through member.release, or itself when there is an error.
func (r *reader) read(ctx context.Context, o s3store.Object) (*member, error) {
	const tries = 3
	for n := 1; ; n++ {
		m, err := r.readOnce(ctx, o)
		var refused *refusal
		switch {
		case err == nil, errors.Is(err, errLeftOut), errors.As(err, &refused), ctx.Err() != nil:
			return m, err
		case n < tries && (errors.Is(err, errTransfer) || errors.Is(err, io.ErrUnexpectedEOF) || !known(err)):
			// A flaw that may lie in the transfer, not in the object, is judged on another reading.
			continue
		}
		var flaw *validate.GzipError
		if errors.As(err, &flaw) {
			return nil, &refusal{reason: string(flaw.Reason), detail: fmt.Sprintf("at byte %d: %s", flaw.Offset, flaw.Detail), lasting: flaw.Reason != singlegzip.ReasonTooManyMembers}
		}
		return nil, err
	}
}

// known says whether the error is an answer about the object, so that asking again changes nothing.
func known(err error) bool {
	return isFlaw(err) || errors.Is(err, s3store.ErrDenied) || errors.Is(err, s3store.ErrUnsupported) ||
		errors.Is(err, s3store.ErrBadRequest) || errors.Is(err, s3store.ErrRedirect) || errors.Is(err, s3store.ErrNoBucket)
}

// undecipherable is what a GET that S3 answers with 400 is put down to.
const undecipherable = "S3 refuses to read it: encrypted with a key of the customer, or with a KMS key that is disabled or gone"

// errTransfer marks bytes that differ from what the server says they are.
var errTransfer = errors.New("the bytes differ from their checksum")

func (r *reader) readOnce(ctx context.Context, o s3store.Object) (*member, error) {
	body, info, err := r.store.Get(ctx, r.bucket, o.Key, s3store.GetOptions{IfMatch: o.ETag})
	switch {
	case errors.Is(err, s3store.ErrPrecondition), errors.Is(err, s3store.ErrNotFound):
		return nil, errLeftOut
	case errors.Is(err, s3store.ErrArchived):
		return nil, &refusal{reason: "archived", detail: err.Error()}
	case errors.Is(err, s3store.ErrBadRequest):
		// S3 answers so where the bytes can't be decrypted: SSE-C without its key, a disabled KMS key.
		return nil, &refusal{reason: "encryption", detail: undecipherable}
	case errors.Is(err, s3store.ErrDenied) && !errors.Is(err, s3store.ErrCredentials):
		// One key that may not be read does not stop its group.
		return nil, &refusal{reason: reasonDenied, detail: err.Error()}
	case err != nil:
		return nil, err
	}
	defer body.Close()
	if info.TagCount > 0 {
		info.Tagging, err = r.store.Tagging(ctx, r.bucket, o.Key)
		switch {
		case errors.Is(err, s3store.ErrNotFound):
			return nil, errLeftOut
		case errors.Is(err, s3store.ErrDenied) && !errors.Is(err, s3store.ErrCredentials):
			return nil, &refusal{reason: "tags", detail: err.Error()}
		case err != nil:
			return nil, err
		case tagCount(info.Tagging) != info.TagCount:
			return nil, errLeftOut
		}
	}
	class, refused := classify(info)
	if refused != nil {
		return nil, refused
	}
	if info.SizeBytes != o.SizeBytes || info.ETag != o.ETag {
		return nil, errLeftOut
	}
	m := &member{info: info, class: class, release: func() {}}
	m.info.LastModified = o.LastModified
	prover := r.provers.Get().(*validate.Prover)
	defer r.provers.Put(prover)

	sum := md5Of(info)
	if o.SizeBytes <= holdBytes {
		pool := &r.bodies[bodyClass(o.SizeBytes)]
		buf, _ := pool.Get().(*[]byte)
		if buf == nil {
			b := make([]byte, 1<<bodyClass(o.SizeBytes))
			buf = &b
		}
		m.body = (*buf)[:o.SizeBytes]
		m.release = func() { pool.Put(buf) }
		if _, err := io.ReadFull(body, m.body); err != nil {
			m.release()
			return nil, err
		}
		if sum != nil {
			sum.Write(m.body)
		}
		err = r.prove(m, prover)
		if err != nil { // the proof ends at the flaw; the checksums still tell whether the transfer is to blame
			m.proof.CRC64 = validate.CRC64(m.body)
		}
	} else {
		err = r.proveStream(m, prover, body, sum)
	}
	if err == nil {
		err = validate.CheckContent(r.content, m.proof)
	}
	if err == nil || isFlaw(err) {
		if cerr := checkSums(m, sum); cerr != nil {
			err = cerr
		}
	}
	if err != nil {
		m.release()
		return nil, err
	}
	if line, whole := validate.FirstLine(m.proof); whole {
		digest := md5.Sum(line)
		m.firstLine = string(digest[:])
	}
	m.proof.First = nil
	return m, nil
}

// proveStream proves an object that is too large to hold.
func (r *reader) proveStream(m *member, prover *validate.Prover, body io.Reader, sum hash.Hash) (err error) {
	in := &crcReader{r: body, sum: sum}
	err = r.proveStreamed(m, prover, in)
	if err != nil && isFlaw(err) {
		// Read on to the end: only then do the checksums tell whether the transfer is to blame.
		if _, rerr := io.Copy(io.Discard, in); rerr != nil {
			return rerr
		}
		m.proof.CRC64 = in.crc
	}
	return err
}

func isFlaw(err error) bool {
	var flaw *validate.GzipError
	return errors.As(err, &flaw)
}

// checkSums compares the bytes with what the server has stored of them.
func checkSums(m *member, sum hash.Hash) error {
	if m.info.CRC64NVME != "" && m.info.CRC64NVME != validate.EncodeCRC64(m.proof.CRC64) {
		return errors.Join(errTransfer, &validate.GzipError{Reason: "checksum", Detail: "the stored CRC64NVME is not that of the bytes"})
	}
	if sum != nil && hex.EncodeToString(sum.Sum(nil)) != m.info.ETag {
		return errors.Join(errTransfer, &validate.GzipError{Reason: "checksum", Detail: "the ETag is not the MD5 of the bytes"})
	}
	return nil
}

// md5Of is a hash to compare with the ETag where that is an MD5: a single part
// under SSE-S3 or in plain text.
// API: Object of the S3 API reference, "ETag".
func md5Of(i s3store.Info) hash.Hash {
	if len(i.ETag) != 2*md5.Size || i.Encryption != "" && i.Encryption != "AES256" {
		return nil
	}
	if _, err := hex.DecodeString(i.ETag); err != nil {
		return nil
	}
	return md5.New()
}

// crcReader computes checksums of what passes through it.
type crcReader struct {
	r   io.Reader
	sum hash.Hash // may be nil
	crc uint64
	n   int64
}

func (c *crcReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.crc = validate.CRC64Update(c.crc, p[:n])
	if c.sum != nil {
		c.sum.Write(p[:n])
	}
	c.n += int64(n)
	return n, err
}

// open gives a proven member's bytes once more, for the output. A large one is
// read from S3 again and must be the same: the caller compares the checksum at the end.
func (r *reader) open(ctx context.Context, m *member) (io.ReadCloser, error) {
	if m.body != nil || m.proof.SizeBytes == 0 {
		return io.NopCloser(bytes.NewReader(m.body)), nil
	}
	body, _, err := r.store.Get(ctx, r.bucket, m.info.Key, s3store.GetOptions{IfMatch: m.info.ETag})
	if errors.Is(err, s3store.ErrPrecondition) || errors.Is(err, s3store.ErrNotFound) {
		return nil, fmt.Errorf("%s: %w", m.info.Key, errLeftOut)
	}
	return body, err
}
