package main

import (
	"encoding/binary"
	"errors"
	"hash/crc32"

	"github.com/s3compact/s3compact/internal/inflate"
)

// ownInflate is s3compact's kernel.
func ownInflate(kind uint32) inflateFunc {
	var d inflate.Decoder
	return func(out, stored []byte) error {
		src := stored
		if kind == gzipMember {
			src = stored[10:]
		}
		got, end, err := d.Append(out[:0], src, len(out))
		if err != nil {
			return err
		}
		if len(got) != len(out) {
			return errors.New("short")
		}
		if kind == gzipMember {
			if binary.LittleEndian.Uint32(src[end.SizeBytes:]) != crc32.ChecksumIEEE(got) {
				return errors.New("CRC-32")
			}
		}
		return nil
	}
}
