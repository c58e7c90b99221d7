package compactor

import (
	"errors"
	"fmt"
	"io"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/singlegzip"
	"github.com/s3compact/s3compact/validate"
)

// proveGzip proves an object in memory; for an output of one gzip member it
// tells, too, what that will not hold of it.
func (r *reader) proveGzip(p *validate.Prover, stored []byte) (validate.Gzip, singlegzip.Pieces, error) {
	if r.single {
		return singlegzip.Prove(p, stored)
	}
	g, err := p.Gzip(stored)
	return g, nil, err
}

// proveGzipStream is proveGzip for an object that is too large to hold.
func (r *reader) proveGzipStream(p *validate.Prover, in io.Reader) (validate.Gzip, singlegzip.Pieces, error) {
	if r.single {
		return singlegzip.ProveStream(p, in)
	}
	g, err := p.GzipStream(in)
	return g, nil, err
}

// appendSingle appends a proven member to an output of one gzip member. The
// joiner gives the original back on the way, and compares it.
func (w *outputWriter) appendSingle(record receipt.Member, m *member, body io.Reader) error {
	if len(w.members) == 0 {
		w.first = record.Key
		if err := w.write(singlegzip.Begin(&w.joined)); err != nil {
			return err
		}
		w.joiner = singlegzip.NewJoiner()
	}
	w.joiner.Reset(body, m.proof, m.pieces)
	if err := w.readFrom(w.joiner); err != nil {
		return fmt.Errorf("join %s: %w", record.Key, err)
	}
	within := w.joiner.Joined()
	record.Offset, record.Pieces, record.RangeCRC64 = w.joined.SizeBytes, m.pieces, validate.EncodeCRC64(within.CRC64)
	w.joined.Add(within)
	if record.Newline {
		if err := w.write(singlegzip.AddNewline(&w.joined)); err != nil {
			return err
		}
	}
	w.members = append(w.members, record)
	return nil
}

// end is what comes behind the last member.
func (w *outputWriter) end() error {
	switch {
	case w.recompressing:
		return w.endText()
	case w.joiner != nil:
		return w.write(singlegzip.Finish(&w.joined))
	}
	return nil
}

// form is the output's form in its receipt.
func (w *outputWriter) form() string {
	switch {
	case w.recompress > 0:
		return receipt.Recompressed
	case w.joiner != nil:
		return receipt.SingleGzip
	}
	return ""
}

// combinedSingle is combinedCRC for an output of one gzip member.
func combinedSingle(e *receipt.Entry, o receipt.Output) (string, error) {
	var j validate.Joined
	singlegzip.Begin(&j)
	for i := range e.Members {
		m := &e.Members[i]
		if e.Outputs[m.Output].Key != o.Key {
			continue
		}
		crc, err := validate.DecodeCRC64(m.RangeCRC64)
		if err != nil || m.Pieces == nil || m.Offset != j.SizeBytes {
			return "", errors.Join(err, fmt.Errorf("member %s does not follow the one before it", m.Key))
		}
		j.Add(validate.Gzip{SizeBytes: m.RangeBytes(), CRC64: crc, UncompressedBytes: m.UncompressedBytes, CRC32: m.CRC32})
		if m.Newline {
			singlegzip.AddNewline(&j)
		}
	}
	singlegzip.Finish(&j)
	if j.SizeBytes != o.Size || j.UncompressedBytes != o.UncompressedBytes || j.CRC32 != o.CRC32 {
		return "", fmt.Errorf("the members make %d bytes, the output has %d", j.SizeBytes, o.Size)
	}
	return validate.EncodeCRC64(j.CRC64), nil
}

// proveSingle proves an output of one gzip member, and that it gives back each original.
func proveSingle(p *validate.Prover, r io.Reader, e *receipt.Entry, index int) (members int, err error) {
	o := &e.Outputs[index]
	crc, err := validate.DecodeCRC64(o.CRC64)
	if err != nil {
		return 0, err
	}
	var fault error
	at := 0
	next := func() (singlegzip.Original, bool) {
		for ; at < len(e.Members); at++ {
			m := &e.Members[at]
			if m.Output != index {
				continue
			}
			crc, err := validate.DecodeCRC64(m.CRC64)
			if err != nil {
				fault = err
				return singlegzip.Original{}, false
			}
			at++
			members++
			return singlegzip.Original{Name: m.Key, SizeBytes: m.Size, CRC64: crc, Pieces: m.Pieces, Newline: m.Newline}, true
		}
		return singlegzip.Original{}, false
	}
	out := validate.Joined{SizeBytes: o.Size, CRC64: crc, UncompressedBytes: o.UncompressedBytes, CRC32: o.CRC32}
	err = errors.Join(singlegzip.Verify(p, r, out, next), fault)
	if err == nil && members != o.Members {
		err = fmt.Errorf("%d members, the receipt says %d", members, o.Members)
	}
	return members, err
}

// rebuilt is the original in its range of an output.
func rebuilt(r io.Reader, m *receipt.Member) io.Reader {
	switch {
	case m.PackedBytes > 0:
		return &unpacked{in: brokenReader{r: r}}
	case m.Pieces == nil:
		return r
	}
	crc, err := validate.DecodeCRC64(m.CRC64)
	if err != nil {
		return failing{err}
	}
	back := singlegzip.NewRestorer()
	back.Reset(r, m.Size, crc, m.Pieces)
	return back
}

// failing is a reader of nothing.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
