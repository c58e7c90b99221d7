package compactor

import (
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/validate"
)

// appendText appends the text of a member to a recompressed output, and a newline
// behind it where the record says so.
func (w *outputWriter) appendText(record receipt.Member, plain bool, body io.Reader) (err error) {
	if len(w.members) == 0 {
		w.first = record.Key
		if w.packer, err = newWidePacker(w.recompress, w.write); err != nil {
			return err
		}
		w.packer.begin()
		w.recompressing = true
	}
	stored, text := &crcReader{r: body}, &sums{}
	to := io.MultiWriter(text, w.packer)
	if plain {
		_, err = io.Copy(to, stored)
	} else {
		err = w.inflate(to, stored)
	}
	if err != nil {
		return fmt.Errorf("join %s: %w", record.Key, err)
	}
	if stored.n != record.Size || validate.EncodeCRC64(stored.crc) != record.CRC64 || text.bytes != record.UncompressedBytes || text.crc32 != record.CRC32 {
		return fmt.Errorf("join %s: %d bytes of text with other content than the %d that were proven", record.Key, text.bytes, record.UncompressedBytes)
	}
	record.Offset = w.joined.UncompressedBytes
	addText(&w.joined, &record)
	if record.Newline {
		if _, err := w.packer.Write([]byte{'\n'}); err != nil {
			return fmt.Errorf("join %s: %w", record.Key, err)
		}
	}
	w.members = append(w.members, record)
	return nil
}

// inflate writes the text of a proven member. It is proven once more: a reader of
// another kind might refuse a header that the proof allows.
func (w *outputWriter) inflate(to io.Writer, stored io.Reader) error {
	if w.inflater == nil {
		w.inflater = validate.NewProver()
	}
	w.inflater.EachData = func(b []byte) error {
		_, err := to.Write(b)
		return err
	}
	_, err := w.inflater.GzipStream(stored)
	return err
}

// addText adds a member's text, and the newline behind it.
func addText(j *validate.Joined, m *receipt.Member) {
	j.Add(validate.Gzip{UncompressedBytes: m.UncompressedBytes, CRC32: m.CRC32})
	if m.Newline {
		size, crc := j.SizeBytes, j.CRC64
		j.AddNewline()
		j.SizeBytes, j.CRC64 = size, crc // of the text alone
	}
}

// endText ends a recompressed output: what it inflates to is compared with what
// its members were proven to hold.
func (w *outputWriter) endText() error {
	w.recompressing = false
	if err := w.packer.close(); err != nil {
		return err
	}
	if t := w.packer.text; t.bytes != w.joined.UncompressedBytes || t.crc32 != w.joined.CRC32 {
		return errPacking
	}
	w.joined.SizeBytes, w.joined.CRC64 = w.packer.packed.bytes, w.packer.packed.crc64
	return nil
}

// combinedText sees that the members make the text of a recompressed output.
func combinedText(e *receipt.Entry, o receipt.Output) error {
	var j validate.Joined
	for i := range e.Members {
		m := &e.Members[i]
		if e.Outputs[m.Output].Key != o.Key {
			continue
		}
		if m.Absorbed() || m.Offset != j.UncompressedBytes {
			return fmt.Errorf("the text of member %s does not follow that of the one before it", m.Key)
		}
		addText(&j, m)
	}
	if j.UncompressedBytes != o.UncompressedBytes || j.CRC32 != o.CRC32 {
		return fmt.Errorf("the members make %d bytes of text, the output has %d", j.UncompressedBytes, o.UncompressedBytes)
	}
	return nil
}

// proveRecompressed proves a recompressed output: its bytes, and the text of each member.
func proveRecompressed(whole *crcReader, e *receipt.Entry, index int) (members int, err error) {
	o := &e.Outputs[index]
	zr, err := gzip.NewReader(whole)
	if err != nil {
		return 0, err
	}
	at := int64(0)
	for i := range e.Members {
		m := &e.Members[i]
		if m.Output != index {
			continue
		}
		if m.Offset != at {
			return members, fmt.Errorf("member %s: the receipt has a gap: the text before it ends at byte %d", m.Key, at)
		}
		var text sums
		if _, err := io.CopyN(&text, zr, m.UncompressedBytes); err != nil {
			return members, fmt.Errorf("text of member %s at byte %d: %w", m.Key, m.Offset, err)
		}
		if text.crc32 != m.CRC32 {
			return members, fmt.Errorf("text of member %s at byte %d: its checksum is not that of the receipt", m.Key, m.Offset)
		}
		at += m.UncompressedBytes
		if m.Newline {
			var b [1]byte
			if _, err := io.ReadFull(zr, b[:]); err != nil || b[0] != '\n' {
				return members, errors.Join(fmt.Errorf("the newline behind member %s is not there", m.Key), err)
			}
			at++
		}
		members++
	}
	switch n, err := io.Copy(io.Discard, zr); {
	case err != nil:
		return members, err
	case n > 0:
		return members, fmt.Errorf("%d bytes of text follow the last member", n)
	}
	if crc := validate.EncodeCRC64(whole.crc); whole.n != o.Size || crc != o.CRC64 || members != o.Members {
		return members, fmt.Errorf("%d bytes of %d members with checksum %s, the receipt says %d, %d, %s", whole.n, members, crc, o.Size, o.Members, o.CRC64)
	}
	return members, nil
}

// reasonRecompressed stands for an original that can't come back byte for byte:
// only its content is in an output.
const reasonRecompressed = "recompressed"

// recompressedKey is the refusal to give back an original.
func recompressedKey(key, output string) Refused {
	return Refused{Key: key, Reason: reasonRecompressed, Detail: "its text is in the recompressed output " + output + ", where gunzip and the receipt's offset and uncompressed_bytes find it; its gzip bytes are nowhere"}
}
