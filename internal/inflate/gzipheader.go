package inflate

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// The fields of a gzip member's header (RFC 1952 section 2.3.1).
const (
	magic1 = 0x1f
	magic2 = 0x8b

	methodDeflate = 8

	flagHeaderCRC = 1 << 1
	flagExtra     = 1 << 2
	flagName      = 1 << 3
	flagComment   = 1 << 4
	flagsReserved = 1<<5 | 1<<6 | 1<<7
)

// ErrNoMember says that what is there does not begin as a gzip member does.
var ErrNoMember = errors.New("no gzip header")

// HeaderError is a gzip or zlib header that the standard forbids.
type HeaderError struct {
	Detail string // for people; not stable
}

func (e *HeaderError) Error() string { return e.Detail }

// ReadGzipHeader reads the header of a gzip member, whatever the length of its fields, and not a byte more. The error is
// io.EOF where src ends before it, io.ErrUnexpectedEOF where src ends inside it, ErrNoMember where the magic number is missing,
// a [*HeaderError] for what the standard forbids, or else the error of src as it is.
func ReadGzipHeader(src io.ByteReader) error {
	h := headerReader{src: src}
	b, err := h.next()
	if err != nil {
		return err
	}
	if b != magic1 {
		return ErrNoMember
	}
	if err = h.read(); err == io.EOF { //nolint:errorlint // a wrapped one is the source's own
		return io.ErrUnexpectedEOF
	}
	return err
}

// headerReader reads a header byte by byte and keeps its CRC.
type headerReader struct {
	src io.ByteReader
	crc uint32
}

func (h *headerReader) next() (byte, error) {
	b, err := h.src.ReadByte()
	if err != nil {
		return 0, err
	}
	crc := ^h.crc
	h.crc = ^(crc32.IEEETable[byte(crc)^b] ^ crc>>8)
	return b, nil
}

// skip reads n bytes.
func (h *headerReader) skip(n int) error {
	for ; n > 0; n-- {
		if _, err := h.next(); err != nil {
			return err
		}
	}
	return nil
}

// skipString reads up to a zero byte.
func (h *headerReader) skipString() error {
	for {
		if b, err := h.next(); err != nil || b == 0 {
			return err
		}
	}
}

// uint16 reads two bytes, the lower first.
func (h *headerReader) uint16() (uint16, error) {
	low, err := h.next()
	if err != nil {
		return 0, err
	}
	high, err := h.next()
	return uint16(low) | uint16(high)<<8, err
}

// read reads all but the first byte.
func (h *headerReader) read() error {
	b, err := h.next()
	if err != nil {
		return err
	}
	if b != magic2 {
		return ErrNoMember
	}
	method, err := h.next()
	if err != nil {
		return err
	}
	if method != methodDeflate {
		return &HeaderError{fmt.Sprintf("compression method %d where only 8 (deflate) exists", method)}
	}
	flags, err := h.next()
	if err != nil {
		return err
	}
	if flags&flagsReserved != 0 {
		return &HeaderError{fmt.Sprintf("reserved flags are set: 0x%02x", flags)}
	}
	if err := h.skip(4 + 1 + 1); err != nil { // MTIME, XFL, OS
		return err
	}
	return h.readOptional(flags)
}

// readOptional reads the fields that the flags announce.
func (h *headerReader) readOptional(flags byte) error {
	if flags&flagExtra != 0 {
		n, err := h.uint16()
		if err != nil {
			return err
		}
		if err := h.skip(int(n)); err != nil {
			return err
		}
	}
	if flags&flagName != 0 {
		if err := h.skipString(); err != nil {
			return err
		}
	}
	if flags&flagComment != 0 {
		if err := h.skipString(); err != nil {
			return err
		}
	}
	if flags&flagHeaderCRC != 0 {
		want := uint16(h.crc)
		got, err := h.uint16()
		if err != nil {
			return err
		}
		if got != want {
			return &HeaderError{fmt.Sprintf("header CRC 0x%04x, but the header has 0x%04x", got, want)}
		}
	}
	return nil
}
