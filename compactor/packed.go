package compactor

import (
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/validate"
)

// appendPacked appends plain text as a gzip member, and a newline member behind it
// where the record says so.
func (w *outputWriter) appendPacked(record receipt.Member, proof validate.Gzip, body io.Reader) (err error) {
	if len(w.members) == 0 {
		w.first = record.Key
	}
	if w.packer == nil {
		if w.packer, err = newPacker(gzip.DefaultCompression, w.write); err != nil {
			return err
		}
	}
	p := w.packer
	p.begin()
	if _, err := io.Copy(p, body); err != nil {
		p.abort()
		return fmt.Errorf("join %s: %w", record.Key, err)
	}
	if err := p.close(); err != nil {
		return fmt.Errorf("join %s: %w", record.Key, err)
	}
	if p.text != (sums{proof.SizeBytes, proof.CRC64, proof.CRC32}) {
		return fmt.Errorf("join %s: %d bytes with other content than the %d that were proven", record.Key, p.text.bytes, proof.SizeBytes)
	}
	record.Offset = w.joined.SizeBytes
	record.PackedBytes, record.RangeCRC64 = p.packed.bytes, validate.EncodeCRC64(p.packed.crc64)
	w.joined.Add(validate.Gzip{SizeBytes: p.packed.bytes, CRC64: p.packed.crc64, UncompressedBytes: p.text.bytes, CRC32: p.text.crc32})
	return w.endMember(record)
}

// endMember notes a member whose bytes are appended, and ends its last line.
func (w *outputWriter) endMember(record receipt.Member) error {
	if record.Newline {
		if err := w.write(validate.NewlineMember); err != nil {
			return err
		}
		w.joined.AddNewline()
	}
	w.members = append(w.members, record)
	return nil
}

// rangeOf is the proof of what an output of joined gzip members holds of a member.
func rangeOf(m *receipt.Member) (validate.Gzip, error) {
	sum := m.CRC64
	if m.PackedBytes > 0 {
		sum = m.RangeCRC64
	}
	crc, err := validate.DecodeCRC64(sum)
	return validate.Gzip{SizeBytes: m.RangeBytes(), CRC64: crc, UncompressedBytes: m.UncompressedBytes, CRC32: m.CRC32}, err
}

// unpacked is the plain text in its range of an output. The inflated bytes are not
// proven: whoever reads them compares their length and checksum.
type unpacked struct {
	in brokenReader
	zr *gzip.Reader
}

func (u *unpacked) Read(b []byte) (n int, err error) {
	if u.zr == nil {
		u.zr, err = gzip.NewReader(&u.in)
	}
	if err == nil {
		n, err = u.zr.Read(b)
	}
	if err != nil && err != io.EOF && u.in.err == nil { //nolint:errorlint // a wrapped one is the source's own
		err = errors.Join(errAltered, err) // the bytes are to blame
	}
	return n, err
}
