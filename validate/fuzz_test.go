package validate

import (
	"bytes"
	"compress/gzip"
	"errors"
	"hash/crc32"
	"io"
	"strings"
	"testing"
)

// fuzzSeeds are objects of every kind of block, member and fault.
func fuzzSeeds(f *testing.F) {
	small := gzipped(f, "{\"a\":1}\n")
	full := gzippedLevel(f, "{\"a\":1}", 9, gzip.Header{Name: "n", Comment: "c", Extra: []byte("AB\x00\x00")})
	for _, seed := range [][]byte{
		nil, small, full, join(small, full, small), NewlineMember, logObject(f, 2_000),
		gzippedLevel(f, "stored", gzip.NoCompression, gzip.Header{}), gzippedLevel(f, "huffman", gzip.HuffmanOnly, gzip.Header{}),
		withHeader(f, []byte{0x1f, 0x8b, 8, flagHeaderCRC, 0, 0, 0, 0, 0, 255, 0xc4, 0x2d}, "header CRC"),
		withHeader(f, []byte{0x1f, 0x8b, 8, flagsReserved, 0, 0, 0, 0, 0, 255}, "reserved flags"),
		// The header of the last block in the byte before, with a stored block; padding of ones.
		withDeflate([]byte{0x4a, 0x04, 0x04, 1, 0, 0xfe, 0xff, 'x'}, "ax"), withDeflate([]byte{0x4b, 0x04, 0xfc}, "a"),
		small[:1], small[:len(small)-8], changed(small, -1), changed(small, -8), append(bytes.Clone(small), 0, 0),
		[]byte("<html>"),
	} {
		f.Add(seed)
	}
}

// withDeflate is deflate data that inflates to data as a gzip member.
func withDeflate(deflate []byte, data string) []byte {
	return join([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}, deflate, trailer(data))
}

// Any bytes: no panic, and the same judgement as the standard library's reader, which finds each member where it is said to
// be, with two exceptions. It ignores reserved
// flags, which RFC 1952 section 2.3.1.2 tells readers to refuse; and it refuses names and comments of more than 511 bytes.
func FuzzGzip(f *testing.F) {
	fuzzSeeds(f)
	p := NewProver()
	var members []Member
	p.EachMember = func(m Member) {
		m.Header = bytes.Clone(m.Header)
		members = append(members, m)
	}
	f.Fuzz(func(t *testing.T, stored []byte) {
		members = nil
		got, err := p.Gzip(stored)
		data, stdErr := readStandard(stored)
		switch {
		case err == nil && stdErr == nil:
			if got.UncompressedBytes != int64(len(data)) || got.CRC32 != crc32.ChecksumIEEE(data) ||
				!bytes.Equal(got.First, data[:min(len(data), FirstBytes)]) || got.EndsWithNewline != bytes.HasSuffix(data, newline) {
				t.Errorf("proof %d bytes, CRC-32 %#x, ends with a newline %v: the data is another, %d bytes",
					got.UncompressedBytes, got.CRC32, got.EndsWithNewline, len(data))
			}
			if got.SizeBytes != int64(len(stored)) || got.CRC64 != CRC64(stored) || got.Members < 1 {
				t.Errorf("proof of %d stored bytes, CRC-64 %#x, %d members: want %d, %#x",
					got.SizeBytes, got.CRC64, got.Members, len(stored), CRC64(stored))
			}
			checkMembers(t, stored, string(data), members)
			for _, c := range []Content{ContentNDJSON, ContentLines} {
				checkRefusal(t, CheckContent(c, got), int64(len(data)))
			}
		case err == nil:
			if !errors.Is(stdErr, gzip.ErrHeader) || len(stored) < 512 {
				t.Errorf("proven, but the standard library says: %v", stdErr)
			}
		case stdErr == nil:
			var invalid *GzipError
			if !errors.As(err, &invalid) || !strings.Contains(invalid.Detail, "reserved flags") {
				t.Errorf("%v, but the standard library reads it", err)
			}
		default:
			checkRefusal(t, err, int64(len(stored)))
		}
	})
}

// checkRefusal wants no error, or one that blames a place inside the size bytes.
func checkRefusal(t *testing.T, err error, size int64) {
	t.Helper()
	if err == nil {
		return
	}
	var invalid *GzipError
	if !errors.As(err, &invalid) {
		t.Fatalf("%v is no *GzipError", err)
	}
	if invalid.Offset < 0 || invalid.Offset > size || invalid.Reason == "" || invalid.Detail == "" {
		t.Errorf("%v, of %d bytes", err, size)
	}
}

func readStandard(stored []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(stored))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// In memory and as a stream, the same members, proof or fault.
func FuzzGzipStream(f *testing.F) {
	fuzzSeeds(f)
	p := NewProver()
	f.Fuzz(func(t *testing.T, stored []byte) { prove(t, p, stored) })
}

// Two objects of any data, joined: the output's proof is the sum of theirs.
func FuzzJoined(f *testing.F) {
	f.Add([]byte("{\"a\":1}\n"), []byte("{\"b\":2}"), 6, 0)
	f.Add([]byte("{\"a\":1}"), []byte(""), 0, 9)
	f.Add([]byte(""), []byte("x"), -2, 1)
	f.Fuzz(func(t *testing.T, a, b []byte, levelA, levelB int) {
		level := func(n int) int { // of all the standard library has
			const levels = gzip.BestCompression - gzip.HuffmanOnly + 1
			return gzip.HuffmanOnly + int(uint(n)%uint(levels))
		}
		checkJoin(t, gzippedLevel(t, string(a), level(levelA), gzip.Header{}), gzippedLevel(t, string(b), level(levelB), gzip.Header{}))
		checkCombination(t, a, b)
	})
}
