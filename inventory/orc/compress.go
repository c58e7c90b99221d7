package orc

import (
	"errors"
	"fmt"
	"slices"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// compressionKind is the generic compression of a file (specification, "Postscript").
type compressionKind int

const (
	compressionNone compressionKind = iota
	compressionZlib
	compressionSnappy
	compressionLZO
	compressionLZ4
	compressionZstd
)

// check tells whether this package can read the compression.
func (k compressionKind) check() error {
	switch k {
	case compressionNone, compressionZlib, compressionSnappy, compressionLZ4, compressionZstd:
		return nil
	case compressionLZO:
		return errors.New("compression LZO is not supported: write the file again with another compression, such as ZLIB or ZSTD")
	}
	return fmt.Errorf("compression kind %d is not known", int(k))
}

// decompressor undoes a file's compression. It is for one goroutine.
type decompressor struct {
	kind       compressionKind
	blockBytes int
	inflater   inflater
	zstd       *zstd.Decoder
	chunk      []byte // one decompressed chunk, for the codecs that need room for the largest
}

func newDecompressor(kind compressionKind, blockBytes int) *decompressor {
	return &decompressor{kind: kind, blockBytes: blockBytes}
}

// decompress returns the contents of a stored stream: chunks with a header of three bytes each (specification,
// "Compression"). They are put into *buf, which grows with what was really decompressed, never with what a header claims;
// without compression src itself is returned. More than limit bytes are an error.
func (d *decompressor) decompress(buf *[]byte, src []byte, limit int) ([]byte, error) {
	if d.kind == compressionNone {
		if len(src) > limit {
			return nil, fmt.Errorf("%d bytes exceed the limit of %d", len(src), limit)
		}
		return src, nil
	}
	dst := (*buf)[:0]
	for len(src) > 0 {
		if len(src) < 3 {
			return nil, errors.New("the header of a compression chunk is cut short")
		}
		header := int(src[0]) | int(src[1])<<8 | int(src[2])<<16
		n, original := header>>1, header&1 == 1
		src = src[3:]
		if n > len(src) {
			return nil, fmt.Errorf("a compression chunk of %d bytes has only %d", n, len(src))
		}
		var err error
		if dst, err = d.appendChunk(dst, src[:n], original); err != nil {
			return nil, err
		}
		if len(dst) > limit {
			return nil, fmt.Errorf("more than %d bytes, decompressed", limit)
		}
		src = src[n:]
	}
	*buf = dst
	return dst, nil
}

// appendChunk appends the contents of one chunk, at most blockBytes, to dst. They are src itself if original.
func (d *decompressor) appendChunk(dst, src []byte, original bool) ([]byte, error) {
	if original {
		if len(src) > d.blockBytes {
			return dst, fmt.Errorf("a chunk of %d bytes exceeds the block size of %d", len(src), d.blockBytes)
		}
		return append(dst, src...), nil
	}
	switch d.kind {
	case compressionZlib:
		return d.inflater.appendInflated(dst, src, d.blockBytes)
	case compressionSnappy:
		n, err := snappy.DecodedLen(src)
		if err != nil {
			return dst, err
		}
		if n > d.blockBytes {
			return dst, fmt.Errorf("a snappy chunk of %d bytes exceeds the block size of %d", n, d.blockBytes)
		}
		dst = slices.Grow(dst, n)
		if _, err = snappy.Decode(dst[len(dst):len(dst)+n], src); err != nil {
			return dst, err
		}
		return dst[:len(dst)+n], nil
	case compressionLZ4:
		d.chunk = resize(d.chunk, d.blockBytes)
		n, err := lz4.UncompressBlock(src, d.chunk)
		if err != nil {
			return dst, err
		}
		return append(dst, d.chunk[:n]...), nil
	case compressionZstd:
		if d.zstd == nil {
			var err error
			if d.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecodeAllCapLimit(true),
				zstd.WithDecoderMaxMemory(maxBlockBytes)); err != nil {
				return dst, err
			}
		}
		d.chunk = resize(d.chunk, d.blockBytes)
		out, err := d.zstd.DecodeAll(src, d.chunk[:0:d.blockBytes])
		if err != nil {
			return dst, err
		}
		return append(dst, out...), nil
	}
	return dst, d.kind.check()
}
