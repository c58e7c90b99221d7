package orcwrite

import (
	"bytes"
	"fmt"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/snappy"
)

// blockWriter cuts a stream into blocks and compresses each. A block begins
// with three bytes: its length times two, plus one where it is stored as it was.
type blockWriter struct {
	kind    Compression
	size    int // largest block before compression, bytes
	deflate *flate.Writer
	scratch bytes.Buffer
}

func newBlockWriter(kind Compression, size int) (blockWriter, error) {
	b := blockWriter{kind: kind, size: size}
	switch kind {
	case None, Snappy:
	case Zlib:
		var err error
		if b.deflate, err = flate.NewWriter(nil, flate.DefaultCompression); err != nil {
			return b, fmt.Errorf("orc: %w", err)
		}
	default:
		return b, fmt.Errorf("orc: compression %d cannot be written", kind)
	}
	return b, nil
}

// compress returns the stream as it stands in the file, and where in that its
// blocks begin.
func (b *blockWriter) compress(stream []byte) (out []byte, starts []int, err error) {
	if b.kind == None {
		return stream, nil, nil
	}
	for len(stream) > 0 {
		starts = append(starts, len(out))
		plain := stream[:min(len(stream), b.size)]
		stream = stream[len(plain):]
		packed, err := b.pack(plain)
		if err != nil {
			return nil, nil, fmt.Errorf("orc: compress a block: %w", err)
		}
		header := uint32(len(packed)) << 1
		if len(packed) >= len(plain) {
			packed, header = plain, uint32(len(plain))<<1|1
		}
		out = append(out, byte(header), byte(header>>8), byte(header>>16))
		out = append(out, packed...)
	}
	return out, append(starts, len(out)), nil
}

// pack compresses one block. The result is valid until the next call.
func (b *blockWriter) pack(plain []byte) ([]byte, error) {
	if b.kind == Snappy {
		return snappy.Encode(nil, plain), nil
	}
	b.scratch.Reset()
	b.deflate.Reset(&b.scratch)
	if _, err := b.deflate.Write(plain); err != nil {
		return nil, err
	}
	if err := b.deflate.Close(); err != nil {
		return nil, err
	}
	return b.scratch.Bytes(), nil
}
