package orc

import (
	"bytes"
	"compress/flate"
	"strings"
	"testing"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// chunk frames the contents of one compression chunk.
func chunk(b []byte, original bool) []byte {
	header := len(b) << 1
	if original {
		header++
	}
	return append([]byte{byte(header), byte(header >> 8), byte(header >> 16)}, b...)
}

// compressors make one chunk's contents in the ways that this package reads.
var compressors = map[compressionKind]func(t testing.TB, b []byte) []byte{
	compressionZlib: func(t testing.TB, b []byte) []byte {
		var buf bytes.Buffer
		w, err := flate.NewWriter(&buf, 6)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(b); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	},
	compressionSnappy: func(_ testing.TB, b []byte) []byte { return snappy.Encode(nil, b) },
	compressionLZ4: func(t testing.TB, b []byte) []byte {
		dst := make([]byte, lz4.CompressBlockBound(len(b)))
		n, err := lz4.CompressBlock(b, dst, nil)
		if err != nil || n == 0 {
			t.Fatal(n, err)
		}
		return dst[:n]
	},
	compressionZstd: func(t testing.TB, b []byte) []byte {
		w, err := zstd.NewWriter(nil)
		if err != nil {
			t.Fatal(err)
		}
		return w.EncodeAll(b, nil)
	},
}

func TestDecompress(t *testing.T) {
	const block = 4096
	text := bytes.Repeat([]byte("logs/2024/05/17/host-1/"), block/23)
	for kind, compress := range compressors {
		d := newDecompressor(kind, block)
		var buf []byte
		packed := compress(t, text)
		src := append(append(chunk(packed, false), chunk([]byte("plain"), true)...), chunk(packed, false)...)
		want := append(append(bytes.Clone(text), "plain"...), text...)
		for range 2 { // the second time in memory that was used
			got, err := d.decompress(&buf, src, 1<<20)
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("kind %d: %d bytes, want %d: %v", kind, len(got), len(want), err)
			}
		}
		if _, err := d.decompress(&buf, src, len(want)-1); err == nil {
			t.Errorf("kind %d: no error beyond the limit", kind)
		}
		if got, err := newDecompressor(kind, len(text)).decompress(&buf, src, 1<<20); err != nil || !bytes.Equal(got, want) {
			t.Errorf("kind %d: a chunk as large as the block size: %v", kind, err)
		}
		if _, err := newDecompressor(kind, len(text)-1).decompress(&buf, src, 1<<20); err == nil {
			t.Errorf("kind %d: no error beyond the block size", kind)
		}
		if _, err := newDecompressor(kind, 4).decompress(&buf, chunk([]byte("plain"), true), 1<<20); err == nil {
			t.Errorf("kind %d: no error for an original chunk beyond the block size", kind)
		}
		for n := 1; n < len(packed); n++ {
			if got, err := d.decompress(&buf, chunk(packed[:n], false), 1<<20); err == nil && len(got) >= len(text) {
				t.Errorf("kind %d: %d bytes from a chunk cut at %d of %d", kind, len(got), n, len(packed))
			}
		}
		for n := range src {
			if got, err := d.decompress(&buf, src[:n], 1<<20); err == nil && n != 0 && n != len(packed)+3 && n != len(packed)+11 {
				t.Errorf("kind %d: %d bytes from a stream cut at %d of %d", kind, len(got), n, len(src))
			}
		}
	}
	var buf []byte
	behind := chunk(append(compressors[compressionZlib](t, text), 0), false)
	if _, err := newDecompressor(compressionZlib, block).decompress(&buf, behind, 1<<20); err == nil ||
		!strings.Contains(err.Error(), "1 bytes follow") {
		t.Errorf("a byte behind a deflate stream: %v", err)
	}
}
