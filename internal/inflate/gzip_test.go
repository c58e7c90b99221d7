package inflate

import (
	"bytes"
	stdzlib "compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"testing"
	"testing/iotest"
)

// gzipMember is a stream with the shortest header and its trailer.
func gzipMember(stream, data []byte) []byte {
	b := append([]byte{magic1, magic2, methodDeflate, 0, 0, 0, 0, 0, 0, 255}, stream...)
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(data))
	return binary.LittleEndian.AppendUint32(b, uint32(len(data)))
}

func zlibStream(t testing.TB, data []byte, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := stdzlib.NewWriterLevel(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// flipped is a copy of b with the lowest bit of a byte inverted; a negative offset counts from the end.
func flipped(b []byte, offset int) []byte {
	b = bytes.Clone(b)
	if offset < 0 {
		offset += len(b)
	}
	b[offset] ^= 1
	return b
}

func TestFraming(t *testing.T) {
	data := samples()["log lines"][:1000]
	c := compressors()[8]
	member, z := gzipMember(c.compress(t, data), data), zlibStream(t, data, 6)
	n := len(member)
	var d Decoder
	type appended func(dst, src []byte, limitBytes int) ([]byte, int, error)
	for _, tt := range []struct {
		name   string
		decode appended
		src    []byte
		limit  int
		err    string // with the numbers left out; none where it must be right
	}{
		{"gzip", d.AppendGzip, member, 1000, ""},
		{"gzip, not alone", d.AppendGzip, append(bytes.Clone(member), member...), 1000, ""},
		{"gzip, too long", d.AppendGzip, member, 999, ErrTooLong.Error()},
		{"gzip, none", d.AppendGzip, nil, 1000, ErrTruncated.Error()},
		{"gzip, header cut", d.AppendGzip, member[:9], 1000, ErrTruncated.Error()},
		{"gzip, data cut", d.AppendGzip, member[:n-9], 1000, ErrTruncated.Error()},
		{"gzip, trailer cut", d.AppendGzip, member[:n-1], 1000, ErrTruncated.Error()},
		{"gzip, no magic", d.AppendGzip, flipped(member, 0), 1000, ErrNoMember.Error()},
		{"gzip, half of the magic", d.AppendGzip, flipped(member, 1), 1000, ErrNoMember.Error()},
		{"gzip, another method", d.AppendGzip, flipped(member, 2), 1000, "compression method 9 where only 8 (deflate) exists"},
		{"gzip, CRC", d.AppendGzip, flipped(member, -8), 1000, fmt.Sprintf("trailer at byte %d: CRC-32 0x%08x, but the data has 0x%08x",
			n-8, crc32.ChecksumIEEE(data)^1, crc32.ChecksumIEEE(data))},
		{"gzip, length", d.AppendGzip, flipped(member, -4), 1000, fmt.Sprintf("trailer at byte %d: length 1001, but the data has 1000 bytes", n-8)},
		{"gzip, block type", d.AppendGzip, gzipMember([]byte{7, 0, 0}, nil), 1000, "invalid deflate data at byte 11: reserved block type"},

		{"zlib", d.AppendZlib, z, 1000, ""},
		{"zlib, not alone", d.AppendZlib, append(bytes.Clone(z), "more"...), 1000, ""},
		{"zlib, too long", d.AppendZlib, z, 999, ErrTooLong.Error()},
		{"zlib, none", d.AppendZlib, nil, 1000, ErrTruncated.Error()},
		{"zlib, header cut", d.AppendZlib, z[:1], 1000, ErrTruncated.Error()},
		{"zlib, trailer cut", d.AppendZlib, z[:len(z)-1], 1000, ErrTruncated.Error()},
		{"zlib, check bits", d.AppendZlib, flipped(z, 1), 1000, fmt.Sprintf("0x%04x is no zlib header", binary.BigEndian.Uint16(z)^1)},
		{"zlib, method", d.AppendZlib, []byte{0x79, 0x19}, 1000, "0x7919 is no zlib header"},
		{"zlib, window", d.AppendZlib, []byte{0x88, 0x1c}, 1000, "0x881c is no zlib header"},
		{"zlib, dictionary", d.AppendZlib, []byte{0x78, 0xbb}, 1000, "the zlib stream needs a dictionary"},
		{"zlib, block type", d.AppendZlib, []byte{0x78, 0x9c, 7, 0, 0}, 1000, "invalid deflate data at byte 3: reserved block type"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, size, err := tt.decode([]byte("before"), tt.src, tt.limit)
			if tt.err != "" {
				if err == nil || err.Error() != tt.err || string(out) != "before" {
					t.Errorf("%q, %v, want %s", out, err, tt.err)
				}
				return
			}
			if err != nil || !bytes.Equal(out, append([]byte("before"), data...)) || size > len(tt.src) || size < len(z)-20 {
				t.Errorf("%d bytes from %d, %v", len(out), size, err)
			}
		})
	}
	if n := testing.AllocsPerRun(10, func() {
		if _, _, err := d.AppendGzip(data[:0], member, len(data)); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("AppendGzip: %v allocations", n)
	}
}

// The error of a reader is handed on as it is.
func TestReadGzipHeaderOfBrokenReader(t *testing.T) {
	header := []byte{magic1, magic2, methodDeflate, flagExtra | flagName | flagComment | flagHeaderCRC, 0, 0, 0, 0, 0, 255, 1, 0, 'x', 'n', 0, 'c', 0}
	header = binary.LittleEndian.AppendUint16(header, uint16(crc32.ChecksumIEEE(header)))
	broken := errors.New("connection reset")
	for n := range len(header) + 1 {
		whole := n == len(header)
		err := ReadGzipHeader(byteReader{io.MultiReader(bytes.NewReader(header[:n]), iotest.ErrReader(broken))})
		if whole != (err == nil) || !whole && !errors.Is(err, broken) {
			t.Errorf("broken behind %d bytes: %v", n, err)
		}
		want := io.ErrUnexpectedEOF
		switch n {
		case 0:
			want = io.EOF
		case len(header):
			want = nil
		}
		if err := ReadGzipHeader(bytes.NewReader(header[:n])); !errors.Is(err, want) {
			t.Errorf("cut behind %d bytes: %v, want %v", n, err, want)
		}
	}
}

type byteReader struct{ io.Reader }

func (r byteReader) ReadByte() (byte, error) {
	var b [1]byte
	_, err := io.ReadFull(r, b[:])
	return b[0], err
}
