package inflate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/adler32"
	"hash/crc32"
	"io"
)

// ChecksumError is a trailer that does not match the data.
type ChecksumError struct {
	Offset int64  // of the trailer, in bytes from the beginning
	Detail string // for people; not stable
}

func (e *ChecksumError) Error() string {
	return fmt.Sprintf("trailer at byte %d: %s", e.Offset, e.Detail)
}

// AppendGzip is like Append for the one gzip member (RFC 1952 section 2.2) at the beginning of src, and returns how many
// bytes of src the member takes.
//
// Beyond Append's errors there are ErrNoMember, [*HeaderError] and [*ChecksumError]; offsets count from the member's beginning.
func (d *Decoder) AppendGzip(dst, src []byte, limitBytes int) (out []byte, sizeBytes int, err error) {
	d.framed.Reset(src)
	defer d.framed.Reset(nil)
	if err := ReadGzipHeader(&d.framed); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return dst, 0, ErrTruncated
	} else if err != nil {
		return dst, 0, err
	}
	const trailerBytes = 4 + 4
	out, end, err := d.appendFramed(dst, src, len(src)-d.framed.Len(), trailerBytes, limitBytes)
	if err != nil {
		return dst, 0, err
	}
	data, trailer := out[len(dst):], src[end:]
	if got, want := crc32.ChecksumIEEE(data), binary.LittleEndian.Uint32(trailer); got != want {
		return dst, 0, &ChecksumError{int64(end), fmt.Sprintf("CRC-32 0x%08x, but the data has 0x%08x", want, got)}
	}
	if got, want := uint32(len(data)), binary.LittleEndian.Uint32(trailer[4:]); got != want { // modulo 2^32
		return dst, 0, &ChecksumError{int64(end), fmt.Sprintf("length %d, but the data has %d bytes", want, len(data))}
	}
	return out, end + trailerBytes, nil
}

// AppendZlib is like Append for the zlib stream (RFC 1950) at the beginning of src, and returns how many bytes of src the
// stream takes. The window size that it declares is not held against it.
//
// Beyond Append's errors there are [*HeaderError] and [*ChecksumError]; offsets count from the stream's beginning.
func (d *Decoder) AppendZlib(dst, src []byte, limitBytes int) (out []byte, sizeBytes int, err error) {
	const headerBytes, trailerBytes = 2, 4
	if len(src) < headerBytes {
		return dst, 0, ErrTruncated
	}
	switch header := binary.BigEndian.Uint16(src); {
	case header>>8&15 != methodDeflate || header>>12 > 7 || header%31 != 0:
		return dst, 0, &HeaderError{fmt.Sprintf("0x%04x is no zlib header", header)}
	case header&(1<<5) != 0:
		return dst, 0, &HeaderError{"the zlib stream needs a dictionary"}
	}
	out, end, err := d.appendFramed(dst, src, headerBytes, trailerBytes, limitBytes)
	if err != nil {
		return dst, 0, err
	}
	if got, want := adler32.Checksum(out[len(dst):]), binary.BigEndian.Uint32(src[end:]); got != want {
		return dst, 0, &ChecksumError{int64(end), fmt.Sprintf("Adler-32 0x%08x, but the data has 0x%08x", want, got)}
	}
	return out, end + trailerBytes, nil
}

// appendFramed is Append for a stream that begins at the byte begin of src and has a trailer, which ends within src. end is
// where the trailer begins.
func (d *Decoder) appendFramed(dst, src []byte, begin, trailerBytes, limitBytes int) (out []byte, end int, err error) {
	out, at, err := d.Append(dst, src[begin:], limitBytes)
	if corrupt, ok := err.(*CorruptError); ok { //nolint:errorlint // Append's own
		corrupt.Offset += int64(begin)
	}
	if err != nil {
		return dst, 0, err
	}
	if end = begin + int(at.SizeBytes); len(src)-end < trailerBytes {
		return dst, 0, ErrTruncated
	}
	return out, end, nil
}
