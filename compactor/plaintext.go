package compactor

import (
	"bufio"
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"strings"

	"github.com/s3compact/s3compact/validate"
)

// mayBeText says whether an object of this key may be plain text: one that is
// called gzip has to be gzip.
func mayBeText(key string) bool { return !strings.HasSuffix(key, gzipExtension) }

// gzipMagic is what every gzip object begins with.
// Source: RFC 1952 section 2.3.1.
const gzipMagic = "\x1f\x8b"

// prove proves an object in memory: gzip, or plain text where that is joined.
func (r *reader) prove(m *member, p *validate.Prover) (err error) {
	if r.plainText && mayBeText(m.info.Key) && !bytes.HasPrefix(m.body, []byte(gzipMagic)) {
		m.plain = true
		m.proof = proveText(m.body)
		return checkText(m)
	}
	m.proof, m.pieces, err = r.proveGzip(p, m.body)
	return err
}

// proveStreamed is prove for an object that is too large to hold.
func (r *reader) proveStreamed(m *member, p *validate.Prover, in io.Reader) (err error) {
	if r.plainText && mayBeText(m.info.Key) {
		ahead := bufio.NewReaderSize(in, validate.FirstBytes)
		begin, err := ahead.Peek(len(gzipMagic))
		if err != nil {
			return fmt.Errorf("read %s: %w", m.info.Key, err)
		}
		if string(begin) != gzipMagic {
			m.plain = true
			if m.proof, err = proveTextStream(ahead); err != nil {
				return err
			}
			return checkText(m)
		}
		in = ahead
	}
	m.proof, m.pieces, err = r.proveGzipStream(p, in)
	return err
}

// proveText is what is known of plain text in memory. Its First is part of it.
func proveText(text []byte) validate.Gzip {
	n := len(text)
	return validate.Gzip{
		SizeBytes: int64(n), CRC64: validate.CRC64(text), UncompressedBytes: int64(n), CRC32: crc32.ChecksumIEEE(text),
		EndsWithNewline: n > 0 && text[n-1] == '\n', First: text[:min(n, validate.FirstBytes)],
	}
}

// proveTextStream is proveText for a stream, in constant memory.
func proveTextStream(r io.Reader) (g validate.Gzip, err error) {
	buf := make([]byte, 256<<10)
	for {
		n, err := r.Read(buf)
		if b := buf[:n]; n > 0 {
			g.SizeBytes += int64(n)
			g.CRC64 = validate.CRC64Update(g.CRC64, b)
			g.CRC32 = crc32.Update(g.CRC32, crc32.IEEETable, b)
			g.EndsWithNewline = b[n-1] == '\n'
			g.First = append(g.First, b[:min(n, validate.FirstBytes-len(g.First))]...)
		}
		if err == io.EOF { // a wrapped one is the source's own
			g.UncompressedBytes = g.SizeBytes
			return g, nil
		}
		if err != nil {
			return validate.Gzip{}, err
		}
	}
}

// binaries are how other compressed formats begin, which need not have a NUL byte.
// Sources: RFC 8878 section 3.1.1, and the descriptions of bzip2, xz, the LZ4 frame
// and the Snappy framing format.
var binaries = []struct{ magic, what string }{
	{"\x28\xb5\x2f\xfd", "Zstandard"},
	{"BZh", "bzip2"},
	{"\xfd7zXZ\x00", "xz"},
	{"\x04\x22\x4d\x18", "LZ4"},
	{"\xff\x06\x00\x00sNaPpY", "Snappy"},
}

// checkText refuses what is no plain text, whatever content is asked for. A
// member that says that it is encoded is not what its bytes seem to be.
func checkText(m *member) error {
	for _, b := range binaries {
		if bytes.HasPrefix(m.proof.First, []byte(b.magic)) {
			return &validate.GzipError{Reason: validate.ReasonFormat, Detail: "neither gzip nor text: it begins as " + b.what}
		}
	}
	if at := bytes.IndexByte(m.proof.First, 0); at >= 0 {
		return &validate.GzipError{Reason: validate.ReasonFormat, Offset: int64(at), Detail: "neither gzip nor text: a NUL byte"}
	}
	if e := m.info.ContentEncoding; e != "" {
		return &refusal{reason: string(validate.ReasonFormat), detail: fmt.Sprintf("its Content-Encoding is %q, but its bytes are not gzip", e)}
	}
	return nil
}
