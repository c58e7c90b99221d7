package orc

import (
	"fmt"

	"github.com/s3compact/s3compact/internal/inflate"
)

// inflater decompresses raw DEFLATE (RFC 1951), which is what ORC calls ZLIB. It is for one goroutine.
type inflater struct{ decoder inflate.Decoder }

// appendInflated appends what src decompresses to, at most limit bytes, to dst. src must be one whole DEFLATE stream.
func (f *inflater) appendInflated(dst, src []byte, limit int) ([]byte, error) {
	dst, end, err := f.decoder.Append(dst, src, limit)
	if err != nil {
		return dst, fmt.Errorf("inflate: %w", err)
	}
	if rest := int64(len(src)) - end.SizeBytes; rest > 0 {
		return dst, fmt.Errorf("inflate: %d bytes follow the end of the stream", rest)
	}
	return dst, nil
}
