package compactor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/singlegzip"
	"github.com/s3compact/s3compact/validate"
)

// partsUnderWay is how many parts of one output are uploaded while the next is filled.
const partsUnderWay = 1

// copiesAtOnce is the same where the server copies most parts.
const copiesAtOnce = 4

// outputWriter uploads one output. It holds at most one buffer more than parts
// are under way. Nothing is visible in S3 before the upload is completed, which is
// not done here.
type outputWriter struct {
	store      Store
	bucket     string
	partBytes  int64
	attributes s3store.Attributes
	// name is asked for the key once: when the first part is full, or at the end,
	// when all members are known.
	name func(first string, members []receipt.Member, all bool) (key string, err error)

	first  string // key of the first member
	key    string
	id     string // of the upload; "" before it was started
	joined validate.Joined
	joiner *singlegzip.Joiner // of an output of one gzip member
	packer *packer            // of text; nil where there is none

	recompress    int              // level with which all text is compressed anew; 0: not
	recompressing bool             // the packer has begun, and has not ended
	inflater      *validate.Prover // of members whose text is compressed anew
	members       []receipt.Member

	buf     []byte
	number  int32 // of the last part that was sent
	uploads *errgroup.Group
	ctx     context.Context // of the part uploads
	mu      sync.Mutex      // guards what follows
	parts   []s3store.Part  // by number
	spare   [][]byte
}

func newOutputWriter(ctx context.Context, s Store, bucket string, partBytes int64, underWay int, attributes s3store.Attributes, name func(string, []receipt.Member, bool) (string, error)) *outputWriter {
	w := &outputWriter{store: s, bucket: bucket, partBytes: partBytes, attributes: attributes, name: name}
	w.uploads, w.ctx = errgroup.WithContext(ctx)
	w.uploads.SetLimit(underWay)
	return w
}

// add appends a proven member, and a newline member behind it where it does
// not end its last line.
func (w *outputWriter) add(m *member, body io.Reader) error {
	record := receipt.Member{
		Key: m.info.Key, ETag: m.info.ETag, VersionID: m.info.VersionID, Size: m.proof.SizeBytes,
		CRC64: validate.EncodeCRC64(m.proof.CRC64), UncompressedBytes: m.proof.UncompressedBytes, CRC32: m.proof.CRC32,
		LastModified: m.info.LastModified, Attributes: m.info.Attributes, Newline: m.proof.NeedsNewline(),
	}
	if m.plain {
		record.Encoding = receipt.PlainText
	}
	switch {
	case w.recompress > 0:
		return w.appendText(record, m.plain, body)
	case m.plain:
		return w.appendPacked(record, m.proof, body)
	case m.pieces != nil:
		return w.appendSingle(record, m, body)
	}
	return w.append(record, m.proof, body)
}

// append appends the bytes that the proof is of, and a newline member where the record says so.
func (w *outputWriter) append(record receipt.Member, proof validate.Gzip, body io.Reader) error {
	if len(w.members) == 0 {
		w.first = record.Key
	}
	in := &crcReader{r: body}
	if err := w.readFrom(in); err != nil {
		return fmt.Errorf("join %s: %w", record.Key, err)
	}
	if in.n != proof.SizeBytes || in.crc != proof.CRC64 {
		return fmt.Errorf("join %s: %d bytes with other content than the %d that were proven", record.Key, in.n, proof.SizeBytes)
	}
	record.Offset = w.joined.SizeBytes
	w.joined.Add(proof)
	return w.endMember(record)
}

// copy appends a whole object whose bytes the server copies. No bytes may be
// waiting: the parts before it must be full.
func (w *outputWriter) copy(record receipt.Member, proof validate.Gzip) error {
	if len(w.members) == 0 {
		w.first = record.Key
	}
	number, err := w.nextPart(false)
	if err != nil {
		return err
	}
	record.Offset = w.joined.SizeBytes
	w.joined.Add(proof)
	w.members = append(w.members, record)
	w.uploads.Go(func() error {
		from := s3store.CopySource{Bucket: record.Bucket, Key: record.Key, ETag: record.ETag, SizeBytes: record.Size}
		p, err := w.store.CopyPart(w.ctx, w.bucket, w.key, w.id, number, from)
		if err != nil {
			return err
		}
		if p.CRC64NVME == "" {
			p.CRC64NVME = record.CRC64 // the completion proves it
		}
		if p.CRC64NVME != record.CRC64 {
			return fmt.Errorf("copy s3://%s/%s: the copy's checksum is %s, the receipt's %s; nothing was committed", record.Bucket, record.Key, p.CRC64NVME, record.CRC64)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.parts = append(w.parts, p)
		return nil
	})
	return nil
}

func (w *outputWriter) readFrom(r io.Reader) error {
	for {
		if err := w.room(); err != nil {
			return err
		}
		n, err := r.Read(w.buf[len(w.buf):cap(w.buf)])
		w.buf = w.buf[:len(w.buf)+n]
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (w *outputWriter) write(b []byte) error {
	for len(b) > 0 {
		if err := w.room(); err != nil {
			return err
		}
		n := min(len(b), cap(w.buf)-len(w.buf))
		w.buf = append(w.buf, b[:n]...)
		b = b[n:]
	}
	return nil
}

// room makes sure that the buffer has some, sending a full one as a part.
func (w *outputWriter) room() error {
	if w.buf != nil && len(w.buf) == cap(w.buf) {
		if err := w.sendPart(false); err != nil {
			return err
		}
	}
	if w.buf == nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		if n := len(w.spare); n > 0 {
			w.buf, w.spare = w.spare[n-1], w.spare[:n-1]
		} else {
			w.buf = make([]byte, 0, w.partBytes)
		}
	}
	return nil
}

// nextPart is the number of the next part; the upload is started before its first one.
func (w *outputWriter) nextPart(last bool) (int32, error) {
	if w.number == maxParts {
		return 0, fmt.Errorf("output s3://%s/%s needs more than %d parts: use a smaller --target-size", w.bucket, w.key, maxParts)
	}
	if w.id == "" {
		var members []receipt.Member
		if last { // else more come meanwhile
			members = w.members
		}
		key, err := w.name(w.first, members, last)
		if err != nil {
			return 0, err
		}
		w.key = key
		if w.id, err = w.store.CreateUpload(w.ctx, w.bucket, key, w.attributes); err != nil {
			return 0, err
		}
	}
	w.number++
	return w.number, nil
}

// sendPart hands the buffer over to be uploaded.
func (w *outputWriter) sendPart(last bool) error {
	number, err := w.nextPart(last)
	if err != nil {
		return err
	}
	body := w.buf
	w.buf = nil
	w.uploads.Go(func() error {
		p, err := w.store.UploadPart(w.ctx, w.bucket, w.key, w.id, number, body, validate.CRC64(body))
		w.mu.Lock()
		defer w.mu.Unlock()
		w.parts = append(w.parts, p)
		w.spare = append(w.spare, body[:0])
		return err
	})
	return nil
}

// finish sends the last part and is the record of the upload, ready to be committed.
func (w *outputWriter) finish(ctx context.Context) (receipt.Output, error) {
	if err := w.end(); err != nil {
		return receipt.Output{}, errors.Join(err, w.uploads.Wait())
	}
	if len(w.buf) > 0 {
		if err := w.sendPart(true); err != nil {
			return receipt.Output{}, errors.Join(err, w.uploads.Wait())
		}
	}
	if err := w.uploads.Wait(); err != nil {
		return receipt.Output{}, err
	}
	if err := ctx.Err(); err != nil {
		return receipt.Output{}, err
	}
	w.buf, w.spare = nil, nil
	parts := make([]s3store.Part, w.number)
	var sum validate.Joined
	for _, p := range w.parts {
		parts[p.Number-1] = p
	}
	for _, p := range parts {
		crc, err := validate.DecodeCRC64(p.CRC64NVME)
		if err != nil {
			return receipt.Output{}, err
		}
		sum.Add(validate.Gzip{SizeBytes: p.SizeBytes, CRC64: crc})
	}
	if sum.SizeBytes != w.joined.SizeBytes || sum.CRC64 != w.joined.CRC64 {
		return receipt.Output{}, fmt.Errorf("output s3://%s/%s: the parts as sent are not the members as proven; a flaw of memory or program, nothing was committed", w.bucket, w.key)
	}
	return receipt.Output{
		Bucket: w.bucket, Key: w.key, Size: w.joined.SizeBytes, CRC64: validate.EncodeCRC64(w.joined.CRC64),
		UploadID: w.id, Gzip: w.form(), Parts: parts, Attributes: w.attributes, Members: len(w.members),
		UncompressedBytes: w.joined.UncompressedBytes, CRC32: w.joined.CRC32,
	}, nil
}

// abort drops the upload: nothing of it was ever visible. A failure only
// leaves an upload that a later run sweeps.
func (w *outputWriter) abort(ctx context.Context) {
	if w.recompressing {
		w.packer.abort()
		w.recompressing = false
	}
	_ = w.uploads.Wait() // its error was seen, or does not matter any more
	if w.id != "" {
		_ = w.store.AbortUpload(ctx, w.bucket, w.key, w.id)
	}
}
