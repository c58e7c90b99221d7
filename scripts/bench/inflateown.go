package main

import (
	"encoding/binary"
	"errors"
	"hash/crc32"

	"github.com/s3compact/s3compact/internal/inflate"
)

// Bytes around the deflate data of a gzip member without optional fields, as
// zlib writes it (RFC 1952, section 2.3).
const (
	gzipHeaderBytes  = 10
	gzipTrailerBytes = 8
)

// ownInflate is s3compact's kernel, with the CRC-32 and the length of a gzip member.
func ownInflate(kind uint32) inflateFunc {
	var d inflate.Decoder
	if kind == rawDeflate {
		return func(out, stored []byte) error { return appendWhole(&d, out, stored, 0) }
	}
	return func(out, stored []byte) error {
		if len(stored) < gzipHeaderBytes+gzipTrailerBytes || string(stored[:4]) != "\x1f\x8b\x08\x00" {
			return errors.New("no gzip member without optional fields")
		}
		if err := appendWhole(&d, out, stored[gzipHeaderBytes:], gzipTrailerBytes); err != nil {
			return err
		}
		trailer := stored[len(stored)-gzipTrailerBytes:]
		if binary.LittleEndian.Uint32(trailer) != crc32.ChecksumIEEE(out) || binary.LittleEndian.Uint32(trailer[4:]) != uint32(len(out)) {
			return errors.New("the CRC-32 or the length is another one")
		}
		return nil
	}
}

// appendWhole inflates src, but for so many bytes behind the stream, into out.
func appendWhole(d *inflate.Decoder, out, src []byte, behindBytes int) error {
	got, end, err := d.Append(out[:0], src, len(out))
	if err == nil && (len(got) != len(out) || end.SizeBytes != int64(len(src)-behindBytes)) {
		err = errors.New("the stream is shorter than expected")
	}
	return err
}
