package orc

import (
	"bytes"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/flate"
)

// inflater decompresses raw DEFLATE (RFC 1951), which is what ORC calls ZLIB. It is for one goroutine.
type inflater struct {
	src bytes.Reader
	r   io.ReadCloser
}

// appendInflated appends what src decompresses to, at most limit bytes, to dst. src must be one whole DEFLATE stream.
func (f *inflater) appendInflated(dst, src []byte, limit int) ([]byte, error) {
	f.src.Reset(src)
	if f.r == nil {
		f.r = flate.NewReader(&f.src)
	} else if err := f.r.(flate.Resetter).Reset(&f.src, nil); err != nil {
		return nil, err
	}
	start := len(dst)
	for {
		if len(dst) == cap(dst) {
			dst = slices.Grow(dst, min(max(4*len(src), 512), limit+1))
		}
		// One byte more than allowed, so that too long a stream shows.
		room := min(cap(dst), start+limit+1)
		n, err := f.r.Read(dst[len(dst):room])
		dst = dst[:len(dst)+n]
		if len(dst)-start > limit {
			return nil, fmt.Errorf("a deflate chunk exceeds the block size of %d bytes", limit)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("inflate: %w", err)
		}
	}
	if f.src.Len() > 0 {
		return nil, fmt.Errorf("inflate: %d bytes follow the end of the stream", f.src.Len())
	}
	return dst, nil
}
