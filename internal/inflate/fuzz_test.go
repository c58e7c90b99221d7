package inflate

import (
	"bytes"
	stdgzip "compress/gzip"
	stdzlib "compress/zlib"
	"errors"
	"io"
	"strings"
	"testing"
)

// fuzzStreams adds streams of all kinds of blocks.
func fuzzStreams(f *testing.F, add func(stream []byte)) {
	all := samples()
	for _, c := range compressors() {
		for _, name := range []string{"nothing", "a word", "a pattern", "log lines", "skewed bytes", "short patterns", "zeros"} {
			add(c.compress(f, all[name][:min(len(all[name]), 2_000)]))
		}
	}
}

// Any bytes as a stream: the answers of the standard library and of klauspost/compress.
func FuzzAppend(f *testing.F) {
	fuzzStreams(f, func(stream []byte) { f.Add(stream) })
	d := newDecoders()
	f.Fuzz(func(t *testing.T, src []byte) { d.check(t, src) })
}

// Any codeword lengths in front of any bits: codes that compressors do not make, with second tables of all sizes.
func FuzzCodes(f *testing.F) {
	f.Add([]byte("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x0f"), []byte{1}, []byte{0x55, 0xaa, 0xff, 0xff})
	f.Add(bytes.Repeat([]byte{8}, 257), bytes.Repeat([]byte{5}, 30), []byte("abc"))
	f.Add(append(bytes.Repeat([]byte{9}, 144), bytes.Repeat([]byte{8}, 113)...), []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 15}, []byte("abc"))
	d := newDecoders()
	f.Fuzz(func(t *testing.T, litlens, dists, bits []byte) {
		w := new(bitWriter)
		w.dynamic(complete(litlens, 257, maxLitlen), complete(dists, 1, maxDist))
		for _, b := range bits {
			w.put(int(b), 8)
		}
		d.check(t, w.bytes())
	})
}

// complete makes codeword lengths of the lowest 4 bits of each byte, from least to most of them, and fills up what they leave of a code with
// further symbols, if there are, so that most are codes.
func complete(from []byte, least, most int) []int {
	lengths := make([]int, 0, most)
	const whole = 1 << maxCodewordBits
	used := 0
	for _, b := range from[:min(len(from), most)] {
		n := int(b & 15)
		if n > 0 && used+whole>>n > whole {
			n = 0
		}
		if n > 0 {
			used += whole >> n
		}
		lengths = append(lengths, n)
	}
	for len(lengths) < most && (len(lengths) < least || used < whole) {
		n := 0
		if used < whole {
			for n = 1; used+whole>>n > whole; n++ {
			}
			used += whole >> n
		}
		lengths = append(lengths, n)
	}
	return lengths
}

// Any data, compressed: what comes out is what went in.
func FuzzRoundTrip(f *testing.F) {
	all := compressors()
	for _, data := range samples() {
		f.Add(data[:min(len(data), 3_000)], 3, uint16(1))
	}
	f.Add([]byte("x"), 21, uint16(9_999))
	d := newDecoders()
	f.Fuzz(func(t *testing.T, data []byte, which int, times uint16) {
		data = bytes.Repeat(data, 1+int(times)%20)
		c := all[int(uint(which)%uint(len(all)))]
		got := d.inflate(t, c.compress(t, data))
		if got.err != nil || !bytes.Equal(got.data, data) {
			t.Fatalf("%s: %v, want %d bytes", c.name, got, len(data))
		}
	})
}

// Any bytes as a gzip member: the standard library's answer, with two exceptions. It ignores reserved flags, which
// RFC 1952 section 2.3.1.2 tells readers to refuse; and it refuses names and comments of more than 511 bytes.
func FuzzAppendGzip(f *testing.F) {
	fuzzStreams(f, func(stream []byte) {
		if data, _, err := new(Decoder).Append(nil, stream, 1<<20); err == nil {
			f.Add(gzipMember(stream, data))
		}
	})
	var d Decoder
	f.Fuzz(func(t *testing.T, src []byte) {
		got, n, err := d.AppendGzip(nil, src, 1<<30)
		r := bytes.NewReader(src)
		var want []byte
		gz, stdErr := stdgzip.NewReader(r)
		if stdErr == nil {
			gz.Multistream(false)
			want, stdErr = io.ReadAll(gz)
		}
		invalid := new(HeaderError)
		switch {
		case err == nil && stdErr == nil:
			if !bytes.Equal(got, want) || n != len(src)-r.Len() {
				t.Fatalf("%d bytes from %d, want %d from %d", len(got), n, len(want), len(src)-r.Len())
			}
		case err == nil && (!errors.Is(stdErr, stdgzip.ErrHeader) || len(src) < 512),
			stdErr == nil && !(errors.As(err, &invalid) && strings.Contains(invalid.Detail, "reserved flags")):
			t.Fatalf("%v; compress/gzip: %v", err, stdErr)
		}
	})
}

// Any bytes as a zlib stream: the standard library's answer.
func FuzzAppendZlib(f *testing.F) {
	for _, data := range samples() {
		for level := stdzlib.HuffmanOnly; level <= stdzlib.BestCompression; level++ {
			f.Add(zlibStream(f, data[:min(len(data), 1_000)], level))
		}
	}
	var d Decoder
	f.Fuzz(func(t *testing.T, src []byte) {
		got, n, err := d.AppendZlib(nil, src, 1<<30)
		r := bytes.NewReader(src)
		var want []byte
		z, stdErr := stdzlib.NewReader(r)
		if stdErr == nil {
			want, stdErr = io.ReadAll(z)
		}
		if (err == nil) != (stdErr == nil) || err == nil && (!bytes.Equal(got, want) || n != len(src)-r.Len()) {
			t.Fatalf("%d bytes from %d, %v, want %d from %d, %v", len(got), n, err, len(want), len(src)-r.Len(), stdErr)
		}
	})
}
